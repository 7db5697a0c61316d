//! The promises of drift, on signals whose law is known.

use std::time::Duration;

use lineside_bundle::manifest::Histogram;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::sketch::{Shape, Sketch};
use super::*;
use crate::config::{DeviceConfig, DriftConfig, Span};
use crate::detect::detector::DetectorModel;
use crate::detect::{ChannelVerdict, Phase, Verdict};
use crate::incident::fixtures::device;
use crate::signal::Window;
use crate::time::Timestamp;

/// A stationary signal of mean 0 and standard deviation 1 whose neighbours correlate by `rho`.
struct Wandering {
    random: Pcg64Mcg,
    rho: f64,
    value: f64,
}

impl Wandering {
    fn new(seed: u64, rho: f64) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let value = StandardNormal.sample(&mut random);
        Wandering { random, rho, value }
    }

    fn next(&mut self) -> f64 {
        let step: f64 = StandardNormal.sample(&mut self.random);
        self.value = self.rho * self.value + (1.0 - self.rho * self.rho).sqrt() * step;
        self.value
    }
}

fn pump() -> DeviceConfig {
    device(&[("flow", "m3/h"), ("pressure", "bar"), ("speed", "1/min"), ("current", "A")])
}

/// The defaults for a device of eight channels.
fn shape() -> Shape {
    let channels: Vec<(String, &str)> = (0..8).map(|channel| (format!("c{channel}"), "")).collect();
    let channels: Vec<(&str, &str)> = channels.iter().map(|(name, unit)| (name.as_str(), *unit)).collect();
    DriftSettings::new(&DriftConfig::default(), &device(&channels), Duration::from_secs(1)).shape
}

fn at(sample: usize) -> Timestamp {
    Timestamp::from_millis(sample as i64 * 900_000)
}

/// A sketch whose reference is complete, with the signal that goes on.
fn commissioned(seed: u64, rho: f64, shape: &Shape) -> (Sketch, Wandering) {
    let (mut sketch, mut signal) = (Sketch::default(), Wandering::new(seed, rho));
    for sample in 0..shape.span * shape.blocks {
        sketch.push(signal.next() as f32, at(sample), true, shape, None);
    }
    (sketch, signal)
}

/// How often it began to be called drift within so many spans.
fn drifts(sketch: &mut Sketch, shape: &Shape, spans: usize, mut value: impl FnMut() -> f64) -> usize {
    let (mut drifts, mut drifted) = (0, false);
    for sample in 0..spans * shape.span {
        sketch.push(value() as f32, at(sample), true, shape, None);
        let now = sketch.watch().is_some_and(|watch| watch.since().is_some());
        drifts += usize::from(now && !drifted);
        drifted = now;
    }
    drifts
}

#[test]
fn nothing_is_said_before_the_reference_and_two_spans_are_complete() {
    let shape = shape();
    let (mut sketch, _) = (Sketch::default(), ());
    let complete = shape.span * shape.blocks;
    for sample in 0..complete + 2 * shape.span {
        // From the end of the reference on, as far off as can be.
        let value = if sample < complete { (sample % 7) as f32 } else { 1e6 };
        assert!(sketch.watch().is_none_or(|watch| watch.since().is_none()), "at sample {sample}");
        assert_eq!(sketch.collected().is_some(), sample < complete);
        sketch.push(value, at(sample), true, &shape, None);
    }
    assert_eq!(sketch.watch().and_then(|watch| watch.since()), Some(at(complete)), "since its first span");
}

