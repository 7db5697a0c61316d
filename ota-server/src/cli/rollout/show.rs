//! What `rollout show` prints.

use std::collections::BTreeMap;

use lineside_bundle::rollout::State;

use crate::cli::screen;
use crate::rollouts::cohorts::Cohort;
use crate::rollouts::view::{Shown, Summary};

pub(super) fn print(shown: &Shown) {
    let Shown { summary, document, thresholds, .. } = shown;
    let replaced = if summary.live { "" } else { ", replaced by a newer rollout" };
    screen::line(&format!("{}  {}{replaced}", summary.id, state(summary)));
    if !summary.reason.is_empty() {
        screen::line(&format!("  reason      {}", summary.reason));
    }
    if !summary.published {
        screen::line("  not signed yet: the repository could not be written; see the server's log");
    }
    screen::line(&format!("  release     {} {} for group {}", summary.model, summary.release, summary.group));
    let ramp: Vec<String> =
        document.ramp.iter().map(|p| format!("{} s: {} %", p.after_s, p.percent)).collect();
    screen::line(&format!("  ramp        {}, since {}", ramp.join(", "), document.start));
    let now = shown.percent_now_hundredths;
    screen::line(&format!("  now         {}.{:02} % of the devices", now / 100, now % 100));
    if let Some(window) = &document.window {
        screen::line(&format!("  window      {} to {}, in the device's time", window.from, window.to));
    }
    screen::line(&format!(
        "  thresholds  errors over {} %, success under {} %, from {} devices",
        thresholds.error_threshold, thresholds.success_threshold, thresholds.min_sample
    ));
    table(shown);
}

fn table(shown: &Shown) {
    let first = shown.cohort_tag.as_deref().unwrap_or("COHORT").to_uppercase();
    let mut rows = vec![
        [
            &first,
            "DEVICES",
            "REACHED",
            "WAITING",
            "OFFERED",
            "LOADING",
            "VERIFIED",
            "TRIAL",
            "SOAKED",
            "ROLLED BACK",
            "FAILED",
            "REJECTED",
            "SILENT",
        ]
        .map(str::to_owned),
    ];
    for (name, cohort) in &shown.cohorts {
        let number = |n: u64| n.to_string();
        rows.push([
            name.clone(),
            number(cohort.devices),
            number(cohort.reached),
            number(cohort.waiting),
            number(cohort.offered),
            number(cohort.downloading),
            number(cohort.verified),
            number(cohort.shadow + cohort.active),
            number(cohort.committed),
            number(sum(&cohort.rolled_back)),
            number(sum(&cohort.failed)),
            number(sum(&cohort.rejected)),
            number(cohort.silent),
        ]);
    }
    screen::line("");
    screen::table(&rows);
    for (name, cohort) in &shown.cohorts {
        reasons(name, cohort);
    }
}

fn reasons(name: &str, cohort: &Cohort) {
    for (what, reasons) in
        [("rolled back", &cohort.rolled_back), ("failed", &cohort.failed), ("rejected", &cohort.rejected)]
    {
        for (reason, devices) in reasons {
            screen::line(&format!("  {name}: {devices} {what}: {reason}"));
        }
    }
}

fn sum(reasons: &BTreeMap<String, u64>) -> u64 {
    reasons.values().sum()
}

pub(super) fn state(summary: &Summary) -> String {
    match summary.state {
        State::Running => "running",
        State::Paused => "paused",
        State::Aborted => "aborted",
    }
    .to_owned()
}
