//! What the tests of this module work with.

use super::{Diagnosis, Settings, TableFile};
use crate::incident::sentence::ChannelNames;
use crate::incident::{ChannelEvidence, Evidence, Shape};
use crate::time::Timestamp;

pub const SIGNATURES: &str = include_str!("../../../models/catalog/incident/signatures.toml");
pub const PHRASES: &str = include_str!("../../../models/catalog/incident/phrases.toml");
const MODEL: &[u8] = include_bytes!("../../../models/catalog/incident/model.onnx");

pub const SETTINGS: Settings = Settings { temperature: 1.0, abstain_below: 0.5, second_above: 0.7 };

/// The shipped table and scorer, and what a site adds.
pub fn diagnosis(site: Option<&str>) -> Diagnosis {
    let shipped = [("signatures.toml", SIGNATURES), ("phrases.toml", PHRASES)];
    let files = shipped.into_iter().chain(site.map(|text| ("site.toml", text)));
    let files: Vec<TableFile<'_>> = files.map(|(name, text)| TableFile { name, text }).collect();
    Diagnosis::open(&files, MODEL, SETTINGS).unwrap()
}

pub fn named(name: &str, unit: &str) -> ChannelNames {
    ChannelNames { name: name.into(), unit: unit.into(), label: name.replace('_', " ") }
}

/// A channel that moves so many standard deviations, in this order.
pub fn moves(name: &str, unit: &str, shape: Shape, sd: f64, order: u32) -> ChannelEvidence {
    let onset = Timestamp::from_millis(1_000_000 + i64::from(order) * 10_000);
    ChannelEvidence {
        name: name.into(),
        unit: unit.into(),
        baseline: 10.0,
        now: (shape != Shape::Dropout).then_some(10.0 + sd / 10.0),
        deviation: (shape != Shape::Dropout).then_some(sd / 10.0),
        deviation_sd: (shape != Shape::Dropout).then_some(sd),
        deviates: true,
        shape: Some(shape),
        onset: Some(onset),
        order: Some(order),
    }
}

/// A channel that stays where it was.
pub fn steady(name: &str, unit: &str) -> ChannelEvidence {
    let still = moves(name, unit, Shape::Step, 0.1, 1);
    ChannelEvidence { deviates: false, shape: None, onset: None, order: None, ..still }
}

pub fn evidence(channels: Vec<ChannelEvidence>) -> Evidence {
    let onset = Timestamp::from_millis(1_010_000);
    Evidence { onset, duration_s: 120.0, score: 6.0, peak_score: 7.0, limit: 4.0, channels }
}

/// A pump whose outlet is blocked.
pub fn blocked() -> Vec<ChannelEvidence> {
    vec![
        moves("discharge_pressure", "bar", Shape::Step, 9.0, 1),
        moves("flow", "m3/h", Shape::Step, -9.0, 2),
        moves("motor_current", "A", Shape::Step, -4.0, 3),
        steady("suction_pressure", "bar"),
        steady("bearing_temp", "°C"),
        steady("vibration", "mm/s"),
    ]
}

pub fn names(channels: &[ChannelEvidence]) -> Vec<ChannelNames> {
    channels.iter().map(|channel| named(&channel.name, &channel.unit)).collect()
}
