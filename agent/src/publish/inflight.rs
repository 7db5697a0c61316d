//! What is out and not yet acknowledged on one connection.
//!
//! The MQTT library gives no token for a publication. It takes requests in their order and then
//! tells the packet id of each, so a first-in-first-out queue finds out which is which. Every
//! QoS 1 publication of a connection must go through it.

use std::collections::{HashMap, VecDeque};

/// What is out on one connection: `K` says what it was.
#[derive(Debug)]
pub struct InFlight<K> {
    requested: VecDeque<K>,
    sent: HashMap<u16, K>,
}

impl<K> Default for InFlight<K> {
    fn default() -> Self {
        InFlight { requested: VecDeque::new(), sent: HashMap::new() }
    }
}

impl<K> InFlight<K> {
    /// A publication is about to be requested.
    pub fn request(&mut self, what: K) {
        self.requested.push_back(what);
    }

    /// The request was not taken after all.
    pub fn take_back(&mut self) -> Option<K> {
        self.requested.pop_back()
    }

    /// The library has given the next requested publication this id. `false` when it should not
    /// have: the connection's books are then wrong, and it must be given up.
    pub fn sent(&mut self, id: u16) -> bool {
        match self.requested.pop_front() {
            Some(what) => self.sent.insert(id, what).is_none(),
            None => false,
        }
    }

    /// The broker has answered this id; `None` when nothing of that id is out.
    pub fn answered(&mut self, id: u16) -> Option<K> {
        self.sent.remove(&id)
    }

    /// How many are out.
    pub fn len(&self) -> usize {
        self.requested.len() + self.sent.len()
    }

    /// Whether nothing is out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everything that is out.
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        self.requested.iter().chain(self.sent.values())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_finds_what_was_requested_whatever_the_order_of_answers() {
        let mut inflight = InFlight::default();
        for what in ["a", "b", "c"] {
            inflight.request(what);
        }
        assert!(inflight.sent(1) && inflight.sent(2) && inflight.sent(3));
        assert_eq!(inflight.answered(2), Some("b"));
        assert_eq!(inflight.answered(2), None);
        assert_eq!(inflight.answered(1), Some("a"));
        assert_eq!(inflight.iter().collect::<Vec<_>>(), [&"c"]);
    }

    #[test]
    fn ids_that_cannot_be_are_noticed() {
        let mut inflight = InFlight::default();
        assert!(!inflight.sent(1));
        inflight.request("a");
        inflight.request("b");
        assert!(inflight.sent(1));
        assert!(!inflight.sent(1));
    }

    proptest! {
        #[test]
        fn nothing_is_out_once_everything_is_answered(count in 1_u16..200) {
            let mut inflight = InFlight::default();
            for id in 1..=count {
                inflight.request(id);
                prop_assert!(inflight.sent(id));
            }
            for id in (1..=count).rev() {
                prop_assert_eq!(inflight.answered(id), Some(id));
            }
            prop_assert!(inflight.is_empty());
        }
    }
}
