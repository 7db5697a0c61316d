//! The drift of a model that classifies: how sure it is, and how often it says "unknown".
//!
//! Answers come with incidents, not with time: a span is a number of answers, and incidents are
//! taken to be independent.

use lineside_bundle::manifest::Histogram;
use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::device::{SIGNIFICANT, reference};
use super::report::{Compared, What};
use super::sketch::{Shape, Sketch};
use super::watch::{Chance, Watch};
use crate::time::Timestamp;

/// Bins of confidences: finest where a calibrated model has most of them.
const EDGES: [f32; 7] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];
/// Thirty answers a span, six spans of reference, and twice in a row beyond the limit in one of a
/// thousand pairs: what a machine shows in years, and a model that answers otherwise does at once.
const SHAPE: Shape = Shape { span: 30, blocks: 6, alpha: 0.03 };
/// Counts up with every change of what is saved.
const FORM: u8 = 1;

/// What is known of the answers of one model, and kept over a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Known {
    model: String,
    version: String,
    own: Sketch,
    trained: Option<Watch>,
}

/// Watches the drift of a model's answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerDrift(Known);

impl AnswerDrift {
    /// This version of this model answers, and its bundle recorded `trained`. Another one begins anew.
    pub fn model(&mut self, model: &str, version: &str, trained: Option<&Histogram>) {
        if self.0.model != model || self.0.version != version {
            let trained = trained.map(reference).map(|(bins, counts)| Watch::new(bins, counts, None));
            let (model, version) = (model.to_owned(), version.to_owned());
            self.0 = Known { model, version, own: Sketch::default(), trained };
        }
    }

    /// Takes an answer: its confidence, or `None` for "unknown".
    pub fn push(&mut self, confidence: Option<f32>, time: Timestamp) {
        let value = confidence.unwrap_or(f32::NAN);
        self.0.own.push(value, time, true, &SHAPE, Some(&Bins::with(EDGES.to_vec())));
        if let Some(trained) = &mut self.0.trained
            && trained.push(value, time, SHAPE.span)
        {
            let chance = Chance { dispersion: 1.0, blocks: None, floor: SIGNIFICANT };
            trained.look(time, Some(chance), SHAPE.alpha);
        }
    }

    /// The model's name and version.
    #[must_use]
    pub fn whose(&self) -> (&str, &str) {
        (&self.0.model, &self.0.version)
    }

    /// The answers beside their references.
    #[must_use]
    pub fn report(&self) -> Vec<Compared> {
        let mut all = vec![Compared::of(What::Confidence, None, &self.0.own, &SHAPE)];
        all.extend(self.0.trained.as_ref().map(|watch| Compared::trained(What::Confidence, watch, &SHAPE)));
        all
    }

    /// What must survive a restart.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        postcard::to_stdvec(&(FORM, &self.0)).unwrap_or_default()
    }

    /// Continues from a snapshot; `None` when it is none of this form.
    #[must_use]
    pub fn restore(bytes: &[u8]) -> Option<Self> {
        let (form, known): (u8, Known) = postcard::from_bytes(bytes).ok()?;
        let fits = form == FORM && known.own.fits() && known.trained.iter().all(Watch::fits);
        fits.then_some(AnswerDrift(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::Against;

    fn at(answer: i64) -> Timestamp {
        Timestamp::from_millis(answer * 3_600_000)
    }

    /// A model that is mostly sure and seldom abstains; later one that often does.
    fn answer(n: i64, unsure: bool) -> Option<f32> {
        let place = (n * 37 % 100) as f32 / 100.0;
        match unsure {
            false => (place > 0.05).then_some(0.7 + 0.3 * place),
            true => (place > 0.6).then_some(0.3 + 0.4 * place),
        }
    }

    fn training() -> Histogram {
        let mut counts = vec![0; 4];
        (0..95).for_each(|n| {
            counts[[0.8, 0.9, 0.95].iter().filter(|&&edge| 0.715 + 0.003 * f64::from(n) > edge).count()] += 1
        });
        Histogram { edges: vec![0.8, 0.9, 0.95], counts, abstained: 5 }
    }

    fn since(drift: &AnswerDrift, against: Against) -> Option<Timestamp> {
        drift.report().iter().find(|compared| compared.against == against).unwrap().since
    }

    #[test]
    fn a_model_that_begins_to_abstain_is_seen_and_one_that_answers_as_ever_is_not() {
        let mut drift = AnswerDrift::default();
        drift.model("faults", "1.0.0", Some(&training()));
        let usual = (SHAPE.span * (SHAPE.blocks + 4)) as i64;
        (0..usual).for_each(|n| drift.push(answer(n, false), at(n)));
        assert_eq!((since(&drift, Against::Commissioning), since(&drift, Against::Training)), (None, None));
        (usual..usual + 2 * SHAPE.span as i64).for_each(|n| drift.push(answer(n, true), at(n)));
        assert_eq!(since(&drift, Against::Commissioning), Some(at(usual)));
        assert_eq!(since(&drift, Against::Training), None, "that is not its own past");
    }

    #[test]
    fn answers_unlike_those_of_the_training_are_shown_from_the_first_span_on_and_are_no_drift() {
        for (unsure, unlike) in [(false, false), (true, true)] {
            let mut drift = AnswerDrift::default();
            drift.model("faults", "1.0.0", Some(&training()));
            (0..2 * SHAPE.span as i64).for_each(|n| drift.push(answer(n, unsure), at(n)));
            let shown = drift.report().iter().any(Compared::unlike_the_training);
            assert_eq!(shown, unlike, "{:?}", drift.report());
            assert!(drift.report().iter().all(|compared| compared.since.is_none()));
        }
    }

    #[test]
    fn another_version_begins_anew_and_a_restart_goes_on() {
        let mut drift = AnswerDrift::default();
        drift.model("faults", "1.0.0", Some(&training()));
        (0..200).for_each(|n| drift.push(answer(n, false), at(n)));
        let mut again = AnswerDrift::restore(&drift.snapshot()).unwrap();
        again.model("faults", "1.0.0", Some(&training()));
        assert_eq!(again, drift);
        again.model("faults", "1.1.0", None);
        assert_eq!(again.report().len(), 1);
        assert!(again.report()[0].known == 0.0);
        assert_eq!(AnswerDrift::restore(&[1, 2, 3]), None);
    }
}
