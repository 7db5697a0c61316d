//! A bundle to publish, read whole and checked.

use std::path::Path;

use lineside_bundle::bundle::MAX_MODEL_BYTES;
use lineside_bundle::{Bundle, Manifest};

use super::RepositoryError;

/// A bundle is a model and a few smaller files; beyond this no device takes it.
pub const MAX_BUNDLE_BYTES: u64 = MAX_MODEL_BYTES + (64 << 20);

/// Reads the bundle at `file`, with its manifest. What is checked is what is returned: the file is
/// read once.
///
/// # Errors
/// When it cannot be read, is too large, or is not what its manifest says.
pub fn read(file: &Path) -> Result<(Vec<u8>, Manifest), RepositoryError> {
    let failed = |cause| RepositoryError::File { file: file.to_owned(), cause };
    let length = std::fs::metadata(file).map_err(failed)?.len();
    if length > MAX_BUNDLE_BYTES {
        return Err(RepositoryError::Refused(format!(
            "{}: {length} bytes, but a bundle has at most {MAX_BUNDLE_BYTES}",
            file.display()
        )));
    }
    let bytes = std::fs::read(file).map_err(failed)?;
    let manifest = Bundle::from_bytes(&bytes)
        .map_err(|cause| RepositoryError::Bundle { file: file.to_owned(), cause: Box::new(cause) })?
        .manifest()
        .clone();
    Ok((bytes, manifest))
}
