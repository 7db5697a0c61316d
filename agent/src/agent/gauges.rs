//! What the agent shows of itself: counters and gauges for `/metrics`, figures for the board.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::config::DeviceConfig;
use crate::drift::Compared;
use crate::outbox::OutboxStats;
use crate::publish::PublishStats;
use crate::retraining::Kept;
use crate::signal::BadSample;
use crate::signal::align::InputCounts;
use crate::slm::runtime::SlmFigures;
use crate::status::StatusBoard;
use crate::status::metrics as names;
use crate::status::report::{DevicePhase, DeviceStatus, Loss, StatusReport};
use crate::status::resident_bytes;

/// What it took to bring one window through a device's pipeline.
pub fn window_cost(device: &str, cost: Duration) {
    histogram!(names::WINDOW_SECONDS.name, "device" => device.to_owned()).record(cost.as_secs_f64());
}

/// Samples by channel and reason.
pub fn input(device: &DeviceConfig, counts: &InputCounts) {
    for (channel, (accepted, rejected)) in
        device.channels.iter().zip(counts.accepted.iter().zip(&counts.rejected))
    {
        counter!(names::SAMPLES.name, "device" => device.id.clone(), "channel" => channel.name.clone())
            .absolute(*accepted);
        reject(device, &channel.name, rejected);
    }
    reject(device, "", &counts.whole);
}

fn reject(device: &DeviceConfig, channel: &str, rejected: &[u64]) {
    for (reason, &count) in BadSample::ALL.iter().zip(rejected) {
        // A series for what never happened costs memory on every gateway.
        if count > 0 {
            let labels = [
                ("device", device.id.clone()),
                ("channel", channel.to_owned()),
                ("reason", reason.name().to_owned()),
            ];
            counter!(names::SAMPLES_REJECTED.name, &labels).absolute(count);
        }
    }
}

/// Samples of a device on the board.
pub fn show_input(status: &mut DeviceStatus, counts: &InputCounts) {
    status.samples_accepted = counts.total_accepted();
    for reason in BadSample::ALL {
        let count = counts.of(reason);
        if count > 0 {
            status.samples_rejected.insert(reason.name().to_owned(), count);
        }
    }
}

/// The outbox and delivery on the board.
pub fn show_delivery(board: &StatusBoard, outbox: &OutboxStats, publish: Option<&PublishStats>) {
    board.outbox(|status| {
        status.open = true;
        status.boot = outbox.boot;
        status.depth = outbox.depth;
        status.bytes = outbox.bytes;
        status.oldest = outbox.oldest_unsent;
        status.accepted = outbox.accepted;
        status.acknowledged = outbox.acknowledged;
        status.evicted = outbox.evicted.iter().map(|(reason, &n)| (reason.name().to_owned(), n)).collect();
    });
    let lost =
        outbox.lost.iter().map(|(reason, &records)| Loss { reason: reason.name().to_owned(), records });
    board.losses(|losses| *losses = lost.collect());
    if let Some(publish) = publish {
        counter!(names::MQTT_CONNECTS.name, "result" => "accepted").absolute(publish.connections);
        counter!(names::MQTT_CONNECTS.name, "result" => "failed")
            .absolute(publish.attempts.saturating_sub(publish.connections));
        board.mqtt(|status| {
            status.connected = publish.connected;
            status.since = publish.since;
            status.last_error = publish.last_error.clone();
        });
    }
}

