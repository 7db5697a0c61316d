//! Which word, mark or slot may follow: what a clause has said so far, and of whom.
//!
//! A *clause* ends at a full stop, a semicolon, a colon, a word of the classes `while` and
//! `earlier`, and, once it has said something, at a comma or a word of the classes `link` and `later`.
//! Before it has, commas and links only count up names: "pressure, flow and speed rose".
//!
//! Every claim of a clause must be true of every topic named in it, in either order. Where nobody
//! is named yet, the clause behind a comma or link goes on about the topics of the one before it
//! ("pressure rose and is above normal"), so its claims must be true of those too; and where it
//! claims nothing ("pressure rose and flow"), the claims of the one before it must be.

mod naming;

use super::class::{Class, Classes};
use super::clause::{Carry, Clause, Last, Order, led};
use super::facts::{Facts, Topic};
use super::kinds::Kinds;
use super::lexicon::Mark;
use super::names::Names;
use super::slot::{About, Slot, Value};

/// Words in a row that say nothing; a subordinate thought is shorter.
pub const MOST_NEUTRAL: u8 = 8;
/// Words and slots of one clause.
pub const MOST_OF_CLAUSE: u8 = 20;
/// Clauses of one sentence.
pub const MOST_CLAUSES: u8 = 8;
/// Claims of one clause: "jumped sharply above".
pub const MOST_CLAIMS: u8 = 3;
/// Times that a topic is named in one text.
pub const MOST_NAMED: u8 = 3;
/// Times that a machine is named in one text.
pub const MOST_MACHINE: u8 = 2;

/// What may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// A word of these classes.
    Word(Classes),
    /// A mark.
    Mark(Mark),
    /// A slot.
    Slot(Slot),
    /// The end of the text.
    End,
}

/// What must come before the first full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A topic and a claim or verb.
    Statement,
    /// A topic.
    Name,
}

/// A text up to here.
#[derive(Clone, Debug)]
pub(super) struct State<'a> {
    facts: &'a Facts,
    need: Need,
    most_sentences: u8,
    ended: bool,
    sentences: u8,
    /// Clauses of this sentence.
    clauses: u8,
    /// The sentence has a slot.
    filled: bool,
    clause: Clause,
    /// The times that the clause before says; `while` lets them go on.
    times_before: Kinds,
    carry: Carry,
    /// Topics of the newest clause that names any.
    newest: Names,
    /// Topics named so far.
    named: Names,
    times_named: [u8; super::slot::TOPICS],
    machine: Option<u8>,
    times_machine: [u8; super::slot::MACHINES],
    used: Vec<Slot>,
    /// The others were counted: from here on no topic may be named for the first time.
    counted: bool,
    /// A claim or verb was made of a topic.
    stated: bool,
    /// Behind that the cause was said.
    explained: bool,
    neutral: u8,
    last: Last,
}

