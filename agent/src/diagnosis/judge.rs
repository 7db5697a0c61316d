//! From rows to a judgement: probabilities, a second fault, what is left over, what carried it.

use super::features::{FEATURES, Rows, Seen, rows};
use super::fit::EXPLAINED;
use super::library::{Case, Library, Memory};
use super::observed::Observed;
use super::scorer::Scorer;
use super::table::Scope;
use super::{DiagnosisError, Finding, Judgement, Reason, Settings, TableFile, UNKNOWN};
use crate::incident::Evidence;
use crate::incident::sentence::ChannelNames;

/// A mode that the evidence says so clearly, no note changes; "none of these" must be said more clearly,
/// for a note may be all that names the fault.
const CLEAR: f32 = 0.5;
const CLEARLY_UNKNOWN: f32 = 0.8;
/// What carried less of a decision is not named.
const CARRIED: f32 = 0.01;

/// Judges incidents by a table of fault modes and a small scorer.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    library: Library,
    scorer: Scorer,
    settings: Settings,
}

/// The probabilities of some modes and of "none of these".
struct Odds {
    /// By row; the last one is "none of these".
    probabilities: Vec<f32>,
    rows: Rows,
}

/// What was decided on.
struct Decision {
    odds: Odds,
    /// Its row; the last one is "none of these".
    top: usize,
    /// The probability of that row, with a second fault that of either.
    confidence: f32,
    /// The row of a second fault.
    second: Option<usize>,
    /// Places of channels that deviate and that neither explains.
    left: Vec<usize>,
}

impl Odds {
    /// The most likely mode; of equals the first; `None` without modes.
    fn best_mode(&self) -> Option<usize> {
        most_likely(&self.probabilities[..self.probabilities.len() - 1])
    }

    /// The most likely row; of equals the first.
    fn top(&self) -> usize {
        most_likely(&self.probabilities).unwrap_or(0)
    }
}

/// The place of the highest; of equals the first.
fn most_likely(probabilities: &[f32]) -> Option<usize> {
    let by = |place: &usize| probabilities[*place];
    (0..probabilities.len()).rev().max_by(|one, other| by(one).total_cmp(&by(other)))
}

