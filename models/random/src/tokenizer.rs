//! A real `tokenizer.json`: whole words where they are given, single letters for everything else.

use serde_json::json;

/// What a model knows: tokens that stand for themselves, whole words, and every printable ASCII
/// character.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Tokens that are never cut, such as slots.
    pub slots: Vec<String>,
    /// Words that are one token where they follow a space.
    pub words: Vec<String>,
}

/// The token that ends an answer, always number 0.
pub(crate) const END: &str = "<end>";
/// What no token can spell.
const UNKNOWN: &str = "<unknown>";
/// What a tokenizer of this kind writes for a space.
const SPACE: char = '\u{2581}';

impl Vocabulary {
    /// Every token, in the order of their numbers.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        let mut tokens = vec![END.to_owned(), UNKNOWN.to_owned()];
        tokens.extend(self.slots.iter().cloned());
        tokens.extend(self.words.iter().map(|word| format!("{SPACE}{word}")));
        tokens.push(SPACE.to_string());
        let letters = (b'!'..=b'~').map(|letter| char::from(letter).to_string());
        tokens.extend(letters.chain(["\n".to_owned()]));
        let mut known = std::collections::BTreeSet::new();
        tokens.retain(|token| known.insert(token.clone()));
        tokens
    }

    /// The file.
    pub(crate) fn json(&self) -> Vec<u8> {
        let tokens = self.tokens();
        let whole = |token: &String| *token == END || self.slots.contains(token);
        let added: Vec<_> = tokens
            .iter()
            .enumerate()
            .filter(|(_, token)| whole(token))
            .map(|(id, token)| {
                json!({
                    "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true,
                })
            })
            .collect();
        // One token for a word beats its letters.
        let score = |token: &String| if token.chars().count() > 1 { -1.0 } else { -10.0 };
        let vocabulary: Vec<_> = tokens.iter().map(|token| json!([token, score(token)])).collect();
        let metaspace =
            json!({"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "never", "split": true});
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
            "normalizer": null, "pre_tokenizer": metaspace, "post_processor": null, "decoder": metaspace,
            "model": {"type": "Unigram", "unk_id": 1, "vocab": vocabulary, "byte_fallback": false},
        });
        file.to_string().into_bytes()
    }
}
