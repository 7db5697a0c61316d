//! How long a decoder takes, as the comparison with other runtimes measures it.

use std::time::Instant;

use lineside::slm::model::{LoadOptions, Token};

use super::{Failure, decoder};

/// Tokens of the prompt.
const PROMPT: usize = 128;
/// Tokens after it, one by one.
const STEPS: usize = 64;
/// Runs after one that warms up: the fastest of each counts.
const PASSES: usize = 3;
/// Coprime to the vocabularies, so that the tokens differ.
const STRIDE: usize = 7_919;

pub(super) fn run(bundle: &str, options: &LoadOptions) -> Result<(), Failure> {
    let before = resident_mib();
    let began = Instant::now();
    let decoder = decoder(bundle, options)?;
    let load_ms = millis(began);
    let vocabulary = decoder.vocabulary();
    let tokens: Vec<Token> = (1..=PROMPT + STEPS).map(|at| (at * STRIDE % vocabulary) as Token).collect();

    let mut passes = Vec::new();
    for _ in 0..=PASSES {
        let mut conversation = decoder.converse()?;
        let began = Instant::now();
        conversation.feed(&tokens[..PROMPT], &|| true)?;
        let prefill_ms = millis(began);
        let began = Instant::now();
        for token in &tokens[PROMPT..] {
            conversation.feed(std::slice::from_ref(token), &|| true)?;
        }
        passes.push((prefill_ms, millis(began) / STEPS as f64));
    }
    let least = |of: fn(&(f64, f64)) -> f64| passes[1..].iter().map(of).fold(f64::INFINITY, f64::min);
    let found = serde_json::json!({
        "before_mib": before, "load_ms": load_ms, "prefill_ms": least(|pass| pass.0),
        "token_ms": least(|pass| pass.1),
    });
    println!("{found}");
    Ok(())
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1_000.0
}

/// What this process holds now; 0 where the system does not tell.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<f64> = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.unwrap_or(0.0) / 1024.0
}
