//! A conversation that ends when whoever asked no longer wants it.

use crate::slm::model::{Conversation, ModelError, Token};

/// A conversation that asks `go_on` between two chunks of a prompt and before every token.
pub(super) struct Watched<'a> {
    pub inner: Box<dyn Conversation>,
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

impl Conversation for Watched<'_> {
    fn feed(&mut self, tokens: &[Token], go_on: &dyn Fn() -> bool) -> Result<(), ModelError> {
        if !(self.go_on)() {
            return Err(ModelError::Stopped);
        }
        self.inner.feed(tokens, &|| (self.go_on)() && go_on())
    }

    fn logits(&self) -> &[f32] {
        self.inner.logits()
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn memory_bytes(&self) -> u64 {
        self.inner.memory_bytes()
    }

    fn fork(&self) -> Result<Box<dyn Conversation>, ModelError> {
        self.inner.fork()
    }
}
