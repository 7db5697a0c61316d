//! A model that wants anything: its logits follow from a seed and the tokens it read, for tests of
//! what must hold whatever a model says.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::ManualClock;
use crate::slm::model::{Conversation, ModelError, Token};

#[derive(Clone)]
pub(crate) struct Dice {
    state: u64,
    context: usize,
    read: Vec<Token>,
    logits: Vec<f32>,
    /// After so many tokens the logits are broken.
    pub(crate) broken_after: Option<usize>,
    /// Moves on by so much with each token that is read.
    pub(crate) clock: Option<(Arc<ManualClock>, Duration)>,
}

impl Dice {
    pub(crate) fn new(seed: u64, vocabulary: usize, context: usize) -> Self {
        Dice {
            state: mix(seed),
            context,
            read: Vec::new(),
            logits: vec![0.0; vocabulary],
            broken_after: None,
            clock: None,
        }
    }

    pub(crate) fn read(&self) -> &[Token] {
        &self.read
    }
}

/// SplitMix64.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Conversation for Dice {
    fn feed(&mut self, tokens: &[Token], go_on: &dyn Fn() -> bool) -> Result<(), ModelError> {
        const SPREAD: f32 = 8.0;
        let tokens_then = self.read.len() + tokens.len();
        if tokens_then > self.context {
            return Err(ModelError::TooLong { tokens: tokens_then, context: self.context });
        }
        for &token in tokens {
            if !go_on() {
                return Err(ModelError::Stopped);
            }
            self.state = mix(self.state ^ u64::from(token));
            self.read.push(token);
            if let Some((clock, step)) = &self.clock {
                clock.advance(*step);
            }
        }
        for (at, logit) in (0_u64..).zip(&mut self.logits) {
            *logit = (mix(self.state ^ at) >> 40) as f32 / (1 << 24) as f32 * SPREAD;
        }
        if self.broken_after.is_some_and(|after| self.read.len() >= after) {
            self.logits[0] = f32::NAN;
        }
        Ok(())
    }

    fn logits(&self) -> &[f32] {
        if self.read.is_empty() { &[] } else { &self.logits }
    }

    fn len(&self) -> usize {
        self.read.len()
    }

    fn memory_bytes(&self) -> u64 {
        0
    }

    fn fork(&self) -> Result<Box<dyn Conversation>, ModelError> {
        Ok(Box::new(self.clone()))
    }
}
