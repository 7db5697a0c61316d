//! Runs a process of our own that may go wrong, such as one that loads a model for the first time,
//! so that it can take neither the memory nor the time of the agent.
//!
//! The child limits itself, with [`apply_to_self`], before it does anything else: address space, CPU
//! time, open files, no core dump, and death when the agent dies. The parent keeps the clock and
//! counts the output, and in the end kills what is left of the child's process group and reaps it.
//! How the limits reach the child (arguments, environment) is for the caller to choose.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getppid, getrlimit, kill_process_group,
    set_parent_process_death_signal, setrlimit, waitid,
};

#[cfg(test)]
mod tests;

/// What a process with three pipes, a bundle and the libraries' own files needs, with room.
const OPEN_FILES: u64 = 64;

/// The end of what the child wrote to its standard error: a panic message and a few lines of log.
const STDERR_TAIL: usize = 4 * 1024;

/// How late a stop is noticed.
const LOOK: Duration = Duration::from_millis(100);

/// Read from a pipe at a time.
const CHUNK: usize = 8 * 1024;

/// Chunks that wait for the parent; a child that writes faster waits.
const WAITING_CHUNKS: usize = 4;

/// Names the parent to the child, which must notice when it was orphaned before it could ask to die
/// with its parent.
const PARENT: &str = "LINESIDE_PARENT_PID";

/// What a child may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of address space; also what is reserved and never touched counts, so leave room.
    pub address_space: u64,
    /// CPU time of all its threads together, rounded up to whole seconds.
    pub cpu: Duration,
    /// Time by the clock, from its start to the end of its output.
    pub wall: Duration,
    /// Bytes on its standard output.
    pub output: usize,
}

/// What the child must know of its limits, as one argument: `BYTES:SECONDS`.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.address_space, self.cpu.as_secs())
    }
}

impl FromStr for Limits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once(':')
            .and_then(|(space, cpu)| Some((space.parse().ok()?, Duration::from_secs(cpu.parse().ok()?))));
        let (address_space, cpu) = parsed.ok_or("must be bytes and seconds, such as `1073741824:60`")?;
        Ok(Limits { address_space, cpu, wall: Duration::MAX, output: usize::MAX })
    }
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, in time.
    Exited {
        /// The exit code.
        code: i32,
        /// All of its standard output.
        stdout: Vec<u8>,
        /// The end of its standard error; what is not UTF-8 is replaced.
        stderr_tail: String,
    },
    /// By a signal that is not ours: `SIGXCPU` when its CPU time was used up, `SIGABRT` when it ran
    /// out of memory, and whatever else it or the system did.
    Signalled(i32),
    /// It had not ended in time, and was killed.
    TimedOut,
    /// It wrote more than it may, and was killed.
    TooMuchOutput,
    /// The caller had enough, and it was killed.
    Stopped,
}

/// Runs `command` to its end, or until `stop`, in a process group of its own, with no input and with its output
/// taken. Of the limits, time by the clock and output hold for any child, the others for one that
/// calls [`apply_to_self`]. Blocks the thread, on which the life of such a child hangs.
///
/// # Errors
/// What the system answers when the process or a thread for it cannot be started.
pub fn run_limited(command: &mut Command, limits: &Limits, stop: &AtomicBool) -> io::Result<Outcome> {
    let deadline = Instant::now() + limits.wall;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env(PARENT, std::process::id().to_string()).process_group(0);
    let mut group = Group(command.spawn()?);
    let (events, received) = sync_channel(WAITING_CHUNKS);
    // The threads end with the child: the pipes close, and a sender without a receiver fails.
    read_all(group.0.stdout.take(), &events, Event::Stdout)?;
    read_all(group.0.stderr.take(), &events, Event::Stderr)?;
    let pid = Pid::from_child(&group.0);
    thread::Builder::new().name("limited child".into()).spawn(move || {
        wait_without_reaping(pid);
        let _ = events.send(Event::Ended);
    })?;
    match collect(&group, &received, deadline, limits.output, stop) {
        Collected::All { stdout, stderr } => {
            let status = group.0.wait()?;
            Ok(match status.code() {
                Some(code) => {
                    let stderr_tail = String::from_utf8_lossy(&stderr).into_owned();
                    Outcome::Exited { code, stdout, stderr_tail }
                }
                None => Outcome::Signalled(status.signal().unwrap_or_default()),
            })
        }
        Collected::TooMuch => Ok(Outcome::TooMuchOutput),
        Collected::Late => Ok(Outcome::TimedOut),
        Collected::Stopped => Ok(Outcome::Stopped),
    }
}

