//! Words of many incidents through the agent's own runtime, for whoever judges them:
//! `words BUNDLE < lines.jsonl > answers.jsonl`.
//!
//! Reads `{"case": …}` a line, in the form of `vectors.json`; other fields are passed over. Writes a line with the text, who
//! worded it, why the model's words were not taken where they were not, the deterministic sentence of the
//! same incident, and what the answer took.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lineside::clock::SystemClock;
use lineside::config::slm::TasksConfig;
use lineside::config::{ByteSize, Config, SlmConfig};
use lineside::incident::sentence;
use lineside::slm::rehearsal::ToldCase;
use lineside::slm::runtime::{Call, Priority, Reply, Request, Runtime, Words};
use serde::Deserialize;
use serde_json::json;

/// Nothing else needs this process's memory.
const MEMORY: ByteSize = ByteSize(1 << 40);

#[derive(Deserialize)]
struct Line {
    case: ToldCase,
}

fn main() -> Result<()> {
    let bundle = std::env::args_os().nth(1).map(PathBuf::from);
    let Some(bundle) = bundle else { bail!("usage: words BUNDLE < lines.jsonl > answers.jsonl") };
    let mut task = TasksConfig::default();
    task.summarize_incident.model = Some(bundle);
    let slm = SlmConfig { task, memory: MEMORY, threads: 1, ..SlmConfig::default() };
    let runtime = Runtime::start(&Config { slm, ..Config::default() }, Arc::new(SystemClock::new()))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let at = || format!("line {}", number + 1);
        let line: Line = serde_json::from_str(&line.with_context(at)?).with_context(at)?;
        let mut case = line.case.case();
        let incident = &mut case.incident;
        incident.summary = sentence::summary(&case.subject, incident.change, &incident.evidence);
        let deterministic = incident.summary.clone();
        let call = Call::new(Request::SummarizeIncident(Box::new(case)), Priority::Background, None);
        let answer = runtime.ask(call, None).wait().with_context(at)?;
        let Reply::Words(Words { text, fallback }) = answer.reply else { bail!("{}: no words", at()) };
        let told = json!({
            "text": text,
            "by": answer.by,
            "fallback": fallback,
            "deterministic": deterministic,
            "tokens_in": answer.usage.tokens_in,
            "tokens_out": answer.usage.tokens_out,
            "cpu_ms": answer.usage.cpu.as_secs_f64() * 1e3,
        });
        writeln!(out, "{told}")?;
    }
    out.flush()?;
    runtime.stop();
    Ok(())
}
