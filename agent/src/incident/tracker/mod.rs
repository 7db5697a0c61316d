//! Turns verdicts into incidents.
//!
//! What it promises:
//! - One episode is one incident: between its opening and its close there is no other, and it
//!   closes only after the configured number of quiet windows in a row.
//! - No flood: an update is sent only when the evidence changed materially (see
//!   [`material`](super::material)), and no two messages of an open incident are closer than the
//!   update interval, except that the close is always sent.
//! - An id is never given twice by one tracker, even when the clock is set back.
//! - A restart continues an open incident: [`snapshot`](IncidentTracker::snapshot) and
//!   [`restore`](IncidentTracker::restore).
//! - What was normal is frozen from before the episode began, so that a fault is not measured
//!   against itself.

mod episode;
mod saved;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::saved::RestoreError;

use self::episode::Episode;
use super::history::History;
use super::material::changed_materially;
use super::sentence::Subject;
use super::{Change, Incident};
use crate::config::{DeviceConfig, IncidentConfig};
use crate::detect::{Phase, Verdict};
use crate::signal::Window;
use crate::time::Timestamp;

/// Follows one device's verdicts and says when an incident opens, changes and closes.
#[derive(Debug)]
pub struct IncidentTracker {
    subject: Subject,
    close_after: u32,
    update_interval: Duration,
    tick: Duration,
    state: State,
}

/// What survives a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    history: History,
    episode: Option<Episode>,
    /// The newest id was made from this moment.
    last_id: Option<Timestamp>,
    /// Nothing before this belongs to a new episode.
    last_closed: Option<Timestamp>,
}

impl IncidentTracker {
    /// A tracker without a past. `tick` is the time between two windows of the device.
    #[must_use]
    pub fn new(device: &DeviceConfig, settings: &IncidentConfig, tick: Duration) -> Self {
        IncidentTracker {
            subject: Subject::of(device),
            close_after: settings.close_after_windows.max(1),
            update_interval: settings.update_interval.0,
            tick,
            state: State {
                history: History::new(device.channels.len()),
                episode: None,
                last_id: None,
                last_closed: None,
            },
        }
    }

    /// Takes the next window and what the detector says about it; says what became of it.
    pub fn observe(&mut self, window: &Window, verdict: &Verdict) -> Option<Incident> {
        self.state.history.push(window, verdict);
        let alarm = verdict.alarm && verdict.phase == Phase::Watching;
        match self.state.episode.take() {
            Some(episode) => self.go_on(episode, window, verdict, alarm),
            None if alarm => Some(self.begin(window, verdict)),
            None => None,
        }
    }

    /// The open incident, as its newest message says it.
    #[must_use]
    pub fn open(&self) -> Option<&Incident> {
        self.state.episode.as_ref().map(|episode| &episode.incident)
    }

    /// The state that must survive a restart; no checksum.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        saved::encode(&self.subject, &self.state)
    }

    /// Continues from a snapshot.
    ///
    /// # Errors
    /// When it cannot be read or belongs to another device; the tracker is then left as it was.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        self.state = saved::decode(&self.subject, bytes)?;
        Ok(())
    }

    fn begin(&mut self, window: &Window, verdict: &Verdict) -> Incident {
        let opened = self.next_id_time(verdict.time);
        let id = format!("{}-{}", self.subject.device, compact(opened));
        let State { history, last_closed, .. } = &self.state;
        let from = last_closed.map_or(0, |closed| history.index_from(closed));
        let episode = Episode::begin(&self.subject, id, history, from, window, verdict, self.tick);
        let incident = episode.incident.clone();
        self.state.last_id = Some(opened);
        self.state.episode = Some(episode);
        incident
    }

    fn go_on(
        &mut self,
        mut episode: Episode,
        window: &Window,
        verdict: &Verdict,
        alarm: bool,
    ) -> Option<Incident> {
        let history = &self.state.history;
        episode.follow(history, window, verdict, alarm, self.tick);
        let change = if episode.quiet >= self.close_after {
            Change::Closed
        } else if alarm && verdict.time.since(episode.incident.updated) >= self.update_interval {
            Change::Updated
        } else {
            self.state.episode = Some(episode);
            return None;
        };
        let evidence = episode.evidence(&self.subject, history, window, verdict, self.tick);
        if change == Change::Updated && !changed_materially(&episode.incident.evidence, &evidence) {
            self.state.episode = Some(episode);
            return None;
        }
        episode.say(&self.subject, change, verdict.time, evidence);
        if change == Change::Closed {
            self.state.last_closed = Some(verdict.time);
            return Some(episode.incident);
        }
        let incident = episode.incident.clone();
        self.state.episode = Some(episode);
        Some(incident)
    }

    /// The moment that names the next incident: now, or just after the last one's if the clock
    /// has been set back since.
    fn next_id_time(&self, now: Timestamp) -> Timestamp {
        let now = Timestamp::from_millis(now.as_millis());
        match self.state.last_id {
            Some(last) if now <= last => last.plus(Duration::from_millis(1)),
            _ => now,
        }
    }
}

/// `20261121T081500.123Z`: RFC 3339 in its short form, with milliseconds.
fn compact(time: Timestamp) -> String {
    let mut text = time.to_rfc3339();
    let date = text.find('T').unwrap_or(0);
    // A date before year 0 begins with `-`, which stays.
    let mut index = 0;
    text.retain(|c| {
        index += 1;
        !((c == '-' && index > 1 && index <= date) || c == ':')
    });
    text
}
