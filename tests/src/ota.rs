//! An OTA server with its repository and keys, and a gateway that follows it: the real programs,
//! on loopback.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lineside::status::client;
use lineside::status::report::StatusReport;
use lineside::update::control::{self, Answer, Request};
use lineside::update::event::{Event, Phase};
use lineside::update::show::Listed;
use tempfile::TempDir;

use crate::{agent, port, wait};

/// Keys are encrypted, as they are for everybody.
const PASSPHRASE: &str = "correct horse battery staple";

/// A repository with keys, and the server when it runs.
pub struct Ota {
    folder: TempDir,
    /// Where it listens.
    pub address: SocketAddr,
    root: PathBuf,
    server: Option<Child>,
}

impl Ota {
    /// Makes keys and a repository, and starts the server.
    ///
    /// # Panics
    /// When one of them cannot be made.
    #[must_use]
    pub fn start() -> Self {
        let mut ota = Self::offline();
        ota.serve();
        ota
    }

    /// Makes keys and a repository.
    ///
    /// # Panics
    /// When one of them cannot be made.
    #[must_use]
    pub fn offline() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("repo/metadata/1.root.json");
        let ota = Ota { folder, address: port::free(), root, server: None };
        let repo = ota.repo();
        ota.run(&["init", text(&repo), "--keys", text(&ota.keys())]);
        fs::write(ota.folder.path().join("operator.token"), "an operator's token of forty characters")
            .expect("the operator's token");
        ota
    }

    /// Lets gateways that are made from now on follow a server of other make.
    pub fn follow_elsewhere(&mut self, address: SocketAddr, root: &Path) {
        (self.address, self.root) = (address, root.to_owned());
    }

    /// Starts the server.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn serve(&mut self) {
        let (repo, token) = (self.repo(), self.token());
        let state = self.folder.path().join("state");
        let online = self.keys().join("online.pem");
        let address = self.address.to_string();
        let server = self
            .command(&[
                "serve",
                "--repo",
                text(&repo),
                "--state",
                text(&state),
                "--listen",
                &address,
                "--online-key",
                text(&online),
                "--operator-token-file",
                text(&token),
                "--device-report-burst",
                "1000",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        self.server = Some(server);
        wait::until("the OTA server to listen", || TcpStream::connect(self.address).is_ok());
    }

    /// Ends the server without a word.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Publishes a bundle; a server that runs serves it when this returns.
    ///
    /// # Panics
    /// When it is refused.
    pub fn publish(&self, bundle: &Path) {
        self.run(&["publish", text(bundle), "--repo", text(&self.repo()), "--keys", text(&self.keys())]);
        if self.server.is_some() {
            self.until_served();
        }
    }

    /// The server looks once a second for what was published beside it.
    fn until_served(&self) {
        let laid = fs::read(self.repo().join("metadata/timestamp.json")).expect("a timestamp");
        let url = format!("http://{}/metadata/timestamp.json", self.address);
        wait::until("the server to see what was published", || {
            let answer = ureq::get(&url).call().and_then(|answer| answer.into_body().read_to_vec());
            answer.is_ok_and(|served| served == laid)
        });
    }

    /// Rolls a release of the detector out, at once and to everybody.
    ///
    /// # Panics
    /// When it is refused.
    pub fn roll_out(&self, release: u32) {
        let id = format!("r{release}");
        self.operate(&["create", "--model", "detector", "--release", &release.to_string(), "--id", &id]);
    }

    /// Calls `lineside-ota rollout` and returns what it prints.
    ///
    /// # Panics
    /// When it is refused.
    pub fn operate(&self, arguments: &[&str]) -> String {
        let server = format!("http://{}", self.address);
        let token = self.token();
        let first = ["rollout", "--server", &server, "--operator-token-file", text(&token)];
        self.run(&[&first, arguments].concat())
    }

    /// Makes a one-time token in a file.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn enrolment(&self) -> PathBuf {
        let server = format!("http://{}", self.address);
        let token = self.token();
        let printed =
            self.run(&["device", "--server", &server, "--operator-token-file", text(&token), "token", "new"]);
        let word = printed.split_whitespace().max_by_key(|word| word.len()).expect("a token is printed");
        let path = self.folder.path().join("enrol.token");
        fs::write(&path, word).expect("the token is written");
        path
    }

    /// Runs `lineside-ota`, and returns what it prints.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("lineside-ota runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lineside-ota {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(agent::ota());
        command.args(arguments).env("LINESIDE_OTA_PASSPHRASE", PASSPHRASE);
        command
    }

    /// The repository.
    #[must_use]
    pub fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// A folder for bundles and whatever else.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn token(&self) -> PathBuf {
        self.folder.path().join("operator.token")
    }
}

