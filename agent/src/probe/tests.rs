//! Rows 31 and 32: damaged variants of the shipped model are refused, each with its reason.

mod incident;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lineside_bundle::Sha256Hex;

use super::*;
use crate::time::Timestamp;

const MANIFEST: &str = include_str!("../../../models/catalog/detector/manifest.toml");
const MODEL: &[u8] = include_bytes!("../../../models/catalog/detector/model.onnx");
const GOLDEN: &str = include_str!("../../../models/catalog/detector/golden.json");

/// The shipped bundle, with its parts open to damage. Its memory budget is not stated: other tests
/// of the same process take memory meanwhile.
struct Parts {
    manifest: String,
    model: Vec<u8>,
    golden: Option<String>,
}

fn shipped() -> Parts {
    let parts = Parts { manifest: MANIFEST.into(), model: MODEL.to_vec(), golden: Some(GOLDEN.into()) };
    parts.stating("memory_kib = 1024", "memory_kib = 0").stating("p95_us = 1000", "p95_us = 0")
}

impl Parts {
    fn stating(mut self, from: &str, to: &str) -> Self {
        assert_eq!(self.manifest.matches(from).count(), 1, "{from}");
        self.manifest = self.manifest.replace(from, to);
        self
    }

    /// Replaces bytes of the model by as many others.
    fn with_bytes(mut self, from: &[u8], to: &[u8]) -> Self {
        assert_eq!(from.len(), to.len());
        let at = self.model.windows(from.len()).position(|window| window == from).unwrap();
        self.model[at..at + to.len()].copy_from_slice(to);
        self
    }

    fn without_golden(mut self) -> Self {
        self.golden = None;
        self
    }

    /// A bundle in order: with the digests and lengths of what it holds.
    fn bundle(self) -> Bundle {
        let manifest = self
            .manifest
            .replace(Sha256Hex::of(MODEL).as_str(), Sha256Hex::of(&self.model).as_str())
            .replace("bytes = 104940", &format!("bytes = {}", self.model.len()));
        let golden = self.golden.unwrap_or_default();
        let manifest = manifest
            .replace(Sha256Hex::of(GOLDEN.as_bytes()).as_str(), Sha256Hex::of(golden.as_bytes()).as_str());
        let golden = Some(golden.as_bytes()).filter(|golden| !golden.is_empty());
        Bundle::from_parts(&manifest, &self.model, golden).unwrap()
    }

    fn refused(self) -> (Reason, String) {
        match probe(&self.bundle()).verdict {
            Verdict::Failed { reason, detail } => (reason, detail),
            Verdict::Ok => panic!("the model passed"),
        }
    }

    fn cannot_be_loaded(self, why: &str) {
        let (reason, detail) = self.refused();
        assert_eq!(reason, Reason::LoadFailed, "{detail}");
        assert!(detail.contains(why), "{detail}");
    }
}

#[test]
fn the_shipped_model_does_what_its_manifest_says() {
    let report = probe(&shipped().bundle());
    assert!(report.passed(), "{report:?}");
    let golden = report.golden.unwrap();
    assert_eq!((golden.cases, golden.failed), (4, None));
    assert!(golden.largest_difference.unwrap() < 1e-4);
    assert!(0 < report.p50_us && report.p50_us <= report.p95_us, "{report:?}");
    assert!(report.memory_kib >= 103, "{report:?}");
}

#[test]
fn the_shipped_model_stays_inside_the_budget_that_it_ships_with() {
    let bundle = Bundle::from_parts(MANIFEST, MODEL, Some(GOLDEN.as_bytes())).unwrap();
    // Other tests of this process take time and memory meanwhile, which can only make it worse.
    let reports: Vec<ProbeReport> = (0..10).map(|_| probe(&bundle)).collect();
    assert!(reports.iter().any(ProbeReport::passed), "{reports:?}");
}

#[test]
fn row_32_outputs_that_are_off_are_a_golden_mismatch() {
    // The gain of the model's fixed part: 0.8 becomes 0.9.
    let gain = |value: f32| [b"gainJ\x04".as_slice(), &value.to_le_bytes()].concat();
    let (reason, detail) = shipped().with_bytes(&gain(0.8), &gain(0.9)).refused();
    assert_eq!(reason, Reason::GoldenMismatch);
    assert!(detail.starts_with("golden case 0 of 4: outputs differ by up to "), "{detail}");
}

#[test]
fn row_32_golden_vectors_of_another_model_are_a_golden_mismatch() {
    let mut parts = shipped();
    let mut golden: lineside_bundle::Golden = serde_json::from_str(GOLDEN).unwrap();
    golden.cases[2].output[1][0] += 0.01;
    parts.golden = Some(serde_json::to_string(&golden).unwrap());
    let report = probe(&parts.bundle());
    assert_eq!(report.golden.unwrap().failed, Some(2));
    assert!((report.golden.unwrap().largest_difference.unwrap() - 0.01).abs() < 1e-3);
    assert_eq!(report.p95_us, 0, "what gives wrong outputs is not timed");
}

