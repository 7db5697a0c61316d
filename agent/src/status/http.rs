//! The local page: `/healthz`, `/readyz`, `/metrics`, `/status`.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use super::board::StatusBoard;
use super::metrics::Metrics;
use super::report::StatusReport;

/// The content type of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Histograms gather some hundred measurements in this time, a few KiB.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// Another program listens there.
    #[error(
        "status.listen: {0} is in use; if another agent runs there, stop it, else set another port or \
         `status.enabled = false`"
    )]
    InUse(SocketAddr),
    /// The address is none of this machine's.
    #[error("status.listen: {0} is no address of this machine; use \"127.0.0.1:{port}\"", port = .0.port())]
    NotLocal(SocketAddr),
    /// Ports below 1024 need a privilege.
    #[error("status.listen: no permission to listen on {0}; use a port from 1024")]
    NotPermitted(SocketAddr),
    /// Whatever else the system answers.
    #[error("status.listen: cannot listen on {listen}: {cause}")]
    Other {
        /// The address.
        listen: SocketAddr,
        /// What the system answered.
        cause: io::Error,
    },
}

impl StatusError {
    fn of(listen: SocketAddr, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::AddrInUse => StatusError::InUse(listen),
            io::ErrorKind::AddrNotAvailable => StatusError::NotLocal(listen),
            io::ErrorKind::PermissionDenied => StatusError::NotPermitted(listen),
            _ => StatusError::Other { listen, cause },
        }
    }
}

/// The page's server, listening but not yet answering.
#[derive(Debug)]
pub struct StatusServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl StatusServer {
    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on, with what to do.
    pub async fn bind(listen: SocketAddr) -> Result<Self, StatusError> {
        let fail = |cause| StatusError::of(listen, cause);
        let listener = TcpListener::bind(listen).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok(StatusServer { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is done and the open requests are answered.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        board: Arc<StatusBoard>,
        metrics: Metrics,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StatusError> {
        let page = Arc::new(Page { board, metrics });
        let tidied = Arc::clone(&page);
        let tidy = async move {
            let mut interval = tokio::time::interval(TIDY_INTERVAL);
            loop {
                interval.tick().await;
                tidied.metrics.tidy();
            }
        };
        let listen = self.address;
        let server = axum::serve(self.listener, router(page)).with_graceful_shutdown(stop);
        tokio::select! {
            result = server => result.map_err(|cause| StatusError::of(listen, cause)),
            () = tidy => Ok(()),
        }
    }
}

struct Page {
    board: Arc<StatusBoard>,
    metrics: Metrics,
}

fn router(page: Arc<Page>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .fallback(async || (StatusCode::NOT_FOUND, "try /status, /metrics, /healthz or /readyz\n"))
        .with_state(page)
}

async fn ready(State(page): State<Arc<Page>>) -> Response {
    let reasons = page.board.not_ready();
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response()
}

async fn metrics(State(page): State<Arc<Page>>) -> Response {
    ([(header::CONTENT_TYPE, PROMETHEUS)], page.metrics.render()).into_response()
}

async fn status(State(page): State<Arc<Page>>) -> Json<StatusReport> {
    Json(page.board.report())
}

#[cfg(test)]
mod tests {
    use super::super::board::tests::{board, start};
    use super::super::client::{self, ClientError};
    use super::*;

    const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    /// Serves a board on a free port while `client` runs on a thread of its own.
    fn serve<T: Send + 'static>(
        board: Arc<StatusBoard>,
        client: impl FnOnce(SocketAddr) -> T + Send + 'static,
    ) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = StatusServer::bind(LOCAL).await.unwrap();
            let address = server.address();
            let (done, stop) = tokio::sync::oneshot::channel::<()>();
            let client = std::thread::spawn(move || {
                let answer = client(address);
                drop(done);
                answer
            });
            let metrics = Metrics::recorder().1;
            server.serve(board, metrics, async { drop(stop.await) }).await.unwrap();
            client.join().unwrap()
        })
    }

    fn get(address: SocketAddr, path: &str) -> (u16, String) {
        let answer = client::get(address, path).unwrap();
        (answer.status, answer.body)
    }

    #[test]
    fn healthz_answers_while_the_process_lives() {
        assert_eq!(serve(board(), |at| get(at, "/healthz")), (200, "ok\n".to_owned()));
    }

    #[test]
    fn readyz_says_why_it_is_not_ready_and_then_that_it_is() {
        let board = board();
        let answers = serve(Arc::clone(&board), move |at| {
            let before = get(at, "/readyz");
            start(&board);
            (before, get(at, "/readyz"))
        });
        assert_eq!(answers.0.0, 503);
        let reasons: serde_json::Value = serde_json::from_str(&answers.0.1).unwrap();
        assert_eq!(reasons["reasons"][0], "the outbox is not open yet");
        assert_eq!(answers.1, (200, "{\"ready\":true,\"reasons\":[]}".to_owned()));
    }

    #[test]
    fn metrics_are_prometheus_text() {
        let (code, text) = serve(board(), |at| get(at, "/metrics"));
        assert_eq!(code, 200);
        assert!(text.contains("# TYPE lineside_process_resident_bytes gauge"), "{text}");
    }

    #[test]
    fn status_is_the_boards_report() {
        let board = board();
        start(&board);
        let report = serve(Arc::clone(&board), |at| client::report(at).unwrap());
        // Memory moves between the two readings.
        let now = StatusReport { resident_bytes: report.resident_bytes, ..board.report() };
        assert_eq!(report, now);
    }

    #[test]
    fn an_unknown_path_names_the_known_ones() {
        let (code, text) = serve(board(), |at| get(at, "/"));
        assert_eq!((code, text.as_str()), (404, "try /status, /metrics, /healthz or /readyz\n"));
    }

    #[test]
    fn an_address_that_cannot_be_used_says_what_to_do() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let taken = StatusServer::bind(LOCAL).await.unwrap();
            let error = StatusServer::bind(taken.address()).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "status.listen: {} is in use; if another agent runs there, stop it, else set another port or \
                     `status.enabled = false`",
                    taken.address()
                )
            );
            let error = StatusServer::bind(SocketAddr::from(([203, 0, 113, 1], 9480))).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "status.listen: 203.0.113.1:9480 is no address of this machine; use \"127.0.0.1:9480\""
            );
        });
    }

    #[test]
    fn nobody_there_is_an_error_of_its_own() {
        let free = std::net::TcpListener::bind(LOCAL).unwrap().local_addr().unwrap();
        let error = client::report(free).unwrap_err();
        assert!(matches!(error, ClientError::NobodyListens { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            format!(
                "nothing listens on {free}: start the agent with `lineside run --config agent.toml`, or name \
                     its address with --address or its file with --config"
            )
        );
    }
}
