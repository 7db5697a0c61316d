//! A lexicon that could say something untrue is not loaded.

use proptest::prelude::*;

use super::*;
use crate::slm::mask::slots::numbers::{is_numeric, says_a_number};
use crate::slm::model::Token;

/// The lexicon of the tests with one word more.
fn with(class: &str, word: &str) -> Result<Lexicon, String> {
    let line = format!("\n{class} = [");
    assert!(LEXICON.contains(&line));
    let word = toml::Value::from(word);
    Lexicon::parse(&LEXICON.replacen(&line, &format!("{line}{word}, "), 1)).map_err(|error| error.to_string())
}

#[test]
fn words_that_could_say_something_untrue_are_refused() {
    for (class, word, why) in [
        ("neutral", "4", "says a number"),
        ("neutral", "x2", "says a number"),
        ("neutral", "\u{664}", "says a number"),
        ("neutral", "\u{2167}", "says a number"),
        ("neutral", "x\u{b2}", "says a number"),
        ("neutral", "twelve", "says a number"),
        ("neutral", "one", "says a number"),
        ("neutral", "first", "says a number"),
        ("neutral", "second", "says a number"),
        ("neutral", "twice", "says a number"),
        ("rise", "doubled", "says a number"),
        ("neutral", "twenty-fold", "says a number"),
        ("neutral", "several", "how many"),
        ("neutral", "both", "says a number"),
        ("neutral", "not", "turns round"),
        ("neutral", "harmless", "not to look"),
        ("neutral", "pressure", "names what a channel measures"),
        ("neutral", "minutes", "is a unit"),
        ("neutral", "soared", "belongs to `rise`"),
        ("fall", "soared", "must also be in `rise`"),
        ("fall", "rose", "exclude each other"),
        ("neutral", "sinking", "belongs to `fall`"),
        ("neutral", "wobble-up", "belongs to `rise`"),
        ("stuck", "rose", "exclude each other"),
        ("verb", "returned", "belongs to `back`"),
        ("neutral", "<c0.name>", "says a number"),
        ("neutral", "<machine>", "no single English word"),
        ("neutral", "Pump", "no single English word"),
        ("neutral", "at all", "no single English word"),
        ("neutral", "\u{43e}ne", "no single English word"),
        ("neutral", "-", "no single English word"),
        ("neutral", "", "must have 1 to 32 letters"),
        ("neutral", "the", "is there twice"),
        ("neutral", "rose", "belongs to `rise`"),
        ("link", "the", "exclude each other"),
    ] {
        let refused = with(class, word).expect_err(word);
        assert!(refused.contains(why), "{word} in {class}: {refused}");
    }
    assert!(with("neutral", "gearbox").is_ok());
    assert!(with("rise", "sharpened").is_ok());
}

#[test]
fn a_lexicon_that_cannot_speak_of_every_channel_is_refused() {
    let parse = |text: &str| Lexicon::parse(text).unwrap_err().to_string();
    assert!(parse("version = 2\nlanguage = \"en\"\nwords = {}").contains("update the agent"));
    assert!(parse("version = 1\nlanguage = \"de\"\nwords = {}").contains("must be `en`"));
    assert!(parse("version = 1\nlanguage = \"en\"\nwords = { rise = [\"rose\"] }").contains("words.fall"));
    assert!(
        parse("version = 1\nlanguage = \"en\"\nwords = { nouns = [] }").contains("classes are neutral, verb")
    );
    assert!(parse(&LEXICON.replace("\";\"", "\"!\"")).contains("is none of"));
    assert!(parse("nonsense").contains("file"));
}

/// A tokenizer in which some texts have other tokens.
struct Changed(Pieces, Vec<(&'static str, Option<Vec<Token>>)>);

impl Vocabulary for Changed {
    fn size(&self) -> usize {
        self.0.size()
    }
    fn spell(&self, text: &str) -> Option<Vec<Token>> {
        let changed = self.1.iter().find(|(changed, _)| *changed == text);
        changed.map_or_else(|| self.0.spell(text), |(_, tokens)| tokens.clone())
    }
    fn special(&self, name: &str) -> Option<Token> {
        let changed = self.1.iter().find(|(changed, _)| *changed == name);
        changed.map_or_else(|| self.0.special(name), |_| None)
    }
    fn ends(&self) -> &[Token] {
        self.0.ends()
    }
}

#[test]
fn a_tokenizer_that_could_be_read_in_two_ways_is_refused() {
    let (word, end) = (Pieces::new().spell(" rose").unwrap(), Pieces::new().ends()[0]);
    for (text, tokens, why) in [
        (" fell", None, "cannot be spelled"),
        (" fell", Some(vec![]), "cannot be spelled"),
        (" fell", Some(word.clone()), "spelled like another word"),
        (" fell", Some([word.clone(), word.clone()].concat()), "in its middle"),
        (" fell", Some(vec![end]), "has no token of its own"),
        (" fell", Some(vec![1_000_000]), "beyond the vocabulary"),
        (",", Some(word.clone()), "must be one token"),
        (";", Some(vec![end]), "has no token of its own"),
        ("<p.text>", None, "add it as a special one"),
    ] {
        let refused =
            Speech::new(LEXICON, &Changed(Pieces::new(), vec![(text, tokens)])).unwrap_err().to_string();
        assert!(refused.contains(why), "{text}: {refused}");
    }
    assert!(Speech::new(LEXICON, &Changed(Pieces::new(), vec![])).is_ok());
}

proptest! {
    #[test]
    fn no_lexicon_lets_a_number_in(word in "\\PC{1,8}") {
        if with("neutral", &word).is_ok() {
            prop_assert!(!says_a_number(&word));
            prop_assert!(!word.chars().any(is_numeric));
        }
    }
}
