//! Texts as vectors.

use super::Language;
use crate::slm::description::WordedBy;
use crate::slm::runtime::executor::{Done, Run};
use crate::slm::runtime::reply::{Refusal, Reply};

impl Language {
    pub(super) fn embed(&self, texts: &[String], run: &Run<'_>) -> Result<Done, Refusal> {
        let encoder = self.encoder()?;
        let (mut vectors, mut tokens_in) = (Vec::with_capacity(texts.len()), 0);
        for (at, text) in texts.iter().enumerate() {
            if !(run.go_on)() {
                return Err(Refusal::Cancelled);
            }
            let tokens = self.tokenizer.encode(text).map_err(|error| self.failed(error))?;
            let vector =
                encoder.encode(&tokens).map_err(|error| self.refusal(&format!("input[{at}]"), &error))?;
            tokens_in += tokens.len() as u64;
            vectors.push(vector);
        }
        let reply = Reply::Vectors(vectors);
        Ok(Done { reply, by: WordedBy::Model, tokens_in, tokens_out: 0, memory_bytes: 0, normalised: None })
    }
}
