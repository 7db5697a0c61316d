use proptest::prelude::*;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::*;

const LEARNING: u32 = 300;
const TICK: Duration = Duration::from_secs(1);
/// Deviation of the noise on every test channel.
const SD: f64 = 0.5;

fn settings(channels: usize) -> DetectorSettings {
    DetectorSettings { channels, tick: TICK, false_alarms_per_day: 1.0, commissioning_windows: LEARNING }
}

/// A machine of channels with noise around their own level, and the detector that watches it.
struct Rig {
    detector: Detector,
    noise: Pcg64Mcg,
    tick: i64,
    channels: usize,
    alarms: usize,
    standing: bool,
}

impl Rig {
    fn new(channels: usize) -> Self {
        let model = DetectorModel::builtin().unwrap();
        Rig {
            detector: Detector::new(&model, &settings(channels)).unwrap(),
            noise: Pcg64Mcg::seed_from_u64(7),
            tick: 0,
            channels,
            alarms: 0,
            standing: false,
        }
    }

    fn window(&mut self, change: impl Fn(usize, f64) -> f64) -> Window {
        let start = Timestamp::EPOCH.plus(TICK * u32::try_from(self.tick).unwrap());
        self.tick += 1;
        let values = (0..self.channels)
            .map(|c| {
                let noise: f64 = StandardNormal.sample(&mut self.noise);
                change(c, 100.0 * (c + 1) as f64 + SD * noise)
            })
            .collect();
        Window { start, end: start.plus(TICK), values }
    }

    fn push(&mut self, change: impl Fn(usize, f64) -> f64) -> Verdict {
        let window = self.window(change);
        let verdict = self.detector.push(&window).clone();
        self.alarms += usize::from(verdict.alarm && !self.standing);
        self.standing = verdict.alarm;
        verdict
    }

    fn run(&mut self, ticks: usize, change: impl Fn(usize, f64) -> f64) {
        for _ in 0..ticks {
            self.push(&change);
        }
    }

    /// A rig that has watched `ticks` of noise.
    fn watched(channels: usize, ticks: usize) -> Self {
        let mut rig = Rig::new(channels);
        rig.run(ticks, |_, v| v);
        assert_eq!(rig.alarms, 0, "noise alone is no alarm");
        rig
    }
}

fn step_by(sd: f64) -> impl Fn(usize, f64) -> f64 {
    move |c, v| if c == 1 { v + sd * SD } else { v }
}

#[test]
fn while_it_learns_it_raises_no_alarm() {
    let mut rig = Rig::new(4);
    rig.run(150, |_, v| v);
    rig.run(100, step_by(40.0));
    let verdict = rig.push(step_by(40.0));
    assert_eq!(verdict.phase, Phase::Learning { remaining: LEARNING - 251 });
    assert_eq!(rig.alarms, 0);
}

#[test]
fn a_step_of_six_sd_raises_exactly_one_alarm() {
    let mut rig = Rig::watched(4, 1_500);
    rig.run(200, step_by(6.0));
    assert_eq!(rig.alarms, 1);
    rig.run(600, |_, v| v);
    assert_eq!(rig.alarms, 1);
    assert!(!rig.standing, "the machine has recovered");
}

#[test]
fn a_fault_that_lasts_is_not_learnt_as_normal() {
    let mut rig = Rig::watched(4, 1_500);
    rig.run(3_000, step_by(12.0));
    assert!(rig.standing);
    assert_eq!(rig.alarms, 1);
}

#[test]
fn a_slow_drift_is_followed_without_an_alarm() {
    let mut rig = Rig::watched(4, 1_500);
    for tick in 0..6_000 {
        rig.push(|c, v| if c == 1 { v + f64::from(tick) * SD / 1_000.0 } else { v });
    }
    assert_eq!(rig.alarms, 0);
}

#[test]
fn a_channel_that_drops_out_raises_an_alarm_until_it_is_back() {
    let mut rig = Rig::watched(4, 1_000);
    rig.run(60, |c, v| if c == 2 { f64::NAN } else { v });
    assert!(rig.standing);
    rig.run(60, |_, v| v);
    assert!(!rig.standing);
    assert_eq!(rig.alarms, 1);
}

#[test]
fn a_channel_that_gets_stuck_raises_an_alarm() {
    let mut rig = Rig::watched(4, 1_000);
    rig.run(60, |c, v| if c == 2 { 300.0 } else { v });
    assert!(rig.standing);
}

#[test]
fn a_channel_that_always_was_silent_or_constant_raises_none() {
    let mut rig = Rig::new(4);
    rig.run(3_000, |c, v| match c {
        1 => f64::NAN,
        2 => 5.0,
        _ => v,
    });
    assert_eq!(rig.alarms, 0);
}

#[test]
fn a_channel_that_delivers_every_tenth_tick_raises_none() {
    let mut rig = Rig::new(4);
    for tick in 0..3_000 {
        rig.push(|c, v| if c == 1 && tick % 10 != 0 { f64::NAN } else { v });
    }
    assert_eq!(rig.alarms, 0);
}

#[test]
fn a_gap_in_all_channels_holds_everything() {
    let (mut gap, mut whole) = (Rig::watched(4, 1_000), Rig::watched(4, 1_000));
    let silent = Window { start: Timestamp::EPOCH, end: Timestamp::EPOCH, values: [f64::NAN; 4].into() };
    for _ in 0..500 {
        gap.detector.push(&silent);
    }
    for _ in 0..50 {
        assert_eq!(gap.push(|_, v| v), whole.push(|_, v| v));
    }
}

