//! What an operator asks for when a rollout is made.

use jiff::Timestamp;
use lineside_bundle::rollout::{self, Point, Predicates, Rollout, RolloutError, State, Window};
use serde::{Deserialize, Serialize};

use super::publisher::Chosen;
use super::thresholds::Thresholds;

/// `POST /v1/rollouts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Its name; made from the day when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model.
    pub model: String,
    /// The group of devices.
    pub group: String,
    /// The release, which must be signed already.
    pub release: u32,
    /// When the ramp begins; now when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// The ramp; all at once when it is not given.
    #[serde(default = "at_once")]
    pub ramp: Vec<Point>,
    /// When a device may install, in its local time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Which devices of the group.
    #[serde(default)]
    pub predicates: Predicates,
    /// When it pauses by itself.
    #[serde(default)]
    pub thresholds: Thresholds,
}

fn at_once() -> Vec<Point> {
    vec![Point { after_s: 0, percent: 100 }]
}

impl Order {
    /// The first revision of its document.
    ///
    /// # Errors
    /// The key that is wrong, and what to do.
    pub fn document(
        &self,
        id: String,
        chosen: Chosen,
        salt: String,
        now: Timestamp,
    ) -> Result<Rollout, OrderError> {
        self.thresholds.check().map_err(OrderError::Thresholds)?;
        // Whole seconds: the ramp counts in them.
        let start = self.start.unwrap_or(now).as_second();
        let document = Rollout {
            schema: rollout::SCHEMA,
            id,
            revision: 1,
            model: self.model.clone(),
            group: self.group.clone(),
            release: self.release,
            target: chosen.target,
            sha256: chosen.sha256,
            salt,
            start: Timestamp::from_second(start).unwrap_or(now),
            ramp: self.ramp.clone(),
            state: State::Running,
            window: self.window,
            predicates: self.predicates.clone(),
        };
        // As strictly as a device will read it: what devices refuse is never signed.
        let bytes = serde_json::to_vec(&document).map_err(|e| OrderError::Thresholds(e.to_string()))?;
        Ok(Rollout::parse(&bytes)?)
    }
}

/// What is wrong with an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// In what becomes the document.
    #[error(transparent)]
    Document(#[from] RolloutError),
    /// In the rest.
    #[error("{0}")]
    Thresholds(String),
}
