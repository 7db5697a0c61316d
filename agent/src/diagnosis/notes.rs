//! What notes say of each mode: an index over the table's phrases.
//!
//! Two figures a mode. *Words*: how much of its vocabulary the notes use, each word by how few modes
//! share it. *Phrase*: how much of one of its phrases a note has, so that words of a mode that
//! only happen to stand in the notes count less.

use std::collections::{BTreeMap, BTreeSet};

use super::table::Table;
use super::words::{abbreviates, split, stem, within_one_edit};

/// How soon a word that a mode uses often counts no more than one it uses a few times.
const SATURATION: f32 = 1.0;
/// Slips and abbreviations count less than the word.
const NEAR: f32 = 0.8;
/// Shorter stems have too many neighbours.
const NEAR_LETTERS: usize = 4;
/// An abbreviation that may stand for more words than this says nothing.
const SHORT_FOR: usize = 3;
/// Notes beyond this are not read: a page of text is not about one incident.
const LONGEST: usize = 400;
/// A phrase that is found in part says nothing unless so much of it is there.
const LEAST_OF_PHRASE: f32 = 0.35;
/// A phrase of words that all modes use is not a phrase: the weight that a full one has.
const WEIGHTY: f32 = 4.0;

/// What notes say of one mode, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Support {
    /// How much of its vocabulary they use.
    pub words: f32,
    /// How much of one of its phrases a note has, 0 to 1.
    pub phrase: f32,
}

/// Words that were looked up before, for whoever reads many notes.
pub type Spellings = BTreeMap<String, Vec<(usize, f32)>>;

/// The words of all phrases.
#[derive(Clone, Debug, Default)]
pub struct Index {
    modes: usize,
    /// By stem.
    stems: BTreeMap<String, usize>,
    /// By place of the stem: how much it tells modes apart, the modes that use it with how much, and
    /// the phrases it is in.
    words: Vec<Word>,
    /// By place of the phrase: its mode and the weight of its words.
    phrases: Vec<(usize, f32)>,
    /// Whole words by the place of their stem: an abbreviation leaves out letters of a word, not of a stem.
    whole: BTreeMap<String, usize>,
    /// Stems that say nothing.
    filler: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
struct Word {
    rarity: f32,
    modes: BTreeMap<usize, f32>,
    phrases: Vec<usize>,
}

impl Index {
    /// Of the table's phrases, causes and checks.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let filler = table.filler.iter().map(|word| stem(word)).collect();
        let mut index = Index { modes: table.modes.len(), filler, ..Index::default() };
        for (mode, said) in table.modes.iter().enumerate() {
            let texts = said.phrases.iter().chain([&said.cause, &said.check]);
            for text in texts {
                let words: BTreeSet<String> = index.words_of(text).collect();
                let stems: BTreeSet<String> = words.iter().map(|word| stem(word)).collect();
                let phrase = index.phrases.len();
                index.phrases.push((mode, 0.0));
                for stem in stems {
                    let places = index.stems.len();
                    let place = *index.stems.entry(stem).or_insert(places);
                    index.words.resize_with(index.stems.len(), Word::default);
                    *index.words[place].modes.entry(mode).or_default() += 1.0;
                    index.words[place].phrases.push(phrase);
                }
                for word in words {
                    let place = index.stems[&stem(&word)];
                    index.whole.insert(word, place);
                }
            }
        }
        for word in &mut index.words {
            word.rarity = (1.0 + index.modes as f32 / (word.modes.len() as f32 + 1.0)).ln();
            word.phrases.iter().for_each(|&phrase| index.phrases[phrase].1 += word.rarity);
            word.modes.values_mut().for_each(|uses| *uses /= *uses + SATURATION);
        }
        index
    }

    fn words_of(&self, text: &str) -> impl Iterator<Item = String> {
        let words = split(text).into_iter().take(LONGEST);
        let says =
            |word: &String| word.chars().count() > 1 && !word.starts_with(|l: char| l.is_ascii_digit());
        words.filter(says).filter(|word| !self.filler.contains(&stem(word)))
    }

