//! `lineside-ota serve`: the repository's files, devices and the operator, over HTTP.
//!
//! Promise: nothing that the server holds lets it, or who takes it over, decide *what* may run: it
//! has the online key alone (decision 0006). What devices poll is static; only reports are written.

mod app;
mod counters;
mod devices;
pub mod error;
pub mod files;
mod keys;
pub mod limits;
mod operator;
mod schedule;
mod tls;
pub mod token;

#[cfg(test)]
mod tests;

pub use app::App;
pub use counters::Counters;
pub use devices::BODY_MAX;
pub use tls::Tls;
pub use token::OperatorToken;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use hyper_util::rt::TokioTimer;
use tokio::task::{JoinHandle, JoinSet};

use crate::db::{self, Database, DbError, writer::Writer};
use crate::rollouts::publisher::Publisher;
use crate::rollouts::service::Rollouts;

/// Connections that wait to be accepted: a plant that gets its power back comes all at once.
const BACKLOG: u32 = 1024;
/// A request's head comes within this, or the connection is closed.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// What is under way may take this long when the server stops; a download goes on elsewhere.
const STOP_TIME: Duration = Duration::from_secs(10);

/// Gives the time; at the edge it is the system's.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// What a server is told.
#[derive(Clone)]
pub struct Settings {
    /// The repository's folder, with `metadata/` and `targets/`.
    pub repo: PathBuf,
    /// The state folder.
    pub state: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The certificate, for HTTPS.
    pub tls: Option<Tls>,
    /// Who may use the operator's API.
    pub operator: OperatorToken,
    /// How much is taken from whom.
    pub allowance: limits::Allowance,
    /// What the database may take.
    pub database: db::Limits,
    /// How long events are kept. How each device stands in each rollout is kept for good.
    pub keep_events: Duration,
    /// The time.
    pub clock: Clock,
}

/// Why a server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The state.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The repository.
    #[error(transparent)]
    Files(#[from] files::FilesError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The address.
    #[error("{address}: {source}; choose another --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("the server ended: {0}")]
    Ended(io::Error),
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<io::Result<()>>,
    tasks: JoinSet<()>,
    writer: JoinHandle<()>,
    app: App,
}

impl Server {
    /// Starts one. When it returns, it answers.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn start(settings: Settings, publisher: Arc<dyn Publisher>) -> Result<Server, ServeError> {
        let files = files::Files::open(&settings.repo)?;
        let tls = settings.tls.as_ref().map(Tls::config).transpose()?;
        let database = Database::open(&settings.state, settings.database, (settings.clock)()).await?;
        let (writer, writing) = Writer::start(database.clone());
        let online_key = publisher.key_id();
        let rollouts = Rollouts::new(database.clone(), publisher);
        let app = App::new(&settings, files, database, writer, rollouts);
        app.started(&online_key).await?;
        let mut tasks = JoinSet::new();
        schedule::start(&app, &mut tasks);

        let (listener, address) = listen(settings.listen)
            .map_err(|source| ServeError::Listen { address: settings.listen, source })?;
        let handle = Handle::new();
        let service = router(app.clone()).into_make_service();
        let server = axum_server::from_tcp(listener)
            .map_err(|source| ServeError::Listen { address: settings.listen, source })?
            .handle(handle.clone());
        let mut server = server.http1_only();
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
        let serving = match tls {
            Some(config) => {
                let acceptor = axum_server::tls_rustls::RustlsAcceptor::new(config).acceptor(NoDelayAcceptor);
                tokio::spawn(server.acceptor(acceptor).serve(service))
            }
            None => tokio::spawn(server.acceptor(NoDelayAcceptor).serve(service)),
        };
        Ok(Server { address, handle, serving, tasks, writer: writing, app })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it is made of.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Serves until `stop` is ready, then stops.
    ///
    /// # Errors
    /// It ended by itself.
    pub async fn until(mut self, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        tokio::select! {
            ended = &mut self.serving => match ended {
                Ok(Ok(())) => Err(ServeError::Ended(io::Error::other("without an error"))),
                Ok(Err(error)) => Err(ServeError::Ended(error)),
                Err(error) => Err(ServeError::Ended(io::Error::other(error))),
            },
            () = stop => {
                self.stop().await;
                Ok(())
            }
        }
    }

    /// Takes no more connections, lets requests and writes that are under way end, and closes.
    pub async fn stop(mut self) {
        self.handle.graceful_shutdown(Some(STOP_TIME));
        // However they end, the database is closed below.
        let _ = self.serving.await;
        self.tasks.shutdown().await;
        let database = self.app.database.clone();
        drop(self.app);
        // The last connection's task drops the last sender; a stuck one does not hold up the end.
        let _ = tokio::time::timeout(STOP_TIME, self.writer).await;
        database.close().await;
    }
}

fn listen(address: SocketAddr) -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn router(app: App) -> Router {
    Router::new()
        .route("/metadata/{*path}", get(files::get))
        .route("/targets/{*path}", get(files::get))
        .route("/v1/enroll", post(devices::enroll))
        .route("/v1/status", post(devices::status))
        .merge(operator::routes())
        .route("/healthz", get(app::health))
        .route("/metrics", get(app::metrics))
        .with_state(app)
}