impl<'a> State<'a> {
    /// The beginning of a text.
    pub(super) fn new(facts: &'a Facts, need: Need, most_sentences: u8) -> Self {
        State {
            facts,
            need,
            most_sentences,
            ended: false,
            sentences: 0,
            clauses: 1,
            filled: false,
            clause: Clause::default(),
            times_before: Kinds::NONE,
            carry: Carry::default(),
            newest: Names::default(),
            named: Names::default(),
            times_named: Default::default(),
            machine: (facts.about == About::Incident).then_some(0),
            times_machine: Default::default(),
            used: Vec::new(),
            counted: false,
            stated: false,
            explained: false,
            neutral: 0,
            last: Last::Stop,
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether the clause may want for somebody that it is about …
    pub(super) fn wants_name(&self) -> bool {
        !self.named_here() || self.behind_joint()
    }

    /// … for the machine that those belong to …
    pub(super) fn wants_machine(&self) -> bool {
        self.machine.is_none()
    }

    /// … or for something to say.
    pub(super) fn wants_claim(&self) -> bool {
        !self.clause.has_said()
    }

    /// The text of the slot that came last, right before.
    pub(super) fn last_text(&self) -> Option<String> {
        let slot = matches!(self.last, Last::Name | Last::Machine | Last::Time | Last::Text | Last::Slot);
        self.used.last().filter(|_| slot).and_then(|slot| self.facts.text(*slot, self.named.len()))
    }

    /// Whether only `ago` may follow.
    pub(super) fn owes_ago(&self) -> bool {
        self.last == Last::Time
    }

    /// The text with one piece more; `None` where that piece may not follow.
    pub(super) fn after(&self, piece: Piece) -> Option<State<'a>> {
        let full = self.last == Last::Stop && self.sentences == self.most_sentences;
        if self.ended || (full && piece != Piece::End) {
            return None;
        }
        if self.last == Last::Time && !matches!(piece, Piece::Word(classes) if classes.has(Class::Ago)) {
            return None;
        }
        let mut next = self.clone();
        let may = match piece {
            Piece::End => next.end(),
            Piece::Mark(mark) => next.mark(mark),
            Piece::Word(classes) => next.word(classes),
            Piece::Slot(slot) => next.slot(slot),
        };
        may.then_some(next)
    }

    fn end(&mut self) -> bool {
        self.ended = true;
        self.last == Last::Stop && self.sentences > 0
    }

    fn mark(&mut self, mark: Mark) -> bool {
        let heading = self.last == Last::Machine && self.nothing_here() && self.clause.order.is_none();
        let may = match mark {
            Mark::Stop => self.sentence_may_end(),
            Mark::Comma => self.join(true),
            Mark::Semicolon => self.clause_may_end() && self.part(),
            Mark::Colon => heading && self.clauses == 1 && self.part(),
        };
        self.last = Last::Mark;
        if mark == Mark::Stop {
            self.last = Last::Stop;
            self.sentences += 1;
            self.clauses = 1;
            self.filled = false;
            self.clause = Clause::default();
            self.times_before = Kinds::NONE;
            self.carry = Carry::default();
        }
        self.neutral = 0;
        may
    }

    fn sentence_may_end(&self) -> bool {
        let enough = match self.need {
            Need::Statement => self.stated && !self.named.is_empty(),
            Need::Name => !self.named.is_empty(),
        };
        enough && self.filled && self.clause_may_end()
    }

    /// Whether everything that the clause says has somebody it is said of.
    fn clause_may_end(&self) -> bool {
        let clause = &self.clause;
        let of_nobody = self.subjects().is_empty();
        let says_nothing = !clause.has_said();
        let unnamed = clause.order.is_some() && clause.names.is_empty();
        let said_of_nobody = of_nobody && !clause.said.common(Kinds::OF_WORDS).is_none();
        let untrue = says_nothing && !clause.names.is_empty() && !self.true_of(clause.names, self.carry.said);
        let said_of_others = says_nothing && clause.others && !self.carry.said.is_none();
        // Several are named to say something of them, and so is who a joined clause goes on about ("and flow has
        // been"); without it the sentence is none.
        let counted = clause.names.len() > 1 && self.carry.said.is_none();
        let mumbled = says_nothing && (counted || (clause.begun && clause.joined));
        let wrong = self.behind_joint() || unnamed || said_of_nobody || untrue || said_of_others || mumbled;
        !wrong
    }

    /// Nothing has come since a mark or a word that joins or parts.
    fn behind_joint(&self) -> bool {
        matches!(self.last, Last::Stop | Last::Mark | Last::Joint(_))
    }

    /// Begins a clause that has nothing to do with the one before.
    fn part(&mut self) -> bool {
        self.times_before = self.clause.said.common(Kinds::LASTS.with(Kinds::STARTS));
        self.clause = Clause::default();
        self.carry = Carry::default();
        self.clauses += 1;
        self.clauses <= MOST_CLAUSES
    }

    /// Begins a clause that goes on from the one before, or goes on with it if it has said nothing.
    ///
    /// A `mark` that counts up names has more than one behind it, a link at least one.
    fn join(&mut self, mark: bool) -> bool {
        if self.behind_joint() {
            return false;
        }
        if !self.clause.has_said() {
            self.clause.length += 1;
            return self.clause.length <= MOST_OF_CLAUSE
                && self.clause.order.is_none_or(|_| self.named_here())
                && self.counts_up(if mark { 2 } else { 1 });
        }
        let may = self.clause_may_end();
        let clause = self.clause;
        let times = clause.said.common(Kinds::LASTS.with(Kinds::STARTS));
        let said = clause.said.common(Kinds::OF_WORDS);
        let names = self.subjects();
        let carry = Carry {
            names,
            others: clause.others || (!self.named_here() && self.carry.others),
            said: if said.is_none() { self.carry.said } else { said },
        };
        let may = may && self.part();
        self.carry = carry;
        self.clause.said = times;
        self.clause.joined = true;
        may
    }

    /// The topics that the clause is about.
    fn subjects(&self) -> Names {
        if self.named_here() { self.clause.names } else { self.carry.names }
    }

    /// Whether it is about topics that are only counted, too.
    fn of_others(&self) -> bool {
        self.clause.others || (!self.named_here() && self.carry.others)
    }

    fn named_here(&self) -> bool {
        !self.clause.names.is_empty()
    }

    fn word(&mut self, classes: Classes) -> bool {
        let joint = [Class::Link, Class::While, Class::Later, Class::Earlier];
        if joint.into_iter().any(|class| classes.has(class)) {
            let may = self.joint(classes);
            self.last = Last::Joint(classes);
            self.neutral = 0;
            self.clause.joined |= !classes.has(Class::Link);
            return may;
        }
        let kinds = classes.kinds();
        let verb = classes.has(Class::Verb);
        if !kinds.is_none() || verb {
            if self.clause.order.is_some() && !self.named_here() {
                return false;
            }
            self.neutral = 0;
        } else {
            self.neutral += 1;
        }
        if !kinds.is_none() && !self.claim(kinds) {
            return false;
        }
        self.clause.verb |= verb;
        self.clause.begun |= self.last == Last::Name;
        self.stated |= verb && self.named_here();
        self.clause.length += 1;
        let may = (!classes.has(Class::Over) || self.facts.closed)
            && classes.has(Class::Ago) == (self.last == Last::Time)
            && self.neutral <= MOST_NEUTRAL
            && self.clause.length <= MOST_OF_CLAUSE;
        self.last = Last::Word(classes);
        may
    }

    /// A word that joins or parts clauses.
    fn joint(&mut self, classes: Classes) -> bool {
        let behind_mark = self.last == Last::Mark;
        let behind_link = matches!(self.last, Last::Joint(before) if before.has(Class::Link));
        if classes.has(Class::Link) {
            return behind_mark || self.join(false);
        }
        if classes.has(Class::While) {
            let begins = self.last == Last::Stop || behind_mark;
            let said = self.clause.said.common(Kinds::LASTS.with(Kinds::STARTS));
            if begins && self.nothing_here() {
                self.carry = Carry::default();
                self.clause.said = self.clause.said.with(self.times_before);
                return true;
            }
            let may = self.clause_may_end() && self.part();
            // "At noon it rose while it fell": both at noon.
            self.clause.said = said;
            return may;
        }
        let orders: Option<Vec<u32>> = self.newest.iter().map(|topic| self.topic(topic).order).collect();
        let Some(orders) = orders else { return false };
        if classes.has(Class::Later) {
            let Some(order) = orders.into_iter().max().map(Order::After) else { return false };
            if self.clause.has_said() {
                let may = self.clause_may_end() && self.part();
                self.clause.order = Some(order);
                return may;
            }
            let begins = self.last == Last::Stop || behind_mark || behind_link;
            // A time or figure of this very clause would be read as that of what came later.
            let timed = self.clause.length > 0 && (!self.clause.said.is_none() || self.clause.valued);
            if begins {
                // What a fronted time says of the clause before does not hold for what came later.
                self.clause.said = Kinds::NONE;
            }
            let may = !timed && !self.named_here() && !self.clause.others && self.clause.order.is_none();
            self.carry = Carry::default();
            self.clause.order = Some(order);
            return may && (begins || matches!(self.last, Last::Word(_) | Last::Slot | Last::Text));
        }
        let Some(order) = orders.into_iter().min().map(Order::Before) else { return false };
        let may =
            self.clause.has_said() && !self.subjects().is_empty() && self.clause_may_end() && self.part();
        self.clause.order = Some(order);
        may
    }

    /// Nobody and nothing has been said in this clause.
    fn nothing_here(&self) -> bool {
        !self.named_here() && !self.clause.has_said() && !self.clause.others
    }

    /// Claims something of the topics of this clause, or of those that it goes on about.
    fn claim(&mut self, kinds: Kinds) -> bool {
        let names = self.subjects();
        self.clause.said = self.clause.said.with(kinds);
        if !kinds.common(Kinds::OF_WORDS).is_none() {
            self.clause.claims += 1;
            self.stated |= !names.is_empty();
        }
        let somebody = !names.is_empty() || kinds.common(Kinds::OPEN).is_none();
        somebody && !self.of_others() && self.true_of(names, kinds) && self.clause.claims <= MOST_CLAIMS
    }

    fn true_of(&self, names: Names, kinds: Kinds) -> bool {
        names.iter().all(|topic| self.topic(topic).fits.holds(kinds))
    }

    fn topic(&self, topic: u8) -> &'a Topic {
        &self.facts.topics[usize::from(topic)]
    }

