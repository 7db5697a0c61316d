//! Drift: has what the agent sees slowly become something else than what it was commissioned on?
//!
//! An alarm says that a machine moves as it never did; it follows slow changes on purpose. Drift is
//! what an alarm therefore does not see: a sensor that loses its calibration, wear over weeks, a
//! model whose scores have crept up. It calls for a look and a refit, not for a mechanic at night.
//!
//! ```text
//! window, verdict → thinning: one sample of each quantity now and then
//!   sketch: counts over bins that the quantity's own reference chose
//!     psi: how far the newest span is from the reference, and how far chance alone would get
//!   device: the sketches of one device → report
//! answers: the same for the answers of a model that classifies
//! ```
//!
//! Promises, each with a test of that name:
//! - nothing is said before the reference and two spans are complete;
//! - false drifts on stationary, autocorrelated signals stay within the budget;
//! - a shift by one standard deviation, a doubled spread and a stuck channel are found;
//! - a new version of a model starts its scores anew, and keeps the machine's inputs;
//! - what leaves are figures a channel, no sample (promise 3).

pub mod answers;
pub mod bins;
pub mod device;
pub mod psi;
pub mod report;
pub mod sketch;
pub mod thinning;
pub mod watch;

pub use device::{DeviceDrift, DriftSettings};
pub use report::{Against, Compared, What};

#[cfg(test)]
mod tests;
