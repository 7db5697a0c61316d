//! What people see of a bundle and of a probe's report.

use lineside_bundle::manifest::{Format, Task, Tensor};
use lineside_bundle::{Bundle, Manifest, Sha256Hex};

use crate::cli::terminal::Paint;
use crate::probe::ProbeReport;

/// Width of the left column.
const KEYS: usize = 12;

/// A bundle on one page. Its texts come from elsewhere: control characters in them are shown, not
/// obeyed.
pub(super) fn page(bundle: &Bundle, digest: Option<&Sha256Hex>, paint: Paint) -> String {
    let manifest = bundle.manifest();
    let title = format!("{} {}", manifest.name, manifest.version);
    let mut page =
        Page { text: format!("{}\n{}\n\n", paint.bold(&title), shown(&manifest.description)), paint };
    page.line("release", &manifest.release.to_string());
    page.line("task", &manifest.tasks().map(Task::name).collect::<Vec<_>>().join(", "));
    page.line("licence", &shown(&manifest.licence));
    if let Some(digest) = digest {
        page.line("sha256", digest.as_str());
    }
    let model = &manifest.model;
    let format = match model.format {
        Format::Onnx => "ONNX",
        Format::Nnef => "NNEF",
    };
    page.line("model", &format!("{}, {format}, {}", model.file, size(model.bytes)));
    page.line("", model.sha256.as_str());
    for (key, described) in [("in", &model.input), ("out", &model.output)] {
        if let Some(described) = described {
            page.line(key, &tensor(described));
        }
    }
    if !model.labels.is_empty() {
        page.line("labels", &shown(&model.labels.join(", ")));
    }
    if let Some(tokenizer) = &manifest.tokenizer {
        page.line("tokenizer", &tokenizer.file);
    }
    if let Some(diagnosis) = &manifest.diagnosis {
        page.line("signatures", &diagnosis.signatures.file);
        if let Some(phrases) = &diagnosis.phrases {
            page.line("phrases", &phrases.file);
        }
        for (key, value) in &diagnosis.figures {
            page.line("limit", &format!("{} = {}", shown(key), shown(&value.to_string())));
        }
    }
    if let Some(golden) = bundle.golden() {
        page.line(
            "golden",
            &format!("{} cases, within {:e}", golden.cases.len() + golden.texts.len(), golden.tolerance),
        );
    }
    let requires = &manifest.requires;
    let arch = if requires.arch.is_empty() { "any processor".into() } else { requires.arch.join(" or ") };
    page.line("needs", &format!("agent {} or later, {arch}, {}", requires.agent, kib(requires.memory_kib)));
    let budget = &manifest.budget;
    page.line("budget", &format!("{}, {}", kib(budget.memory_kib.into()), micros(budget.p95_us)));
    page.line("trial", &trial(manifest));
    page.line("made by", &format!("{}, seed {}", shown(&manifest.provenance.code), manifest.provenance.seed));
    for data in &manifest.provenance.data {
        page.line("from", &format!("{} {}", shown(&data.name), data.sha256));
    }
    for (key, value) in &manifest.evaluation {
        page.line("figure", &format!("{} = {}", shown(key), shown(&value.to_string())));
    }
    page.text
}

/// A probe's figures, beside what the manifest allows.
pub(super) fn report(report: &ProbeReport, manifest: &Manifest) -> String {
    let mut page = Page { text: String::new(), paint: Paint::Plain };
    page.line("load", &format!("{} ms", report.load_ms));
    if let Some(golden) = report.golden {
        let good =
            golden.failed.map_or("all as promised".into(), |at| format!("case {at} is not as promised"));
        let difference = golden.largest_difference.map_or("no number".into(), |d| format!("{d:e}"));
        page.line("golden", &format!("{} cases, {good}, largest difference {difference}", golden.cases));
    }
    if report.p95_us > 0 {
        let budget = micros(manifest.budget.p95_us);
        page.line("call", &format!("median {} us, p95 {} us; {budget}", report.p50_us, report.p95_us));
    }
    if report.memory_kib > 0 {
        let budget = kib(manifest.budget.memory_kib.into());
        page.line("memory", &format!("{} KiB; budget {budget}", report.memory_kib));
    }
    page.text
}

struct Page {
    text: String,
    paint: Paint,
}

impl Page {
    fn line(&mut self, key: &str, value: &str) {
        self.text += &format!("{}{value}\n", self.paint.dim(&format!("{key:KEYS$}")));
    }
}

fn trial(manifest: &Manifest) -> String {
    let trial = &manifest.trial;
    let soak = format!("soak {} s and {} windows", trial.soak_s, trial.soak_windows);
    if trial.shadow_windows == 0 {
        return format!("no shadow; {soak}");
    }
    let shift = match trial.max_score_shift {
        0.0 => String::new(),
        most => format!(", score shift up to {most}"),
    };
    format!("shadow {} windows, agreement from {}{shift}; {soak}", trial.shadow_windows, trial.min_agreement)
}

fn tensor(tensor: &Tensor) -> String {
    let shape: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
    format!("{} [{}]", shown(&tensor.name), shown(&shape.join(", ")))
}

fn kib(kib: u64) -> String {
    if kib == 0 { "memory not stated".into() } else { format!("{kib} KiB") }
}

fn micros(micros: u32) -> String {
    if micros == 0 { "time not stated".into() } else { format!("budget p95 {micros} us") }
}

fn shown(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// A length as people read it.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
