//! An open incident and what its evidence is made from.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::Verdict;
use crate::incident::history::History;
use crate::incident::part::{Part, View};
use crate::incident::reference::Reference;
use crate::incident::sentence::{self, Subject};
use crate::incident::{Change, Evidence, Incident};
use crate::signal::Window;
use crate::time::Timestamp;

/// What is normal is taken from at least so many windows before the alarm: an alarm comes some
/// windows after the onset, and by then a detector that adapts has begun to follow the fault.
const SETTLED_WINDOWS: u32 = 60;

/// An open incident and what its evidence is made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Episode {
    /// Its newest message.
    pub(super) incident: Incident,
    /// Windows without an alarm since the last one with.
    pub(super) quiet: u32,
    /// One per channel, in the configuration's order.
    pub(super) parts: Vec<Part>,
    limit: f32,
    peak_score: f32,
    /// The episode's onset if no channel has one.
    began: Timestamp,
    /// The earliest moment that may belong to the episode.
    not_before: Option<Timestamp>,
}

impl Episode {
    /// Opens an incident. `from` is the first window of the history that may belong to it.
    pub(super) fn begin(
        subject: &Subject,
        id: String,
        history: &History,
        from: usize,
        window: &Window,
        verdict: &Verdict,
        tick: Duration,
    ) -> Self {
        let frame = Frame { history, from, window, verdict, limit: verdict.limit, tick };
        let mut episode = Episode {
            incident: Incident {
                id,
                device: subject.device.clone(),
                change: Change::Opened,
                opened: verdict.time,
                updated: verdict.time,
                closed: None,
                evidence: Evidence {
                    onset: window.start,
                    duration_s: 0.0,
                    score: verdict.score,
                    peak_score: verdict.score,
                    limit: verdict.limit,
                    channels: Vec::new(),
                },
                summary: String::new(),
            },
            quiet: 0,
            parts: frame.references().into_iter().map(Part::new).collect(),
            limit: verdict.limit,
            peak_score: verdict.score,
            began: window.start,
            not_before: history.start(from),
        };
        episode.follow(history, window, verdict, true, tick);
        let evidence = episode.evidence(subject, history, window, verdict, tick);
        episode.say(subject, Change::Opened, verdict.time, evidence);
        episode
    }

    /// Takes the next window.
    pub(super) fn follow(
        &mut self,
        history: &History,
        window: &Window,
        verdict: &Verdict,
        alarm: bool,
        tick: Duration,
    ) {
        self.quiet = if alarm { 0 } else { self.quiet.saturating_add(1) };
        self.peak_score = self.peak_score.max(verdict.score);
        let frame = self.frame(history, window, verdict, tick);
        for (channel, part) in self.parts.iter_mut().enumerate() {
            if let Some(view) = frame.view(channel) {
                part.follow(&view, alarm);
            }
        }
    }

    /// What is known now.
    pub(super) fn evidence(
        &self,
        subject: &Subject,
        history: &History,
        window: &Window,
        verdict: &Verdict,
        tick: Duration,
    ) -> Evidence {
        let frame = self.frame(history, window, verdict, tick);
        let mut channels: Vec<_> = self
            .parts
            .iter()
            .zip(&subject.channels)
            .enumerate()
            .filter_map(|(channel, (part, names))| {
                Some(part.evidence(&names.name, &names.unit, &frame.view(channel)?))
            })
            .collect();
        let mut onsets: Vec<Timestamp> = channels.iter().filter_map(|channel| channel.onset).collect();
        onsets.sort_unstable();
        onsets.dedup();
        for channel in &mut channels {
            let place = channel.onset.and_then(|onset| onsets.binary_search(&onset).ok());
            channel.order = place.and_then(|place| u32::try_from(place + 1).ok());
        }
        let onset = onsets.first().copied().unwrap_or(self.began);
        Evidence {
            onset,
            duration_s: verdict.time.since(onset).as_secs_f64(),
            score: verdict.score,
            peak_score: self.peak_score,
            limit: self.limit,
            channels,
        }
    }

    /// Makes the evidence the incident's newest message.
    pub(super) fn say(&mut self, subject: &Subject, change: Change, now: Timestamp, evidence: Evidence) {
        let incident = &mut self.incident;
        incident.change = change;
        incident.updated = now;
        incident.closed = (change == Change::Closed).then_some(now);
        incident.summary = sentence::summary(subject, change, &evidence);
        incident.evidence = evidence;
    }

    fn frame<'a>(
        &self,
        history: &'a History,
        window: &'a Window,
        verdict: &'a Verdict,
        tick: Duration,
    ) -> Frame<'a> {
        let from = self.not_before.map_or(0, |time| history.index_from(time));
        Frame { history, from, window, verdict, limit: self.limit, tick }
    }
}

/// What all channels are judged by in one window.
struct Frame<'a> {
    history: &'a History,
    from: usize,
    window: &'a Window,
    verdict: &'a Verdict,
    limit: f32,
    tick: Duration,
}

impl<'a> Frame<'a> {
    fn view(&self, channel: usize) -> Option<View<'a>> {
        Some(View {
            history: self.history,
            channel,
            verdict: self.verdict.channels.get(channel)?,
            window: self.window,
            limit: self.limit,
            tick: self.tick,
            from: self.from,
        })
    }

    /// What was normal before the episode: known long enough before the alarm, and before the
    /// first channel began to deviate from that.
    fn references(&self) -> Vec<Reference> {
        let settled = self.window.start.minus(self.tick.saturating_mul(SETTLED_WINDOWS));
        let first = self.references_before(settled);
        let onset = first
            .iter()
            .enumerate()
            .filter_map(|(channel, reference)| Part::onset_from(reference, &self.view(channel)?))
            .min();
        match onset {
            Some(onset) if onset < settled => self.references_before(onset),
            _ => first,
        }
    }

    /// The newest references that were known before `time`; the verdict's own for a channel that
    /// has none so old.
    fn references_before(&self, time: Timestamp) -> Vec<Reference> {
        let before = self.history.references_before(time).unwrap_or(&[]);
        let now = self.verdict.channels.iter().map(Reference::of);
        now.enumerate()
            .map(|(channel, now)| match before.get(channel) {
                Some(before) if before.baseline.is_finite() => *before,
                _ => now,
            })
            .collect()
    }
}
