//! What the broker refuses for now: it stays in the outbox, is passed by everything else, and is
//! tried again after a pause that grows.
//!
//! This outlives a connection, because some brokers hang up on a client whose publication they
//! deny: on the next connection the same record must not come first again.

use std::collections::HashSet;

use tokio::time::Instant;

use super::backoff::Backoff;
use crate::outbox::RecordKey;

/// What is refused for now.
#[derive(Debug, Default)]
pub struct Refused {
    topics: HashSet<String>,
    keys: HashSet<RecordKey>,
    /// Topics that were refused before the last retry.
    retried: HashSet<String>,
    refusals: u32,
    retry_at: Option<Instant>,
}

impl Refused {
    /// The broker's access rules forbid this topic.
    pub fn topic(&mut self, topic: String, now: Instant, backoff: Backoff, random: f64) {
        self.topics.insert(topic);
        self.schedule(now, backoff, random);
    }

    /// The broker does not take this record.
    pub fn record(&mut self, key: RecordKey, now: Instant, backoff: Backoff, random: f64) {
        self.keys.insert(key);
        self.schedule(now, backoff, random);
    }

    fn schedule(&mut self, now: Instant, backoff: Backoff, random: f64) {
        if self.retry_at.is_none() {
            self.retry_at = Some(now + backoff.pause(self.refusals, random));
            self.refusals = self.refusals.saturating_add(1);
        }
    }

    /// The broker has taken a record of this topic.
    pub fn taken(&mut self, topic: &str) {
        if self.retried.remove(topic) {
            self.refusals = 0;
        }
    }

    /// Whether this record must wait.
    pub fn waits(&self, key: RecordKey, topic: &str) -> bool {
        self.topics.contains(topic) || self.keys.contains(&key)
    }

    /// When it is time to try again.
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Lets everything be tried again.
    pub fn retry(&mut self) {
        self.retry_at = None;
        self.keys.clear();
        self.retried = std::mem::take(&mut self.topics);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outbox::Priority;

    const KEY: RecordKey = RecordKey { priority: Priority::Telemetry, boot: 1, seq: 1 };

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn a_denied_topic_waits_and_others_pass() {
        let mut refused = Refused::default();
        refused.topic("a".into(), Instant::now(), backoff(), 1.0);
        assert!(refused.waits(KEY, "a") && !refused.waits(KEY, "b"));
        refused.record(KEY, Instant::now(), backoff(), 1.0);
        assert!(refused.waits(KEY, "b") && !refused.waits(RecordKey { seq: 2, ..KEY }, "b"));
        refused.retry();
        assert!(!refused.waits(KEY, "a"));
    }

    #[test]
    fn pauses_grow_until_a_refused_topic_is_taken() {
        let mut refused = Refused::default();
        let now = Instant::now();
        let mut pause = || {
            refused.topic("a".into(), now, backoff(), 1.0);
            let pause = refused.retry_at().unwrap() - now;
            refused.retry();
            refused.taken("b");
            pause.as_secs()
        };
        assert_eq!([pause(), pause(), pause()], [1, 2, 4]);
        refused.taken("a");
        refused.topic("a".into(), now, backoff(), 1.0);
        assert_eq!(refused.retry_at(), Some(now + Duration::from_secs(1)));
    }
}
