//! The same wire as everybody's: python-tuf reads what we write, we read what python-tuf writes.
//!
//! Needs a Python with the package `tuf`, named by `LINESIDE_TUF_PYTHON`; `.ci/run` makes one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lineside::update::event::Phase;
use system_tests::bundles::{self, Kind, Trial};
use system_tests::ota::{Follower, Ota};
use system_tests::{data, port, skipped, wait};

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("LINESIDE_TUF_PYTHON").map(PathBuf::from);
    if python.is_none() {
        skipped("LINESIDE_TUF_PYTHON, a Python with the package `tuf`");
    }
    python
}

fn run(python: &Path, script: &str, arguments: &[&str]) -> String {
    let script = data::workspace().join("tests/interop").join(script);
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Ends a child when it goes out of scope.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn python_tuf_downloads_a_bundle_from_our_running_server() {
    let Some(python) = python() else { return };
    let ota = Ota::start();
    let bundle = bundles::detector(ota.folder(), 2, Kind::Good, Trial::default());
    ota.publish(&bundle);
    let (root, out) = (ota.repo().join("metadata/1.root.json"), ota.folder().join("downloaded"));
    let url = format!("http://{}", ota.address);
    let target = "models/detector/detector-1.2.0-r2.tar";
    run(&python, "download.py", &[root.to_str().unwrap(), &url, target, out.to_str().unwrap()]);
    assert_eq!(std::fs::read(out).unwrap(), std::fs::read(bundle).unwrap());
}

#[test]
fn a_repository_written_with_python_tuf_is_accepted_by_the_agent() {
    let Some(python) = python() else { return };
    let mut ota = Ota::offline();
    let bundle = bundles::detector(ota.folder(), 2, Kind::Good, Trial::default());
    let theirs = ota.folder().join("theirs");
    let arguments = [bundle.to_str().unwrap(), "detector", "1.2.0", "2", theirs.to_str().unwrap()];
    run(&python, "repository.py", &arguments);
    let address = port::free();
    ota.follow_elsewhere(address, &theirs.join("metadata/1.root.json"));
    let _server = Ended(
        Command::new("python3")
            .args(["-m", "http.server", "--bind", "127.0.0.1", &address.port().to_string()])
            .current_dir(&theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait::until("their server to listen", || std::net::TcpStream::connect(address).is_ok());
    let gateway = Follower::start(&ota, "");
    gateway.until(2, Phase::Committed);
    assert_eq!(gateway.detector().version, "1.2.0");
}
