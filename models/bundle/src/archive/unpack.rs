//! Writes an archive's files into a folder, for people: nothing that runs needs it.

use std::fs;
use std::io;
use std::path::Path;

use super::Archive;
use crate::error::BundleError;

/// Writes the files of `archive` into `folder`, which must not exist yet: nothing that is there
/// can be followed or replaced.
///
/// # Errors
/// When the folder exists, or a file cannot be read or written.
pub fn unpack(archive: &Archive, folder: &Path) -> Result<(), BundleError> {
    let unwritable = |file: &Path, cause| BundleError::Unwritable { file: file.to_owned(), cause };
    fs::create_dir(folder).map_err(|cause| unwritable(folder, cause))?;
    for member in archive.members() {
        // Names are plain: each file lies in the folder itself.
        let file = folder.join(&member.name);
        let mut reader = archive.reader_of(member);
        fs::File::create_new(&file)
            .and_then(|mut out| io::copy(&mut reader, &mut out))
            .map_err(|cause| unwritable(&file, cause))?;
    }
    Ok(())
}
