//! A set of topics.

/// A set of topics by the number of their slots, below 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Names(u16);

impl Names {
    pub(super) fn of(topic: u8) -> Self {
        Names(1 << topic)
    }

    pub(super) fn with(self, topic: u8) -> Self {
        Names(self.0 | 1 << topic)
    }

    pub(super) fn has(self, topic: u8) -> bool {
        self.0 & 1 << topic != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (0..u16::BITS as u8).filter(move |topic| self.has(*topic))
    }
}
