//! What the models cost, by task and model, since the agent started.

mod figures;

pub use figures::{CostFigures, LoadedModel, SlmFigures};

use std::collections::BTreeMap;
use std::time::Duration;

use lineside_bundle::manifest::Task;

use super::reply::{Refusal, Usage};
use crate::latency::Latency;

/// What the models cost.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    by: BTreeMap<(Task, String), Cost>,
}

/// What one model cost with one task.
#[derive(Clone, Debug, Default)]
pub(super) struct Cost {
    answered: u64,
    refused: BTreeMap<&'static str, u64>,
    tokens_in: u64,
    tokens_out: u64,
    cpu: Duration,
    /// From the request to the answer, waiting included.
    latency: Latency,
    memory_peak: u64,
    abstained: u64,
    fallbacks: BTreeMap<String, u64>,
    escalated: BTreeMap<&'static str, u64>,
}

impl Costs {
    fn of(&mut self, task: Task, model: &str) -> &mut Cost {
        self.by.entry((task, model.to_owned())).or_default()
    }

    /// A request was answered.
    pub(super) fn answered(&mut self, task: Task, model: &str, usage: &Usage) {
        let cost = self.of(task, model);
        cost.answered += 1;
        cost.tokens_in += usage.tokens_in;
        cost.tokens_out += usage.tokens_out;
        cost.latency.record(usage.waited + usage.took);
    }

    /// A processor was busy with a request, whatever came of it.
    pub(super) fn busy(&mut self, task: Task, model: &str, cpu: Duration) {
        self.of(task, model).cpu += cpu;
    }

    /// A request made a model hold so much memory, its own included.
    pub(super) fn held(&mut self, task: Task, model: &str, bytes: u64) {
        let cost = self.of(task, model);
        cost.memory_peak = cost.memory_peak.max(bytes);
    }

    /// A request was refused; `model` is empty where none was found for it.
    pub(super) fn refused(&mut self, task: Task, model: &str, why: &Refusal) {
        *self.of(task, model).refused.entry(why.reason()).or_default() += 1;
    }

    /// A classifier said "unknown".
    pub(super) fn abstained(&mut self, task: Task, model: &str) {
        self.of(task, model).abstained += 1;
    }

    /// The deterministic words were taken.
    pub(super) fn fell_back(&mut self, task: Task, model: &str, why: &str) {
        *self.of(task, model).fallbacks.entry(why.to_owned()).or_default() += 1;
    }

    /// The larger model was asked, or was to be.
    pub(super) fn escalated(&mut self, task: Task, model: &str, outcome: &'static str) {
        *self.of(task, model).escalated.entry(outcome).or_default() += 1;
    }

    /// The figures; a busy core draws `watts`.
    #[must_use]
    pub fn figures(&self, watts: f64) -> Vec<CostFigures> {
        self.by.iter().map(|((task, model), cost)| cost.figures(*task, model, watts)).collect()
    }
}

impl Cost {
    fn figures(&self, task: Task, model: &str, watts: f64) -> CostFigures {
        let named = |counts: &BTreeMap<&'static str, u64>| {
            counts.iter().map(|(&reason, &count)| (reason.to_owned(), count)).collect()
        };
        let quantile_ms = |q| self.latency.quantile_us(q) as f64 / 1e3;
        CostFigures {
            task: task.name().to_owned(),
            model: model.to_owned(),
            answered: self.answered,
            refused: named(&self.refused),
            tokens_in: self.tokens_in,
            tokens_out: self.tokens_out,
            cpu_ms: u64::try_from(self.cpu.as_millis()).unwrap_or(u64::MAX),
            energy_j: (watts > 0.0).then_some(self.cpu.as_secs_f64() * watts),
            p50_ms: quantile_ms(0.50),
            p95_ms: quantile_ms(0.95),
            p99_ms: quantile_ms(0.99),
            memory_peak_bytes: self.memory_peak,
            abstained: self.abstained,
            fallbacks: self.fallbacks.clone(),
            escalated: named(&self.escalated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_kept_apart_by_task_and_model() {
        let mut costs = Costs::default();
        let usage = Usage {
            tokens_in: 90,
            tokens_out: 30,
            cpu: Duration::from_millis(400),
            waited: Duration::from_millis(100),
            took: Duration::from_millis(500),
        };
        for _ in 0..3 {
            costs.answered(Task::SummarizeIncident, "words", &usage);
            costs.busy(Task::SummarizeIncident, "words", usage.cpu);
        }
        costs.held(Task::SummarizeIncident, "words", 9 << 20);
        costs.held(Task::SummarizeIncident, "words", 7 << 20);
        costs.fell_back(Task::SummarizeIncident, "words", "number");
        costs.escalated(Task::SummarizeIncident, "words", "answered");
        costs.refused(Task::Generate, "", &Refusal::QueueFull { waiting: 16 });
        costs.abstained(Task::ClassifyIncident, "faults");

        let figures = costs.figures(3.0);
        let tasks: Vec<_> = figures.iter().map(|one| (one.task.as_str(), one.model.as_str())).collect();
        assert_eq!(
            tasks,
            [("classify-incident", "faults"), ("summarize-incident", "words"), ("generate", "")]
        );
        let words = &figures[1];
        assert_eq!((words.answered, words.tokens_in, words.tokens_out, words.cpu_ms), (3, 270, 90, 1_200));
        assert_eq!(words.memory_peak_bytes, 9 << 20);
        assert!((600.0..=720.0).contains(&words.p50_ms), "{}", words.p50_ms);
        assert!((words.energy_j.unwrap() - 3.6).abs() < 1e-9);
        assert_eq!((words.fallbacks["number"], words.escalated["answered"]), (1, 1));
        assert_eq!(figures[2].refused["queue_full"], 1);
        assert_eq!(costs.figures(0.0)[1].energy_j, None, "without watts nothing is estimated");
    }
}
