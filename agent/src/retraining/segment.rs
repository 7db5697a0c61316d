//! A file of rows: what its device is, then rows of one size. A row that is damaged is passed over;
//! the next one stands where it always stood.
//!
//! Form: 4 bytes [`MAGIC`], little-endian u32 length of the header, the header as JSON, its CRC-32,
//! then [rows](super::row).

use serde::{Deserialize, Serialize};

use super::row::{self, Row};
use crate::config::{DeviceConfig, Statistic};

const MAGIC: &[u8; 4] = b"LSR1";
/// Magic and length before the header.
const HEAD: usize = 8;
/// CRC-32 behind it.
const CRC: usize = 4;

/// What the rows of a file are of. Rows of other channels or another timing go into other files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The device's id.
    pub device: String,
    /// Time between two windows, in microseconds.
    pub tick_us: u64,
    /// Name, unit and statistic of each channel.
    pub channels: Vec<(String, String, Statistic)>,
}

impl Header {
    /// Of a device whose windows are so far apart.
    #[must_use]
    pub fn of(device: &DeviceConfig) -> Self {
        let channels = device.channels.iter();
        Header {
            device: device.id.clone(),
            tick_us: u64::try_from(device.hop().as_micros()).unwrap_or(u64::MAX),
            channels: channels.map(|c| (c.name.clone(), c.unit.clone(), c.statistic)).collect(),
        }
    }

    /// The bytes that a file begins with.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Text and numbers always become JSON.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.extend((json.len() as u32).to_le_bytes());
        bytes.extend(&json);
        bytes.extend(crc32fast::hash(&json).to_le_bytes());
        bytes
    }

    /// Bytes of each row.
    #[must_use]
    pub fn row_size(&self) -> usize {
        row::size(self.channels.len())
    }
}

/// A file as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// What the rows are of.
    pub header: Header,
    /// The rows that are whole, in their order.
    pub rows: Vec<Row>,
    /// Places where a row is not whole.
    pub damaged: u64,
    /// Bytes up to the end of the last whole row: from there on rows can be appended.
    pub usable: usize,
}

/// Reads a file; `None` when not even its header is whole.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Segment> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let (magic, length) = head.split_at(MAGIC.len());
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let (json, rest) = rest.split_at_checked(length)?;
    let (crc, body) = rest.split_first_chunk::<CRC>()?;
    if magic != MAGIC || crc32fast::hash(json) != u32::from_le_bytes(*crc) {
        return None;
    }
    let header: Header = serde_json::from_slice(json).ok()?;
    let size = header.row_size();
    let start = HEAD + length + CRC;
    let mut segment = Segment { header, rows: Vec::new(), damaged: 0, usable: start };
    for (index, bytes) in body.chunks(size).enumerate() {
        match Row::read(bytes).filter(|_| bytes.len() == size) {
            Some(row) => {
                segment.rows.push(row);
                segment.usable = start + (index + 1) * size;
            }
            None => segment.damaged += 1,
        }
    }
    Some(segment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::incident::fixtures::device;
    use crate::time::Timestamp;

    fn header() -> Header {
        Header::of(&device(&[("flow", "m3/h"), ("pressure", "bar")]))
    }

    fn rows(count: i64) -> Vec<Row> {
        let row = |n: i64| Row {
            time: Timestamp::from_millis(n * 1_000),
            marked: n % 3 == 0,
            values: vec![n as f64 / 7.0, -(n as f64)],
        };
        (1..=count).map(row).collect()
    }

    fn bytes(rows: &[Row]) -> Vec<u8> {
        let mut bytes = header().to_bytes();
        rows.iter().for_each(|row| row.write(&mut bytes));
        bytes
    }

    #[test]
    fn cut_at_every_byte_whole_rows_survive_and_nothing_is_invented() {
        let (rows, start) = (rows(9), header().to_bytes().len());
        let bytes = bytes(&rows);
        for cut in 0..=bytes.len() {
            let read = read(&bytes[..cut]);
            if cut < start {
                assert_eq!(read, None, "cut at {cut}");
                continue;
            }
            let read = read.unwrap();
            let whole = (cut - start) / header().row_size();
            assert_eq!(read.rows, rows[..whole], "cut at {cut}");
            assert_eq!(read.usable, start + whole * header().row_size());
            assert_eq!(read.damaged, u64::from((cut - start) % header().row_size() != 0));
        }
    }

    #[test]
    fn zeros_that_a_file_system_left_at_the_end_are_no_rows() {
        let rows = rows(3);
        let mut bytes = bytes(&rows);
        let whole = bytes.len();
        bytes.extend(vec![0; 4 * header().row_size() + 5]);
        let read = read(&bytes).unwrap();
        assert_eq!((read.rows, read.usable), (rows, whole));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_costs_the_row_it_hits(at in 0usize..10_000, bit in 0u8..8) {
            let (rows, start, size) = (rows(9), header().to_bytes().len(), header().row_size());
            let mut bytes = bytes(&rows);
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            match read(&bytes) {
                None => prop_assert!(at < start),
                Some(read) => {
                    prop_assert!(at >= start, "a damaged header passed");
                    let mut left = rows.clone();
                    left.remove((at - start) / size);
                    prop_assert_eq!((read.rows, read.damaged), (left, 1));
                }
            }
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
            let _ = read(&[&MAGIC[..], &bytes].concat());
        }
    }
}
