//! The head of NumPy files of format 1.0 with little-endian f32 values in C order.

/// The bytes that every NumPy file begins with.
pub const MAGIC: &[u8] = b"\x93NUMPY";
/// Magic, two bytes of version, two of header length.
pub const PREFIX: usize = 10;
/// NumPy aligns the data so.
const ALIGNMENT: usize = 64;

/// The head of a file with values of this shape.
#[must_use]
pub fn header(shape: &[usize]) -> Vec<u8> {
    let shape: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    let padded = (PREFIX + text.len() + 1).next_multiple_of(ALIGNMENT) - PREFIX;
    text.push_str(&" ".repeat(padded - text.len() - 1));
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_begin_at_a_multiple_of_what_numpy_aligns_to() {
        for shape in [&[0_usize][..], &[2, 3], &[123_456, 61, 48]] {
            let head = header(shape);
            assert_eq!(head.len() % ALIGNMENT, 0);
            assert_eq!(head.last(), Some(&b'\n'));
        }
    }
}
