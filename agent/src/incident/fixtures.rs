//! Input for the tests of this room and of the payloads.

use std::path::PathBuf;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::sentence::{Subject, summary};
use super::{Change, ChannelEvidence, Evidence, Incident, Shape};
use crate::config::{ChannelConfig, CsvSource, DeviceConfig, SourceConfig, Span};
use crate::detect::{ChannelVerdict, Phase, Verdict};
use crate::signal::Window;
use crate::time::Timestamp;

/// Windows follow each other at this distance.
pub(crate) const TICK: Duration = Duration::from_secs(1);
/// The limit of all verdicts, in logits.
pub(crate) const LIMIT: f32 = 4.0;

/// The time of window `t`: seconds from 2026-11-21T08:00:00Z.
pub(crate) fn at(t: i64) -> Timestamp {
    Timestamp::from_millis(1_795_248_000_000 + 1_000 * t)
}

pub(crate) fn window(t: i64, values: &[f64]) -> Window {
    Window { start: at(t), end: at(t + 1), values: values.into() }
}

/// A verdict on channels with these logits, whose normal is 0 ± 1.
pub(crate) fn verdict(t: i64, alarm: bool, logits: &[f32]) -> Verdict {
    let channel = |logit: &f32| ChannelVerdict {
        logit: *logit,
        baseline: 0.0,
        scale: 1.0,
        missing_run: 0,
        flat_run: 0,
    };
    Verdict {
        time: at(t + 1),
        phase: Phase::Watching,
        score: if alarm { LIMIT + 2.0 } else { -5.0 },
        limit: LIMIT,
        alarm,
        channels: logits.iter().map(channel).collect(),
    }
}

/// Repeatable noise of about one standard deviation, below two.
pub(crate) fn noise(t: usize) -> f32 {
    let mixed = (t as u32).wrapping_mul(2_654_435_761) ^ 0x9e37_79b9;
    let uniform = (mixed.wrapping_mul(2_246_822_519) >> 8) as f32 / (1 << 24) as f32;
    (uniform - 0.5) * 3.4
}

pub(crate) fn device(channels: &[(&str, &str)]) -> DeviceConfig {
    let channel = |&(name, unit): &(&str, &str)| ChannelConfig {
        name: name.into(),
        unit: unit.into(),
        ..ChannelConfig::default()
    };
    let source =
        CsvSource { path: PathBuf::new(), delimiter: None, time_column: None, time_format: None, speed: 1.0 };
    DeviceConfig {
        id: "pump-1".into(),
        kind: None,
        period: Span::secs(1),
        lateness: None,
        window: None,
        hop: None,
        source: SourceConfig::Csv(source),
        channels: channels.iter().map(channel).collect(),
    }
}

pub(crate) fn channel(name: &str, unit: &str) -> ChannelEvidence {
    ChannelEvidence {
        name: name.into(),
        unit: unit.into(),
        baseline: 4.2,
        now: Some(4.2),
        deviation: Some(0.0),
        deviation_sd: Some(0.0),
        deviates: false,
        shape: None,
        onset: None,
        order: None,
    }
}

/// An outlet that closes: pressure up 40 s ago, flow down 30 s ago, temperature as ever.
pub(crate) fn evidence() -> Evidence {
    let moved =
        |channel: ChannelEvidence, baseline: f64, deviation: f64, onset: i64, order: u32| ChannelEvidence {
            baseline,
            now: Some(baseline + deviation),
            deviation: Some(deviation),
            deviation_sd: Some(deviation * 10.0),
            deviates: true,
            shape: Some(Shape::Step),
            onset: Some(at(onset)),
            order: Some(order),
            ..channel
        };
    Evidence {
        onset: at(0),
        duration_s: 40.0,
        score: 6.5,
        peak_score: 7.25,
        limit: LIMIT,
        channels: vec![
            moved(channel("pressure_out", "bar"), 4.2, 1.2, 0, 1),
            moved(channel("flow", "m3/h"), 42.0, -12.0, 10, 2),
            channel("temperature", "°C"),
        ],
    }
}

pub(crate) fn incident() -> Incident {
    let device = device(&[("pressure_out", "bar"), ("flow", "m3/h"), ("temperature", "°C")]);
    let evidence = evidence();
    Incident {
        id: "pump-1-20261121T080040.000Z".into(),
        device: device.id.clone(),
        change: Change::Opened,
        opened: at(40),
        updated: at(40),
        closed: None,
        summary: summary(&Subject::of(&device), Change::Opened, &evidence),
        evidence,
    }
}

/// Any number at all, more often one that a machine has.
pub(crate) fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -1e4..1e4, 1 => -1e-3..1e-3, 1 => any::<f64>(), 1 => Just(0.0), 1 => Just(f64::NAN)]
}

pub(crate) fn any_time() -> impl Strategy<Value = Timestamp> {
    (0i64..100_000_000).prop_map(|millis| Timestamp::from_millis(at(0).as_millis() + millis))
}

fn any_shape() -> impl Strategy<Value = Shape> {
    use Shape::{Dropout, Oscillation, Ramp, Spike, Step, Stuck};
    prop::sample::select(vec![Step, Ramp, Spike, Oscillation, Stuck, Dropout])
}

pub(crate) fn any_change() -> impl Strategy<Value = Change> {
    prop::sample::select(vec![Change::Opened, Change::Updated, Change::Closed])
}

fn any_channel() -> impl Strategy<Value = ChannelEvidence> {
    let units = prop::sample::select(vec!["", "bar", "m3/h", "°C", "%", "mm/s"]);
    let figures = (any_value(), option::of(any_value()), option::of(any_value()), option::of(any_value()));
    let part = option::of((any_shape(), any_time(), 1u32..5));
    ("[a-z]{3,8}_[0-9]{1,3}", units, figures, part).prop_map(
        |(name, unit, (baseline, now, deviation, sd), part)| ChannelEvidence {
            name,
            unit: unit.into(),
            baseline,
            now,
            deviation,
            deviation_sd: sd,
            deviates: part.is_some(),
            shape: part.map(|(shape, ..)| shape),
            onset: part.map(|(_, onset, _)| onset),
            order: part.map(|(.., order)| order),
        },
    )
}

/// Any evidence, also what no tracker would make.
pub(crate) fn any_evidence() -> impl Strategy<Value = Evidence> {
    (any_time(), 0.0..1e8, any::<f32>(), any::<f32>(), vec(any_channel(), 1..8)).prop_map(
        |(onset, duration_s, score, peak_score, channels)| Evidence {
            onset,
            duration_s,
            score,
            peak_score,
            limit: LIMIT,
            channels,
        },
    )
}

pub(crate) fn any_incident() -> impl Strategy<Value = Incident> {
    (any_evidence(), any_change(), any_time(), option::of(any_time()), "\\PC{0,40}").prop_map(
        |(evidence, change, opened, closed, summary)| Incident {
            id: "pump-1-20261121T080040.000Z".into(),
            device: "pump-1".into(),
            change,
            opened,
            updated: opened,
            closed,
            evidence,
            summary,
        },
    )
}
