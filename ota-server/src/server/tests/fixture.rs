//! A server in a temporary folder, with a client and a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ed25519_dalek::{Signer, SigningKey};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::db;
use crate::repository::{Expiries, InitialKeys, PublishOptions, Repository, Terms};
use crate::rollouts::online::Online;
use crate::server::limits::Allowance;
use crate::server::{OperatorToken, Server, Settings};

pub const OPERATOR: &str = "0123456789abcdef0123456789abcdef";

/// Ten in the morning, and as much later as the test says.
pub struct Now(Arc<AtomicI64>);

impl Now {
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// A key that everyone can make from a number.
fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

const ROOT: u8 = 201;
const TARGETS: u8 = 202;
const ONLINE: u8 = 203;

/// The bundle of the catalogue, as one tar.
fn bundle() -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/catalog/detector");
    let names = ["manifest.toml", "model.onnx", "golden.json", "card.md"];
    let files = names.map(|name| (name, std::fs::read(folder.join(name)).unwrap()));
    let members = files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice()));
    let mut tar = Vec::new();
    lineside_bundle::archive::write(&members, &mut tar).unwrap();
    tar
}

pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub runtime: Runtime,
    pub server: Option<Server>,
    pub now: Now,
    agent: ureq::Agent,
    allowance: Allowance,
}

pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Far more than a test sends.
pub fn generous() -> Allowance {
    Allowance {
        all_per_second: 1_000_000.try_into().unwrap(),
        device_burst: 1_000_000.try_into().unwrap(),
        ..Allowance::default()
    }
}

impl Fixture {
    pub fn new() -> Fixture {
        Fixture::with(generous())
    }

    pub fn with(allowance: Allowance) -> Fixture {
        let mut fixture = Fixture::stopped(allowance);
        fixture.start();
        fixture
    }

    fn stopped(allowance: Allowance) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        for part in ["repo/metadata", "repo/targets"] {
            std::fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        Fixture {
            folder,
            runtime,
            server: None,
            now: Now(Arc::new(AtomicI64::new(start.as_second()))),
            agent: config.into(),
            allowance,
        }
    }

    /// With a real repository that holds release 1 of the detector.
    pub fn with_release() -> Fixture {
        let mut fixture = Fixture::stopped(generous());
        let keys = [key(ROOT), key(TARGETS), key(ONLINE)];
        let signers = keys.each_ref().map(|key| key as &dyn crate::keys::Signer);
        let [root, targets, online] = signers.map(|signer| signer.public());
        let initial = InitialKeys {
            root: vec![root],
            root_threshold: 1,
            targets: vec![targets],
            targets_threshold: 1,
            online,
        };
        let terms = Terms::at(Timestamp::from_second(fixture.now.0.load(Ordering::SeqCst)).unwrap());
        let repository = fixture.repository();
        repository.init(&initial, &signers, &terms).unwrap();
        let file = fixture.folder.path().join("detector.tar");
        std::fs::write(&file, bundle()).unwrap();
        repository.publish(&file, &signers, &PublishOptions::default(), &terms).unwrap();
        fixture.start();
        fixture
    }

    pub fn repository(&self) -> Repository {
        Repository::at(&self.repo())
    }

