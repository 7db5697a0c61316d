//! `lineside-ota serve`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;

use crate::db;
use crate::keys::{KeyFile, passphrase::Asker};
use crate::repository::{Expiries, Repository};
use crate::rollouts::online::Online;
use crate::server::limits::Allowance;
use crate::server::{OperatorToken, Server, Settings, Tls};

/// A year and a month: what was rolled out this time last year can still be compared.
const KEEP_EVENTS_DAYS: u64 = 400;
const DAY_S: u64 = 86_400;

/// The arguments of `serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The repository's folder
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// The folder of the server's own state
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The certificate with its chain, in PEM; without it the server speaks plain HTTP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The key that signs rollouts, snapshot and timestamp
    #[arg(long, value_name = "FILE")]
    pub online_key: PathBuf,
    /// The file with that key's passphrase; else the environment has it in LINESIDE_OTA_PASSPHRASE
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// The file with the token of the operator's API
    #[arg(long, value_name = "FILE")]
    pub operator_token_file: PathBuf,
    /// Reports and enrolments a second, of all devices together
    #[arg(long, value_name = "N", default_value_t = Allowance::default().all_per_second)]
    pub reports_per_second: NonZeroU32,
    /// Seconds in which a device's allowance grows by one report
    #[arg(long, value_name = "S", default_value_t = Allowance::default().device_every.as_secs())]
    pub device_report_every: u64,
    /// Reports that a device may send at once
    #[arg(long, value_name = "N", default_value_t = Allowance::default().device_burst)]
    pub device_report_burst: NonZeroU32,
    /// Largest size of the database, in MiB; at it reports are answered 503
    #[arg(long, value_name = "MIB", default_value_t = db::Limits::default().max_mib)]
    pub max_database: u64,
    /// Days after which the events of devices are deleted; how devices stand in rollouts stays
    #[arg(long, value_name = "DAYS", default_value_t = KEEP_EVENTS_DAYS)]
    pub keep_events: u64,
}

impl Serve {
    /// Serves until SIGTERM or Ctrl-C.
    pub(super) fn run(self) -> anyhow::Result<()> {
        serve(&self)
    }
}

fn serve(args: &Serve) -> anyhow::Result<()> {
    // A program that embeds this may have a log already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(log_filter())
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
    let repository = Repository::at(&args.repo);
    let state = repository.state()?;
    let passphrase = Asker::from_process(args.passphrase_file.clone()).existing("the online key")?;
    let key = KeyFile::open(&args.online_key, &passphrase)?;
    let id = crate::keys::Signer::public(&key).id();
    if !state.root.signed.role("timestamp").keyids.contains(&id) {
        bail!(
            "{}: key {id} is not the online key of {}; name the one that `init` was given as online",
            args.online_key.display(),
            args.repo.display()
        );
    }
    let publisher = Arc::new(Online::new(repository, Box::new(key), Expiries::default()));
    let settings = settings(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = stop_signal()?;
        let server = Server::start(settings, publisher).await?;
        tracing::info!(address = %server.address(), repo = %args.repo.display(), "serving");
        server.until(stop).await?;
        tracing::info!("stopped");
        Ok(())
    })
}

fn settings(args: &Serve) -> anyhow::Result<Settings> {
    let tls = args.tls_cert.clone().zip(args.tls_key.clone()).map(|(cert, key)| Tls { cert, key });
    Ok(Settings {
        repo: args.repo.clone(),
        state: args.state.clone(),
        listen: args.listen,
        tls,
        operator: OperatorToken::read(&args.operator_token_file)?,
        allowance: Allowance {
            all_per_second: args.reports_per_second,
            device_burst: args.device_report_burst,
            device_every: Duration::from_secs(args.device_report_every.max(1)),
        },
        database: db::Limits { max_mib: args.max_database },
        keep_events: Duration::from_secs(args.keep_events.saturating_mul(DAY_S)),
        clock: Arc::new(Timestamp::now),
    })
}

fn log_filter() -> tracing_subscriber::EnvFilter {
    let quiet = || tracing_subscriber::EnvFilter::new("info,sqlx=warn");
    std::env::var("RUST_LOG").map_or_else(|_| quiet(), |text| text.parse().unwrap_or_else(|_| quiet()))
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be waited for")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be waited for")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