    fn slot(&mut self, slot: Slot) -> bool {
        let last = self.last;
        self.clause.length += 1;
        self.neutral = 0;
        self.filled = true;
        self.last = Last::Slot;
        let text = |slot| self.facts.text(slot, self.named.len());
        let before = self.used.last().filter(|_| last == Last::Slot);
        // "for 2 h 2 h ago": two slots, but a slip to the reader.
        let stutters = before.is_some_and(|before| text(*before) == text(slot));
        let may = text(slot).is_some()
            && !stutters
            && self.clause.length <= MOST_OF_CLAUSE
            && match slot {
                Slot::Name(topic) => self.name(topic, last),
                Slot::Value(topic, value) => self.value(topic, value, last),
                Slot::Machine(machine) => self.name_machine(machine, last),
                Slot::Count(machine) => self.machine == Some(machine) && self.unused(slot),
                Slot::More => self.count_others(slot),
                Slot::Lasts => self.unused(slot) && self.time(last) && self.says_when(Kinds::LASTS),
                Slot::Starts => self.unused(slot) && led(last, Class::When) && self.says_when(Kinds::STARTS),
                Slot::Cause | Slot::Second | Slot::Check => self.given(slot, last),
            };
        if may {
            self.used.push(slot);
        }
        may
    }

