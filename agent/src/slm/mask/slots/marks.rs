//! Tokens that give a prompt its form. A model reads them and never writes them.

use super::slot::About;
use crate::incident::Shape;

/// Begins an incident's prompt, and says which form it has.
pub const INCIDENT: &str = "<p.incident.v1>";
/// Begins a shift's prompt, and says which form it has.
pub const SHIFT: &str = "<p.shift.v1>";
/// What has changed: it began.
pub const OPENED: &str = "<p.opened>";
/// What has changed: it goes on.
pub const UPDATED: &str = "<p.updated>";
/// What has changed: it is over.
pub const CLOSED: &str = "<p.closed>";
/// The kind of machine follows.
pub const KIND: &str = "<p.kind>";
/// A unit follows.
pub const UNIT: &str = "<p.unit>";
/// A cause follows.
pub const CAUSE: &str = "<p.cause>";
/// A second fault follows.
pub const SECOND: &str = "<p.second>";
/// The cause is no fault: unusual, but as it may be.
pub const BENIGN: &str = "<p.benign>";
/// A classifier was asked and abstained.
pub const UNKNOWN: &str = "<p.unknown>";
/// What to check follows.
pub const CHECK: &str = "<p.check>";
/// A note follows.
pub const NOTE: &str = "<p.note>";
/// The place of a number that is not shown.
pub const NUMBER: &str = "<p.num>";
/// The channel does not deviate.
pub const STEADY: &str = "<p.steady>";
/// It delivers nothing: it has no values.
pub const SILENT: &str = "<p.silent>";
/// It may be said to be higher.
pub const UP: &str = "<p.up>";
/// It may be said to be lower.
pub const DOWN: &str = "<p.down>";
/// Neither may be said.
pub const LEVEL: &str = "<p.level>";
/// It may be said to be back.
pub const BACK: &str = "<p.back>";
/// It deviates without a shape.
pub const SHAPELESS: &str = "<p.shapeless>";
/// Sizes of a deviation, each with the standard deviations below which it is used.
pub const SIZES: [(&str, f64); 4] =
    [("<p.slight>", 3.0), ("<p.clear>", 6.0), ("<p.strong>", 12.0), ("<p.extreme>", f64::INFINITY)];
/// The size of a deviation that was not measured.
pub const UNMEASURED: &str = "<p.unmeasured>";
/// Numbers of incidents of a machine, each with the number up to which it is used.
pub const COUNTS: [(&str, usize); 3] = [("<p.lone>", 1), ("<p.few>", 4), ("<p.many>", usize::MAX)];
/// Places in the order of onset that have a token, from 1.
pub const RANKS: u32 = 16;
/// A place in the order of onset that is not known or beyond those.
pub const UNRANKED: &str = "<p.rank.none>";
/// The cause does not explain the channel.
pub const UNEXPLAINED: &str = "<p.unexplained>";
/// The answer follows.
pub const TEXT: &str = "<p.text>";

/// A place in the order of onset.
#[must_use]
pub fn rank(order: Option<u32>) -> String {
    match order {
        Some(order) if (1..=RANKS).contains(&order) => format!("<p.rank.{order}>"),
        _ => UNRANKED.to_owned(),
    }
}

/// A shape.
#[must_use]
pub fn shape(shape: Option<Shape>) -> &'static str {
    match shape {
        Some(Shape::Step) => "<p.step>",
        Some(Shape::Ramp) => "<p.ramp>",
        Some(Shape::Spike) => "<p.spike>",
        Some(Shape::Oscillation) => "<p.oscillation>",
        Some(Shape::Stuck) => "<p.stuck>",
        Some(Shape::Dropout) => "<p.dropout>",
        None => SHAPELESS,
    }
}

/// The size of a deviation of so many standard deviations.
#[must_use]
pub fn size(deviation_sd: Option<f64>) -> &'static str {
    let Some(sd) = deviation_sd.filter(|sd| !sd.is_nan()) else { return UNMEASURED };
    SIZES.iter().find(|(_, below)| sd.abs() < *below).map_or(SIZES[3].0, |(mark, _)| mark)
}

/// How many incidents a machine had.
#[must_use]
pub fn count(incidents: usize) -> &'static str {
    COUNTS.iter().find(|(_, most)| incidents <= *most).map_or(COUNTS[2].0, |(mark, _)| mark)
}

/// Every mark of prompts about this.
pub fn all(about: About) -> impl Iterator<Item = String> {
    let shapes = [Shape::Step, Shape::Ramp, Shape::Spike, Shape::Oscillation, Shape::Stuck, Shape::Dropout];
    let own: &[&str] = match about {
        About::Incident => &[INCIDENT, OPENED, UPDATED, CHECK, NOTE],
        About::Shift => &[SHIFT, COUNTS[0].0, COUNTS[1].0, COUNTS[2].0],
    };
    let common = [
        CLOSED,
        KIND,
        UNIT,
        BENIGN,
        CAUSE,
        SECOND,
        UNKNOWN,
        NUMBER,
        STEADY,
        SILENT,
        UP,
        DOWN,
        LEVEL,
        BACK,
        SHAPELESS,
        UNMEASURED,
        UNRANKED,
        UNEXPLAINED,
        TEXT,
    ];
    own.iter()
        .copied()
        .chain(common)
        .chain(SIZES.map(|(mark, _)| mark))
        .chain(shapes.map(|known| shape(Some(known))))
        .map(ToOwned::to_owned)
        .chain((1..=RANKS).map(|order| rank(Some(order))))
}
