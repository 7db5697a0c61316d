//! Every instruction set multiplies as a straightforward sum in double precision does.

mod common;

use common::{assert_close, noise};
use lineside_kernels::{Format, Isa, Order, Pool, Scratch, Store, Weights, WeightsError};
use proptest::prelude::*;
use std::sync::Arc;

/// f32 sums of a few hundred products.
const TOLERANCE: f64 = 2e-6;

fn pack(format: Format, rows: usize, cols: usize, order: Order, values: &[f32]) -> Weights {
    match format {
        Format::F32 => Weights::f32(rows, cols, order, values),
        Format::Q8 => Weights::q8(rows, cols, order, values),
        Format::Q4 => Weights::q4(rows, cols, order, values),
    }
    .expect("the shape fits")
}

/// What the product sees of its input: all of it, or for quantised weights eight bits of it.
fn as_seen(format: Format, x: &[f32]) -> Vec<f64> {
    if format == Format::F32 {
        return x.iter().map(|x| f64::from(*x)).collect();
    }
    let block = |block: &[f32]| {
        let largest = block.iter().fold(0.0_f32, |best, x| best.max(x.abs()));
        let inverse = if largest == 0.0 { 0.0 } else { 127.0 / largest };
        let value = |x: &f32| f64::from((x * inverse).round_ties_even()) * f64::from(largest / 127.0);
        block.iter().map(value).collect::<Vec<_>>()
    };
    x.chunks(32).flat_map(block).collect()
}

/// The sum, and the sum of the sizes of its parts.
fn expected(weights: &Weights, x: &[f32], m: usize, store: Store<'_>, before: &[f32]) -> Vec<(f64, f64)> {
    let (rows, cols) = (weights.rows(), weights.cols());
    let x = as_seen(weights.format(), x);
    let mut out = Vec::new();
    let mut row = vec![0.0; cols];
    for input in 0..m {
        for r in 0..rows {
            weights.row(r, &mut row);
            let start = match store {
                Store::Set => 0.0,
                Store::Add => f64::from(before[input * rows + r]),
                Store::Bias(bias) => f64::from(bias[r]),
            };
            let parts = row.iter().zip(&x[input * cols..]).map(|(w, x)| f64::from(*w) * x);
            let (sum, size) =
                parts.fold((start, start.abs()), |(sum, size), part| (sum + part, size + part.abs()));
            out.push((sum, size));
        }
    }
    out
}

fn formats() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::F32), Just(Format::Q8), Just(Format::Q4)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_path_multiplies_as_the_plain_sum_does(
        format in formats(),
        rows in 1..100_usize,
        blocks in 1..6_usize,
        odd in 0..32_usize,
        m in prop_oneof![1..4_usize, 1..40_usize],
        col_major: bool,
        store in 0..3_usize,
        seed: u64,
    ) {
        let cols = if format == Format::F32 { blocks * 32 - odd } else { blocks * 32 };
        let order = if col_major { Order::ColMajor } else { Order::RowMajor };
        let weights = pack(format, rows, cols, order, &noise(seed, rows * cols));
        let x = noise(seed ^ 1, m * cols);
        let before = noise(seed ^ 2, m * rows);
        let bias = noise(seed ^ 3, rows);
        let store = [Store::Set, Store::Add, Store::Bias(&bias)][store];
        let expected = expected(&weights, &x, m, store, &before);
        for isa in Isa::available() {
            let mut y = before.clone();
            weights.multiply(&x, m, &mut y, store, &mut Scratch::new(isa));
            assert_close(&isa.to_string(), &y, &expected, TOLERANCE);
        }
    }

    #[test]
    fn a_matrix_is_the_same_from_either_order(
        format in formats(), rows in 1..40_usize, blocks in 1..4_usize, seed: u64,
    ) {
        let cols = blocks * 32;
        let values = noise(seed, rows * cols);
        let mut turned = vec![0.0; rows * cols];
        for row in 0..rows {
            for col in 0..cols {
                turned[col * rows + row] = values[row * cols + col];
            }
        }
        let (a, b) = (pack(format, rows, cols, Order::RowMajor, &values), pack(format, rows, cols, Order::ColMajor, &turned));
        for row in 0..rows {
            let (mut from_a, mut from_b) = (vec![0.0; cols], vec![0.0; cols]);
            a.row(row, &mut from_a);
            b.row(row, &mut from_b);
            prop_assert_eq!(&from_a, &from_b);
            if format == Format::F32 {
                prop_assert_eq!(&from_a[..], &values[row * cols..][..cols]);
            }
        }
    }
}

