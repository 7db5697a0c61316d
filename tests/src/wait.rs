//! Waiting for a condition, with a limit.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything in a test may take. Reached only when something is broken.
pub const LIMIT: Duration = Duration::from_secs(120);

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not hold within the limit; `what` says what was waited for.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "waited in vain for: {what}");
        thread::sleep(POLL);
    }
}