    pub fn start(&mut self) {
        let now = Arc::clone(&self.now.0);
        let settings = Settings {
            repo: self.repo(),
            state: self.folder.path().join("state"),
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            operator: OperatorToken::new(OPERATOR),
            allowance: self.allowance,
            database: db::Limits::default(),
            keep_events: std::time::Duration::from_secs(86_400),
            clock: Arc::new(move || Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap()),
        };
        let publisher = Arc::new(Online::new(self.repository(), Box::new(key(ONLINE)), Expiries::default()));
        self.server = Some(self.runtime.block_on(Server::start(settings, publisher)).unwrap());
    }

    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            // The client keeps its connections open; the server must not wait for them.
            self.agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
            self.runtime.block_on(server.stop());
        }
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn repo(&self) -> std::path::PathBuf {
        self.folder.path().join("repo")
    }

    pub fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.repo().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = path.with_extension("beside");
        std::fs::write(&beside, bytes).unwrap();
        rustix::fs::rename(&beside, &path).unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server().address())
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers.iter().fold(self.agent.get(self.url(path)), |r, (k, v)| r.header(*k, *v));
        answer(request.call().unwrap())
    }

    pub fn head(&self, path: &str) -> Answer {
        answer(self.agent.head(self.url(path)).call().unwrap())
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = headers.iter().fold(self.agent.post(self.url(path)), |r, (k, v)| r.header(*k, *v));
        answer(request.send(body).unwrap())
    }

    pub fn delete(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers.iter().fold(self.agent.delete(self.url(path)), |r, (k, v)| r.header(*k, *v));
        answer(request.call().unwrap())
    }

    pub fn operate(&self, path: &str, body: &Value) -> Answer {
        self.post(path, &[("authorization", &format!("Bearer {OPERATOR}"))], body.to_string().as_bytes())
    }

    pub fn look(&self, path: &str) -> Answer {
        self.get(path, &[("authorization", &format!("Bearer {OPERATOR}"))])
    }

    pub fn token(&self, body: &Value) -> String {
        let answer = self.operate("/v1/tokens", body);
        assert_eq!(answer.status, 201);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Enrols a device under `name`, with the key of `seed`.
    pub fn enrolled(&self, name: &str, seed: u8) -> Device {
        let device = Device::new(name, seed);
        let answer = self.enroll(&self.token(&json!({})), &device);
        assert_eq!(answer.status, 201, "{}", answer.json());
        device
    }

    pub fn enroll(&self, token: &str, device: &Device) -> Answer {
        let body = json!({"token": token, "device": device.name, "public_key": device.public_key()});
        self.post("/v1/enroll", &[], body.to_string().as_bytes())
    }

    pub fn report(&self, device: &Device, body: &Value) -> Answer {
        self.send(&device.name, &device.sign(body.to_string().as_bytes()), body.to_string().as_bytes())
    }

    pub fn send(&self, name: &str, signature: &str, body: &[u8]) -> Answer {
        self.post("/v1/status", &[("lineside-device", name), ("lineside-signature", signature)], body)
    }

    pub fn count(&self, sql: &'static str) -> i64 {
        let pool = self.server().app().database.pool();
        self.runtime.block_on(sqlx::query_scalar(sql).fetch_one(pool)).unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop();
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let body = response.body_mut().read_to_vec().unwrap();
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
}

pub struct Device {
    pub name: String,
    pub key: SigningKey,
}

impl Device {
    pub fn new(name: &str, seed: u8) -> Device {
        Device { name: name.to_owned(), key: SigningKey::from_bytes(&[seed; 32]) }
    }

    pub fn public_key(&self) -> String {
        hex::encode(self.key.verifying_key().as_bytes())
    }

    pub fn sign(&self, body: &[u8]) -> String {
        let message = [b"lineside-status-v1\n", body].concat();
        hex::encode(self.key.sign(&message).to_bytes())
    }

    pub fn body(&self, counter: u64, events: &[Value]) -> Value {
        json!({"device": self.name, "counter": counter, "group": "default", "agent": "0.1.0", "arch": "aarch64",
            "tags": {"line": "3"}, "models": {"detector": {"version": "1.0.0", "release": 1}}, "events": events})
    }
}

pub fn event(attempt: &str, seq: u64, phase: &str, reason: &str) -> Value {
    json!({"attempt": attempt, "seq": seq, "model": "detector", "release": 2, "rollout": "r-1", "phase": phase,
        "reason": reason, "detail": "", "time": "2026-11-21T10:00:03Z"})
}

/// A repository's file of `size` bytes that differ.
pub fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n * 31 % 251) as u8).collect()
}