#[test]
fn false_drifts_on_stationary_autocorrelated_signals_stay_within_the_budget() {
    const SIGNALS: u64 = 200;
    const DAYS: usize = 150;
    let shape = shape();
    let device_years = SIGNALS as f64 * DAYS as f64 / 365.25 / 17.0;
    // Neighbours are a quarter of an hour apart: .9 forgets in two and a half hours.
    for rho in [0.0, 0.5, 0.8, 0.9] {
        let mut count = 0;
        for seed in 0..SIGNALS {
            let (mut sketch, mut signal) = commissioned(seed, rho, &shape);
            count += drifts(&mut sketch, &shape, DAYS, || signal.next());
        }
        let rate = count as f64 / device_years;
        println!("rho {rho}: {count} false drifts, {rate:.2} a year and device of eight channels");
        assert!(rate <= 1.0, "rho {rho}: {rate} a year");
    }
}

#[test]
fn a_shift_by_one_standard_deviation_a_doubled_spread_and_a_stuck_channel_are_found() {
    const SIGNALS: u64 = 40;
    let shape = shape();
    type Change = fn(f64, f64) -> f64;
    let changes: [(&str, Change); 3] =
        [("shift", |value, _| value + 1.0), ("spread", |value, _| 2.0 * value), ("stuck", |_, first| first)];
    for rho in [0.0, 0.5, 0.8, 0.9] {
        for (name, change) in changes {
            let mut found = 0;
            for seed in 0..SIGNALS {
                let (mut sketch, mut signal) = commissioned(seed, rho, &shape);
                let first = signal.next();
                found += usize::from(drifts(&mut sketch, &shape, 7, || change(signal.next(), first)) > 0);
            }
            println!("rho {rho}, {name}: {found} of {SIGNALS} found within a week");
            // The more a signal wanders by itself, the less a day says about its level.
            let promised = rho <= 0.5 || name == "stuck";
            let least = if promised { 0.95 * SIGNALS as f64 } else { 0.0 };
            assert!(found as f64 >= least, "rho {rho}, {name}: {found} of {SIGNALS}");
        }
    }
}

#[test]
fn drift_is_over_when_two_spans_are_as_before() {
    let shape = shape();
    let (mut sketch, mut signal) = commissioned(1, 0.0, &shape);
    assert_eq!(drifts(&mut sketch, &shape, 2, || signal.next() + 2.0), 1);
    drifts(&mut sketch, &shape, 1, || signal.next());
    assert!(sketch.watch().unwrap().since().is_some(), "one span as before may be chance");
    drifts(&mut sketch, &shape, 1, || signal.next());
    assert_eq!(sketch.watch().unwrap().since(), None);
}

#[test]
fn a_channel_that_drops_out_more_often_than_it_did_has_drifted() {
    let shape = shape();
    let (mut sketch, mut signal) = commissioned(1, 0.0, &shape);
    let mut sample = 0;
    let gappy = || {
        sample += 1;
        let value = signal.next();
        if sample % 3 == 0 { f64::NAN } else { value }
    };
    assert_eq!(drifts(&mut sketch, &shape, 2, gappy), 1);
}

/// Works five days and rests two, at a level far away.
fn weekly(signal: &mut Wandering, sample: usize) -> f64 {
    let rests = sample / 96 % 7 >= 5;
    if rests { 0.1 * signal.next() - 8.0 } else { signal.next() }
}

#[test]
fn what_repeats_every_week_is_no_drift_and_week_by_week_a_shift_of_it_is_found() {
    const WEEKS: usize = 12;
    const SIGNALS: u64 = 20;
    let days = shape();
    // A span of a week, and four of them as the reference.
    let weeks = DriftConfig {
        span: Span::secs(7 * 86_400),
        reference: Span::secs(28 * 86_400),
        ..DriftConfig::default()
    };
    let weeks = DriftSettings::new(&weeks, &pump(), Duration::from_secs(1)).shape;
    for (name, shape) in [("days", days), ("weeks", weeks)] {
        let (mut false_drifts, mut found) = (0, 0);
        for seed in 0..SIGNALS {
            let (mut sketch, mut signal, mut sample) = (Sketch::default(), Wandering::new(seed, 0.5), 0);
            let mut push = |sketch: &mut Sketch, samples: usize, shift: f64| {
                for _ in 0..samples {
                    let value = weekly(&mut signal, sample) + shift;
                    sketch.push(value as f32, at(sample), true, &shape, None);
                    sample += 1;
                }
                usize::from(sketch.watch().is_some_and(|watch| watch.since().is_some()))
            };
            push(&mut sketch, shape.span * shape.blocks, 0.0);
            false_drifts += (0..WEEKS).map(|_| push(&mut sketch, 7 * 96, 0.0)).sum::<usize>();
            found += push(&mut sketch, 2 * 7 * 96, 1.0);
        }
        println!(
            "by {name}: {false_drifts} false drifts, a shift by one sd found in {found} of {SIGNALS} after two weeks"
        );
        assert_eq!(false_drifts, 0, "by {name}");
        assert!(name == "days" || found as f64 >= 0.95 * SIGNALS as f64, "by {name}: {found}");
    }
}

