//! Answers that keep a grammar: JSON of a schema, or text of a Lark grammar or regular expression.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{JsonCompileOptions, Matcher, ParserFactory, panic_utils};
use serde_json::Value;

use super::json::{Progress, numeric};
use super::schema;
use crate::slm::decode::{Mask, MaskError, TokenSet};
use crate::slm::model::Token;
use crate::slm::tokenizer::Tokenizer;

/// The prefix tree takes no longer tokens; nothing is lost without them: they only join shorter ones.
const LONGEST_TOKEN: usize = 500;
/// Escapes in JSON strings; `\u` could write a name that is already there in another way.
const ESCAPES: &str = r#"nrbtf\""#;

/// A vocabulary without bytes does not have every character.
const NOTHING_FOLLOWS: &str = "no token of this vocabulary goes on with the grammar";

/// Why there is no mask for a grammar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// A part of a JSON Schema that is not supported; `path` is a JSON pointer to it.
    #[error("JSON Schema at \"{path}\": {problem}")]
    Schema {
        /// JSON pointer into the schema; empty for the whole of it.
        path: String,
        /// What is not supported or wrong, and what to do.
        problem: String,
    },
    /// The grammar is not one, or too large.
    #[error("grammar: {0}")]
    Grammar(String),
    /// The tokenizer does not fit.
    #[error("tokenizer.json: {0}")]
    Tokenizer(String),
}

/// Makes masks of grammars for one model. Costs tens of megabytes and about a second for a vocabulary
/// of 150 000, little for a small one: keep it with the model.
#[derive(Clone)]
pub struct Grammars {
    shared: Arc<Shared>,
}

struct Shared {
    parsers: ParserFactory,
    trie: TokEnv,
    /// Tokens that begin with digits.
    numeric: Vec<(Token, usize)>,
    vocabulary: usize,
}

/// An answer that keeps a grammar. The bytes that its tokens add within a text keep it: a tokenizer
/// that leaves out a space at the beginning of a text does so here too.
pub struct GrammarMask {
    matcher: Matcher,
    shared: Arc<Shared>,
    json: Option<Progress>,
    longest: Option<usize>,
}

impl Grammars {
    /// `vocabulary` is the model's, which may be larger than its tokenizer's. `end` are the tokens
    /// that end an answer; at least one.
    ///
    /// # Errors
    /// When the tokenizer does not fit the model, or `end` is empty.
    pub fn new(tokenizer: &Tokenizer, vocabulary: usize, end: &[Token]) -> Result<Self, GrammarError> {
        let refuse = |problem: String| GrammarError::Tokenizer(problem);
        let known = tokenizer.vocabulary();
        if known > vocabulary {
            return Err(refuse(format!(
                "{known} tokens, but the model knows {vocabulary}: it is another model's"
            )));
        }
        let Some(&first_end) = end.first() else {
            return Err(refuse("no token ends an answer: name the model's end tokens".into()));
        };
        if let Some(beyond) = end.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(refuse(format!("token {beyond} ends an answer, but the model knows {vocabulary}")));
        }
        let words: Vec<Vec<u8>> = (0..vocabulary as Token).map(|token| word(tokenizer, token, end)).collect();
        let numeric = numeric((0..).zip(words.iter().map(Vec::as_slice)));
        let trie = TokTrie::from(&TokRxInfo::new(vocabulary as u32, first_end), &words).with_eos_tokens(end);
        let trie: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut parsers = ParserFactory::new_simple(&trie).map_err(|error| refuse(error.to_string()))?;
        parsers.quiet();
        parsers.limits_mut().verbose_errors = false;
        Ok(Grammars { shared: Arc::new(Shared { parsers, trie, numeric, vocabulary }) })
    }

    /// JSON that keeps a schema, without white space, with bounded strings, numbers and lists, so
    /// that every answer comes to an end: see [`GrammarMask::longest`].
    ///
    /// # Errors
    /// Names the part of the schema that is not supported.
    pub fn json_schema(&self, schema: &Value) -> Result<GrammarMask, GrammarError> {
        let mut finite = schema::finite(schema)?;
        let options = JsonCompileOptions {
            whitespace_flexible: false,
            json_allowed_escapes: Some(ESCAPES.to_owned()),
            ..JsonCompileOptions::default()
        };
        options.apply_to(&mut finite.schema);
        let whole = |problem| GrammarError::Schema { path: String::new(), problem };
        let matcher = self.matcher(TopLevelGrammar::from_json_schema(finite.schema)).map_err(whole)?;
        let (shared, json) = (Arc::clone(&self.shared), Some(Progress::default()));
        Ok(GrammarMask { matcher, shared, json, longest: Some(finite.longest) })
    }

    /// Any JSON object, three levels deep.
    ///
    /// # Errors
    /// When the grammar cannot be made.
    pub fn json_object(&self) -> Result<GrammarMask, GrammarError> {
        self.json_schema(&serde_json::json!({"type": "object"}))
    }

    /// Text of a Lark grammar.
    ///
    /// # Errors
    /// When it is not one.
    pub fn lark(&self, grammar: &str) -> Result<GrammarMask, GrammarError> {
        self.text(TopLevelGrammar::from_lark(grammar.to_owned()))
    }

    /// Text that a regular expression matches as a whole.
    ///
    /// # Errors
    /// When it is not one.
    pub fn regex(&self, expression: &str) -> Result<GrammarMask, GrammarError> {
        self.text(TopLevelGrammar::from_regex(expression))
    }

    fn text(&self, grammar: TopLevelGrammar) -> Result<GrammarMask, GrammarError> {
        let matcher = self.matcher(grammar).map_err(GrammarError::Grammar)?;
        Ok(GrammarMask { matcher, shared: Arc::clone(&self.shared), json: None, longest: None })
    }

    fn matcher(&self, grammar: TopLevelGrammar) -> Result<Matcher, String> {
        // A grammar is foreign, and the library answers some of them with a panic.
        let make = std::panic::AssertUnwindSafe(|| self.shared.parsers.create_parser(grammar));
        let matcher = Matcher::new(panic_utils::catch_unwind(make));
        match matcher.get_error() {
            Some(error) => Err(error),
            None => Ok(matcher),
        }
    }
}