impl Drop for Ota {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A gateway that watches a simulated machine and follows an OTA server.
pub struct Follower {
    folder: TempDir,
    page: SocketAddr,
    agent: Option<Child>,
}

impl Follower {
    /// A gateway whose root of trust is `ota`'s first; `more` are further lines of its section
    /// `update`. It is not started yet.
    ///
    /// # Panics
    /// When its configuration cannot be written.
    #[must_use]
    pub fn new(ota: &Ota, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let page = port::free();
        let text = format!(
            "[gateway]\nsite = \"test\"\nname = \"gateway\"\ndata_dir = '{}'\n\
             [mqtt]\nenabled = false\n\
             [outbox]\nmin_free = \"0B\"\nballast = \"0B\"\n\
             [status]\nlisten = \"{page}\"\n\
             [update]\nenabled = true\nurl = \"http://{}\"\nroot = '{}'\ninterval = \"1s\"\n{more}\n\
             [update.backoff]\nmin = \"200ms\"\nmax = \"1s\"\n\
             [[device]]\nid = \"pump-1\"\nperiod = \"1s\"\n\
             [device.source]\ntype = \"simulate\"\nspeed = 20\n\
             [[device.channel]]\nname = \"flow\"\n[[device.channel]]\nname = \"pressure_out\"\n",
            folder.path().join("data").display(),
            ota.address,
            ota.root.display(),
        );
        fs::write(folder.path().join("agent.toml"), text).expect("the configuration");
        Follower { folder, page, agent: None }
    }

    /// A gateway that runs.
    #[must_use]
    pub fn start(ota: &Ota, more: &str) -> Self {
        let mut follower = Self::new(ota, more);
        follower.run();
        follower
    }

    /// Starts the agent.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn run(&mut self) {
        self.launch();
        wait::until("the agent to be ready", || self.report().is_some());
    }

    /// Starts the agent and does not wait for it.
    ///
    /// # Panics
    /// When the system gives no process.
    pub fn launch(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.log_file()).expect("a log");
        let agent = Command::new(agent::path())
            .args(["run", "--config"])
            .arg(self.config())
            .stderr(log)
            .spawn()
            .expect("the agent starts");
        self.agent = Some(agent);
    }

    /// Ends the agent without a word.
    pub fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }

    /// The agent's process.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.agent.as_ref().expect("a running agent").id()
    }

    /// What its page says.
    #[must_use]
    pub fn report(&self) -> Option<StatusReport> {
        client::report(self.page).ok()
    }

    /// Asks the running agent, or the update folder where none runs.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn ask(&self, request: &Request) -> Answer {
        let answer = control::ask(&self.folder.path().join("data/update"), request);
        answer.expect("the control socket").expect("an agent that runs")
    }

    /// The detector as `lineside model list` has it.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn detector(&self) -> Listed {
        match self.ask(&Request::List) {
            Answer::Models(models) => models.into_iter().next().expect("a model"),
            other => panic!("{other:?}"),
        }
    }

    /// What happened to releases here.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn history(&self) -> Vec<Event> {
        match self.ask(&Request::History) {
            Answer::History(events) => events,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until a release has come to `phase`, and returns what was said then.
    ///
    /// # Panics
    /// When it does not within the limit; the agent's log is shown.
    pub fn until(&self, release: u32, phase: Phase) -> Event {
        let find = || self.history().into_iter().rfind(|e| e.release == release && e.phase == phase);
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait::until(&format!("release {release} to be {phase:?}"), || find().is_some());
        }));
        if waited.is_err() {
            panic!("release {release} is not {phase:?}:\n{}", self.log());
        }
        find().expect("it was there")
    }

    /// Runs the agent's command line on this gateway and returns what it prints.
    ///
    /// # Panics
    /// When it fails.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = Command::new(agent::path())
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .output()
            .expect("lineside runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lineside {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("agent.toml")
    }

    /// Its update folder.
    #[must_use]
    pub fn update_folder(&self) -> PathBuf {
        self.folder.path().join("data/update")
    }

    /// What the agent has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("agent.log")
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.kill();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test is text")
}
