//! `cargo run --release -p lineside-demo`: a machine goes wrong, the gateway notices, says what
//! happened, keeps it through an outage of the broker and delivers it to a control room. Meanwhile
//! a new detector takes over, and a wrong one does not.

mod broker;
mod control_room;
mod ota;
mod releases;
mod report;
mod scenario;
mod updates;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use lineside::agent::updates::update_folder;
use lineside::agent::{Agent, Closing};
use lineside::clock::SystemClock;
use lineside::status::report::{SourceState, StatusReport};
use lineside::status::resident_bytes;
use serde_json::Value;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout};

use crate::broker::Gate;
use crate::control_room::{Arrived, Ledger};
use crate::ota::Ota;
use crate::report::{Models, Report};
use crate::scenario::Scenario;
use crate::updates::Fate;

/// The broker goes away at this share of the demo, and comes back at that one.
const OUTAGE: (f64, f64) = (0.40, 0.52);
/// How long the last messages are waited for.
const LAST_MESSAGES: Duration = Duration::from_secs(5);
/// One in so many aggregates is shown.
const SHOW_EVERY: u64 = 30;

/// A machine goes wrong; the gateway notices, says what happened and delivers it.
#[derive(Parser)]
#[command(name = "lineside-demo", version)]
struct Args {
    /// How long it runs
    #[arg(long, value_name = "N", default_value_t = 75, value_parser = clap::value_parser!(u64).range(10..=3_600))]
    seconds: u64,
    /// Print only the closing table, as JSON
    #[arg(long)]
    json: bool,
    /// Watch a recording instead: a time column first, then one column per channel
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

fn main() -> ExitCode {
    // The agent tries a release out in a process of its own: its own program with the command
    // `probe`. Its own program is this one.
    if std::env::args_os().nth(1).is_some_and(|command| command == "probe") {
        return lineside::cli::main();
    }
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.context("no runtime").and_then(|runtime| runtime.block_on(demo(&args)));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the demo; whether nothing was lost.
async fn demo(args: &Args) -> Result<bool> {
    let screen = Screen { quiet: args.json, began: Instant::now() };
    let seconds = args.seconds as f64;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let broker = broker::start().await?;
    let gate = Gate::start(broker).await?;
    let mut scenario = match &args.csv {
        Some(file) => scenario::recorded(file, seconds, folder.path(), gate.address)?,
        None => scenario::simulated(seconds, folder.path(), gate.address)?,
    };
    let ota = Ota::start(&folder.path().join("ota")).await?;
    ota.follow(&mut scenario.config.update).await?;
    let mut arrivals = control_room::enter(broker).await?;
    screen.title(&scenario, args.seconds);
    let agent = Agent::start(&scenario.config, Arc::new(SystemClock::new()))?;
    let first = version(&agent.board().report());
    screen.line("gateway", &format!("started with detector {first}; it learns first what is normal"));

    let mut ledger = Ledger::default();
    let (ran, fates) = tokio::join!(
        run(&screen, &scenario, &agent, &gate, &mut arrivals, &mut ledger, seconds),
        updates::story(&screen, &ota, update_folder(&scenario.config), seconds),
    );
    ran?;
    let fates = fates?;
    let peak = resident_bytes().unwrap_or(0);
    gate.open();
    let closing = agent.stop().await;
    ota.stop().await;
    let accepted = closing.outbox.accepted;
    // Everything was acknowledged; what the broker still holds for the control room follows.
    while ledger.distinct() < accepted {
        let Ok(Some((topic, message))) = timeout(LAST_MESSAGES, arrivals.recv()).await else { break };
        screen.show(ledger.enter(&topic, &message), &ledger);
    }
    let models = models(first, fates, &scenario, &closing);
    let report = table(&ledger, &closing, peak, models);
    if args.json {
        println!("{}", report.json());
    } else {
        println!("\n{report}");
    }
    Ok(report.lost == 0)
}

/// Lets time pass: the machine's faults, the outage, and whatever arrives.
async fn run(
    screen: &Screen,
    scenario: &Scenario,
    agent: &Agent,
    gate: &Gate,
    arrivals: &mut Receiver<(String, Value)>,
    ledger: &mut Ledger,
    seconds: f64,
) -> Result<()> {
    let mut moments: Vec<(f64, Moment)> =
        scenario.faults.iter().map(|(at, name)| (*at, Moment::Fault(name.clone()))).collect();
    moments.push((OUTAGE.0 * seconds, Moment::BrokerGone));
    moments.push((OUTAGE.1 * seconds, Moment::BrokerBack));
    moments.push((seconds - LAST_MESSAGES.as_secs_f64().min(seconds * 0.05), Moment::End));
    moments.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (at, moment) in moments {
        let due = screen.began + Duration::from_secs_f64(at);
        loop {
            tokio::select! {
                () = sleep_until(due) => break,
                arrived = arrivals.recv() => {
                    let (topic, message) = arrived.context("the control room lost its connection")?;
                    screen.show(ledger.enter(&topic, &message), ledger);
                }
            }
        }
        match moment {
            Moment::Fault(name) => {
                screen.line("machine", &format!("{name} begins; nobody tells the gateway"))
            }
            Moment::BrokerGone => {
                gate.shut();
                screen.line("broker", "gone: every connection is cut and none is accepted");
            }
            Moment::BrokerBack => {
                let kept = agent.outbox().depth;
                gate.open();
                screen.line("broker", &format!("back; the gateway has kept {kept} records meanwhile"));
            }
            Moment::End => break,
        }
    }
    Ok(())
}

/// What happens at a given time.
enum Moment {
    Fault(String),
    BrokerGone,
    BrokerBack,
    End,
}

/// The detector's version that runs.
fn version(report: &StatusReport) -> String {
    report.models.first().map(|model| model.version.clone()).unwrap_or_default()
}

fn models(before: String, fates: Vec<Fate>, scenario: &Scenario, closing: &Closing) -> Models {
    let devices = closing.report.devices.iter().zip(&scenario.config.devices);
    // A machine that has not come to its end has frames under way.
    let ended = closing.report.devices.iter().all(|device| device.source == SourceState::Ended);
    let left_out = devices.map(|(seen, device)| {
        let due = seen.samples_accepted / device.channels.len().max(1) as u64;
        due.saturating_sub(seen.windows)
    });
    let left_out = (scenario.gapless && ended).then(|| left_out.sum());
    Models { before, after: version(&closing.report), left_out, fates }
}

fn table(ledger: &Ledger, closing: &Closing, peak: u64, models: Models) -> Report {
    let devices = &closing.report.devices;
    let latency = closing.publish.as_ref().map(|publish| publish.latency).unwrap_or_default();
    let millis = |seconds: Option<f64>| seconds.unwrap_or(f64::NAN) * 1e3;
    Report {
        samples: devices.iter().map(|device| device.samples_accepted).sum(),
        windows: devices.iter().map(|device| device.windows).sum(),
        incidents: ledger.incidents,
        messages: ledger.messages,
        accepted: closing.outbox.accepted,
        lost: closing.outbox.accepted.saturating_sub(ledger.distinct()),
        duplicated: ledger.duplicated,
        late: ledger.late,
        p50_ms: millis(latency.p50_s),
        p99_ms: millis(latency.p99_s),
        memory_mib: peak as f64 / f64::from(1 << 20),
        models,
    }
}

/// What people see.
struct Screen {
    quiet: bool,
    began: Instant,
}

impl Screen {
    fn title(&self, scenario: &Scenario, seconds: u64) {
        if !self.quiet {
            println!("Lineside demo: {}; ends by itself in {seconds} s.\n", scenario.title);
        }
    }

    fn line(&self, who: &str, what: &str) {
        if !self.quiet {
            println!("{:6.1} s  {who:<13} {what}", self.began.elapsed().as_secs_f64());
        }
    }

    fn show(&self, arrived: Option<Arrived>, ledger: &Ledger) {
        match arrived {
            Some(Arrived::Incident(message)) => {
                let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
                let late = if message["hist"] == true { " (kept through the outage)" } else { "" };
                self.line("control room", &format!("INCIDENT {}{late}: {}", text("change"), text("summary")));
            }
            Some(Arrived::Data(message)) if ledger.distinct() % SHOW_EVERY == 1 => {
                let score = message["score"].as_f64().map_or("learning".into(), |s| format!("score {s:.1}"));
                let seq = &message["seq"];
                self.line(
                    "control room",
                    &format!("aggregates of {}, record {seq}, {score}", message["device"]),
                );
            }
            Some(Arrived::Status(message)) if message["state"] == "offline" => {
                self.line("control room", "the gateway is offline, says the broker");
            }
            _ => {}
        }
    }
}
