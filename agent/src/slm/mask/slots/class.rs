//! The classes of the lexicon, and what a word of each does to a sentence.

use super::kinds::Kinds;

/// A class of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Says nothing about a channel.
    Neutral,
    /// Says that something happened to a channel, but not what.
    Verb,
    /// Upwards.
    Rise,
    /// Downwards.
    Fall,
    /// Without change.
    Stuck,
    /// Without a signal.
    Dropout,
    /// To and fro.
    Swing,
    /// For a moment.
    Spike,
    /// At once.
    Step,
    /// Steadily.
    Ramp,
    /// Where it was.
    Back,
    /// By itself: what is said to be the cause does not explain it.
    Apart,
    /// The alarm is over.
    Over,
    /// The incident lasts on.
    Open,
    /// Joins: what it stands between may share a channel.
    Link,
    /// Begins a clause of its own.
    While,
    /// What follows began later.
    Later,
    /// What follows began earlier.
    Earlier,
    /// Before a level now.
    At,
    /// Before the size of a deviation.
    By,
    /// Before a level of old.
    From,
    /// Before a length of time.
    For,
    /// Behind a length of time.
    Ago,
    /// Before a time of day.
    When,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 24] = [
        Class::Neutral,
        Class::Verb,
        Class::Rise,
        Class::Fall,
        Class::Stuck,
        Class::Dropout,
        Class::Swing,
        Class::Spike,
        Class::Step,
        Class::Ramp,
        Class::Back,
        Class::Apart,
        Class::Over,
        Class::Open,
        Class::Link,
        Class::While,
        Class::Later,
        Class::Earlier,
        Class::At,
        Class::By,
        Class::From,
        Class::For,
        Class::Ago,
        Class::When,
    ];

    /// Its key in the lexicon.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Class::Neutral => "neutral",
            Class::Verb => "verb",
            Class::Rise => "rise",
            Class::Fall => "fall",
            Class::Stuck => "stuck",
            Class::Dropout => "dropout",
            Class::Swing => "swing",
            Class::Spike => "spike",
            Class::Step => "step",
            Class::Ramp => "ramp",
            Class::Back => "back",
            Class::Apart => "apart",
            Class::Over => "over",
            Class::Open => "open",
            Class::Link => "link",
            Class::While => "while",
            Class::Later => "later",
            Class::Earlier => "earlier",
            Class::At => "at",
            Class::By => "by",
            Class::From => "from",
            Class::For => "for",
            Class::Ago => "ago",
            Class::When => "when",
        }
    }

    /// What a word of this class claims about its channels.
    #[must_use]
    pub fn kinds(self) -> Kinds {
        match self {
            Class::Rise => Kinds::RISE,
            Class::Fall => Kinds::FALL,
            Class::Stuck => Kinds::STUCK,
            Class::Dropout => Kinds::DROPOUT,
            Class::Swing => Kinds::SWING,
            Class::Spike => Kinds::SPIKE,
            Class::Step => Kinds::STEP,
            Class::Ramp => Kinds::RAMP,
            Class::Back => Kinds::BACK,
            Class::Apart => Kinds::APART,
            Class::Open => Kinds::OPEN,
            _ => Kinds::NONE,
        }
    }

    /// Whether it may stand before a slot.
    #[must_use]
    pub fn leads(self) -> bool {
        matches!(self, Class::At | Class::By | Class::From | Class::For | Class::When)
    }
}

/// The classes of one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Classes(u32);

impl Classes {
    /// With one class more.
    #[must_use]
    pub fn with(self, class: Class) -> Self {
        Classes(self.0 | 1 << class as u32)
    }

    /// Whether a class is among them.
    #[must_use]
    pub fn has(self, class: Class) -> bool {
        self.0 & 1 << class as u32 != 0
    }

    /// Those that are among them.
    pub fn iter(self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(move |class| self.has(*class))
    }

    /// What the word claims about its channels.
    #[must_use]
    pub fn kinds(self) -> Kinds {
        self.iter().fold(Kinds::NONE, |kinds, class| kinds.with(class.kinds()))
    }

    /// Whether a word may be in all of these: several claims that can be true together, several
    /// slots that it leads to, or one class.
    #[must_use]
    pub fn go_together(self) -> bool {
        let claims = |class: Class| !class.kinds().is_none();
        let opposite = self.has(Class::Rise) && self.has(Class::Fall);
        let moved = self.has(Class::Rise) || self.has(Class::Fall) || self.has(Class::Back);
        let still = self.has(Class::Stuck) || self.has(Class::Dropout);
        self.0.count_ones() == 1
            || (self.iter().all(claims) && !opposite && !(moved && still))
            || self.iter().all(Class::leads)
    }
}