#[test]
fn row_32_an_output_that_is_no_number_is_a_golden_mismatch() {
    let name = b"bias_2J\x04";
    let at = MODEL.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    let bias = &MODEL[at - name.len()..at + 4];
    let nan = [name.as_slice(), &f32::NAN.to_le_bytes()].concat();
    let parts = shipped().with_bytes(bias, &nan);
    let report = probe(&parts.bundle());
    assert_eq!(report.golden.unwrap().failed, Some(0));
    assert_eq!(report.golden.unwrap().largest_difference, None);
    let Verdict::Failed { reason: Reason::GoldenMismatch, detail } = &report.verdict else {
        panic!("{report:?}")
    };
    assert!(detail.contains("an output is no finite number"), "{detail}");
    // Such a report is sent as JSON, which has no NaN.
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<ProbeReport>(&json).unwrap(), report);
}

#[test]
fn row_32_a_call_above_its_budget_is_over_latency() {
    let (reason, detail) = shipped().stating("p95_us = 0", "p95_us = 1").refused();
    assert_eq!(reason, Reason::OverLatency);
    assert!(detail.ends_with("the budget is 1 us"), "{detail}");
}

/// A clock on which every reading is so much later than the one before.
struct Slow(AtomicU64, u64);

impl Clock for Slow {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(self.1, Ordering::Relaxed))
    }
}

#[test]
fn a_model_however_slow_is_timed_in_bounded_time() {
    let clock = Slow(AtomicU64::new(0), 1_500);
    let report = probe_by(&shipped().stating("p95_us = 0", "p95_us = 1000").bundle(), &clock);
    assert!(matches!(report.verdict, Verdict::Failed { reason: Reason::OverLatency, .. }), "{report:?}");
    assert_eq!(report.p95_us, 1_500_000);
    // Two readings to load; then in each of the three rounds one before and two for each call.
    assert!(clock.0.load(Ordering::Relaxed) <= 1_500 * (2 + 3 * 5), "it went on for long");
}

#[test]
fn row_32_a_model_above_its_memory_is_over_memory() {
    let (reason, detail) = shipped().stating("memory_kib = 0", "memory_kib = 1").refused();
    assert_eq!(reason, Reason::OverMemory);
    assert!(detail.ends_with("the budget is 1 KiB"), "{detail}");
}

#[test]
fn row_31_a_model_with_other_names_than_promised_does_not_load() {
    let input = shipped().stating("name = \"features\"", "name = \"inputs\"");
    input.cannot_be_loaded("model.input.name is `inputs`, but the model's is `features`");
    let output = shipped().stating("name = \"logit\"", "name = \"score\"");
    output.cannot_be_loaded("model.output.name is `score`, but the model's is `logit`");
}

#[test]
fn row_31_a_model_with_another_width_than_promised_does_not_load() {
    let input = shipped().without_golden().stating("[\"channels\", 36]", "[\"channels\", 35]");
    input.cannot_be_loaded("model.input.shape is [channels, 35]: it must be [channels, 36]");
    let output = shipped().without_golden().stating("[\"channels\", 1]", "[\"channels\", 2]");
    output.cannot_be_loaded("model.output.shape is [channels, 2]: it must be [channels, 1]");
    // The graph's declared input: 36 becomes 35.
    let declared = b"\x0a\x0a\x12\x08channels\x0a\x02\x08\x24b";
    let other = b"\x0a\x0a\x12\x08channels\x0a\x02\x08\x23b";
    shipped()
        .with_bytes(declared, other)
        .cannot_be_loaded("model.input.shape is `[channels, 36]`, but the model's is");
}

#[test]
fn row_31_a_model_with_another_type_than_promised_does_not_load() {
    // The graph's declared input: f32 (1) becomes f64 (11).
    let declared = b"\x0a\x08features\x12\x16\x0a\x14\x08\x01";
    let other = b"\x0a\x08features\x12\x16\x0a\x14\x08\x0b";
    shipped()
        .with_bytes(declared, other)
        .cannot_be_loaded("model.input.type is `f32`, but the model's is `f64`");
}

#[test]
fn row_31_an_operator_that_the_runtime_lacks_does_not_load() {
    shipped().with_bytes(b"\"\x04Relu", b"\"\x04Rely").cannot_be_loaded("Rely");
}

#[test]
fn row_31_a_model_without_its_calibration_does_not_load() {
    shipped().stating("hold = 4", "hold = 0").cannot_be_loaded("[detector]: hold and past_peaks");
}

#[test]
fn a_report_says_its_reason_as_the_server_expects_it() {
    let report = ProbeReport {
        verdict: Verdict::Failed { reason: Reason::OverMemory, detail: "x".into() },
        ..ProbeReport::default()
    };
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json["verdict"],
        serde_json::json!({"result": "failed", "reason": "over_memory", "detail": "x"})
    );
    for reason in [Reason::LoadFailed, Reason::GoldenMismatch, Reason::OverLatency, Reason::OverMemory] {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
