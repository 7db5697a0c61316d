//! How much memory the process holds.

use std::fs;

/// Resident memory in bytes, or `None` where the system does not tell.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    parse(&fs::read_to_string("/proc/self/status").ok()?)
}

fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_kernels_page() {
        assert_eq!(parse("VmPeak:\t  999 kB\nVmRSS:\t   12 kB\nThreads:\t1\n"), Some(12 * 1024));
        assert_eq!(parse("Threads:\t1\n"), None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 100 * 1024));
    }
}
