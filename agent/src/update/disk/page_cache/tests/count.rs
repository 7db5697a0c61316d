//! How many states there are, against counts made by hand.

use super::super::crash::combinations;
use super::*;

#[test]
fn a_write_and_a_rename_have_the_states_counted_by_hand() {
    let disk = with_old();
    disk.write("b", b"abcd").unwrap();
    disk.rename("b", "state").unwrap();
    // Before the write: the old state alone. After it: no `b`, or `b` empty, "ab", "abc", zeros or
    // whole: 1 + 5. After the rename: the same with the rename lost, or `state` in one of the five.
    assert_eq!(disk.crash_states(ALL, 0).count(), 1 + 5 + 5);
    // Each of the last moment's states once more when something was promised then.
    disk.mark("done");
    assert_eq!(disk.crash_states(ALL, 0).count(), 11 + 11);
}

#[test]
fn two_unsynced_names_in_a_folder_have_four_states() {
    let disk = PageCacheDisk::new();
    disk.write("a", b"").unwrap();
    disk.write("b", b"").unwrap();
    let mut states: Vec<_> = disk.crash_states(ALL, 0).map(|image| image.boot().list("").unwrap()).collect();
    states.sort();
    assert_eq!(states, [vec![], vec!["a"], vec!["a", "b"], vec!["b"]]);
}

#[test]
fn what_is_synced_leaves_one_state() {
    let disk = with_old();
    assert_eq!(disk.crash_states(ALL, 0).count(), 1);
    disk.remove("state").unwrap();
    assert_eq!(disk.crash_states(ALL, 0).count(), 2);
    disk.sync_folder("").unwrap();
    disk.mark("removed");
    assert_eq!(held(&disk, "removed"), [None]);
}

#[test]
fn all_combinations_while_they_are_within_the_limit() {
    assert_eq!(combinations(&[], 1, 0), [Vec::<usize>::new()]);
    assert_eq!(
        combinations(&[2, 3], 6, 0),
        [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]].map(|picks| picks.to_vec())
    );
}

#[test]
fn a_sample_has_the_extremes_and_each_choice_alone_and_repeats_with_its_seed() {
    let choices = [2, 2, 6, 2, 2, 2, 2, 2, 2, 6];
    let sample = combinations(&choices, 100, 7);
    assert_eq!(sample.len(), 100);
    let (lost, kept) = (vec![0; choices.len()], choices.map(|options| options - 1).to_vec());
    for others in [lost, kept] {
        assert!(sample.contains(&others));
        for (at, pick) in (0..choices.len()).flat_map(|at| (0..choices[at]).map(move |pick| (at, pick))) {
            let mut picks = others.clone();
            picks[at] = pick;
            assert!(sample.contains(&picks), "{picks:?}");
        }
    }
    assert_eq!(sample, combinations(&choices, 100, 7));
    assert_ne!(sample, combinations(&choices, 100, 8));
}

#[test]
fn a_long_sequence_without_a_sync_is_sampled_and_ends() {
    let disk = with_old();
    for at in 0..40 {
        disk.write(&format!("f{at}"), NEW).unwrap();
    }
    let states = disk.crash_states(64, 1).count();
    // At most the limit, or the extremes and each choice alone, for each of the 41 moments.
    assert!(states > 1000 && states < 41 * (2 + 40 * 2 * (2 + 6)), "{states}");
}

#[test]
fn an_image_says_what_it_is() {
    let disk = with_old();
    disk.write("b", b"abcd").unwrap();
    disk.rename("b", "state").unwrap();
    let texts: Vec<_> = disk.crash_states(ALL, 0).map(|image| image.to_string()).collect();
    let text = "power cut after step 2 of 2 (rename b -> state); \
                write b: lost; rename b -> state: kept; b is its first half";
    assert!(texts.iter().any(|other| other == text), "{texts:#?}");
}
