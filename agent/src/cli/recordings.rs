//! What `replay` and `eval` share: files from the command line as recordings of one device.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::clock::Clock;
use crate::config::{Config, CsvSource, DeviceConfig, SourceConfig};
use crate::source::{SourceError, csv};
use crate::time::Timestamp;

/// The device that recordings are of: the one asked for, otherwise the first.
pub(super) fn device<'a>(config: &'a Config, id: Option<&str>) -> Result<&'a DeviceConfig> {
    let known = || config.devices.iter().map(|device| device.id.as_str()).collect::<Vec<_>>().join(", ");
    match id {
        None => config.devices.first().context("the configuration has no `[[device]]`: recordings need one"),
        Some(id) => config.devices.iter().find(|device| device.id == id).with_context(|| {
            format!("--device {id}: the configuration has no such device, only: {}", known())
        }),
    }
}

/// How the device's recordings are written.
fn form(device: &DeviceConfig) -> CsvSource {
    match &device.source {
        SourceConfig::Csv(csv) => csv.clone(),
        // Another source says nothing of files: all of it is found out from the file.
        SourceConfig::Mqtt(_) | SourceConfig::Simulate(_) => CsvSource {
            path: PathBuf::new(),
            delimiter: None,
            time_column: None,
            time_format: None,
            speed: 0.0,
        },
    }
}

/// The files meant by the arguments: a folder stands for the recordings in it, by name.
pub(super) fn files(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let mut files = Vec::new();
    for argument in arguments {
        files.extend(csv::recordings(argument)?);
    }
    Ok(files)
}

/// Plays recordings of the device, at `speed` times real time, 0 being as fast as possible.
pub(super) fn source(
    device: &DeviceConfig,
    files: Vec<PathBuf>,
    speed: f64,
    clock: Arc<dyn Clock>,
) -> csv::CsvSource {
    csv::CsvSource::new(&CsvSource { speed, ..form(device) }, &device.channels, files, clock)
}

/// The labels of a recording of the device; `None` when it has no such column.
pub(super) fn labels(
    device: &DeviceConfig,
    file: &Path,
    column: &str,
) -> Result<Option<Vec<(Timestamp, f64)>>, SourceError> {
    csv::read_labels(file, &form(device), column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_its_recordings_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "notes.md"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let single = folder.path().join("notes.md");
        let found = files(&[folder.path().into(), single.clone()]).unwrap();
        assert_eq!(found, [folder.path().join("a.csv"), folder.path().join("b.csv"), single]);
    }
}
