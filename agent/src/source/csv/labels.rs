//! Labels of a recording, for evaluation: never an input of the detector.

use std::path::Path;

use super::file_error;
use super::layout::{Layout, column};
use super::number;
use crate::config;
use crate::source::SourceError;
use crate::time::Timestamp;

/// Time and label of every row whose time can be read; a label that is no number counts as 0.
/// `None` when the recording has no such column.
///
/// # Errors
/// When the file cannot be read.
pub fn read_labels(
    path: &Path,
    settings: &config::CsvSource,
    label: &str,
) -> Result<Option<Vec<(Timestamp, f64)>>, SourceError> {
    let mut layout = Layout::without_channels(path, settings)?;
    let headers = layout.reader.byte_headers().map_err(|e| file_error(path, &e))?.clone();
    let Ok(label) = column(path, &headers, label) else { return Ok(None) };
    let mut labels = Vec::new();
    let mut row = csv::ByteRecord::new();
    while layout.reader.read_byte_record(&mut row).map_err(|e| file_error(path, &e))? {
        if let Some(time) = row.get(layout.time).and_then(|field| layout.time_format.parse(field)) {
            let value = row.get(label).map_or(0.0, |field| number(field).unwrap_or(0.0));
            labels.push((time, value));
        }
    }
    Ok(Some(labels))
}
