//! The model finds the bugs it is for, counts as a hand would, and is a disk when nothing fails.

mod agreement;
mod count;

use super::super::replace;
use super::*;

const OLD: &[u8] = b"old content";
const NEW: &[u8] = b"the new one";

/// More than any of these short sequences needs, so that all their states are looked at.
const ALL: usize = 4096;

/// A disk that came up with `state` holding [`OLD`] and nothing open.
fn with_old() -> PageCacheDisk {
    let disk = PageCacheDisk::new();
    replace(&disk, "state", OLD).unwrap();
    disk.settled()
}

/// What `state` holds in each state; none where it is missing.
fn held(disk: &PageCacheDisk, after: &str) -> Vec<Option<Vec<u8>>> {
    let images = disk.crash_states(ALL, 0).filter(|image| after.is_empty() || image.promised(after));
    images.map(|image| image.boot().read("state").ok()).collect()
}

#[test]
fn a_rename_without_a_sync_leaves_an_empty_and_a_torn_file() {
    let disk = with_old();
    disk.write("state.new", NEW).unwrap();
    disk.rename("state.new", "state").unwrap();
    disk.sync_folder("").unwrap();
    let held = held(&disk, "");
    assert!(held.contains(&Some(vec![])));
    assert!(held.contains(&Some(NEW[..NEW.len() / 2].to_vec())));
    assert!(held.contains(&Some(NEW[..NEW.len() - 1].to_vec())));
    assert!(held.contains(&Some(vec![0; NEW.len()])));
}

#[test]
fn without_the_sync_of_the_folder_the_old_content_may_come_back() {
    let disk = with_old();
    disk.write("state.new", NEW).unwrap();
    disk.sync("state.new").unwrap();
    disk.rename("state.new", "state").unwrap();
    disk.mark("replaced");
    let held = held(&disk, "replaced");
    assert!(held.contains(&Some(OLD.to_vec())));
    assert!(held.contains(&Some(NEW.to_vec())));
    assert_eq!(held.iter().flatten().filter(|held| *held != OLD && *held != NEW).count(), 0);
}

#[test]
fn a_synced_file_may_have_no_name() {
    let disk = PageCacheDisk::new();
    disk.write("state", NEW).unwrap();
    disk.sync("state").unwrap();
    disk.mark("synced");
    assert!(held(&disk, "synced").contains(&None));
    disk.sync_folder("").unwrap();
    disk.mark("named");
    assert_eq!(held(&disk, "named"), [Some(NEW.to_vec())]);
}

#[test]
fn a_write_in_place_may_lose_both_contents() {
    let disk = with_old();
    disk.write("state", NEW).unwrap();
    assert!(held(&disk, "").contains(&Some(vec![])));
}

#[test]
fn replace_leaves_the_old_or_the_new_and_the_new_once_it_returned() {
    let disk = with_old();
    replace(&disk, "state", NEW).unwrap();
    disk.mark("replaced");
    let within = held(&disk, "");
    assert!(within.contains(&Some(OLD.to_vec())) && within.contains(&Some(NEW.to_vec())));
    for held in within {
        assert!(held.as_deref() == Some(OLD) || held.as_deref() == Some(NEW), "{held:?}");
    }
    assert_eq!(held(&disk, "replaced"), [Some(NEW.to_vec())]);
}

#[test]
fn replace_again_after_a_power_cut_is_as_good_as_the_first() {
    let disk = with_old();
    replace(&disk, "state", NEW).unwrap();
    // Old alone, with one of five files beside it, or new.
    assert_eq!(disk.crash_states(ALL, 0).count(), 1 + 5 + 1);
    for image in disk.crash_states(ALL, 0) {
        let again = image.boot();
        replace(&again, "state", b"third").unwrap();
        again.mark("replaced");
        for second in again.crash_states(ALL, 0) {
            let held = second.boot().read("state").unwrap();
            let whole = [OLD, NEW, b"third"].contains(&held.as_slice());
            assert!(whole && (held == b"third" || !second.promised("replaced")), "{image}, then {second}");
        }
    }
}

