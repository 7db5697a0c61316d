//! The names of the metrics, and the recorder behind `/metrics`.
//!
//! `docs/reference/metrics.md` lists them for operators; a test compares the two.

use metrics::{Gauge, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::memory::resident_bytes;

/// What a metric counts or measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up; starts at 0 with the agent.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution, in the given upper bounds of its buckets.
    Histogram(&'static Buckets),
}

/// The upper bounds of a histogram's buckets, in seconds.
#[derive(Debug, PartialEq)]
pub struct Buckets(&'static [f64]);

// The bounds are finite constants.
impl Eq for Buckets {}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, for the macros of `metrics`.
    pub name: &'static str,
    /// What it counts or measures.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says, in a line.
    pub help: &'static str,
}

/// Local brokers answer within milliseconds, cellular ones within seconds, and a record that
/// waited through an outage has its time counted too.
static DELIVERY: Buckets =
    Buckets(&[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0, 3_600.0, 86_400.0]);
/// A window takes tens of microseconds on a desktop and some milliseconds on a small Pi.
static MODEL: Buckets = Buckets(&[20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 20e-3, 100e-3]);

macro_rules! metrics {
    ($($constant:ident = $kind:expr, $name:literal, [$($label:literal),*], $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Metric =
                Metric { name: $name, kind: $kind, labels: &[$($label),*], help: $help };
        )*
        /// All metrics, in the order of the reference.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    SAMPLES = Kind::Counter, "lineside_samples_total", ["device", "channel"],
        "Samples accepted.";
    SAMPLES_REJECTED = Kind::Counter, "lineside_samples_rejected_total", ["device", "channel", "reason"],
        "Samples rejected, by reason; an empty channel is a row or message as a whole.";
    WINDOWS_SCORED = Kind::Counter, "lineside_windows_scored_total", ["device"],
        "Windows scored by the detector.";
    SCORE = Kind::Gauge, "lineside_score", ["device"],
        "Anomaly score of the newest window, in logits.";
    SCORE_LIMIT = Kind::Gauge, "lineside_score_limit", ["device"],
        "Score above which an alarm is raised, in logits.";
    ALARMS = Kind::Counter, "lineside_alarms_total", ["device"],
        "Windows with an alarm.";
    INCIDENTS = Kind::Counter, "lineside_incidents_total", ["device"],
        "Incidents opened.";
    INCIDENTS_OPEN = Kind::Gauge, "lineside_incidents_open", ["device"],
        "Incidents open now.";
    DRIFT_PSI = Kind::Gauge, "lineside_drift_psi", ["device", "what", "channel", "against"],
        "Population stability index of the newest span; an empty channel is the device as a whole.";
    DRIFT_LIMIT = Kind::Gauge, "lineside_drift_limit", ["device", "what", "channel", "against"],
        "What the index must exceed in two spans in a row to be called drift.";
    DRIFTED = Kind::Gauge, "lineside_drifted", ["device", "what", "channel", "against"],
        "1 while it has drifted, else 0.";
    RETRAINING_WINDOWS = Kind::Gauge, "lineside_retraining_windows", ["device"],
        "Windows that are kept to refit a model with.";
    RETRAINING_BYTES = Kind::Gauge, "lineside_retraining_bytes", ["device"],
        "Size of their files, in bytes.";
    RETRAINING_DROPPED = Kind::Counter, "lineside_retraining_dropped_total", ["device", "reason"],
        "Windows that are not kept any more or never were, by reason.";
    OUTBOX_ACCEPTED = Kind::Counter, "lineside_outbox_accepted_total", [],
        "Records accepted into the outbox.";
    OUTBOX_ACKNOWLEDGED = Kind::Counter, "lineside_outbox_acknowledged_total", [],
        "Records acknowledged by the broker and deleted.";
    OUTBOX_EVICTED = Kind::Counter, "lineside_outbox_evicted_total", ["reason"],
        "Records evicted from the outbox, by reason.";
    OUTBOX_LOST = Kind::Counter, "lineside_outbox_lost_total", ["reason"],
        "Accepted records found missing, by reason.";
    OUTBOX_DEPTH = Kind::Gauge, "lineside_outbox_depth", [],
        "Records that wait in the outbox.";
    OUTBOX_BYTES = Kind::Gauge, "lineside_outbox_bytes", [],
        "Size of the records that wait, in bytes.";
    MQTT_CONNECTED = Kind::Gauge, "lineside_mqtt_connected", [],
        "1 while the broker has accepted the connection, else 0.";
    MQTT_CONNECTS = Kind::Counter, "lineside_mqtt_connects_total", ["result"],
        "Attempts to connect, by result.";
    PUBLISH_LATENCY = Kind::Histogram(&DELIVERY), "lineside_publish_latency_seconds", [],
        "Time from a record's acceptance to its acknowledgement.";
    WINDOW_SECONDS = Kind::Histogram(&MODEL), "lineside_window_seconds", ["device"],
        "Time to bring one window of a device through alignment, model and incidents.";
    UPDATE_POLLS = Kind::Counter, "lineside_update_polls_total", [],
        "Times the OTA server was asked.";
    UPDATE_STALE = Kind::Gauge, "lineside_update_stale", [],
        "1 while what the OTA server says has expired, else 0: nothing is installed meanwhile.";
    UPDATE_STEPS = Kind::Counter, "lineside_update_steps_total", ["model", "phase", "reason"],
        "Steps of updates, by how far a release came and why not further.";
    MODEL_RELEASE = Kind::Gauge, "lineside_model_release", ["model"],
        "Release of the model that runs.";
    MODEL_SAFE_MODE = Kind::Gauge, "lineside_model_safe_mode", ["model"],
        "1 while the factory model runs because a proven one was lost, else 0.";
    SLM_ANSWERED = Kind::Counter, "lineside_slm_answered_total", ["task", "model"],
        "Requests that language models answered.";
    SLM_REFUSED = Kind::Counter, "lineside_slm_refused_total", ["task", "model", "reason"],
        "Requests to language models refused, by reason; an empty model is a request that none was found for.";
    SLM_TOKENS = Kind::Counter, "lineside_slm_tokens_total", ["task", "model", "direction"],
        "Tokens that language models read (`in`) and wrote (`out`).";
    SLM_CPU = Kind::Counter, "lineside_slm_cpu_milliseconds_total", ["task", "model"],
        "Time that a processor was busy with a language model.";
    SLM_ENERGY = Kind::Counter, "lineside_slm_energy_joules_total", ["task", "model"],
        "Energy of that time by `slm.watts`, in whole joules.";
    SLM_SECONDS = Kind::Gauge, "lineside_slm_seconds", ["task", "model", "quantile"],
        "Time from a request to its answer since the start, by quantile.";
    SLM_MEMORY_PEAK = Kind::Gauge, "lineside_slm_memory_peak_bytes", ["task", "model"],
        "Most memory that a language model held.";
    SLM_LOADED = Kind::Gauge, "lineside_slm_loaded_bytes", [],
        "Memory of the language models that are loaded.";
    SLM_WAITING = Kind::Gauge, "lineside_slm_waiting", [],
        "Requests that wait for a language model.";
    SLM_ABSTAINED = Kind::Counter, "lineside_slm_abstained_total", ["task", "model"],
        "Answers \"unknown\".";
    SLM_FALLBACKS = Kind::Counter, "lineside_slm_fallbacks_total", ["task", "model", "reason"],
        "Answers in the deterministic words, by reason.";
    SLM_ESCALATED = Kind::Counter, "lineside_slm_escalated_total", ["task", "model", "outcome"],
        "What became of asking the larger model, by outcome.";
    RESIDENT_BYTES = Kind::Gauge, "lineside_process_resident_bytes", [],
        "Resident memory of the agent.";
}

/// The recorder's far end: what `/metrics` prints.
pub struct Metrics {
    handle: PrometheusHandle,
    resident: Gauge,
}

impl Metrics {
    /// A recorder with all descriptions and buckets, not yet in force.
    #[must_use]
    pub fn recorder() -> (PrometheusRecorder, Metrics) {
        let mut builder = PrometheusBuilder::new();
        for metric in ALL {
            if let Kind::Histogram(Buckets(bounds)) = metric.kind {
                builder = builder
                    .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)
                    .expect("no histogram's list of buckets is empty");
            }
        }
        let recorder = builder.build_recorder();
        let resident = metrics::with_local_recorder(&recorder, || {
            ALL.iter().for_each(describe);
            gauge!(RESIDENT_BYTES.name)
        });
        let handle = recorder.handle();
        (recorder, Metrics { handle, resident })
    }

    /// Makes a recorder the one that the whole process writes to. A second call in a process
    /// leaves the first recorder in force.
    ///
    /// # Errors
    /// When there is already one.
    pub fn install() -> Result<Metrics, AlreadyInstalled> {
        let (recorder, metrics) = Metrics::recorder();
        metrics::set_global_recorder(recorder).map_err(|_| AlreadyInstalled)?;
        Ok(metrics)
    }

    /// All metrics in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        if let Some(bytes) = resident_bytes() {
            // A gauge is a float; memory below 8 PiB is exact.
            self.resident.set(bytes as f64);
        }
        self.handle.render()
    }

    /// Takes measurements out of the buffers in which histograms gather them; call it every few
    /// seconds, since nobody may ever ask for the metrics.
    pub fn tidy(&self) {
        self.handle.run_upkeep();
    }
}

