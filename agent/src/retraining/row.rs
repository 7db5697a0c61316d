//! One window as it lies in a file: time, mark, values, checksum; all little-endian.

use crate::time::Timestamp;

/// Time and mark before the values.
const HEAD: usize = 8 + 1;
/// CRC-32 behind them.
const CRC: usize = 4;

/// One window of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// End of the window.
    pub time: Timestamp,
    /// Whether an alarm stood or an incident was open.
    pub marked: bool,
    /// One value a channel, in the configuration's order; NaN is missing.
    pub values: Vec<f64>,
}

/// Bytes of a row of so many channels.
#[must_use]
pub fn size(channels: usize) -> usize {
    HEAD + channels * size_of::<f64>() + CRC
}

impl Row {
    /// Appends its bytes.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        let from = bytes.len();
        bytes.extend(self.time.as_micros().to_le_bytes());
        bytes.push(u8::from(self.marked));
        self.values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes.extend(crc32fast::hash(&bytes[from..]).to_le_bytes());
    }

    /// Reads it back; `None` when it is not whole.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (content, crc) = bytes.split_last_chunk::<CRC>()?;
        if crc32fast::hash(content) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (time, rest) = content.split_first_chunk::<8>()?;
        let (&mark, values) = rest.split_first()?;
        let (values, rest) = values.as_chunks::<8>();
        rest.is_empty().then(|| Row {
            time: Timestamp::from_micros(i64::from_le_bytes(*time)),
            marked: mark != 0,
            values: values.iter().map(|value| f64::from_le_bytes(*value)).collect(),
        })
    }
}