#[test]
fn a_pool_gives_the_same_outputs() {
    // Large enough to be shared, with a last panel and a last share that are not full.
    let (rows, cols, m) = (4003, 1024, 9);
    let (x, bias, before) = (noise(1, m * cols), noise(2, rows), noise(3, m * rows));
    for format in [Format::F32, Format::Q8, Format::Q4] {
        let weights = pack(format, rows, cols, Order::RowMajor, &noise(4, rows * cols));
        for threads in [3, 16] {
            let pool = Arc::new(Pool::new(threads).expect("threads"));
            for m in [1, m] {
                for store in [Store::Add, Store::Bias(&bias)] {
                    let run = |mut scratch: Scratch| {
                        let mut y = before[..m * rows].to_vec();
                        weights.multiply(&x[..m * cols], m, &mut y, store, &mut scratch);
                        y
                    };
                    let isa = Isa::detect();
                    // An input alone is summed in another order than one among others. A quarter is the
                    // mean size of a product.
                    let alone: Vec<_> = run(Scratch::new(isa))
                        .into_iter()
                        .map(|y| (f64::from(y), cols as f64 / 4.0))
                        .collect();
                    let shared = run(Scratch::with_pool(isa, Arc::clone(&pool)));
                    assert_close(&format!("{threads} threads"), &shared, &alone, TOLERANCE);
                }
            }
        }
    }
}

#[test]
fn the_largest_sums_of_integers_fit_on_every_path() {
    for (format, most) in [(Format::Q8, 127.0), (Format::Q4, 8.0)] {
        for sign in [1.0, -1.0] {
            // ggml's rule maps the number farthest from zero to the end of the range.
            let weights = pack(format, 16, 64, Order::RowMajor, &[-most; 16 * 64]);
            let x = [127.0 * sign; 64];
            for isa in Isa::available() {
                let mut y = [0.0; 16];
                weights.multiply(&x, 1, &mut y, Store::Set, &mut Scratch::new(isa));
                assert_eq!(y, [-most * 127.0 * sign * 64.0; 16], "{isa}");
            }
        }
    }
    // Nibble 15, the other end, does not come out of the rule.
    let weights =
        Weights::q4_from_blocks(16, 64, &[0xff; 16 * 32], &[1.0; 32], None).expect("the shape fits");
    for isa in Isa::available() {
        let mut y = [0.0; 16];
        weights.multiply(&[-127.0; 64], 1, &mut y, Store::Set, &mut Scratch::new(isa));
        assert_eq!(y, [-7.0 * 127.0 * 64.0; 16], "{isa}");
    }
}

#[test]
fn an_input_that_is_no_number_spoils_its_own_outputs_and_no_others() {
    for format in [Format::F32, Format::Q8, Format::Q4] {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let weights = pack(format, 20, 64, Order::RowMajor, &noise(1, 20 * 64));
            let mut x = noise(2, 3 * 64);
            x[64 + 40] = bad;
            for isa in Isa::available() {
                let mut y = [0.0; 60];
                weights.multiply(&x, 3, &mut y, Store::Set, &mut Scratch::new(isa));
                let spoilt = if format == Format::F32 { |y: f32| !y.is_finite() } else { f32::is_nan };
                for (i, y) in y.into_iter().enumerate() {
                    assert_eq!((20..40).contains(&i), spoilt(y), "{isa} {format:?}: output {i} is {y}");
                }
            }
        }
    }
}

#[test]
fn a_block_of_ggml_means_what_ggml_says() {
    // Scale 0.5 in half precision; byte i holds element i low and element 16 + i high.
    let mut block = vec![0x00, 0x38];
    block.extend((0..16_u8).map(|i| i | (15 - i) << 4));
    let weights = Weights::q4_from_ggml(1, 32, &block).expect("one block");
    let mut row = [0.0; 32];
    weights.row(0, &mut row);
    for (i, value) in row.into_iter().enumerate() {
        let nibble = if i < 16 { i as f32 } else { 31.0 - i as f32 };
        assert_eq!(value, 0.5 * (nibble - 8.0));
    }
}

#[test]
fn a_block_of_onnx_means_what_onnx_says() {
    // Byte i holds element 2 i low and element 2 i + 1 high.
    let nibbles: Vec<u8> = (0..16_u8).flat_map(|i| [i | (15 - i) << 4]).collect();
    let all = [nibbles.clone(), nibbles].concat();
    let weights =
        Weights::q4_from_blocks(2, 32, &all, &[0.1, -3.0], Some(&[0x08, 0x88])).expect("the shape fits");
    let mut row = [0.0; 32];
    for (r, scale) in [0.1, -3.0].into_iter().enumerate() {
        weights.row(r, &mut row);
        for (i, value) in row.into_iter().enumerate() {
            let nibble = if i % 2 == 0 { (i / 2) as f32 } else { 15.0 - (i / 2) as f32 };
            assert_eq!(value, scale * (nibble - 8.0));
        }
    }
}

#[test]
fn what_does_not_make_a_matrix_is_refused() {
    assert_eq!(Weights::q4(1, 33, Order::RowMajor, &[0.0; 33]).err(), Some(WeightsError::Cols { cols: 33 }));
    assert!(matches!(
        Weights::f32(2, 3, Order::RowMajor, &[0.0; 5]),
        Err(WeightsError::Length { expected: 6, .. })
    ));
    assert!(matches!(Weights::q4_from_ggml(1, 32, &[0; 17]), Err(WeightsError::Length { expected: 18, .. })));
    let refused = Weights::q4_from_blocks(1, 32, &[0; 16], &[1.0], Some(&[7]));
    assert_eq!(refused.err(), Some(WeightsError::ZeroPoint { row: 0, found: 7 }));
}
