//! A report for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::report::{
    DevicePhase, DeviceStatus, ModelDrift, ModelUpdate, SourceState, StatusReport, UpdateStatus,
};
use crate::cli::terminal::Paint;
use crate::config::ByteSize;
use crate::drift::Compared;
use crate::drift::report::ADVICE;
use crate::slm::case::Assessment;
use crate::slm::runtime::{CostFigures, SlmFigures};
use crate::time::Timestamp;

/// The report as aligned text, coloured where `paint` paints.
#[must_use]
pub fn page(report: &StatusReport, paint: Paint) -> String {
    let mut text = String::new();
    write(&mut text, report, paint).expect("writing to a string cannot fail");
    text
}

fn write(out: &mut String, report: &StatusReport, paint: Paint) -> fmt::Result {
    let ready = if report.not_ready.is_empty() { paint.green("ready") } else { paint.red("not ready") };
    let up = seconds(report.uptime_s);
    let name = paint.bold(&format!("{}/{}", report.site, report.gateway));
    writeln!(out, "{name}  {ready}  version {}, boot {}, up {up}", report.version, report.boot)?;
    for reason in &report.not_ready {
        writeln!(out, "  {}", paint.red(reason))?;
    }
    writeln!(out, "\nbroker  {}", broker(report, paint))?;
    writeln!(out, "outbox  {}", outbox(report))?;
    for loss in &report.losses {
        writeln!(out, "{}", paint.red(&format!("lost    {} records: {}", loss.records, loss.reason)))?;
    }
    for model in &report.models {
        writeln!(out, "model   {} {} ({})", model.name, model.version, model.role)?;
    }
    for ModelDrift { model, version, compared } in &report.models_drift {
        if compared.iter().any(|compared| compared.since.is_some() || compared.unlike_the_training()) {
            writeln!(out, "model   {model} {version} (classify-incident)")?;
            drift(out, compared, paint)?;
        }
    }
    updates(out, &report.update, paint)?;
    if let Some(bytes) = report.resident_bytes {
        writeln!(out, "memory  {}", size(bytes))?;
    }
    if let Some(slm) = &report.slm {
        language(out, slm)?;
    }
    out.push('\n');
    devices(out, &report.devices, paint)
}