/// Samples of a span and of a reference that are walked through in a moment.
const SPAN: i64 = 48;
const REFERENCE: i64 = 14 * SPAN;

/// A sample a second; so short a year of spans needs a generous budget.
fn small() -> DriftConfig {
    let secs = |samples: i64| Span::secs(samples.unsigned_abs());
    let (span, reference) = (secs(SPAN), secs(REFERENCE));
    let false_drifts_per_year = 1_000.0;
    DriftConfig { sample_interval: secs(1), span, reference, false_drifts_per_year, ..DriftConfig::default() }
}

fn watched() -> DeviceDrift {
    DeviceDrift::new(DriftSettings::new(&small(), &pump(), Duration::from_secs(1)))
}

/// One window: `flow` and the score of the device have these values, all else wanders.
fn window(second: i64, flow: f64, score: f32, alarm: bool, random: &mut Wandering) -> (Window, Verdict) {
    let end = Timestamp::from_millis(second * 1_000);
    let values = [flow, random.next(), random.next(), random.next()];
    let channel = |logit| ChannelVerdict { logit, baseline: 0.0, scale: 1.0, missing_run: 0, flat_run: 0 };
    let channels = (0..4).map(|_| channel(random.next() as f32)).collect();
    let verdict = Verdict { time: end, phase: Phase::Watching, score, limit: 4.0, alarm, channels };
    (Window { start: end, end, values: values.into() }, verdict)
}

fn find<'a>(report: &'a [Compared], what: What, channel: Option<&str>) -> &'a Compared {
    report.iter().find(|c| c.what == what && c.channel.as_deref() == channel).unwrap()
}

fn training() -> Histogram {
    Histogram { edges: vec![-1.0, 0.0, 1.0], counts: vec![160, 340, 340, 160], abstained: 0 }
}

#[test]
fn the_channel_that_moved_is_named_and_no_other() {
    let (mut drift, mut random) = (watched(), Wandering::new(3, 0.0));
    drift.detector("1.0.0", None);
    for second in 0..REFERENCE + 2 * SPAN {
        let shift = if second < REFERENCE { 0.0 } else { 5.0 };
        let flow = random.next() + shift;
        let (window, verdict) = window(second, flow, random.next() as f32, false, &mut random);
        assert!(drift.push(&window, &verdict));
    }
    let report = drift.report();
    let drifted: Vec<_> = report.iter().filter(|compared| compared.since.is_some()).collect();
    assert_eq!(drifted.len(), 1, "{drifted:?}");
    let flow = drifted[0];
    assert_eq!((flow.what, flow.channel.as_deref()), (What::Input, Some("flow")));
    assert_eq!(flow.since, Some(Timestamp::from_millis(1_000 * REFERENCE)));
    assert_eq!(flow.until, Some(Timestamp::from_millis(1_000 * (REFERENCE + 2 * SPAN - 1))));
    assert!((flow.shift_sd.unwrap() - 5.0).abs() < 1.0, "{flow:?}");
    assert!(flow.in_words().starts_with("flow: its values moved (up by "), "{}", flow.in_words());
}

