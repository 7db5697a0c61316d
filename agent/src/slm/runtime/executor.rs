//! The narrow door between the queue and the models.

use std::sync::Arc;

use super::reply::{Refusal, Reply};
use super::request::{Pieces, Request};
use super::router::Model;
use crate::slm::description::WordedBy;

/// Loads models.
pub trait Loader: Send + Sync {
    /// Loads a model.
    ///
    /// # Errors
    /// Why it cannot be loaded, in words.
    fn load(&self, model: &Model) -> Result<Arc<dyn Executor>, String>;
}

/// A loaded model.
pub trait Executor: Send + Sync {
    /// Memory it holds while nobody asks, in bytes.
    fn memory_bytes(&self) -> u64;

    /// Answers a request.
    ///
    /// # Errors
    /// [`Refusal::Cancelled`] when `run.go_on` said no; otherwise why it cannot be answered.
    fn run(&self, request: &Request, run: &Run<'_>) -> Result<Done, Refusal>;
}

/// What a request is run with.
pub struct Run<'a> {
    /// Asked between two steps of a model; `false` ends the work.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
    /// Where pieces of a text go.
    pub pieces: Option<&'a Pieces>,
}

/// An answer with the tokens that it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The answer.
    pub reply: Reply,
    /// Who answered.
    pub by: WordedBy,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// Most memory that it held beside the model's own, in bytes.
    pub memory_bytes: u64,
    /// The text as it was written out before it was classified, where the model does that.
    pub normalised: Option<String>,
}
