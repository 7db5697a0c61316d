//! What the JSON files beside a model say of it.

use std::collections::BTreeMap;

use lineside_bundle::bundle::MAX_TEXT_BYTES;
use serde_json::Value;

use super::ImportError;
use super::folder::Folder;
use crate::slm::model::Token;
use crate::slm::tokenizer::Tokenizer;

pub(super) const CONFIG: &str = "config.json";
const GENERATION: &str = "generation_config.json";
pub(super) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const SENTENCES: &str = "sentence_bert_config.json";
const POOLING: &str = "1_Pooling/config.json";
const TEMPLATE: &str = "chat_template.jinja";
/// What transformers writes where a tokenizer knows no limit is far above this.
const NO_LIMIT: u64 = 1 << 32;

/// What the JSON files beside a model say of it.
pub(super) struct Settings {
    config: Value,
    generation: Option<Value>,
    tokenizer: Option<Value>,
    sentences: Option<Value>,
    pooling: Option<Value>,
    template: Option<String>,
}

/// How an encoder's hidden states become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    Mean,
    First,
}

impl Settings {
    pub fn read(folder: &Folder) -> Result<Self, ImportError> {
        let config = folder.json(CONFIG)?.ok_or_else(|| {
            ImportError::file(CONFIG, "is not in the folder: it comes with the model, beside its weights")
        })?;
        let tokenizer = folder.json(TOKENIZER_CONFIG)?;
        let template = match folder.text(TEMPLATE, MAX_TEXT_BYTES)? {
            Some(template) => Some(template),
            None => tokenizer.as_ref().map(template_in).transpose()?.flatten(),
        };
        Ok(Settings {
            config,
            generation: folder.json(GENERATION)?,
            tokenizer,
            sentences: folder.json(SENTENCES)?,
            pooling: folder.json(POOLING)?,
            template,
        })
    }

    /// The chat template, where the model has one.
    pub fn template(&self) -> Option<&str> {
        self.template.as_deref()
    }

    /// The first of the architectures, such as `LlamaForCausalLM`.
    pub fn architecture(&self) -> &str {
        let first = self.config["architectures"].get(0).and_then(Value::as_str);
        first.or_else(|| self.config["model_type"].as_str()).unwrap_or("unknown")
    }

    /// Most tokens of one call that the model was made for.
    pub fn context(&self) -> Result<u64, ImportError> {
        let keys = ["max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length"];
        let stated = keys.iter().find_map(|key| number(&self.config[*key]));
        let stated = stated.ok_or_else(|| {
            let problem = "is missing: the most tokens that the model was made for";
            ImportError::key(CONFIG, keys[0], problem)
        })?;
        let shorter = [(&self.tokenizer, "model_max_length"), (&self.sentences, "max_seq_length")];
        let limits = shorter.iter().filter_map(|(file, key)| number(&file.as_ref()?[*key]));
        Ok(limits.filter(|&limit| limit < NO_LIMIT).fold(stated, u64::min))
    }

    /// The tokens that end an answer: of the generation's settings, of the model's, and the one that
    /// the tokenizer calls the end. A chat ends with the last of these and a text with the others.
    pub fn end(&self, tokenizer: &Tokenizer) -> Result<Vec<Token>, ImportError> {
        let mut end = Vec::new();
        for (file, name) in [(self.generation.as_ref(), GENERATION), (Some(&self.config), CONFIG)] {
            let Some(file) = file else { continue };
            let key = "eos_token_id";
            let listed = match &file[key] {
                Value::Null => continue,
                Value::Array(listed) => listed.clone(),
                one => vec![one.clone()],
            };
            for token in listed {
                let known = number(&token).and_then(|id| Token::try_from(id).ok());
                let known = known.filter(|&id| (id as usize) < tokenizer.vocabulary());
                end.push(known.ok_or_else(|| {
                    let problem = format!("{token} is no token of tokenizer.json");
                    ImportError::key(name, key, problem)
                })?);
            }
        }
        if let Some(name) = self.named_token("eos_token") {
            end.push(tokenizer.id(name).ok_or_else(|| {
                let problem = format!("`{name}` is no token of tokenizer.json");
                ImportError::key(TOKENIZER_CONFIG, "eos_token", problem)
            })?);
        }
        end.sort_unstable();
        end.dedup();
        if end.is_empty() {
            let problem = "is missing, also from generation_config.json: an answer could not end";
            return Err(ImportError::key(CONFIG, "eos_token_id", problem));
        }
        Ok(end)
    }

    /// The token that begins a prompt: what the tokenizer itself puts before a text. `bos_token_id`
    /// does not count: many models name one and never read it.
    pub fn begin(&self, tokenizer: &Tokenizer) -> Result<Option<Token>, ImportError> {
        if let Some(&first) = tokenizer.encode("")?.first() {
            return Ok(Some(first).filter(|&token| tokenizer.is_special(token)));
        }
        let adds = self.tokenizer.as_ref().is_some_and(|file| file["add_bos_token"] == Value::Bool(true));
        Ok(self.named_token("bos_token").filter(|_| adds).and_then(|name| tokenizer.id(name)))
    }

