//! Shared helpers of the system tests: a real broker, certificates, a control room, a gateway, an
//! OTA server with bundles to roll out, the binaries, the shared recordings.

pub mod agent;
pub mod agreement;
pub mod arm;
pub mod bundles;
pub mod certificates;
pub mod control_room;
pub mod data;
pub mod gateway;
pub mod language;
pub mod mosquitto;
pub mod onnx;
pub mod ota;
pub mod port;
pub mod slm;
pub mod wait;

use std::io::Write;

/// Says aloud that a test is skipped for want of something: past the test harness, which shows
/// what a passing test prints to nobody.
pub fn skipped(needs: &str) {
    // A closed stderr is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "skipped: needs {needs}");
}
