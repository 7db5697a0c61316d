//! How much memory the process holds.

use std::fs;

/// Resident memory in bytes, or `None` where the system does not tell.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    read("VmRSS:")
}

/// The most that was ever resident, in bytes, or `None` where the system does not tell.
#[must_use]
pub fn peak_bytes() -> Option<u64> {
    read("VmHWM:")
}

fn read(key: &str) -> Option<u64> {
    parse(&fs::read_to_string("/proc/self/status").ok()?, key)
}

fn parse(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_kernels_page() {
        assert_eq!(parse("VmPeak:\t  999 kB\nVmRSS:\t   12 kB\nThreads:\t1\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(parse("Threads:\t1\n", "VmRSS:"), None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 100 * 1024));
        assert!(peak_bytes() >= resident_bytes());
    }
}