/// The language models: their memory, and a line for each task and model.
fn language(out: &mut String, slm: &SlmFigures) -> fmt::Result {
    let names: Vec<&str> = slm.loaded.iter().map(|model| model.name.as_str()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let held = size(slm.loaded.iter().map(|model| model.bytes).sum());
    let (budget, waiting) = (size(slm.budget_bytes), slm.waiting);
    writeln!(out, "slm     loaded: {names} ({held} of {budget}); {waiting} waiting")?;
    for costs in &slm.costs {
        let CostFigures { task, model, answered, tokens_in, tokens_out, cpu_ms, p50_ms, p99_ms, .. } = costs;
        let energy = costs.energy_j.map_or_else(String::new, |energy| format!(", {energy:.0} J"));
        let by = if model.is_empty() { String::new() } else { format!(" by {model}") };
        writeln!(
            out,
            "slm     {task}{by}: {answered} answered, tokens {tokens_in} in and {tokens_out} out, cpu {:.1} s{energy}, \
             p50 {p50_ms:.0} ms, p99 {p99_ms:.0} ms, memory {}",
            *cpu_ms as f64 / 1e3,
            size(costs.memory_peak_bytes),
        )?;
        let abstained = BTreeMap::from([("unknown".to_owned(), costs.abstained)]);
        let counted = [
            ("refused", &costs.refused),
            ("abstained", &abstained),
            ("deterministic", &costs.fallbacks),
            ("escalated", &costs.escalated),
        ];
        for (what, counts) in counted {
            let reasons = reasons(counts);
            if !reasons.is_empty() {
                writeln!(out, "          {what}{reasons}")?;
            }
        }
    }
    Ok(())
}

/// What is out of the ordinary about updates: a model that is not idle, and what went wrong.
fn updates(out: &mut String, update: &UpdateStatus, paint: Paint) -> fmt::Result {
    for ModelUpdate { name, release, stage, pinned, safe_mode, .. } in &update.models {
        if stage != "idle" {
            writeln!(out, "update  {name} release {release}: {stage}")?;
        }
        if *pinned {
            writeln!(out, "update  {name} is pinned")?;
        }
        if *safe_mode {
            let text =
                format!("update  {name}: safe mode, a proven model was lost and the factory model runs");
            writeln!(out, "{}", paint.red(&text))?;
        }
    }
    match &update.error {
        Some(error) => writeln!(out, "{}", paint.red(&format!("update  {error}"))),
        None => Ok(()),
    }
}

fn broker(report: &StatusReport, paint: Paint) -> String {
    let mqtt = &report.mqtt;
    let since = mqtt.since.map_or_else(String::new, |since| format!(" for {}", ago(report.time, since)));
    let state = match (mqtt.enabled, mqtt.connected) {
        (false, _) => return "publishing is off (mqtt.enabled = false)".to_owned(),
        (true, true) => paint.green("connected"),
        (true, false) => paint.red("not connected"),
    };
    let error = match &mqtt.last_error {
        Some(error) if !mqtt.connected => format!(": {error}"),
        _ => String::new(),
    };
    format!("{} {state}{since}{error}", mqtt.broker)
}

fn outbox(report: &StatusReport) -> String {
    let outbox = &report.outbox;
    let oldest =
        outbox.oldest.map_or_else(String::new, |time| format!(", oldest {} ago", ago(report.time, time)));
    let evicted: u64 = outbox.evicted.values().sum();
    let (waiting, bytes) = (outbox.depth, size(outbox.bytes));
    let (accepted, acknowledged) = (outbox.accepted, outbox.acknowledged);
    let reasons = reasons(&outbox.evicted);
    format!(
        "{waiting} waiting ({bytes}{oldest}); {accepted} accepted, {acknowledged} acknowledged, {evicted} evicted{reasons}"
    )
}

fn devices(out: &mut String, devices: &[DeviceStatus], paint: Paint) -> fmt::Result {
    const HEAD: [&str; 7] = ["DEVICE", "STATE", "SCORE", "LIMIT", "SAMPLES", "REJECTED", "WINDOWS"];
    let number = |value: Option<f32>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let row = |device: &DeviceStatus| -> [String; 7] {
        [
            device.id.clone(),
            state(device),
            number(device.score),
            number(device.limit),
            device.samples_accepted.to_string(),
            device.samples_rejected.values().sum::<u64>().to_string(),
            device.windows.to_string(),
        ]
    };
    let rows: Vec<[String; 7]> = devices.iter().map(row).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([HEAD[column].len()])
            .max()
            .unwrap_or_default()
    };
    let line = |cells: &[String; 7]| {
        let cells: Vec<String> = cells
            .iter()
            .enumerate()
            // Names stand left, figures right.
            .map(
                |(i, cell)| {
                    if i < 2 { format!("{cell:<0$}", width(i)) } else { format!("{cell:>0$}", width(i)) }
                },
            )
            .collect();
        cells.join("  ")
    };
    writeln!(out, "{}", paint.dim(&line(&HEAD.map(str::to_owned))))?;
    for (device, row) in devices.iter().zip(&rows) {
        let text = line(row);
        let bad = device.alarm || device.open_incident.is_some() || device.source == SourceState::Failed;
        writeln!(out, "{}{}", if bad { paint.red(&text) } else { text }, reasons(&device.samples_rejected))?;
        if let Some(error) = &device.source_error {
            writeln!(out, "  {}", paint.red(error))?;
        }
        drift(out, &device.drift, paint)?;
        if let Some(kept) = &device.retraining {
            let (windows, bytes, dropped) = (kept.windows, size(kept.bytes), reasons(&kept.dropped));
            writeln!(out, "  {windows} windows kept for a refit ({bytes}){dropped}")?;
        }
        if let Some(found) =
            device.found.as_ref().filter(|f| Some(&f.incident) == device.open_incident.as_ref())
        {
            writeln!(out, "  {}", class(&found.assessment))?;
        }
    }
    Ok(())
}

/// A line for each quantity that has drifted, and what to do about it; and one for each that is unlike
/// what the training recorded, which is for information.
fn drift(out: &mut String, compared: &[Compared], paint: Paint) -> fmt::Result {
    let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    for compared in compared.iter().filter(|compared| compared.unlike_the_training()) {
        let (what, psi, limit) = (compared.what.name(), figure(compared.psi), figure(compared.limit));
        writeln!(out, "  {what} unlike the training's, for information: PSI {psi}, limit {limit}")?;
    }
    let mut drifted = compared.iter().filter_map(|compared| Some((compared, compared.since?))).peekable();
    if drifted.peek().is_none() {
        return Ok(());
    }
    for (compared, since) in drifted {
        let (psi, limit, against) = (figure(compared.psi), figure(compared.limit), compared.against.name());
        let words = compared.in_words();
        let text = format!("drift since {since}, against {against}: {words}; PSI {psi}, limit {limit}");
        writeln!(out, "  {}", paint.yellow(&text))?;
    }
    writeln!(out, "  {ADVICE}")
}

