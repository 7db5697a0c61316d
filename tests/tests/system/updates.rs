//! Signed updates end to end: real keys, a real server, a real agent.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use lineside::status::report::SourceState;
use lineside::time::Timestamp;
use lineside::update::control::{Answer, Request};
use lineside::update::disk::RealDisk;
use lineside::update::event::Phase;
use lineside::update::slots::{Opener, Slots};
use lineside::update::state::Slot;
use lineside_bundle::Sha256Hex;
use system_tests::bundles::{self, Kind, Trial};
use system_tests::ota::{Follower, Ota};
use system_tests::wait;

const NO_TRIAL: Trial = Trial { shadow_windows: 0, soak_s: 0, soak_windows: 0 };

/// A server whose repository holds these releases, none rolled out.
fn published(releases: &[(u32, Kind, Trial)]) -> Ota {
    let ota = Ota::start();
    for &(release, kind, trial) in releases {
        ota.publish(&bundles::detector(ota.folder(), release, kind, trial));
    }
    ota
}

/// What the newest poll came to for the detector.
fn waiting(gateway: &Follower) -> String {
    let report = gateway.report().unwrap();
    report.update.models.first().map(|model| model.waiting.clone()).unwrap_or_default()
}

/// How often the server was asked, and how many windows were scored.
fn asked_and_watched(gateway: &Follower) -> (u64, u64) {
    let report = gateway.report().unwrap();
    (report.update.polls, report.devices[0].windows)
}

#[test]
fn a_release_that_is_rolled_out_becomes_active_and_is_kept_over_a_restart() {
    let ota = published(&[(2, Kind::Good, NO_TRIAL)]);
    let mut gateway = Follower::start(&ota, "");
    assert!(gateway.detector().factory);
    let began = Instant::now();
    ota.roll_out(2);
    gateway.until(2, Phase::Active);
    eprintln!("from rollout to active: {} ms", began.elapsed().as_millis());
    gateway.until(2, Phase::Committed);
    let detector = gateway.detector();
    assert_eq!((detector.release, detector.floor, detector.factory), (2, 2, false));
    gateway.kill();
    gateway.run();
    assert_eq!(gateway.detector().release, 2);
    let models = gateway.report().unwrap().models;
    assert_eq!(models[0].version, "1.2.0");
}

#[test]
fn a_release_goes_through_shadow_and_soak_before_it_is_kept() {
    let trial = Trial { shadow_windows: 50, soak_s: 1, soak_windows: 20 };
    let ota = published(&[(2, Kind::Good, trial)]);
    let gateway = Follower::start(&ota, "");
    ota.roll_out(2);
    gateway.until(2, Phase::Committed);
    let phases: Vec<Phase> = gateway.history().iter().map(|event| event.phase).collect();
    use Phase::{Active, Committed, Downloading, Offered, Shadow, Verified};
    assert_eq!(phases, [Offered, Downloading, Verified, Shadow, Active, Committed]);
}

#[test]
fn row_32_a_release_whose_golden_outputs_are_off_never_runs_and_is_not_tried_again() {
    let ota = published(&[(2, Kind::GoldenOff, NO_TRIAL)]);
    let mut gateway = Follower::start(&ota, "");
    ota.roll_out(2);
    assert_eq!(gateway.until(2, Phase::Rejected).reason, "golden_mismatch");
    // Row 35: it is still assigned, also after a restart.
    gateway.kill();
    gateway.run();
    wait::until("the poll after the restart", || waiting(&gateway) == "denied: golden_mismatch");
    let tries = gateway.history().iter().filter(|event| event.phase == Phase::Offered).count();
    assert_eq!((tries, gateway.detector().factory), (1, true));
}

#[test]
fn row_32_a_release_over_its_latency_budget_never_runs() {
    let ota = published(&[(2, Kind::TooSlow, NO_TRIAL)]);
    let gateway = Follower::start(&ota, "");
    ota.roll_out(2);
    assert_eq!(gateway.until(2, Phase::Rejected).reason, "over_latency");
    assert!(gateway.detector().factory);
}

#[test]
fn row_31_a_release_that_cannot_be_loaded_never_runs() {
    let ota = published(&[(2, Kind::NoModel, NO_TRIAL)]);
    let gateway = Follower::start(&ota, "");
    ota.roll_out(2);
    assert_eq!(gateway.until(2, Phase::Rejected).reason, "load_failed");
    assert!(gateway.detector().factory);
}

