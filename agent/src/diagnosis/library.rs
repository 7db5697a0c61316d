//! The table and the index over its phrases: all that turns a case into rows, without a scorer.

use std::collections::BTreeMap;

use super::features::{Rows, Seen, rows};
use super::kind::{Nature, kinds, machine, nature};
use super::notes::{Index, Spellings, Support};
use super::observed::{Observed, calm, moved};
use super::table::Table;
use super::{DiagnosisError, TableFile};
use crate::incident::Evidence;
use crate::incident::sentence::ChannelNames;

/// What a diagnosis knows of faults and of words.
#[derive(Clone, Debug)]
pub struct Library {
    pub(super) table: Table,
    notes: Index,
}

/// What was looked up before, for whoever reads many cases.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    natures: BTreeMap<(String, String, String), Nature>,
    spellings: Spellings,
}

/// A case in the table's words.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is seen of each channel.
    pub(super) channels: Vec<Observed>,
    pub(super) machine: Option<usize>,
    /// What the notes say of each mode; `None` when there are none.
    pub(super) notes: Option<Vec<Support>>,
}

impl Library {
    /// Reads the files of the table in their order, each adding to those before it.
    ///
    /// # Errors
    /// Names file, line and key of what is wrong.
    pub fn read(files: &[TableFile<'_>]) -> Result<Self, DiagnosisError> {
        let table = Table::read(files)?;
        let notes = Index::of(&table);
        Ok(Library { table, notes })
    }

    /// The ids of the modes, in the order of their rows.
    pub fn modes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.table.modes.iter().map(|mode| mode.id.as_str())
    }

    /// A case in the table's words.
    #[must_use]
    pub fn case(
        &self,
        kind: Option<&str>,
        channels: &[ChannelNames],
        evidence: &Evidence,
        notes: &[String],
        memory: &mut Memory,
    ) -> Case {
        let machine = kind.and_then(|kind| machine(&self.table, kind));
        let observed = |(place, seen): (usize, &crate::incident::ChannelEvidence)| {
            let named = channels.get(place).filter(|named| named.name == seen.name);
            let named = named.or_else(|| channels.iter().find(|named| named.name == seen.name));
            let label = named.map_or(&seen.name, |named| &named.label);
            let key = (seen.name.clone(), seen.unit.clone(), label.clone());
            let nature = memory.natures.entry(key).or_insert_with_key(|(name, unit, label)| {
                let (name, unit, label) = (name.clone(), unit.clone(), label.clone());
                nature(&self.table, &ChannelNames { name, unit, label })
            });
            Observed { kinds: kinds(&self.table, nature, machine), moved: moved(evidence, seen) }
        };
        let mut channels: Vec<Observed> = evidence.channels.iter().enumerate().map(observed).collect();
        calm(&mut channels);
        let said = notes.iter().any(|note| !note.trim().is_empty());
        let notes = said.then(|| self.notes.read(notes, &mut memory.spellings));
        Case { channels, machine, notes }
    }

    /// The rows of a case for the modes at these places.
    #[must_use]
    pub fn rows(&self, case: &Case, modes: &[usize]) -> Rows {
        rows(&self.table, modes, &case.seen())
    }
}

impl Case {
    /// All of it.
    pub(super) fn seen(&self) -> Seen<'_> {
        Seen {
            channels: self.channels.iter().map(Some).collect(),
            machine: self.machine,
            notes: self.notes.as_deref(),
        }
    }
}
