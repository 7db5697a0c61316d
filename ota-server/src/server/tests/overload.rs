//! Too much, and a database that is away: row 24 from the server's side.

use std::num::NonZeroU32;
use std::time::Duration;

use super::fixture::{Fixture, generous};
use crate::server::limits::Allowance;

#[test]
fn row_24_a_device_over_its_allowance_is_429_with_retry_after_and_others_are_not() {
    let allowance = Allowance {
        device_burst: NonZeroU32::new(3).unwrap(),
        device_every: Duration::from_secs(600),
        ..generous()
    };
    let fixture = Fixture::with(allowance);
    let (loud, calm) = (fixture.enrolled("site/loud", 1), fixture.enrolled("site/calm", 2));
    for counter in 1..=3 {
        assert_eq!(fixture.report(&loud, &loud.body(counter, &[])).status, 204);
    }
    let answer = fixture.report(&loud, &loud.body(4, &[]));
    assert_eq!(answer.status, 429);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=601).contains(&wait), "{wait}");
    assert_eq!(fixture.report(&calm, &calm.body(1, &[])).status, 204, "from the same address");
}

#[test]
fn forged_reports_do_not_use_up_a_devices_allowance() {
    let allowance = Allowance { device_burst: NonZeroU32::MIN, ..generous() };
    let fixture = Fixture::with(allowance);
    let device = fixture.enrolled("site/a", 1);
    let body = device.body(1, &[]).to_string();
    for _ in 0..5 {
        assert_eq!(fixture.send("site/a", &"0".repeat(128), body.as_bytes()).status, 401);
    }
    assert_eq!(fixture.report(&device, &device.body(1, &[])).status, 204);
}

#[test]
fn row_24_too_much_from_all_together_is_429_before_any_signature_is_checked() {
    let fixture = Fixture::with(Allowance { all_per_second: NonZeroU32::new(2).unwrap(), ..generous() });
    let answers: Vec<_> = (0..20).map(|_| fixture.send("site/a", "00", b"{}")).collect();
    let limited = answers.iter().find(|a| a.status == 429).unwrap();
    assert!(limited.header("retry-after").parse::<u64>().unwrap() >= 1);
}

#[test]
fn row_24_a_busy_database_is_503_with_retry_after_and_the_report_is_taken_later() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    let database = fixture.server().app().database.clone();
    let held = fixture.runtime.block_on(database.begin()).unwrap();
    let answer = fixture.report(&device, &device.body(1, &[]));
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    fixture.runtime.block_on(held.rollback()).unwrap();
    assert_eq!(fixture.report(&device, &device.body(1, &[])).status, 204);
}

#[test]
fn row_24_a_full_database_is_503_with_retry_after_and_what_was_taken_stays() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    assert_eq!(fixture.report(&device, &device.body(1, &[])).status, 204);
    // Each connection has its own limit: all of them are taken, and told that the file is as large as
    // it may be.
    let pool = fixture.server().app().database.pool().clone();
    fixture.runtime.block_on(async {
        let mut all = Vec::new();
        while let Some(mut one) = pool.try_acquire() {
            sqlx::query("PRAGMA max_page_count = 1").execute(&mut *one).await.unwrap();
            all.push(one);
            if all.len() == 4 {
                break;
            }
        }
    });
    let mut full = None;
    for counter in 2..500 {
        let events: Vec<_> = (0..100)
            .map(|seq| {
                super::fixture::event(&format!("attempt-{counter}"), seq, "downloading", &"x".repeat(90))
            })
            .collect();
        let answer = fixture.report(&device, &device.body(counter, &events));
        if answer.status != 204 {
            full = Some((counter, answer));
            break;
        }
    }
    let (counter, answer) = full.expect("it fills up");
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(fixture.count("SELECT counter FROM devices"), i64::try_from(counter).unwrap() - 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM events"), (i64::try_from(counter).unwrap() - 2) * 100);
}
