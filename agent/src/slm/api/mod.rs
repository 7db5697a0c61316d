//! The models of this gateway for programs on it, over HTTP: a few routes of our own, and as much
//! of OpenAI's API as a small model can answer. `docs/reference/slm-api.md` describes it.
//!
//! Promises: nobody beyond loopback is answered without the token; a field that would change the
//! answer and is not supported is refused by its name; a client that goes away stops what was
//! begun for it.

pub mod auth;
mod body;
pub mod client;
pub mod error;
pub mod fields;
pub mod gateway;
pub mod incident;
pub mod listen;
pub mod openai;
mod own;
mod refusal;
mod routes;
mod serve;
#[cfg(test)]
mod tests;

pub use auth::{Token, TokenError};
pub use error::ApiError;
pub use gateway::Gateway;
pub use listen::ListenError;
pub(crate) use own::Found;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::middleware;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::warn;

use self::listen::SocketFile;
use crate::config::slm::SlmApiConfig;

/// Why the API cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ApiStartError {
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Anybody on the network could ask.
    #[error(
        "slm.api.listen: {0} can be reached from other machines: set slm.api.token_file, or listen on \
         127.0.0.1"
    )]
    Open(SocketAddr),
}

/// The API, listening but not yet answering.
#[derive(Debug)]
pub struct ApiServer {
    tcp: TcpListener,
    socket: Option<SocketFile>,
    token: Option<Token>,
    address: SocketAddr,
}

/// The API while it answers.
#[derive(Debug)]
pub struct RunningApi {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl RunningApi {
    /// Takes no more requests, and returns when those that are under way have had a moment to end.
    pub async fn stop(self) {
        drop(self.stop);
        if self.task.await.is_err() {
            warn!("slm.api ended with a panic");
        }
    }
}

impl ApiServer {
    /// Listens where the configuration says, on the current async runtime; port 0 takes a free one.
    ///
    /// # Errors
    /// When it cannot listen, or anybody on the network could ask.
    pub fn bind(config: &SlmApiConfig) -> Result<Self, ApiStartError> {
        let token = config.token_file.as_deref().map(Token::read).transpose()?;
        if token.is_none() && !config.listen.ip().is_loopback() {
            return Err(ApiStartError::Open(config.listen));
        }
        let tcp = listen::tcp(config.listen)?;
        let address =
            tcp.local_addr().map_err(|cause| ListenError::Address { address: config.listen, cause })?;
        let socket = config.socket.as_deref().map(listen::unix).transpose()?;
        Ok(ApiServer { tcp, socket, token, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on, on the current async runtime.
    #[must_use]
    pub fn start(self, gateway: Arc<Gateway>) -> RunningApi {
        let (stop, stopped) = oneshot::channel();
        // A sender that is gone means the same as a word from it.
        let task = tokio::spawn(self.serve(gateway, async { drop(stopped.await) }));
        RunningApi { stop, task }
    }

    /// Answers until `stop` is done; what is under way then has a moment to end.
    async fn serve(self, gateway: Arc<Gateway>, stop: impl Future<Output = ()> + Send) {
        let ApiServer { tcp, socket, token, .. } = self;
        // Who may open the socket's file needs no token.
        let plain = routes::router(gateway);
        let guarded = match token {
            None => plain.clone(),
            Some(token) => plain.clone().layer(middleware::from_fn_with_state(token, auth::check)),
        };
        let (stopping, stopped) = watch::channel(false);
        let places = Arc::new(Semaphore::new(serve::CONNECTIONS));
        let on_socket = async {
            if let Some(socket) = &socket {
                serve::serve(&socket.listener, plain, Arc::clone(&places), stopped.clone()).await;
            }
        };
        let on_network = serve::serve(&tcp, guarded, Arc::clone(&places), stopped.clone());
        let told = async {
            stop.await;
            stopping.send_replace(true);
        };
        tokio::join!(on_network, on_socket, told);
    }
}
