//! With real processes. Those that limit themselves are this test program once more, running the
//! one test `child` with what it shall do in its environment.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

const ROLE: &str = "LIMITS_TEST_ROLE";
const FILE: &str = "LIMITS_TEST_FILE";

/// Room for everything, so that a test lowers the one limit it is about.
fn limits() -> Limits {
    Limits {
        address_space: 4 << 30,
        cpu: Duration::from_secs(60),
        wall: Duration::from_secs(60),
        output: 64 * 1024,
    }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

fn run(script: &str, limits: &Limits) -> Outcome {
    run_limited(&mut shell(script), limits, &AtomicBool::new(false)).unwrap()
}

fn this_program(role: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // The name of the test as the harness knows it: this module without the name of the crate.
    let module = module_path!().split_once("::").unwrap().1;
    command.args(["--exact", &format!("{module}::child"), "--nocapture"]).env(ROLE, role).env(FILE, file);
    command
}

fn limits_of(role: &str) -> Limits {
    match role {
        "burn" => Limits { cpu: Duration::from_millis(500), ..limits() },
        "allocate" => Limits { address_space: 256 << 20, ..limits() },
        _ => limits(),
    }
}

/// No test of its own: what a limited child does.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let file = PathBuf::from(std::env::var_os(FILE).unwrap());
    if role == "middle" {
        let ended = run_limited(&mut this_program("wait", &file), &limits(), &AtomicBool::new(false));
        unreachable!("this process is killed first: {ended:?}");
    }
    if let Err(error) = apply_to_self(&limits_of(&role)) {
        fs::write(&file, error.to_string()).unwrap();
        std::process::exit(3);
    }
    match role.as_str() {
        "burn" => loop {
            std::hint::spin_loop();
        },
        "allocate" => drop(std::hint::black_box(vec![1_u8; 1 << 30])),
        "files" => {
            let opened = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect::<Vec<_>>();
            std::process::exit(i32::try_from(opened.len()).unwrap());
        }
        "limits" => fs::copy("/proc/self/limits", &file).map(drop).unwrap(),
        "wait" => {
            fs::write(&file, format!("{}\n", std::process::id())).unwrap();
            loop {
                thread::park();
            }
        }
        other => unreachable!("{other}"),
    }
    std::process::exit(0);
}

#[test]
fn the_exit_code_and_both_outputs_come_back() {
    let outcome = run("echo out; echo err >&2; exit 7", &limits());
    let stderr_tail = "err\n".to_owned();
    assert_eq!(outcome, Outcome::Exited { code: 7, stdout: b"out\n".to_vec(), stderr_tail });
}

#[test]
fn a_busy_loop_and_a_sleep_are_stopped_by_the_clock() {
    for script in ["while :; do :; done", "exec sleep 1000", "sleep 1000 & sleep 1000"] {
        let begun = Instant::now();
        let wall = Duration::from_millis(300);
        assert_eq!(run(script, &Limits { wall, ..limits() }), Outcome::TimedOut, "{script}");
        assert!(begun.elapsed() >= wall && begun.elapsed() < Duration::from_secs(30), "{script}");
    }
}

#[test]
fn endless_output_is_stopped_and_output_at_the_limit_is_not() {
    assert_eq!(run("yes", &limits()), Outcome::TooMuchOutput);
    let five = Limits { output: 5, ..limits() };
    assert_eq!(run("printf 123456", &five), Outcome::TooMuchOutput);
    let Outcome::Exited { stdout, .. } = run("printf 12345", &five) else { panic!("five bytes are allowed") };
    assert_eq!(stdout, b"12345");
}

#[test]
fn of_endless_errors_the_end_is_kept() {
    let Outcome::Exited { stderr_tail, code: 0, .. } =
        run("yes | head -c 1000000 >&2; echo end >&2", &limits())
    else {
        panic!("errors are no output")
    };
    assert_eq!(stderr_tail.len(), STDERR_TAIL);
    assert!(stderr_tail.ends_with("y\nend\n"));
}

