//! What the kernels reach of what the machine gives: `cargo bench -p lineside-kernels`, for every
//! instruction set or, with an argument, those whose name starts with it.
//!
//! A product with one input (a decode step) is bounded by reading the weights once, so it is given in GB/s
//! and as a ratio to a plain sum over the same number of bytes; with 128 inputs (a prefill) in GFLOP/s.

use lineside_kernels::{
    Attention, Axes, Cache, Format, Isa, Order, Scratch, Store, Weights, gelu, rms_norm, silu_mul,
    softmax_in_place,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Products of decoders with 5, 32 and 135 million parameters.
const SHAPES: [(usize, usize); 7] =
    [(256, 256), (704, 256), (512, 512), (1408, 512), (576, 576), (1536, 576), (49152, 576)];
/// Heads of queries, of keys, and numbers of each, in the same decoders.
const HEADS: [(usize, usize, usize); 3] = [(8, 4, 32), (8, 4, 64), (9, 3, 64)];
/// Inputs of a prefill.
const PREFILL: usize = 128;
/// Positions that a decode step attends over.
const PAST: usize = 512;
/// The fastest of this many rounds counts: others were disturbed.
const ROUNDS: usize = 9;
/// How long a round lasts at least.
const ROUND: Duration = Duration::from_millis(5);

fn main() {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    for isa in Isa::available().into_iter().filter(|isa| isa.to_string().starts_with(&wanted)) {
        println!("\n{isa}");
        println!("  rows x cols  format |  m=1 us   GB/s  of sum | m={PREFILL} us  GFLOP/s");
        for (rows, cols) in SHAPES {
            for format in [Format::F32, Format::Q8, Format::Q4] {
                product(isa, rows, cols, format);
            }
        }
        println!("heads x dim, shared by | 1 step over {PAST} us   GB/s | {PREFILL} steps us  GFLOP/s");
        for (heads, key_heads, dim) in HEADS {
            attention(isa, heads, key_heads, dim);
        }
        vectors(isa);
    }
}

fn product(isa: Isa, rows: usize, cols: usize, format: Format) {
    let values = noise(rows * cols);
    let weights = match format {
        Format::F32 => Weights::f32(rows, cols, Order::RowMajor, &values),
        Format::Q8 => Weights::q8(rows, cols, Order::RowMajor, &values),
        Format::Q4 => Weights::q4(rows, cols, Order::RowMajor, &values),
    }
    .expect("the shapes are whole blocks");
    let x = noise(PREFILL * cols);
    let mut y = vec![0.0; PREFILL * rows];
    let mut scratch = Scratch::new(isa);
    let mut multiply = |m: usize| {
        seconds(|| {
            weights.multiply(black_box(&x[..m * cols]), m, &mut y[..m * rows], Store::Set, &mut scratch);
        })
    };
    let (one, many) = (multiply(1), multiply(PREFILL));
    let bytes = weights.bytes() as f64;
    let read: Vec<u64> = (0..weights.bytes() as u64 / 8).collect();
    let ceiling = seconds(|| {
        black_box(sum(black_box(&read)));
    });
    println!(
        "{:>13}    {format:?} {:>9.2} {:>6.1} {:>7.2} {:>10.0} {:>8.0}",
        format!("{rows} x {cols}"),
        one * 1e6,
        bytes / one * 1e-9,
        ceiling / one,
        many * 1e6,
        (2 * PREFILL * rows * cols) as f64 / many * 1e-9,
    );
}

fn attention(isa: Isa, heads: usize, key_heads: usize, dim: usize) {
    let attend = |steps: usize, len: usize| {
        let mut cache = Cache::new(key_heads, dim);
        let positions = noise(len * key_heads * dim);
        cache.append(&positions, &positions, len, Axes::StepsFirst);
        let q = noise(heads * steps * dim);
        let mut y = vec![0.0; q.len()];
        let mut scratch = Scratch::new(isa);
        let step = Attention {
            heads,
            steps,
            scale: 1.0 / (dim as f32).sqrt(),
            causal: true,
            mask: None,
            queries: Axes::StepsFirst,
            outputs: Axes::StepsFirst,
        };
        seconds(|| step.attend(black_box(&q), &cache, &mut y, &mut scratch))
    };
    let (one, many) = (attend(1, PAST), attend(PREFILL, PREFILL));
    println!(
        "{:>9}, {key_heads} {:>24.2} {:>6.1} {:>10.0} {:>8.0}",
        format!("{heads} x {dim}"),
        one * 1e6,
        (2 * 4 * PAST * key_heads * dim) as f64 / one * 1e-9,
        many * 1e6,
        // Of the square of positions, the half that is seen.
        (2 * PREFILL * PREFILL * heads * dim) as f64 / many * 1e-9,
    );
}

fn vectors(isa: Isa) {
    let (mut x, up) = (noise(1536), noise(1536));
    let (weight, mut y) = (noise(576), noise(576));
    let source = x.clone();
    let copy = seconds(|| black_box(&mut x).copy_from_slice(&source));
    let mut each = |call: &dyn Fn(&mut [f32])| {
        let with_copy = seconds(|| {
            black_box(&mut x).copy_from_slice(&source);
            call(&mut x);
        });
        (with_copy - copy) / source.len() as f64 * 1e9
    };
    println!(
        "ns per number: silu_mul {:.3}, gelu {:.3}, softmax {:.3}; rms_norm of 576: {:.3} us",
        each(&|x| silu_mul(isa, x, &up)),
        each(&|x| gelu(isa, x)),
        each(&|x| softmax_in_place(isa, x)),
        seconds(|| rms_norm(isa, black_box(&source[..576]), &weight, 1e-5, &mut y)) * 1e6,
    );
}

/// A read of all bytes that needs one addition for each word, in the widest registers there are.
fn sum(values: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512 F.
            return unsafe { sum_avx512(values) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { sum_avx2(values) };
        }
    }
    plain_sum(values)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn sum_avx512(values: &[u64]) -> u64 {
    plain_sum(values)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(values: &[u64]) -> u64 {
    plain_sum(values)
}

#[inline(always)]
fn plain_sum(values: &[u64]) -> u64 {
    let mut sums = [0_u64; 64];
    let (chunks, _) = values.as_chunks::<64>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum = sum.wrapping_add(*value);
        }
    }
    sums.into_iter().fold(0, u64::wrapping_add)
}

/// The fastest of several rounds, per call.
fn seconds(mut call: impl FnMut()) -> f64 {
    let mut calls = 1;
    let mut round = |calls: u32| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed()
    };
    while round(calls) < ROUND {
        calls *= 2;
    }
    (0..ROUNDS).map(|_| round(calls).as_secs_f64() / f64::from(calls)).fold(f64::INFINITY, f64::min)
}

/// Numbers in -1..1, always the same.
fn noise(len: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}
