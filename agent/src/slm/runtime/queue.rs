//! Who is next: the most urgent first, and among those whoever came first.
//!
//! The queue is bounded. When it is full, whatever is least urgent makes room for what is more so;
//! nothing of the same urgency ever does. What was put in comes out exactly once: by its turn, by
//! its deadline, or pushed out.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::request::Priority;

/// A place: the more urgent, then the earlier, the smaller.
type Place = (Reverse<Priority>, u64);

/// What waits, in the order in which it is to be done.
#[derive(Debug)]
pub struct Queue<T> {
    waiting: BTreeMap<Place, Waiting<T>>,
    limit: usize,
    next: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    item: T,
    /// When it is too late for it, on the monotonic clock.
    due: Option<Duration>,
}

/// What became of an item that was put in.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission<T> {
    /// It waits.
    Waits,
    /// It waits, in the place of this one, which was less urgent.
    InsteadOf(T),
    /// There is no room for it.
    Full(T),
}

impl<T> Queue<T> {
    /// An empty queue for `limit` items.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Queue { waiting: BTreeMap::new(), limit, next: 0 }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How urgent the next one is.
    #[must_use]
    pub fn most_urgent(&self) -> Option<Priority> {
        self.waiting.first_key_value().map(|((priority, _), _)| priority.0)
    }

    /// Puts an item in. `due` is when it is too late for it.
    pub fn push(&mut self, item: T, priority: Priority, due: Option<Duration>) -> Admission<T> {
        let mut displaced = None;
        if self.waiting.len() >= self.limit {
            match self.waiting.last_entry() {
                Some(last) if last.key().0.0 < priority => displaced = Some(last.remove().item),
                _ => return Admission::Full(item),
            }
        }
        self.waiting.insert((Reverse(priority), self.next), Waiting { item, due });
        self.next += 1;
        displaced.map_or(Admission::Waits, Admission::InsteadOf)
    }

    /// The next one.
    pub fn pop(&mut self) -> Option<T> {
        self.waiting.pop_first().map(|(_, waiting)| waiting.item)
    }

    /// Takes out those for which it is too late at `now`.
    pub fn expired(&mut self, now: Duration) -> Vec<T> {
        self.take(|waiting| waiting.due.is_some_and(|due| due <= now))
    }

    /// Takes out those that `unwanted` names.
    pub fn withdrawn(&mut self, unwanted: impl Fn(&T) -> bool) -> Vec<T> {
        self.take(|waiting| unwanted(&waiting.item))
    }

    /// Takes out all of them, in their order.
    pub fn drain(&mut self) -> Vec<T> {
        self.take(|_| true)
    }

    fn take(&mut self, which: impl Fn(&Waiting<T>) -> bool) -> Vec<T> {
        self.waiting.extract_if(.., |_, waiting| which(waiting)).map(|(_, waiting)| waiting.item).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIORITIES: [Priority; 3] = [Priority::Background, Priority::Interactive, Priority::Incident];

    /// What is done to a queue.
    #[derive(Clone, Debug)]
    enum Step {
        Push(Priority, Option<u64>),
        Pop,
        Expire(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let push = (0..3usize, proptest::option::of(0..100u64))
            .prop_map(|(priority, due)| Step::Push(PRIORITIES[priority], due));
        let step = prop_oneof![4 => push, 2 => Just(Step::Pop), 1 => (0..100u64).prop_map(Step::Expire)];
        proptest::collection::vec(step, 0..80)
    }

    proptest! {
        #[test]
        fn the_queue_agrees_with_a_sorted_list(limit in 0..6usize, steps in steps()) {
            let mut queue = Queue::new(limit);
            let mut list: Vec<(Priority, usize, Option<u64>)> = Vec::new();
            let (mut put, mut out) = (0, Vec::new());
            for (id, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(priority, due) => {
                        put += 1;
                        let least = list.iter().map(|&(priority, id, _)| (Reverse(priority), id)).max();
                        let due_at = due.map(Duration::from_secs);
                        match queue.push((priority, id), priority, due_at) {
                            Admission::Waits => {
                                prop_assert!(list.len() < limit);
                                list.push((priority, id, due));
                            }
                            Admission::InsteadOf(other) => {
                                prop_assert_eq!(list.len(), limit);
                                prop_assert_eq!(least, Some((Reverse(other.0), other.1)));
                                prop_assert!(other.0 < priority);
                                list.retain(|&(_, id, _)| id != other.1);
                                list.push((priority, id, due));
                                out.push(other.1);
                            }
                            Admission::Full(item) => {
                                prop_assert_eq!((item, list.len()), ((priority, id), limit));
                                prop_assert!(least.is_none_or(|(Reverse(least), _)| least >= priority));
                                out.push(id);
                            }
                        }
                    }
                    Step::Pop => {
                        let first = list.iter().map(|&(priority, id, _)| (Reverse(priority), id)).min();
                        let popped = queue.pop();
                        prop_assert_eq!(popped.map(|(priority, id)| (Reverse(priority), id)), first);
                        if let Some((_, id)) = popped {
                            list.retain(|&(_, other, _)| other != id);
                            out.push(id);
                        }
                    }
                    Step::Expire(now) => {
                        let gone = queue.expired(Duration::from_secs(now));
                        let late = |id| list.iter().any(|&(_, other, due)| other == id && due <= Some(now));
                        let all_late = gone.iter().all(|&(_, id)| late(id));
                        prop_assert!(all_late);
                        list.retain(|(_, id, _)| !gone.iter().any(|(_, other)| other == id));
                        prop_assert!(list.iter().all(|(_, _, due)| due.is_none_or(|due| due > now)));
                        out.extend(gone.into_iter().map(|(_, id)| id));
                    }
                }
                prop_assert_eq!(queue.len(), list.len());
                prop_assert!(queue.len() <= limit);
            }
            out.extend(queue.drain().into_iter().map(|(_, id)| id));
            out.sort_unstable();
            let whole = out.len();
            out.dedup();
            prop_assert_eq!((out.len(), whole), (put, put), "what is put in comes out exactly once");
        }
    }

    #[test]
    fn an_incident_pushes_out_the_newest_of_what_nobody_waits_for() {
        let mut queue = Queue::new(3);
        queue.push("chat", Priority::Interactive, None);
        queue.push("report", Priority::Background, None);
        queue.push("batch", Priority::Background, None);
        assert_eq!(queue.push("late batch", Priority::Background, None), Admission::Full("late batch"));
        assert_eq!(queue.push("alarm", Priority::Incident, None), Admission::InsteadOf("batch"));
        assert_eq!(queue.most_urgent(), Some(Priority::Incident));
        assert_eq!(queue.drain(), ["alarm", "chat", "report"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn whoever_no_longer_waits_leaves_its_place() {
        let mut queue = Queue::new(2);
        queue.push(1, Priority::Interactive, None);
        queue.push(2, Priority::Interactive, None);
        assert_eq!(queue.withdrawn(|&item| item == 1), [1]);
        assert_eq!(queue.push(3, Priority::Interactive, None), Admission::Waits);
        assert_eq!(queue.drain(), [2, 3]);
    }
}
