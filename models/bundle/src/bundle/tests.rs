//! The crate's promise: only what the manifest describes byte for byte, clear refusals, no panic.

use std::fs::{self, File};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// The smallest ONNX file: a version and a producer, no graph.
pub(crate) const MODEL: &[u8] = b"\x08\x08\x12\x03abc";
pub(crate) const GOLDEN: &str =
    r#"{"tolerance":1e-4,"cases":[{"input":[[0.5,1,2],[3,4,5]],"output":[[0.25],[1]]}]}"#;

pub(crate) fn manifest() -> String {
    format!(
        r#"schema = 1
name = "detector"
version = "1.0.0"
release = 1
task = "detect"
licence = "Apache-2.0"
description = "Scores windows."
[model]
file = "model.onnx"
format = "onnx"
sha256 = "{model}"
bytes = {bytes}
input = {{ name = "features", type = "f32", shape = ["channels", 3] }}
output = {{ name = "logit", type = "f32", shape = ["channels", 1] }}
[golden]
file = "golden.json"
sha256 = "{golden}"
[card]
file = "card.md"
[budget]
memory_kib = 512
p95_us = 100
[detector]
hold = 4
limits = [[1e-5, 4.0], [1e-4, 3.0]]
[evaluation]
command = "lineside eval"
[provenance]
code = "lineside_training 0.1.0"
seed = 7
data = [{{ name = "synthetic", sha256 = "{model}" }}]
"#,
        model = Sha256Hex::of(MODEL),
        bytes = MODEL.len(),
        golden = Sha256Hex::of(GOLDEN.as_bytes()),
    )
}

pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(MANIFEST), manifest()).unwrap();
    fs::write(folder.path().join("model.onnx"), MODEL).unwrap();
    fs::write(folder.path().join("golden.json"), GOLDEN).unwrap();
    fs::write(folder.path().join("card.md"), "# Card").unwrap();
    folder
}

/// The message for a manifest in which `from` was replaced by `to`.
fn refusal(from: &str, to: &str) -> String {
    let changed = manifest().replacen(from, to, 1);
    assert_ne!(changed, manifest(), "`{from}` does not stand in the manifest");
    Bundle::from_parts(&changed, MODEL, Some(GOLDEN.as_bytes())).unwrap_err().to_string()
}

/// A folder with a language model, which has texts in place of tensors.
fn language_folder() -> TempDir {
    const TEMPLATE: &str = "{{ messages }}";
    const TOKENIZER: &str = "{}";
    const TEXTS: &str = r#"{"tolerance":1e-3,"texts":[{"tokens":[1,5],"output":[[7,0.5],[2,-1]]}]}"#;
    let manifest = manifest()
        .lines()
        .filter(|line| !line.starts_with("input =") && !line.starts_with("output ="))
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .replace(&Sha256Hex::of(GOLDEN.as_bytes()).to_string(), Sha256Hex::of(TEXTS.as_bytes()).as_str());
    let tables = format!(
        "[tokenizer]\nfile = \"tokenizer.json\"\nsha256 = \"{}\"\n[language]\nkind = \"decoder\"\n\
         context = 64\nend = [2]\nchat_template = {{ file = \"chat.jinja\", sha256 = \"{}\" }}\n",
        Sha256Hex::of(TOKENIZER.as_bytes()),
        Sha256Hex::of(TEMPLATE.as_bytes())
    );
    let folder = folder();
    for (file, text) in [
        (MANIFEST, format!("{manifest}{tables}").as_str()),
        ("golden.json", TEXTS),
        ("tokenizer.json", TOKENIZER),
        ("chat.jinja", TEMPLATE),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

#[test]
fn a_language_model_comes_with_its_tokenizer_its_template_and_its_texts() {
    let folder = language_folder();
    let bundle = Bundle::load(folder.path()).unwrap();
    assert_eq!(bundle.tokenizer(), Some(b"{}".as_slice()));
    assert_eq!(bundle.chat_template(), Some("{{ messages }}"));
    assert_eq!((bundle.lexicon(), bundle.normaliser()), (None, None));
    assert_eq!(bundle.golden().unwrap().texts[0].output, [(7, 0.5), (2, -1.0)]);
    let (rest, model) = bundle.into_model();
    assert_eq!((model.as_slice(), rest.model()), (MODEL, b"".as_slice()));
}

#[test]
fn an_exchanged_template_or_other_golden_vectors_are_refused() {
    let folder = language_folder();
    fs::write(folder.path().join("chat.jinja"), "{{ other }}").unwrap();
    let message = Bundle::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("language.chat_template.sha256"), "{message}");
    let folder = language_folder();
    fs::write(folder.path().join("golden.json"), GOLDEN).unwrap();
    let manifest = fs::read_to_string(folder.path().join(MANIFEST)).unwrap();
    let (from, to) = manifest.split_once("[golden]").unwrap();
    let rest = to.split_once("[card]").unwrap().1;
    let digest = Sha256Hex::of(GOLDEN.as_bytes());
    let golden = format!("{from}[golden]\nfile = \"golden.json\"\nsha256 = \"{digest}\"\n[card]{rest}");
    fs::write(folder.path().join(MANIFEST), golden).unwrap();
    let message = Bundle::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("key `cases`: must be left out: a language model has `texts`"), "{message}");
}

