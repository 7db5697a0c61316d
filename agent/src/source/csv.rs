//! The `csv` source: recordings with a time column and one column per channel.
//!
//! A row that cannot be parsed is counted and skipped; a field that cannot is counted for its
//! channel, and the row's other fields are used. Only what makes the whole recording meaningless
//! is an error: an unreadable file, a missing column.

mod labels;
mod layout;
mod time_format;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::labels::read_labels;
use self::layout::Layout;
pub use self::time_format::TimeFormat;
use super::pace::Pace;
use super::{Batch, Sink, Source, SourceError};
use crate::clock::Clock;
use crate::config::{self, ChannelConfig};
use crate::signal::{BadSample, Sample};

/// Reads recordings.
pub struct CsvSource {
    settings: config::CsvSource,
    channels: Vec<ChannelConfig>,
    files: Vec<PathBuf>,
    pace: Pace,
}

impl CsvSource {
    /// A source over these files, in this order.
    #[must_use]
    pub fn new(
        settings: &config::CsvSource,
        channels: &[ChannelConfig],
        files: Vec<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        CsvSource {
            settings: settings.clone(),
            channels: channels.to_vec(),
            files,
            pace: Pace::new(settings.speed, clock),
        }
    }

    /// A source over the settings' own file or folder.
    ///
    /// # Errors
    /// When there is none, or it holds no recording.
    pub fn open(
        settings: &config::CsvSource,
        channels: &[ChannelConfig],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        Ok(CsvSource::new(settings, channels, recordings(&settings.path)?, clock))
    }

    fn read(&mut self, path: &Path, sink: &mut dyn Sink) -> Result<bool, SourceError> {
        let mut layout = Layout::open(path, &self.settings, &self.channels)?;
        let mut row = csv::ByteRecord::new();
        loop {
            let batch = match layout.reader.read_byte_record(&mut row) {
                Ok(false) => return Ok(true),
                Ok(true) => self.batch(&mut layout, &row),
                // Fields that do not match the header are counted; a disk that fails is not.
                Err(error) if error.is_io_error() => return Err(file_error(path, &error)),
                Err(_) => Batch { samples: Vec::new(), rejected: vec![(None, BadSample::Malformed)] },
            };
            if let Some(sample) = batch.samples.first()
                && self.pace.wait_for(sample.time, sink).is_break()
            {
                return Ok(false);
            }
            if sink.accept(batch).is_break() {
                return Ok(false);
            }
        }
    }

    fn batch(&self, layout: &mut Layout, row: &csv::ByteRecord) -> Batch {
        let Some(time) = row.get(layout.time).and_then(|field| layout.time_format.parse(field)) else {
            return Batch { samples: Vec::new(), rejected: vec![(None, BadSample::BadTimestamp)] };
        };
        let samples = layout.columns.iter().enumerate().map(|(channel, &column)| Sample {
            channel,
            time,
            value: row.get(column).map_or(Err(BadSample::Missing), number),
        });
        Batch { samples: samples.collect(), rejected: Vec::new() }
    }
}

impl Source for CsvSource {
    fn run(&mut self, sink: &mut dyn Sink) -> Result<(), SourceError> {
        for path in self.files.clone() {
            if !self.read(&path, sink)? {
                break;
            }
        }
        Ok(())
    }
}

/// What a field says.
pub(super) fn number(field: &[u8]) -> Result<f64, BadSample> {
    let text = std::str::from_utf8(field).map_err(|_| BadSample::NotANumber)?.trim();
    if text.is_empty() {
        return Err(BadSample::Missing);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(BadSample::NotFinite),
        Err(_) => Err(BadSample::NotANumber),
    }
}

/// The recordings at `path`: itself, or the folder's `.csv` and `.txt` files by name.
///
/// # Errors
/// When there is nothing to read.
pub fn recordings(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let wrong = |cause: String| SourceError::File { path: path.to_owned(), cause };
    if path.as_os_str().is_empty() {
        return Err(SourceError::Settings("source.path: names no file or folder to read".into()));
    }
    let about = fs::metadata(path).map_err(|e| wrong(format!("{e}; check `path`")))?;
    if !about.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| wrong(e.to_string()))? {
        let file = entry.map_err(|e| wrong(e.to_string()))?.path();
        if file.extension().is_some_and(|extension| extension == "csv" || extension == "txt") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(wrong("the folder holds no .csv or .txt file".into()));
    }
    Ok(files)
}

fn file_error(path: &Path, error: &csv::Error) -> SourceError {
    SourceError::File { path: path.to_owned(), cause: error.to_string() }
}

fn open(path: &Path) -> Result<File, SourceError> {
    File::open(path).map_err(|error| SourceError::File { path: path.to_owned(), cause: error.to_string() })
}

#[cfg(test)]
mod tests;
