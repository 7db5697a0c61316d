//! Writes a bundle's folder as a tar: the same folder gives the same bytes, whoever packs it,
//! wherever and whenever.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::header::Header;
use super::{BLOCK, limit_of};
use crate::bundle::Bundle;
use crate::error::BundleError;
use crate::files::{self, Files, Folder};
use crate::manifest::{MANIFEST, Manifest};

/// Writes the bundle in `folder` as an archive. What is checked is what is written: every file is
/// read once.
///
/// # Errors
/// When the folder is no bundle, or holds a file that the manifest does not name; when `out`
/// cannot be written.
pub fn pack(folder: &Path, out: impl Write) -> Result<Manifest, BundleError> {
    let files = read(folder).map_err(|e| e.within(folder))?;
    let bundle = Bundle::from_files(&files).map_err(|e| e.within(folder))?;
    let named = bundle.manifest().files();
    if let Some(name) = files.keys().find(|name| *name != MANIFEST && !named.iter().any(|(_, n)| n == name)) {
        return Err(BundleError::Unnamed { file: folder.join(name) });
    }
    let members: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    write(&members, out)?;
    Ok(bundle.manifest().clone())
}

/// Writes an archive of any files: the manifest first, then by name. [`pack`] is what checks that
/// they are a bundle; the archive is sound only if their names are plain and different.
///
/// # Errors
/// When a name or a length does not fit in a header, or `out` cannot be written.
pub fn write(members: &[(&str, &[u8])], mut out: impl Write) -> Result<(), BundleError> {
    let mut members = members.to_vec();
    members.sort_by_key(|(name, _)| (*name != MANIFEST, *name));
    for (name, bytes) in members {
        let header = Header { name: name.to_owned(), length: files::length(bytes) };
        let too_long =
            || io::Error::new(io::ErrorKind::InvalidInput, "its name or length does not fit in a tar");
        let unwritable = |cause| BundleError::Unwritable { file: name.into(), cause };
        let block = header.block().ok_or_else(too_long).map_err(unwritable)?;
        let fill = header.length.next_multiple_of(BLOCK) - header.length;
        out.write_all(&block)
            .and_then(|()| out.write_all(bytes))
            // Less than a block, so it fits.
            .and_then(|()| out.write_all(&ZEROS[..fill as usize]))
            .map_err(unwritable)?;
    }
    let end = |out: &mut dyn Write| {
        out.write_all(&ZEROS)?;
        out.write_all(&ZEROS)?;
        out.flush()
    };
    end(&mut out).map_err(|cause| BundleError::Unwritable { file: "the archive".into(), cause })
}

const ZEROS: [u8; BLOCK as usize] = [0; BLOCK as usize];

/// Every file of the folder that the manifest names, and the names of all others, without their
/// content: they are refused anyhow, and may be anything.
fn read(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, BundleError> {
    let manifest = Folder(folder).read(MANIFEST, limit_of(MANIFEST))?;
    let mut files = BTreeMap::new();
    // A manifest that cannot be read names nothing: whoever checks the files says why.
    if let Some(parsed) = std::str::from_utf8(&manifest).ok().and_then(|text| Manifest::parse(text).ok()) {
        for (_, name) in parsed.files() {
            files.insert(name.to_owned(), Folder(folder).read(name, limit_of(name))?);
        }
    }
    files.insert(MANIFEST.to_owned(), manifest);
    let cannot = |cause| BundleError::Unreadable { file: "".into(), cause };
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name().to_string_lossy().into_owned();
        files.entry(name).or_default();
    }
    Ok(files)
}
