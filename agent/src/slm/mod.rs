//! Small language models on the gateway: which fault an incident shows, what happened in words,
//! what a short text is about.
//!
//! ```text
//! runtime   router, queue, cache, cost: who is asked, when, and what it costs
//!   summary   evidence → prompt → words with slots → sentence     classify   labels with probabilities
//!     mask      what may be said: grammar, labels, slots and the evidence behind them
//!       decode    one token after the other
//!         tokenizer   text ↔ tokens          model   tokens → logits, on tract
//! api       the same for programs on this gateway          rehearsal   the same for whoever trains a model
//! ```
//!
//! Promise 4: a summary states no number that is not in its evidence. A model with slots never
//! sees or writes a digit ([`mask`]); any other model's words are compared with the evidence, and
//! the deterministic sentence stands in where they do not agree ([`summary`]).

pub mod api;
pub mod case;
pub mod classify;
pub mod decode;
pub mod description;
pub mod import;
pub mod mask;
pub mod model;
pub mod normalise;
pub mod rehearsal;
pub mod runtime;
pub mod shift;
pub mod summary;
pub mod tokenizer;
