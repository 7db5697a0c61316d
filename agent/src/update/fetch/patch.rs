//! Patches, as far as the agent needs them: within its memory, and with a word for the report.

use std::path::Path;

pub use lineside_bundle::patch::{DEFAULT_LIMIT, PatchError};

use super::Wanted;

/// Writes to `out` what `patch` makes of `base`, and syncs it.
///
/// # Errors
/// When it does not lead to what is wanted; then there is no `out`, and the whole bundle is fetched.
pub fn apply(base: &Path, patch: &Path, out: &Path, want: &Wanted) -> Result<(), PatchError> {
    lineside_bundle::patch::apply(base, patch, out, want, DEFAULT_LIMIT)
}
