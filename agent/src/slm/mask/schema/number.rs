//! Numbers with both bounds.

use serde_json::{Map, Value, json};

use super::{Finite, Part, at, refuse};
use crate::slm::mask::grammar::GrammarError;

/// Integers that every JSON reader takes exactly.
const MOST_INTEGER: f64 = 9_007_199_254_740_991.0;
/// Most of a number where the schema sets no bound, either way.
const MOST_NUMBER: f64 = 1e12;
/// Bounds of numbers are taken to so many parts of one: beyond it, "greater than" could not be told
/// from "equal" after a reader has rounded.
const PARTS: f64 = 1e6;
/// Largest bound that still has those parts in a double.
const MOST_EXCLUSIVE: f64 = 1e9;
/// Bytes of the longest number: a sign, the digits that a mask lets out, a point.
const LONGEST: usize = 24;

pub(super) fn integer(node: &Map<String, Value>, path: &str) -> Part {
    let least = bound(node, "minimum", path)?.map(f64::ceil);
    let above = bound(node, "exclusiveMinimum", path)?.map(|above| above.floor() + 1.0);
    let most = bound(node, "maximum", path)?.map(f64::floor);
    let below = bound(node, "exclusiveMaximum", path)?.map(|below| below.ceil() - 1.0);
    let (least, most) = between(least, above, most, below, MOST_INTEGER);
    if least > most {
        return Ok(None);
    }
    let mut schema = json!({"type": "integer", "minimum": least as i64, "maximum": most as i64});
    if let Some(multiple) = node.get("multipleOf") {
        schema["multipleOf"] = whole_multiple(multiple, path)?.into();
    }
    Ok(Some(Finite { schema, longest: LONGEST }))
}

pub(super) fn number(node: &Map<String, Value>, path: &str) -> Part {
    if let Some(multiple) = node.get("multipleOf") {
        whole_multiple(multiple, path)?;
        return integer(node, path);
    }
    for key in ["exclusiveMinimum", "exclusiveMaximum"] {
        if bound(node, key, path)?.is_some_and(|bound| bound.abs() > MOST_EXCLUSIVE) {
            return Err(refuse(&at(path, key), format!("supported up to {MOST_EXCLUSIVE}")));
        }
    }
    let least = bound(node, "minimum", path)?.map(|least| (least * PARTS).ceil() / PARTS);
    let above = bound(node, "exclusiveMinimum", path)?.map(|above| ((above * PARTS).floor() + 1.0) / PARTS);
    let most = bound(node, "maximum", path)?.map(|most| (most * PARTS).floor() / PARTS);
    let below = bound(node, "exclusiveMaximum", path)?.map(|below| ((below * PARTS).ceil() - 1.0) / PARTS);
    let (least, most) = between(least, above, most, below, MOST_NUMBER);
    if least > most {
        return Ok(None);
    }
    let schema = json!({"type": "number", "minimum": least, "maximum": most});
    Ok(Some(Finite { schema, longest: LONGEST }))
}

/// The bounds that hold of all that are set.
fn between(
    least: Option<f64>,
    above: Option<f64>,
    most: Option<f64>,
    below: Option<f64>,
    widest: f64,
) -> (f64, f64) {
    let least = least.into_iter().chain(above).fold(-widest, f64::max);
    let most = most.into_iter().chain(below).fold(widest, f64::min);
    (least, most)
}

fn bound(node: &Map<String, Value>, key: &str, path: &str) -> Result<Option<f64>, GrammarError> {
    let Some(value) = node.get(key) else { return Ok(None) };
    match value.as_f64().filter(|bound| bound.abs() <= MOST_INTEGER) {
        Some(bound) => Ok(Some(bound)),
        None => Err(refuse(&at(path, key), format!("a number up to {MOST_INTEGER} is needed here"))),
    }
}

fn whole_multiple(value: &Value, path: &str) -> Result<u64, GrammarError> {
    /// A counter of this size is kept while a number is read.
    const MOST: u64 = 10_000;
    let whole =
        value.as_f64().filter(|multiple| multiple.fract() == 0.0 && (1.0..=MOST as f64).contains(multiple));
    match whole {
        Some(multiple) => Ok(multiple as u64),
        None => {
            Err(refuse(&at(path, "multipleOf"), format!("only whole numbers from 1 to {MOST} are supported")))
        }
    }
}
