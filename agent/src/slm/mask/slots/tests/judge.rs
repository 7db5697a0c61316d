//! Reads a finished text and compares it with the truth, as a suspicious operator would.

use super::truth::{Figure, Truth};
use crate::slm::mask::slots::class::{Class, Classes};
use crate::slm::mask::slots::lexicon::Lexicon;

#[derive(Clone, Debug, PartialEq)]
enum Item {
    Word(String, Classes),
    Mark(char),
    Name(Vec<usize>),
    Figure(Vec<Figure>),
    Machine(usize),
    Count(String),
    More(usize),
    Opaque,
}

/// The first thing that is wrong with a text.
pub(crate) fn judge(text: &str, truth: &Truth, lexicon: &Lexicon) -> Result<(), String> {
    let items = read(text, truth, lexicon)?;
    if items.last() != Some(&Item::Mark('.')) {
        return Err("does not end with a full stop".into());
    }
    let mut reader = Reader { truth, machine: (truth.machines.len() == 1).then_some(0), newest: vec![] };
    let named = named(&items, truth);
    if named.is_empty() {
        return Err("names nothing".into());
    }
    for pair in items.windows(2) {
        if pair[0] == pair[1] {
            return Err(format!("says {:?} twice in a row", pair[0]));
        }
    }
    let mut counted = false;
    for item in &items {
        if let Item::More(more) = item {
            if counted || *more != truth.deviating - named.len() {
                return Err(format!("{more} more: {} are named of {}", named.len(), truth.deviating));
            }
            counted = true;
        }
    }
    for sentence in items.split(|item| *item == Item::Mark('.')).filter(|items| !items.is_empty()) {
        reader.sentence(sentence)?;
    }
    Ok(())
}

fn named(items: &[Item], truth: &Truth) -> Vec<usize> {
    let mut machine = (truth.machines.len() == 1).then_some(0);
    let mut named = Vec::new();
    for item in items {
        match item {
            Item::Machine(at) => machine = Some(*at),
            Item::Name(topics) => named.extend(
                topics.iter().copied().filter(|topic| Some(truth.topics[*topic].machine) == machine).take(1),
            ),
            _ => {}
        }
    }
    named.sort_unstable();
    named.dedup();
    named
}

fn read(text: &str, truth: &Truth, lexicon: &Lexicon) -> Result<Vec<Item>, String> {
    let mut known: Vec<(String, Item)> = Vec::new();
    for topic in &truth.topics {
        let same = (0..truth.topics.len()).filter(|at| truth.topics[*at].label == topic.label).collect();
        known.push((topic.label.clone(), Item::Name(same)));
    }
    for (figure, written) in &truth.figures {
        let same = truth.figures.iter().filter(|(_, other)| other == written).map(|(figure, _)| *figure);
        known.push((written.clone(), Item::Figure(same.collect())));
        let _ = figure;
    }
    for (at, machine) in truth.machines.iter().enumerate() {
        known.push((machine.label.clone(), Item::Machine(at)));
        known.extend(machine.count.clone().map(|count| (count.clone(), Item::Count(count))));
    }
    for more in 1..=truth.deviating {
        let s = if more == 1 { "" } else { "s" };
        known.push((format!("{more} {}{s}", truth.more), Item::More(more)));
    }
    known.extend(truth.opaque.iter().map(|text| (text.clone(), Item::Opaque)));
    known.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));

    let mut items = Vec::new();
    let mut rest = text;
    let mut begins = true;
    'text: while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(' ') {
            rest = after;
            continue;
        }
        for (text, item) in &known {
            if let Some(after) = strip(rest, text, begins)
                && !after.starts_with(char::is_alphanumeric)
                && !(after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_digit()))
            {
                items.push(item.clone());
                rest = after;
                begins = false;
                continue 'text;
            }
        }
        let length =
            rest.find(|c: char| !c.is_ascii_alphabetic() && c != '\'' && c != '-').unwrap_or(rest.len());
        if length > 0 {
            let word = if begins { rest[..length].to_lowercase() } else { rest[..length].to_owned() };
            let classes =
                lexicon.words.get(&word).ok_or_else(|| format!("{word:?} is no word of the list"))?;
            items.push(Item::Word(word, *classes));
            rest = &rest[length..];
            begins = false;
            continue;
        }
        let mark = rest.chars().next().unwrap();
        if !".,;:".contains(mark) {
            return Err(format!("{mark:?} in {rest:?} is not in the evidence"));
        }
        begins = mark == '.';
        items.push(Item::Mark(mark));
        rest = &rest[1..];
    }
    Ok(items)
}

