//! What leaves the gateway when a larger model is asked.
//!
//! Promise 3: raw samples stay on the gateway. An inquiry is made of [`Case`]s, which hold evidence and
//! no sample. Free text that people wrote is left out too: it is not evidence.

use super::super::reply::Reply;
use super::super::request::{Request, Shift};
use crate::slm::case::{Assessment, Case};
use crate::slm::description::WordedBy;

/// What a larger model is asked.
#[derive(Clone, Debug)]
pub(in super::super) enum Inquiry {
    /// Which of the labels an incident shows.
    Class(Case, Assessment),
    /// What happened in an incident, in words.
    Words(Case),
    /// What happened in a shift, in words.
    Report(Shift),
}

impl Inquiry {
    /// What is left open by the answer of the model here; `None` when nothing is.
    pub fn of(request: &Request, reply: &Reply, by: WordedBy) -> Option<Self> {
        match (request, reply) {
            (Request::ClassifyIncident(case), Reply::Class(assessment)) if assessment.label.is_none() => {
                Some(Inquiry::Class(evidence(case), assessment.clone()))
            }
            (Request::SummarizeIncident(case), Reply::Words(_)) if by == WordedBy::Rules => {
                Some(Inquiry::Words(evidence(case)))
            }
            (Request::ShiftReport(shift), Reply::Words(_)) if by == WordedBy::Rules => {
                let cases = shift.cases.iter().map(evidence).collect();
                Some(Inquiry::Report(Shift { cases, ..**shift }))
            }
            _ => None,
        }
    }
}

/// A case without what people wrote.
fn evidence(case: &Case) -> Case {
    Case { notes: Vec::new(), ..case.clone() }
}
