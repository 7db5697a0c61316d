//! From the layouts of files and graphs to panels.

use super::quantize::{q4_0, q8_0};
use super::{Order, Panels, Weights, WeightsError};
use crate::blocks::{BLOCK, Line, Q4Block, Q8Block};
use crate::f16;
use crate::simd::LANES;

/// Bytes of ggml's `Q4_0`: a half-precision scale and sixteen bytes of nibbles.
const Q4_0_BYTES: usize = 18;

fn length(part: &'static str, expected: usize, found: usize) -> Result<(), WeightsError> {
    if expected == found { Ok(()) } else { Err(WeightsError::Length { part, expected, found }) }
}

/// Blocks along the columns.
fn blocks(cols: usize) -> Result<usize, WeightsError> {
    if cols.is_multiple_of(BLOCK) { Ok(cols / BLOCK) } else { Err(WeightsError::Cols { cols }) }
}

/// Thirty-two numbers of one row, in either order.
fn gather(
    values: &[f32],
    order: Order,
    (rows, cols): (usize, usize),
    row: usize,
    first: usize,
) -> [f32; BLOCK] {
    std::array::from_fn(|i| match order {
        Order::RowMajor => values[row * cols + first + i],
        Order::ColMajor => values[(first + i) * rows + row],
    })
}

impl Weights {
    /// Packs plain numbers as they are.
    ///
    /// # Errors
    /// If `values` are not `rows` times `cols`.
    pub fn f32(rows: usize, cols: usize, order: Order, values: &[f32]) -> Result<Self, WeightsError> {
        length("values", rows * cols, values.len())?;
        let mut lines = vec![Line::default(); rows.div_ceil(LANES) * cols];
        for (panel, lines) in lines.chunks_exact_mut(cols.max(1)).enumerate() {
            let first = panel * LANES;
            let height = LANES.min(rows - first);
            for (col, line) in lines.iter_mut().enumerate() {
                match order {
                    Order::RowMajor => {
                        for (r, to) in line.0[..height].iter_mut().enumerate() {
                            *to = values[(first + r) * cols + col];
                        }
                    }
                    Order::ColMajor => {
                        line.0[..height].copy_from_slice(&values[col * rows + first..][..height]);
                    }
                }
            }
        }
        Ok(Self { rows, cols, panels: Panels::F32(lines) })
    }

    /// Quantises plain numbers to eight bits by the rule of ggml's `Q8_0`.
    ///
    /// # Errors
    /// If `values` are not `rows` times `cols`, or `cols` is no multiple of 32.
    pub fn q8(rows: usize, cols: usize, order: Order, values: &[f32]) -> Result<Self, WeightsError> {
        length("values", rows * cols, values.len())?;
        let across = blocks(cols)?;
        let mut all = vec![Q8Block::ZERO; rows.div_ceil(LANES) * across];
        for row in 0..rows {
            for b in 0..across {
                let (scale, bytes) = q8_0(&gather(values, order, (rows, cols), row, b * BLOCK));
                all[row / LANES * across + b].set_row(row % LANES, scale, &bytes);
            }
        }
        Ok(Self { rows, cols, panels: Panels::Q8(all) })
    }

    /// Quantises plain numbers to four bits by the rule of ggml's `Q4_0`.
    ///
    /// # Errors
    /// If `values` are not `rows` times `cols`, or `cols` is no multiple of 32.
    pub fn q4(rows: usize, cols: usize, order: Order, values: &[f32]) -> Result<Self, WeightsError> {
        length("values", rows * cols, values.len())?;
        Self::q4_from(rows, cols, |row, b| q4_0(&gather(values, order, (rows, cols), row, b * BLOCK)))
    }

    /// Packs the four-bit weights of ONNX `MatMulNBits` with blocks of 32: `nibbles` as
    /// `[rows][cols / 32][16]` with the earlier element in the low nibble, `scales` as
    /// `[rows][cols / 32]`, and `zero_points`, where there are any, as `[rows][cols / 64 rounded up]`, two to
    /// a byte.
    ///
    /// # Errors
    /// If a part has another length, `cols` is no multiple of 32, or a zero point is not 8.
    pub fn q4_from_blocks(
        rows: usize,
        cols: usize,
        nibbles: &[u8],
        scales: &[f32],
        zero_points: Option<&[u8]>,
    ) -> Result<Self, WeightsError> {
        let across = blocks(cols)?;
        length("scales", rows * across, scales.len())?;
        length("nibbles", rows * across * BLOCK / 2, nibbles.len())?;
        if let Some(points) = zero_points {
            let stride = across.div_ceil(2);
            length("zero points", rows * stride, points.len())?;
            for row in 0..rows {
                for b in 0..across {
                    let found = points[row * stride + b / 2] >> (b % 2 * 4) & 15;
                    if found != 8 {
                        return Err(WeightsError::ZeroPoint { row, found });
                    }
                }
            }
        }
        Self::q4_from(rows, cols, |row, b| {
            let at = row * across + b;
            let block = &nibbles[at * BLOCK / 2..][..BLOCK / 2];
            let element = |i: usize| block[i / 2] >> (i % 2 * 4) & 15;
            (scales[at], std::array::from_fn(|i| element(i) | element(i + BLOCK / 2) << 4))
        })
    }

    /// Packs ggml's `Q4_0`: for each row its blocks of 18 bytes.
    ///
    /// # Errors
    /// If `bytes` has another length, or `cols` is no multiple of 32.
    pub fn q4_from_ggml(rows: usize, cols: usize, bytes: &[u8]) -> Result<Self, WeightsError> {
        let across = blocks(cols)?;
        length("bytes", rows * across * Q4_0_BYTES, bytes.len())?;
        let (all, _) = bytes.as_chunks::<Q4_0_BYTES>();
        Self::q4_from(rows, cols, |row, b| {
            let [low, high, nibbles @ ..] = all[row * across + b];
            (f16::from_bits(u16::from_le_bytes([low, high])), nibbles)
        })
    }

    /// Packs the scale and the sixteen bytes, in ggml's order, of each row's blocks.
    fn q4_from(
        rows: usize,
        cols: usize,
        block: impl Fn(usize, usize) -> (f32, [u8; 16]),
    ) -> Result<Self, WeightsError> {
        let across = blocks(cols)?;
        let mut all = vec![Q4Block::ZERO; rows.div_ceil(LANES) * across];
        for row in 0..rows {
            for b in 0..across {
                let (scale, bytes) = block(row, b);
                all[row / LANES * across + b].set_row(row % LANES, scale, &bytes);
            }
        }
        Ok(Self { rows, cols, panels: Panels::Q4(all) })
    }
}
