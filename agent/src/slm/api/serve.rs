//! Connections: so many at a time, each with a limit for its request's head.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

/// Connections at a time; more wait to be accepted. A model answers one request after the other,
/// so that more would wait for it anyway, each with a body in memory.
pub(super) const CONNECTIONS: usize = 32;
/// A request's head comes within this, after the connection or the request before it.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// What is under way when the agent stops may take this long.
const STOP_TIME: Duration = Duration::from_secs(2);
/// When the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Something that is connected to.
pub(super) trait Accept {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Waits for the next one.
    fn next(&self) -> impl Future<Output = io::Result<Self::Io>>;
}

impl Accept for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn next(&self) -> io::Result<Self::Io> {
        let stream = self.accept().await?.0;
        // Each token of a stream goes out at once.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Accept for UnixListener {
    type Io = tokio::net::UnixStream;

    async fn next(&self) -> io::Result<Self::Io> {
        Ok(self.accept().await?.0)
    }
}

/// Answers until `stop` says so; what is under way then has a moment to end.
pub(super) async fn serve(
    listener: &impl Accept,
    router: Router,
    places: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let next = async { (place.await, listener.next().await) };
        let (place, io) = tokio::select! {
            next = next => next,
            // A closed channel means the same.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        match io {
            Ok(io) => {
                let connection = answer(io, router.clone(), stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) if is_the_clients(&error) => debug!("a connection failed: {error}"),
            Err(error) => {
                warn!("slm.api cannot accept connections: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIME, ended).await.is_err() {
        debug!("requests to slm.api were cut off");
    }
}

async fn answer(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let told = async { drop(stop.wait_for(|stop| *stop).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = told => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!("a connection to slm.api ended early: {error}");
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected
    )
}
