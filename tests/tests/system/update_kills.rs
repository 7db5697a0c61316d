//! Updates under `kill -9` at random moments: there is always one working, verified model, and no
//! release that failed comes back.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use lineside::update::event::Phase;
use system_tests::bundles::{self, Kind, Trial};
use system_tests::ota::{Follower, Ota};

/// In CI; `LINESIDE_KILLS` asks for more.
const KILLS: u32 = 25;
/// A release gets so many kills before the next one is rolled out.
const KILLS_A_RELEASE: u32 = 5;
/// Moments are spread over so many milliseconds from the start of the process: loading, polling,
/// downloading, probing, activating and committing all lie within.
const SPREAD_MS: u64 = 1_200;

/// A sequence of moments that is the same in every run.
fn moment(kill: u32) -> Duration {
    let mixed = u64::from(kill).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    Duration::from_millis(mixed % SPREAD_MS)
}

#[test]
fn killed_at_random_moments_of_updates_a_gateway_always_has_one_working_model() {
    let kills = std::env::var("LINESIDE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let ota = Ota::start();
    let mut gateway = Follower::new(&ota, "");
    let mut release = 1;
    let mut bad = BTreeSet::new();
    let mut committed = 1;
    for kill in 0..kills {
        if kill % KILLS_A_RELEASE == 0 {
            release += 1;
            let soak = Trial { soak_s: 1, soak_windows: 5, ..Trial::default() };
            let (kind, trial) = match release % 4 {
                0 => (Kind::NoAnswer, Trial { soak_s: 3_600, ..soak }),
                2 => (Kind::GoldenOff, soak),
                _ => (Kind::Good, Trial::default()),
            };
            if kind != Kind::Good {
                bad.insert(release);
            }
            ota.publish(&bundles::detector(ota.folder(), release, kind, trial));
            ota.roll_out(release);
        }
        gateway.launch();
        thread::sleep(moment(kill));
        gateway.kill();
        // Looks without running anything: every slot is held against its digest.
        let listed = gateway.command(&["model", "list"]);
        let first = listed.lines().next().unwrap();
        assert!(first.starts_with("detector 1."), "kill {kill}: {listed}");
        assert!(!listed.contains("safe mode"), "kill {kill}: {listed}\n{}", gateway.log());
        let number = |word: &str| -> u32 {
            let rest = first.split_once(word).unwrap().1;
            rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
        };
        let (active, floor) = (number("(release "), number("floor: "));
        assert!(floor >= committed, "kill {kill}: the floor fell: {listed}");
        assert!(!bad.contains(&floor), "kill {kill}: a bad release was committed: {listed}");
        let on_trial = first.contains(", soak");
        assert!(!bad.contains(&active) || on_trial, "kill {kill}: a bad release runs: {listed}");
        let denied = listed.contains(&format!("release {active} failed here"));
        assert!(!denied, "kill {kill}: a denied release is active: {listed}");
        committed = floor;
    }
    // What was interrupted comes to its end, and everything can still be updated.
    release += 1;
    ota.publish(&bundles::detector(ota.folder(), release, Kind::Good, Trial::default()));
    gateway.run();
    ota.roll_out(release);
    gateway.until(release, Phase::Committed);
    let active_after_denial = gateway
        .history()
        .iter()
        .scan(BTreeSet::new(), |denied, event| {
            if matches!(event.phase, Phase::RolledBack | Phase::Rejected) {
                denied.insert(event.release);
            }
            Some(event.phase == Phase::Active && denied.contains(&event.release))
        })
        .filter(|reinstalled| *reinstalled)
        .count();
    assert_eq!(active_after_denial, 0, "reinstalls of a denied release");
    eprintln!(
        "{kills} kills over {} releases, {} of them bad: 0 gateways without a verified model, \
         0 reinstalls of a denied release",
        release - 1,
        bad.len()
    );
}
