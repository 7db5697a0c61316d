//! Times calls of a model.

use std::time::Duration;

use lineside_bundle::Bundle;

use super::{Failure, ProbeReport, Reason};
use crate::clock::Clock;

/// Calls before the first that counts: caches and branch predictors settle.
const WARM_UP: usize = 20;
/// Calls that count: the 95th percentile is then the twentieth slowest.
const CALLS: usize = 400;
/// No round takes longer, however slow the model is; one call always runs.
const MOST: Duration = Duration::from_secs(2);
/// A busy board slows some rounds; a slow model slows all. The best one is the model's own.
const ROUNDS: usize = 3;

/// Times `call` against the budget.
pub(super) fn check(
    bundle: &Bundle,
    call: &mut dyn FnMut() -> Result<(), Failure>,
    clock: &dyn Clock,
    report: &mut ProbeReport,
) -> Result<(), Failure> {
    let budget = u64::from(bundle.manifest().budget.p95_us);
    for round in 0..ROUNDS {
        let (p50, p95) = round_of(call, clock)?;
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
fn round_of(call: &mut dyn FnMut() -> Result<(), Failure>, clock: &dyn Clock) -> Result<(u64, u64), Failure> {
    let mut taken = Vec::with_capacity(CALLS);
    let began = clock.monotonic();
    for at in 0..WARM_UP + CALLS {
        let before = clock.monotonic();
        call()?;
        let now = clock.monotonic();
        if at >= WARM_UP {
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