impl Diagnosis {
    /// Reads the files of the table in their order, each adding to those before it (the bundle's
    /// signatures, its phrases, then a site's own), and loads the scorer.
    ///
    /// # Errors
    /// Names file, line and key that stand in the way.
    pub fn open(files: &[TableFile<'_>], onnx: &[u8], settings: Settings) -> Result<Self, DiagnosisError> {
        settings.check()?;
        let library = Library::read(files)?;
        let scorer = Scorer::new(onnx, library.modes().len() + 1)?;
        Ok(Diagnosis { library, scorer, settings })
    }

    /// What it knows.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Judges an incident. `kind` is the machine's kind in free words; `channels` are in the evidence's
    /// order; `notes` are free text that belongs to it.
    ///
    /// # Errors
    /// When the scorer cannot be run or its answer is no number.
    pub fn judge(
        &self,
        kind: Option<&str>,
        channels: &[ChannelNames],
        evidence: &Evidence,
        notes: &[String],
    ) -> Result<Judgement, DiagnosisError> {
        let case = self.library.case(kind, channels, evidence, notes, &mut Memory::default());
        let modes: Vec<usize> = (0..self.library.modes().len()).collect();
        self.judge_among(&case, &modes, true)
    }

    /// Judges a case as if the table had only the modes at these places. What carried the decision is
    /// found only if it is asked for: that judges the case again without each channel.
    ///
    /// # Errors
    /// As for [`Diagnosis::judge`].
    pub fn judge_among(
        &self,
        case: &Case,
        modes: &[usize],
        because: bool,
    ) -> Result<Judgement, DiagnosisError> {
        let seen = case.seen();
        let Decision { odds, top, confidence, second, left } = self.decide(&seen, modes)?;
        let names = modes.iter().map(|&mode| self.library.table.modes[mode].id.as_str()).chain([UNKNOWN]);
        let mut scores: Vec<(String, f32)> =
            names.map(str::to_owned).zip(odds.probabilities.iter().copied()).collect();
        // Stable: of equals the first of the table.
        scores.sort_by(|one, other| other.1.total_cmp(&one.1));
        let mut judgement = Judgement {
            label: None,
            confidence,
            scores,
            finding: None,
            second: None,
            unexplained: Vec::new(),
            because: if because { self.because(&seen, modes, &odds, top)? } else { Vec::new() },
        };
        if top < modes.len() && confidence >= self.settings.abstain_below {
            let finding = self.finding(modes[top]);
            judgement.label = Some(finding.mode.clone());
            judgement.finding = Some(finding);
            judgement.second = second.map(|second| self.finding(modes[second]));
            judgement.unexplained = left;
        }
        Ok(judgement)
    }

    /// Which row it is, and with which second. Two faults share what there is to give, and either may be named
    /// first: "none of these" has to beat both together.
    fn decide(&self, seen: &Seen<'_>, modes: &[usize]) -> Result<Decision, DiagnosisError> {
        let odds = self.noted(modes, seen)?;
        let unknown = odds.probabilities[modes.len()];
        let none =
            |odds| Decision { odds, top: modes.len(), confidence: unknown, second: None, left: Vec::new() };
        let Some(top) = odds.best_mode() else { return Ok(none(odds)) };
        let explains = &odds.rows.fits[top].explains;
        let deviates = |channel: &Option<&Observed>| channel.is_some_and(|channel| channel.moved.is_some());
        let open = |&place: &usize| deviates(&seen.channels[place]) && explains[place] < EXPLAINED;
        let mut left: Vec<usize> = (0..seen.channels.len()).filter(open).collect();
        let second = self.second(modes, top, seen, &left)?;
        let mut confidence = odds.probabilities[top];
        if let Some((second, explained)) = &second {
            confidence = (confidence + odds.probabilities[*second]).min(1.0);
            left.retain(|channel| !explained.contains(channel));
        }
        let second = second.map(|(second, _)| second);
        Ok(if unknown > confidence { none(odds) } else { Decision { odds, top, confidence, second, left } })
    }

    fn finding(&self, mode: usize) -> Finding {
        let mode = &self.library.table.modes[mode];
        let (cause, check) = (mode.cause.clone(), mode.check.clone());
        Finding { mode: mode.id.clone(), cause, check, benign: mode.benign }
    }

    fn odds(&self, modes: &[usize], seen: &Seen<'_>) -> Result<Odds, DiagnosisError> {
        let rows = rows(&self.library.table, modes, seen);
        // The plan is made for the whole table: rows of modes that are left out are empty.
        let mut values = rows.values.clone();
        values.resize((self.library.modes().len() + 1) * FEATURES, 0.0);
        let mut logits = self.scorer.logits(&values)?;
        logits.truncate(modes.len() + 1);
        let most = logits.iter().copied().fold(f32::MIN, f32::max);
        let weights: Vec<f32> =
            logits.iter().map(|logit| ((logit - most) / self.settings.temperature).exp()).collect();
        let sum: f32 = weights.iter().sum();
        Ok(Odds { probabilities: weights.into_iter().map(|weight| weight / sum).collect(), rows })
    }

    /// With the notes, as far as they may change what the evidence says.
    fn noted(&self, modes: &[usize], seen: &Seen<'_>) -> Result<Odds, DiagnosisError> {
        let bare = self.odds(modes, &Seen { notes: None, ..seen.clone() })?;
        if seen.notes.is_none() {
            return Ok(bare);
        }
        let noted = self.odds(modes, seen)?;
        let top = bare.top();
        let unknown = top == modes.len();
        let clear = bare.probabilities[top] >= if unknown { CLEARLY_UNKNOWN } else { CLEAR };
        // A note may raise what the evidence says clearly; it does not sink it. And a note may speak for another
        // mode, but never for none.
        let sinks = clear && noted.probabilities[top] < bare.probabilities[top];
        Ok(if sinks || (!unknown && noted.top() == modes.len()) { bare } else { noted })
    }

    /// The place of the mode that best explains the channels that are left, with the channels it explains.
    fn second(
        &self,
        modes: &[usize],
        first: usize,
        seen: &Seen<'_>,
        left: &[usize],
    ) -> Result<Option<(usize, Vec<usize>)>, DiagnosisError> {
        if left.is_empty() || self.library.table.modes[modes[first]].scope == Scope::Machine {
            return Ok(None);
        }
        let could_be = |mode: &usize| {
            let described = &self.library.table.modes[*mode];
            *mode != modes[first] && !described.benign && described.scope != Scope::Machine
        };
        let places: Vec<usize> = (0..modes.len()).filter(|&place| could_be(&modes[place])).collect();
        let others: Vec<usize> = places.iter().map(|&place| modes[place]).collect();
        // What the first explains says nothing about a second, for or against.
        let open = |(place, channel): (usize, &Option<_>)| {
            let moved = channel.is_some_and(|channel: &Observed| channel.moved.is_some());
            if moved && !left.contains(&place) { None } else { *channel }
        };
        let rest = Seen { channels: seen.channels.iter().enumerate().map(open).collect(), ..seen.clone() };
        let odds = self.odds(&others, &rest)?;
        let top = odds.top();
        if top == others.len() || odds.probabilities[top] < self.settings.second_above {
            return Ok(None);
        }
        let explains = &odds.rows.fits[top].explains;
        let explained: Vec<usize> =
            left.iter().copied().filter(|&channel| explains[channel] >= EXPLAINED).collect();
        Ok((!explained.is_empty()).then(|| (places[top], explained)))
    }

    /// What carried a decision: the loss of probability of its row when one channel that deviates, or the
    /// notes, are taken out; the heaviest first.
    fn because(
        &self,
        seen: &Seen<'_>,
        modes: &[usize],
        odds: &Odds,
        top: usize,
    ) -> Result<Vec<(Reason, f32)>, DiagnosisError> {
        let confidence = odds.probabilities[top];
        let mut because = Vec::new();
        for channel in 0..seen.channels.len() {
            if seen.channels[channel].is_some_and(|channel| channel.moved.is_some()) {
                let mut without = seen.clone();
                without.channels[channel] = None;
                let odds = self.noted(modes, &without)?;
                because.push((Reason::Channel(channel), confidence - odds.probabilities[top]));
            }
        }
        if seen.notes.is_some() {
            let odds = self.noted(modes, &Seen { notes: None, ..seen.clone() })?;
            because.push((Reason::Notes, confidence - odds.probabilities[top]));
        }
        because.retain(|(_, loss)| *loss >= CARRIED);
        because.sort_by(|one, other| other.1.total_cmp(&one.1));
        Ok(because)
    }
}