    /// What notes say of each mode, in the table's order.
    #[must_use]
    pub fn read(&self, notes: &[String], spellings: &mut Spellings) -> Vec<Support> {
        let mut support = vec![Support::default(); self.modes];
        let mut said: BTreeMap<usize, f32> = BTreeMap::new();
        for note in notes {
            let mut here: BTreeMap<usize, f32> = BTreeMap::new();
            for word in self.words_of(note).collect::<BTreeSet<String>>() {
                let places = spellings.entry(word).or_insert_with_key(|word| self.spell(word));
                for &(place, certainty) in places.iter() {
                    let known = here.entry(place).or_default();
                    *known = known.max(certainty);
                }
            }
            let mut covered: BTreeMap<usize, f32> = BTreeMap::new();
            for (&place, &certainty) in &here {
                let known = said.entry(place).or_default();
                *known = known.max(certainty);
                for &phrase in &self.words[place].phrases {
                    *covered.entry(phrase).or_default() += certainty * self.words[place].rarity;
                }
            }
            for (phrase, weight) in covered {
                let (mode, whole) = self.phrases[phrase];
                let share = weight / whole.max(WEIGHTY);
                if share >= LEAST_OF_PHRASE {
                    support[mode].phrase = support[mode].phrase.max(share);
                }
            }
        }
        for (place, certainty) in said {
            for (&mode, uses) in &self.words[place].modes {
                support[mode].words += certainty * uses * self.words[place].rarity;
            }
        }
        support
    }

    /// The known stems that a word may have.
    fn spell(&self, word: &str) -> Vec<(usize, f32)> {
        let stem = &*stem(word);
        if let Some(&place) = self.stems.get(stem) {
            return vec![(place, 1.0)];
        }
        let letters = stem.chars().count();
        let near = |known: &str| {
            let long = letters >= NEAR_LETTERS && known.chars().count() >= NEAR_LETTERS;
            long && within_one_edit(stem, known)
        };
        let first = |fits: &dyn Fn(&str) -> bool| {
            let fitting = self.stems.iter().filter(|(known, _)| fits(known));
            fitting.map(|(_, &place)| (place, NEAR)).collect::<Vec<_>>()
        };
        let slips = first(&near);
        if !slips.is_empty() {
            return slips;
        }
        // `lagerschaden` has `lager`, `mech` begins `mechanical`; `lkg` is short for `leakage`.
        let parts = first(&|known| known.chars().count() > NEAR_LETTERS && stem.contains(known));
        if !parts.is_empty() {
            return parts;
        }
        let begun = first(&|known| letters >= NEAR_LETTERS && known.starts_with(stem));
        if !begun.is_empty() {
            return begun;
        }
        let fitting = self.whole.iter().filter(|(whole, _)| abbreviates(word, whole));
        let short: BTreeSet<usize> = fitting.map(|(_, &place)| place).collect();
        if short.len() <= SHORT_FOR {
            short.into_iter().map(|place| (place, NEAR)).collect()
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::diagnosis::TableFile;
    use crate::diagnosis::fixtures::{PHRASES, SIGNATURES};

    fn table() -> Table {
        let file = |name, text| TableFile { name, text };
        Table::read(&[file("signatures.toml", SIGNATURES), file("phrases.toml", PHRASES)]).unwrap()
    }

    fn most(table: &Table, index: &Index, note: &str) -> String {
        let support = index.read(&[note.to_owned()], &mut Spellings::new());
        let sum = |support: &Support| support.words + 3.0 * support.phrase;
        let most = (0..support.len()).max_by(|&a, &b| sum(&support[a]).total_cmp(&sum(&support[b]))).unwrap();
        table.modes[most].id.clone()
    }

    #[test]
    fn notes_with_typos_abbreviations_and_other_words_support_the_mode_they_speak_of() {
        let table = table();
        let index = Index::of(&table);
        for (note, mode) in [
            ("brg at drive end is noisy, order spare", "bearing_worn"),
            ("Lager läuft trocken, bitte fetten", "bearing_dry"),
            ("pump makes noise like gravel, cavitating?", "cavitation"),
            ("belt is sliping on the pulley", "belt_slips"),
            ("shaft seal lkg, drips", "seal_leak"),
            ("FILTER CLOGGED, CHANGE ELEMENT", "filter_clogged"),
            ("fuse blown, one phase missing", "phase_lost"),
        ] {
            assert_eq!(most(&table, &index, note), mode, "{note}");
        }
    }

    #[test]
    fn notes_about_nothing_of_this_support_no_phrase() {
        let table = table();
        let support = Index::of(&table)
            .read(&["coffee machine in the canteen ordered".to_owned()], &mut Spellings::new());
        assert!(support.iter().all(|support| support.phrase < 0.5));
        assert!(
            Index::of(&table)
                .read(&[], &mut Spellings::new())
                .iter()
                .all(|support| *support == Support::default())
        );
    }

    proptest! {
        #[test]
        fn any_notes_give_finite_support(notes in prop::collection::vec("\\PC{0,80}", 0..4)) {
            static INDEX: LazyLock<Index> = LazyLock::new(|| Index::of(&table()));
            for support in INDEX.read(&notes, &mut Spellings::new()) {
                prop_assert!(support.words.is_finite() && support.words >= 0.0 && (0.0..=1.001).contains(&support.phrase));
            }
        }
    }
}