/// Sets the limits of this process, for good, and has it killed when the thread that started it
/// ends. To be called first of all, on the main thread, by a child of [`run_limited`]. Where the
/// system has set a limit that is lower already, that one stays.
///
/// # Errors
/// What the system answers, and that the parent is gone already.
pub fn apply_to_self(limits: &Limits) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let parent = getppid().map(|parent| parent.as_raw_nonzero().to_string());
    if std::env::var(PARENT).ok().is_some_and(|expected| Some(expected) != parent) {
        return Err(io::Error::other("the process that started this one is gone: nothing to do"));
    }
    let cpu = limits.cpu.as_secs() + u64::from(limits.cpu.subsec_nanos() > 0);
    tighten(Resource::Core, 0, 0)?;
    tighten(Resource::Nofile, OPEN_FILES, OPEN_FILES)?;
    // SIGXCPU first, which says why, and a second later SIGKILL, which cannot be caught.
    tighten(Resource::Cpu, cpu, cpu + 1)?;
    tighten(Resource::As, limits.address_space, limits.address_space)
}

fn tighten(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
    let set = getrlimit(resource);
    let lower = |wanted: u64, set: Option<u64>| Some(set.map_or(wanted, |set| set.min(wanted)));
    let maximum = lower(maximum, set.maximum);
    Ok(setrlimit(resource, Rlimit { current: lower(current, maximum), maximum })?)
}

/// A child that leads a process group, killed and reaped when it goes out of scope.
#[derive(Debug)]
struct Group(Child);

impl Group {
    /// The child is not reaped yet, so that its number cannot be another's.
    fn kill(&self) {
        // All that can be wrong is that no process is left.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.kill();
            let _ = self.0.wait();
        }
    }
}

/// What the threads tell.
#[derive(Debug)]
enum Event {
    /// Bytes of the standard output; none at its end.
    Stdout(Vec<u8>),
    /// Bytes of the standard error; none at its end.
    Stderr(Vec<u8>),
    /// The child has ended.
    Ended,
}

fn read_all(
    pipe: Option<impl Read + Send + 'static>,
    events: &SyncSender<Event>,
    event: fn(Vec<u8>) -> Event,
) -> io::Result<()> {
    let (mut pipe, events) = (pipe.ok_or(io::ErrorKind::BrokenPipe)?, events.clone());
    let read = move || {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match pipe.read(&mut chunk) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // A pipe that cannot be read has no more to say.
                Err(_) => 0,
            };
            if events.send(event(chunk[..read].to_vec())).is_err() || read == 0 {
                return;
            }
        }
    };
    thread::Builder::new().name("limited output".into()).spawn(read).map(drop)
}

/// Waits for the end of the child and leaves it to be reaped, so that its number stays its own.
fn wait_without_reaping(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
}

enum Collected {
    All { stdout: Vec<u8>, stderr: Vec<u8> },
    TooMuch,
    Late,
    Stopped,
}

/// Takes the output until the child has ended and both pipes are closed.
fn collect(
    group: &Group,
    received: &Receiver<Event>,
    deadline: Instant,
    output: usize,
    stop: &AtomicBool,
) -> Collected {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut open = 3;
    while open > 0 {
        let left = deadline.saturating_duration_since(Instant::now());
        match received.recv_timeout(left.min(LOOK)) {
            Ok(Event::Stdout(bytes)) => {
                open -= u8::from(bytes.is_empty());
                stdout.extend(bytes);
                if stdout.len() > output {
                    return Collected::TooMuch;
                }
            }
            Ok(Event::Stderr(bytes)) => {
                open -= u8::from(bytes.is_empty());
                stderr.extend(bytes);
                stderr.drain(..stderr.len().saturating_sub(STDERR_TAIL));
            }
            Ok(Event::Ended) => {
                open -= 1;
                // What it has left behind would keep the pipes open.
                group.kill();
            }
            Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => return Collected::Stopped,
            Err(RecvTimeoutError::Timeout) if left > LOOK => {}
            Err(RecvTimeoutError::Timeout) => return Collected::Late,
            // Every thread has told its end; it cannot come before `open` is 0.
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Collected::All { stdout, stderr }
}
