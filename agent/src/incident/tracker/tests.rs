use proptest::prelude::*;

use super::*;
use crate::config::Span;
use crate::incident::Shape;
use crate::incident::fixtures::{TICK, at, device, noise, verdict, window};

const CLOSE_AFTER: u32 = 30;
const INTERVAL: u64 = 60;

fn settings() -> IncidentConfig {
    IncidentConfig { close_after_windows: CLOSE_AFTER, update_interval: Span::secs(INTERVAL) }
}

fn tracker() -> IncidentTracker {
    IncidentTracker::new(&device(&[("pressure_out", "bar"), ("flow", "m3/h")]), &settings(), TICK)
}

/// Feeds windows; `values` gives both channels' movement beside noise, the alarm stands in `alarm`.
fn feed(
    tracker: &mut IncidentTracker,
    span: std::ops::Range<i64>,
    alarm: std::ops::Range<i64>,
    values: impl Fn(i64) -> [f64; 2],
) -> Vec<Incident> {
    span.filter_map(|t| {
        let [a, b] = values(t);
        let noise = [f64::from(noise(t as usize)), f64::from(noise(t as usize + 7_919))];
        tracker.observe(
            &window(t, &[a + noise[0], b + noise[1]]),
            &verdict(t, alarm.contains(&t), &[-5.0, -5.0]),
        )
    })
    .collect()
}

/// Pressure up 12 at 300, flow down 9 at 305, both back at 500; the alarm stands from 310 to 500.
fn closing_valve(t: i64) -> [f64; 2] {
    [if (300..500).contains(&t) { 12.0 } else { 0.0 }, if (305..500).contains(&t) { -9.0 } else { 0.0 }]
}

#[test]
fn an_episode_is_one_incident_with_its_evidence() {
    let mut tracker = tracker();
    let told = feed(&mut tracker, 0..700, 310..500, closing_valve);
    let [opened, closed] = told.as_slice() else { panic!("{told:#?}") };

    assert_eq!((opened.change, closed.change), (Change::Opened, Change::Closed));
    assert_eq!(opened.id, "pump-1-20261121T080511.000Z");
    assert_eq!(opened.opened, at(311));
    let evidence = &opened.evidence;
    assert_eq!((evidence.onset, evidence.duration_s), (at(300), 11.0));
    let [pressure, flow] = evidence.channels.as_slice() else { panic!() };
    assert_eq!((pressure.onset, pressure.order, pressure.shape), (Some(at(300)), Some(1), Some(Shape::Step)));
    assert_eq!((flow.onset, flow.order, flow.shape), (Some(at(305)), Some(2), Some(Shape::Step)));
    assert!((pressure.deviation.unwrap() - 12.0).abs() < 2.0 && (flow.deviation.unwrap() + 9.0).abs() < 2.0);
    assert!(opened.summary.starts_with("pump-1: pressure out rose by 1"), "{}", opened.summary);

    assert_eq!(
        (closed.id.as_str(), closed.closed),
        (opened.id.as_str(), Some(at(500 + i64::from(CLOSE_AFTER))))
    );
    assert!(closed.evidence.channels.iter().all(|channel| channel.deviates));
    assert!(closed.summary.contains("pressure out is back at"), "{}", closed.summary);
    assert_eq!(tracker.open(), None);
}

#[test]
fn what_was_normal_is_frozen_from_before_the_episode() {
    let mut tracker = tracker();
    let mut told = Vec::new();
    for t in 0..700 {
        // A baseline that follows the fault, as a detector that adapts would show it.
        let fault = if t >= 300 { 12.0 } else { 0.0 };
        let mut verdict = verdict(t, t >= 310, &[-5.0, -5.0]);
        verdict.channels[0].baseline = if t >= 300 { (t - 300) as f64 / 10.0 } else { 0.0 };
        verdict.channels[0].scale = if t >= 300 { 5.0 } else { 1.0 };
        verdict.score = t as f32 / 100.0;
        told.extend(tracker.observe(&window(t, &[fault, 0.0]), &verdict));
    }
    assert!(told.len() > 1, "it is updated");
    for incident in told {
        let pressure = &incident.evidence.channels[0];
        assert_eq!((pressure.baseline, pressure.deviation_sd), (0.0, Some(12.0)));
    }
}

#[test]
fn a_channel_that_drops_out_is_told_with_the_time_of_its_last_value() {
    let mut tracker = tracker();
    let mut told = Vec::new();
    for t in 0..120 {
        let silent = t >= 100;
        let value = if silent { f64::NAN } else { f64::from(noise(t as usize)) };
        let mut verdict = verdict(t, t >= 110, &[-5.0, -5.0]);
        verdict.channels[0].missing_run = if silent { t as u32 - 99 } else { 0 };
        told.extend(tracker.observe(&window(t, &[value, 0.0]), &verdict));
    }
    let [opened] = told.as_slice() else { panic!("{told:#?}") };
    let pressure = &opened.evidence.channels[0];
    assert_eq!((pressure.shape, pressure.onset, pressure.now), (Some(Shape::Dropout), Some(at(100)), None));
    assert!(opened.summary.contains("pressure out has delivered nothing for 11 s"), "{}", opened.summary);
}