#[test]
fn a_table_of_fault_modes_is_the_one_that_the_manifest_describes() {
    let table = "version = 1";
    let manifest = format!(
        "{}[diagnosis]\ntemperature = 1.0\n[diagnosis.signatures]\nfile = \"signatures.toml\"\nsha256 = \"{}\"\n",
        manifest().replace("task = \"detect\"", "task = \"classify-incident\""),
        Sha256Hex::of(table.as_bytes())
    );
    let folder = folder();
    fs::write(folder.path().join(MANIFEST), &manifest).unwrap();
    fs::write(folder.path().join("signatures.toml"), table).unwrap();
    let bundle = Bundle::load(folder.path()).unwrap();
    assert_eq!((bundle.signatures(), bundle.phrases()), (Some(table), None));
    let parts = |table| Bundle::built_in(&manifest, MODEL, &[("signatures.toml", table)]);
    assert_eq!(parts(table).unwrap().signatures(), Some(table));
    assert!(Bundle::built_in(&manifest, MODEL, &[]).unwrap_err().to_string().contains("signatures.toml"));
    let message = parts("version = 2").unwrap_err().to_string();
    assert!(message.contains("diagnosis.signatures.sha256"), "{message}");
}

#[test]
fn a_whole_bundle_is_loaded_with_its_calibration_and_golden_vectors() {
    let folder = folder();
    let bundle = Bundle::load(folder.path()).unwrap();
    assert_eq!(bundle.model(), MODEL);
    assert_eq!(bundle.manifest().model.input.as_ref().unwrap().width(), Some(3));
    assert_eq!(bundle.manifest().detector.as_ref().unwrap()["hold"].as_integer(), Some(4));
    let golden = bundle.golden().unwrap();
    let expected = &golden.cases[0].output;
    assert!(golden.agrees(expected, &[vec![0.25 + 5e-5], vec![1.0]]));
    assert!(!golden.agrees(expected, &[vec![0.25 + 5e-4], vec![1.0]]));
    assert!(!golden.agrees(expected, &[vec![f32::NAN], vec![1.0]]));
    assert!(!golden.agrees(expected, &[vec![0.25]]));
}

#[test]
fn a_manifest_reads_back_what_it_writes() {
    let parsed = Manifest::parse(&manifest()).unwrap();
    assert_eq!(Manifest::parse(&toml::to_string(&parsed).unwrap()).unwrap(), parsed);
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let message = refusal("bytes = 7", "byte = 7");
    assert!(message.starts_with("manifest.toml:12: key `model"), "{message}");
    assert!(message.contains("unknown field `byte`"), "{message}");
}

#[test]
fn a_wrong_type_is_refused_with_its_key() {
    let message = refusal("release = 1", "release = \"one\"");
    assert!(message.starts_with("manifest.toml:4: key `release`: invalid type"), "{message}");
}

#[test]
fn a_missing_key_is_named() {
    assert!(refusal("licence = \"Apache-2.0\"\n", "").contains("missing field `licence`"));
}

#[test]
fn a_later_schema_is_told_apart_from_a_wrong_manifest() {
    let message = refusal("schema = 1\n", "schema = 2\nnew_key = true\n");
    assert_eq!(
        message,
        "manifest.toml: key `schema`: 2, but this version reads schema 1; update the agent or take a bundle \
         made for it"
    );
}

