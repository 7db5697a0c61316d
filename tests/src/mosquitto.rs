//! A real mosquitto on loopback, with a port, a configuration and a folder of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::certificates::Authority;
use crate::{port, wait};

/// What every test needs of the broker: it keeps sessions and messages over a restart and never
/// drops a message for want of room, as `deploy` recommends.
const SETTINGS: &str = "allow_anonymous true\npersistence true\nautosave_interval 1\n\
                        max_queued_messages 1000000\nmax_inflight_messages 0\nuser root\nlog_dest stdout\n";

/// A broker. Dropping it kills it.
#[derive(Debug)]
pub struct Mosquitto {
    folder: TempDir,
    /// Signed the broker's certificate and signs its clients'; `None` on a plain connection.
    pub authority: Option<Authority>,
    /// The port on loopback.
    pub port: u16,
    program: PathBuf,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts a broker without TLS, or says aloud that the test is skipped. `extra` are further
    /// lines of its configuration.
    #[must_use]
    pub fn plain(extra: &str) -> Option<Self> {
        Self::prepare()?.launch(extra)
    }

    /// Starts a broker that asks for client certificates, whose names are the user names, or says
    /// aloud that the test is skipped. `extra` are further lines of its configuration.
    #[must_use]
    pub fn tls(extra: &str) -> Option<Self> {
        let mut broker = Self::prepare()?;
        let authority = Authority::create(&broker.folder.path().join("certificates"))?;
        let (cert, key) = authority.sign("broker");
        let tls = format!(
            "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\nuse_identity_as_username true\n",
            authority.ca_file().display(),
            cert.display(),
            key.display(),
        );
        broker.authority = Some(authority);
        broker.launch(&(tls + extra))
    }

    fn prepare() -> Option<Self> {
        let found = ["mosquitto", "/usr/sbin/mosquitto"].into_iter().find(|program| {
            Command::new(program).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        });
        let Some(program) = found else {
            crate::skipped("mosquitto");
            return None;
        };
        let port = port::free().port();
        let folder = tempfile::tempdir().expect("a folder for the broker");
        Some(Mosquitto { folder, authority: None, port, program: program.into(), child: None })
    }

    fn launch(mut self, extra: &str) -> Option<Self> {
        let settings = format!(
            "listener {} 127.0.0.1\n{SETTINGS}persistence_location {}/\n{extra}\n",
            self.port,
            self.folder.path().display()
        );
        fs::write(self.folder.path().join("mosquitto.conf"), settings).expect("the broker's configuration");
        self.start();
        Some(self)
    }

    /// Its folder, for files that `extra` names.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it again and waits until it listens.
    ///
    /// # Panics
    /// When it does not start; its log is in the message.
    pub fn start(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("the broker's log");
        let child = Command::new(&self.program)
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdout(log.try_clone().expect("the broker's log"))
            .stderr(log)
            .spawn()
            .expect("the broker starts");
        let child = self.child.insert(child);
        let (port, log) = (self.port, self.folder.path().join("log"));
        wait::until("the broker to listen", || {
            if let Some(status) = child.try_wait().expect("the broker's status") {
                panic!("mosquitto ended with {status}: {}", fs::read_to_string(&log).unwrap_or_default());
            }
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
    }

    /// Ends it with SIGKILL.
    ///
    /// # Panics
    /// When it is not running.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the broker runs");
        child.kill().expect("the broker can be killed");
        child.wait().expect("the broker ends");
    }

    /// Makes it read its access rules again.
    ///
    /// # Panics
    /// When it is not running.
    pub fn reload(&self) {
        self.signal("HUP");
    }

    /// Makes it write sessions and messages to the disk now, and waits until it has.
    ///
    /// # Panics
    /// When it is not running.
    pub fn save(&self) {
        let file = self.folder.path().join("mosquitto.db");
        let _ = fs::remove_file(&file);
        self.signal("USR1");
        wait::until("the broker to save", || fs::metadata(&file).is_ok_and(|file| file.len() > 0));
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("the broker runs").id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(status.success(), "the broker takes SIG{name}");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}
