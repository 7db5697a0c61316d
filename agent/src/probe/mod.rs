//! Runs a model before it may watch a machine: it must load, give the outputs that its golden
//! vectors promise, and stay inside its own budget.
//!
//! Promise: [`probe`] answers with a report whatever the model does short of taking the process
//! down, in bounded time once the runtime has loaded it; what the manifest promises and the model
//! does not do is named. The model is loaded and run by the code that the detector itself uses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lineside_bundle::Bundle;

use crate::clock::{Clock, SystemClock};
use crate::detect::model::Calibration;
use crate::detect::scorer::Scorer;

mod golden;
mod latency;
mod memory;
mod promise;
mod report;

pub use report::{GoldenResult, ProbeReport, Reason, Verdict};

/// Channels of a call where no golden case says how many: a small machine.
const CHANNELS: usize = 8;

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
    Calibration::of(manifest).map_err(Failure::load)?;
    let cases = bundle.golden().map_or(&[][..], |golden| &golden.cases);
    let channels = cases.iter().map(|case| case.input.len()).max().unwrap_or(CHANNELS);
    promise::check(manifest, bundle.model(), channels).map_err(Failure::load)?;

    let before = memory::Held::now();
    let began = clock.monotonic();
    let mut scorer = Scorer::new(bundle.model(), channels).map_err(Failure::load)?;
    let took = clock.monotonic().saturating_sub(began);
    report.load_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);

    if let Some(golden) = bundle.golden() {
        let result = golden::compare(golden, bundle.model(), &mut scorer).map_err(Failure::load)?;
        let mismatch = golden::mismatch(golden, &result);
        report.golden = Some(result);
        if let Some(detail) = mismatch {
            return Err(Failure { reason: Reason::GoldenMismatch, detail });
        }
    }
    latency::check(bundle, &mut scorer, clock, report)?;
    memory::check(bundle, before, &scorer, report)
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

#[cfg(test)]
mod tests;
