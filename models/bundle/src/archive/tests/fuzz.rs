//! No bytes make it panic, read outside the file, or hold more than the file has.

use proptest::prelude::*;

use super::*;
use crate::archive::header::repair;

/// What was accepted must be inside the file, and readable as far as it is said to go.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let _ = Bundle::from_bytes(bytes);
    let Ok(archive) = Archive::from_bytes(bytes) else { return Ok(()) };
    prop_assert!(archive.members().len() <= MAX_MEMBERS);
    let mut last = 0;
    for Member { name, offset, length } in archive.members() {
        prop_assert!(*offset >= last + BLOCK, "members overlap");
        last = offset + length;
        prop_assert!(last <= bytes.len() as u64, "a member is outside the file");
        let content = archive.read(name, MAX_MEMBER_BYTES).unwrap();
        prop_assert_eq!(&*content, &bytes[*offset as usize..last as usize]);
    }
    Ok(())
}

/// One change of a valid archive.
#[derive(Clone, Debug)]
enum Edit {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    /// Changes a byte of a header and makes its checksum right: noise alone never gets so far.
    Header(prop::sample::Index, usize, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    use prop::sample::Index;
    prop_oneof![
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Flip(at, byte)),
        1 => any::<Index>().prop_map(Edit::Cut),
        1 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..600)).prop_map(|(at, b)| Edit::Insert(at, b)),
        1 => (any::<Index>(), 1..1200_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        4 => (any::<Index>(), 0..512_usize, any::<u8>()).prop_map(|(h, at, byte)| Edit::Header(h, at, byte)),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: Edit) {
    if bytes.len() < 512 {
        return;
    }
    match edit {
        Edit::Flip(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        Edit::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Edit::Insert(at, new) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, new);
        }
        Edit::Remove(at, length) => {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Edit::Header(block, at, byte) => {
            let start = block.index(bytes.len() / 512) * 512;
            bytes[start + at] = byte;
            repair(&mut bytes[start..start + 512]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        check(&bytes)?;
    }

    #[test]
    fn no_damage_of_a_valid_archive_makes_it_panic(edits in prop::collection::vec(edit(), 1..6)) {
        let mut bytes = packed();
        for edit in edits {
            apply(&mut bytes, edit);
        }
        check(&bytes)?;
    }

    #[test]
    fn whatever_is_written_is_read_back(
        files in prop::collection::btree_map("[a-z][a-z0-9._-]{0,63}", prop::collection::vec(any::<u8>(), 0..2000), 0..16),
    ) {
        let members: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let mut bytes = Vec::new();
        write(&members, &mut bytes).unwrap();
        let archive = Archive::from_bytes(&bytes).unwrap();
        for (name, content) in &files {
            prop_assert_eq!(&archive.read(name, 2000).unwrap(), content);
        }
    }
}
