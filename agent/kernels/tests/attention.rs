//! Every instruction set attends as the formula says, over whatever came into the cache and in what steps.

mod common;

use common::{assert_close, noise};
use lineside_kernels::{Attention, Axes, Cache, Isa, Scratch};
use proptest::prelude::*;

/// Relative to the largest value: f32 sums over a few hundred positions, and the exponential.
const TOLERANCE: f64 = 3e-6;

/// What lies at the start of one head in one step.
fn at(axes: Axes, head: usize, step: usize, heads: usize, steps: usize, dim: usize) -> usize {
    match axes {
        Axes::HeadsFirst => (head * steps + step) * dim,
        Axes::StepsFirst => (step * heads + head) * dim,
    }
}

/// Keys and values of all positions as `[positions][heads][dim]`, and a cache that got them in two parts.
struct Past {
    keys: Vec<f32>,
    values: Vec<f32>,
    cache: Cache,
}

fn past(heads: usize, dim: usize, len: usize, first: usize, seed: u64) -> Past {
    let (keys, values) = (noise(seed, len * heads * dim), noise(seed ^ 5, len * heads * dim));
    let mut cache = Cache::new(heads, dim);
    let split = first * heads * dim;
    cache.append(&keys[..split], &values[..split], first, Axes::StepsFirst);
    cache.append(&keys[split..], &values[split..], len - first, Axes::StepsFirst);
    Past { keys, values, cache }
}

fn expected(a: &Attention<'_>, q: &[f32], past: &Past) -> Vec<(f64, f64)> {
    let (kv_heads, dim, len) = (past.cache.heads(), past.cache.dim(), past.cache.len());
    let mut y = vec![(0.0, 1.0); q.len()];
    for head in 0..a.heads {
        let kv = head / (a.heads / kv_heads);
        for step in 0..a.steps {
            let q = &q[at(a.queries, head, step, a.heads, a.steps, dim)..][..dim];
            let seen = if a.causal { len - a.steps + step + 1 } else { len };
            let score = |p: usize| {
                let key = &past.keys[(p * kv_heads + kv) * dim..][..dim];
                let dot: f64 = q.iter().zip(key).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum();
                dot * f64::from(a.scale) + a.mask.map_or(0.0, |mask| f64::from(mask[step * len + p]))
            };
            let scores: Vec<f64> = (0..seen).map(score).collect();
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> =
                scores.iter().map(|s| if largest.is_finite() { (s - largest).exp() } else { 0.0 }).collect();
            let total: f64 = weights.iter().sum();
            for i in 0..dim {
                let value = |(p, w): (usize, &f64)| w * f64::from(past.values[(p * kv_heads + kv) * dim + i]);
                let sum: f64 = weights.iter().enumerate().map(value).sum();
                let to = at(a.outputs, head, step, a.heads, a.steps, dim) + i;
                y[to].0 = if total == 0.0 { 0.0 } else { sum / total };
            }
        }
    }
    y
}

fn check(a: &Attention<'_>, q: &[f32], past: &Past) {
    let expected = expected(a, q, past);
    for isa in Isa::available() {
        let mut y = vec![f32::NAN; q.len()];
        a.attend(q, &past.cache, &mut y, &mut Scratch::new(isa));
        assert_close(&isa.to_string(), &y, &expected, TOLERANCE);
    }
}

