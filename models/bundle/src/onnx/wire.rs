//! The protobuf wire format, as far as ONNX uses it: one pass over borrowed bytes.

/// What is wrong, and at which byte of the file.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: u64,
    pub(super) problem: String,
}

/// The fields of one message.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    /// Where `bytes` starts in the file.
    at: u64,
}

/// One field of a message.
#[derive(Debug)]
pub(super) struct Field<'a> {
    /// Its number in the message's definition.
    pub(super) number: u32,
    /// Where it starts in the file.
    pub(super) at: u64,
    pub(super) value: Value<'a>,
}

/// What a field holds.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Varint(u64),
    /// Eight or four bytes, which nothing here looks at.
    Fixed,
    /// A text, a message or packed numbers, with the place of its first byte.
    Bytes(&'a [u8], u64),
}

/// A varint holds 64 bits, seven in each byte.
const MAX_VARINT: usize = 10;

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Fields { bytes, at: 0 }
    }

    pub(super) fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault { at: self.at, problem: problem.into() }
    }

    fn broken(&self) -> Fault {
        self.fault("is no ONNX file: the protobuf is broken or cut off here")
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(|| self.broken())?;
        self.bytes = rest;
        // A slice is never longer than a u64 can count.
        self.at += length as u64;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0_u64;
        for at in 0..MAX_VARINT {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << (7 * at);
            // The tenth byte has room for one bit: the others would be lost.
            if shifted >> (7 * at) != bits {
                return Err(self.broken());
            }
            value |= shifted;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.broken())
    }

    fn field(&mut self) -> Result<Field<'a>, Fault> {
        let at = self.at;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| self.broken())?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Fixed
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| self.broken())?;
                let start = self.at;
                Value::Bytes(self.take(length)?, start)
            }
            5 => {
                self.take(4)?;
                Value::Fixed
            }
            // 3 and 4 are groups, which ONNX has never had.
            _ => return Err(self.broken()),
        };
        Ok(Field { number, at, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            // What follows a broken field has no meaning.
            self.bytes = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    /// The bytes of a text.
    pub(super) fn text(&self) -> Result<&'a [u8], Fault> {
        self.message().map(|fields| fields.bytes)
    }

    /// The fields of a message.
    pub(super) fn message(&self) -> Result<Fields<'a>, Fault> {
        match self.value {
            Value::Bytes(bytes, at) => Ok(Fields { bytes, at }),
            _ => Err(Fault {
                at: self.at,
                problem: format!("is no ONNX file: field {} has another type", self.number),
            }),
        }
    }
}