#[test]
fn a_new_version_of_a_model_starts_its_scores_anew_and_keeps_the_machines_inputs() {
    let (mut drift, mut random) = (watched(), Wandering::new(3, 0.0));
    drift.detector("1.0.0", None);
    for second in 0..REFERENCE + 10 {
        let (window, verdict) = window(second, random.next(), random.next() as f32, false, &mut random);
        drift.push(&window, &verdict);
    }
    let inputs = |drift: &DeviceDrift| -> Vec<Compared> {
        drift.report().into_iter().filter(|compared| compared.what == What::Input).collect()
    };
    let before = inputs(&drift);
    drift.detector("1.0.0", None);
    assert!(find(&drift.report(), What::Score, None).known > 0.8, "the same version goes on");
    drift.detector("1.1.0", Some(&training()));
    assert_eq!(inputs(&drift), before);
    let scores: Vec<_> = drift.report().into_iter().filter(|compared| compared.what == What::Score).collect();
    assert_eq!(scores.len(), 6, "four channels, the device, and the device against the training");
    assert!(scores.iter().all(|compared| compared.known == 0.0), "{scores:?}");
}

#[test]
fn scores_unlike_those_of_the_training_are_told_once_chance_is_known_and_are_no_drift() {
    // What ships: the training's machines are made up, this one is not, and nobody is called for that.
    let shipped = DetectorModel::builtin().unwrap();
    let trained = shipped.trained().expect("the bundle that ships records its scores");
    let (mut drift, mut random) = (watched(), Wandering::new(3, 0.0));
    drift.detector(shipped.version(), Some(trained));
    for second in 0..REFERENCE + 3 * SPAN {
        let (window, verdict) = window(second, 0.0, random.next() as f32 + 4.0, false, &mut random);
        drift.push(&window, &verdict);
        let report = drift.report();
        // With the score's own reference chance is known, for the span that ends there and the next.
        let told = report.iter().any(Compared::unlike_the_training);
        assert_eq!(told, second >= REFERENCE - 1, "at {second}: {report:?}");
        assert!(report.iter().all(|compared| compared.since.is_none()), "at {second}: {report:?}");
    }
}

#[test]
fn a_reference_is_of_quiet_hours_after_the_detector_has_learnt() {
    let (mut drift, mut random) = (watched(), Wandering::new(3, 0.0));
    drift.detector("1.0.0", None);
    let (window_, mut verdict) = window(0, 0.0, 9.0, true, &mut random);
    drift.push(&window_, &verdict);
    assert!(drift.report().iter().all(|compared| compared.known == 0.0), "an alarm stands");
    verdict.alarm = false;
    verdict.phase = Phase::Learning { remaining: 3 };
    let (window_, _) = window(1, 0.0, 0.0, false, &mut random);
    assert!(!drift.push(&window_, &verdict));
    let (mut window_, verdict) = window(2, 0.0, 0.0, false, &mut random);
    assert!(drift.push(&window_, &verdict));
    window_.values.fill(f64::NAN);
    window_.end = Timestamp::from_millis(3_000);
    assert!(!drift.push(&window_, &verdict), "a device that delivers nothing is silent");
}

#[test]
fn a_restart_goes_on_where_the_snapshot_was_taken() {
    let (mut drift, mut random) = (watched(), Wandering::new(3, 0.0));
    drift.detector("1.0.0", Some(&training()));
    for second in 0..REFERENCE + 3 * SPAN {
        let (window, verdict) = window(second, random.next(), random.next() as f32, false, &mut random);
        drift.push(&window, &verdict);
        if second % 90 == 7 {
            let mut again = watched();
            again.restore(&drift.snapshot()).unwrap();
            again.detector("1.0.0", Some(&training()));
            assert_eq!(again.report(), drift.report());
            assert_eq!(again.snapshot(), drift.snapshot());
            drift = again;
        }
    }
}