#[test]
fn the_order_of_the_channels_does_not_change_the_score() {
    let mut rig = Rig::new(3);
    let mut turned = Rig::new(3);
    for tick in 0..700 {
        let window = rig.window(|_, v| v + if tick > 600 { 2.0 } else { 0.0 });
        let values = window.values.iter().rev().copied().collect();
        let reversed = Window { values, ..window.clone() };
        let (a, b) = (rig.detector.push(&window).score, turned.detector.push(&reversed).score);
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
}

#[test]
fn an_operator_who_calls_it_normal_ends_the_alarm_for_good() {
    let mut rig = Rig::watched(4, 1_500);
    rig.run(100, step_by(12.0));
    assert!(rig.standing);
    rig.detector.feedback(Feedback::Normal);
    rig.run(1_000, step_by(12.0));
    assert_eq!(rig.alarms, 1);
    assert!(!rig.standing);
}

#[test]
fn an_operator_who_confirms_a_fault_keeps_it_from_ever_being_learnt() {
    let mut rig = Rig::watched(4, 1_500);
    rig.run(100, step_by(12.0));
    rig.detector.feedback(Feedback::TrueFault);
    let baseline = rig.push(step_by(12.0)).channels[1].baseline;
    rig.run(2_000, step_by(12.0));
    assert_eq!(rig.push(step_by(12.0)).channels[1].baseline.to_bits(), baseline.to_bits());
    assert!(rig.standing);
}

#[test]
fn a_restart_continues_bit_for_bit() {
    let mut rig = Rig::watched(4, 900);
    let snapshot = rig.detector.snapshot();
    let mut again = Detector::new(&DetectorModel::builtin().unwrap(), &settings(4)).unwrap();
    again.restore(&snapshot).unwrap();
    for tick in 0..200 {
        let window = rig.window(step_by(if tick > 50 { 8.0 } else { 0.0 }));
        assert_eq!(rig.detector.push(&window), again.push(&window));
    }
    assert_eq!(rig.detector.snapshot(), again.snapshot());
}

#[test]
fn a_snapshot_of_another_detector_is_refused_with_the_reason() {
    let snapshot = Rig::watched(4, 50).detector.snapshot();
    let model = DetectorModel::builtin().unwrap();
    let mut other = Detector::new(&model, &settings(5)).unwrap();
    assert_eq!(other.restore(&snapshot), Err(RestoreError::Channels { found: 4, expected: 5 }));
    let slower = DetectorSettings { tick: TICK * 2, ..settings(4) };
    let mut other = Detector::new(&model, &slower).unwrap();
    assert_eq!(
        other.restore(&snapshot),
        Err(RestoreError::Tick { found_us: 1_000_000, expected_us: 2_000_000 })
    );
    let mut other = Detector::new(&model, &settings(4)).unwrap();
    let mut later = snapshot.clone();
    later[4] = 9;
    assert_eq!(other.restore(&later), Err(RestoreError::Version { found: 9 }));
}

#[test]
fn a_new_release_takes_over_between_two_windows_and_goes_on_with_what_was_learnt() {
    let mut rig = Rig::watched(4, 500);
    let mut successor = Detector::new(&DetectorModel::builtin().unwrap(), &settings(4)).unwrap();
    successor.succeed(&rig.detector);
    for tick in 0..200 {
        let window = rig.window(step_by(if tick > 50 { 8.0 } else { 0.0 }));
        assert_eq!(rig.detector.push(&window), successor.push(&window));
    }
    assert!(successor.push(&rig.window(step_by(8.0))).alarm, "the fault of tick 50 stands");
    assert_eq!(successor.failures(), 0);
}

#[test]
fn a_snapshot_that_was_cut_or_has_a_flipped_bit_is_refused() {
    let mut rig = Rig::watched(2, 400);
    let snapshot = rig.detector.snapshot();
    for length in (0..snapshot.len()).step_by(97) {
        assert!(rig.detector.restore(&snapshot[..length]).is_err(), "cut to {length}");
    }
    for bit in (0..snapshot.len() * 8).step_by(331) {
        let mut damaged = snapshot.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(rig.detector.restore(&damaged).is_err(), "bit {bit}");
    }
    assert_eq!(rig.detector.snapshot(), snapshot, "a refused snapshot changes nothing");
}

#[test]
fn the_model_on_tract_gives_its_golden_answers() {
    let model = DetectorModel::builtin().unwrap();
    let golden = include_str!("../../../../models/catalog/detector/golden.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    let tolerance = golden["tolerance"].as_f64().unwrap();
    let floats = |rows: &serde_json::Value| -> Vec<f32> {
        let rows = rows.as_array().unwrap().iter();
        rows.flat_map(|row| row.as_array().unwrap()).map(|v| v.as_f64().unwrap() as f32).collect()
    };
    let cases = golden["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let (input, expected) = (floats(&case["input"]), floats(&case["output"]));
        let mut answer = Vec::new();
        Scorer::new(model.onnx(), expected.len()).unwrap().score(&input, &mut answer).unwrap();
        for (a, e) in answer.iter().zip(&expected) {
            assert!(f64::from((a - e).abs()) <= tolerance, "{a} instead of {e}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever can write the checksum can write anything; the agent still must not panic.
    #[test]
    fn a_forged_snapshot_never_panics(at in 0usize..40_000, bytes in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut rig = Rig::new(1);
        rig.run(30, |_, v| v);
        let mut forged = rig.detector.snapshot();
        let body = 10 + at % (forged.len() - 10 - bytes.len());
        forged[body..body + bytes.len()].copy_from_slice(&bytes);
        let sum = crc32fast::hash(&forged[10..]).to_le_bytes();
        forged[6..10].copy_from_slice(&sum);
        if rig.detector.restore(&forged).is_ok() {
            rig.run(150, |_, v| v);
        }
    }
}
