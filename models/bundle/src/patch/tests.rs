//! Row 39: whatever is wrong with a patch, there is no result and the reason is said.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Bytes that do not compress, different for each seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

struct Bench {
    folder: TempDir,
    base: PathBuf,
    patch: PathBuf,
    out: PathBuf,
    want: Wanted,
}

/// A base of half a MiB, and a patch to a result in which a fiftieth differs.
fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let [base, new, patch, out] = ["base", "new", "patch", "out"].map(|name| folder.path().join(name));
    let old = noise(1, 512 << 10);
    let mut bytes = old.clone();
    bytes[300_000..310_000].copy_from_slice(&noise(2, 10_000));
    fs::write(&base, &old).unwrap();
    fs::write(&new, &bytes).unwrap();
    make(&base, &new, &patch, DEFAULT_LIMIT).unwrap();
    let want = Wanted { sha256: Sha256Hex::of(&bytes), length: bytes.len() as u64 };
    Bench { folder, base, patch, out, want }
}

impl Bench {
    fn apply(&self) -> Result<(), PatchError> {
        apply(&self.base, &self.patch, &self.out, &self.want, DEFAULT_LIMIT)
    }

    fn refused(&self, reason: &str) -> String {
        let error = self.apply().unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(!self.out.exists(), "a failed patch left its result");
        error.to_string()
    }
}

#[test]
fn a_patch_leads_to_the_new_file_and_is_small() {
    let bench = bench();
    bench.apply().unwrap();
    assert_eq!(fs::read(&bench.out).unwrap(), fs::read(bench.folder.path().join("new")).unwrap());
    let length = fs::metadata(&bench.patch).unwrap().len();
    assert!(length < 12_000, "{length} bytes for 10 000 changed ones");
}

#[test]
fn a_change_at_the_far_end_of_a_long_base_is_still_found() {
    let bench = bench();
    let (base, new) = (noise(5, 3 << 20), noise(5, 3 << 20)[1 << 20..].to_vec());
    fs::write(&bench.base, &base).unwrap();
    let path = bench.folder.path().join("new");
    fs::write(&path, &new).unwrap();
    let length = make(&bench.base, &path, &bench.patch, DEFAULT_LIMIT).unwrap();
    assert!(length < 2_000, "{length} bytes for a file that is part of the base");
}

#[test]
fn row_39_a_wrong_base_is_found_out() {
    let bench = bench();
    fs::write(&bench.base, noise(3, 512 << 10)).unwrap();
    bench.refused("bad_patch");
}

#[test]
fn row_39_a_missing_end_is_found_out() {
    let bench = bench();
    let bytes = fs::read(&bench.patch).unwrap();
    for length in [0, 3, 10, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&bench.patch, &bytes[..length]).unwrap();
        bench.refused("bad_patch");
    }
}

#[test]
fn row_39_a_bomb_stops_at_the_signed_length() {
    let bench = bench();
    let zeros = zstd::stream::encode_all(&vec![0_u8; 64 << 20][..], 3).unwrap();
    fs::write(&bench.patch, &zeros).unwrap();
    let said = bench.refused("bad_patch");
    assert!(said.contains("does not declare"), "{said}");
    // The same bomb, with a header that lies about its length.
    let mut bomb = Encoder::new(Vec::new(), 3).unwrap();
    bomb.set_pledged_src_size(Some(64 << 20)).unwrap();
    bomb.write_all(&vec![0_u8; 64 << 20]).unwrap();
    let mut bomb = bomb.finish().unwrap();
    fs::write(&bench.patch, &bomb).unwrap();
    let said = bench.refused("bad_patch");
    assert!(said.contains("67108864"), "{said}");
    // Without the flag for a single segment a byte for the window stands before the length.
    let at = if bomb[4] & 0x20 == 0 { 6 } else { 5 };
    assert_eq!(bomb[at..at + 4], (64_u32 << 20).to_le_bytes());
    bomb[at..at + 4].copy_from_slice(&u32::try_from(bench.want.length).unwrap().to_le_bytes());
    fs::write(&bench.patch, &bomb).unwrap();
    bench.refused("bad_patch");
}

#[test]
fn what_does_not_fit_in_memory_is_left_to_a_full_download() {
    let bench = bench();
    for limit in [bench.want.length - 1, 0] {
        let error = apply(&bench.base, &bench.patch, &bench.out, &bench.want, limit).unwrap_err();
        assert_eq!(error.reason(), "too_large_for_patch");
    }
    let file = File::options().write(true).open(&bench.base).unwrap();
    file.set_len(DEFAULT_LIMIT + 1).unwrap();
    bench.refused("too_large_for_patch");
}

#[test]
fn a_missing_file_is_named() {
    let bench = bench();
    fs::remove_file(&bench.base).unwrap();
    let said = bench.refused("storage");
    assert!(said.contains("base"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn row_39_a_damaged_patch_never_passes(at: proptest::sample::Index, flip in 1_u8..) {
        let bench = bench();
        let mut bytes = fs::read(&bench.patch).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(&bench.patch, &bytes).unwrap();
        if bench.apply().is_ok() {
            prop_assert_eq!(Sha256Hex::of(&fs::read(&bench.out).unwrap()), bench.want.sha256);
        } else {
            prop_assert!(!bench.out.exists());
        }
    }
}
