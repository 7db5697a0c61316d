//! Patches between two bundles that are worth a second way to the same bytes.

use std::path::Path;

use lineside_bundle::patch::{DEFAULT_LIMIT, PatchError, Wanted, apply, make};

/// A patch that is not under this part of the whole, in percent, is not kept.
const MOST_PERCENT: u64 = 60;

/// The patch from the bundle at `old` to the one at `new`, whose digest and length are `wanted`. It is
/// applied once, as a device will. None where it saves too little, or devices could not apply it.
///
/// # Errors
/// When a file cannot be read or written.
pub fn worthwhile(old: &Path, new: &Path, wanted: &Wanted) -> Result<Option<Vec<u8>>, PatchError> {
    let failed = |error| PatchError::File { path: "the folder for temporary files".into(), error };
    let folder = tempfile::tempdir().map_err(failed)?;
    let (patch, result) = (folder.path().join("patch"), folder.path().join("result"));
    let tried = make(old, new, &patch, DEFAULT_LIMIT).and_then(|length| {
        apply(old, &patch, &result, wanted, DEFAULT_LIMIT)?;
        Ok(length)
    });
    match tried {
        Ok(length) if length.saturating_mul(100) < wanted.length.saturating_mul(MOST_PERCENT) => {
            std::fs::read(&patch).map(Some).map_err(failed)
        }
        Ok(_) | Err(PatchError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use lineside_bundle::Sha256Hex;
    use sha2::{Digest, Sha256};

    use super::*;

    fn noise(seed: u64, length: usize) -> Vec<u8> {
        let blocks = (0u64..).flat_map(|at| Sha256::digest([seed, at].map(u64::to_be_bytes).concat()));
        blocks.take(length).collect()
    }

    fn files(old: &[u8], new: &[u8]) -> (tempfile::TempDir, PathBuf, PathBuf, Wanted) {
        let folder = tempfile::tempdir().unwrap();
        let [old_file, new_file] = ["old", "new"].map(|name| folder.path().join(name));
        std::fs::write(&old_file, old).unwrap();
        std::fs::write(&new_file, new).unwrap();
        let wanted = Wanted { sha256: Sha256Hex::of(new), length: new.len() as u64 };
        (folder, old_file, new_file, wanted)
    }

    #[test]
    fn a_patch_between_bundles_that_share_most_bytes_is_small() {
        let old = noise(1, 1 << 20);
        let mut new = old.clone();
        new.truncate((1 << 20) - 20_000);
        new.extend(noise(2, 25_000));
        let (_folder, old, new, wanted) = files(&old, &new);
        let patch = worthwhile(&old, &new, &wanted).unwrap().unwrap();
        assert!(patch.len() < 30_000, "{}", patch.len());
    }

    #[test]
    fn a_patch_that_saves_too_little_is_not_kept() {
        let (_folder, old, new, wanted) = files(&noise(1, 100_000), &noise(2, 100_000));
        assert_eq!(worthwhile(&old, &new, &wanted).unwrap(), None);
    }

    #[test]
    fn a_patch_that_does_not_give_the_bundle_is_an_error() {
        let (_folder, old, new, mut wanted) = files(&noise(1, 100_000), &noise(1, 100_001));
        wanted.sha256 = Sha256Hex::of(b"another");
        assert!(worthwhile(&old, &new, &wanted).is_err());
    }
}