#[test]
fn replace_leaves_the_old_or_the_new_whatever_step_fails_however() {
    let whole = with_old();
    replace(&whole, "state", NEW).unwrap();
    for (at, fault) in (0..whole.steps()).flat_map(|at| Fault::ALL.map(|fault| (at, fault))) {
        let disk = with_old();
        disk.fail_at(at, fault);
        let full = matches!(fault, Fault::FullOnce | Fault::FullFromThere);
        let expected = if full { io::ErrorKind::StorageFull } else { io::Error::from_raw_os_error(5).kind() };
        assert_eq!(replace(&disk, "state", NEW).unwrap_err().kind(), expected);
        assert!(!full || !disk.exists("state.new"), "{at} {fault:?}: the file beside takes the space");
        for image in disk.crash_states(ALL, 0) {
            let held = image.boot().read("state").unwrap();
            assert!(held == OLD || held == NEW, "{at} {fault:?}: {image}");
        }
        disk.heal();
        replace(&disk, "state", NEW).unwrap();
        disk.mark("at last");
        assert_eq!(held(&disk, "at last"), [Some(NEW.to_vec())], "{at} {fault:?}");
    }
}

#[test]
fn a_second_sync_does_not_mend_one_that_failed() {
    let disk = with_old();
    disk.write("state.new", NEW).unwrap();
    disk.fail_at(disk.steps(), Fault::BrokenOnce);
    disk.sync("state.new").unwrap_err();
    disk.sync("state.new").unwrap();
    disk.rename("state.new", "state").unwrap();
    disk.sync_folder("").unwrap();
    disk.mark("replaced");
    assert!(held(&disk, "replaced").contains(&Some(vec![])));
}

#[test]
fn a_rename_between_folders_is_whole_and_needs_both_synced() {
    let disk = PageCacheDisk::new();
    disk.create_folder("from").unwrap();
    disk.create_folder("to").unwrap();
    replace(&disk, "from/x", NEW).unwrap();
    disk.mark("ready");
    disk.rename("from/x", "to/x").unwrap();
    disk.sync_folder("to").unwrap();
    disk.mark("one");
    disk.sync_folder("from").unwrap();
    disk.mark("both");
    let mut places = Vec::new();
    for image in disk.crash_states(ALL, 0).filter(|image| image.promised("ready")) {
        let up = image.boot();
        assert!(up.exists("from/x") != up.exists("to/x"), "{image}");
        places.push((image.promised("one"), image.promised("both"), up.exists("to/x")));
    }
    assert!(places.contains(&(true, false, false)) && places.contains(&(true, false, true)));
    assert_eq!(places.iter().filter(|(_, both, _)| *both).collect::<Vec<_>>(), [&(true, true, true)]);
}

#[test]
fn a_folder_is_there_once_it_was_created_and_what_was_in_a_lost_one_is_gone() {
    let disk = PageCacheDisk::new();
    disk.create_folder("models/detector").unwrap();
    disk.mark("created");
    let mut created = disk.crash_states(ALL, 0).filter(|image| image.promised("created"));
    assert!(created.all(|image| image.boot().exists("models/detector")));

    let disk = PageCacheDisk::new();
    disk.fail_at(1, Fault::BrokenOnce);
    disk.create_folder("models").unwrap_err();
    replace(&disk, "models/state", NEW).unwrap();
    disk.mark("replaced");
    let last: Vec<_> = disk.crash_states(ALL, 0).filter(|image| image.promised("replaced")).collect();
    assert!(last.iter().all(|image| image.after() == disk.steps() + 1));
    // The file was durable in a folder that is not: with the folder or not at all.
    let mut held: Vec<_> = last.iter().map(|image| image.boot().read("models/state").ok()).collect();
    held.sort();
    assert_eq!(held, [None, Some(NEW.to_vec())]);
}

#[test]
fn a_write_that_fails_leaves_half() {
    let disk = with_old();
    disk.fail_at(0, Fault::FullFromThere);
    disk.write("slot", NEW).unwrap_err();
    assert_eq!(disk.read("slot").unwrap(), &NEW[..NEW.len() / 2]);
    disk.remove("slot").unwrap();
    assert!(!disk.exists("slot"));
    disk.write("slot", NEW).unwrap_err();
}
