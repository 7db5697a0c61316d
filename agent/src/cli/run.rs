//! `lineside run`: the agent.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, ensure};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use super::exit::Exit;
use super::terminal::Paint;
use crate::agent::Agent;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Loaded};
use crate::status::{Metrics, StatusServer};

/// Runs the agent until it is told to stop.
///
/// # Errors
/// What keeps it from starting, or ends it before it is told to.
pub fn run(loaded: Loaded) -> anyhow::Result<ExitCode> {
    start_logging(&loaded.config.gateway.log)?;
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    // One thread drives all of the network: it waits most of the time, and threads cost memory.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(&loaded.config))?;
    Ok(Exit::Ok.into())
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let metrics = Metrics::install()?;
    // Listening comes first: a second agent on the same port is refused before it opens anything.
    let server = match config.status.enabled {
        true => Some(StatusServer::bind(config.status.listen).await?),
        false => None,
    };
    let agent = Agent::start(config, clock)?;
    let (stop, stopped) = watch::channel(false);
    let page = server.map(|server| {
        info!(address = %server.address(), "status at http://{}/status", server.address());
        let board = agent.board();
        tokio::spawn(server.serve(board, metrics, async move {
            let mut stopped = stopped;
            // A closed channel means the same: the agent has stopped.
            let _ = stopped.wait_for(|stop| *stop).await;
        }))
    });
    let died = tokio::select! {
        told = told_to_stop() => told.map(|()| false)?,
        () = agent.died() => true,
    };
    info!("stopping");
    let closing = agent.stop().await;
    stop.send_replace(true);
    if let Some(page) = page {
        page.await.context("the status page")??;
    }
    info!(depth = closing.outbox.depth, acknowledged = closing.outbox.acknowledged, "stopped");
    ensure!(!died, "a thread has died of a panic, see above; the service manager starts the agent again");
    Ok(())
}

/// Waits for SIGTERM, from a service manager, or SIGINT, from a terminal.
async fn told_to_stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        result = tokio::signal::ctrl_c() => result,
    }
}

/// Logs to the standard error output, which service managers keep; in colour on a terminal.
fn start_logging(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).context("gateway.log")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(Paint::stderr() == Paint::Colour)
        .init();
    Ok(())
}