/// Without a text at its beginning, whose first letter may be a capital.
fn strip<'a>(rest: &'a str, text: &str, begins: bool) -> Option<&'a str> {
    rest.strip_prefix(text).or_else(|| {
        let mut chars = text.chars();
        let first = chars.next().filter(|_| begins)?;
        let capital: String = first.to_uppercase().collect();
        rest.strip_prefix(&capital)?.strip_prefix(chars.as_str())
    })
}

struct Reader<'a> {
    truth: &'a Truth,
    machine: Option<usize>,
    /// Topics of the clause that last named any.
    newest: Vec<usize>,
}

/// How a clause follows the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Parted,
    Joined,
    While,
    Later,
    Earlier,
}

struct Clause {
    relation: Relation,
    items: Vec<Item>,
}

fn says(item: &Item) -> Vec<Class> {
    match item {
        Item::Word(_, classes) => classes.iter().filter(|class| !class.kinds().is_none()).collect(),
        _ => vec![],
    }
}

fn is_verb(item: &Item) -> bool {
    matches!(item, Item::Word(_, classes) if classes.has(Class::Verb))
}

fn led(before: Option<&Item>, class: Class) -> bool {
    matches!(before, Some(Item::Word(_, classes)) if classes.has(class))
}

/// Cuts a sentence at its joints, and puts together again what only counts up names.
fn clauses(sentence: &[Item]) -> Vec<Clause> {
    let mut clauses = vec![Clause { relation: Relation::Parted, items: vec![] }];
    for item in sentence {
        let relation = match item {
            Item::Mark(',') => Relation::Joined,
            Item::Mark(_) => Relation::Parted,
            Item::Word(_, classes) if classes.has(Class::Link) => Relation::Joined,
            Item::Word(_, classes) if classes.has(Class::While) => Relation::While,
            Item::Word(_, classes) if classes.has(Class::Later) => Relation::Later,
            Item::Word(_, classes) if classes.has(Class::Earlier) => Relation::Earlier,
            item => {
                clauses.last_mut().unwrap().items.push(item.clone());
                continue;
            }
        };
        let last = clauses.last_mut().unwrap();
        let said = last.items.iter().any(|item| is_verb(item) || !says(item).is_empty());
        match (last.items.is_empty(), relation) {
            // A chain of joints is as strong as its strongest.
            (true, Relation::Joined) => {}
            (true, relation) => last.relation = relation,
            (false, Relation::Joined) if !said => {}
            (false, Relation::Later) if !said => last.relation = relation,
            (false, relation) => clauses.push(Clause { relation, items: vec![] }),
        }
    }
    clauses
}

