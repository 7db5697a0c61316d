//! What a device has learnt, kept over a restart: one small file per device, replaced durably.
//!
//! A file is bound to what it was learnt from. If the device's channels, their statistics or its
//! timing change, the file does not fit any more and the device is commissioned again: a
//! calibration for other signals would be worse than none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::DeviceConfig;
use crate::durable;

/// First bytes of a state file: a name and the version of the layout.
const MAGIC: [u8; 4] = *b"LSD1";
/// Magic, fingerprint of the device, CRC32 of the payload.
const HEADER: usize = 12;

/// Why a saved state is not used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Cut short, damaged, or not a state file.
    #[error("the file is damaged")]
    Damaged,
    /// Learnt from other channels or another timing.
    #[error("it was learnt with other channels or another timing")]
    OtherDevice,
}

/// The state file of one device.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    fingerprint: u32,
}

impl StateFile {
    /// The file of `device` in `folder`, which is created when missing.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn new(folder: &Path, device: &DeviceConfig) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(StateFile { path: folder.join(format!("{}.state", device.id)), fingerprint: fingerprint(device) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The saved state; `None` when there is none yet.
    ///
    /// # Errors
    /// When there is one that cannot be used.
    pub fn read(&self) -> io::Result<Option<Result<Vec<u8>, StateError>>> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(self.decode(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the saved state durably.
    ///
    /// # Errors
    /// What the file system answers; the old state then stands.
    pub fn write(&self, state: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(HEADER + state.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.fingerprint.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(state).to_le_bytes());
        bytes.extend_from_slice(state);
        durable::replace(&self.path, &bytes)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, StateError> {
        let (header, state) = bytes.split_at_checked(HEADER).ok_or(StateError::Damaged)?;
        if header[..4] != MAGIC || header[8..12] != crc32fast::hash(state).to_le_bytes() {
            return Err(StateError::Damaged);
        }
        if header[4..8] != self.fingerprint.to_le_bytes() {
            return Err(StateError::OtherDevice);
        }
        Ok(state.to_vec())
    }
}

/// What a calibration depends on: the channels in their order and the device's timing.
fn fingerprint(device: &DeviceConfig) -> u32 {
    let mut text = format!("{} {:?} {:?}", device.period, device.window, device.hop);
    for channel in &device.channels {
        text.push_str(&format!("\n{} {} {:?}", channel.name, channel.unit, channel.statistic));
    }
    crc32fast::hash(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{ChannelConfig, CsvSource, SourceConfig, Span};

    fn device(channels: &[&str]) -> DeviceConfig {
        let source = CsvSource {
            path: PathBuf::new(),
            delimiter: None,
            time_column: None,
            time_format: None,
            speed: 1.0,
        };
        DeviceConfig {
            id: "pump-1".into(),
            kind: None,
            period: Span::secs(1),
            lateness: None,
            window: None,
            hop: None,
            source: SourceConfig::Csv(source),
            channels: channels
                .iter()
                .map(|name| ChannelConfig { name: (*name).into(), ..ChannelConfig::default() })
                .collect(),
        }
    }

    #[test]
    fn what_was_written_is_read_back_and_nothing_is_read_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(folder.path(), &device(&["a", "b"])).unwrap();
        assert_eq!(file.read().unwrap(), None);
        file.write(b"learnt").unwrap();
        assert_eq!(file.read().unwrap(), Some(Ok(b"learnt".to_vec())));
    }

    #[test]
    fn a_state_learnt_from_other_channels_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        StateFile::new(folder.path(), &device(&["a", "b"])).unwrap().write(b"learnt").unwrap();
        let swapped = StateFile::new(folder.path(), &device(&["b", "a"])).unwrap();
        assert_eq!(swapped.read().unwrap(), Some(Err(StateError::OtherDevice)));
    }

    proptest! {
        #[test]
        fn a_damaged_state_is_refused(cut in 0usize..40, flip in 0usize..40) {
            let folder = tempfile::tempdir().unwrap();
            let file = StateFile::new(folder.path(), &device(&["a"])).unwrap();
            file.write(b"twenty-eight bytes of state!").unwrap();
            let whole = fs::read(file.path()).unwrap();
            let mut bytes = whole[..cut].to_vec();
            prop_assert!(file.decode(&bytes).is_err());
            bytes = whole;
            bytes[flip] ^= 1;
            prop_assert!(file.decode(&bytes).is_err());
        }
    }
}