#[test]
fn impossible_values_are_refused_with_what_is_allowed() {
    for (from, to, expected) in [
        ("name = \"detector\"", "name = \"De tector\"", "key `name`: `De tector` must be"),
        ("1.0.0", "1.0", "key `version`: `1.0` must be three numbers"),
        ("release = 1", "release = 0", "key `release`: 0 must be 1 or more"),
        ("\"Apache-2.0\"", "\"\"", "key `licence`: must not be empty"),
        ("bytes = 7", "bytes = 0", "key `model.bytes`"),
        ("[\"channels\", 3]", "[\"channels\", 0]", "key `model.input.shape`"),
        ("\"logit\"", "\"\"", "key `model.output.name`"),
        ("\"golden.json\"", "\"model.onnx\"", "key `golden.file`: `model.onnx` is named twice"),
        ("code = ", "seeds = 1\ncode = ", "unknown field `seeds`"),
    ] {
        let message = refusal(from, to);
        assert!(message.contains(expected), "{message}");
    }
    assert!(refusal("sha256 = \"", "sha256 = \"0").contains("is no SHA-256 digest"));
}

#[test]
fn a_bundle_never_reaches_outside_its_folder() {
    for name in ["../model.onnx", "/etc/passwd", "a/b", "a\\\\b", "..", ".hidden", "manifest.toml", ""] {
        let message = refusal("\"model.onnx\"", &format!("\"{name}\""));
        assert!(message.contains("must be the plain name of a file"), "{message}");
    }
    let folder = folder();
    let inside = folder.path().join("model.onnx");
    fs::remove_file(&inside).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &inside).unwrap();
    assert!(Bundle::load(folder.path()).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn an_exchanged_or_truncated_file_is_refused() {
    let folder = folder();
    let model = folder.path().join("model.onnx");
    fs::write(&model, &MODEL[..3]).unwrap();
    let message = Bundle::load(folder.path()).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("{}: its length is 3, but `model.bytes`", model.display())),
        "{message}"
    );

    fs::write(&model, b"another").unwrap();
    let message = Bundle::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("its SHA-256 digest is"), "{message}");
    assert!(message.contains("`model.sha256`"), "{message}");

    fs::write(&model, MODEL).unwrap();
    fs::write(folder.path().join("golden.json"), GOLDEN.replace("0.25", "0.26")).unwrap();
    assert!(Bundle::load(folder.path()).unwrap_err().to_string().contains("`golden.sha256`"));
}

#[test]
fn a_missing_file_is_named() {
    for name in [MANIFEST, "model.onnx", "golden.json", "card.md"] {
        let folder = folder();
        let path = folder.path().join(name);
        fs::remove_file(&path).unwrap();
        let message = Bundle::load(folder.path()).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{}: cannot be read", path.display())), "{message}");
    }
}

#[test]
fn an_oversized_file_is_refused_before_it_fills_the_memory() {
    let folder = folder();
    let manifest = File::options().write(true).open(folder.path().join(MANIFEST)).unwrap();
    manifest.set_len(MAX_MANIFEST_BYTES + 1).unwrap();
    assert!(matches!(
        Bundle::load(folder.path()),
        Err(BundleError::TooLarge { limit: MAX_MANIFEST_BYTES, .. })
    ));
}

