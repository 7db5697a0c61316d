//! `[drift]` and `[retraining]`: spans that say something, files that a small disk can hold.

use super::refusals::Refusals;
use super::{DAY, HOUR, SECOND};
use crate::config::{ByteSize, Config, Span};

/// Fewer samples fill the bins too thinly to compare anything.
const MIN_SPAN: u32 = 24;
/// How far chance gets is measured between the spans of the reference.
const MIN_BLOCKS: u32 = 4;
/// Some 16 KiB a quantity while the reference is collected.
const MAX_REFERENCE: u32 = 4_096;
/// More is no limit.
const MAX_FALSE_DRIFTS: f64 = 1_000.0;
const YEAR: Span = Span::secs(366 * 86_400);

pub(super) fn drift(config: &Config, refusals: &mut Refusals<'_>) {
    let drift = &config.drift;
    let key = |key: &'static str| ["drift".into(), key.into()];
    refusals.range(&key("sample_interval"), drift.sample_interval, SECOND, DAY);
    let (samples, blocks) = (drift.span_samples(), drift.blocks());
    if samples < MIN_SPAN {
        let expected = format!("at least {MIN_SPAN} times drift.sample_interval");
        refusals.value(&key("span"), drift.span.to_string(), expected);
    }
    if blocks < MIN_BLOCKS {
        let expected = format!("at least {MIN_BLOCKS} times drift.span");
        refusals.value(&key("reference"), drift.reference.to_string(), expected);
    }
    if samples.saturating_mul(blocks) > MAX_REFERENCE {
        let expected = format!("at most {MAX_REFERENCE} times drift.sample_interval");
        refusals.value(&key("reference"), drift.reference.to_string(), expected);
    }
    let rate = drift.false_drifts_per_year;
    if !(rate > 0.0 && rate <= MAX_FALSE_DRIFTS) {
        let expected = format!("a number above 0 and up to {MAX_FALSE_DRIFTS}");
        refusals.value(&key("false_drifts_per_year"), format!("the number {rate:?}"), expected);
    }
}

pub(super) fn retraining(config: &Config, refusals: &mut Refusals<'_>) {
    let retraining = &config.retraining;
    let key = |key: &'static str| ["retraining".into(), key.into()];
    refusals.range(&key("keep"), retraining.keep, HOUR, YEAR);
    let least = ByteSize::mib(config.devices.len().max(1) as u64);
    refusals.range(&key("max_size"), retraining.max_size, least, ByteSize(64 << 30));
    refusals.range(&key("sync_interval"), retraining.sync_interval, SECOND, HOUR);
}
