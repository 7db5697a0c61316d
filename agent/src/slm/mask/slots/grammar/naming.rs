//! Who may be named, and with whom: a list is begun only where something can be said of all that it names.

use super::State;
use crate::slm::mask::slots::clause::Last;
use crate::slm::mask::slots::kinds::Kinds;

impl State<'_> {
    /// Whether so many topics more can be counted up with those of this clause. Behind "look at flow" a comma
    /// counts up nothing.
    pub(super) fn counts_up(&self, more: usize) -> bool {
        self.last != Last::Name || self.clause.led || {
            let topics = 0..self.facts.topics.len() as u8;
            let others = topics.filter(|at| self.topic(*at).deviates && self.may_be_named(*at));
            others.take(more).count() == more
        }
    }

    /// Whether a topic may be named in this clause.
    pub(super) fn may_be_named(&self, at: u8) -> bool {
        let topic = self.topic(at);
        self.machine == Some(topic.machine)
            && !self.clause.names.has(at)
            && (!self.counted || self.named.has(at))
            && self.clause.order.is_none_or(|order| order.holds(topic.order))
            && topic.fits.holds(self.clause.said)
            && self.goes_with_those_named(at)
            && (!self.clause.others || self.clause.said.is_none())
    }

    /// Behind what happened and its cause only what the cause does not explain is told; `led` to by a word
    /// ("check flow") any that was named.
    pub(super) fn may_be_told_now(&self, at: u8, led: bool) -> bool {
        !self.explained || self.topic(at).fits.holds(Kinds::APART) || (led && self.named.has(at))
    }

    /// Whether something can be said of a topic and of those that the clause names: "pressure and flow" where
    /// one rose and one fell leaves nothing to say.
    fn goes_with_those_named(&self, at: u8) -> bool {
        let all = self.clause.names.with(at);
        let fits = |at: u8| self.topic(at).fits;
        let shared = all.iter().map(fits).fold(Kinds::OF_WORDS, Kinds::common);
        !shared.common(Kinds::WAYS.with(Kinds::APART)).is_none()
            || all.iter().all(|at| fits(at).common(Kinds::WAYS).is_none())
    }
}
