//! Goes over an archive's headers, once, and finds its members.

use std::io;
use std::path::Path;

use super::header::{Block, Header};
use super::source::Source;
use super::{BLOCK, MAX_MEMBERS, MAX_PADDING, Member};
use crate::error::BundleError;

/// Why an archive is refused, and where in it.
pub(super) enum Refusal {
    Problem { at: u64, problem: String },
    Unreadable(io::Error),
}

impl Refusal {
    pub(super) fn of(self, file: &Path) -> BundleError {
        match self {
            Refusal::Problem { at, problem } => BundleError::Archive { file: file.to_owned(), at, problem },
            Refusal::Unreadable(cause) => BundleError::Unreadable { file: file.to_owned(), cause },
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Unreadable(error)
    }
}

const ZERO: Block = [0; BLOCK as usize];

/// The members of an archive; all of them are inside it, and nothing lies between or behind.
pub(super) fn members(source: &dyn Source) -> Result<Vec<Member>, Refusal> {
    let whole = source.length()?;
    let refuse = |at: u64, problem: String| Err(Refusal::Problem { at, problem });
    let mut members: Vec<Member> = Vec::new();
    let mut at = 0;
    loop {
        let block = read_block(source, at, whole)?;
        if block == ZERO {
            break;
        }
        let Header { name, length } =
            Header::parse(&block).map_err(|problem| Refusal::Problem { at, problem })?;
        if members.len() == MAX_MEMBERS {
            return refuse(at, format!("more than {MAX_MEMBERS} files"));
        }
        if members.iter().any(|other| other.name == name) {
            return refuse(at, format!("`{name}` is there twice"));
        }
        let offset = at + BLOCK;
        // No overflow: a length is at most `MAX_MEMBER_BYTES`, `at` at most the file's length.
        let end = offset + length.next_multiple_of(BLOCK);
        if end > whole {
            let left = whole - offset;
            return refuse(at, format!("`{name}` has {length} bytes, but {left} are left in the file"));
        }
        check_zero(source, offset + length, end, || format!("bytes after the end of `{name}`"))?;
        members.push(Member { name, offset, length });
        at = end;
    }
    // A tar ends with two zero blocks; what is filled up behind them is zero too.
    if read_block(source, at + BLOCK, whole)? != ZERO {
        return refuse(at + BLOCK, "a single zero block instead of the two that end a tar".into());
    }
    if whole - at > MAX_PADDING {
        return refuse(at, format!("more than {MAX_PADDING} bytes follow the end"));
    }
    check_zero(source, at, whole, || "bytes after the end of the tar".into())?;
    Ok(members)
}

fn read_block(source: &dyn Source, at: u64, whole: u64) -> Result<Block, Refusal> {
    if at.checked_add(BLOCK).is_none_or(|end| end > whole) {
        let problem = "it ends here, in the middle: it is cut off, or no tar".into();
        return Err(Refusal::Problem { at: at.min(whole), problem });
    }
    let mut block = ZERO;
    read_exact(source, at, &mut block)?;
    Ok(block)
}

/// That only zeros lie from `from` up to `to`.
fn check_zero(
    source: &dyn Source,
    from: u64,
    to: u64,
    problem: impl FnOnce() -> String,
) -> Result<(), Refusal> {
    let mut at = from;
    while at < to {
        let mut block = ZERO;
        // At most a block, so it fits.
        let part = &mut block[..(to - at).min(BLOCK) as usize];
        read_exact(source, at, part)?;
        if let Some(first) = part.iter().position(|b| *b != 0) {
            return Err(Refusal::Problem { at: at + first as u64, problem: problem() });
        }
        at += part.len() as u64;
    }
    Ok(())
}

fn read_exact(source: &dyn Source, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match source.read_at(at, into) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                at += read as u64;
                into = &mut into[read..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
