//! A gateway for the kill tests: appends records durably, prints `boot seq` of each one that was
//! accepted, and delivers them all the while.
//!
//! Arguments: the outbox's folder and the broker's port.

use std::io::Write;
use std::path::PathBuf;
use std::thread;

use system_tests::gateway::{self, Gateway};

/// Threads that append, so that commits hold more than one record.
const APPENDERS: u64 = 8;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder: PathBuf = arguments.next().expect("the outbox's folder").into();
    let port = arguments.next().and_then(|port| port.parse().ok()).expect("the broker's port");
    let outbox = gateway::outbox(&folder);
    let gateway = Gateway::start(outbox.clone(), &gateway::mqtt(port, None));
    let appenders: Vec<_> = (0..APPENDERS)
        .map(|appender| {
            let outbox = outbox.clone();
            thread::spawn(move || {
                for number in 0_u64.. {
                    let key = outbox.append_durable(gateway::record(number * APPENDERS + appender));
                    let key = key.expect("the record is accepted");
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "{} {}", key.boot, key.seq).expect("the parent listens");
                    out.flush().expect("the parent listens");
                }
            })
        })
        .collect();
    // Until it is killed.
    for appender in appenders {
        appender.join().expect("an appender does not end");
    }
    gateway.shutdown();
}
