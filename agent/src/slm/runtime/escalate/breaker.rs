//! When to leave an endpoint alone: after so many failures in a row nobody asks for a while, then one
//! request tries.

use std::time::Duration;

/// Decides whether an endpoint may be asked.
#[derive(Clone, Debug)]
pub struct Breaker {
    limit: u32,
    pause: Duration,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Asked; so many failures in a row.
    Closed(u32),
    /// Not asked before this time.
    Open(Duration),
    /// One request tries whether it works again.
    Trying,
}

impl Breaker {
    /// Opens after `limit` failures in a row, for `pause`.
    #[must_use]
    pub fn new(limit: u32, pause: Duration) -> Self {
        Breaker { limit, pause, state: State::Closed(0) }
    }

    /// Whether the endpoint may be asked at `now`. Whoever is told yes says what came of it.
    pub fn may_ask(&mut self, now: Duration) -> bool {
        match self.state {
            State::Closed(_) => true,
            State::Open(until) if now >= until => {
                self.state = State::Trying;
                true
            }
            State::Open(_) | State::Trying => false,
        }
    }

    /// Whoever was told yes did not ask after all.
    pub fn not_asked(&mut self, now: Duration) {
        if self.state == State::Trying {
            self.state = State::Open(now);
        }
    }

    /// The endpoint answered.
    pub fn succeeded(&mut self) {
        self.state = State::Closed(0);
    }

    /// The endpoint did not answer.
    pub fn failed(&mut self, now: Duration) {
        self.state = match self.state {
            State::Closed(failures) if failures.saturating_add(1) < self.limit => State::Closed(failures + 1),
            _ => State::Open(now.saturating_add(self.pause)),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_endpoint_that_fails_is_left_alone_and_then_tried_once(
            limit in 1..5u32,
            pause in 1..20u64,
            steps in proptest::collection::vec((0..10u64, any::<bool>(), any::<bool>()), 0..100),
        ) {
            let mut breaker = Breaker::new(limit, Duration::from_secs(pause));
            let (mut now, mut in_a_row, mut last_failure) = (0, 0, 0);
            for (wait, works, not_asked) in steps {
                now += wait;
                let at = Duration::from_secs(now);
                let left_alone = in_a_row >= limit && now < last_failure + pause;
                prop_assert_eq!(breaker.may_ask(at), !left_alone);
                if left_alone {
                    continue;
                }
                if in_a_row >= limit {
                    prop_assert!(!breaker.may_ask(at), "only one request tries");
                }
                if not_asked {
                    breaker.not_asked(at);
                    continue;
                }
                if works {
                    breaker.succeeded();
                    in_a_row = 0;
                } else {
                    breaker.failed(at);
                    in_a_row += 1;
                    last_failure = now;
                }
            }
        }
    }
}