/// Everything on the board as metrics.
pub fn export(report: &StatusReport) {
    for device in &report.devices {
        let id = device.id.clone();
        counter!(names::WINDOWS_SCORED.name, "device" => id.clone()).absolute(device.windows);
        counter!(names::ALARMS.name, "device" => id.clone()).absolute(device.alarms);
        counter!(names::INCIDENTS.name, "device" => id.clone()).absolute(device.incidents);
        gauge!(names::INCIDENTS_OPEN.name, "device" => id.clone()).set(if device.open_incident.is_some() {
            1.0
        } else {
            0.0
        });
        if let Some(score) = device.score.filter(|_| device.phase == DevicePhase::Watching) {
            gauge!(names::SCORE.name, "device" => id.clone()).set(score);
        }
        if let Some(limit) = device.limit {
            gauge!(names::SCORE_LIMIT.name, "device" => id).set(limit);
        }
        device.drift.iter().for_each(|compared| export_drift(&device.id, compared));
        if let Some(kept) = &device.retraining {
            export_kept(&device.id, kept);
        }
    }
    let outbox = &report.outbox;
    counter!(names::OUTBOX_ACCEPTED.name).absolute(outbox.accepted);
    counter!(names::OUTBOX_ACKNOWLEDGED.name).absolute(outbox.acknowledged);
    for (reason, &count) in &outbox.evicted {
        counter!(names::OUTBOX_EVICTED.name, "reason" => reason.clone()).absolute(count);
    }
    for loss in &report.losses {
        counter!(names::OUTBOX_LOST.name, "reason" => loss.reason.clone()).absolute(loss.records);
    }
    gauge!(names::OUTBOX_DEPTH.name).set(outbox.depth as f64);
    gauge!(names::OUTBOX_BYTES.name).set(outbox.bytes as f64);
    counter!(names::UPDATE_POLLS.name).absolute(report.update.polls);
    gauge!(names::UPDATE_STALE.name).set(if report.update.stale { 1.0 } else { 0.0 });
    for model in &report.update.models {
        let name = model.name.clone();
        gauge!(names::MODEL_RELEASE.name, "model" => name.clone()).set(model.release);
        gauge!(names::MODEL_SAFE_MODE.name, "model" => name).set(if model.safe_mode { 1.0 } else { 0.0 });
    }
    for model in &report.models_drift {
        // A model answers for every device.
        model.compared.iter().for_each(|compared| export_drift("", compared));
    }
    if let Some(slm) = &report.slm {
        export_slm(slm);
    }
    gauge!(names::MQTT_CONNECTED.name).set(if report.mqtt.connected { 1.0 } else { 0.0 });
    if let Some(bytes) = resident_bytes() {
        gauge!(names::RESIDENT_BYTES.name).set(bytes as f64);
    }
}

/// A quantity beside its reference, once there is something to compare.
fn export_drift(device: &str, compared: &Compared) {
    let labels = [
        ("device", device.to_owned()),
        ("what", compared.what.name().to_owned()),
        ("channel", compared.channel.clone().unwrap_or_default()),
        ("against", compared.against.name().to_owned()),
    ];
    if let (Some(psi), Some(limit)) = (compared.psi, compared.limit) {
        gauge!(names::DRIFT_PSI.name, &labels).set(psi);
        gauge!(names::DRIFT_LIMIT.name, &labels).set(limit);
        gauge!(names::DRIFTED.name, &labels).set(if compared.since.is_some() { 1.0 } else { 0.0 });
    }
}

/// What is kept to refit a model with.
fn export_kept(device: &str, kept: &Kept) {
    gauge!(names::RETRAINING_WINDOWS.name, "device" => device.to_owned()).set(kept.windows as f64);
    gauge!(names::RETRAINING_BYTES.name, "device" => device.to_owned()).set(kept.bytes as f64);
    for (reason, &windows) in &kept.dropped {
        let labels = [("device", device.to_owned()), ("reason", reason.clone())];
        counter!(names::RETRAINING_DROPPED.name, &labels).absolute(windows);
    }
}

/// What the language models cost.
fn export_slm(figures: &SlmFigures) {
    gauge!(names::SLM_WAITING.name).set(figures.waiting as f64);
    gauge!(names::SLM_LOADED.name).set(figures.loaded.iter().map(|model| model.bytes).sum::<u64>() as f64);
    for costs in &figures.costs {
        let of = [("task", costs.task.clone()), ("model", costs.model.clone())];
        let with = |name: &'static str, value: &str| {
            let [task, model] = of.clone();
            [task, model, (name, value.to_owned())]
        };
        counter!(names::SLM_ANSWERED.name, &of).absolute(costs.answered);
        counter!(names::SLM_ABSTAINED.name, &of).absolute(costs.abstained);
        counter!(names::SLM_CPU.name, &of).absolute(costs.cpu_ms);
        if let Some(energy) = costs.energy_j {
            counter!(names::SLM_ENERGY.name, &of).absolute(energy as u64);
        }
        gauge!(names::SLM_MEMORY_PEAK.name, &of).set(costs.memory_peak_bytes as f64);
        for (direction, tokens) in [("in", costs.tokens_in), ("out", costs.tokens_out)] {
            counter!(names::SLM_TOKENS.name, &with("direction", direction)).absolute(tokens);
        }
        for (quantile, ms) in [("0.5", costs.p50_ms), ("0.95", costs.p95_ms), ("0.99", costs.p99_ms)] {
            gauge!(names::SLM_SECONDS.name, &with("quantile", quantile)).set(ms / 1e3);
        }
        let counted = [
            (names::SLM_REFUSED.name, "reason", &costs.refused),
            (names::SLM_FALLBACKS.name, "reason", &costs.fallbacks),
            (names::SLM_ESCALATED.name, "outcome", &costs.escalated),
        ];
        for (metric, label, counts) in counted {
            for (reason, &count) in counts {
                counter!(metric, &with(label, reason)).absolute(count);
            }
        }
    }
}
