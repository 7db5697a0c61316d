//! The agent on real recordings: `docs/evaluation` says how they are scored.

use std::path::PathBuf;

use lineside::cli::eval::{EvalArgs, evaluate};
use lineside::config::{Config, Span};
use lineside::eval::Report;
use system_tests::data;

/// The no-learning contrast bank by the same protocol: what a model must at least reach.
mod contrast_bank {
    pub const EVENTS: f64 = 0.83;
    pub const WITHIN_60_S: f64 = 0.62;
    pub const MEDIAN_S: f64 = 56.0;
    pub const FALSE_PER_HOUR_BEFORE_ONSET: f64 = 0.8;
    pub const FALSE_PER_HOUR_NORMAL: f64 = 0.7;
}

/// A few a day is what an operator bears on streams that nobody tuned anything for.
const FALSE_PER_DAY_NAB: f64 = 4.0;

fn args(config: &str, files: Vec<PathBuf>) -> (Config, EvalArgs) {
    let path = data::workspace().join("docs/evaluation").join(config);
    let loaded = Config::load(&path, std::iter::empty()).expect("the configuration of the evaluation");
    let args = EvalArgs {
        config: path,
        label_column: None,
        label_windows: None,
        files,
        device: None,
        starts: 6,
        start_rows: 120,
        seed: 1,
        within: Span::secs(60),
        scores: None,
        json: false,
    };
    (loaded.config, args)
}

fn per_hour(report: &Report) -> (f64, f64) {
    let figures = &report.detector;
    (figures.before_onset.per_hour().expect("time"), figures.normal.per_hour().expect("time"))
}

#[test]
fn skab_figures_are_at_least_the_contrast_banks() {
    let Some(skab) = data::file("skab") else { return };
    let (config, mut args) = args("skab.toml", vec![skab.join("valve1"), skab.join("normal.csv")]);
    args.label_column = Some("anomaly".into());
    let report = evaluate(&args, &config).expect("an evaluation");
    let figures = &report.detector;
    let (before_onset, normal) = per_hour(&report);
    assert!(figures.found_share().expect("events") >= contrast_bank::EVENTS, "{report}");
    assert!(figures.within_share().expect("events") >= contrast_bank::WITHIN_60_S, "{report}");
    assert!(figures.median_delay_s.is_some_and(|median| median <= contrast_bank::MEDIAN_S), "{report}");
    assert!(before_onset <= contrast_bank::FALSE_PER_HOUR_BEFORE_ONSET, "{report}");
    assert!(normal <= contrast_bank::FALSE_PER_HOUR_NORMAL, "{report}");
}

#[test]
fn the_same_settings_run_on_streams_with_a_period_of_five_minutes() {
    let Some(nab) = data::file("nab") else { return };
    let (config, mut args) = args("nab.toml", vec![nab.join("realTraffic"), nab.join("artificialNoAnomaly")]);
    args.label_windows = Some(nab.join("windows.json"));
    args.within = Span::secs(4 * 3_600);
    args.starts = 1;
    let report = evaluate(&args, &config).expect("an evaluation");
    let (before_onset, normal) = per_hour(&report);
    assert!(report.detector.found > 0, "{report}");
    assert!(before_onset.max(normal) * 24.0 <= FALSE_PER_DAY_NAB, "{report}");
}
