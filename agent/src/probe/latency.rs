//! Times calls of a model.

use std::time::Duration;

use lineside_bundle::Bundle;

use super::{Failure, ProbeReport, Reason, golden};
use crate::clock::Clock;
use crate::detect::bank::INPUTS;
use crate::detect::scorer::Scorer;

/// Calls before the first that counts: caches and branch predictors settle.
const WARM_UP: usize = 20;
/// Calls that count: the 95th percentile is then the twentieth slowest.
const CALLS: usize = 400;
/// No round takes longer, however slow the model is; one call always runs.
const MOST: Duration = Duration::from_secs(2);
/// A busy board slows some rounds; a slow model slows all. The best one is the model's own.
const ROUNDS: usize = 3;

/// Times the largest golden case, or zeros where there is none, against the budget.
pub(super) fn check(
    bundle: &Bundle,
    scorer: &mut Scorer,
    clock: &dyn Clock,
    report: &mut ProbeReport,
) -> Result<(), Failure> {
    let cases = bundle.golden().map_or(&[][..], |golden| &golden.cases);
    let largest = cases.iter().find(|case| case.input.len() == scorer.channels());
    let features = largest.map_or_else(|| vec![0.0; scorer.channels() * INPUTS], golden::features);
    let budget = u64::from(bundle.manifest().budget.p95_us);
    for round in 0..ROUNDS {
        let (p50, p95) = round_of(scorer, &features, clock)?;
        if round == 0 || p95 < report.p95_us {
            (report.p50_us, report.p95_us) = (p50, p95);
        }
        if budget == 0 || report.p95_us <= budget {
            return Ok(());
        }
    }
    let detail = format!("a call takes {} us (95th percentile), the budget is {budget} us", report.p95_us);
    Err(Failure { reason: Reason::OverLatency, detail })
}

/// Median and 95th percentile of one round.
fn round_of(scorer: &mut Scorer, features: &[f32], clock: &dyn Clock) -> Result<(u64, u64), Failure> {
    let mut scores = Vec::new();
    let mut taken = Vec::with_capacity(CALLS);
    let began = clock.monotonic();
    for call in 0..WARM_UP + CALLS {
        let before = clock.monotonic();
        scorer.outputs(features, &mut scores).map_err(Failure::load)?;
        let now = clock.monotonic();
        if call >= WARM_UP {
            taken.push(now.saturating_sub(before));
        }
        if now.saturating_sub(began) >= MOST {
            // So slow that nothing had to settle: what there was counts.
            if taken.is_empty() {
                taken.push(now.saturating_sub(before));
            }
            break;
        }
    }
    taken.sort_unstable();
    Ok((percentile(&taken, 50), percentile(&taken, 95)))
}

/// The value that `percent` of all are not above, in microseconds, rounded up: 0 would say nothing.
fn percentile(sorted: &[Duration], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    let taken = sorted.get(rank - 1).copied().unwrap_or_default();
    u64::try_from(taken.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let taken: Vec<Duration> = (1..=100).map(Duration::from_micros).collect();
        assert_eq!(percentile(&taken, 50), 50);
        assert_eq!(percentile(&taken, 95), 95);
        assert_eq!(percentile(&taken[..1], 95), 1);
        assert_eq!(percentile(&[Duration::from_nanos(1)], 50), 1);
    }
}
