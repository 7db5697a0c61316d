//! Tries a bundle out in a process of its own, so that one that crashes, hangs or takes all memory
//! does so beside the agent and not in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lineside_bundle::manifest::Budget;

use super::limits::{Limits, Outcome, run_limited};
use crate::probe::{ProbeReport, Verdict};

/// A model that is not done with its golden vectors by then is not for this board.
const WALL: Duration = Duration::from_secs(120);
/// A report is some hundred bytes; tract's complaints are some thousand.
const OUTPUT: usize = 64 << 10;
/// Address space beside the model's own: the program, its libraries, its stacks, tract's plans.
const BASE_SPACE: u64 = 1 << 30;
/// Copies of the weights that loading may hold at once: the file, the graph, the packed plan.
const COPIES: u64 = 6;

/// Exit code of a probe that could not put its limits on itself.
pub const NO_LIMITS: u8 = 70;
/// The reason of a probe that did not come to run: it says nothing about the release.
pub const PROBE_NOT_RUN: &str = "probe_not_run";

/// Why a bundle is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The stable word, such as `golden_mismatch`.
    pub reason: String,
    /// For people.
    pub detail: String,
}

/// Tries bundles out.
pub trait Prober: Send + Sync {
    /// Loads the bundle in `file`, runs its golden vectors, measures it against its budget.
    ///
    /// # Errors
    /// Why it is not taken.
    fn probe(&self, file: &Path, budget: Budget, stop: &AtomicBool) -> Result<ProbeReport, Unfit>;
}

/// Runs `lineside probe FILE`.
pub struct ChildProber {
    program: PathBuf,
}

impl ChildProber {
    /// `program` is the agent's own.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        ChildProber { program }
    }
}

impl Prober for ChildProber {
    fn probe(&self, file: &Path, budget: Budget, stop: &AtomicBool) -> Result<ProbeReport, Unfit> {
        let unfit = |reason: &str, detail: String| Unfit { reason: reason.to_owned(), detail };
        let length = std::fs::metadata(file).map_or(0, |found| found.len());
        let limits = Limits {
            address_space: BASE_SPACE + COPIES * length + u64::from(budget.memory_kib) * 1024,
            cpu: WALL,
            wall: WALL,
            output: OUTPUT,
        };
        let mut command = Command::new(&self.program);
        command.arg("probe").arg(file).arg("--limits").arg(limits.to_string());
        let not_run = |why: &str| unfit(PROBE_NOT_RUN, format!("{}: {why}", self.program.display()));
        let outcome =
            run_limited(&mut command, &limits, stop).map_err(|error| not_run(&error.to_string()))?;
        match outcome {
            Outcome::Exited { code, stderr_tail, .. } if code == i32::from(NO_LIMITS) => {
                Err(not_run(&stderr_tail))
            }
            Outcome::Stopped => Err(not_run("the agent stops")),
            Outcome::Exited { code, stdout, stderr_tail } => {
                let Ok(report) = serde_json::from_slice::<ProbeReport>(&stdout) else {
                    return Err(unfit("probe_crashed", format!("exit code {code}: {stderr_tail}")));
                };
                match &report.verdict {
                    Verdict::Ok => Ok(report),
                    Verdict::Failed { reason, detail } => Err(unfit(reason.as_str(), detail.clone())),
                }
            }
            Outcome::Signalled(signal) => Err(unfit("probe_crashed", format!("signal {signal}"))),
            Outcome::TimedOut => Err(unfit("probe_timeout", format!("not done after {} s", WALL.as_secs()))),
            Outcome::TooMuchOutput => Err(unfit("probe_crashed", "wrote without end".to_owned())),
        }
    }
}
