//! What counts as a material change of an incident's evidence: what an operator would want to be
//! told before the incident closes.

use super::evidence::{ChannelEvidence, Evidence};

/// The peak has grown by so many logits: the odds are seven times as high.
const SCORE_LOGITS: f32 = 2.0;
/// A channel's deviation has changed by so many of its standard deviations …
const DEVIATION_SD: f64 = 3.0;
/// … and by this share of what was last told.
const DEVIATION_SHARE: f64 = 0.5;

/// Whether an operator who was told `before` should be told `now`.
#[must_use]
pub fn changed_materially(before: &Evidence, now: &Evidence) -> bool {
    now.peak_score - before.peak_score >= SCORE_LOGITS
        || before.channels.iter().zip(&now.channels).any(|(before, now)| channel_changed(before, now))
}

fn channel_changed(before: &ChannelEvidence, now: &ChannelEvidence) -> bool {
    if !now.deviates {
        return false;
    }
    if !before.deviates || before.now.is_some() != now.now.is_some() {
        return true;
    }
    match (before.deviation_sd, now.deviation_sd) {
        (Some(before), Some(now)) => (now - before).abs() >= DEVIATION_SD.max(DEVIATION_SHARE * before.abs()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::fixtures::evidence;

    #[test]
    fn an_operator_is_told_of_growth_and_of_new_channels_only() {
        let before = evidence();
        assert!(!changed_materially(&before, &before));
        let mut now = before.clone();
        now.score -= 5.0;
        now.duration_s += 600.0;
        assert!(!changed_materially(&before, &now));
        now.peak_score += SCORE_LOGITS;
        assert!(changed_materially(&before, &now));

        let mut now = before.clone();
        now.channels[0].deviation_sd = now.channels[0].deviation_sd.map(|sd| sd + 2.9);
        assert!(!changed_materially(&before, &now));
        now.channels[0].deviation_sd = now.channels[0].deviation_sd.map(|sd| sd + 10.0);
        assert!(changed_materially(&before, &now));

        let mut now = before.clone();
        now.channels[2].deviates = true;
        assert!(changed_materially(&before, &now));
    }
}
