use std::fmt;

/// Why numbers do not make a matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightsError {
    /// Blocks need a whole number of them along the columns; such a matrix can be held in f32.
    Cols {
        /// Columns that there are.
        cols: usize,
    },
    /// A part has another length than the shape asks for.
    Length {
        /// Which part: values, nibbles, scales, zero points, bytes.
        part: &'static str,
        /// Elements that the shape asks for.
        expected: usize,
        /// Elements that there are.
        found: usize,
    },
    /// Weights are symmetric about nibble 8; others must be dequantised by the caller.
    ZeroPoint {
        /// The row whose zero point differs.
        row: usize,
        /// The zero point.
        found: u8,
    },
}

impl fmt::Display for WeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cols { cols } => {
                write!(f, "{cols} columns are no whole number of blocks of 32: keep the matrix in f32")
            }
            Self::Length { part, expected, found } => {
                write!(f, "{part}: {found} elements, but the shape asks for {expected}")
            }
            Self::ZeroPoint { row, found } => write!(
                f,
                "row {row} has the zero point {found}, but only 8 (symmetric weights) can be packed: dequantise the matrix"
            ),
        }
    }
}

impl std::error::Error for WeightsError {}
