//! How an operator on the gateway talks to the running agent: one request and one answer, a line
//! of JSON each, over a socket that only the agent's user can open.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::show::Listed;

/// The socket's name within the update folder.
const SOCKET: &str = "control.sock";
/// A request is a line of some hundred bytes.
const MAX_REQUEST: u64 = 16 << 10;
/// Whoever connects and says nothing is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the listener looks whether the agent stops.
const LOOK: Duration = Duration::from_millis(100);

/// What an operator may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "request", deny_unknown_fields)]
pub enum Request {
    /// The models and their slots.
    List,
    /// What happened to releases here.
    History,
    /// Send the active release back and do not take it again.
    Rollback {
        /// The model's name.
        model: String,
    },
    /// Hold updates off, or let them in again.
    Pin {
        /// The model's name.
        model: String,
        /// Held off.
        pinned: bool,
    },
    /// Take a release off the deny list.
    Allow {
        /// The model's name.
        model: String,
        /// The release.
        release: u32,
    },
    /// Ask the server now.
    Poll,
    /// Take the newest release from a repository in a folder.
    Apply {
        /// The folder.
        from: PathBuf,
    },
}

/// What the agent answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Done.
    Done,
    /// The models.
    Models(Vec<Listed>),
    /// The history, oldest first.
    History(Vec<Event>),
    /// What became of each model.
    Applied(BTreeMap<String, String>),
    /// Not done, and why.
    Refused(String),
}

/// A request with the way back.
pub struct Asked {
    /// What is asked for.
    pub request: Request,
    /// Where the answer goes.
    pub answer: Sender<Answer>,
}

/// Listens for operators until the agent stops.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(folder: &Path, updater: Sender<Asked>, stop: Arc<AtomicBool>) -> io::Result<JoinHandle<()>> {
    let path = folder.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    thread::Builder::new().name("control".to_owned()).spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            match listener.accept() {
                // One at a time: an operator is a person.
                Ok((stream, _)) => drop(serve(stream, &updater)),
                Err(_) => thread::sleep(LOOK),
            }
        }
        let _ = std::fs::remove_file(path);
    })
}

fn serve(mut stream: UnixStream, updater: &Sender<Asked>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(Read::take(&stream, MAX_REQUEST)).read_line(&mut line)?;
    let answer = match serde_json::from_str(&line) {
        Err(error) => Answer::Refused(format!("not understood: {error}")),
        Ok(request) => {
            let (answer, answered) = channel();
            let asked = updater.send(Asked { request, answer });
            let gone = || Answer::Refused("the agent stops".to_owned());
            asked.map_err(drop).and_then(|()| answered.recv().map_err(drop)).unwrap_or_else(|()| gone())
        }
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    stream.write_all(&text)
}

/// Asks the agent that runs on this update folder; `None` when none does.
///
/// # Errors
/// When it breaks off or is not understood.
pub fn ask(folder: &Path, request: &Request) -> io::Result<Option<Answer>> {
    let mut stream = match UnixStream::connect(folder.join(SOCKET)) {
        Ok(stream) => stream,
        Err(error) => {
            let nobody = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
            return if nobody.contains(&error.kind()) { Ok(None) } else { Err(error) };
        }
    };
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(Some(serde_json::from_str(&line)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_answered_and_a_stranger_cannot_open_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ask(folder.path(), &Request::List).unwrap(), None, "nobody listens yet");
        let (updater, asked) = channel::<Asked>();
        let stop = Arc::new(AtomicBool::new(false));
        let listening = listen(folder.path(), updater, Arc::clone(&stop)).unwrap();
        let mode = std::fs::metadata(folder.path().join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let answering = thread::spawn(move || {
            let asked = asked.recv().unwrap();
            assert_eq!(asked.request, Request::Pin { model: "detector".into(), pinned: true });
            asked.answer.send(Answer::Done).unwrap();
        });
        let pin = Request::Pin { model: "detector".into(), pinned: true };
        assert_eq!(ask(folder.path(), &pin).unwrap(), Some(Answer::Done));
        answering.join().unwrap();
        let mut stranger = UnixStream::connect(folder.path().join(SOCKET)).unwrap();
        stranger.write_all(b"{\"request\":\"reboot\"}\n").unwrap();
        let mut line = String::new();
        BufReader::new(stranger).read_line(&mut line).unwrap();
        assert!(line.contains("not understood"), "{line}");
        stop.store(true, Ordering::Relaxed);
        listening.join().unwrap();
        assert_eq!(ask(folder.path(), &Request::List).unwrap(), None);
    }
}
