use proptest::prelude::*;

use super::*;

/// A signal with noise, a wave and a step, from a small generator that needs no seed.
fn signal(tick: u32) -> f64 {
    let noise = f64::from(tick.wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
    noise + (f64::from(tick) / 40.0).sin() + if tick > 500 { 2.0 } else { 0.0 }
}

fn rows(bank: &Bank) -> Vec<f32> {
    let mut rows = vec![0.0; bank.channels().len() * INPUTS];
    bank.inputs(&mut rows);
    rows
}

fn fed(ticks: u32, scale: f64, offset: f64) -> Bank {
    let mut bank = Bank::new(1);
    for tick in 0..ticks {
        bank.push(&[signal(tick) * scale + offset], true);
    }
    bank
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn rescaling_or_shifting_a_channel_changes_no_feature(
        exponent in -6i32..6, factor in 0.5f64..2.0, offset in -10.0f64..10.0, ticks in 130u32..700,
    ) {
        let scale = factor * 10f64.powi(exponent);
        let (plain, moved) = (rows(&fed(ticks, 1.0, 0.0)), rows(&fed(ticks, scale, offset * scale)));
        for (i, (a, b)) in plain.iter().zip(&moved).enumerate() {
            prop_assert!((a - b).abs() < 1e-4, "feature {i}: {a} became {b}");
        }
    }

    #[test]
    fn whatever_comes_in_the_features_are_finite(
        values in prop::collection::vec(prop_oneof![any::<f64>(), -1e3f64..1e3, Just(0.0), Just(f64::NAN)], 0..400),
        adapt in any::<bool>(),
    ) {
        let mut bank = Bank::new(1);
        for (tick, &value) in values.iter().enumerate() {
            bank.push(&[value], adapt || tick < 100);
            prop_assert!(rows(&bank).iter().all(|v| v.is_finite()));
        }
        prop_assert!(bank.fits(1));
    }
}

#[test]
fn up_and_down_look_alike() {
    assert_eq!(rows(&fed(520, 1.0, 0.0)), rows(&fed(520, -1.0, 0.0)));
}

#[test]
fn a_tick_costs_the_same_however_long_the_device_has_been_watched() {
    let size = |bank: &Bank| postcard::to_stdvec(bank).unwrap().len();
    // Counters are written with a variable length, so a few bytes may come, not a byte a tick.
    assert!(size(&fed(20_000, 1.0, 0.0)) < size(&fed(500, 1.0, 0.0)) + 64);
}

#[test]
fn a_missing_sample_holds_the_features_and_counts_the_run() {
    let mut bank = fed(400, 1.0, 0.0);
    let before = *bank.channels()[0].features();
    for _ in 0..5 {
        bank.push(&[f64::NAN], true);
    }
    let after = *bank.channels()[0].features();
    for i in (0..CURRENT).filter(|&i| i != 11) {
        assert_eq!(before[i].to_bits(), after[i].to_bits(), "feature {i}");
    }
    assert!((after[11] - 6f64.ln()).abs() < 1e-12);
    assert_eq!(bank.channels()[0].missing_run(), 5);
}

#[test]
fn a_missing_sample_touches_no_other_channel() {
    let (mut pair, mut alone) = (Bank::new(2), Bank::new(1));
    for tick in 0..400 {
        pair.push(&[signal(tick), if tick % 3 == 0 { f64::NAN } else { 1.0 }], true);
        alone.push(&[signal(tick)], true);
    }
    assert_eq!(rows(&pair)[..INPUTS], rows(&alone));
}

#[test]
fn state_that_is_saved_and_read_back_continues_bit_for_bit() {
    let mut bank = fed(450, 1.0, 0.0);
    let mut again: Bank = postcard::from_bytes(&postcard::to_stdvec(&bank).unwrap()).unwrap();
    assert!(again.fits(1) && !again.fits(2));
    for tick in 450..700 {
        bank.push(&[signal(tick)], true);
        again.push(&[signal(tick)], true);
        assert_eq!(rows(&bank), rows(&again));
    }
}

#[test]
fn a_step_shows_in_the_level_within_its_span() {
    let at = |tick| fed(tick, 1.0, 0.0).channels()[0].features()[1];
    assert!(at(501).abs() < 2.0, "{}", at(501));
    assert!(at(516) > 2.0, "{}", at(516));
}
