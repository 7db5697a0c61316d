//! Runs a model before it may watch a machine: it must load, give the outputs that its golden
//! vectors promise, and stay inside its own budget.
//!
//! Promise: [`probe`] answers with a report whatever the model does short of taking the process
//! down, in bounded time once the runtime has loaded it; what the manifest promises and the model
//! does not do is named. The model is loaded and run by the code that the detector, the diagnosis, or
//! the runtime of language models, itself uses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use std::time::Duration;

use lineside_bundle::{Bundle, Golden};

use crate::clock::{Clock, SystemClock};

mod diagnosis;
mod golden;
mod language;
mod latency;
mod memory;
mod promise;
mod report;
mod scores;

pub use report::{GoldenResult, ProbeReport, Reason, Verdict};

/// Why a model fails, in words.
struct Failure {
    reason: Reason,
    detail: String,
}

impl Failure {
    fn load(detail: impl ToString) -> Self {
        Failure { reason: Reason::LoadFailed, detail: detail.to_string() }
    }
}

/// Loads and runs the model of a bundle, and compares what it does with what its manifest says.
#[must_use]
pub fn probe(bundle: &Bundle) -> ProbeReport {
    probe_by(bundle, &SystemClock::new())
}

/// As [`probe`], timed by `clock`.
#[must_use]
pub fn probe_by(bundle: &Bundle, clock: &dyn Clock) -> ProbeReport {
    let mut report = ProbeReport::default();
    // A runtime that panics on a model must not take the active one down with it.
    let examined = catch_unwind(AssertUnwindSafe(|| examine(bundle, clock, &mut report)));
    let failure = match examined {
        Ok(Ok(())) => return report,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::load(format!("the runtime panicked: {}", said(panic.as_ref()))),
    };
    report.verdict = Verdict::Failed { reason: failure.reason, detail: failure.detail };
    report
}

fn examine(bundle: &Bundle, clock: &dyn Clock, report: &mut ProbeReport) -> Result<(), Failure> {
    let manifest = bundle.manifest();
    if manifest.language.is_some() {
        language::examine(bundle, clock, report)
    } else if manifest.diagnosis.is_some() {
        diagnosis::examine(bundle, clock, report)
    } else {
        scores::examine(bundle, clock, report)
    }
}

/// Milliseconds since `began`.
fn millis_since(began: Duration, clock: &dyn Clock) -> u64 {
    u64::try_from(clock.monotonic().saturating_sub(began).as_millis()).unwrap_or(u64::MAX)
}

/// Fails where a golden case went wrong.
fn as_promised(golden: &Golden, result: GoldenResult, report: &mut ProbeReport) -> Result<(), Failure> {
    let mismatch = golden::mismatch(golden, &result);
    report.golden = Some(result);
    match mismatch {
        Some(detail) => Err(Failure { reason: Reason::GoldenMismatch, detail }),
        None => Ok(()),
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

#[cfg(test)]
mod tests;
