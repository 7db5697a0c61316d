//! The population stability index, and how large chance makes it.
//!
//! Between `n` new and `m` old independent samples in `b` bins, PSI is about
//! `(1/n + 1/m) · χ²(b - 1)`. Samples of a machine are not independent: a level that wanders by
//! itself fills other bins every day. So the scale of chance is measured on the reference itself,
//! as the mean PSI between each of its blocks and the others (never less than for independent
//! samples), and because a handful of blocks is little to measure on, the limit is a quantile of
//! F rather than of χ², with the heaviest tail that a wandering level gives.

/// Each bin counts so many samples more, so that an empty one is no infinity.
const SMOOTHING: f64 = 0.5;
/// Numerator degrees of freedom of the limit's F distribution. A wandering level moves all bins
/// together along a few modes; 2 is below what autocorrelations up to .95 showed.
const MODES: f64 = 2.0;

/// The population stability index between two histograms over the same bins.
#[must_use]
pub fn psi(reference: &[u32], recent: &[u32]) -> f64 {
    let total =
        |counts: &[u32]| counts.iter().copied().map(f64::from).sum::<f64>() + SMOOTHING * counts.len() as f64;
    let (all_old, all_new) = (total(reference), total(recent));
    let bin = |(&old, &new): (&u32, &u32)| {
        let old = (f64::from(old) + SMOOTHING) / all_old;
        let new = (f64::from(new) + SMOOTHING) / all_new;
        (new - old) * (new / old).ln()
    };
    reference.iter().zip(recent).map(bin).sum()
}

/// What PSI is on average between `n` and `m` independent samples, in bins of which `reference`
/// fills some.
#[must_use]
pub fn independent(reference: &[u32], n: usize, m: usize) -> f64 {
    let filled = reference.iter().filter(|&&count| count > 0).count();
    filled.saturating_sub(1).max(1) as f64 * (1.0 / n as f64 + 1.0 / m as f64)
}

/// By what factor the blocks of a reference differ more than independent samples would; at least 1.
#[must_use]
pub fn dispersion(blocks: &[Vec<u32>], n: usize) -> f64 {
    let bins = blocks.first().map_or(0, Vec::len);
    let total: Vec<u32> = (0..bins).map(|bin| blocks.iter().map(|block| block[bin]).sum()).collect();
    let others =
        |block: &Vec<u32>| -> Vec<u32> { total.iter().zip(block).map(|(all, own)| all - own).collect() };
    let mean = blocks.iter().map(|block| psi(&others(block), block)).sum::<f64>() / blocks.len() as f64;
    (mean / independent(&total, n, n * (blocks.len() - 1))).max(1.0)
}

/// By how much chance exceeds its own mean with the probability `alpha`, where that mean was
/// measured on so many blocks; `None` where nothing had to be measured.
#[must_use]
pub fn excess(alpha: f64, blocks: Option<usize>) -> f64 {
    match blocks {
        // The F distribution with 2 and 2k degrees of freedom has its quantiles in closed form.
        Some(blocks) => {
            let k = (blocks - 1) as f64 * MODES / 2.0;
            k * (alpha.powf(-1.0 / k) - 1.0)
        }
        None => -alpha.ln(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_shares_are_no_drift_and_a_moved_mass_is() {
        assert!(psi(&[100, 100, 100], &[10, 10, 10]) < 0.001);
        // By hand, without smoothing: (.2 - .1)·ln 2 + (.8 - .9)·ln(.8/.9).
        assert!((psi(&[100_000, 900_000], &[200_000, 800_000]) - 0.081_1).abs() < 1e-3);
    }

    #[test]
    fn the_quantiles_are_those_of_f() {
        // F(2, 26) and F(2, 6), from a table.
        for (alpha, blocks, expected) in [(0.05, 14, 3.369), (0.01, 14, 5.526), (0.05, 4, 5.143)] {
            assert!((excess(alpha, Some(blocks)) - expected).abs() < 2e-3, "{alpha} {blocks}");
        }
        assert!((excess(0.05, None) - 2.996).abs() < 1e-3, "χ²(2)/2");
    }

    proptest! {
        #[test]
        fn psi_is_finite_symmetric_and_not_negative(
            pair in prop::collection::vec((0u32..100_000, 0u32..100_000), 1..20),
        ) {
            let (a, b): (Vec<u32>, Vec<u32>) = pair.into_iter().unzip();
            let there = psi(&a, &b);
            prop_assert!(there.is_finite() && there >= 0.0);
            prop_assert!((there - psi(&b, &a)).abs() <= 1e-9 * there.max(1.0));
        }

        #[test]
        fn less_chance_needs_a_higher_limit(alpha in 1e-6..0.5f64, blocks in 4usize..40) {
            prop_assert!(excess(alpha / 2.0, Some(blocks)) > excess(alpha, Some(blocks)));
            prop_assert!(excess(alpha, Some(blocks)) >= excess(alpha, None) - 1e-9);
        }
    }
}
