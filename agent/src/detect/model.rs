//! The detector's model: the one that is built in, or a bundle from a folder or a tar.

use std::path::Path;

use lineside_bundle::manifest::Histogram;
use lineside_bundle::{Bundle, BundleError, Manifest};
use serde::Deserialize;

use crate::config::DetectConfig;
use crate::publish::payload::ModelRef;

/// The factory model: always at hand, whatever the disk says.
const MANIFEST: &str = include_str!("../../../models/catalog/detector/manifest.toml");
const MODEL: &[u8] = include_bytes!("../../../models/catalog/detector/model.onnx");

/// A model with the calibration that belongs to its weights.
#[derive(Clone, Debug)]
pub struct DetectorModel {
    bundle: Bundle,
    calibration: Calibration,
}

/// How scores of these weights become alarms. Scores are in the model's own unit.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// `[false alarms per tick, limit]`, by rising rate: what was measured on held-out normal
    /// streams.
    pub limits: Vec<(f64, f32)>,
    /// Windows in a row that must be above the limit.
    pub hold: usize,
    /// An alarm may clear once the score is this far below its limit.
    pub clear_margin: f32,
    /// The limit is at least the so-manieth largest peak of the device's own past.
    pub past_peaks: usize,
    /// A state nearer to a past one than this share of the usual novelty is not new; 0 turns the
    /// gate off.
    pub novelty_ratio: f32,
    /// How sharply the largest channel score dominates the pooled one.
    pub pooling: f32,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// The bundle is not what it says.
    #[error(transparent)]
    Bundle(#[from] Box<BundleError>),
    /// The manifest's `[detector]` table is missing or wrong.
    #[error("manifest.toml: [detector]: {0}")]
    Calibration(String),
    /// The model cannot be loaded or run.
    #[error("model.onnx: {0}")]
    Model(String),
}

impl DetectorModel {
    /// The bundle that a configuration names, otherwise the model that is built in.
    ///
    /// # Errors
    /// As for [`DetectorModel::load`].
    pub fn configured(settings: &DetectConfig) -> Result<Self, DetectError> {
        settings.model.as_deref().map_or_else(Self::builtin, Self::load)
    }

    /// The model that is built into the agent.
    ///
    /// # Errors
    /// Never for a released agent: its tests load it.
    pub fn builtin() -> Result<Self, DetectError> {
        Self::from_bundle(Bundle::from_parts(MANIFEST, MODEL, None).map_err(Box::new)?)
    }

    /// The bundle in the folder or archive at `path`.
    ///
    /// # Errors
    /// Names the file and key that stand in the way.
    pub fn load(path: &Path) -> Result<Self, DetectError> {
        Self::from_bundle(Bundle::at(path).map_err(Box::new)?)
    }

    /// A bundle that was read already.
    ///
    /// # Errors
    /// When its `[detector]` table is missing or wrong.
    pub fn from_bundle(bundle: Bundle) -> Result<Self, DetectError> {
        let calibration = Calibration::of(bundle.manifest())?;
        Ok(DetectorModel { bundle, calibration })
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.bundle.manifest().name
    }

    /// The model's version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.bundle.manifest().version
    }

    /// Its name and version, as messages carry them.
    #[must_use]
    pub fn reference(&self) -> ModelRef {
        ModelRef { name: self.name().to_owned(), version: self.version().to_owned() }
    }

    /// Its release.
    #[must_use]
    pub fn release(&self) -> u32 {
        self.bundle.manifest().release
    }

    /// What it is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.bundle.manifest()
    }

    /// Scores in normal operation that its training recorded, where it did.
    #[must_use]
    pub fn trained(&self) -> Option<&Histogram> {
        self.manifest().drift.as_ref()?.score.as_ref()
    }

    /// The ONNX file.
    #[must_use]
    pub fn onnx(&self) -> &[u8] {
        self.bundle.model()
    }

    /// How its scores become alarms.
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }
}

impl Calibration {
    /// The calibration in a manifest's `[detector]` table.
    ///
    /// # Errors
    /// When it is missing, or says something impossible.
    pub fn of(manifest: &Manifest) -> Result<Self, DetectError> {
        let table = manifest.detector.clone();
        let table = table.ok_or_else(|| DetectError::Calibration("is missing".into()))?;
        let calibration: Calibration =
            table.try_into().map_err(|e: toml::de::Error| DetectError::Calibration(e.message().into()))?;
        calibration.check()?;
        Ok(calibration)
    }

    fn check(&self) -> Result<(), DetectError> {
        let wrong = |what: &str| Err(DetectError::Calibration(what.into()));
        let rising = self.limits.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 > pair[1].1);
        if self.limits.is_empty() || self.limits[0].0 <= 0.0 || !rising {
            return wrong("limits: must be [rate, limit] with rising rates above 0 and falling limits");
        }
        if !(1..=64).contains(&self.hold) || !(1..=64).contains(&self.past_peaks) {
            return wrong("hold and past_peaks: must be 1 to 64");
        }
        let finite = [self.clear_margin, self.novelty_ratio, self.pooling];
        if finite.iter().any(|x| !x.is_finite() || *x < 0.0) || self.pooling == 0.0 {
            return wrong("clear_margin, novelty_ratio and pooling: must be finite and not negative");
        }
        Ok(())
    }

    /// The limit at which these weights raise `rate` false alarms per tick: between the measured
    /// points by the logarithm of the rate, beyond them the nearest one, since nothing is known
    /// there.
    #[must_use]
    pub fn limit(&self, rate: f64) -> f32 {
        let above = self.limits.partition_point(|point| point.0 < rate);
        match (above.checked_sub(1).map(|i| self.limits[i]), self.limits.get(above)) {
            (Some((r0, l0)), Some(&(r1, l1))) => {
                let share = (rate / r0).ln() / (r1 / r0).ln();
                l0 + share as f32 * (l1 - l0)
            }
            (Some((_, limit)), None) | (None, Some(&(_, limit))) => limit,
            (None, None) => f32::INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_model_is_a_bundle_of_its_own() {
        let model = DetectorModel::builtin().unwrap();
        assert_eq!((model.name(), model.release()), ("detector", 1));
    }

    #[test]
    fn a_lower_rate_of_false_alarms_needs_a_higher_limit() {
        let mut calibration = DetectorModel::builtin().unwrap().calibration().clone();
        calibration.limits = vec![(1e-6, 8.0), (1e-4, 6.0), (1e-2, 2.0)];
        assert!((calibration.limit(1e-5) - 7.0).abs() < 1e-5);
        assert!((calibration.limit(1e-9) - 8.0).abs() < 1e-5, "beyond what was measured: the nearest");
        assert!((calibration.limit(1.0) - 2.0).abs() < 1e-5);
    }

    #[test]
    fn limits_out_of_order_are_refused_with_the_key() {
        let mut calibration = DetectorModel::builtin().unwrap().calibration().clone();
        calibration.limits.reverse();
        calibration.limits.push((1.0, 0.0));
        assert!(calibration.check().unwrap_err().to_string().contains("[detector]: limits"));
    }
}
