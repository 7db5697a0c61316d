//! Bundles of the detector for updates: good ones, and ones that fail in a known way.

use std::fs;
use std::path::{Path, PathBuf};

use lineside_bundle::{Sha256Hex, archive};
use serde_json::json;
use toml::{Table, Value};

use crate::{data, onnx};

/// What is particular about a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The detector that is built in, under another release.
    Good,
    /// Its golden vectors are not what the model gives.
    GoldenOff,
    /// Its model has an operator that no runtime knows.
    NoModel,
    /// Its budget of 1 µs cannot be met.
    TooSlow,
    /// It passes its golden vectors and has no answer for a real machine.
    NoAnswer,
    /// As [`Kind::Good`], with so many MiB of weights that nothing uses.
    Large(usize),
    /// For a processor that no board has.
    OtherBoard,
}

/// How it is tried out: windows in shadow, seconds and windows of soak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Windows in shadow.
    pub shadow_windows: i64,
    /// Seconds of soak.
    pub soak_s: i64,
    /// Windows of soak.
    pub soak_windows: i64,
}

/// Writes the tar of a release into `folder`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn detector(folder: &Path, release: u32, kind: Kind, trial: Trial) -> PathBuf {
    let catalog = data::workspace().join("models/catalog/detector");
    let parts = folder.join(format!("release-{release}"));
    fs::create_dir_all(&parts).expect("a folder for the bundle");
    for file in ["model.onnx", "golden.json", "card.md"] {
        fs::copy(catalog.join(file), parts.join(file)).expect("the catalog's bundle");
    }
    let manifest = fs::read_to_string(catalog.join("manifest.toml")).expect("the catalog's manifest");
    let mut manifest: Table = manifest.parse().expect("a manifest is TOML");
    manifest.insert("release".into(), Value::Integer(release.into()));
    manifest.insert("version".into(), Value::String(format!("1.{release}.0")));
    let mut tried = Table::new();
    tried.insert("shadow_windows".into(), Value::Integer(trial.shadow_windows));
    tried.insert("soak_s".into(), Value::Integer(trial.soak_s));
    tried.insert("soak_windows".into(), Value::Integer(trial.soak_windows));
    manifest.insert("trial".into(), Value::Table(tried));
    // The boards that run these tests are shared: what is not under test must not decide.
    manifest.insert("budget".into(), Value::Table(Table::new()));
    change(&parts, kind, &mut manifest);
    sign_for(&parts, &mut manifest);
    fs::write(parts.join("manifest.toml"), manifest.to_string()).expect("the manifest is written");
    let tar = folder.join(format!("detector-r{release}.tar"));
    let out = fs::File::create(&tar).expect("the tar is made");
    archive::pack(&parts, out).expect("the parts make a bundle");
    tar
}

fn change(parts: &Path, kind: Kind, manifest: &mut Table) {
    let golden = |golden: serde_json::Value| {
        fs::write(parts.join("golden.json"), golden.to_string()).expect("golden vectors are written");
    };
    // One channel whose first feature is -1 and the others 0: the logarithm of 1.
    let mut row = vec![0.0_f32; 36];
    row[0] = -1.0;
    let mut weights = [0.0_f32; 36];
    weights[0] = -1.0;
    let logarithm = json!({"tolerance": 1e-3, "cases": [{"input": [row], "output": [[0.0]]}]});
    match kind {
        Kind::Good => {}
        Kind::GoldenOff => {
            let text = fs::read_to_string(parts.join("golden.json")).expect("golden vectors");
            let mut changed: serde_json::Value = serde_json::from_str(&text).expect("they are JSON");
            let output = &mut changed["cases"][0]["output"][0][0];
            *output = json!(output.as_f64().expect("a number") + 1.0);
            golden(changed);
        }
        Kind::NoModel => fs::write(parts.join("model.onnx"), onnx::riddle()).expect("it is written"),
        Kind::TooSlow => {
            let mut budget = Table::new();
            budget.insert("p95_us".into(), Value::Integer(1));
            manifest.insert("budget".into(), Value::Table(budget));
        }
        Kind::NoAnswer => {
            fs::write(parts.join("model.onnx"), onnx::logarithm(&weights, 0)).expect("it is written");
            golden(logarithm);
        }
        Kind::Large(mib) => {
            fs::write(parts.join("model.onnx"), onnx::logarithm(&weights, mib << 20)).expect("it is written");
            golden(logarithm);
        }
        Kind::OtherBoard => {
            let mut requires = Table::new();
            requires.insert("arch".into(), Value::Array(vec![Value::String("abacus".into())]));
            manifest.insert("requires".into(), Value::Table(requires));
        }
    }
}

/// Brings lengths and digests in the manifest up to date.
fn sign_for(parts: &Path, manifest: &mut Table) {
    let read = |file: &str| fs::read(parts.join(file)).expect("the bundle's files");
    let digest = |bytes: &[u8]| Value::String(Sha256Hex::of(bytes).to_string());
    let model = read("model.onnx");
    let table = manifest["model"].as_table_mut().expect("[model]");
    table.insert("bytes".into(), Value::Integer(i64::try_from(model.len()).expect("it fits")));
    table.insert("sha256".into(), digest(&model));
    let table = manifest["golden"].as_table_mut().expect("[golden]");
    table.insert("sha256".into(), digest(&read("golden.json")));
}