    fn unused(&self, slot: Slot) -> bool {
        !self.used.contains(&slot)
    }

    fn name(&mut self, at: u8, last: Last) -> bool {
        let led = matches!(last, Last::Word(_));
        let may = !matches!(last, Last::Name | Last::Time | Last::Text)
            && self.may_be_named(at)
            && self.may_be_told_now(at, led);
        self.clause.led |= led && !self.named_here();
        let times = &mut self.times_named[usize::from(at)];
        *times += 1;
        let often = *times > MOST_NAMED;
        self.newest = if self.named_here() { self.newest.with(at) } else { Names::of(at) };
        self.clause.names = self.clause.names.with(at);
        self.named = self.named.with(at);
        self.stated |= self.clause.has_said();
        self.last = Last::Name;
        may && !often
    }

    /// A figure belongs to the one topic that the clause is about.
    fn value(&mut self, at: u8, value: Value, last: Last) -> bool {
        let names = self.subjects();
        let alone = names == Names::of(at) && !self.of_others();
        let led = match value {
            Value::Now => led(last, Class::At),
            Value::Base => led(last, Class::From),
            Value::Delta => led(last, Class::By),
            Value::At => led(last, Class::When),
            Value::Since => self.time(last),
        };
        self.clause.valued = true;
        alone && led && self.unused(Slot::Value(at, value))
    }

    /// A length of time stands behind a word for it, or before `ago`: then behind no word that a figure follows.
    fn time(&mut self, last: Last) -> bool {
        if led(last, Class::For) {
            return true;
        }
        self.last = Last::Time;
        ![Class::At, Class::By, Class::From].into_iter().any(|class| led(last, class))
    }

    fn says_when(&mut self, kinds: Kinds) -> bool {
        self.clause.order.is_none() && self.claim(kinds)
    }

    /// Words that stand beside others would run into them.
    fn given(&mut self, slot: Slot, last: Last) -> bool {
        self.last = Last::Text;
        self.explained |= slot == Slot::Cause && self.stated;
        self.unused(slot) && !matches!(last, Last::Name | Last::Machine | Last::Text)
    }

    fn name_machine(&mut self, machine: u8, last: Last) -> bool {
        let another = self.machine != Some(machine);
        let times = &mut self.times_machine[usize::from(machine)];
        *times += 1;
        let often = *times > MOST_MACHINE;
        let may =
            !matches!(last, Last::Name | Last::Machine | Last::Text) && (!another || self.nothing_here());
        if another {
            self.carry = Carry::default();
        }
        self.machine = Some(machine);
        self.last = Last::Machine;
        may && !often
    }

    fn count_others(&mut self, slot: Slot) -> bool {
        let may = self.unused(slot)
            && !self.named.is_empty()
            && self.clause.said.is_none()
            && self.clause.order.is_none();
        self.clause.others = true;
        self.counted = true;
        may
    }
}
