//! The mark: a tiny file beside the database that says how much was durable.
//!
//! A damaged database may open without an error and hold less than it did: cut to half its
//! length, it opens empty. Only something outside it can tell. The mark is written after the
//! commits that it speaks of, so a sound database always holds at least as much; it is replaced
//! durably, at most about once a second because each replacement costs a flash card several
//! blocks. It also keeps the boot count.

use std::path::Path;
use std::{fmt, fs, io};

use crate::durable;

/// What was durable when the mark was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The count of starts.
    pub boot: u32,
    /// The highest sequence of this boot that was durable; 0 before the first.
    pub durable: u64,
    /// Every sequence of this boot up to here had left the outbox.
    pub acknowledged: u64,
    /// Records that were stored, of all boots.
    pub stored: u64,
}

/// What reading the mark found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A sound mark.
    Sound(Mark),
    /// No file.
    Missing,
    /// A file that is not a mark.
    Damaged,
}

impl Mark {
    /// Replaces the mark at `path`, durably.
    ///
    /// # Errors
    /// What the file system answers; the old mark then stands.
    pub fn write(self, path: &Path) -> io::Result<()> {
        durable::replace(path, self.to_string().as_bytes())
    }

    /// Reads the mark at `path`.
    ///
    /// # Errors
    /// When the file is there but cannot be read.
    pub fn read(path: &Path) -> io::Result<Reading> {
        match fs::read(path) {
            Ok(bytes) => Ok(Mark::parse(&bytes).map_or(Reading::Damaged, Reading::Sound)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Reading::Missing),
            Err(error) => Err(error),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut fields = text.strip_prefix("lineside-outbox-mark 1 ")?.split_whitespace();
        let mut field = |name: &str| fields.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
        let mark = Mark {
            boot: u32::try_from(field("boot")?).ok()?,
            durable: field("durable")?,
            acknowledged: field("acknowledged")?,
            stored: field("stored")?,
        };
        // Written again, a sound mark is the same text, its checksum included.
        (mark.to_string() == text).then_some(mark)
    }
}

/// The text of the file.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mark { boot, durable, acknowledged, stored } = self;
        let text = format!(
            "lineside-outbox-mark 1 boot={boot} durable={durable} acknowledged={acknowledged} stored={stored}"
        );
        writeln!(f, "{text} crc={:08x}", crc32fast::hash(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reads_back_and_notices_a_flipped_bit(
            boot: u32, durable: u64, acknowledged: u64, stored: u64, at in 0_usize..1000, bit in 0_u8..8,
        ) {
            let mark = Mark { boot, durable, acknowledged, stored };
            let mut bytes = mark.to_string().into_bytes();
            prop_assert_eq!(Mark::parse(&bytes), Some(mark));
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(Mark::parse(&bytes), None);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Mark::parse(&bytes);
        }
    }

    #[test]
    fn a_missing_file_is_not_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mark");
        assert_eq!(Mark::read(&path).unwrap(), Reading::Missing);
        fs::write(&path, "").unwrap();
        assert_eq!(Mark::read(&path).unwrap(), Reading::Damaged);
        let mark = Mark { boot: 3, durable: 10, acknowledged: 4, stored: 6 };
        mark.write(&path).unwrap();
        assert_eq!(Mark::read(&path).unwrap(), Reading::Sound(mark));
    }
}
