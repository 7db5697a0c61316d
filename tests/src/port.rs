//! Ports for servers of tests.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to clients: a port that was free a moment ago may
/// otherwise be some client's before its server takes it.
const FIRST: u16 = 20_000;
const LAST: u16 = 30_000;
/// Test programs that run side by side begin at different ports.
const APART: u32 = 97;

/// A port on loopback that no other test of this process gets.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let range = LAST - FIRST;
    let start = u16::try_from(std::process::id() * APART % u32::from(range)).expect("within the range");
    for _ in 0..range {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % range;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        }
    }
    panic!("no free port from {FIRST} to {LAST}");
}
