//! `lineside classify`: what a text or an incident is about.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::{OneIncident, OneModel};
use crate::cli::exit::Exit;
use crate::cli::terminal::{Paint, print};
use crate::config::slm::TasksConfig;
use crate::slm::case::Assessment;
use crate::slm::runtime::{Reply, Request};

#[derive(Debug, Args)]
pub(in crate::cli) struct ClassifyArgs {
    #[command(flatten)]
    model: OneModel,
    /// A short text, in place of an incident.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["file", "note"])]
    text: Option<String>,
    #[command(flatten)]
    incident: OneIncident,
    /// The probability, 0 to 1, below which the answer is "unknown".
    #[arg(long, value_name = "P")]
    min_confidence: Option<f64>,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ClassifyArgs) -> Result<ExitCode> {
    let path = Some(args.model.model.clone());
    let mut tasks = TasksConfig::default();
    let request = match &args.text {
        Some(text) => {
            tasks.classify_text.model = path;
            tasks.classify_text.min_confidence =
                args.min_confidence.unwrap_or(tasks.classify_text.min_confidence);
            Request::ClassifyText { text: text.clone() }
        }
        None => {
            tasks.classify_incident.model = path;
            tasks.classify_incident.min_confidence =
                args.min_confidence.unwrap_or(tasks.classify_incident.min_confidence);
            Request::ClassifyIncident(Box::new(args.incident.read()?))
        }
    };
    let answer = args.model.ask(tasks, request, None)?.wait()?;
    let Reply::Class(assessment) = &answer.reply else { bail!("the model named no class") };
    print(&if args.json { json_of(assessment) } else { page(assessment, Paint::stdout()) })?;
    Ok(Exit::Ok.into())
}

fn json_of(Assessment { label, confidence, scores }: &Assessment) -> String {
    let score = |(label, probability): &(String, f32)| json!({"label": label, "probability": probability});
    let scores: Vec<_> = scores.iter().map(score).collect();
    format!("{:#}\n", json!({"label": label, "confidence": confidence, "scores": scores}))
}

fn page(Assessment { label, scores, .. }: &Assessment, paint: Paint) -> String {
    let mut page = format!("{}\n", paint.bold(label.as_deref().unwrap_or("unknown")));
    for (label, probability) in scores {
        page += &format!("  {:>5.1} %  {label}\n", f64::from(*probability) * 100.0);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classifier_that_abstains_says_unknown_and_what_it_weighed() {
        let assessment = Assessment {
            label: None,
            confidence: 0.4,
            scores: vec![("leak".into(), 0.4), ("wear".into(), 0.05)],
        };
        assert_eq!(page(&assessment, Paint::Plain), "unknown\n   40.0 %  leak\n    5.0 %  wear\n");
        let json: serde_json::Value = serde_json::from_str(&json_of(&assessment)).unwrap();
        assert_eq!((json["label"].is_null(), &json["scores"][0]["label"]), (true, &json!("leak")));
    }
}
