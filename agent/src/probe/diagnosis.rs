//! Tries out a model that judges incidents: its table must be one, and the scorer must fit the features
//! that this agent makes and answer its golden cases as promised. What is timed is the judgement of
//! one state of an incident by the scorer.

use lineside_bundle::{Bundle, Case};

use super::{Failure, ProbeReport, as_promised, golden, latency, memory, millis_since, promise};
use crate::clock::Clock;
use crate::diagnosis::{DiagnosisError, FEATURES, Scorer};
use crate::slm::runtime::diagnosis_in;

/// Rows of a call where no golden case says how many: a table of some size.
const ROWS: usize = 64;

pub(super) fn examine(bundle: &Bundle, clock: &dyn Clock, report: &mut ProbeReport) -> Result<(), Failure> {
    let cases = bundle.golden().map_or(&[][..], |golden| &golden.cases);
    let rows = cases.iter().map(|case| case.input.len()).max().unwrap_or(ROWS);
    promise::check(bundle.manifest(), bundle.model(), rows).map_err(Failure::load)?;

    let before = memory::Held::now();
    let began = clock.monotonic();
    let _judge = diagnosis_in(bundle).map_err(Failure::load)?;
    let scorer = scorer(bundle, rows).map_err(Failure::load)?;
    report.load_ms = millis_since(began, clock);

    if let Some(golden) = bundle.golden() {
        let outputs = |case: &Case| {
            let own = (case.input.len() != rows).then(|| self::scorer(bundle, case.input.len()));
            own.transpose()?.as_ref().unwrap_or(&scorer).logits(&golden::features(case))
        };
        let result = golden::compare(golden, outputs).map_err(Failure::load)?;
        as_promised(golden, result, report)?;
    }
    // The largest golden case, or zeros where there is none.
    let largest = cases.iter().find(|case| case.input.len() == rows);
    let features = largest.map_or_else(|| vec![0.0; rows * FEATURES], golden::features);
    let mut call = || scorer.logits(&features).map(drop).map_err(Failure::load);
    latency::check(bundle, &mut call, clock, report)?;
    let again = || {
        let copy = self::scorer(bundle, rows).map_err(Failure::load)?;
        copy.logits(&features).map_err(Failure::load)?;
        Ok(copy)
    };
    memory::check(bundle, before, again, report)
}

fn scorer(bundle: &Bundle, rows: usize) -> Result<Scorer, DiagnosisError> {
    Scorer::new(bundle.model(), rows)
}
