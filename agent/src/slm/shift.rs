//! The report of a shift: by a model that is configured for it, otherwise by rules.

use lineside_bundle::manifest::Task;
use tracing::warn;

use super::description::WordedBy;
use super::runtime::{Call, Outcome, Reply, Request, Runtime, Shift, Ticket, Words};
use super::summary::report::{self, ShiftText};
use crate::publish::payload::{ModelRef, Report};
use crate::time::Timestamp;

/// A report that a model may be writing. Dropping it stops the model.
#[derive(Debug)]
pub struct Draft {
    from: Timestamp,
    to: Timestamp,
    rules: ShiftText,
    asked: Option<Ticket>,
}

impl Draft {
    /// Asks the model that is configured for it, where there is one; `call` says how urgent it is.
    #[must_use]
    pub fn begin(runtime: Option<&Runtime>, shift: Shift, call: impl FnOnce(Request) -> Call) -> Self {
        let (from, to, rules) = (shift.from, shift.to, report::deterministic(&shift));
        let runtime = runtime.filter(|runtime| runtime.serves(Task::ShiftReport));
        let asked = runtime.map(|runtime| runtime.ask(call(Request::ShiftReport(Box::new(shift))), None));
        Draft { from, to, rules, asked }
    }

    /// Waits for the report, outside of async code.
    #[must_use]
    pub fn wait(mut self) -> Report {
        let outcome = self.asked.take().map(Ticket::wait);
        self.written(outcome)
    }

    /// The report, once it is written.
    pub async fn ready(mut self) -> Report {
        // Not taken out: whoever drops this future drops the ticket as well.
        let outcome = match &mut self.asked {
            None => None,
            Some(ticket) => Some(ticket.await),
        };
        self.written(outcome)
    }

    fn written(self, outcome: Option<Outcome>) -> Report {
        let Draft { from, to, rules, .. } = self;
        let mut report = Report {
            from,
            to,
            incidents: rules.incidents,
            text: rules.text,
            by: WordedBy::Rules,
            models: Vec::new(),
        };
        match outcome {
            None => {}
            Some(Err(refusal)) => warn!("the report is written by rules: {refusal}"),
            Some(Ok(answer)) => {
                if let (Reply::Words(Words { text, .. }), true) = (answer.reply, answer.by != WordedBy::Rules)
                {
                    report.models.push(ModelRef { name: answer.model, version: answer.version });
                    (report.text, report.by) = (text, answer.by);
                }
            }
        }
        report
    }
}
