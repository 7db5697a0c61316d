//! How numbers lie in memory: panels of sixteen rows, so that one vector holds the same columns of all
//! of them, and a vector of weights meets one broadcast group of inputs.

use crate::simd::LANES;

/// Columns that share one scale.
pub(crate) const BLOCK: usize = 32;
/// Columns that one 32-bit lane of a dot product takes in.
pub(crate) const GROUP: usize = 4;
/// Groups in a block.
pub(crate) const GROUPS: usize = BLOCK / GROUP;

/// One number of sixteen rows: a column of an f32 panel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Line(pub [f32; LANES]);

/// Sixteen rows by thirty-two columns of four-bit weights, each `scale[row] * (nibble - 8)`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Q4Block {
    pub scales: [f32; LANES],
    /// Byte `row * 4 + c` of line `l`: column `4 l + c` in its low nibble, column `16 + 4 l + c` in its
    /// high one.
    pub nibbles: [[u8; 64]; 4],
}

/// Sixteen rows by thirty-two columns of weights in -127..=127, each `scale[row] * value`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Q8Block {
    pub scales: [f32; LANES],
    /// Byte `row * 4 + c` of line `l`: column `4 l + c`.
    pub values: [[i8; 64]; 8],
}

/// Thirty-two inputs: `scale * value`. A block with a NaN or an infinity has the scale NaN.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct InputBlock {
    /// Eight groups of four values in -127..=127, each group as the bytes of one word.
    pub groups: [i32; GROUPS],
    pub scale: f32,
    /// -8 times the sum of the values: what makes of unsigned nibbles signed ones.
    pub offset: i32,
}

impl Q4Block {
    pub const ZERO: Self = Self { scales: [0.0; LANES], nibbles: [[0; 64]; 4] };

    /// Sets one row from the sixteen bytes of a ggml block.
    pub fn set_row(&mut self, row: usize, scale: f32, bytes: &[u8; 16]) {
        self.scales[row] = scale;
        for (line, four) in self.nibbles.iter_mut().zip(bytes.chunks_exact(GROUP)) {
            line[row * GROUP..][..GROUP].copy_from_slice(four);
        }
    }

    /// The weights of one row.
    pub fn row(&self, row: usize) -> [f32; BLOCK] {
        let mut out = [0.0; BLOCK];
        for (l, line) in self.nibbles.iter().enumerate() {
            for (c, byte) in line[row * GROUP..][..GROUP].iter().enumerate() {
                out[l * GROUP + c] = self.scales[row] * (f32::from(byte & 15) - 8.0);
                out[BLOCK / 2 + l * GROUP + c] = self.scales[row] * (f32::from(byte >> 4) - 8.0);
            }
        }
        out
    }
}

impl Q8Block {
    pub const ZERO: Self = Self { scales: [0.0; LANES], values: [[0; 64]; 8] };

    /// Sets one row; the values lie in -127..=127.
    pub fn set_row(&mut self, row: usize, scale: f32, values: &[i8; BLOCK]) {
        self.scales[row] = scale;
        for (line, four) in self.values.iter_mut().zip(values.chunks_exact(GROUP)) {
            line[row * GROUP..][..GROUP].copy_from_slice(four);
        }
    }

    /// The weights of one row.
    pub fn row(&self, row: usize) -> [f32; BLOCK] {
        let mut out = [0.0; BLOCK];
        for (to, line) in out.chunks_exact_mut(GROUP).zip(&self.values) {
            for (to, value) in to.iter_mut().zip(&line[row * GROUP..]) {
                *to = self.scales[row] * f32::from(*value);
            }
        }
        out
    }
}
