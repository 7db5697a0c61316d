//! An answer while it is written: server-sent events, one chunk for each piece of text.
//!
//! A client that goes away drops the stream, and with it the ticket: nobody writes on for it.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Head, Tokens};
use crate::slm::api::error::{self, ApiError};
use crate::slm::api::refusal;
use crate::slm::runtime::{Answer, Finish, Reply, Ticket};

/// The end of every stream that ended well.
const DONE: &str = "data: [DONE]\n\n";

/// How the chunks of one kind of answer look.
pub trait Chunks: 'static {
    /// Their `object`.
    const OBJECT: &'static str;
    /// What comes before the first piece.
    fn first() -> Option<impl Serialize>;
    /// A piece of the text.
    fn piece(text: &str) -> impl Serialize;
    /// What comes behind the last piece.
    fn last(finish: Finish) -> impl Serialize;
}

/// An answer that is being written.
struct Writing {
    head: Head,
    /// Whether what it took is said at the end, and `null` before.
    usage: bool,
    pieces: UnboundedReceiver<String>,
    ticket: Ticket,
}

#[derive(Serialize)]
struct Chunk<'a, C> {
    #[serde(flatten)]
    head: &'a Head,
    object: &'static str,
    choices: C,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Tokens>>,
}

/// Answers piece by piece. What is refused before the first piece is an error like any other.
///
/// # Errors
/// Why there is no answer.
pub async fn respond<C: Chunks>(
    head: Head,
    usage: bool,
    mut pieces: UnboundedReceiver<String>,
    ticket: Ticket,
) -> Result<Response, ApiError> {
    let first = pieces.recv().await;
    let writing = Writing { head, usage, pieces, ticket };
    let mut opening = C::first().map(|choice| writing.chunk::<C>(choice)).unwrap_or_default();
    let state = match first {
        Some(piece) => {
            opening += &writing.chunk::<C>(C::piece(&piece));
            Some(writing)
        }
        None => {
            let Writing { ticket, head, usage, .. } = writing;
            opening += &closing::<C>(&head, usage, ticket.await?);
            None
        }
    };
    let opening = stream::once(async move { opening });
    let rest = stream::unfold(state, |writing| async move {
        let mut writing = writing?;
        Some(match writing.pieces.recv().await {
            Some(piece) => (writing.chunk::<C>(C::piece(&piece)), Some(writing)),
            None => {
                let Writing { ticket, head, usage, .. } = writing;
                let text = match ticket.await {
                    Ok(answer) => closing::<C>(&head, usage, answer),
                    Err(refusal) => failure(&refusal.into()),
                };
                (text, None)
            }
        })
    });
    let frames =
        stream::StreamExt::map(stream::StreamExt::chain(opening, rest), Ok::<_, std::convert::Infallible>);
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, Body::from_stream(frames)).into_response())
}

impl Writing {
    fn chunk<C: Chunks>(&self, choice: impl Serialize) -> String {
        let usage = self.usage.then_some(None);
        frame(&Chunk { head: &self.head, object: C::OBJECT, choices: [choice], usage })
    }
}

/// The last chunks of an answer that is whole.
fn closing<C: Chunks>(head: &Head, usage: bool, answer: Answer) -> String {
    let Reply::Text { finish, .. } = answer.reply else {
        return failure(&refusal::other_reply());
    };
    let object = C::OBJECT;
    let last = [C::last(finish)];
    let mut text = frame(&Chunk { head, object, choices: last, usage: usage.then_some(None) });
    if usage {
        let none: [(); 0] = [];
        text += &frame(&Chunk { head, object, choices: none, usage: Some(Some(answer.usage.into())) });
    }
    text + DONE
}

/// The status code has gone out already: the refusal is the last event.
fn failure(error: &ApiError) -> String {
    frame(&error::Body { error: &error.detail })
}

fn frame(chunk: &impl Serialize) -> String {
    // JSON has no line breaks of its own, so that one line holds it.
    let json = serde_json::to_string(chunk).expect("a chunk has string keys and plain values only");
    format!("data: {json}\n\n")
}
