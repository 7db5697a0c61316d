//! How a tokenizer's tokens spell text: what each of them adds to it, in bytes.
//!
//! Masks think in bytes, and a streamed answer must not wait for its end, so only tokenizers are
//! taken whose tokens can be read one by one.

use serde_json::Value;

use super::TokenizerError;

/// How the tokens of a file spell text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spelling {
    /// Each character stands for a byte, as in GPT-2.
    ByteLevel,
    /// Words with a space between them; what begins with `prefix` goes on with the word before.
    Words { prefix: Option<String>, cleanup: bool },
    /// `space` stands for a space, and is dropped from the first token where `drops_first`.
    Metaspace { space: char, drops_first: bool },
    /// Some strings stand for others, `<0x41>` for a byte, and so many leading characters are dropped.
    Replaced { rules: Vec<(String, String)>, bytes: bool, strip: Option<(char, usize)> },
}

impl Spelling {
    /// Reads the `decoder` of a `tokenizer.json`.
    pub(super) fn of(decoder: &Value) -> Result<Self, TokenizerError> {
        let unknown = || {
            TokenizerError::File(format!(
                "decoder {}: only ByteLevel, WordPiece, Metaspace, none, or a Sequence of Replace, ByteFallback, \
                 Fuse and a leading Strip can be read token by token",
                decoder["type"]
            ))
        };
        match kind(decoder) {
            None if decoder.is_null() => Ok(Spelling::Words { prefix: None, cleanup: false }),
            Some("ByteLevel") => Ok(Spelling::ByteLevel),
            Some("WordPiece") => Ok(Spelling::Words {
                prefix: Some(decoder["prefix"].as_str().ok_or_else(unknown)?.to_owned()),
                cleanup: decoder["cleanup"].as_bool().ok_or_else(unknown)?,
            }),
            Some("Metaspace") => {
                let never = decoder["prepend_scheme"] == "never" || decoder["add_prefix_space"] == false;
                let space = decoder["replacement"].as_str().and_then(|text| text.chars().next());
                Ok(Spelling::Metaspace { space: space.ok_or_else(unknown)?, drops_first: !never })
            }
            Some("Sequence") => {
                let steps = decoder["decoders"].as_array().map(Vec::as_slice).unwrap_or_default();
                match steps {
                    [one] => Self::of(one),
                    _ => Self::of_sequence(steps).ok_or_else(unknown),
                }
            }
            _ => Err(unknown()),
        }
    }

    fn of_sequence(steps: &[Value]) -> Option<Self> {
        let (mut rules, mut bytes, mut strip, mut fused) = (Vec::new(), false, None, false);
        for step in steps {
            match kind(step)? {
                "Replace" if !bytes && !fused => {
                    let from = step["pattern"]["String"].as_str()?;
                    rules.push((from.to_owned(), step["content"].as_str()?.to_owned()));
                }
                "ByteFallback" if !fused => bytes = true,
                "Fuse" => fused = true,
                "Strip" if fused && strip.is_none() && step["stop"] == 0 => {
                    let start = usize::try_from(step["start"].as_u64()?).ok()?;
                    strip = Some((step["content"].as_str()?.chars().next()?, start));
                }
                _ => return None,
            }
        }
        Some(Spelling::Replaced { rules, bytes, strip })
    }

    /// What a token that is written like this adds within a text.
    pub(super) fn bytes(&self, written: &str) -> Vec<u8> {
        match self {
            Spelling::ByteLevel => {
                let spelled: Option<Vec<u8>> = written.chars().map(byte_of).collect();
                spelled.unwrap_or_else(|| written.as_bytes().to_vec())
            }
            Spelling::Words { prefix, cleanup } => {
                let word = match prefix.as_ref().and_then(|prefix| written.strip_prefix(prefix.as_str())) {
                    Some(rest) => rest.to_owned(),
                    None => format!(" {written}"),
                };
                if *cleanup { tokenizers::decoders::wordpiece::cleanup(&word) } else { word }.into_bytes()
            }
            Spelling::Metaspace { space, .. } => written.replace(*space, " ").into_bytes(),
            Spelling::Replaced { rules, bytes, .. } => {
                let text = rules.iter().fold(written.to_owned(), |text, (from, to)| text.replace(from, to));
                match fallback_byte(&text) {
                    Some(byte) if *bytes => vec![byte],
                    _ => text.into_bytes(),
                }
            }
        }
    }

    /// What a token that is written like this adds at the beginning of a text.
    pub(super) fn first_bytes(&self, written: &str) -> Vec<u8> {
        match self {
            Spelling::Words { cleanup: true, .. } => {
                tokenizers::decoders::wordpiece::cleanup(written).into_bytes()
            }
            Spelling::Words { .. } => written.as_bytes().to_vec(),
            Spelling::Metaspace { space, drops_first: true } => written.replace(*space, "").into_bytes(),
            _ => self.bytes(written),
        }
    }

    /// The character that is dropped at the beginning of a text, and how often at most.
    pub(super) fn strip(&self) -> Option<(char, usize)> {
        match self {
            Spelling::Replaced { strip, .. } => *strip,
            _ => None,
        }
    }
}

fn kind(decoder: &Value) -> Option<&str> {
    decoder["type"].as_str()
}

/// The byte of `<0x41>`.
fn fallback_byte(written: &str) -> Option<u8> {
    let hex = written.strip_prefix("<0x")?.strip_suffix('>')?;
    (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok()).flatten()
}

/// The byte that a character of byte-level BPE stands for: printable ones for themselves, the others
/// for characters from U+0100 on, in order.
fn byte_of(character: char) -> Option<u8> {
    let is_itself = |code: u32| matches!(code, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let code = u32::from(character);
    if is_itself(code) {
        return u8::try_from(code).ok();
    }
    let at = usize::try_from(code.checked_sub(0x100)?).ok()?;
    (0..=u8::MAX).filter(|&byte| !is_itself(byte.into())).nth(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_character() {
        let mut seen = [false; 256];
        for character in (0..0x150).filter_map(char::from_u32) {
            if let Some(byte) = byte_of(character) {
                assert!(!std::mem::replace(&mut seen[usize::from(byte)], true));
            }
        }
        assert_eq!(seen, [true; 256]);
        assert_eq!((byte_of('Ġ'), byte_of('Ċ'), byte_of('a')), (Some(b' '), Some(b'\n'), Some(b'a')));
    }

    #[test]
    fn a_decoder_that_cannot_be_read_token_by_token_is_refused_by_name() {
        for decoder in [
            serde_json::json!({"type": "CTC"}),
            serde_json::json!({"type": "Sequence", "decoders": [{"type": "Strip", "content": " ", "start": 1, "stop": 0}, {"type": "Fuse"}]}),
        ] {
            let error = Spelling::of(&decoder).unwrap_err().to_string();
            assert!(
                error.contains("tokenizer.json") && error.contains(decoder["type"].as_str().unwrap()),
                "{error}"
            );
        }
    }
}
