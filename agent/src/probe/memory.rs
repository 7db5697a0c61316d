//! What the process grows by while a model is loaded and run.

use std::fs;

use lineside_bundle::Bundle;

use super::{Failure, ProbeReport, Reason};

/// What the process holds, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Memory of its own. The pages of the program itself are no cost of a model.
    own: u64,
    /// The most it ever held, the program included.
    peak: u64,
}

impl Held {
    /// By how much the peak rose, less what the runtime takes.
    fn peak_until(self, later: Self) -> u64 {
        later.peak.saturating_sub(self.peak).saturating_sub(RUNTIME_KIB)
    }

    /// Now; 0 where the system does not tell.
    pub(super) fn now() -> Self {
        fs::read_to_string("/proc/self/status").map(|status| Held::parse(&status)).unwrap_or_default()
    }

    fn parse(status: &str) -> Self {
        let value = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        };
        // Kernels before 4.5 do not tell a process's own memory apart.
        let own = value("RssAnon").or_else(|| value("VmRSS")).unwrap_or(0);
        Held { own, peak: value("VmHWM").unwrap_or(0) }
    }
}

/// What the runtime itself takes when it first loads any model: pages of its own code, tables, the
/// graph before it is optimised. Smaller peaks cannot be told apart from that.
const RUNTIME_KIB: u64 = 16 << 10;
/// Models up to this length are loaded once more to be measured; for longer ones what the runtime
/// takes does not count, and a board may not hold two.
const COPIED_BYTES: u64 = 16 << 20;

/// Compares what the model needs with the budget. `before` was read before it was loaded; by now
/// it has been loaded and run, and is still there. `again` loads and runs a second one.
///
/// What counts is the growth by a second copy, when the runtime has taken its own. A peak counts
/// besides: a board without memory does not ask whether it was needed for long. The model file's
/// length is the least that is reported: weights are held as they are in the file, also where the
/// process had freed memory at hand and did not grow.
pub(super) fn check<Copy>(
    bundle: &Bundle,
    before: Held,
    again: impl FnOnce() -> Result<Copy, Failure>,
    report: &mut ProbeReport,
) -> Result<(), Failure> {
    let after = Held::now();
    let bytes = bundle.manifest().model.bytes;
    let own = if bytes > COPIED_BYTES {
        after.own.saturating_sub(before.own)
    } else {
        // Kept until what it takes has been read.
        let _copy = again()?;
        Held::now().own.saturating_sub(after.own)
    };
    report.memory_kib = own.max(before.peak_until(after)).max(bytes.div_ceil(1024));
    let budget = u64::from(bundle.manifest().budget.memory_kib);
    if budget == 0 || report.memory_kib <= budget {
        return Ok(());
    }
    let detail = format!("it takes {} KiB, the budget is {budget} KiB", report.memory_kib);
    Err(Failure { reason: Reason::OverMemory, detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_kernels_page() {
        let before = Held::parse("VmHWM:\t  500 kB\nVmRSS:\t  400 kB\nRssAnon:\t   90 kB\n");
        assert_eq!(before, Held { own: 90, peak: 500 });
        assert_eq!(Held::parse("VmRSS:\t 40 kB\n"), Held { own: 40, peak: 0 });
        assert_eq!(before.peak_until(Held { own: 100, peak: 500 + RUNTIME_KIB }), 0);
        assert_eq!(before.peak_until(Held { own: 80, peak: 530 + RUNTIME_KIB }), 30);
        assert!(Held::now().own > 100);
    }
}
