//! Power cuts, failing disks and killed processes over the whole way of a release onto the disk, on a
//! disk that shows every state which they may leave.

mod check;
mod gateway;

use crate::update::disk::page_cache::{Fault, PageCacheDisk};
use crate::update::state::TRIAL_STARTS;
use check::{ALL, Checks, goes_on, sound_in_memory};
use gateway::Gateway;

/// Combinations for each moment where every step fails in every way: there are thousands of these runs.
const SAMPLE: usize = 32;

/// A way to use the slots: what was there before, and what is then cut off at every step.
struct Scenario {
    name: &'static str,
    before: fn(&mut Gateway),
    then: fn(&mut Gateway),
}

const SCENARIOS: [Scenario; 9] = [
    Scenario { name: "first start and first install", before: |_| (), then: |gateway| gateway.install(2) },
    Scenario {
        name: "install over a committed release",
        before: committed,
        then: |gateway| gateway.install(3),
    },
    Scenario {
        name: "third install, which sweeps the first",
        before: |gateway| (2..=3).for_each(|release| gateway.install(release)),
        then: |gateway| gateway.install(4),
    },
    Scenario { name: "a trial that fails", before: committed, then: fail_trial },
    Scenario {
        name: "a first trial that fails, with only the factory model behind it",
        before: |_| (),
        then: fail_trial,
    },
    Scenario {
        name: "a second trial during a trial",
        before: committed,
        then: |gateway| {
            gateway.bring(3);
            gateway.bring(4);
            gateway.commit();
        },
    },
    Scenario {
        name: "a trial without a verdict, over starts",
        before: committed,
        then: |gateway| {
            gateway.bring(3);
            (0..4).for_each(|_| gateway.restart());
        },
    },
    Scenario {
        name: "an operator pins, unpins and sends back",
        before: |gateway| (2..=3).for_each(|release| gateway.install(release)),
        then: |gateway| {
            gateway.pin(true);
            gateway.pin(false);
            gateway.revert("operator");
            gateway.install(4);
        },
    },
    Scenario {
        name: "metadata between the steps",
        before: |gateway| gateway.trust(1),
        then: |gateway| {
            gateway.trust(2);
            gateway.bring(2);
            gateway.trust(3);
            gateway.trust(3);
            gateway.commit();
            gateway.restart();
            gateway.trust(3);
        },
    },
];

fn committed(gateway: &mut Gateway) {
    gateway.install(2);
}

fn fail_trial(gateway: &mut Gateway) {
    gateway.bring(3);
    gateway.revert("golden_mismatch");
    gateway.restart();
}

impl Scenario {
    /// A gateway in which all that was before has reached the disk; it has not started yet.
    fn prepared(&self) -> Gateway {
        let mut gateway = Gateway::new(PageCacheDisk::new());
        gateway.restart();
        (self.before)(&mut gateway);
        Gateway::new(gateway.disk.settled())
    }

    fn run(&self, gateway: &mut Gateway) {
        gateway.restart();
        (self.then)(gateway);
    }

    /// How many steps there are to fail.
    fn steps(&self) -> usize {
        let mut gateway = self.prepared();
        self.run(&mut gateway);
        gateway.disk.steps()
    }
}

#[test]
fn row_27_a_power_cut_at_every_step_leaves_the_old_or_the_new_model() {
    let (mut checks, mut again) = (Checks::default(), Checks::default());
    for scenario in &SCENARIOS {
        let name = scenario.name;
        let mut gateway = scenario.prepared();
        scenario.run(&mut gateway);
        assert!(gateway.failed.is_empty(), "{name}: {:?}", gateway.failed);
        let before = checks.states;
        for (image, came_up) in checks.after_power_cut(&gateway, 0, ALL, name) {
            goes_on(&image, came_up.slots().state(), name);
            // The power goes again while it comes up.
            again.after_power_cut(&came_up, 0, ALL, &format!("{name}: {image}"));
        }
        println!("{name}: {} steps, {} states", gateway.disk.steps(), checks.states - before);
    }
    println!(
        "{} states, {} different disks; {} in a second power cut",
        checks.states,
        checks.disks(),
        again.states
    );
    assert!(checks.disks() > 200 && again.states > 1000, "the model has lost its teeth");
}

#[test]
fn row_28_a_power_cut_in_a_trial_costs_a_start_and_the_fourth_goes_back() {
    let mut gateway = SCENARIOS[1].prepared();
    gateway.restart();
    gateway.bring(3);
    let mut ups = vec![gateway.disk.settled()];
    for start in 1..=TRIAL_STARTS + 1 {
        let cut_off = ups.into_iter().flat_map(|up| {
            let mut gateway = Gateway::new(up);
            gateway.restart();
            gateway.disk.crash_states_from(gateway.disk.recorded(), ALL, 28)
        });
        ups = cut_off.map(|image| image.boot()).collect();
        for state in ups.iter().map(gateway::raw) {
            let starts = state.trial.as_ref().map(|trial| trial.starts);
            assert_eq!(starts, Some(start).filter(|start| *start <= TRIAL_STARTS));
            assert_eq!(state.active.unwrap().release, if starts.is_some() { 3 } else { 2 });
        }
    }
}

#[test]
fn row_26_a_disk_that_fails_at_any_step_leaves_the_old_or_the_new_model() {
    let (mut checks, mut runs) = (Checks::default(), 0);
    for scenario in &SCENARIOS {
        for (at, fault) in (0..scenario.steps()).flat_map(|at| Fault::ALL.map(|fault| (at, fault))) {
            let name = format!("{}, {fault:?} at step {at}", scenario.name);
            let mut gateway = scenario.prepared();
            gateway.disk.fail_at(at, fault);
            scenario.run(&mut gateway);
            sound_in_memory(&gateway, &name);
            checks.after_power_cut(&gateway, at, SAMPLE, &name);
            let healed = gateway.disk.recorded();
            gateway.disk.heal();
            gateway.restart();
            gateway.pin(false);
            gateway.install(9);
            assert_eq!(gateway.slots().state().floor, 9, "{name}: it goes on when the disk works again");
            checks.after_power_cut(&gateway, healed, SAMPLE, &name);
            runs += 1;
        }
    }
    println!("{runs} failures, {} states, {} different disks", checks.states, checks.disks());
}

#[test]
fn row_27_what_a_process_acts_on_after_a_kill_outlasts_a_power_cut() {
    let (mut checks, mut runs) = (Checks::default(), 0);
    for scenario in &SCENARIOS {
        for at in 0..scenario.steps() {
            let name = format!("{}, killed at step {at}", scenario.name);
            let mut gateway = scenario.prepared();
            // What a killed process had still to do is not done; what it had done is in the cache.
            gateway.dies_at_an_error = true;
            gateway.disk.fail_at(at, Fault::BrokenFromThere);
            scenario.run(&mut gateway);
            gateway.disk.heal();
            gateway.dies_at_an_error = false;
            gateway.restart();
            sound_in_memory(&gateway, &name);
            checks.after_power_cut(&gateway, at, SAMPLE, &name);
            runs += 1;
        }
    }
    println!("{runs} kills, {} states, {} different disks", checks.states, checks.disks());
}
