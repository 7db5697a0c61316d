//! The slots and the names of their tokens.

/// Channels, or incidents of a report, that have slots.
pub const TOPICS: usize = 16;
/// Machines of a report that have slots.
pub const MACHINES: usize = 16;

/// A place in a text that the runtime fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// What a topic is called.
    Name(u8),
    /// A figure of a topic.
    Value(u8, Value),
    /// What a machine is called.
    Machine(u8),
    /// How many incidents a machine had.
    Count(u8),
    /// How many topics are not named.
    More,
    /// How long the incident has lasted.
    Lasts,
    /// The time of day at which it began.
    Starts,
    /// What caused it.
    Cause,
    /// What else is wrong.
    Second,
    /// What to check.
    Check,
}

/// A figure of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// Its level now.
    Now,
    /// Its level before.
    Base,
    /// The size of its deviation.
    Delta,
    /// How long ago it began; of an incident in a report, how long it lasted.
    Since,
    /// The time of day at which it began.
    At,
}

/// What a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// One incident: its topics are channels.
    Incident,
    /// A shift: its topics are incidents.
    Shift,
}

impl About {
    /// The slots of texts about this.
    pub fn slots(self) -> impl Iterator<Item = Slot> {
        let values: &[Value] = match self {
            About::Incident => &[Value::Now, Value::Base, Value::Delta, Value::Since],
            About::Shift => &[Value::Now, Value::Base, Value::Delta, Value::Since, Value::At],
        };
        let topics = (0..TOPICS as u8).flat_map(move |topic| {
            let figures = values.iter().map(move |value| Slot::Value(topic, *value));
            std::iter::once(Slot::Name(topic)).chain(figures)
        });
        let machines = match self {
            About::Incident => 1,
            About::Shift => MACHINES as u8,
        };
        let machines = (0..machines).flat_map(move |machine| {
            let count = (self == About::Shift).then_some(Slot::Count(machine));
            std::iter::once(Slot::Machine(machine)).chain(count)
        });
        let rest: &[Slot] = match self {
            About::Incident => {
                &[Slot::More, Slot::Lasts, Slot::Starts, Slot::Cause, Slot::Second, Slot::Check]
            }
            About::Shift => &[Slot::More],
        };
        topics.chain(machines).chain(rest.iter().copied())
    }

    /// The name of a slot's token.
    #[must_use]
    pub fn token(self, slot: Slot) -> String {
        let letter = match self {
            About::Incident => 'c',
            About::Shift => 'i',
        };
        match (slot, self) {
            (Slot::Name(topic), _) => format!("<{letter}{topic}.name>"),
            (Slot::Value(topic, value), _) => format!("<{letter}{topic}.{}>", value.name()),
            (Slot::Machine(_), About::Incident) => "<machine>".to_owned(),
            (Slot::Machine(machine), About::Shift) => format!("<m{machine}.name>"),
            (Slot::Count(machine), _) => format!("<m{machine}.count>"),
            (Slot::More, _) => "<n.more>".to_owned(),
            (Slot::Lasts, _) => "<dur>".to_owned(),
            (Slot::Starts, _) => "<t0>".to_owned(),
            (Slot::Cause, _) => "<cause>".to_owned(),
            (Slot::Second, _) => "<second>".to_owned(),
            (Slot::Check, _) => "<check>".to_owned(),
        }
    }
}

impl Value {
    /// Its place in the name of a token.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Value::Now => "now",
            Value::Base => "base",
            Value::Delta => "delta",
            Value::Since => "since",
            Value::At => "at",
        }
    }
}