#[test]
fn a_snapshot_of_other_settings_or_channels_is_refused_in_words() {
    let snapshot = watched().snapshot();
    let settings = DriftSettings::new(&DriftConfig::default(), &pump(), Duration::from_secs(1));
    let why = DeviceDrift::new(settings).restore(&snapshot).unwrap_err();
    assert!(why.contains("[drift]"), "{why}");
    let settings = DriftSettings::new(&small(), &device(&[("flow", "")]), Duration::from_secs(1));
    let why = DeviceDrift::new(settings).restore(&snapshot).unwrap_err();
    assert!(why.contains("not of this device"), "{why}");
}

#[test]
fn what_is_known_of_a_device_of_eight_channels_takes_a_few_kilobytes() {
    let names: Vec<String> = (0..8).map(|channel| format!("c{channel}")).collect();
    let channels: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let settings = DriftSettings::new(&DriftConfig::default(), &device(&channels), Duration::from_secs(900));
    let (mut drift, mut random) = (DeviceDrift::new(settings), Wandering::new(3, 0.0));
    drift.detector("1.0.0", Some(&training()));
    let channel = ChannelVerdict { logit: 0.0, baseline: 0.0, scale: 1.0, missing_run: 0, flat_run: 0 };
    let mut largest = 0;
    for sample in 0..shape().span * (shape().blocks + 1) {
        let values = (0..8).map(|_| random.next()).collect();
        let score = random.next() as f32;
        let channels = (0..8).map(|_| ChannelVerdict { logit: random.next() as f32, ..channel }).collect();
        let verdict =
            Verdict { time: at(sample), phase: Phase::Watching, score, limit: 4.0, alarm: false, channels };
        drift.push(&Window { start: at(sample), end: at(sample), values }, &verdict);
        if sample % 50 == 0 {
            largest = largest.max(drift.snapshot().len());
        }
    }
    let complete = drift.snapshot().len();
    println!("{largest} bytes while the references are collected, {complete} from then on");
    assert!(largest <= 17 * (4 * 14 * 96 + 8) + 256, "a sample is four bytes: {largest}");
    assert!(complete <= 4 << 10, "{complete}");
}

#[test]
fn what_leaves_are_figures_a_channel_no_sample() {
    let (mut drift, mut random) = (watched(), Wandering::new(3, 0.0));
    drift.detector("1.0.0", None);
    for second in 0..REFERENCE + 2 * SPAN {
        let (window, verdict) = window(second, 98_765.4, 43.21, false, &mut random);
        drift.push(&window, &verdict);
    }
    let report = drift.report();
    assert!(find(&report, What::Input, Some("flow")).psi.is_some());
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("9876") && !text.contains("43.2"), "{text}");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_snapshot_of_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..400, flip in 1u8..) {
            let mut drift = watched();
            let _ = drift.restore(&bytes);
            let mut damaged = drift.snapshot();
            let index = at % damaged.len();
            damaged[index] ^= flip;
            if drift.restore(&damaged).is_ok() {
                let mut random = Wandering::new(1, 0.0);
                for second in 0..800 {
                    let (window, verdict) = window(second, 1.0, 0.0, false, &mut random);
                    drift.push(&window, &verdict);
                }
                prop_assert!(!drift.report().is_empty());
            }
        }

        #[test]
        fn any_values_give_finite_figures(values in prop::collection::vec(any::<f64>(), 800)) {
            let (mut drift, mut random) = (watched(), Wandering::new(1, 0.0));
            drift.detector("1.0.0", None);
            for (second, value) in (0..).zip(values) {
                let value = if value.is_infinite() { f64::NAN } else { value };
                let (window, verdict) = window(second, value, 0.0, false, &mut random);
                drift.push(&window, &verdict);
            }
            for compared in drift.report() {
                for figure in [compared.psi, compared.limit, compared.shift_sd, compared.spread] {
                    prop_assert!(figure.is_none_or(f64::is_finite), "{:?}", compared);
                }
            }
        }
    }
}