/// A token's bytes in the prefix tree, where a special token has a mark that no text has. What ends
/// an answer is always special: it must not be taken for a part of the text.
fn word(tokenizer: &Tokenizer, token: Token, end: &[Token]) -> Vec<u8> {
    if end.contains(&token) || tokenizer.is_special(token) {
        let name = tokenizer.name(token).unwrap_or_else(|| format!("<{token}>"));
        let mut word = vec![TokTrie::SPECIAL_TOKEN_MARKER];
        word.extend(name.into_bytes().into_iter().take(LONGEST_TOKEN));
        return word;
    }
    let bytes = tokenizer.token_bytes(token);
    let usable = bytes.len() <= LONGEST_TOKEN && bytes.first() != Some(&TokTrie::SPECIAL_TOKEN_MARKER);
    if usable { bytes.to_vec() } else { Vec::new() }
}

impl GrammarMask {
    /// Most bytes of an answer, and so most of its tokens; `None` where the grammar sets no bound.
    #[must_use]
    pub fn longest(&self) -> Option<usize> {
        self.longest
    }
}

/// The library's reason, in words where it is the vocabulary's fault.
fn describe(error: &str) -> MaskError {
    MaskError(if error.starts_with("NoExtension") { NOTHING_FOLLOWS } else { error.trim_end() }.to_owned())
}

/// Begins from where this one is; cheaper than to read the grammar again.
impl Clone for GrammarMask {
    fn clone(&self) -> Self {
        GrammarMask {
            matcher: self.matcher.deep_clone(),
            shared: Arc::clone(&self.shared),
            json: self.json.clone(),
            longest: self.longest,
        }
    }
}

impl Mask for GrammarMask {
    fn narrow(&mut self, allowed: &mut TokenSet) -> Result<(), MaskError> {
        let vocabulary = self.shared.vocabulary;
        if allowed.vocabulary() != vocabulary {
            let problem = format!("a grammar for {vocabulary} tokens, a model with {}", allowed.vocabulary());
            return Err(MaskError(problem));
        }
        let following = self.matcher.compute_mask_or_eos().map_err(|error| describe(&error.to_string()))?;
        allowed.intersect_words(following.as_slice());
        if let Some(json) = &self.json {
            json.shorten(allowed, &self.shared.numeric);
        }
        if allowed.is_empty() {
            return Err(MaskError(NOTHING_FOLLOWS.into()));
        }
        Ok(())
    }

    fn accept(&mut self, token: Token) -> Result<(), MaskError> {
        self.matcher.consume_token(token).map_err(|error| describe(&error.to_string()))?;
        if let Some(json) = &mut self.json {
            json.take(self.shared.trie.tok_trie().token(token));
        }
        Ok(())
    }
}
