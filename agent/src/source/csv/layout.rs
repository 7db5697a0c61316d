//! Which column of a recording is what.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use super::time_format::TimeFormat;
use super::{file_error, open};
use crate::config::{self, ChannelConfig};
use crate::source::SourceError;

/// Delimiters that are looked for when none is given.
const DELIMITERS: [u8; 3] = *b",;\t";
/// Read buffer: large enough that the disk is asked seldom.
const BUFFER: usize = 256 << 10;

/// An open recording whose columns are known.
pub struct Layout {
    /// The rows behind the header.
    pub reader: csv::Reader<BufReader<File>>,
    /// Position of the time column.
    pub time: usize,
    /// How time is written.
    pub time_format: TimeFormat,
    /// Position of each channel's column.
    pub columns: Vec<usize>,
}

impl Layout {
    /// Opens a recording and finds its columns.
    pub fn open(
        path: &Path,
        settings: &config::CsvSource,
        channels: &[ChannelConfig],
    ) -> Result<Self, SourceError> {
        let mut layout = Layout::without_channels(path, settings)?;
        let headers = layout.reader.byte_headers().map_err(|e| file_error(path, &e))?.clone();
        for channel in channels {
            let name = channel.column.as_deref().unwrap_or(&channel.name);
            layout.columns.push(column(path, &headers, name)?);
        }
        Ok(layout)
    }

    /// Opens a recording and finds its time column only.
    pub fn without_channels(path: &Path, settings: &config::CsvSource) -> Result<Self, SourceError> {
        let mut file = BufReader::with_capacity(BUFFER, open(path)?);
        let io =
            |error: std::io::Error| SourceError::File { path: path.to_owned(), cause: error.to_string() };
        let delimiter = match settings.delimiter.and_then(|c| u8::try_from(c).ok()) {
            Some(given) => given,
            None => {
                let mut header = Vec::new();
                file.read_until(b'\n', &mut header).map_err(io)?;
                file.rewind().map_err(io)?;
                most_frequent(&header)
            }
        };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(file);
        let headers = reader.byte_headers().map_err(|e| file_error(path, &e))?.clone();
        if headers.iter().all(<[u8]>::is_empty) {
            let cause = "is empty; a header line with the columns' names is needed".into();
            return Err(SourceError::File { path: path.to_owned(), cause });
        }
        let time = match &settings.time_column {
            Some(name) => column(path, &headers, name)?,
            None => 0,
        };
        let time_format = TimeFormat::named(settings.time_format.as_deref());
        Ok(Layout { reader, time, time_format, columns: Vec::new() })
    }
}

fn most_frequent(header: &[u8]) -> u8 {
    let count = |delimiter: &u8| header.iter().filter(|byte| *byte == delimiter).count();
    // The last of equals wins in max_by_key; reversed, a comma wins where there is none at all.
    DELIMITERS.into_iter().rev().max_by_key(count).unwrap_or(b',')
}

/// Position of the column called `name`.
pub fn column(path: &Path, headers: &csv::ByteRecord, name: &str) -> Result<usize, SourceError> {
    let names: Vec<_> =
        headers.iter().map(|header| String::from_utf8_lossy(header).trim().to_owned()).collect();
    // A byte order mark belongs to the file, not to its first column.
    let found = names.iter().position(|header| header.trim_start_matches('\u{feff}') == name);
    found.ok_or_else(|| SourceError::File {
        path: path.to_owned(),
        cause: format!("has no column `{name}`; its columns are: {}", names.join(", ")),
    })
}