impl Reader<'_> {
    fn sentence(&mut self, sentence: &[Item]) -> Result<(), String> {
        let mut subjects: Vec<usize> = vec![];
        let mut claimed: Vec<Class> = vec![];
        let mut times: Vec<Figure> = vec![];
        for clause in clauses(sentence) {
            if clause.relation != Relation::Joined {
                subjects.clear();
                claimed.clear();
            }
            if !matches!(clause.relation, Relation::Joined | Relation::While) {
                times.clear();
            }
            self.clause(&clause, &mut subjects, &mut claimed, &mut times)?;
        }
        Ok(())
    }

    fn clause(
        &mut self,
        clause: &Clause,
        subjects: &mut Vec<usize>,
        claimed: &mut Vec<Class>,
        times: &mut Vec<Figure>,
    ) -> Result<(), String> {
        let truth = self.truth;
        let mut names: Vec<usize> = vec![];
        let mut claims: Vec<Class> = vec![];
        let others = clause.items.iter().any(|item| matches!(item, Item::More(_)));
        let verb = clause.items.iter().any(is_verb);
        for (at, item) in clause.items.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| &clause.items[at]);
            let after = clause.items.get(at + 1);
            match item {
                Item::Name(topics) => {
                    let mine = |topic: &&usize| Some(truth.topics[**topic].machine) == self.machine;
                    let topic = *topics.iter().find(mine).ok_or("names a channel of another machine")?;
                    if !truth.topics[topic].deviates {
                        return Err(format!("names {}, which does not deviate", truth.topics[topic].label));
                    }
                    names.push(topic);
                }
                Item::Machine(machine) => {
                    if self.machine != Some(*machine) && !names.is_empty() {
                        return Err("names another machine behind a channel".into());
                    }
                    if self.machine != Some(*machine) {
                        subjects.clear();
                        claimed.clear();
                    }
                    self.machine = Some(*machine);
                }
                Item::Count(count) => {
                    let own = self.machine.and_then(|machine| truth.machines[machine].count.as_ref());
                    if own != Some(count) {
                        return Err("counts the incidents of another machine".into());
                    }
                }
                Item::Figure(meanings) => {
                    let spoken_of = if names.is_empty() { &*subjects } else { &names };
                    let fits = |figure: &&Figure| match figure {
                        Figure::Now(topic) => spoken_of[..] == [*topic] && led(before, Class::At),
                        Figure::Base(topic) => spoken_of[..] == [*topic] && led(before, Class::From),
                        Figure::Delta(topic) => spoken_of[..] == [*topic] && led(before, Class::By),
                        Figure::At(topic) => spoken_of[..] == [*topic] && led(before, Class::When),
                        Figure::Since(topic) => {
                            spoken_of[..] == [*topic] && (led(before, Class::For) || led(after, Class::Ago))
                        }
                        Figure::Lasts => led(before, Class::For) || led(after, Class::Ago),
                        Figure::Starts => led(before, Class::When),
                    };
                    let fitting: Vec<Figure> = meanings.iter().filter(fits).copied().collect();
                    if fitting.is_empty() {
                        return Err(format!("{meanings:?} is said of {spoken_of:?} behind {before:?}"));
                    }
                    // A figure of the topic itself says nothing of others.
                    if fitting.iter().all(|figure| matches!(figure, Figure::Lasts | Figure::Starts)) {
                        times.extend(fitting.first());
                        if let Some(topic) = spoken_of.iter().find(|topic| !self.timely(**topic, times)) {
                            return Err(format!("{fitting:?} is said of topic {topic}"));
                        }
                    }
                }
                Item::Word(word, classes) if classes.has(Class::Over) && !truth.closed => {
                    return Err(format!("{word:?} though it is not over"));
                }
                _ => {}
            }
            for claim in says(item) {
                if names.is_empty() && !subjects.iter().all(|topic| self.is(*topic, claim)) {
                    return Err(format!("{item:?} goes on about {subjects:?}"));
                }
                claims.push(claim);
            }
        }
        if let Some(topic) = names.iter().find(|topic| !self.timely(**topic, times)) {
            return Err(format!("{times:?} is said of topic {topic}"));
        }
        for claim in &claims {
            if names.is_empty() && subjects.is_empty() {
                return Err(format!("{claim:?} is said of nobody"));
            }
            if let Some(topic) = names.iter().find(|topic| !self.is(**topic, *claim)) {
                return Err(format!("{claim:?} is said of {}", truth.topics[*topic].label));
            }
            if others {
                return Err(format!("{claim:?} is said of channels that are not named"));
            }
        }
        // That it lasts on says nothing of what became of it.
        claims.retain(|claim| *claim != Class::Open);
        if claims.is_empty() && !verb && !claimed.is_empty() {
            if others {
                return Err("goes on about channels that are not named".into());
            }
            if let Some(topic) =
                names.iter().find(|topic| !claimed.iter().all(|claim| self.is(**topic, *claim)))
            {
                return Err(format!("{claimed:?} is also said of {}", truth.topics[*topic].label));
            }
        }
        self.order(clause.relation, &names)?;
        if !names.is_empty() {
            *subjects = names.clone();
            self.newest = names;
        } else if others {
            subjects.clear();
        }
        if !claims.is_empty() {
            *claimed = claims;
        }
        Ok(())
    }

    fn is(&self, topic: usize, claim: Class) -> bool {
        self.truth.topics[topic].claims.contains(&claim)
    }

    fn timely(&self, topic: usize, times: &[Figure]) -> bool {
        let topic = &self.truth.topics[topic];
        times.iter().all(|time| match time {
            Figure::Lasts => topic.for_all,
            _ => topic.with_onset,
        })
    }

    fn order(&self, relation: Relation, names: &[usize]) -> Result<(), String> {
        let order = |topic: &usize| self.truth.topics[*topic].order;
        let orders = |topics: &[usize]| topics.iter().map(order).collect::<Option<Vec<u32>>>();
        if !matches!(relation, Relation::Later | Relation::Earlier) {
            return Ok(());
        }
        let unknown = || "tells an order that is not known".to_owned();
        let (old, new) = (orders(&self.newest).ok_or_else(unknown)?, orders(names).ok_or_else(unknown)?);
        if old.is_empty() || new.is_empty() {
            return Err("tells an order of nobody".into());
        }
        let right = match relation {
            Relation::Later => new.iter().min() > old.iter().max(),
            _ => new.iter().max() < old.iter().min(),
        };
        if right { Ok(()) } else { Err(format!("the order of {:?} and {names:?} is another", self.newest)) }
    }
}
