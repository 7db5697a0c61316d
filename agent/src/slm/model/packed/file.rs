//! The parts of an ONNX file, as ranges of its bytes.

use std::ops::Range;

/// `TensorProto.FLOAT`.
pub(super) const FLOAT: u8 = 1;
/// `TensorProto.UINT8`.
pub(super) const UINT8: u8 = 2;
/// `TensorProto.INT4`: two numbers a byte, from -8 to 7.
pub(super) const INT4: u8 = 22;
/// What turns two signed nibbles into two around 8.
pub(super) const SIGNS: u8 = 0x88;

/// A field of a message: its number, where it begins and ends, and its content.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub number: u64,
    pub whole: Range<usize>,
    /// Of a field with a length; the value's bytes of any other.
    pub content: Range<usize>,
    pub varint: u64,
}

/// The fields of the message that lies in `range` of `bytes`; nothing where that is no message.
pub(super) fn fields(bytes: &[u8], range: Range<usize>) -> Option<Vec<Field>> {
    let mut at = range.start;
    let mut fields = vec![];
    while at < range.end {
        let start = at;
        let key = varint(bytes, &mut at, range.end)?;
        let (content, value) = match key & 7 {
            0 => {
                let from = at;
                let value = varint(bytes, &mut at, range.end)?;
                (from..at, value)
            }
            1 => (at..at.checked_add(8)?, 0),
            2 => {
                let length = usize::try_from(varint(bytes, &mut at, range.end)?).ok()?;
                (at..at.checked_add(length)?, 0)
            }
            5 => (at..at.checked_add(4)?, 0),
            _ => return None,
        };
        if content.end > range.end {
            return None;
        }
        at = content.end;
        fields.push(Field { number: key >> 3, whole: start..at, content, varint: value });
    }
    Some(fields)
}

fn varint(bytes: &[u8], at: &mut usize, end: usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(..end)?.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// A varint, as it is written.
pub(super) fn written(mut value: u64) -> Vec<u8> {
    let mut out = vec![];
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A tensor of the file whose values lie in it as bytes.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub name: String,
    pub dims: Vec<u64>,
    pub kind: u64,
    pub raw: Range<usize>,
}

impl Tensor {
    pub fn read(bytes: &[u8], range: Range<usize>) -> Option<Tensor> {
        let mut tensor = Tensor { name: String::new(), dims: vec![], kind: 0, raw: 0..0 };
        for field in fields(bytes, range)? {
            match field.number {
                1 if bytes[field.whole.start] & 7 == 2 => {
                    let mut at = field.content.start;
                    while at < field.content.end {
                        tensor.dims.push(varint(bytes, &mut at, field.content.end)?);
                    }
                }
                1 => tensor.dims.push(field.varint),
                2 => tensor.kind = field.varint,
                8 => tensor.name = text(bytes, field.content)?,
                9 => tensor.raw = field.content,
                _ => {}
            }
        }
        Some(tensor)
    }
}

/// A node of the graph.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub operator: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    /// The whole numbers among its attributes.
    pub numbers: Vec<(String, i64)>,
}

impl Node {
    pub fn read(bytes: &[u8], range: Range<usize>) -> Option<Node> {
        let mut node = Node::default();
        for field in fields(bytes, range)? {
            match field.number {
                1 => node.inputs.push(text(bytes, field.content)?),
                2 => node.outputs.push(text(bytes, field.content)?),
                4 => node.operator = text(bytes, field.content)?,
                5 => {
                    let (mut name, mut number) = (None, None);
                    for part in fields(bytes, field.content)? {
                        match part.number {
                            1 => name = text(bytes, part.content),
                            3 => number = Some(part.varint as i64),
                            _ => {}
                        }
                    }
                    node.numbers.extend(name.zip(number));
                }
                _ => {}
            }
        }
        Some(node)
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.numbers.iter().find(|(other, _)| other == name).map(|(_, number)| *number)
    }
}

fn text(bytes: &[u8], range: Range<usize>) -> Option<String> {
    String::from_utf8(bytes[range].to_vec()).ok()
}
