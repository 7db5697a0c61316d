//! An incident or a shift as JSON: the form of `vectors.json`, times in microseconds.

use serde::{Deserialize, Serialize};

use crate::incident::Incident;
use crate::incident::sentence::{ChannelNames, Subject};
use crate::slm::case::{Assessment, Case};
use crate::time::Timestamp;

/// A [`Case`] as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldCase {
    /// The machine.
    pub device: String,
    /// What kind of machine it is.
    pub kind: Option<String>,
    /// What its channels are called, in the order of the evidence.
    pub labels: Vec<String>,
    /// The incident as the agent's records have it.
    pub incident: Incident,
    /// What it was classified as.
    pub assessment: Option<Assessment>,
    /// Free text that belongs to it.
    pub notes: Vec<String>,
}

/// The incidents of a shift as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldShift {
    /// The end of the shift.
    pub to: Timestamp,
    /// Its incidents.
    pub cases: Vec<ToldCase>,
}

impl ToldCase {
    /// A case as JSON.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        ToldCase {
            device: case.subject.device.clone(),
            kind: case.subject.kind.clone(),
            labels: case.subject.channels.iter().map(|names| names.label.clone()).collect(),
            incident: case.incident.clone(),
            assessment: case.assessment.clone(),
            notes: case.notes.clone(),
        }
    }

    /// The case.
    #[must_use]
    pub fn case(&self) -> Case {
        let channels = self.incident.evidence.channels.iter().zip(&self.labels);
        let names = channels.map(|(channel, label)| ChannelNames {
            name: channel.name.clone(),
            unit: channel.unit.clone(),
            label: label.clone(),
        });
        Case {
            subject: Subject {
                device: self.device.clone(),
                kind: self.kind.clone(),
                channels: names.collect(),
            },
            incident: self.incident.clone(),
            assessment: self.assessment.clone(),
            notes: self.notes.clone(),
        }
    }
}
