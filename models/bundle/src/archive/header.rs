//! One header of a tar: what is accepted, what is written.

use super::{BLOCK, limit_of};
use crate::manifest::{is_plain, plain_rule};

/// A header's bytes.
pub(super) type Block = [u8; BLOCK as usize];

/// What a header that is accepted says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) length: u64,
}

// Fields of the POSIX ustar header: IEEE Std 1003.1, `pax`, "ustar Interchange Format".
const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const OWNER: std::ops::Range<usize> = 108..116;
const GROUP: std::ops::Range<usize> = 116..124;
const SIZE: std::ops::Range<usize> = 124..136;
const MODIFIED: std::ops::Range<usize> = 136..148;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const KIND: usize = 156;
const LINK: std::ops::Range<usize> = 157..257;
const MAGIC: std::ops::Range<usize> = 257..265;
/// ustar keeps the front of long paths here, GNU tar other times and sparse maps.
const PREFIX: std::ops::Range<usize> = 345..512;

const USTAR: &[u8] = b"ustar\x0000";
const GNU: &[u8] = b"ustar  \x00";
/// Anybody may read a bundle, its owner may replace it.
const PLAIN_MODE: &[u8] = b"0000644\0";

impl Header {
    /// Reads a header.
    pub(super) fn parse(block: &Block) -> Result<Self, String> {
        let stated = octal(&block[CHECKSUM]).ok_or("its checksum is no number: this is no tar header")?;
        if stated != checksum(block) {
            return Err(format!("its checksum is {}, the header says {stated}", checksum(block)));
        }
        if block[MAGIC] != *USTAR && block[MAGIC] != *GNU {
            return Err("this is no ustar header".into());
        }
        check_kind(block[KIND])?;
        if block[LINK].iter().any(|b| *b != 0) {
            return Err("a regular file with a link's target".into());
        }
        if block[PREFIX].iter().any(|b| *b != 0) {
            return Err("a path's prefix or other extended fields".into());
        }
        let name = name(&block[NAME])?;
        let length = octal(&block[SIZE]).ok_or_else(|| format!("`{name}`: its size is no octal number"))?;
        if length > limit_of(&name) {
            return Err(format!("`{name}`: {length} bytes, more than {} are not allowed", limit_of(&name)));
        }
        Ok(Header { name, length })
    }

    /// Writes a header that depends on name and length alone. `None` where they do not fit in one.
    pub(super) fn block(&self) -> Option<Block> {
        let mut block = [0; BLOCK as usize];
        block[NAME].get_mut(..self.name.len())?.copy_from_slice(self.name.as_bytes());
        block[MODE].copy_from_slice(PLAIN_MODE);
        block[OWNER].copy_from_slice(b"0000000\0");
        block[GROUP].copy_from_slice(b"0000000\0");
        let size = format!("{:011o}\0", self.length);
        if size.len() != SIZE.len() {
            return None;
        }
        block[SIZE].copy_from_slice(size.as_bytes());
        block[MODIFIED].copy_from_slice(b"00000000000\0");
        block[KIND] = b'0';
        block[MAGIC].copy_from_slice(USTAR);
        let sum = format!("{:06o}\0 ", checksum(&block));
        block[CHECKSUM].copy_from_slice(sum.as_bytes());
        Some(block)
    }
}

fn check_kind(kind: u8) -> Result<(), String> {
    let what = match kind {
        // NUL is how a regular file was written before POSIX.
        b'0' | 0 => return Ok(()),
        b'1' => "a hard link",
        b'2' => "a symbolic link",
        b'3' | b'4' => "a device",
        b'5' => "a folder",
        b'6' => "a FIFO",
        b'S' => "a sparse file",
        b'x' | b'g' | b'X' => "a pax extension",
        b'L' | b'K' | b'N' => "a GNU long name",
        other => return Err(format!("an entry of type `{}`, not a regular file", other.escape_ascii())),
    };
    Err(format!("{what}, not a regular file"))
}

fn name(field: &[u8]) -> Result<String, String> {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    let (name, rest) = field.split_at(end);
    if rest.iter().any(|b| *b != 0) {
        return Err("its name goes on after its end".into());
    }
    let name = std::str::from_utf8(name).map_err(|_| "its name is no UTF-8 text".to_owned())?;
    if is_plain(name) {
        return Ok(name.to_owned());
    }
    Err(format!("`{}` is no plain file name: {}", name.escape_debug(), plain_rule()))
}

/// An octal number as tar writes it: digits, with spaces before and spaces or NUL behind. GNU's
/// binary numbers, for more than 8 GiB, are none.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_start_matches(' ').trim_end_matches(['\0', ' ']);
    let digits = !text.is_empty() && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    if digits { u64::from_str_radix(text, 8).ok() } else { None }
}

/// The sum of the header's bytes, with its own field as spaces.
fn checksum(block: &Block) -> u64 {
    let all: u64 = block.iter().copied().map(u64::from).sum();
    let own: u64 = block[CHECKSUM].iter().copied().map(u64::from).sum();
    all - own + CHECKSUM.len() as u64 * u64::from(b' ')
}

/// Makes the checksum right again after a test has changed a header.
#[cfg(test)]
pub(super) fn repair(block: &mut [u8]) {
    let mut whole: Block = [0; BLOCK as usize];
    whole.copy_from_slice(block);
    block[CHECKSUM].copy_from_slice(format!("{:06o}\0 ", checksum(&whole)).as_bytes());
}
