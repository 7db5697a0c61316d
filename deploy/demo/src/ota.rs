//! The OTA server in this process: new keys, a repository, and the operator who rolls out.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ed25519_dalek::SigningKey;
use lineside::config::UpdateConfig;
use lineside_ota::db;
use lineside_ota::keys::Signer;
use lineside_ota::repository::{Expiries, InitialKeys, PublishOptions, Published, Repository, Terms};
use lineside_ota::rollouts::online::Online;
use lineside_ota::server::limits::Allowance;
use lineside_ota::server::{OperatorToken, Server, Settings};
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::releases::Release;

/// Events are kept for longer than any demo.
const KEEP_EVENTS: Duration = Duration::from_secs(86_400);

/// A repository with its keys, and the server of it.
pub struct Ota {
    folder: PathBuf,
    repository: Repository,
    keys: Arc<Keys>,
    server: Server,
    operator: Operator,
}

/// In a plant root and targets keys lie in a safe; the server has the online key alone.
struct Keys {
    root: SigningKey,
    targets: SigningKey,
    online: SigningKey,
}

impl Ota {
    /// Makes keys and a repository in `folder` and serves it on a free loopback port.
    ///
    /// # Errors
    /// When a file cannot be written or no port is free.
    pub async fn start(folder: &Path) -> Result<Ota> {
        let keys = Arc::new(Keys { root: key()?, targets: key()?, online: key()? });
        let repository = Repository::at(&folder.join("repository"));
        keys.init(&repository)?;
        let word = hex::encode(random()?);
        let settings = Settings {
            repo: repository.folder().to_owned(),
            state: folder.join("server"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            operator: OperatorToken::new(&word),
            allowance: Allowance::default(),
            database: db::Limits::default(),
            keep_events: KEEP_EVENTS,
            clock: Arc::new(jiff::Timestamp::now),
        };
        let online = Online::new(repository.clone(), Box::new(keys.online.clone()), Expiries::default());
        let server = Server::start(settings, Arc::new(online)).await?;
        let operator = Operator::new(server.address(), &word);
        Ok(Ota { folder: folder.to_owned(), repository, keys, server, operator })
    }

    /// Lets a gateway follow this server: the root that it trusts, and a token to enrol with.
    ///
    /// # Errors
    /// When the server gives no token or it cannot be written.
    pub async fn follow(&self, update: &mut UpdateConfig) -> Result<()> {
        let answer = self.operator.post("/v1/tokens", json!({})).await?;
        let token = self.folder.join("enrol.token");
        std::fs::write(&token, answer["token"].as_str().context("the server gave no token")?)?;
        update.enabled = true;
        update.url = format!("http://{}", self.server.address());
        update.root = Some(self.repository.folder().join("metadata/1.root.json"));
        update.enroll_token_file = Some(token);
        Ok(())
    }

    /// Signs and publishes a release, and rolls it out to everybody at once.
    ///
    /// # Errors
    /// When the repository or the server refuses it.
    pub async fn publish(&self, release: &Release) -> Result<Published> {
        let file = self.folder.join(format!("{}.tar", rollout(release)));
        std::fs::write(&file, release.bundle()?)?;
        let (repository, keys) = (self.repository.clone(), Arc::clone(&self.keys));
        let published = spawn_blocking(move || keys.publish(&repository, &file)).await??;
        let order = json!({
            "id": rollout(release), "model": "detector", "group": "default", "release": release.release
        });
        self.operator.post("/v1/rollouts", order).await?;
        Ok(published)
    }

    /// What the server has heard from gateways about a release: how many stand where.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn heard(&self, release: &Release) -> Result<Value> {
        let shown = self.operator.get(format!("/v1/rollouts/{}", rollout(release))).await?;
        Ok(shown["cohorts"]["all"].clone())
    }

    /// Ends the server in order.
    pub async fn stop(self) {
        // The server waits for connections that are held open.
        drop(self.operator);
        self.server.stop().await;
    }
}

impl Keys {
    fn init(&self, repository: &Repository) -> Result<()> {
        let initial = InitialKeys {
            root: vec![self.root.public()],
            root_threshold: 1,
            targets: vec![self.targets.public()],
            targets_threshold: 1,
            online: self.online.public(),
        };
        repository.init(&initial, &[&self.root, &self.targets, &self.online], &terms())?;
        Ok(())
    }

    fn publish(&self, repository: &Repository, bundle: &Path) -> Result<Published> {
        let options = PublishOptions::default();
        Ok(repository.publish(bundle, &[&self.targets, &self.online], &options, &terms())?)
    }
}

/// The rollout of a release.
fn rollout(release: &Release) -> String {
    format!("r{}", release.release)
}

fn terms() -> Terms {
    Terms::at(jiff::Timestamp::now())
}

fn key() -> Result<SigningKey> {
    Ok(SigningKey::from_bytes(&random()?))
}

fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).context("the system gives no random numbers")?;
    Ok(bytes)
}

/// Who calls the operator's API. The client blocks, and the server runs on the caller's own thread.
struct Operator {
    agent: ureq::Agent,
    base: String,
    bearer: String,
}

impl Operator {
    fn new(server: SocketAddr, token: &str) -> Operator {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Operator { agent: config.into(), base: format!("http://{server}"), bearer: format!("Bearer {token}") }
    }

    async fn get(&self, path: String) -> Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("authorization", &self.bearer);
        spawn_blocking(move || read(request.call())).await?
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("authorization", &self.bearer);
        spawn_blocking(move || read(request.send(body.to_string()))).await?
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
    let mut answer = answer.context("the OTA server does not answer")?;
    let text = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("the OTA server answers {}: {text}", answer.status());
    }
    Ok(serde_json::from_str(&text)?)
}
