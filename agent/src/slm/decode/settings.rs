//! How an answer is chosen, and when it must be over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Most stop strings of one answer: each is looked for after every token.
const MAX_STOPS: usize = 16;

/// How an answer is chosen, and when it must be over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// 0: always the most likely token. Above: the logits are divided by it; up to 10.
    pub temperature: f32,
    /// Only this many of the most likely tokens are drawn from; 0: all.
    pub top_k: usize,
    /// Only the most likely tokens that together reach this probability are drawn from; above 0, 1: all.
    pub top_p: f32,
    /// Above 1, tokens of the prompt and of the answer so far become less likely; 1: no change.
    pub repetition_penalty: f32,
    /// The same seed draws the same tokens, on every platform.
    pub seed: u64,
    /// Most tokens of the answer; at least 1.
    pub max_tokens: usize,
    /// Longest time for prompt and answer together, in seconds.
    #[serde(with = "seconds")]
    pub time_limit: Duration,
    /// The answer ends before the first of these.
    pub stop: Vec<String>,
    /// Whether the answer says how likely each of its tokens was.
    pub logprobs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: 1.0,
            seed: 0,
            max_tokens: 128,
            time_limit: Duration::from_secs(30),
            stop: Vec::new(),
            logprobs: false,
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SettingsError {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it, and what it may be.
    pub problem: String,
}

impl Settings {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot be.
    pub fn check(&self) -> Result<(), SettingsError> {
        let within = |value: f32, low: f32, high: f32| value >= low && value <= high;
        let refuse = |field, problem: String| Err(SettingsError { field, problem });
        if !within(self.temperature, 0.0, 10.0) {
            return refuse("temperature", format!("{} is not from 0 to 10", self.temperature));
        }
        if !(within(self.top_p, 0.0, 1.0) && self.top_p > 0.0) {
            return refuse("top_p", format!("{} is not above 0 and up to 1", self.top_p));
        }
        if !within(self.repetition_penalty, 0.1, 10.0) {
            return refuse(
                "repetition_penalty",
                format!("{} is not from 0.1 to 10", self.repetition_penalty),
            );
        }
        if self.max_tokens == 0 {
            return refuse("max_tokens", "0 leaves no room for an answer; use at least 1".into());
        }
        if self.time_limit.is_zero() {
            return refuse("time_limit", "0 leaves no time for an answer".into());
        }
        if self.stop.len() > MAX_STOPS {
            return refuse("stop", format!("{} strings; at most {MAX_STOPS}", self.stop.len()));
        }
        if self.stop.iter().any(String::is_empty) {
            return refuse("stop", "an empty string would end every answer at once".into());
        }
        Ok(())
    }
}

/// A duration as a number of seconds.
mod seconds {
    use super::{Deserialize, Duration};

    pub fn serialize<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(time.as_secs_f64())
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| serde::de::Error::custom(format!("{seconds} s is not a time limit")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impossible_setting_names_its_field() {
        type Spoil = fn(&mut Settings);
        let cases: [(&str, Spoil); 9] = [
            ("temperature", |s| s.temperature = f32::NAN),
            ("temperature", |s| s.temperature = -0.1),
            ("top_p", |s| s.top_p = 0.0),
            ("top_p", |s| s.top_p = 1.1),
            ("repetition_penalty", |s| s.repetition_penalty = 0.0),
            ("max_tokens", |s| s.max_tokens = 0),
            ("time_limit", |s| s.time_limit = Duration::ZERO),
            ("stop", |s| s.stop = vec![String::new()]),
            ("stop", |s| s.stop = vec!["x".into(); 17]),
        ];
        Settings::default().check().unwrap();
        for (field, spoil) in cases {
            let mut settings = Settings::default();
            spoil(&mut settings);
            assert_eq!(settings.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn settings_are_written_in_seconds_and_read_back() {
        let settings: Settings = serde_json::from_str(r#"{"time_limit": 1.5, "top_k": 40}"#).unwrap();
        assert_eq!(settings.time_limit, Duration::from_millis(1500));
        let again = serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
        assert_eq!(settings, again);
        assert!(serde_json::from_str::<Settings>(r#"{"time_limit": -1}"#).is_err());
        assert!(serde_json::from_str::<Settings>(r#"{"topk": 1}"#).is_err());
    }
}
