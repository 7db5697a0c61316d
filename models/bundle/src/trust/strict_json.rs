//! JSON that means one thing only.
//!
//! Two readers of the same bytes must not see two documents: duplicate keys, floats, lone surrogates
//! and bytes after the end are refused. What is left costs one pass, at most [`MAX_DEPTH`] frames of
//! stack, and memory for the keys of the objects that are open: at most six times the input.

use std::borrow::Cow;

/// Deepest nesting: the deepest that TUF or a bundle's `custom` needs is some ten.
pub const MAX_DEPTH: usize = 32;
/// Most entries of the top level's `signatures`: each costs a verification. Thresholds are single digits.
pub const MAX_SIGNATURES: usize = 64;

/// Why a text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {problem}")]
pub struct Refused {
    /// Where, from 0.
    pub at: usize,
    /// What is wrong.
    pub problem: String,
}

/// Whether `bytes` is one strict JSON document.
///
/// # Errors
/// Names the first place that is not.
pub fn check(bytes: &[u8]) -> Result<(), Refused> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| Refused { at: e.valid_up_to(), problem: "not UTF-8".into() })?;
    let mut reader = Reader { text, at: 0, depth: 0 };
    reader.space();
    reader.value("")?;
    reader.space();
    if reader.at < text.len() {
        return reader.refuse("more text after the end of the document");
    }
    Ok(())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn refuse<T>(&self, problem: impl Into<String>) -> Result<T, Refused> {
        Err(Refused { at: self.at, problem: problem.into() })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The byte if it is next, and the space after it.
    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
            self.space();
        }
        found
    }

    /// A value. `key` is its name if it is a member of the top level, else empty.
    fn value(&mut self, key: &str) -> Result<(), Refused> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => {
                let limit = if key == "signatures" { MAX_SIGNATURES } else { usize::MAX };
                self.nested(|reader| reader.array(limit))
            }
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(_) => self.word(),
            None => self.refuse("ends where a value is due"),
        }
    }

    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Result<(), Refused>) -> Result<(), Refused> {
        if self.depth == MAX_DEPTH {
            return self.refuse(format!("nested deeper than {MAX_DEPTH}"));
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        inner(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn object(&mut self) -> Result<(), Refused> {
        let mut keys = Vec::new();
        let top = self.depth == 1;
        if self.accept(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.refuse("a key is due here");
            }
            let key = self.string()?;
            self.space();
            if !self.accept(b':') {
                return self.refuse("`:` is due here");
            }
            self.value(if top { &key } else { "" })?;
            keys.push(key);
            self.space();
            if self.accept(b',') {
                continue;
            }
            if self.peek() != Some(b'}') {
                return self.refuse("`,` or `}` is due here");
            }
            self.at += 1;
            break;
        }
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => self.refuse(format!("key `{}` is there twice", shortened(&pair[0]))),
            None => Ok(()),
        }
    }

    fn array(&mut self, limit: usize) -> Result<(), Refused> {
        if self.accept(b']') {
            return Ok(());
        }
        for _ in 0..limit {
            self.value("")?;
            self.space();
            if self.accept(b',') {
                continue;
            }
            if self.peek() != Some(b']') {
                return self.refuse("`,` or `]` is due here");
            }
            self.at += 1;
            return Ok(());
        }
        self.refuse(format!("more than {limit} signatures"))
    }

    fn word(&mut self) -> Result<(), Refused> {
        let rest = &self.text[self.at..];
        match ["true", "false", "null"].iter().find(|word| rest.starts_with(**word)) {
            Some(word) => {
                self.at += word.len();
                Ok(())
            }
            None => self.refuse("no JSON value"),
        }
    }

    fn integer(&mut self) -> Result<(), Refused> {
        let rest = &self.text[self.at..];
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let number = &rest[..sign + digits];
        if rest[number.len()..].starts_with(['.', 'e', 'E']) {
            return self.refuse("a number that is no integer");
        }
        let padded = digits == 0 || (rest[sign..].starts_with('0') && number != "0");
        if padded || (number.parse::<i64>().is_err() && number.parse::<u64>().is_err()) {
            return self.refuse("an integer is written without leading zeros and fits 64 bits");
        }
        self.at += number.len();
        Ok(())
    }

    /// A string, unescaped. Borrowed unless it has escapes.
    fn string(&mut self) -> Result<Cow<'a, str>, Refused> {
        self.at += 1;
        let mut unescaped: Option<String> = None;
        loop {
            let rest = &self.text[self.at..];
            let run = rest.bytes().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count();
            let plain = &rest[..run];
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(plain),
                        Some(text) => Cow::Owned(text + plain),
                    });
                }
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(plain);
                    let escaped = self.escape()?;
                    unescaped.get_or_insert_default().push(escaped);
                }
                Some(_) => return self.refuse("a control character in a string"),
                None => return self.refuse("a string without an end"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Refused> {
        self.at += 1;
        let Some(kind) = self.peek() else { return self.refuse("a string without an end") };
        self.at += 1;
        Ok(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.refuse("no escape of JSON"),
        })
    }

    fn unicode(&mut self) -> Result<char, Refused> {
        let first = self.unit()?;
        let high = (0xd800..0xdc00).contains(&first);
        let scalar = if high && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let second = self.unit()?;
            if (0xdc00..0xe000).contains(&second) {
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            } else {
                first
            }
        } else {
            first
        };
        char::from_u32(scalar).map_or_else(|| self.refuse("half of a surrogate pair"), Ok)
    }

    fn unit(&mut self) -> Result<u32, Refused> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => self.refuse("four hexadecimal digits are due here"),
        }
    }
}

/// Enough of a key to find it; it may be megabytes of somebody else's choosing.
fn shortened(key: &str) -> String {
    const SHOWN: usize = 40;
    key.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
