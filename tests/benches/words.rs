//! Whether the words of incidents cost the detector anything.
//!
//! One thread takes samples through detection into the outbox at a steady pace, as the agent's
//! worker does. In every other slice of the time a second one, the language models' own with its
//! low priority, writes one summary after the other. Printed are the 50th and 99th percentile of the
//! time from a batch of samples to its records in the outbox, in both, and their ratio; slices
//! alternate, so that what else the machine does meets both alike.
//!
//! `cargo bench --workspace --bench words`

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lineside::agent::delivery::{Delivery, Newest};
use lineside::clock::{Clock, SystemClock};
use lineside::config::{Config, DeviceConfig, SimulateSource, SourceConfig, Span};
use lineside::detect::detector::DetectorModel;
use lineside::incident::Incident;
use lineside::incident::sentence::Subject;
use lineside::outbox::Outbox;
use lineside::pipeline::{DevicePipeline, Output};
use lineside::publish::Topics;
use lineside::slm::case::Case;
use lineside::slm::runtime::{Call, Priority, Request, Runtime};
use lineside::source::{self, Batch, Sink, simulate};
use system_tests::language;

/// Between two batches: a machine with eight channels at 500 Hz.
const PACE: Duration = Duration::from_millis(2);
/// One slice of the time.
const SLICE: Duration = Duration::from_secs(5);
/// Slices of each kind.
const SLICES: usize = 6;

fn main() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = config(folder.path());
    let device = &config.devices[0];
    let (batches, incident) = record(&config, &clock);
    let runtime = Runtime::start(&config, Arc::clone(&clock)).expect("the language models start");
    let case = Case { subject: Subject::of(device), incident, assessment: None, notes: Vec::new() };

    let (writing, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let written = Arc::new(AtomicU64::new(0));
    let writer = {
        let (runtime, writing, over, written) =
            (runtime.clone(), Arc::clone(&writing), Arc::clone(&over), Arc::clone(&written));
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                if !writing.load(Ordering::Relaxed) {
                    thread::sleep(PACE);
                    continue;
                }
                let request = Request::SummarizeIncident(Box::new(case.clone()));
                let answer = runtime.ask(Call::new(request, Priority::Incident, None), None).wait();
                answer.expect("words");
                written.fetch_add(1, Ordering::Relaxed);
            }
        })
    };

    let outbox = Outbox::open(&config.outbox, &folder.path().join("outbox"), Arc::clone(&clock));
    let model = DetectorModel::builtin().expect("the built-in model");
    let delivery = Delivery {
        topics: Topics::new("lineside", "bench", "gateway").expect("legal names"),
        leaves: config.publish.clone(),
        model: model.reference(),
        outbox: outbox.expect("an outbox").0,
        live: None,
        boot: 1,
        newest: Newest::default(),
        journal: None,
    };
    let mut pipeline = DevicePipeline::new(device, &config, &model).expect("a pipeline");
    let mut batches = batches.iter();
    let mut took: [Vec<f64>; 2] = Default::default();
    for slice in 0..2 * SLICES {
        let beside = slice % 2;
        writing.store(beside == 1, Ordering::Relaxed);
        let until = Instant::now() + SLICE;
        let mut next = Instant::now();
        while Instant::now() < until {
            let Some(batch) = batches.next() else { break };
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next += PACE;
            let began = Instant::now();
            pipeline.accept(batch, &mut |output| match output {
                Output::Scored { .. } => {}
                Output::Aggregate(aggregate) => delivery.aggregate(device, &aggregate),
                Output::Incident(incident) => delivery.incident(device, &incident),
            });
            took[beside].push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    over.store(true, Ordering::Relaxed);
    writer.join().expect("the writer ends");
    runtime.stop();

    let [alone, beside] = took.map(|mut took| {
        took.sort_by(f64::total_cmp);
        [0.5, 0.99].map(|share| took[((took.len() - 1) as f64 * share) as usize])
    });
    println!("from samples to the outbox, in µs; {} summaries", written.load(Ordering::Relaxed));
    println!("              p50      p99");
    println!("  alone  {:>8.1} {:>8.1}", alone[0], alone[1]);
    println!("  beside {:>8.1} {:>8.1}", beside[0], beside[1]);
    println!("  ratio  {:>8.2} {:>8.2}", beside[0] / alone[0], beside[1] / alone[1]);
}

/// What the machine's source delivers, kept in memory so that reading costs nothing, and an
/// incident in it.
fn record(config: &Config, clock: &Arc<dyn Clock>) -> (Vec<Batch>, Incident) {
    struct Keep(Vec<Batch>);
    impl Sink for Keep {
        fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
            self.0.push(batch);
            ControlFlow::Continue(())
        }
    }
    let device = &config.devices[0];
    let mut keep = Keep(Vec::new());
    source::open(device, Arc::clone(clock)).expect("a source").run(&mut keep).expect("samples");
    let model = DetectorModel::builtin().expect("the built-in model");
    let mut pipeline = DevicePipeline::new(device, config, &model).expect("a pipeline");
    let mut found = None;
    for batch in &keep.0 {
        pipeline.accept(batch, &mut |output| {
            if let Output::Incident(incident) = output {
                found.get_or_insert(incident);
            }
        });
    }
    (keep.0, found.expect("the fault is found"))
}

fn config(folder: &std::path::Path) -> Config {
    use lineside::config::{FaultConfig, FaultKind};
    let fault = FaultConfig {
        kind: FaultKind::OutletValveClosing,
        at: Span::secs(7_200),
        ramp: None,
        duration: Some(Span::secs(600)),
        severity: 1.0,
        channel: None,
    };
    let source =
        SimulateSource { seed: 1, speed: 0.0, duration: Some(Span::secs(36_000)), faults: vec![fault] };
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
    let (bundle, _) = language::write(&language::summarizer(1), folder);
    let mut config = Config { devices: vec![device], ..Config::default() };
    config.gateway.data_dir = folder.to_owned();
    config.slm.task.summarize_incident.model = Some(bundle);
    config
}
