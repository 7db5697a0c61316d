//! The incident model: says which fault an incident shows by a table of fault modes and a small
//! scorer ([`crate::diagnosis`]).

pub(super) mod built_in;
#[cfg(test)]
mod tests;

use lineside_bundle::Bundle;

use super::executor::{Done, Executor, Run};
use super::reply::{Refusal, Reply};
use super::request::Request;
use crate::config::slm::ClassifyIncidentConfig;
use crate::diagnosis::{Diagnosis, Judgement, Reason, Settings, TableFile};
use crate::incident::Evidence;
use crate::slm::case::{Assessment, Because, Case, NOTES};
use crate::slm::description::WordedBy;

/// A loaded incident model.
pub(super) struct Incident {
    name: String,
    diagnosis: Diagnosis,
    bytes: u64,
}

impl Incident {
    /// Loads a bundle, with the fault modes of the site behind its own.
    pub(super) fn load(bundle: &Bundle, config: &ClassifyIncidentConfig) -> Result<Self, String> {
        let manifest = bundle.manifest();
        let site = config.signatures.as_deref().map(|path| {
            let text = std::fs::read_to_string(path);
            text.map(|text| (path, text)).map_err(|error| format!("{}: {error}", path.display()))
        });
        let site = site.transpose()?.map(|(path, text)| (path.display().to_string(), text));
        let site = site.as_ref().map(|(name, text)| TableFile { name, text });
        let limit = config.min_confidence.map(|limit| limit as f32);
        let diagnosis =
            open(bundle, site, limit).map_err(|problem| format!("{}: {problem}", manifest.name))?;
        let texts = [bundle.signatures(), bundle.phrases(), site.map(|site| site.text)];
        let texts: usize = texts.into_iter().flatten().map(str::len).sum();
        Ok(Incident { name: manifest.name.clone(), diagnosis, bytes: (bundle.model().len() + texts) as u64 })
    }

    fn judge(&self, case: &Case) -> Result<Assessment, Refusal> {
        let Case { subject, incident, notes, .. } = case;
        let judged =
            self.diagnosis.judge(subject.kind.as_deref(), &subject.channels, &incident.evidence, notes);
        let judged = judged
            .map_err(|error| Refusal::Model { model: self.name.clone(), problem: error.to_string() })?;
        Ok(assessment(judged, &incident.evidence))
    }
}

/// The diagnosis in a bundle.
///
/// # Errors
/// Names the file or key that stands in the way.
pub fn diagnosis_in(bundle: &Bundle) -> Result<Diagnosis, String> {
    open(bundle, None, None)
}

/// The diagnosis in a bundle. `site` adds fault modes; `limit` is a confidence to abstain below in the
/// place of the bundle's own.
fn open(bundle: &Bundle, site: Option<TableFile<'_>>, limit: Option<f32>) -> Result<Diagnosis, String> {
    let table = bundle.manifest().diagnosis.as_ref().ok_or("the bundle has no `[diagnosis]`")?;
    let figures = table.figures.clone();
    let settings: Settings = figures
        .try_into()
        .map_err(|error: toml::de::Error| format!("manifest.toml: [diagnosis]: {}", error.message()))?;
    let settings = Settings { abstain_below: limit.unwrap_or(settings.abstain_below), ..settings };
    let signatures = bundle.signatures().map(|text| TableFile { name: &table.signatures.file, text });
    let phrases = table.phrases.as_ref().zip(bundle.phrases());
    let phrases = phrases.map(|(file, text)| TableFile { name: &file.file, text });
    let files: Vec<TableFile<'_>> = [signatures, phrases, site].into_iter().flatten().collect();
    Diagnosis::open(&files, bundle.model(), settings).map_err(|error| error.to_string())
}

/// A judgement by the names that people know.
fn assessment(judged: Judgement, evidence: &Evidence) -> Assessment {
    let name = |at: usize| evidence.channels.get(at).map(|channel| channel.name.clone());
    let because = judged.because.into_iter().filter_map(|(reason, weight)| {
        let what = match reason {
            Reason::Channel(at) => name(at)?,
            Reason::Notes => NOTES.to_owned(),
        };
        Some(Because { what, weight })
    });
    let because = because.collect();
    let finding = judged.finding;
    Assessment {
        label: judged.label,
        confidence: judged.confidence,
        scores: judged.scores,
        second: judged.second.map(|second| second.cause),
        unexplained: judged.unexplained.into_iter().filter_map(name).collect(),
        benign: finding.as_ref().is_some_and(|finding| finding.benign),
        check: finding.as_ref().map(|finding| finding.check.clone()),
        cause: finding.map(|finding| finding.cause),
        because,
    }
}

impl Executor for Incident {
    fn memory_bytes(&self) -> u64 {
        self.bytes
    }

    fn run(&self, request: &Request, _: &Run<'_>) -> Result<Done, Refusal> {
        let Request::ClassifyIncident(case) = request else {
            let problem = "says which fault an incident shows, and nothing else".to_owned();
            return Err(Refusal::Model { model: self.name.clone(), problem });
        };
        Ok(Done {
            normalised: None,
            reply: Reply::Class(self.judge(case)?),
            by: WordedBy::Model,
            tokens_in: 0,
            tokens_out: 0,
            memory_bytes: 0,
        })
    }
}
