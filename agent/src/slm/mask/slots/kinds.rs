//! What a word can claim about a channel.

use crate::incident::Shape;

/// A set of claims about a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u16);

impl Kinds {
    /// No claim.
    pub const NONE: Kinds = Kinds(0);
    /// Its level is higher than it was.
    pub const RISE: Kinds = Kinds(1);
    /// Its level is lower than it was.
    pub const FALL: Kinds = Kinds(1 << 1);
    /// It does not change.
    pub const STUCK: Kinds = Kinds(1 << 2);
    /// It delivers nothing.
    pub const DROPOUT: Kinds = Kinds(1 << 3);
    /// It swings.
    pub const SWING: Kinds = Kinds(1 << 4);
    /// It left its level for a moment.
    pub const SPIKE: Kinds = Kinds(1 << 5);
    /// It jumped.
    pub const STEP: Kinds = Kinds(1 << 6);
    /// It moves steadily.
    pub const RAMP: Kinds = Kinds(1 << 7);
    /// It is where it was.
    pub const BACK: Kinds = Kinds(1 << 8);
    /// The cause does not explain it.
    pub const APART: Kinds = Kinds(1 << 9);
    /// It has deviated for as long as the incident lasts.
    pub const LASTS: Kinds = Kinds(1 << 10);
    /// It began when the incident began.
    pub const STARTS: Kinds = Kinds(1 << 11);
    /// Its incident is not over. That says when, not what became of it.
    pub const OPEN: Kinds = Kinds(1 << 12);
    /// The claims that words make about what became of a channel.
    pub const OF_WORDS: Kinds = Kinds((1 << 10) - 1);

    /// The claims that say where a channel went or what became of it.
    pub const WAYS: Kinds = Kinds(Self::OF_WORDS.0 & !Self::STEP.0 & !Self::RAMP.0 & !Self::APART.0);

    /// Both sets.
    #[must_use]
    pub const fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn common(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    /// Whether every claim of `other` is in this set.
    #[must_use]
    pub const fn holds(self, other: Kinds) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no claim.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The claim that a shape makes true.
    #[must_use]
    pub const fn of_shape(shape: Shape) -> Kinds {
        match shape {
            Shape::Step => Kinds::STEP,
            Shape::Ramp => Kinds::RAMP,
            Shape::Spike => Kinds::SPIKE,
            Shape::Oscillation => Kinds::SWING,
            Shape::Stuck => Kinds::STUCK,
            Shape::Dropout => Kinds::DROPOUT,
        }
    }
}
