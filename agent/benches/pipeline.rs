//! How fast the whole pipeline is, and where its time goes.
//!
//! Eight channels at 1 Hz from the simulated pump station go through alignment, detection and
//! incidents into the outbox, as fast as possible. Printed are samples per second, and the share
//! of the time spent outside tract and the outbox (sled), measured in the same run: the model on
//! its own for as many windows, and the outbox on its own for the same records.
//!
//! `cargo bench --workspace --bench pipeline`

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lineside::agent::delivery::{Delivery, Newest};
use lineside::clock::{Clock, SystemClock};
use lineside::config::{
    Config, DeviceConfig, FaultConfig, FaultKind, OutboxConfig, SimulateSource, SourceConfig, Span,
};
use lineside::detect::bank::INPUTS;
use lineside::detect::detector::DetectorModel;
use lineside::detect::scorer::Scorer;
use lineside::outbox::{Outbox, Record};
use lineside::pipeline::{DevicePipeline, Output};
use lineside::publish::Topics;
use lineside::source::{self, Batch, Sink, simulate};

/// Ten hours of the machine's time.
const SIMULATED: Span = Span::secs(36_000);
/// Runs; the median is printed.
const RUNS: usize = 5;

fn main() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let config = config();
    let device = &config.devices[0];
    let batches = record(device, &clock);
    let samples: usize = batches.iter().map(|batch| batch.samples.len()).sum();
    let model = DetectorModel::builtin().expect("the built-in model");

    let mut runs: Vec<[f64; 3]> = (0..RUNS).map(|_| run(&config, &batches, &model, &clock)).collect();
    runs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let [whole, scorer, outbox] = runs[RUNS / 2];
    let own = (1.0 - (scorer + outbox) / whole).max(0.0);
    println!("pipeline: {} samples, 8 channels at 1 Hz, median of {RUNS} runs", samples);
    println!("  {:>9.0} samples/s through detection into the outbox", samples as f64 / whole);
    println!("  {:>8.1}% of the time in tract", 100.0 * scorer / whole);
    println!("  {:>8.1}% of the time in the outbox (sled)", 100.0 * outbox / whole);
    println!("  {:>8.1}% of the time outside of both", 100.0 * own);
}

/// Seconds of the whole, of the model alone and of the outbox alone.
fn run(config: &Config, batches: &[Batch], model: &DetectorModel, clock: &Arc<dyn Clock>) -> [f64; 3] {
    let device = &config.devices[0];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outbox = open(&config.outbox, folder.path(), clock);
    let delivery = Delivery {
        topics: Topics::new("lineside", "bench", "gateway").expect("legal names"),
        leaves: config.publish.clone(),
        model: model.reference(),
        outbox: outbox.clone(),
        live: None,
        boot: 1,
        newest: Newest::default(),
        journal: None,
    };
    let mut pipeline = DevicePipeline::new(device, config, model).expect("a pipeline");
    let mut windows = 0;
    let began = Instant::now();
    for batch in batches {
        pipeline.accept(batch, &mut |output| match output {
            Output::Scored { .. } => windows += 1,
            Output::Aggregate(aggregate) => delivery.aggregate(device, &aggregate),
            Output::Incident(incident) => delivery.incident(device, &incident),
        });
    }
    outbox.flush();
    let whole = began.elapsed();
    let records: Vec<Record> =
        outbox.after(None, usize::MAX).into_iter().map(|(_, record, _)| record).collect();
    outbox.close();
    [whole, score(model, device.channels.len(), windows), store(config, records, clock)]
        .map(|duration| duration.as_secs_f64())
}

fn score(model: &DetectorModel, channels: usize, windows: usize) -> Duration {
    let mut scorer = Scorer::new(model.onnx(), channels).expect("the model runs");
    let (features, mut scores) = (vec![0.1; channels * INPUTS], Vec::new());
    let began = Instant::now();
    for _ in 0..windows {
        scorer.score(&features, &mut scores).expect("the model runs");
    }
    began.elapsed()
}

fn store(config: &Config, records: Vec<Record>, clock: &Arc<dyn Clock>) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outbox = open(&config.outbox, folder.path(), clock);
    let began = Instant::now();
    for record in records {
        outbox.append(record);
    }
    outbox.flush();
    let took = began.elapsed();
    outbox.close();
    took
}

fn open(settings: &OutboxConfig, folder: &std::path::Path, clock: &Arc<dyn Clock>) -> Outbox {
    Outbox::open(settings, folder, Arc::clone(clock)).expect("an outbox").0
}

/// What the machine's source delivers, kept in memory so that reading costs nothing.
fn record(device: &DeviceConfig, clock: &Arc<dyn Clock>) -> Vec<Batch> {
    struct Keep(Vec<Batch>);
    impl Sink for Keep {
        fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
            self.0.push(batch);
            ControlFlow::Continue(())
        }
    }
    let mut keep = Keep(Vec::new());
    source::open(device, Arc::clone(clock)).expect("a source").run(&mut keep).expect("samples");
    keep.0
}

fn config() -> Config {
    let fault = |kind, hours: u64| FaultConfig {
        kind,
        at: Span::secs(hours * 3_600),
        ramp: Some(Span::secs(60)),
        duration: Some(Span::secs(600)),
        severity: 1.0,
        channel: None,
    };
    let source = SimulateSource {
        seed: 1,
        speed: 0.0,
        duration: Some(SIMULATED),
        faults: vec![fault(FaultKind::Leak, 2), fault(FaultKind::Imbalance, 6)],
    };
    let device = DeviceConfig {
        id: "pump-1".into(),
        kind: None,
        period: Span::secs(1),
        lateness: None,
        window: None,
        hop: None,
        source: SourceConfig::Simulate(source),
        channels: simulate::channels(),
    };
    Config { devices: vec![device], ..Config::default() }
}