/// Another recorder is already in force in this process.
#[derive(Debug, thiserror::Error)]
#[error("metrics are already recorded in this process")]
pub struct AlreadyInstalled;

fn describe(metric: &Metric) {
    match metric.kind {
        Kind::Counter => describe_counter!(metric.name, metric.help),
        Kind::Gauge => describe_gauge!(metric.name, metric.help),
        Kind::Histogram(_) => describe_histogram!(metric.name, metric.help),
    }
}

#[cfg(test)]
mod tests {
    use metrics::{counter, histogram};

    use super::*;

    const REFERENCE: &str = include_str!("../../../docs/reference/metrics.md");

    #[test]
    fn the_reference_lists_every_metric() {
        let row = |metric: &Metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help)
        };
        let expected: Vec<String> = ALL.iter().map(row).collect();
        let listed: Vec<&str> = REFERENCE.lines().filter(|line| line.starts_with("| `lineside_")).collect();
        assert_eq!(
            listed,
            expected,
            "docs/reference/metrics.md should have these rows:\n{}",
            expected.join("\n")
        );
    }

    #[test]
    fn metrics_are_printed_with_their_description_and_buckets() {
        let (recorder, metrics) = Metrics::recorder();
        metrics::with_local_recorder(&recorder, || {
            counter!(SAMPLES.name, "device" => "pump-1", "channel" => "flow").increment(3);
            histogram!(WINDOW_SECONDS.name, "device" => "pump-1").record(150e-6);
        });
        metrics.tidy();
        let text = metrics.render();
        assert!(text.contains("# HELP lineside_samples_total Samples accepted."), "{text}");
        assert!(text.contains("lineside_samples_total{device=\"pump-1\",channel=\"flow\"} 3"), "{text}");
        assert!(text.contains("lineside_window_seconds_bucket{device=\"pump-1\",le=\"0.0002\"} 1"), "{text}");
        assert!(text.contains("lineside_process_resident_bytes "), "{text}");
    }
}
