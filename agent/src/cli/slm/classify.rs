//! `lineside classify`: what a text or an incident is about.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::{How, OneIncident};
use crate::cli::exit::Exit;
use crate::cli::terminal::{Paint, print};
use crate::config::slm::TasksConfig;
use crate::slm::api::Found;
use crate::slm::case::Assessment;
use crate::slm::runtime::{Reply, Request};

#[derive(Debug, Args)]
pub(in crate::cli) struct ClassifyArgs {
    /// The model's bundle: a tar or a folder. Without it an incident is classified by the model that is
    /// built in.
    #[arg(long, value_name = "BUNDLE")]
    model: Option<PathBuf>,
    /// Fault modes of the site's own, in a file of the form of the bundle's `signatures.toml`.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    signatures: Option<PathBuf>,
    #[command(flatten)]
    how: How,
    /// A short text, in place of an incident.
    #[arg(long, value_name = "TEXT", requires = "model", conflicts_with_all = ["file", "note"])]
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
    let path = args.model.clone();
    let mut tasks = TasksConfig::default();
    let request = match &args.text {
        Some(text) => {
            tasks.classify_incident.built_in = false;
            tasks.classify_text.model = path;
            tasks.classify_text.min_confidence =
                args.min_confidence.unwrap_or(tasks.classify_text.min_confidence);
            Request::ClassifyText { text: text.clone() }
        }
        None => {
            tasks.classify_incident.model = path;
            tasks.classify_incident.signatures.clone_from(&args.signatures);
            tasks.classify_incident.min_confidence = args.min_confidence;
            Request::ClassifyIncident(Box::new(args.incident.read()?))
        }
    };
    let answer = args.how.ask(tasks, request, None)?.wait()?;
    let Reply::Class(assessment) = &answer.reply else { bail!("the model named no class") };
    let normalised = answer.normalised.as_deref();
    print(&if args.json {
        json_of(assessment, normalised)?
    } else {
        page(assessment, normalised, Paint::stdout())
    })?;
    Ok(Exit::Ok.into())
}

fn json_of(assessment: &Assessment, normalised: Option<&str>) -> Result<String> {
    let mut object = serde_json::to_value(Found::from(assessment.clone()))?;
    if let Some(text) = normalised {
        object["normalised"] = json!(text);
    }
    Ok(format!("{object:#}\n"))
}

fn page(found: &Assessment, normalised: Option<&str>, paint: Paint) -> String {
    let mut page = format!("{}\n", paint.bold(found.label.as_deref().unwrap_or("unknown")));
    if let Some(text) = normalised {
        page += &format!("  read as: {text}\n");
    }
    for (label, probability) in &found.scores {
        page += &format!("  {:>5.1} %  {label}\n", f64::from(*probability) * 100.0);
    }
    let cause = if found.benign { "no fault" } else { "cause" };
    let left_over = (!found.unexplained.is_empty()).then(|| found.unexplained.join(", "));
    let because = found.because.iter().map(|because| format!("{} {:.2}", because.what, because.weight));
    let because = (!found.because.is_empty()).then(|| because.collect::<Vec<_>>().join(", "));
    let lines = [
        (cause, &found.cause),
        ("besides", &found.second),
        ("unexplained", &left_over),
        ("check first", &found.check),
        ("because of", &because),
    ];
    for (key, text) in lines {
        page.extend(text.iter().map(|text| format!("{} {text}\n", paint.dim(&format!("{key:<11}")))));
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::slm::case::Because;

    #[test]
    fn what_was_found_is_told_with_what_to_check_and_what_carried_it() {
        let found = Assessment {
            label: Some("outlet_blocked".into()),
            confidence: 0.9,
            scores: vec![("outlet_blocked".into(), 0.9)],
            cause: Some("a blocked outlet".into()),
            check: Some("the outlet valve".into()),
            unexplained: vec!["temperature".into()],
            because: vec![Because { what: "flow".into(), weight: 0.5 }],
            ..Assessment::default()
        };
        assert_eq!(
            page(&found, None, Paint::Plain),
            "outlet_blocked\n   90.0 %  outlet_blocked\ncause       a blocked outlet\nunexplained temperature\n\
             check first the outlet valve\nbecause of  flow 0.50\n"
        );
        let json: serde_json::Value = serde_json::from_str(&json_of(&found, None).unwrap()).unwrap();
        assert_eq!(json["because"], json!([{"what": "flow", "weight": 0.5}]));
        assert_eq!((json.get("benign"), json.get("second")), (None, None));
    }

    #[test]
    fn a_classifier_that_abstains_says_unknown_and_what_it_weighed() {
        let assessment = Assessment {
            label: None,
            confidence: 0.4,
            scores: vec![("leak".into(), 0.4), ("wear".into(), 0.05)],
            ..Assessment::default()
        };
        assert_eq!(page(&assessment, None, Paint::Plain), "unknown\n   40.0 %  leak\n    5.0 %  wear\n");
        let json: serde_json::Value = serde_json::from_str(&json_of(&assessment, None).unwrap()).unwrap();
        assert_eq!((json["label"].is_null(), &json["scores"][0]["label"]), (true, &json!("leak")));
        assert!(json.get("normalised").is_none());
    }

    #[test]
    fn a_text_that_was_written_out_is_shown_as_it_was_read() {
        let assessment = Assessment { label: Some("leak".into()), ..Assessment::default() };
        let text = Some("hydraulic oil leak");
        assert_eq!(page(&assessment, text, Paint::Plain), "leak\n  read as: hydraulic oil leak\n");
        let json: serde_json::Value = serde_json::from_str(&json_of(&assessment, text).unwrap()).unwrap();
        assert_eq!(json["normalised"], "hydraulic oil leak");
    }
}
