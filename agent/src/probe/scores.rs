//! Tries out a model that scores the channels of a machine.

use lineside_bundle::{Bundle, Case};

use super::{Failure, ProbeReport, as_promised, golden, latency, memory, millis_since, promise};
use crate::clock::Clock;
use crate::detect::bank::INPUTS;
use crate::detect::model::{Calibration, DetectError};
use crate::detect::scorer::Scorer;

/// Channels of a call where no golden case says how many: a small machine.
const CHANNELS: usize = 8;

pub(super) fn examine(bundle: &Bundle, clock: &dyn Clock, report: &mut ProbeReport) -> Result<(), Failure> {
    let manifest = bundle.manifest();
    Calibration::of(manifest).map_err(Failure::load)?;
    let cases = bundle.golden().map_or(&[][..], |golden| &golden.cases);
    let channels = cases.iter().map(|case| case.input.len()).max().unwrap_or(CHANNELS);
    promise::check(manifest, bundle.model(), channels).map_err(Failure::load)?;

    let before = memory::Held::now();
    let began = clock.monotonic();
    let mut scorer = Scorer::new(bundle.model(), channels).map_err(Failure::load)?;
    report.load_ms = millis_since(began, clock);

    if let Some(golden) = bundle.golden() {
        // Cases with another number of channels get a scorer of their own.
        let mut outputs = |case: &Case| {
            let mut found = Vec::new();
            let own = (case.input.len() != channels).then(|| Scorer::new(bundle.model(), case.input.len()));
            match own.transpose()? {
                Some(mut own) => own.outputs(&golden::features(case), &mut found)?,
                None => scorer.outputs(&golden::features(case), &mut found)?,
            }
            Ok::<_, DetectError>(found)
        };
        let result = golden::compare(golden, &mut outputs).map_err(Failure::load)?;
        as_promised(golden, result, report)?;
    }
    // The largest golden case, or zeros where there is none.
    let largest = cases.iter().find(|case| case.input.len() == channels);
    let features = largest.map_or_else(|| vec![0.0; channels * INPUTS], golden::features);
    let mut found = Vec::new();
    let mut call = || scorer.outputs(&features, &mut found).map_err(Failure::load);
    latency::check(bundle, &mut call, clock, report)?;
    let again = || {
        let mut copy = Scorer::new(bundle.model(), channels).map_err(Failure::load)?;
        copy.outputs(&features, &mut Vec::new()).map_err(Failure::load)?;
        Ok(copy)
    };
    memory::check(bundle, before, again, report)
}
