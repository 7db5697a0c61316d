//! Sensors that fall silent or freeze: an alarm that needs no weights.
//!
//! Promise: a channel that used to deliver and stops, or used to change and stops, raises an
//! alarm; one that was silent or constant from the start never does.
//!
//! What is unusual is measured against the channel's own habit (see [`super::bank`]): a channel
//! that delivers every tenth tick, or a state that toggles once an hour, is no news.

use super::bank::ChannelBank;

/// A run is news when it is this many times as long as the longest usual one: 30 ticks for a
/// channel that never pauses. Chance makes runs longer by a few ticks, not by such a factor.
const TIMES_USUAL: f64 = 30.0;
/// The limit in force counts as at least this much, so that a run always has a score above 0.
const LEAST_LIMIT: f32 = 1.0;

/// The score of a channel's unusual run, above `limit` from the tick on at which it is news;
/// `None` while there is no such run.
#[must_use]
pub fn score(channel: &ChannelBank, limit: f32) -> Option<f32> {
    let excess = channel.run_excess() / TIMES_USUAL.ln();
    (excess > 1.0).then(|| limit.max(LEAST_LIMIT) * excess as f32)
}
