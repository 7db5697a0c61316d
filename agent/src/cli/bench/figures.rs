//! What was measured, as a table and as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use crate::cli::terminal::Paint;

/// What a language model costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    /// The bundle.
    pub model: String,
    /// Its version.
    pub version: String,
    /// Threads of one call.
    pub threads: u32,
    /// Whether tract's own operators are all that ran.
    pub plain: bool,
    /// From the file to a model that runs, in milliseconds.
    pub load_ms: f64,
    /// The steps, in the order in which a request takes them.
    pub steps: Vec<Step>,
    /// What the loaded model holds, in bytes, as it counts itself.
    pub model_bytes: u64,
    /// The most that the process ever held, in bytes; absent where the system does not tell.
    pub peak_bytes: Option<u64>,
}

/// One kind of step, measured several times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Step {
    /// What is done.
    pub step: &'static str,
    /// Tokens of the step.
    pub tokens: usize,
    /// Tokens that were there before it.
    pub past: usize,
    /// How often it was measured.
    pub runs: usize,
    /// The median, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took no longer, in milliseconds.
    pub p99_ms: f64,
    /// The second over the first.
    pub p99_over_p50: f64,
}

impl Step {
    /// # Panics
    /// When nothing was measured.
    pub(super) fn of(step: &'static str, tokens: usize, past: usize, mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let quantile = |q: f64| {
            let rank = (q * took.len() as f64).ceil() as usize;
            took[rank.clamp(1, took.len()) - 1].as_secs_f64() * 1e3
        };
        let (p50_ms, p99_ms) = (quantile(0.5), quantile(0.99));
        Step { step, tokens, past, runs: took.len(), p50_ms, p99_ms, p99_over_p50: p99_ms / p50_ms }
    }
}

/// The figures for people.
pub(super) fn page(figures: &Figures, paint: Paint) -> String {
    let Figures { model, version, threads, plain, load_ms, steps, model_bytes, peak_bytes } = figures;
    let operators = if *plain { "tract's operators" } else { "our operators" };
    let threads = format!("{threads} thread{}", if *threads == 1 { "" } else { "s" });
    let mut page = format!("{}\n\n", paint.bold(&format!("{model} {version}, {threads}, {operators}")));
    let mut row = |what: &str, p50: &str, p99: &str, ratio: &str, runs: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{what:<34}{p50:>11}{p99:>11}{ratio:>9}{runs:>7}");
    };
    row("", "p50 ms", "p99 ms", "p99/p50", "runs");
    row("load", &format!("{load_ms:.1}"), "", "", "1");
    for Step { step, tokens, past, runs, p50_ms, p99_ms, p99_over_p50 } in steps {
        let what = match past {
            0 => format!("{step} ({tokens} tokens)"),
            past => format!("{step} ({tokens} at past {past})"),
        };
        let figure = |ms: &f64| format!("{ms:.3}");
        row(&what, &figure(p50_ms), &figure(p99_ms), &format!("{p99_over_p50:.2}"), &runs.to_string());
    }
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let peak = peak_bytes.map_or_else(|| "unknown".to_owned(), mib);
    let _ = write!(page, "\nmemory: {} held by the model, {peak} peak of the process\n", mib(*model_bytes));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measurements() {
        let took = (1..=200).rev().map(Duration::from_millis).collect();
        let step = Step::of("write", 60, 128, took);
        assert_eq!((step.p50_ms, step.p99_ms, step.p99_over_p50), (100.0, 198.0, 1.98));
        let one = Step::of("write", 1, 0, vec![Duration::from_millis(3)]);
        assert_eq!((one.p50_ms, one.p99_ms, one.runs), (3.0, 3.0, 1));
    }

    #[test]
    fn the_table_says_what_was_measured() {
        let figures = Figures {
            model: "tiny".into(),
            version: "1.0.0".into(),
            threads: 1,
            plain: true,
            load_ms: 12.34,
            steps: vec![Step::of("write a token", 1, 128, vec![Duration::from_micros(1_500)])],
            model_bytes: 3 << 20,
            peak_bytes: None,
        };
        let page = page(&figures, Paint::Plain);
        assert!(page.starts_with("tiny 1.0.0, 1 thread, tract's operators\n"), "{page}");
        assert!(
            page.contains("write a token (1 at past 128)           1.500      1.500     1.00      1\n"),
            "{page}"
        );
        assert!(page.ends_with("memory: 3.0 MiB held by the model, unknown peak of the process\n"), "{page}");
    }
}