#[test]
fn golden_vectors_must_fit_the_model() {
    let manifest = Manifest::parse(&manifest()).unwrap();
    for (golden, expected) in [
        (r#"{"tolerance":0,"cases":[]}"#, "key `tolerance`: 0 must be a number above 0"),
        (r#"{"tolerance":1e-4,"cases":[]}"#, "key `cases`: must hold at least one case"),
        (r#"{"tolerance":1e-4,"cases":[{"input":[],"output":[]}]}"#, "key `cases[0].input`"),
        (
            r#"{"tolerance":1e-4,"cases":[{"input":[[1,2]],"output":[[1]]}]}"#,
            "key `cases[0].input[0]`: has 2 values where the model has 3",
        ),
        (
            r#"{"tolerance":1e-4,"cases":[{"input":[[1,2,3]],"output":[[1],[2]]}]}"#,
            "key `cases[0].output`: has 2 rows for 1 of input",
        ),
        (
            r#"{"tolerance":1e-4,"cases":[{"input":[[1,2,1e39]],"output":[[1]]}]}"#,
            // Refused by serde_json or by the check behind it, by the features of the build.
            "key `cases[0].input[0]",
        ),
        (
            r#"{"tolerance":1e-4,"cases":[{"input":[["x"]],"output":[]}]}"#,
            "golden.json:1: key `cases[0].input[0][0]`",
        ),
        (r#"{"tolerance":1e-4,"cases":[],"seed":1}"#, "unknown field `seed`"),
        ("{} {}", "missing field `tolerance`"),
    ] {
        let message = Golden::parse(golden.as_bytes(), &manifest).unwrap_err().to_string();
        assert!(message.contains(expected), "{golden}: {message}");
    }
    let twice = format!("{GOLDEN}{GOLDEN}");
    assert!(Golden::parse(twice.as_bytes(), &manifest).is_err());
}

/// Replaces, inserts or removes bytes of a good file: near misses reach deeper than noise.
fn damaged(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..8);
    edits.prop_map(move |edits| {
        let mut bytes = good.clone();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_manifest_makes_it_panic(bytes in prop_oneof![damaged(manifest().into_bytes()), any::<Vec<u8>>()]) {
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = Bundle::from_parts(text, MODEL, None);
        }
    }

    #[test]
    fn no_golden_file_makes_it_panic(
        bytes in prop_oneof![damaged(GOLDEN.as_bytes().to_vec()), any::<Vec<u8>>()],
    ) {
        let manifest = Manifest::parse(&manifest()).unwrap();
        if let Ok(golden) = Golden::parse(&bytes, &manifest) {
            // What is accepted is usable: whole rows of finite numbers.
            for case in &golden.cases {
                prop_assert!(case.input.iter().all(|row| row.len() == 3 && row.iter().all(|v| v.is_finite())));
                prop_assert_eq!(case.input.len(), case.output.len());
            }
        }
    }

    #[test]
    fn any_change_of_the_model_is_noticed(at in 0..MODEL.len(), flip in 1..=u8::MAX) {
        let mut model = MODEL.to_vec();
        model[at] ^= flip;
        let result = Bundle::from_parts(&manifest(), &model, None);
        let noticed = matches!(result, Err(BundleError::Mismatch { key: "model.sha256", .. }));
        prop_assert!(noticed);
    }
}

/// A folder whose bundle has a tokenizer and states the card's digest.
fn with_tokenizer() -> TempDir {
    let folder = folder();
    let text = manifest().replace(
        "file = \"card.md\"",
        &format!("file = \"card.md\"\nsha256 = \"{}\"", Sha256Hex::of(b"# Card")),
    ) + &format!("[tokenizer]\nfile = \"words.json\"\nsha256 = \"{}\"\n", Sha256Hex::of(b"{}"));
    fs::write(folder.path().join(MANIFEST), text).unwrap();
    fs::write(folder.path().join("words.json"), "{}").unwrap();
    folder
}

#[test]
fn a_tokenizer_and_a_card_are_those_that_the_manifest_describes() {
    let folder = with_tokenizer();
    assert_eq!(Bundle::load(folder.path()).unwrap().tokenizer(), Some(b"{}".as_slice()));
    for (name, key) in [("words.json", "`tokenizer.sha256`"), ("card.md", "`card.sha256`")] {
        let folder = with_tokenizer();
        fs::write(folder.path().join(name), "other").unwrap();
        let message = Bundle::load(folder.path()).unwrap_err().to_string();
        assert!(message.contains(key), "{message}");
    }
}

#[test]
fn row_19_a_model_that_would_read_another_file_is_no_bundle() {
    // graph { initializer { data_location: EXTERNAL } }
    let model = b"\x3a\x04\x2a\x02\x70\x01";
    let text = manifest()
        .replace(Sha256Hex::of(MODEL).as_str(), Sha256Hex::of(model).as_str())
        .replace("bytes = 7", "bytes = 6");
    let message = Bundle::from_parts(&text, model, None).unwrap_err().to_string();
    assert!(message.contains("keeps its values in another file"), "{message}");
}
