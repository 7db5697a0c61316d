//! Promise: a report that was answered 204 is never lost, whenever the server is killed.
#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use support::{Device, Site};

const DEVICES: u8 = 8;
const ROUNDS: usize = 3;

#[test]
fn row_37_every_204_is_found_again_after_kill_9() {
    let site = Site::new();
    let mut server = site.serve(&[]);
    let devices: Vec<Arc<Device>> =
        (1..=DEVICES).map(|n| Arc::new(Device::enrolled(&format!("site-{n}"), n, server.address))).collect();
    let answered: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    for round in 0..ROUNDS {
        let heard = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = devices
            .iter()
            .cloned()
            .map(|device| {
                let (answered, heard, address) = (Arc::clone(&answered), Arc::clone(&heard), server.address);
                std::thread::spawn(move || {
                    for number in 0.. {
                        let counter = round as u64 * 1_000_000 + number;
                        match device.report(address, counter) {
                            Some(204) => {
                                answered.lock().unwrap().insert(format!("{}-{counter}", device.name));
                                heard.fetch_add(1, Ordering::SeqCst);
                            }
                            Some(other) => panic!("{other}"),
                            None => break,
                        }
                    }
                })
            })
            .collect();
        // Another number each round: another moment within a batch.
        while heard.load(Ordering::SeqCst) < 100 + round * 37 {
            std::thread::yield_now();
        }
        server.kill();
        threads.into_iter().for_each(|thread| thread.join().unwrap());

        server = site.serve(&[]);
        let kept = kept(&site);
        let lost: Vec<_> = answered.lock().unwrap().difference(&kept).cloned().collect();
        assert!(lost.is_empty(), "{} answered and lost: {lost:?}", lost.len());
    }
    let before = kept(&site).len();
    assert_eq!(devices[0].report(server.address, 0), Some(204), "known already");
    assert_eq!(kept(&site).len(), before);
}

/// The attempts in the database.
fn kept(site: &Site) -> BTreeSet<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = lineside_ota::db::Database::open_to_read(&site.path("state")).await.unwrap();
        let rows: Vec<String> =
            sqlx::query_scalar("SELECT attempt FROM events").fetch_all(database.pool()).await.unwrap();
        rows.into_iter().collect()
    })
}
