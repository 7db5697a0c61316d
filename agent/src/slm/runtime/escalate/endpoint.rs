//! An OpenAI-compatible endpoint on one's own network.

use std::io::Read;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::first_line;
use crate::config::slm::EscalationConfig;
use crate::slm::tokenizer::Message;
use crate::update::fetch::{FetchError, tls};

/// The longest answer that is read: some hundred times a summary.
const MAX_ANSWER: u64 = 256 << 10;
/// So much of a refusal's text is worth a place in a log.
const QUOTED: usize = 200;

/// Whoever answers a conversation.
pub trait Endpoint: Send {
    /// Answers a conversation.
    ///
    /// # Errors
    /// Why there is no answer.
    fn ask(&self, messages: &[Message], max_tokens: usize) -> Result<Said, Silence>;
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The text.
    pub text: String,
    /// Tokens that were read, as the endpoint counts them.
    pub tokens_in: usize,
    /// Tokens that were written.
    pub tokens_out: usize,
    /// Whether the model ended the answer itself.
    pub ended: bool,
}

/// Why an endpoint does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// Nobody is there, or the connection broke.
    #[error("{0}")]
    Unavailable(String),
    /// It took too long.
    #[error("no answer within {}", crate::config::Span(*.0))]
    Slow(Duration),
    /// It will not answer, or not in this form.
    #[error("{0}")]
    Refused(String),
}

/// An endpoint over HTTP.
pub struct HttpEndpoint {
    agent: ureq::Agent,
    url: String,
    model: String,
    token: Option<String>,
    timeout: Duration,
}

/// Why an endpoint cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The authority of its certificate cannot be used.
    #[error("slm.escalation.ca_file: {0}")]
    Authority(#[from] FetchError),
    /// The token cannot be read.
    #[error("slm.escalation.token_file: {0}")]
    Token(#[from] std::io::Error),
}

impl HttpEndpoint {
    /// The endpoint of a configuration.
    ///
    /// # Errors
    /// When one of its files cannot be used.
    pub fn new(config: &EscalationConfig) -> Result<Self, EndpointError> {
        let (https, timeout) = (config.url.starts_with("https://"), config.timeout.0);
        let agent = ureq::Agent::config_builder()
            .tls_config(tls::config(config.ca_file.as_deref().filter(|_| https))?)
            .http_status_as_error(false)
            // A redirect would let the endpoint send evidence anywhere.
            .max_redirects(0)
            // Not from the environment: what a gateway talks to stands in its configuration.
            .proxy(None)
            .user_agent(concat!("lineside/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(timeout))
            .build()
            .new_agent();
        let token = config.token_file.as_deref().map(first_line).transpose()?.flatten();
        let url = format!("{}/chat/completions", config.url.trim_end_matches('/'));
        Ok(HttpEndpoint { agent, url, model: config.model.clone(), token, timeout })
    }

    fn silence(&self, error: &ureq::Error) -> Silence {
        match error {
            ureq::Error::Timeout(_) => Silence::Slow(self.timeout),
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                Silence::Slow(self.timeout)
            }
            _ => Silence::Unavailable(format!("{}: {error}", self.url)),
        }
    }

    fn broken(&self, error: &std::io::Error) -> Silence {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(inner) => self.silence(inner),
            None if error.kind() == std::io::ErrorKind::TimedOut => Silence::Slow(self.timeout),
            None => Silence::Unavailable(format!("{}: {error}", self.url)),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    max_tokens: usize,
    /// The same evidence gets the same words, as far as the endpoint can.
    temperature: f32,
    stream: bool,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: Content,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: usize,
    #[serde(default)]
    completion_tokens: usize,
}

impl Endpoint for HttpEndpoint {
    fn ask(&self, messages: &[Message], max_tokens: usize) -> Result<Said, Silence> {
        let body = Body { model: &self.model, messages, max_tokens, temperature: 0.0, stream: false };
        let refused = |problem: String| Silence::Refused(format!("{}: {problem}", self.url));
        let body = serde_json::to_vec(&body).map_err(|error| refused(error.to_string()))?;
        let request = self.agent.post(&self.url).content_type("application/json");
        let request = match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        };
        let answer = request.send(body.as_slice()).map_err(|error| self.silence(&error))?;
        let status = answer.status();
        let mut bytes = Vec::new();
        answer
            .into_body()
            .into_reader()
            .take(MAX_ANSWER)
            .read_to_end(&mut bytes)
            .map_err(|error| self.broken(&error))?;
        if !status.is_success() {
            let said: String = String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).collect();
            let said: String = said.chars().take(QUOTED).collect();
            return Err(refused(format!("answered {status}: \"{said}\"")));
        }
        let completion: Completion = serde_json::from_slice(&bytes)
            .map_err(|error| refused(format!("answered in a form that is not OpenAI's: {error}")))?;
        let choice = completion.choices.into_iter().next();
        let Some(Choice { message: Content { content: Some(text) }, finish_reason }) = choice else {
            return Err(refused("answered without a text".into()));
        };
        Ok(Said {
            text,
            tokens_in: completion.usage.prompt_tokens,
            tokens_out: completion.usage.completion_tokens,
            ended: finish_reason.as_deref() != Some("length"),
        })
    }
}
