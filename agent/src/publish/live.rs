//! Live retained values: only the newest of each topic counts, so they never enter the outbox.
//! They are published on change and again after every connection.

use std::collections::{BTreeMap, BTreeSet};

/// The newest value of each topic, and which of them the broker does not have yet.
#[derive(Debug, Default)]
pub struct Live {
    values: BTreeMap<String, Vec<u8>>,
    due: BTreeSet<String>,
}

impl Live {
    /// Takes a new value. `false` when it is what the broker has or will get anyway.
    pub fn set(&mut self, topic: String, payload: Vec<u8>) -> bool {
        if self.values.get(&topic) == Some(&payload) {
            return false;
        }
        self.due.insert(topic.clone());
        self.values.insert(topic, payload);
        true
    }

    /// Everything is due again, except for one topic that is published otherwise.
    pub fn all_due(&mut self, except: &str) {
        self.due = self.values.keys().filter(|topic| *topic != except).cloned().collect();
    }

    /// The next value to publish.
    pub fn take(&mut self) -> Option<(String, Vec<u8>)> {
        let topic = self.due.pop_first()?;
        let payload = self.values.get(&topic)?.clone();
        Some((topic, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_due_and_only_the_newest() {
        let mut live = Live::default();
        assert!(live.set("a".into(), b"1".to_vec()));
        assert!(live.set("a".into(), b"2".to_vec()));
        assert_eq!(live.take(), Some(("a".into(), b"2".to_vec())));
        assert!(!live.set("a".into(), b"2".to_vec()));
        assert_eq!(live.take(), None);
    }

    #[test]
    fn everything_is_due_again_on_a_new_connection() {
        let mut live = Live::default();
        for topic in ["a", "b", "status"] {
            live.set(topic.into(), b"1".to_vec());
        }
        while live.take().is_some() {}
        live.all_due("status");
        let topics: Vec<_> = std::iter::from_fn(|| live.take()).map(|(topic, _)| topic).collect();
        assert_eq!(topics, ["a", "b"]);
    }
}