fn axes() -> impl Strategy<Value = Axes> {
    prop_oneof![Just(Axes::HeadsFirst), Just(Axes::StepsFirst)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_path_attends_as_the_formula_says(
        kv_heads in 1..4_usize,
        group in 1..5_usize,
        dim in prop_oneof![1..70_usize, Just(32_usize), Just(64)],
        before in 0..200_usize,
        steps in prop_oneof![Just(1_usize), 1..20_usize],
        causal: bool,
        masked: bool,
        queries in axes(),
        outputs in axes(),
        seed: u64,
    ) {
        let len = before + steps;
        let past = past(kv_heads, dim, len, before / 2, seed);
        let heads = kv_heads * group;
        let mut mask = noise(seed ^ 7, steps * len);
        for hidden in mask.iter_mut().filter(|m| **m < -0.5) {
            *hidden = f32::NEG_INFINITY;
        }
        let attention = Attention {
            heads, steps, scale: 1.0 / (dim as f32).sqrt(), causal, mask: masked.then_some(&mask), queries, outputs,
        };
        check(&attention, &noise(seed ^ 6, heads * steps * dim), &past);
    }

    #[test]
    fn a_truncated_cache_is_one_that_never_went_on(
        len in 0..150_usize, kept in 0..150_usize, more in 1..80_usize, seed: u64,
    ) {
        let (heads, dim) = (2, 24);
        let kept = kept.min(len);
        let all = past(heads, dim, len + more, len, seed);
        let part = |from: usize, to: usize| (from * heads * dim)..(to * heads * dim);
        let mut back = Cache::new(heads, dim);
        back.append(&all.keys[part(0, len)], &all.values[part(0, len)], len, Axes::StepsFirst);
        let untouched = back.clone();
        back.truncate(kept);
        prop_assert_eq!(back.len(), kept);
        let tail = part(len, len + more);
        back.append(&all.keys[tail.clone()], &all.values[tail.clone()], more, Axes::StepsFirst);

        let keys = [&all.keys[part(0, kept)], &all.keys[tail.clone()]].concat();
        let values = [&all.values[part(0, kept)], &all.values[tail]].concat();
        let q = noise(seed ^ 6, heads * dim);
        let attention = Attention {
            heads, steps: 1, scale: 0.2, causal: true, mask: None,
            queries: Axes::StepsFirst, outputs: Axes::StepsFirst,
        };
        check(&attention, &q, &Past { keys, values, cache: back });
        // The clone has not noticed.
        if len > 0 {
            let (keys, values) = (all.keys[part(0, len)].to_vec(), all.values[part(0, len)].to_vec());
            check(&attention, &q, &Past { keys, values, cache: untouched });
        }
    }
}

#[test]
fn a_clone_shares_what_neither_writes() {
    let past = past(1, 16, 64, 64, 1);
    let copy = past.cache.clone();
    assert_eq!(copy.bytes(), past.cache.bytes());
    assert_eq!(copy.bytes(), 64 * 2 * 16 * 4);
}

#[test]
fn a_query_that_sees_nothing_gives_zeros() {
    let past = past(1, 16, 20, 20, 1);
    let mask = [f32::NEG_INFINITY; 20];
    let attention = Attention {
        heads: 1,
        steps: 1,
        scale: 1.0,
        causal: false,
        mask: Some(&mask),
        queries: Axes::HeadsFirst,
        outputs: Axes::HeadsFirst,
    };
    for isa in Isa::available() {
        let mut y = [1.0; 16];
        attention.attend(&noise(2, 16), &past.cache, &mut y, &mut Scratch::new(isa));
        assert_eq!(y, [0.0; 16], "{isa}");
    }
}

#[test]
fn a_query_that_is_no_number_gives_none() {
    let past = past(1, 24, 40, 40, 1);
    let attention = Attention {
        heads: 3,
        steps: 2,
        scale: 1.0,
        causal: true,
        mask: None,
        queries: Axes::HeadsFirst,
        outputs: Axes::HeadsFirst,
    };
    let mut q = noise(2, 6 * 24);
    q[3 * 24 + 5] = f32::NAN;
    for isa in Isa::available() {
        let mut y = vec![0.0; q.len()];
        attention.attend(&q, &past.cache, &mut y, &mut Scratch::new(isa));
        for (row, y) in y.chunks(24).enumerate() {
            assert!(y.iter().all(|y| y.is_nan() == (row == 3)), "{isa}: row {row} is {y:?}");
        }
    }
}
