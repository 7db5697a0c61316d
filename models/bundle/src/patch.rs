//! Patches between two bundles: zstd with the older bundle as its reference prefix.
//!
//! Promise: [`apply`] leaves either the file that was wanted, synced, or none. It never writes more
//! than the wanted length and never holds more than the base and the result in memory, whatever
//! the patch says of itself.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zstd::stream::{read::Decoder, write::Encoder};
use zstd::zstd_safe;

use crate::Sha256Hex;

/// Bases and results up to here are patched in memory; gateways have a few hundred MiB.
pub const DEFAULT_LIMIT: u64 = 64 << 20;

/// Made once on a big machine, fetched by every device: as small as is affordable.
const LEVEL: i32 = 19;

/// What zstd can do on 32-bit boards.
const LARGEST_WINDOW_LOG: u32 = 30;

/// What zstd accepts at least.
const SMALLEST_WINDOW_LOG: u32 = 10;

/// Bytes in which files are copied.
const CHUNK: usize = 64 << 10;

/// The longest header of a zstd frame.
const FRAME_HEADER: u64 = 18;

/// The file that a fetch or patch shall result in, as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The digest.
    pub sha256: Sha256Hex,
    /// The length in bytes.
    pub length: u64,
}

/// Why there is no result. In every case the whole bundle can be fetched instead.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// Base or result are beyond the memory that may be used.
    #[error("{what} has {length} bytes, patches are applied up to {limit}; fetch the whole bundle")]
    TooLarge {
        /// Which file.
        what: String,
        /// Its length.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// The patch does not lead from this base to the wanted file.
    #[error("{path}: is no patch from this base to the wanted file ({why}); fetch the whole bundle")]
    Bad {
        /// The patch.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {error}; check the disk")]
    File {
        /// The file.
        path: String,
        /// What the file system answers.
        error: io::Error,
    },
}

impl PatchError {
    /// The word for reports.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            PatchError::TooLarge { .. } => "too_large_for_patch",
            PatchError::Bad { .. } => "bad_patch",
            PatchError::File { error, .. } => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk_full",
                _ => "storage",
            },
        }
    }

    fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| PatchError::File { path: path.display().to_string(), error }
    }
}

/// Writes to `out` what `patch` makes of `base`, and syncs it. `limit` bounds base and result, which
/// are held in memory.
///
/// # Errors
/// When the patch does not lead to what is wanted, or a file fails; then there is no `out`.
pub fn apply(base: &Path, patch: &Path, out: &Path, want: &Wanted, limit: u64) -> Result<(), PatchError> {
    let done = write(base, patch, out, want, limit);
    if done.is_err() {
        // Nothing more can be done about a file that cannot be removed; the next attempt truncates it.
        let _ = fs::remove_file(out);
    }
    done
}

fn write(base: &Path, patch: &Path, out: &Path, want: &Wanted, limit: u64) -> Result<(), PatchError> {
    let bad = |why: String| PatchError::Bad { path: patch.display().to_string(), why };
    if want.length > limit {
        return Err(PatchError::TooLarge { what: "the result".into(), length: want.length, limit });
    }
    let prefix = read(base, limit)?;
    declared_length(patch, want.length)?;
    let source = BufReader::new(File::open(patch).map_err(PatchError::file(patch))?);
    let zstd = |error: io::Error| bad(error.to_string());
    let mut decoder = Decoder::with_ref_prefix(source, &prefix).map_err(zstd)?.single_frame();
    decoder.window_log_max(window_log(&prefix, want.length)).map_err(zstd)?;
    let mut file = File::create(out).map_err(PatchError::file(out))?;
    let mut hasher = Sha256::new();
    let mut left = want.length;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = decoder.read(&mut chunk).map_err(zstd)?;
        if count == 0 {
            break;
        }
        left =
            left.checked_sub(count as u64).ok_or_else(|| bad(format!("more than {} bytes", want.length)))?;
        hasher.update(&chunk[..count]);
        file.write_all(&chunk[..count]).map_err(PatchError::file(out))?;
    }
    if left > 0 {
        return Err(bad(format!("{left} bytes are missing")));
    }
    if hex::encode(hasher.finalize()) != want.sha256.as_str() {
        return Err(bad("the result has another digest".into()));
    }
    file.sync_all().map_err(PatchError::file(out))
}

/// Writes a patch from `base` to `new` into `out`; returns its length. `limit` as for [`apply`]: what
/// devices could not apply is not made.
///
/// # Errors
/// When a file is beyond `limit`, or cannot be read or written.
pub fn make(base: &Path, new: &Path, out: &Path, limit: u64) -> Result<u64, PatchError> {
    let (prefix, target) = (read(base, limit)?, read(new, limit)?);
    let failed = PatchError::file(out);
    let file = File::create(out).map_err(&failed)?;
    let mut encoder = Encoder::with_ref_prefix(file, LEVEL, &prefix).map_err(&failed)?;
    encoder.window_log(window_log(&prefix, target.len() as u64)).map_err(&failed)?;
    encoder.long_distance_matching(true).map_err(&failed)?;
    encoder.set_pledged_src_size(Some(target.len() as u64)).map_err(&failed)?;
    encoder.include_contentsize(true).map_err(&failed)?;
    encoder.write_all(&target).map_err(&failed)?;
    let file = encoder.finish().map_err(&failed)?;
    file.sync_all().map_err(&failed)?;
    Ok(file.metadata().map_err(&failed)?.len())
}

/// A frame that declares its length needs no more memory than that.
fn declared_length(patch: &Path, wanted: u64) -> Result<(), PatchError> {
    let mut head = Vec::new();
    let file = File::open(patch).map_err(PatchError::file(patch))?;
    file.take(FRAME_HEADER).read_to_end(&mut head).map_err(PatchError::file(patch))?;
    let why = match zstd_safe::get_frame_content_size(&head) {
        Ok(Some(length)) if length == wanted => return Ok(()),
        Ok(Some(length)) => format!("it makes {length} bytes, {wanted} are wanted"),
        Ok(None) => "it does not declare its length".into(),
        Err(_) => "it is no zstd frame".into(),
    };
    Err(PatchError::Bad { path: patch.display().to_string(), why })
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, PatchError> {
    let file = File::open(path).map_err(PatchError::file(path))?;
    let length = file.metadata().map_err(PatchError::file(path))?.len();
    let mut bytes = Vec::new();
    if length <= limit {
        // Room for all at once: growing by doubling would take twice the memory.
        bytes.reserve_exact(usize::try_from(length).unwrap_or(0));
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(PatchError::file(path))?;
    }
    let length = length.max(bytes.len() as u64);
    if length > limit {
        return Err(PatchError::TooLarge { what: path.display().to_string(), length, limit });
    }
    Ok(bytes)
}

/// A window from which all of the base can be reached up to the last byte of the result.
fn window_log(base: &[u8], length: u64) -> u32 {
    let reach = (base.len() as u64).saturating_add(length);
    (u64::BITS - reach.leading_zeros()).clamp(SMALLEST_WINDOW_LOG, LARGEST_WINDOW_LOG)
}

#[cfg(test)]
mod tests;