#[test]
fn a_signal_is_told() {
    assert_eq!(run("kill -9 $$", &limits()), Outcome::Signalled(9));
    assert_eq!(run("kill -SEGV $$", &limits()), Outcome::Signalled(11));
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let missing = run_limited(&mut Command::new("/nowhere/lineside"), &limits(), &AtomicBool::new(false));
    assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn what_a_child_leaves_behind_is_killed_with_it() {
    // The one in the background keeps the pipes open; without the kill this would time out.
    let Outcome::Exited { code: 0, stdout, .. } = run("sleep 1000 & echo $!", &limits()) else {
        panic!("the shell ends at once")
    };
    wait_until_gone(String::from_utf8(stdout).unwrap().trim());
}

#[test]
fn a_child_that_closes_its_output_is_still_waited_for() {
    let Outcome::Exited { code, .. } = run("exec >&- 2>&-; sleep 0.2; exit 5", &limits()) else {
        panic!("it ends in time")
    };
    assert_eq!(code, 5);
}

#[test]
fn no_child_is_left_to_reap() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec yes", pid.display());
    assert_eq!(run(&script, &limits()), Outcome::TooMuchOutput);
    let pid = fs::read_to_string(pid).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "{pid} was not reaped");
}

#[test]
fn cpu_time_memory_and_files_are_limited_by_the_child_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("error");
    let end = |role| run_limited(&mut this_program(role, &file), &limits(), &AtomicBool::new(false)).unwrap();
    assert_eq!(end("burn"), Outcome::Signalled(Signal::XCPU.as_raw()));
    assert_eq!(end("allocate"), Outcome::Signalled(Signal::ABORT.as_raw()));
    let Outcome::Exited { code, .. } = end("files") else { panic!("it only counts") };
    assert!(code > 0 && code < i32::try_from(OPEN_FILES).unwrap(), "{code}");
    assert!(!file.exists());
}

#[test]
fn the_limits_are_what_the_system_shows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits");
    let outcome =
        run_limited(&mut this_program("limits", &file), &limits(), &AtomicBool::new(false)).unwrap();
    assert!(matches!(outcome, Outcome::Exited { code: 0, .. }), "{outcome:?}");
    let text = fs::read_to_string(file).unwrap();
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    for line in ["Max cpu time 60 61", "Max core file size 0 0", "Max address space 4294967296 4294967296"] {
        let line: Vec<_> = line.split(' ').collect();
        assert!(words.iter().any(|words| words.starts_with(&line)), "{line:?} in {text}");
    }
}

#[test]
fn a_child_dies_with_the_process_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let mut middle = this_program("middle", &file).stdout(Stdio::null()).spawn().unwrap();
    let pid = wait_for(|| fs::read_to_string(&file).ok()?.strip_suffix('\n').map(str::to_owned));
    middle.kill().unwrap();
    middle.wait().unwrap();
    wait_until_gone(&pid);
}

#[test]
fn a_child_whose_parent_is_gone_already_refuses_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("error");
    // Process 1 started neither.
    let status = this_program("limits", &file).env(PARENT, "1").stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(3));
    assert!(fs::read_to_string(file).unwrap().contains("is gone"));
}

/// Gone, or dead and waiting for whoever reaps orphans.
fn wait_until_gone(pid: &str) {
    wait_for(|| match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(") ").next().unwrap().starts_with('Z').then_some(()),
        Err(_) => Some(()),
    });
}

fn wait_for<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited for half a minute");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn limits_read_back_as_they_were_written() {
    let read: Limits = limits().to_string().parse().unwrap();
    assert_eq!((read.address_space, read.cpu), (limits().address_space, limits().cpu));
    assert!("60".parse::<Limits>().is_err());
}

#[test]
fn a_child_is_killed_when_its_caller_has_enough() {
    let stop = AtomicBool::new(true);
    assert_eq!(run_limited(&mut shell("exec sleep 1000"), &limits(), &stop).unwrap(), Outcome::Stopped);
}
