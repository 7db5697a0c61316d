//! Promises of the simulator: reproducible, plausible, and each fault shows where a textbook
//! says.

use std::ops::ControlFlow;

use super::*;
use crate::clock::ManualClock;
use crate::config::{FaultConfig, FaultKind, Span};

/// The station's values by tick, after the given faults.
fn run(faults: Vec<FaultConfig>, seed: u64, seconds: u64) -> Vec<Vec<Option<f64>>> {
    struct Keep(Vec<Vec<Option<f64>>>);
    impl Sink for Keep {
        fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
            self.0.push(batch.samples.iter().map(|sample| sample.value.ok()).collect());
            ControlFlow::Continue(())
        }
    }
    let settings = config::SimulateSource { seed, speed: 0.0, duration: Some(Span::secs(seconds)), faults };
    let clock = Arc::new(ManualClock::default());
    let mut source = SimulateSource::open(&settings, &channels(), Duration::from_secs(1), clock).unwrap();
    let mut keep = Keep(Vec::new());
    source.run(&mut keep).unwrap();
    keep.0
}

fn fault(kind: FaultKind, channel: Option<&str>) -> Vec<FaultConfig> {
    vec![FaultConfig {
        kind,
        at: Span::secs(300),
        ramp: None,
        duration: None,
        severity: 1.0,
        channel: channel.map(str::to_owned),
    }]
}

/// Mean of a channel over the ticks from 600 on.
fn mean(rows: &[Vec<Option<f64>>], name: &str) -> f64 {
    let at = quantity(name).unwrap();
    let values: Vec<f64> = rows[600..].iter().filter_map(|row| row[at]).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn the_same_seed_gives_the_same_samples() {
    assert_eq!(run(Vec::new(), 7, 500), run(Vec::new(), 7, 500));
    assert_ne!(run(Vec::new(), 7, 500), run(Vec::new(), 8, 500));
}

#[test]
fn a_healthy_station_stays_near_its_nominal_point() {
    let rows = run(Vec::new(), 1, 1_200);
    for (name, nominal, tolerance) in [
        ("flow", 50.0, 3.0),
        ("pressure_in", 1.0, 0.15),
        ("pressure_out", 5.0, 0.4),
        ("motor_current", 12.0, 1.0),
    ] {
        let mean = mean(&rows, name);
        assert!((mean - nominal).abs() < tolerance, "{name}: {mean}");
    }
}

#[test]
fn each_fault_moves_the_channels_that_a_textbook_names() {
    let healthy = run(Vec::new(), 1, 1_200);
    for (kind, rises, falls) in [
        (FaultKind::InletValveClosing, &["vibration_drive"][..], &["pressure_in", "flow"][..]),
        (FaultKind::OutletValveClosing, &["pressure_out"], &["flow", "motor_current"]),
        (FaultKind::Cavitation, &["vibration_drive", "vibration_free"], &["flow"]),
        (FaultKind::BearingWear, &["temperature_bearing", "vibration_drive"], &[]),
        (FaultKind::Imbalance, &["vibration_drive", "vibration_free"], &[]),
        (FaultKind::Leak, &["flow"], &["pressure_out"]),
    ] {
        let faulty = run(fault(kind, None), 1, 1_200);
        for name in rises {
            let (now, then) = (mean(&faulty, name), mean(&healthy, name));
            assert!(now > then * 1.03, "{kind:?}: {name} {then} -> {now}");
        }
        for name in falls {
            let (now, then) = (mean(&faulty, name), mean(&healthy, name));
            assert!(now < then * 0.97, "{kind:?}: {name} {then} -> {now}");
        }
    }
}

#[test]
fn a_failed_sensor_changes_nothing_but_itself() {
    let healthy = run(Vec::new(), 3, 400);
    let flow = quantity("flow").unwrap();
    let stuck = run(fault(FaultKind::SensorStuck, Some("flow")), 3, 400);
    let dropped = run(fault(FaultKind::SensorDropout, Some("flow")), 3, 400);
    for tick in 300..400 {
        assert_eq!(stuck[tick][flow], healthy[299][flow]);
        assert_eq!(dropped[tick][flow], None);
        for other in (0..QUANTITIES).filter(|&other| other != flow) {
            assert_eq!(stuck[tick][other], healthy[tick][other]);
            assert_eq!(dropped[tick][other], healthy[tick][other]);
        }
    }
}

#[test]
fn a_channel_that_the_station_lacks_is_named_with_those_it_has() {
    let settings = config::SimulateSource { seed: 1, speed: 0.0, duration: None, faults: Vec::new() };
    let mut channels = channels();
    channels[0].name = "torque".into();
    let clock = Arc::new(ManualClock::default());
    let error = SimulateSource::open(&settings, &channels, Duration::from_secs(1), clock).err().unwrap();
    assert!(error.to_string().contains("no channel `torque`; it has motor_current, "), "{error}");
}
