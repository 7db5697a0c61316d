//! What a rollout document must be before anything is decided by it.

use serde::Deserialize;

use super::{Rollout, SCHEMA};
use crate::trust::{clean_path, strict_json};

/// Longest name of a model, group or rollout: it is part of file names and labels.
const MAX_NAME: usize = 64;
/// Longest salt: 64 hexadecimal digits are 32 bytes, twice that is plenty.
const MAX_SALT: usize = 128;

/// Why a rollout document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RolloutError {
    /// It was written for another version of Lineside.
    #[error("rollout: key `schema`: {found}, but this version reads schema {SCHEMA}: update the agent")]
    Schema {
        /// What it says.
        found: u32,
    },
    /// It does not have the form it must have.
    #[error("rollout: key `{key}`: {problem}")]
    Malformed {
        /// The key's full path; `.` for the document as a whole.
        key: String,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Deserialize)]
struct Peek {
    schema: u32,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Rollout, RolloutError> {
    strict_json::check(bytes).map_err(|e| malformed(".", e.to_string()))?;
    // The schema comes first: a document of a later one is told apart from a wrong one.
    if let Ok(Peek { schema }) = serde_json::from_slice(bytes)
        && schema != SCHEMA
    {
        return Err(RolloutError::Schema { found: schema });
    }
    let document = &mut serde_json::Deserializer::from_slice(bytes);
    let rollout: Rollout = serde_path_to_error::deserialize(document)
        .map_err(|e| malformed(e.path().to_string(), e.inner().to_string()))?;
    names(&rollout)?;
    ramp(&rollout)?;
    if rollout.window.is_some_and(|window| window.from == window.to) {
        return Err(malformed("window", "`from` and `to` are the same: leave the window out for always"));
    }
    if let Some((tag, _)) = rollout.predicates.tags.iter().find(|(_, values)| values.is_empty()) {
        return Err(malformed(format!("predicates.tags.{tag}"), "needs one or more values"));
    }
    Ok(rollout)
}

fn names(rollout: &Rollout) -> Result<(), RolloutError> {
    let Rollout { id, model, group, target, salt, release, .. } = rollout;
    for (key, name) in [("model", model), ("group", group), ("id", id)] {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(fits) {
            return Err(malformed(key, format!("`{name}` must be 1 to {MAX_NAME} of a-z, 0-9 and `-`")));
        }
    }
    clean_path(target).map_err(|problem| malformed("target", problem))?;
    let folder = format!("models/{model}/");
    if !target.starts_with(&folder) {
        return Err(malformed("target", format!("`{target}` is no target of the model: `{folder}…` is due")));
    }
    if *release == 0 {
        return Err(malformed("release", "0 must be 1 or more: releases count up from 1"));
    }
    if salt.is_empty() || salt.len() > MAX_SALT {
        return Err(malformed("salt", format!("must have 1 to {MAX_SALT} bytes")));
    }
    Ok(())
}

/// A ramp only rises: who has gone cannot be taken back.
fn ramp(rollout: &Rollout) -> Result<(), RolloutError> {
    if rollout.ramp.is_empty() {
        return Err(malformed("ramp", "needs one or more points"));
    }
    if let Some(at) = rollout.ramp.iter().position(|point| point.percent > 100) {
        return Err(malformed(format!("ramp[{at}].percent"), "must be 100 or less"));
    }
    for (at, pair) in rollout.ramp.windows(2).enumerate() {
        if pair[1].after_s <= pair[0].after_s {
            return Err(malformed(
                format!("ramp[{}].after_s", at + 1),
                "must be later than the point before",
            ));
        }
        if pair[1].percent < pair[0].percent {
            return Err(malformed(
                format!("ramp[{}].percent", at + 1),
                "must not fall: to stop a rollout, set `state` to `paused` or `aborted`",
            ));
        }
    }
    Ok(())
}

fn malformed(key: impl Into<String>, problem: impl Into<String>) -> RolloutError {
    RolloutError::Malformed { key: key.into(), problem: problem.into() }
}
