//! Parity with Python's `tokenizers` 0.22, whose answers are in `fixtures/expected.json`.

use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::*;

pub(crate) const BYTE_LEVEL: &[u8] = include_bytes!("fixtures/byte_level.json");
const QWEN: &[u8] = include_bytes!("fixtures/qwen.json");
const WORDPIECE: &[u8] = include_bytes!("fixtures/wordpiece.json");
const UNIGRAM: &[u8] = include_bytes!("fixtures/unigram.json");
const LLAMA: &[u8] = include_bytes!("fixtures/llama.json");

const ALL: [(&str, &[u8]); 5] = [
    ("byte_level", BYTE_LEVEL),
    ("qwen", QWEN),
    ("wordpiece", WORDPIECE),
    ("unigram", UNIGRAM),
    ("llama", LLAMA),
];

#[derive(Deserialize)]
struct Expected {
    vocabulary: usize,
    encode: Vec<Encoded>,
    decode: Vec<Decoded>,
}

#[derive(Deserialize)]
struct Encoded {
    text: String,
    ids: Vec<Token>,
    bare: Vec<Token>,
}

#[derive(Deserialize)]
struct Decoded {
    ids: Vec<Token>,
    text: String,
}

fn expected() -> BTreeMap<String, Expected> {
    serde_json::from_slice(include_bytes!("fixtures/expected.json")).unwrap()
}

fn streamed(tokenizer: &Tokenizer, tokens: &[Token]) -> String {
    let mut stream = tokenizer.stream();
    tokens.iter().map(|&token| stream.push(token).to_owned()).collect()
}

#[test]
fn tokens_and_text_are_those_of_the_python_library() {
    let expected = expected();
    for (name, file) in ALL {
        let tokenizer = Tokenizer::from_bytes(file).unwrap();
        let expected = &expected[name];
        assert_eq!(tokenizer.vocabulary(), expected.vocabulary, "{name}");
        for row in &expected.encode {
            assert_eq!(tokenizer.encode(&row.text).unwrap(), row.ids, "{name}: {:?}", row.text);
            assert_eq!(tokenizer.encode_bare(&row.text).unwrap(), row.bare, "{name}: {:?}", row.text);
        }
        for row in &expected.decode {
            assert_eq!(tokenizer.decode(&row.ids).unwrap(), row.text, "{name}: {:?}", row.ids);
        }
    }
}

/// Where the bytes are no text, tokenizers differ in how many U+FFFD they write for them, and what
/// is cut off at the end never comes; everything before it is the same.
#[test]
fn a_streamed_text_is_the_text_of_all_tokens() {
    for (name, expected) in expected() {
        let file = ALL.iter().find(|(other, _)| *other == name).unwrap().1;
        let tokenizer = Tokenizer::from_bytes(file).unwrap();
        for row in expected.decode {
            let streamed = streamed(&tokenizer, &row.ids);
            match row.text.find(char::REPLACEMENT_CHARACTER) {
                Some(broken) => assert!(streamed.starts_with(&row.text[..broken]), "{name}: {:?}", row.ids),
                None => assert_eq!(streamed, row.text, "{name}: {:?}", row.ids),
            }
        }
    }
}

#[test]
fn a_character_split_over_tokens_comes_when_it_is_whole() {
    let tokenizer = Tokenizer::from_bytes(BYTE_LEVEL).unwrap();
    let bytes: Vec<Token> = "🚨é"
        .bytes()
        .map(|byte| (0..700).find(|&token| tokenizer.token_bytes(token) == [byte]).unwrap())
        .collect();
    let mut stream = tokenizer.stream();
    let pieces: Vec<String> = bytes.iter().map(|&token| stream.push(token).to_owned()).collect();
    assert_eq!(pieces, ["", "", "", "🚨", "", "é"]);
}

#[test]
fn special_tokens_are_known_and_carry_no_text() {
    let tokenizer = Tokenizer::from_bytes(QWEN).unwrap();
    let end = tokenizer.id("<|im_end|>").unwrap();
    assert!(tokenizer.is_special(end) && tokenizer.token_bytes(end).is_empty());
    assert_eq!(tokenizer.name(end).as_deref(), Some("<|im_end|>"));
    let call = tokenizer.id("<tool_call>").unwrap();
    assert!(!tokenizer.is_special(call));
    assert_eq!(tokenizer.token_bytes(call), b"<tool_call>");
    assert_eq!(tokenizer.id("<|nothing|>"), None);
    assert!(tokenizer.token_bytes(Token::MAX).is_empty() && !tokenizer.is_special(Token::MAX));
}

#[test]
fn whole_words_are_put_together_with_spaces() {
    let file = br#"{"version":"1.0","added_tokens":[],"pre_tokenizer":{"type":"WhitespaceSplit"},
        "model":{"type":"WordLevel","vocab":{"pressure":0,"rises":1,"?":2},"unk_token":"?"}}"#;
    let tokenizer = Tokenizer::from_bytes(file).unwrap();
    let tokens = tokenizer.encode("pressure rises").unwrap();
    assert_eq!((tokens.as_slice(), tokenizer.token_bytes(1)), (&[0, 1][..], &b" rises"[..]));
    assert_eq!(streamed(&tokenizer, &tokens), "pressure rises");
    assert_eq!(tokenizer.decode(&tokens).unwrap(), "pressure rises");
}

#[test]
fn a_broken_file_is_refused_by_its_name() {
    let far = br#"{"version":"1.0","added_tokens":[],"model":{"type":"WordLevel","vocab":{"a":4000000000},"unk_token":"a"}}"#;
    for file in [&b""[..], b"{}", b"[]", b"\xff\xfe", &BYTE_LEVEL[..5_000], far] {
        let error = Tokenizer::from_bytes(file).err().unwrap().to_string();
        assert!(error.starts_with("tokenizer.json: "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Foreign bytes: whatever becomes of a file, nothing panics.
    #[test]
    fn a_damaged_file_never_panics(
        which in 0..ALL.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        text in ".{0,40}",
        tokens in prop::collection::vec(0_u32..800, 0..20),
    ) {
        let mut file = ALL[which].1.to_vec();
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(tokenizer) = Tokenizer::from_bytes(&file) {
            let _ = tokenizer.encode(&text);
            let _ = tokenizer.decode(&tokens);
            let _ = streamed(&tokenizer, &tokens);
        }
    }

    #[test]
    fn a_byte_level_tokenizer_gives_every_text_back(text in "\\PC{0,60}") {
        let tokenizer = Tokenizer::from_bytes(BYTE_LEVEL).unwrap();
        let tokens = tokenizer.encode(&text).unwrap();
        prop_assert_eq!(streamed(&tokenizer, &tokens), text.clone());
        let bytes: Vec<u8> = tokens.iter().flat_map(|&token| tokenizer.token_bytes(token).to_vec()).collect();
        prop_assert_eq!(bytes, text.into_bytes());
    }
}