    /// Labels of a classifier in the order of its outputs.
    pub fn labels(&self) -> Result<Vec<String>, ImportError> {
        let key = "id2label";
        let wrong = |problem: &str| ImportError::key(CONFIG, key, problem);
        let table =
            self.config[key].as_object().ok_or_else(|| wrong("is missing: the name of each output"))?;
        let mut labels = BTreeMap::new();
        for (id, label) in table {
            let id: usize = id.parse().map_err(|_| wrong("its keys must be the numbers of the outputs"))?;
            labels.insert(id, label.as_str().ok_or_else(|| wrong("its values must be names"))?.to_owned());
        }
        if !labels.keys().copied().eq(0..labels.len()) {
            return Err(wrong("must name every output from 0"));
        }
        Ok(labels.into_values().collect())
    }

    /// How hidden states become a vector; nothing where the folder does not say.
    pub fn pooling(&self) -> Result<Option<Pooling>, ImportError> {
        let Some(file) = &self.pooling else {
            return Ok(None);
        };
        if file["pooling_mode_mean_tokens"] == Value::Bool(true) {
            return Ok(Some(Pooling::Mean));
        }
        if file["pooling_mode_cls_token"] == Value::Bool(true) {
            return Ok(Some(Pooling::First));
        }
        let problem = "neither `pooling_mode_mean_tokens` nor `pooling_mode_cls_token` is true: no other pooling \
                       is known here";
        Err(ImportError::file(POOLING, problem))
    }

    fn named_token(&self, key: &str) -> Option<&str> {
        let token = &self.tokenizer.as_ref()?[key];
        token.as_str().or_else(|| token["content"].as_str())
    }
}

/// A whole number; transformers writes some of them as floats.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|x| *x >= 0.0).map(|x| x as u64))
}

/// The template inside `tokenizer_config.json`: one, or several by name, of which `default` is taken.
fn template_in(file: &Value) -> Result<Option<String>, ImportError> {
    match &file["chat_template"] {
        Value::Null => Ok(None),
        Value::String(template) => Ok(Some(template.clone())),
        Value::Array(named) => {
            let default = named.iter().find(|entry| entry["name"] == "default");
            let template = default.and_then(|entry| entry["template"].as_str());
            template.map(|template| Some(template.to_owned())).ok_or_else(|| {
                let problem =
                    "none of these templates is called `default`: put the right one in chat_template.jinja";
                ImportError::key(TOKENIZER_CONFIG, "chat_template", problem)
            })
        }
        _ => Err(ImportError::key(TOKENIZER_CONFIG, "chat_template", "must be a text")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn settings(files: &[(&str, &str)]) -> Result<Settings, ImportError> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Settings::read(&Folder::open(folder.path()).unwrap())
    }

    #[test]
    fn the_context_is_the_shortest_that_any_file_states() {
        let config = (CONFIG, r#"{"max_position_embeddings": 512}"#);
        assert_eq!(settings(&[config]).unwrap().context().unwrap(), 512);
        let sentences = (SENTENCES, r#"{"max_seq_length": 256}"#);
        assert_eq!(settings(&[config, sentences]).unwrap().context().unwrap(), 256);
        let endless = (TOKENIZER_CONFIG, r#"{"model_max_length": 1000000000000000019884624838656}"#);
        assert_eq!(settings(&[config, endless]).unwrap().context().unwrap(), 512);
        let none = settings(&[(CONFIG, "{}")]).unwrap().context().unwrap_err();
        assert!(
            none.to_string().starts_with("config.json: key `max_position_embeddings`: is missing"),
            "{none}"
        );
    }

    #[test]
    fn a_template_comes_from_its_file_before_the_tokenizers_settings() {
        let config = (CONFIG, "{}");
        let inside = (TOKENIZER_CONFIG, r#"{"chat_template": "inside"}"#);
        assert_eq!(settings(&[config, inside]).unwrap().template(), Some("inside"));
        assert_eq!(settings(&[config, inside, (TEMPLATE, "file")]).unwrap().template(), Some("file"));
        let named = (
            TOKENIZER_CONFIG,
            r#"{"chat_template": [{"name": "tools", "template": "a"}, {"name": "default", "template": "b"}]}"#,
        );
        assert_eq!(settings(&[config, named]).unwrap().template(), Some("b"));
        assert_eq!(settings(&[config]).unwrap().template(), None);
    }

    #[test]
    fn labels_are_in_the_order_of_the_outputs() {
        let config = |table: &str| settings(&[(CONFIG, &format!("{{\"id2label\": {table}}}"))]).unwrap();
        assert!(config(r#"{"10": "k", "0": "a"}"#).labels().unwrap_err().to_string().contains("from 0"));
        assert_eq!(config(r#"{"1": "leak", "0": "none"}"#).labels().unwrap(), ["none", "leak"]);
    }

    #[test]
    fn a_pooling_that_is_not_known_is_refused() {
        let of = |pooling: &str| settings(&[(CONFIG, "{}"), (POOLING, pooling)]).unwrap().pooling();
        assert_eq!(of(r#"{"pooling_mode_mean_tokens": true}"#).unwrap(), Some(Pooling::Mean));
        assert_eq!(of(r#"{"pooling_mode_cls_token": true}"#).unwrap(), Some(Pooling::First));
        assert!(of(r#"{"pooling_mode_max_tokens": true}"#).is_err());
    }

    #[test]
    fn a_folder_without_its_configuration_is_refused_by_the_files_name() {
        assert!(settings(&[]).err().unwrap().to_string().starts_with("config.json: is not in the folder"));
        assert!(settings(&[(CONFIG, "[]")]).err().unwrap().to_string().contains("must hold a JSON object"));
    }
}
