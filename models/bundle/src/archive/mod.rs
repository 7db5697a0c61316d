//! A bundle as one file: a plain tar that is read where it lies and never unpacked to run.
//!
//! Promise: [`Archive::open`] accepts regular files with plain names, each named once, inside the
//! file, and nothing else: whatever a tar can say beyond that is refused with the byte at which it
//! says it. It reads headers and padding only, a fixed number of them, and no input makes it panic,
//! read outside the file or hold more than a member's own length.

use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bundle::{self, Bundle, MAX_MANIFEST_BYTES, MAX_MODEL_BYTES};
use crate::digest::Sha256Hex;
use crate::error::BundleError;
use crate::files::{Files, unreadable};
use crate::manifest::{MANIFEST, Manifest};

mod header;
mod pack;
mod scan;
mod source;
mod unpack;

pub use pack::{pack, write};
pub use source::MemberReader;
pub use unpack::unpack;

use source::{Bytes, Shared, Source};

/// A tar is made of blocks of so many bytes.
pub(crate) const BLOCK: u64 = 512;
/// Three times what a manifest can name: room for later roles, not for mischief.
pub const MAX_MEMBERS: usize = 16;
/// No member is longer than the longest role.
pub const MAX_MEMBER_BYTES: u64 = MAX_MODEL_BYTES;
/// Zero blocks after the end: GNU tar fills up to 10 KiB, others to 64 KiB.
pub const MAX_PADDING: u64 = 64 << 10;

/// A bundle's tar, opened: its members are known and sound, none of them has been read.
#[derive(Clone, Debug)]
pub struct Archive {
    file: PathBuf,
    source: Arc<dyn Source>,
    members: Vec<Member>,
}

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its plain name.
    pub name: String,
    /// Where its content starts in the archive.
    pub offset: u64,
    /// How long its content is.
    pub length: u64,
}

impl Archive {
    /// Opens the archive at `file` and reads its headers.
    ///
    /// # Errors
    /// Names the byte at which it is no plain tar of regular files, and why.
    pub fn open(file: &Path) -> Result<Self, BundleError> {
        let cannot = |cause| BundleError::Unreadable { file: file.to_owned(), cause };
        // Asked before it is opened: opening a FIFO would wait for somebody to write to it.
        if !fs::metadata(file).map_err(cannot)?.is_file() {
            return Err(cannot(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
        }
        let opened = fs::File::open(file).map_err(cannot)?;
        Self::of(file.to_owned(), Arc::new(opened))
    }

    /// An archive that is read from somewhere else than a file.
    ///
    /// # Errors
    /// As for [`Archive::open`]; the archive is called `bundle.tar`.
    pub fn from_reader<R: Read + Seek + Send + 'static>(reader: R) -> Result<Self, BundleError> {
        Self::of(UNNAMED.into(), Arc::new(Shared::new(reader)))
    }

    /// An archive at hand; the bytes are copied.
    ///
    /// # Errors
    /// As for [`Archive::from_reader`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::of(UNNAMED.into(), Arc::new(Bytes(bytes.to_vec())))
    }

    fn of(file: PathBuf, source: Arc<dyn Source>) -> Result<Self, BundleError> {
        let members = scan::members(source.as_ref()).map_err(|refusal| refusal.of(&file))?;
        Ok(Archive { file, source, members })
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Its files, in their order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The file called `name`.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The content of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// When there is no such file, when it is longer, or when it cannot be read.
    pub fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
        Files::read(self, name, limit).map_err(|e| e.within(&self.file))
    }

    /// The manifest alone: a large model stays where it is.
    ///
    /// # Errors
    /// When there is none, or it cannot be.
    pub fn manifest(&self) -> Result<Manifest, BundleError> {
        bundle::read_manifest(self).map_err(|e| e.within(&self.file))
    }

    /// Reads a file straight out of the archive: for one that is too large to hold.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn reader(&self, name: &str) -> Result<MemberReader, BundleError> {
        self.find(name).map(|member| self.reader_of(member)).map_err(|e| e.within(&self.file))
    }

    /// The digest of the whole archive, as it is signed. Reads all of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn sha256(&self) -> Result<Sha256Hex, BundleError> {
        let whole = self
            .source
            .length()
            .and_then(|length| Sha256Hex::of_reader(MemberReader::new(Arc::clone(&self.source), 0, length)));
        whole.map_err(|cause| BundleError::Unreadable { file: self.file.clone(), cause })
    }

    fn find(&self, name: &str) -> Result<&Member, BundleError> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the archive has no such file");
        self.member(name).ok_or_else(|| unreadable(name, missing()))
    }

    fn reader_of(&self, member: &Member) -> MemberReader {
        MemberReader::new(Arc::clone(&self.source), member.offset, member.length)
    }
}

/// What an archive is called in messages that has no file.
const UNNAMED: &str = "bundle.tar";

impl Files for Archive {
    fn length(&self, name: &str) -> Result<u64, BundleError> {
        self.find(name).map(|member| member.length)
    }

    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
        let member = self.find(name)?;
        if member.length > limit {
            return Err(BundleError::TooLarge { file: name.into(), limit });
        }
        // The length was compared with the file's own: a header cannot make this large.
        let length = usize::try_from(member.length)
            .map_err(|_| unreadable(name, io::ErrorKind::OutOfMemory.into()))?;
        let mut bytes = vec![0; length];
        self.reader_of(member).read_exact(&mut bytes).map_err(|cause| unreadable(name, cause))?;
        Ok(bytes)
    }
}

impl Bundle {
    /// The bundle at `path`, which may be a folder or an archive.
    ///
    /// # Errors
    /// As for [`Bundle::load`] and [`Bundle::open`].
    pub fn at(path: &Path) -> Result<Self, BundleError> {
        if path.is_dir() { Self::load(path) } else { Self::open(path) }
    }

    /// The bundle in the archive at `file`: everything that [`Bundle::load`] checks of a folder,
    /// and that the archive holds nothing else.
    ///
    /// # Errors
    /// Names the file and key, or the byte of the archive, that stand in the way.
    pub fn open(file: &Path) -> Result<Self, BundleError> {
        Self::from_archive(&Archive::open(file)?)
    }

    /// The bundle in an archive that was opened before.
    ///
    /// # Errors
    /// As for [`Bundle::open`].
    pub fn from_archive(archive: &Archive) -> Result<Self, BundleError> {
        let bundle = Bundle::from_files(archive).map_err(|e| e.within(&archive.file))?;
        let named = bundle.manifest().files();
        for Member { name, .. } in archive.members() {
            if name != MANIFEST && !named.iter().any(|(_, file)| file == name) {
                return Err(BundleError::Unnamed { file: archive.file.join(name) });
            }
        }
        Ok(bundle)
    }

    /// The bundle in an archive that is read from somewhere else than a file.
    ///
    /// # Errors
    /// As for [`Bundle::open`].
    pub fn open_reader<R: Read + Seek + Send + 'static>(reader: R) -> Result<Self, BundleError> {
        Self::from_archive(&Archive::from_reader(reader)?)
    }

    /// The bundle in an archive at hand.
    ///
    /// # Errors
    /// As for [`Bundle::open`].
    pub fn from_bytes(archive: &[u8]) -> Result<Self, BundleError> {
        Self::from_archive(&Archive::from_bytes(archive)?)
    }
}

/// The most that a member called `name` may hold.
fn limit_of(name: &str) -> u64 {
    if name == MANIFEST { MAX_MANIFEST_BYTES } else { MAX_MEMBER_BYTES }
}

#[cfg(test)]
mod tests;
