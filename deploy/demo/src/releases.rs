//! Two releases of the detector for the demo to publish: one that proves itself, one that must
//! never run. Both are the detector that is built in under another number: what the demo shows is
//! the way to the gateway.

use anyhow::{Context, Result};
use lineside_bundle::{Sha256Hex, archive};
use serde_json::json;
use toml::{Table, Value};

const MANIFEST: &str = include_str!("../../../models/catalog/detector/manifest.toml");
const MODEL: &[u8] = include_bytes!("../../../models/catalog/detector/model.onnx");
const GOLDEN: &str = include_str!("../../../models/catalog/detector/golden.json");
const CARD: &str = include_str!("../../../models/catalog/detector/card.md");

/// Seconds on trial after it has taken over. A plant would take an hour.
const SOAK_S: u32 = 3;
/// Windows it must have answered by then.
const SOAK_WINDOWS: u32 = 40;
/// The only budget: a computer that builds something meanwhile must not decide.
const P95_US: u32 = 50_000;

/// A release of the detector.
pub struct Release {
    /// Its version.
    pub version: &'static str,
    /// Its number, which only counts up.
    pub release: u32,
    /// Windows that it answers beside the active one before it may take over.
    pub shadow_windows: u32,
    /// Whether its golden vectors are what its model gives.
    pub sound: bool,
}

/// The one that the gateway takes.
pub const SOUND: Release = Release { version: "1.1.0", release: 2, shadow_windows: 60, sound: true };
/// The one that it refuses.
pub const WRONG: Release = Release { version: "1.2.0", release: 3, shadow_windows: 60, sound: false };

impl Release {
    /// Its bundle, as the bytes of one tar.
    ///
    /// # Errors
    /// Never for the bundle as shipped: the tests make both.
    pub fn bundle(&self) -> Result<Vec<u8>> {
        let golden = if self.sound { GOLDEN.to_owned() } else { off(GOLDEN)? };
        let manifest = self.manifest(&golden)?;
        let members = [
            ("manifest.toml", manifest.as_bytes()),
            ("model.onnx", MODEL),
            ("golden.json", golden.as_bytes()),
            ("card.md", CARD.as_bytes()),
        ];
        let mut tar = Vec::new();
        archive::write(&members, &mut tar)?;
        Ok(tar)
    }

    fn manifest(&self, golden: &str) -> Result<String> {
        let integer = |number: u32| Value::Integer(number.into());
        let mut manifest: Table = MANIFEST.parse().context("the detector's manifest")?;
        manifest.insert("version".into(), Value::String(self.version.into()));
        manifest.insert("release".into(), integer(self.release));
        let trial = Table::from_iter([
            ("shadow_windows".to_owned(), integer(self.shadow_windows)),
            ("soak_s".to_owned(), integer(SOAK_S)),
            ("soak_windows".to_owned(), integer(SOAK_WINDOWS)),
        ]);
        manifest.insert("trial".into(), Value::Table(trial));
        let budget = Table::from_iter([("p95_us".to_owned(), integer(P95_US))]);
        manifest.insert("budget".into(), Value::Table(budget));
        let vectors = manifest.get_mut("golden").and_then(Value::as_table_mut).context("no [golden]")?;
        let digest = Sha256Hex::of(golden.as_bytes()).to_string();
        vectors.insert("sha256".into(), Value::String(digest));
        Ok(manifest.to_string())
    }
}

/// The golden vectors with one output that the model does not give.
fn off(golden: &str) -> Result<String> {
    let mut golden: serde_json::Value = serde_json::from_str(golden).context("the golden vectors")?;
    let output = golden.pointer_mut("/cases/0/output/0/0").context("no golden output")?;
    *output = json!(output.as_f64().context("a golden output is a number")? + 1.0);
    Ok(golden.to_string())
}

#[cfg(test)]
mod tests {
    use lineside::probe::{Reason, Verdict, probe};
    use lineside_bundle::Bundle;

    use super::*;

    fn opened(release: &Release) -> Bundle {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("detector.tar");
        std::fs::write(&file, release.bundle().unwrap()).unwrap();
        Bundle::open(&file).unwrap()
    }

    #[test]
    fn the_sound_release_is_a_bundle_that_passes_its_golden_vectors() {
        let bundle = opened(&SOUND);
        let manifest = bundle.manifest();
        assert_eq!((manifest.version.as_str(), manifest.release), ("1.1.0", 2));
        assert_eq!(manifest.trial.shadow_windows, SOUND.shadow_windows);
        assert_eq!(probe(&bundle).verdict, Verdict::Ok);
    }

    #[test]
    fn the_wrong_release_is_a_whole_bundle_whose_golden_vectors_alone_are_off() {
        let bundle = opened(&WRONG);
        assert_eq!(bundle.manifest().release, 3);
        let verdict = probe(&bundle).verdict;
        assert!(matches!(verdict, Verdict::Failed { reason: Reason::GoldenMismatch, .. }), "{verdict:?}");
    }
}
