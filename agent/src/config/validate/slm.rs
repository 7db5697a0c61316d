//! The language models: what must be given together, and what cannot be.

use std::path::Path;

use super::refusals::Refusals;
use super::{DAY, HOUR, SECOND};
use crate::config::slm::{SamplingConfig, SlmConfig, time_of_day};
use crate::config::tree::{Step, found_text};
use crate::config::{ByteSize, Span};

/// More threads than a gateway has cores only wait for each other.
const MAX_THREADS: u64 = 64;
/// The smallest model that ships needs some MiB.
const MIN_MEMORY: ByteSize = ByteSize::mib(1);
const MAX_MEMORY: ByteSize = ByteSize(1 << 40);
/// Each waiting request holds its text.
const MAX_QUEUE: u64 = 10_000;
/// No core of a board draws more.
const MAX_WATTS: f64 = 1_000.0;
/// As far as `nice` goes.
const MAX_NICE: u64 = 19;
/// The longest context of today's models is far below.
const MAX_TOKENS: u64 = 1 << 20;
/// Hotter than this every token is as likely as any other.
const MAX_TEMPERATURE: f64 = 10.0;
const MAX_FAILURES: u64 = 1_000;
const MAX_PER_DAY: u64 = 1_000_000;
const MIN_TIMEOUT: Span = Span::millis(100);

/// Checks the section `slm`.
pub(super) fn slm(config: &SlmConfig, refusals: &mut Refusals<'_>) {
    let key = |key: &'static str| ["slm".into(), key.into()];
    refusals.range(&key("threads"), config.threads.into(), 1, MAX_THREADS);
    refusals.range(&key("memory"), config.memory, MIN_MEMORY, MAX_MEMORY);
    refusals.range(&key("queue"), config.queue.into(), 1, MAX_QUEUE);
    refusals.range(&key("deadline"), config.deadline, MIN_TIMEOUT, HOUR);
    number(&key("watts"), config.watts, MAX_WATTS, refusals);
    refusals.range(&key("nice"), config.nice.into(), 0, MAX_NICE);
    tasks(config, refusals);
    escalation(config, refusals);
    for (index, text) in config.report.at.iter().enumerate() {
        if time_of_day(text).is_none() {
            let path = ["slm".into(), "report".into(), "at".into(), index.into()];
            refusals.value(&path, found_text(text), "a time of day, such as \"06:00\"");
        }
    }
    let api = &config.api;
    if api.enabled && !api.listen.ip().is_loopback() && api.token_file.is_none() {
        let expected = format!("a token's file: {} is open to the network", api.listen);
        refusals.missing(&["slm".into(), "api".into(), "token_file".into()], expected);
    }
}

fn tasks(config: &SlmConfig, refusals: &mut Refusals<'_>) {
    let task = |task: &'static str, key: &'static str| ["slm".into(), "task".into(), task.into(), key.into()];
    for (named, path) in config.task.models() {
        if path.as_os_str().is_empty() {
            refusals.value(&task(named.name(), "model"), "an empty path", "a folder, a tar, or no such key");
        }
    }
    let tasks = &config.task;
    let classify = &tasks.classify_incident;
    if let Some(limit) = classify.min_confidence {
        number(&task("classify-incident", "min_confidence"), limit, 1.0, refusals);
    }
    if classify.signatures.as_deref() == Some(Path::new("")) {
        refusals.value(
            &task("classify-incident", "signatures"),
            "an empty path",
            "a file of fault modes, or no such key",
        );
    } else if classify.signatures.is_some() && classify.model.is_none() && !classify.built_in {
        let expected = "a bundle, or `built_in = true`: the modes are judged by a model";
        refusals.missing(&task("classify-incident", "model"), expected);
    }
    number(&task("classify-text", "min_confidence"), tasks.classify_text.min_confidence, 1.0, refusals);
    sampling("summarize-incident", &tasks.summarize_incident.sampling, refusals);
    sampling("shift-report", &tasks.shift_report.sampling, refusals);
    sampling("generate", &tasks.generate.sampling, refusals);
    let escalates = [
        ("classify-incident", classify.escalate, classify.model.is_some() || tasks.has_built_in()),
        ("summarize-incident", tasks.summarize_incident.escalate, tasks.summarize_incident.model.is_some()),
        ("shift-report", tasks.shift_report.escalate, tasks.shift_report.model.is_some()),
    ];
    for (name, _, served) in escalates.into_iter().filter(|(_, escalate, _)| *escalate) {
        if config.escalation.url.is_empty() {
            let expected = "false, or an endpoint in `slm.escalation.url`";
            refusals.value(&task(name, "escalate"), "true", expected);
        }
        if !served {
            let expected = "a bundle: only what a model here leaves open is escalated";
            refusals.missing(&task(name, "model"), expected);
        }
    }
}

fn sampling(task: &'static str, sampling: &SamplingConfig, refusals: &mut Refusals<'_>) {
    let key = |key: &'static str| ["slm".into(), "task".into(), task.into(), "sampling".into(), key.into()];
    refusals.range(&key("max_tokens"), sampling.max_tokens.into(), 1, MAX_TOKENS);
    number(&key("temperature"), sampling.temperature, MAX_TEMPERATURE, refusals);
    refusals.range(&key("top_k"), sampling.top_k.into(), 0, MAX_TOKENS);
    if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
        refusals.value(&key("top_p"), format!("the number {:?}", sampling.top_p), "above 0 and up to 1");
    }
}

fn escalation(config: &SlmConfig, refusals: &mut Refusals<'_>) {
    let escalation = &config.escalation;
    let key = |key: &'static str| ["slm".into(), "escalation".into(), key.into()];
    let breaker = |key: &'static str| ["slm".into(), "escalation".into(), "breaker".into(), key.into()];
    refusals.range(&key("timeout"), escalation.timeout, MIN_TIMEOUT, HOUR);
    refusals.range(&key("max_per_day"), escalation.max_per_day.into(), 0, MAX_PER_DAY);
    refusals.range(&breaker("failures"), escalation.breaker.failures.into(), 1, MAX_FAILURES);
    refusals.range(&breaker("pause"), escalation.breaker.pause, SECOND, DAY);
    let url = &escalation.url;
    if url.is_empty() {
        return;
    }
    let https = url.starts_with("https://");
    if !https && !url.starts_with("http://") {
        let expected = "an endpoint, such as \"https://llm.plant.example:8443/v1\"";
        refusals.value(&key("url"), found_text(url), expected);
    }
    if https && escalation.ca_file.is_none() {
        refusals.missing(&key("ca_file"), "the authority of the endpoint's certificate");
    }
    if escalation.model.is_empty() {
        refusals.missing(&key("model"), "the model's name at the endpoint");
    }
    if escalation.token_file.as_deref().is_some_and(|file| file == Path::new("")) {
        refusals.value(&key("token_file"), "an empty path", "a file, or no such key");
    }
}

/// A number from 0 to `most`.
fn number(path: &[Step<'_>], value: f64, most: f64, refusals: &mut Refusals<'_>) {
    if !(0.0..=most).contains(&value) {
        refusals.value(path, format!("the number {value:?}"), format!("a number from 0 to {most}"));
    }
}
