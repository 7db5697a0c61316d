//! Promise 3: raw samples stay on the gateway, whatever is asked of a larger model.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::config::Config;
use crate::detect::detector::DetectorModel;
use crate::incident::Incident;
use crate::pipeline::{DevicePipeline, Output};
use crate::signal::Sample;
use crate::source::Batch;
use crate::time::Timestamp;

const ROWS: i64 = 1_500;
const FAULT: std::ops::Range<i64> = 900..1_200;

/// A recording in which every sample has digits of its own, and what the pipeline makes of it.
fn play(device: &DeviceConfig) -> (BTreeSet<String>, Vec<Incident>) {
    let model = DetectorModel::builtin().unwrap();
    let mut pipeline = DevicePipeline::new(device, &Config::default(), &model).unwrap();
    let noise = Normal::new(0.0, 0.1).unwrap();
    let mut random = Pcg64Mcg::seed_from_u64(7);
    let (mut samples, mut incidents) = (BTreeSet::new(), Vec::new());
    let mut keep = |output: Output<'_>| {
        if let Output::Incident(incident) = output {
            incidents.push(incident);
        }
    };
    for row in 0..ROWS {
        let shift = if FAULT.contains(&row) { 4.0 } else { 0.0 };
        let time = Timestamp::from_millis(1_795_248_000_000 + 1_000 * row);
        let values = [5.0 + shift, 70.0 - 5.0 * shift, 40.0].map(|level| level + noise.sample(&mut random));
        samples.extend(values.map(|value| value.to_string()));
        let sample = |(channel, value): (usize, f64)| Sample { channel, time, value: Ok(value) };
        let samples = values.into_iter().enumerate().map(sample).collect();
        pipeline.accept(&Batch { samples, rejected: Vec::new() }, &mut keep);
    }
    pipeline.finish(&mut keep);
    (samples, incidents)
}

/// Every number in a text, as it is written.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).map(|number| number.trim_matches('.'))
}

fn significant_digits(number: &str) -> usize {
    number.chars().filter(char::is_ascii_digit).collect::<String>().trim_start_matches('0').len()
}

#[test]
fn no_sample_reaches_the_larger_model() {
    let device = pump();
    let (samples, incidents) = play(&device);
    assert!(incidents.len() >= 2, "the fault is seen: {incidents:?}");
    assert!(samples.iter().filter(|sample| significant_digits(sample) > 8).count() > 4_000);

    let tasks = [Task::ClassifyIncident, Task::SummarizeIncident, Task::ShiftReport];
    let ((asked, questions), (answers, given)) = (channel(), channel());
    let bench = bench(&tasks, |config| {
        config.escalation.max_per_day = 1_000;
        config.escalation.breaker.failures = 1_000;
        Box::new(Scripted { asked, answers: given })
    });
    let subject = Subject::of(&device);
    let case = |incident: &Incident| Case {
        subject: subject.clone(),
        incident: incident.clone(),
        assessment: None,
        notes: Vec::new(),
    };
    let cases: Vec<Case> = incidents.iter().map(case).collect();
    let shift = Shift { from: incidents[0].opened, to: incidents[0].updated, cases: cases.clone() };
    let mut requests = vec![Request::ShiftReport(Box::new(shift))];
    for case in cases {
        requests.push(Request::ClassifyIncident(Box::new(case.clone())));
        requests.push(Request::SummarizeIncident(Box::new(case)));
    }
    let whole = requests.len();
    // From here on the endpoint is down, so that each request sends what it has to send once.
    drop(answers);
    for request in requests {
        bench.ask(request).wait().unwrap();
    }

    let sent: Vec<String> = questions.try_iter().collect();
    assert_eq!(sent.len(), whole);
    for text in &sent {
        assert!(text.contains("flow"), "{text}");
        for number in numbers(text) {
            assert!(!samples.contains(number), "sample {number} in: {text}");
            // Evidence is rounded to three digits; from 100 on, to ones.
            assert!(significant_digits(number) <= 4, "{number} in: {text}");
        }
    }
}
