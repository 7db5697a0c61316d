//! The real program as a child process, over a repository of its own.
#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use lineside_ota::keys::{KeyFile, Passphrase, Signer as _};
use lineside_ota::repository::{InitialKeys, PublishOptions, Repository, Terms};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde_json::{Value, json};

pub const OPERATOR: &str = "0123456789abcdef0123456789abcdef";
const PASSPHRASE: &str = "correct horse battery staple";

/// A repository with release 1 of the detector, its online key and an operator's token.
pub struct Site {
    pub folder: tempfile::TempDir,
}

impl Site {
    pub fn new() -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap() };
        std::fs::write(site.path("operator.token"), OPERATOR).unwrap();
        std::fs::write(site.path("passphrase"), PASSPHRASE).unwrap();
        let mut random = UnwrapErr(SysRng);
        let passphrase = Passphrase::new(PASSPHRASE.to_owned());
        let online = KeyFile::create(&site.path("online.key"), &passphrase, &mut random).unwrap();
        let (root, targets) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let initial = InitialKeys {
            root: vec![root.public()],
            root_threshold: 1,
            targets: vec![targets.public()],
            targets_threshold: 1,
            online: online.public(),
        };
        let terms = Terms::at(Timestamp::now());
        let repository = Repository::at(&site.path("repo"));
        repository.init(&initial, &[&root, &targets, &online], &terms).unwrap();
        let bundle = site.path("detector.tar");
        std::fs::write(&bundle, bundle_bytes()).unwrap();
        repository.publish(&bundle, &[&targets, &online], &PublishOptions::default(), &terms).unwrap();
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments, run to its end.
    pub fn run(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_lineside-ota"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// A server that answers, with more arguments.
    pub fn serve(&self, more: &[&str]) -> Served {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lineside-ota"))
            .args(["serve", "--repo", "repo", "--state", "state", "--listen", "127.0.0.1:0"])
            .args(["--online-key", "online.key", "--passphrase-file", "passphrase"])
            .args(["--operator-token-file", "operator.token"])
            .args(["--reports-per-second", "1000000", "--device-report-burst", "1000000"])
            .args(more)
            .current_dir(self.folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let line = log.next().unwrap_or_else(|| panic!("it ended: {said:#?}")).unwrap();
            if let Some((_, rest)) = line.split_once("address=") {
                break rest.split_whitespace().next().unwrap().parse().unwrap();
            }
            said.push(line);
        };
        // Read on, so that the child never waits for its log.
        std::thread::spawn(move || log.for_each(drop));
        Served { child, address }
    }
}

/// A server that runs; killed when dropped.
pub struct Served {
    pub child: Child,
    pub address: SocketAddr,
}

impl Served {
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bundle_bytes() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/catalog/detector");
    let names = ["manifest.toml", "model.onnx", "golden.json", "card.md"];
    let files = names.map(|name| (name, std::fs::read(folder.join(name)).unwrap()));
    let members = files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice()));
    let mut tar = Vec::new();
    lineside_bundle::archive::write(&members, &mut tar).unwrap();
    tar
}

/// A device with a connection of its own.
pub struct Device {
    pub name: String,
    key: SigningKey,
    agent: ureq::Agent,
}

impl Device {
    pub fn enrolled(name: &str, seed: u8, address: SocketAddr) -> Device {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let device = Device { name: name.to_owned(), key: SigningKey::from_bytes(&[seed; 32]), agent };
        let auth = format!("Bearer {OPERATOR}");
        let request = device.agent.post(format!("http://{address}/v1/tokens")).header("authorization", auth);
        let made: Value =
            serde_json::from_str(&request.send("{}").unwrap().body_mut().read_to_string().unwrap()).unwrap();
        let public_key = hex::encode(device.key.verifying_key().as_bytes());
        let body = json!({"token": made["token"], "device": name, "public_key": public_key}).to_string();
        let enrolled = device.agent.post(format!("http://{address}/v1/enroll")).send(body).unwrap();
        assert_eq!(enrolled.status(), 201);
        device
    }

    /// A report with one event, which is the attempt `NAME-COUNTER`, and its signature.
    pub fn signed(&self, counter: u64) -> (String, String) {
        let event = json!({"attempt": format!("{}-{counter}", self.name), "seq": 0, "model": "detector",
            "release": 1, "rollout": "", "phase": "offered", "reason": "", "detail": "",
            "time": "2026-11-21T10:00:03Z"});
        let body = json!({"device": self.name, "counter": counter, "group": "default", "agent": "0.1.0",
            "arch": "aarch64", "tags": {}, "models": {}, "events": [event]})
        .to_string();
        let message = [b"lineside-status-v1\n", body.as_bytes()].concat();
        let signature = hex::encode(ed25519_dalek::Signer::sign(&self.key, &message).to_bytes());
        (body, signature)
    }

    /// Sends that report. Its status, or `None` when no answer came.
    pub fn report(&self, address: SocketAddr, counter: u64) -> Option<u16> {
        let (body, signature) = self.signed(counter);
        let request = self
            .agent
            .post(format!("http://{address}/v1/status"))
            .header("lineside-device", &self.name)
            .header("lineside-signature", signature);
        request.send(body).ok().map(|answer| answer.status().as_u16())
    }
}