#[test]
fn row_31_a_release_that_fails_in_its_soak_is_back_within_5_s_and_no_window_is_left_out() {
    let soak = Trial { soak_s: 600, ..NO_TRIAL };
    let ota = published(&[(2, Kind::Good, NO_TRIAL), (3, Kind::NoAnswer, soak)]);
    const FRAMES: u64 = 500;
    let mut gateway = Follower::new(&ota, "");
    let config = fs::read_to_string(gateway.config()).unwrap();
    let ending = config.replace("speed = 20\n", &format!("speed = 20\nduration = \"{FRAMES}s\"\n"));
    fs::write(gateway.config(), ending).unwrap();
    gateway.run();
    ota.roll_out(2);
    gateway.until(2, Phase::Committed);
    ota.roll_out(3);
    gateway.until(3, Phase::Active);
    let began = Instant::now();
    let back = gateway.until(3, Phase::RolledBack);
    eprintln!("from active to rolled back: {} ms or less", began.elapsed().as_millis());
    assert_eq!(back.reason, "soak_failures");
    let detector = gateway.detector();
    assert_eq!((detector.release, detector.safe_mode), (2, false));
    assert_eq!(detector.denied.get(&3).map(String::as_str), Some("soak_failures"));
    // A frame a second and a window for each: all of them, when the recording has come to its end.
    let device = || gateway.report().map(|report| report.devices[0].clone()).unwrap();
    wait::until("the recording to end", || device().source == SourceState::Ended);
    assert_eq!(device().windows, FRAMES);
}

#[test]
fn a_committed_release_that_cannot_run_any_more_goes_back_at_the_start() {
    let ota = published(&[(2, Kind::Good, NO_TRIAL)]);
    let mut gateway = Follower::start(&ota, "");
    ota.roll_out(2);
    gateway.until(2, Phase::Committed);
    gateway.kill();
    // As after another version of the agent, whose runtime does not know the model any more.
    let tar = bundles::detector(ota.folder(), 3, Kind::NoModel, NO_TRIAL);
    let sha256 = Sha256Hex::of(&fs::read(&tar).unwrap());
    let disk = Arc::new(RealDisk::new(gateway.update_folder()));
    let (mut slots, _) = Slots::open(disk, "detector", 1, Opener::Command, Timestamp::EPOCH).unwrap();
    let part = format!("{}/part", slots.download_folder());
    fs::copy(&tar, gateway.update_folder().join(&part)).unwrap();
    slots.admit(&part, &sha256).unwrap();
    let slot = Slot { sha256, release: 3, version: "1.3.0".into() };
    slots.activate(slot, "attempt".into(), String::new()).unwrap();
    slots.commit().unwrap();
    drop(slots);
    gateway.run();
    assert_eq!(gateway.until(3, Phase::RolledBack).reason, "load_failed");
    assert_eq!(gateway.detector().release, 2);
}

#[test]
fn row_33_a_release_under_which_the_process_dies_three_times_goes_back() {
    let soak = Trial { soak_s: 600, ..NO_TRIAL };
    let ota = published(&[(2, Kind::Good, NO_TRIAL), (3, Kind::Good, soak)]);
    let mut gateway = Follower::start(&ota, "");
    ota.roll_out(2);
    gateway.until(2, Phase::Committed);
    ota.roll_out(3);
    gateway.until(3, Phase::Active);
    for _ in 0..3 {
        gateway.kill();
        gateway.run();
        assert_eq!(gateway.detector().release, 3, "still on trial");
    }
    gateway.kill();
    gateway.run();
    assert_eq!(gateway.detector().release, 2);
    assert_eq!(gateway.until(3, Phase::RolledBack).reason, "crash_loop");
}

#[test]
fn row_38_a_rollout_that_is_paused_while_a_device_is_busy_with_it_is_not_activated() {
    let shadow = Trial { shadow_windows: 100, ..NO_TRIAL };
    let ota = published(&[(2, Kind::Good, shadow)]);
    let gateway = Follower::start(&ota, "");
    ota.roll_out(2);
    gateway.until(2, Phase::Shadow);
    ota.operate(&["pause", "r2"]);
    let ready = || gateway.detector().stage == "ready";
    wait::until("the shadow to end", || ready() && waiting(&gateway) == "paused");
    assert!(gateway.detector().factory);
    // It waits at the usual pace: in five seconds of the machine's time, a second between polls.
    let (polls, windows) = asked_and_watched(&gateway);
    wait::until("the machine to go on", || asked_and_watched(&gateway).1 >= windows + 100);
    let asked = asked_and_watched(&gateway).0 - polls;
    assert!(asked <= 15, "{asked} polls in five seconds");
    ota.operate(&["resume", "r2"]);
    gateway.until(2, Phase::Committed);
}

