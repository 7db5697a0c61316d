//! The incident model that ships, whole and damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;

/// The files of the bundle, without the limits of its budget: other tests take time and memory
/// meanwhile.
fn shipped() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/catalog/incident");
    let bundle = Bundle::load(&folder).unwrap();
    let names = bundle.manifest().files();
    let files = names.iter().map(|(_, name)| *name).chain(["manifest.toml"]);
    let mut files: BTreeMap<String, Vec<u8>> =
        files.map(|name| (name.to_owned(), fs::read(folder.join(name)).unwrap())).collect();
    let mut manifest: toml::Table = text(&files, "manifest.toml").parse().unwrap();
    manifest.remove("budget");
    files.insert("manifest.toml".into(), toml::to_string(&manifest).unwrap().into_bytes());
    files
}

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// The bundle with another file in the place of one, which the manifest describes.
fn with(name: &str, bytes: &[u8]) -> Bundle {
    let mut files = shipped();
    let old = files.insert(name.to_owned(), bytes.to_vec()).unwrap();
    let manifest = text(&files, "manifest.toml");
    let manifest = manifest.replace(Sha256Hex::of(&old).as_str(), Sha256Hex::of(bytes).as_str());
    files.insert("manifest.toml".into(), manifest.into_bytes());
    Bundle::from_memory(&files).unwrap()
}

fn refused(bundle: &Bundle) -> (Reason, String) {
    match probe(bundle).verdict {
        Verdict::Failed { reason, detail } => (reason, detail),
        Verdict::Ok => panic!("the model passed"),
    }
}

#[test]
fn the_incident_model_that_ships_does_what_its_manifest_says() {
    let report = probe(&Bundle::from_memory(&shipped()).unwrap());
    assert!(report.passed(), "{report:?}");
    assert_eq!(report.golden.unwrap().failed, None);
    assert!(report.p95_us > 0, "{report:?}");
}

#[test]
fn an_incident_model_whose_table_is_none_or_whose_limits_cannot_be_does_not_load() {
    let (reason, detail) = refused(&with("signatures.toml", b"version = 1\nsignatures = 3\n"));
    assert_eq!(reason, Reason::LoadFailed);
    assert!(detail.contains("signatures.toml"), "{detail}");
    let mut files = shipped();
    let mut manifest: toml::Table = text(&files, "manifest.toml").parse().unwrap();
    manifest["diagnosis"]["abstain_below"] = 1.5.into();
    files.insert("manifest.toml".into(), toml::to_string(&manifest).unwrap().into_bytes());
    let (reason, detail) = refused(&Bundle::from_memory(&files).unwrap());
    assert_eq!(reason, Reason::LoadFailed);
    assert!(detail.contains("abstain_below"), "{detail}");
}

#[test]
fn an_incident_model_with_other_golden_logits_is_a_mismatch() {
    let mut golden: lineside_bundle::Golden = serde_json::from_slice(&shipped()["golden.json"]).unwrap();
    golden.cases[0].output[0][0] += 1.0;
    let (reason, detail) = refused(&with("golden.json", serde_json::to_string(&golden).unwrap().as_bytes()));
    assert_eq!(reason, Reason::GoldenMismatch);
    assert!(detail.starts_with("golden case 0 of "), "{detail}");
}
