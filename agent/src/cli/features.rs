//! `lineside features`, for those who train a detector: the agent's own feature bank over
//! recordings of one channel each, so that no second implementation of it exists.
//!
//! Input and output are NumPy files of format 1.0: little-endian f64 `[streams, ticks]` with
//! NaN for a missing sample, and little-endian f32 `[streams, ticks, inputs]`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};

use super::numpy::{MAGIC, PREFIX, header};
use crate::detect::bank::{Bank, INPUTS};

/// Reads streams of one channel each and writes the scorer's inputs for every tick.
///
/// # Errors
/// When a file cannot be read or written, or is not what the module's head describes.
pub fn run(input: &Path, output: &Path) -> anyhow::Result<()> {
    let file = File::open(input).with_context(|| input.display().to_string())?;
    let mut reader = BufReader::new(file);
    let [streams, ticks] = read_header(&mut reader).with_context(|| input.display().to_string())?;
    let file = File::create(output).with_context(|| output.display().to_string())?;
    let mut writer = BufWriter::new(file);
    writer.write_all(&header(&[streams, ticks, INPUTS]))?;

    let mut row = vec![0.0_f32; INPUTS];
    let mut bytes = vec![0_u8; INPUTS * size_of::<f32>()];
    for stream in 0..streams {
        let mut bank = Bank::new(1);
        for tick in 0..ticks {
            let mut value = [0; size_of::<f64>()];
            reader
                .read_exact(&mut value)
                .with_context(|| format!("{}: ends in stream {stream}, tick {tick}", input.display()))?;
            bank.push(&[f64::from_le_bytes(value)], true);
            bank.inputs(&mut row);
            for (cell, v) in bytes.chunks_exact_mut(size_of::<f32>()).zip(&row) {
                cell.copy_from_slice(&v.to_le_bytes());
            }
            writer.write_all(&bytes)?;
        }
    }
    writer.flush().with_context(|| output.display().to_string())
}

fn read_header(reader: &mut impl Read) -> anyhow::Result<[usize; 2]> {
    let mut prefix = [0; PREFIX];
    reader.read_exact(&mut prefix)?;
    ensure!(prefix.starts_with(MAGIC) && prefix[6] == 1, "not a NumPy file of format 1.0");
    let mut header = vec![0; usize::from(u16::from_le_bytes([prefix[8], prefix[9]]))];
    reader.read_exact(&mut header)?;
    let header = String::from_utf8_lossy(&header);
    ensure!(header.contains("'<f8'"), "the values must be little-endian f64: found {header}");
    ensure!(header.contains("'fortran_order': False"), "the values must be in C order: found {header}");
    let shape = header
        .split_once("'shape': (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(shape, _)| shape)
        .context("the header names no shape")?;
    let sizes: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    match sizes[..] {
        [streams, ticks] => Ok([streams, ticks]),
        _ => bail!("the shape must be [streams, ticks]: found ({shape})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numpy(description: &str, values: &[f64]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((description.len() as u16).to_le_bytes());
        bytes.extend(description.as_bytes());
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        bytes
    }

    fn convert(input: &[u8]) -> anyhow::Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        let (from, to) = (folder.path().join("in.npy"), folder.path().join("out.npy"));
        std::fs::write(&from, input)?;
        run(&from, &to)?;
        Ok(std::fs::read(&to)?)
    }

    const TWO_BY_THREE: &str = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n";

    #[test]
    fn every_tick_of_every_stream_becomes_a_row_of_inputs() {
        let output = convert(&numpy(TWO_BY_THREE, &[1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0])).unwrap();
        assert!(String::from_utf8_lossy(&output).contains("'shape': (2, 3, 36,)"));
        let length = usize::from(u16::from_le_bytes([output[8], output[9]]));
        assert_eq!(output.len(), PREFIX + length + 2 * 3 * INPUTS * size_of::<f32>());
    }

    #[test]
    fn a_file_that_is_cut_short_names_file_stream_and_tick() {
        let error = convert(&numpy(TWO_BY_THREE, &[1.0, 2.0, 3.0, 4.0])).unwrap_err().to_string();
        assert!(error.contains("in.npy: ends in stream 1, tick 1"), "{error}");
    }

    #[test]
    fn what_is_not_f64_of_two_dimensions_is_refused() {
        for wrong in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }",
        ] {
            assert!(convert(&numpy(wrong, &[0.0; 6])).is_err());
        }
    }
}
