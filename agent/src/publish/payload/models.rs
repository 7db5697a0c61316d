//! `models`: what the language models cost. Retained.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figure::Figure;
use super::{Stamp, entries, json};
use crate::publish::Topics;
use crate::slm::runtime::{CostFigures, LoadedModel, SlmFigures};
use crate::time::Timestamp;

#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    boot: u32,
    waiting: u64,
    budget_bytes: u64,
    loaded: Loaded<'a>,
    costs: Vec<Cost<'a>>,
}

/// `{"words":31457280}`.
struct Loaded<'a>(&'a [LoadedModel]);

impl Serialize for Loaded<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        entries(self.0.iter().map(|model| (&model.name, model.bytes)), serializer)
    }
}

#[derive(Serialize)]
struct Cost<'a> {
    task: &'a str,
    model: &'a str,
    answered: u64,
    refused: &'a BTreeMap<String, u64>,
    tokens_in: u64,
    tokens_out: u64,
    cpu_ms: u64,
    energy_j: Figure,
    p50_ms: Figure,
    p95_ms: Figure,
    p99_ms: Figure,
    memory_peak_bytes: u64,
    abstained: u64,
    fallbacks: &'a BTreeMap<String, u64>,
    escalated: &'a BTreeMap<String, u64>,
}

impl<'a> Cost<'a> {
    fn of(figures: &'a CostFigures) -> Self {
        Cost {
            task: &figures.task,
            model: &figures.model,
            answered: figures.answered,
            refused: &figures.refused,
            tokens_in: figures.tokens_in,
            tokens_out: figures.tokens_out,
            cpu_ms: figures.cpu_ms,
            energy_j: figures.energy_j.into(),
            p50_ms: figures.p50_ms.into(),
            p95_ms: figures.p95_ms.into(),
            p99_ms: figures.p99_ms.into(),
            memory_peak_bytes: figures.memory_peak_bytes,
            abstained: figures.abstained,
            fallbacks: &figures.fallbacks,
            escalated: &figures.escalated,
        }
    }
}

/// What the language models cost since the agent started: topic and payload.
#[must_use]
pub fn models(topics: &Topics, figures: &SlmFigures, now: Timestamp, boot: u32) -> (String, Vec<u8>) {
    let message = Message {
        stamp: Stamp::of(now),
        boot,
        waiting: figures.waiting,
        budget_bytes: figures.budget_bytes,
        loaded: Loaded(&figures.loaded),
        costs: figures.costs.iter().map(Cost::of).collect(),
    };
    (topics.models(), json(&message))
}