fn state(device: &DeviceStatus) -> String {
    match (device.source, device.phase, &device.open_incident) {
        (SourceState::Failed, ..) => "source failed".to_owned(),
        (_, _, Some(incident)) => format!("incident {incident}"),
        (SourceState::Ended, ..) => "ended".to_owned(),
        (_, DevicePhase::Starting, _) | (SourceState::Starting, ..) => "starting".to_owned(),
        (_, DevicePhase::Learning, _) => match device.learning_remaining {
            Some(remaining) => format!("learning, {remaining} windows left"),
            None => "learning".to_owned(),
        },
        (_, DevicePhase::Watching, _) if device.alarm => "alarm".to_owned(),
        (_, DevicePhase::Watching, _) => "watching".to_owned(),
    }
}

/// `likely a blocked outlet (90 %), because of flow, pressure_out; check the outlet valve`
fn class(found: &Assessment) -> String {
    let Some(likely) = found.likely() else { return "fits no known fault".to_owned() };
    let kind = if found.benign { "likely no fault: " } else { "likely " };
    let because: Vec<&str> = found.because.iter().map(|because| because.what.as_str()).collect();
    let mut text = format!("{kind}{likely} ({:.0} %)", f64::from(found.confidence) * 100.0);
    if !because.is_empty() {
        text += &format!(", because of {}", because.join(", "));
    }
    let more = [
        ("besides it", found.besides().map(ToOwned::to_owned)),
        ("not explained:", (!found.unexplained.is_empty()).then(|| found.unexplained.join(", "))),
        ("check", found.check.clone()),
    ];
    for (key, words) in more {
        text.extend(words.map(|words| format!("; {key} {words}")));
    }
    text
}

/// `  (3 missing, 1 too_late)`, or nothing.
fn reasons(counts: &BTreeMap<String, u64>) -> String {
    let counts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    if counts.is_empty() { String::new() } else { format!("  ({})", counts.join(", ")) }
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    seconds(now.since(then).as_secs_f64())
}