#[test]
fn a_restart_continues_an_open_incident() {
    let mut whole = tracker();
    let mut told = feed(&mut whole, 0..700, 310..500, closing_valve);

    let mut first = tracker();
    let mut restarted = feed(&mut first, 0..400, 310..500, closing_valve);
    let mut second = tracker();
    second.restore(&first.snapshot()).unwrap();
    assert_eq!(second.open(), first.open());
    restarted.extend(feed(&mut second, 400..700, 310..500, closing_valve));
    assert_eq!(restarted, std::mem::take(&mut told));
}

#[test]
fn a_snapshot_that_does_not_fit_is_refused() {
    let mut filled = tracker();
    feed(&mut filled, 0..50, 40..50, closing_valve);
    let bytes = filled.snapshot();
    let mut other = IncidentTracker::new(&device(&[("pressure_out", "bar")]), &settings(), TICK);
    assert_eq!(other.restore(&bytes), Err(RestoreError::OtherDevice));
    assert!(matches!(tracker().restore(&[]), Err(RestoreError::Unreadable(_))));
    assert!(matches!(tracker().restore(&bytes[..bytes.len() / 2]), Err(RestoreError::Unreadable(_))));
    assert_eq!(tracker().restore(&[9, 1, 2]), Err(RestoreError::OtherLayout { found: 9 }));
}

#[test]
fn an_id_is_never_given_twice_even_when_the_clock_is_set_back() {
    let settings = IncidentConfig { close_after_windows: 1, ..settings() };
    let mut tracker = IncidentTracker::new(&device(&[("a", "")]), &settings, TICK);
    let mut ids = Vec::new();
    // The same second over and over.
    for round in 0..20 {
        let told = tracker.observe(&window(5, &[0.0]), &verdict(5, round % 2 == 0, &[0.0]));
        ids.extend(told.filter(|incident| incident.change == Change::Opened).map(|incident| incident.id));
    }
    assert_eq!(ids.len(), 10);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
}

#[test]
fn no_incident_opens_while_the_detector_is_learning() {
    let mut verdict = verdict(0, true, &[9.0, 9.0]);
    verdict.phase = Phase::Learning { remaining: 3 };
    assert_eq!(tracker().observe(&window(0, &[9.0, 9.0]), &verdict), None);
}

/// One window of a random sequence.
fn any_step() -> impl Strategy<Value = (i64, bool, f32, [f64; 2], u32)> {
    let value = || prop_oneof![3 => -20.0..20.0f64, 1 => any::<f64>(), 1 => Just(f64::NAN)];
    let step = prop_oneof![20 => Just(1i64), 1 => -500i64..500];
    (step, any::<bool>(), -10.0..40.0f32, [value(), value()], 0u32..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// No flood, whatever the detector says.
    #[test]
    fn incidents_alternate_and_updates_are_bounded(
        steps in proptest::collection::vec(any_step(), 0..400),
        close_after in 0u32..5,
        restart_every in 20usize..200,
    ) {
        let settings = IncidentConfig { close_after_windows: close_after, update_interval: Span::secs(10) };
        let fresh = || IncidentTracker::new(&device(&[("a", "bar"), ("b", "")]), &settings, TICK);
        let mut tracker = fresh();
        let mut open: Option<Incident> = None;
        let mut ids = std::collections::HashSet::new();
        let mut t = 0;
        for (index, (step, alarm, score, values, run)) in steps.into_iter().enumerate() {
            t += step;
            let mut verdict = verdict(t, alarm, &[score, -score]);
            verdict.score = score;
            verdict.channels[0].missing_run = if values[0].is_nan() { run } else { 0 };
            verdict.channels[1].flat_run = run;
            if let Some(incident) = tracker.observe(&window(t, &values), &verdict) {
                match incident.change {
                    Change::Opened => {
                        prop_assert!(open.is_none() && alarm);
                        prop_assert!(ids.insert(incident.id.clone()));
                    }
                    Change::Updated => {
                        let last = open.as_ref().expect("updated only while open");
                        prop_assert_eq!(&incident.id, &last.id);
                        prop_assert!(incident.updated.since(last.updated).as_secs() >= 10);
                    }
                    Change::Closed => {
                        prop_assert_eq!(&incident.id, &open.as_ref().expect("closed only while open").id);
                        prop_assert!(!alarm);
                    }
                }
                open = (incident.change != Change::Closed).then_some(incident);
            }
            prop_assert_eq!(tracker.open().map(|incident| &incident.id), open.as_ref().map(|incident| &incident.id));
            if index % restart_every == restart_every - 1 {
                let bytes = tracker.snapshot();
                tracker = fresh();
                prop_assert_eq!(tracker.restore(&bytes), Ok(()));
            }
        }
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), flip in 0usize..4_000) {
        let _ = tracker().restore(&bytes);
        let mut filled = tracker();
        feed(&mut filled, 0..60, 40..60, closing_valve);
        let mut damaged = filled.snapshot();
        let flip = flip % damaged.len();
        damaged[flip] ^= 0x40;
        let mut restored = tracker();
        if restored.restore(&damaged).is_ok() {
            feed(&mut restored, 60..70, 60..65, closing_valve);
        }
    }
}