#[test]
fn row_18_a_release_for_another_board_is_not_downloaded() {
    let ota = published(&[(2, Kind::OtherBoard, NO_TRIAL)]);
    let gateway = Follower::start(&ota, "");
    ota.roll_out(2);
    let event = gateway.until(2, Phase::Rejected);
    assert_eq!(event.reason, "rejected_incompatible");
    assert!(gateway.history().iter().all(|event| event.phase != Phase::Downloading));
}

#[test]
fn row_30_a_repository_on_a_stick_is_applied_without_a_network() {
    let ota = Ota::offline();
    ota.publish(&bundles::detector(ota.folder(), 2, Kind::Good, NO_TRIAL));
    let stick = ota.folder().join("stick");
    let (repo, to) = (ota.repo(), stick.to_str().unwrap().to_owned());
    ota.run(&["export", "--repo", repo.to_str().unwrap(), "--to", &to]);
    // No server answers at its address. First by a command alone, then by the running agent.
    let mut gateway = Follower::new(&ota, "");
    assert!(gateway.command(&["update", "apply", "--from", &to]).contains("detector: release 2"));
    let listed = gateway.command(&["model", "list"]);
    assert!(listed.contains("detector 1.2.0 (release 2, signed update)"), "{listed}");
    gateway.run();
    gateway.until(2, Phase::Committed);
    ota.publish(&bundles::detector(ota.folder(), 3, Kind::Good, NO_TRIAL));
    fs::remove_dir_all(&stick).unwrap();
    ota.run(&["export", "--repo", repo.to_str().unwrap(), "--to", &to]);
    gateway.command(&["update", "apply", "--from", &to]);
    gateway.until(3, Phase::Committed);
}

#[test]
fn an_operator_can_pin_send_back_and_allow_again() {
    let ota = published(&[(2, Kind::Good, NO_TRIAL)]);
    let gateway = Follower::start(&ota, "");
    gateway.command(&["model", "pin"]);
    ota.roll_out(2);
    wait::until("the pin to hold it off", || waiting(&gateway) == "pinned");
    gateway.command(&["model", "unpin"]);
    gateway.until(2, Phase::Committed);
    gateway.command(&["model", "rollback"]);
    assert!(gateway.detector().factory);
    wait::until("it is not taken again by itself", || waiting(&gateway) == "denied: operator");
    gateway.command(&["model", "allow", "--release", "2"]);
    wait::until("it is taken again", || gateway.detector().release == 2);
    let refused = gateway.ask(&Request::Pin { model: "classifier".into(), pinned: true });
    assert!(matches!(refused, Answer::Refused(why) if why.contains("detector")));
}

#[test]
fn row_36_a_report_that_fails_leaves_the_release_committed_and_is_sent_later() {
    let mut ota = published(&[(2, Kind::Good, Trial { soak_s: 2, ..NO_TRIAL })]);
    let token = ota.enrolment();
    let gateway = Follower::start(&ota, &format!("enroll_token_file = '{}'", token.display()));
    ota.roll_out(2);
    gateway.until(2, Phase::Active);
    ota.kill();
    gateway.until(2, Phase::Committed);
    ota.serve();
    let reported = || {
        let shown: serde_json::Value = serde_json::from_str(&ota.operate(&["show", "r2", "--json"])).unwrap();
        shown.to_string().contains("committed\":1") || shown.to_string().contains("soaked\":1")
    };
    wait::until("the server to hear of it", reported);
}

#[test]
fn downloading_200_mb_takes_less_than_8_mb_of_the_agents_memory() {
    const MIB: u64 = 1 << 20;
    let ota = published(&[(2, Kind::Large(200), NO_TRIAL)]);
    let gateway = Follower::start(&ota, "");
    let resident = || {
        let status = fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
    };
    wait::until("the first poll", || waiting(&gateway) == "no_rollout");
    wait::until("windows to be scored", || gateway.report().unwrap().devices[0].windows > 100);
    let before = resident();
    ota.roll_out(2);
    let reached = |phase| gateway.history().iter().any(|event| event.phase == phase);
    let mut most = before;
    while !reached(Phase::Verified) && !reached(Phase::Rejected) {
        most = most.max(resident());
    }
    let rise = most - before;
    eprintln!("downloading 200 MiB: {} KiB before, {} KiB more at most", before / 1024, rise / 1024);
    assert!(reached(Phase::Downloading) && rise < 8 * MIB, "{} KiB more", rise / 1024);
}