/// Two units are enough to see how long: `3 d 4 h`, `12 s`.
fn seconds(seconds: f64) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut rest = seconds.max(0.0).floor() as u64;
    let mut parts = Vec::new();
    for (unit, size) in UNITS {
        if rest >= size && parts.len() < 2 {
            parts.push(format!("{} {unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// A size with one decimal in the largest unit that it fills.
fn size(bytes: u64) -> String {
    for (unit, one) in [("GiB", ByteSize::mib(1024)), ("MiB", ByteSize::mib(1)), ("KiB", ByteSize(1 << 10))] {
        if bytes >= one.0 {
            return format!("{:.1} {unit}", bytes as f64 / one.0 as f64);
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::super::board::tests::{board, start};
    use super::*;
    use crate::drift::{Against, What};
    use crate::slm::case::Because;
    use crate::status::report::{FoundStatus, Loss};

    #[test]
    fn the_page_lines_up_and_names_what_is_wrong() {
        let board = board();
        start(&board);
        board.mqtt(|mqtt| {
            mqtt.since = Some(Timestamp::from_millis(1_795_248_000_123 - 3_700_000));
            mqtt.last_error = Some("connection refused".to_owned());
        });
        board.outbox(|outbox| {
            (outbox.depth, outbox.bytes, outbox.accepted, outbox.acknowledged) = (12, 3_800, 20, 7);
            outbox.evicted.insert("too_old".to_owned(), 1);
        });
        board.device(0, |device| {
            device.phase = DevicePhase::Watching;
            (device.score, device.limit, device.windows) = (Some(1.25), Some(4.5), 900);
            device.samples_accepted = 3_600;
            device.samples_rejected.insert("missing".to_owned(), 4);
        });
        board.losses(|losses| losses.push(Loss { reason: "cut short by damage".to_owned(), records: 3 }));
        let report = StatusReport { resident_bytes: Some(21 << 20), ..board.report() };
        let version = &report.version;
        assert_eq!(
            page(&report, Paint::Plain),
            format!(
                "site/gateway  ready  version {version}, boot 0, up 0 s\n\n\
                 broker  localhost:1883 not connected for 1 h 1 min: connection refused\n\
                 outbox  12 waiting (3.7 KiB); 20 accepted, 7 acknowledged, 1 evicted  (1 too_old)\n\
                 lost    3 records: cut short by damage\n\
                 memory  21.0 MiB\n\n\
                 DEVICE  STATE     SCORE  LIMIT  SAMPLES  REJECTED  WINDOWS\n\
                 pump-1  watching   1.25   4.50     3600         4      900  (4 missing)\n"
            )
        );
    }

    #[test]
    fn the_page_names_the_channel_that_drifted_since_when_against_what_and_what_to_do() {
        let board = board();
        start(&board);
        let known = Compared {
            what: What::Input,
            channel: Some("flow".to_owned()),
            against: Against::Commissioning,
            known: 1.0,
            psi: Some(1.31),
            limit: Some(0.62),
            shift_sd: Some(-1.25),
            spread: Some(1.0),
            until: Some(Timestamp::from_millis(1_795_248_000_000)),
            since: Some(Timestamp::from_millis(1_795_248_000_000)),
        };
        let quiet = Compared { channel: Some("speed".to_owned()), since: None, ..known.clone() };
        let trained = Compared {
            what: What::Score,
            channel: None,
            against: Against::Training,
            psi: Some(0.8),
            limit: Some(0.25),
            since: None,
            ..known.clone()
        };
        let like = Compared { psi: Some(0.2), ..trained.clone() };
        board.device(0, |device| device.drift = vec![trained, like]);
        let text = page(&board.report(), Paint::Plain);
        let told = "  score unlike the training's, for information: PSI 0.80, limit 0.25\n";
        assert!(text.ends_with(told) && text.matches("unlike").count() == 1, "{text}");
        assert!(!board.drifted(), "no alarm");
        board.device(0, |device| device.drift = vec![quiet, known]);
        let text = page(&board.report(), Paint::Plain);
        let expected = format!(
            "  drift since 2026-11-21T08:00:00.000Z, against commissioning: flow: its values moved \
             (down by 1.2 sd, spread x1.0); PSI 1.31, limit 0.62\n  {ADVICE}\n"
        );
        assert!(text.ends_with(&expected), "{text}");
        assert!(!text.contains("speed:"), "{text}");
        assert!(board.drifted());
    }

    #[test]
    fn the_page_says_what_an_open_incident_likely_is_and_what_carried_that() {
        let board = board();
        let assessment = Assessment {
            label: Some("outlet_blocked".into()),
            confidence: 0.9,
            cause: Some("a blocked outlet".into()),
            check: Some("the outlet valve".into()),
            unexplained: vec!["temperature".into()],
            because: vec![Because { what: "flow".into(), weight: 0.5 }],
            ..Assessment::default()
        };
        board.device(0, |device| {
            device.open_incident = Some("pump-1-a".into());
            device.found = Some(FoundStatus { incident: "pump-1-a".into(), assessment });
        });
        let said = "  likely a blocked outlet (90 %), because of flow; not explained: temperature; check the outlet valve\n";
        let text = page(&board.report(), Paint::Plain);
        assert!(text.contains(said), "{text}");
        board.device(0, |device| device.open_incident = Some("pump-1-b".into()));
        assert!(!page(&board.report(), Paint::Plain).contains("likely"), "it is another incident's");
    }

    #[test]
    fn the_page_says_what_the_language_models_cost() {
        let counts = |reason: &str| BTreeMap::from([(reason.to_owned(), 1)]);
        let costs = CostFigures {
            task: "summarize-incident".into(),
            model: "words".into(),
            answered: 12,
            tokens_in: 1_440,
            tokens_out: 600,
            cpu_ms: 9_800,
            energy_j: Some(17.6),
            p50_ms: 780.0,
            p99_ms: 936.0,
            memory_peak_bytes: 33 << 20,
            refused: counts("deadline"),
            escalated: counts("answered"),
            ..CostFigures::default()
        };
        let slm = SlmFigures { waiting: 2, budget_bytes: 256 << 20, loaded: Vec::new(), costs: vec![costs] };
        let report = StatusReport { slm: Some(slm), ..board().report() };
        let text = page(&report, Paint::Plain);
        let expected = "slm     loaded: none (0 B of 256.0 MiB); 2 waiting\n\
            slm     summarize-incident by words: 12 answered, tokens 1440 in and 600 out, cpu 9.8 s, 18 J, \
            p50 780 ms, p99 936 ms, memory 33.0 MiB\n          \
            refused  (1 deadline)\n          escalated  (1 answered)\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        let texts = [0.4, 61.0, 3_600.0, 93_784.0].map(seconds);
        assert_eq!(texts, ["0 s", "1 min 1 s", "1 h", "1 d 2 h"]);
    }
}
