//! The tables that came after the first bundles: optional, checked, and read back as written.

use super::*;
use crate::bundle::tests::manifest;

const MORE: &str = r#"
[requires]
agent = "0.2.0"
arch = ["aarch64", "x86_64"]
memory_kib = 2048
[trial]
shadow_windows = 600
min_agreement = 0.99
soak_s = 60
[tokenizer]
file = "tokenizer.json"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
[preprocessing]
mean = [0.0, 1.0]
[drift]
score = { edges = [-1.0, 1.0], counts = [20, 60, 20] }
confidence = { edges = [0.9], counts = [40, 60], abstained = 5 }
"#;

fn parse(extra: &str) -> Result<Manifest, String> {
    Manifest::parse(&format!("{}{extra}", manifest())).map_err(|e| e.to_string())
}

#[test]
fn a_manifest_from_before_the_new_tables_is_read_with_their_defaults() {
    let shipped = Manifest::parse(include_str!("../../../catalog/detector/manifest.toml")).unwrap();
    assert_eq!(shipped.requires, Requires::default());
    assert_eq!(shipped.trial, Trial::default());
    assert_eq!(shipped.trial.shadow_windows, 0);
    assert!(shipped.tokenizer.is_none() && shipped.card.sha256.is_none() && shipped.model.labels.is_empty());
}

#[test]
fn the_new_tables_are_read_and_read_back_as_written() {
    let parsed = parse(MORE).unwrap();
    assert_eq!(parsed.requires.agent, Version(0, 2, 0));
    assert_eq!(parsed.trial.shadow_windows, 600);
    assert_eq!(parsed.trial.soak_windows, Trial::default().soak_windows);
    assert_eq!(parsed.files().len(), 4);
    let drift = parsed.drift.as_ref().unwrap();
    assert_eq!(drift.confidence.as_ref().unwrap().abstained, 5);
    assert_eq!(drift.score.as_ref().unwrap().abstained, 0);
    assert_eq!(Manifest::parse(&toml::to_string(&parsed).unwrap()).unwrap(), parsed);
}

#[test]
fn impossible_values_of_the_new_tables_are_refused_with_what_is_allowed() {
    for (extra, expected) in [
        ("[requires]\nagent = \"0.1\"", "key `requires.agent`: `0.1` must be three numbers"),
        ("[requires]\narch = [\"ARM\"]", "key `requires.arch[0]`: `ARM` must be a processor"),
        ("[requires]\narch = [\"arm\", \"arm\"]", "key `requires.arch[1]`: `arm` is named twice"),
        ("[requires]\nos = \"linux\"", "unknown field `os`"),
        ("[trial]\nmin_agreement = 1.5", "key `trial.min_agreement`: 1.5 must be from 0 to 1"),
        ("[trial]\nmin_agreement = nan", "key `trial.min_agreement`: NaN"),
        ("[trial]\nmax_score_shift = -1.0", "key `trial.max_score_shift`: -1"),
        ("[trial]\nmax_score_shift = inf", "key `trial.max_score_shift`: inf"),
        ("[trial]\nsoak_s = 604801", "key `trial.soak_s`: 604801 must be at most 604800"),
        ("[trial]\nshadow = 1", "unknown field `shadow`"),
        ("[drift]\nlogit = 1", "unknown field `logit`"),
        ("[drift]\nscore = { edges = [], counts = [100] }", "key `drift.score.edges`: must be 1 to 64"),
        (
            "[drift]\nscore = { edges = [2, 1], counts = [9, 99, 9] }",
            "key `drift.score.edges`: must be 1 to 64",
        ),
        ("[drift]\nscore = { edges = [nan], counts = [9, 99] }", "key `drift.score.edges`: must be 1 to 64"),
        (
            "[drift]\nconfidence = { edges = [0.5], counts = [100] }",
            "key `drift.confidence.counts`: has 1 bins",
        ),
        ("[drift]\nscore = { edges = [1], counts = [50, 49] }", "key `drift.score.counts`: hold 99 answers"),
    ] {
        let message = parse(extra).unwrap_err();
        assert!(message.contains(expected), "{extra}: {message}");
    }
    let twice = MORE.replace("tokenizer.json", "golden.json");
    assert!(parse(&twice).unwrap_err().contains("key `tokenizer.file`: `golden.json` is named twice"));
    let outside = MORE.replace("tokenizer.json", "../tokenizer.json");
    assert!(parse(&outside).unwrap_err().contains("key `tokenizer.file`"));
}

#[test]
fn labels_must_fit_the_output() {
    let with = |labels: &str| {
        let text = manifest().replace("[golden]", &format!("labels = {labels}\n[golden]"));
        Manifest::parse(&text).map_err(|e| e.to_string())
    };
    assert_eq!(with(r#"["anomaly"]"#).unwrap().model.labels, ["anomaly"]);
    for (labels, expected) in [
        (r#"["a", "b"]"#, "key `model.labels`: has 2 names for 1 outputs"),
        (r#"[""]"#, "key `model.labels[0]`: must be a name"),
        (r#"["a\u001b"]"#, "key `model.labels[0]`: must be a name"),
    ] {
        let message = with(labels).unwrap_err();
        assert!(message.contains(expected), "{labels}: {message}");
    }
}

const TENSORS: &str = r#"input = { name = "features", type = "f32", shape = ["channels", 3] }
output = { name = "logit", type = "f32", shape = ["channels", 1] }
"#;
const DECODER: &str = r#"
[tokenizer]
file = "tokenizer.json"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
[language]
kind = "decoder"
context = 512
begin = 1
end = [2]
[language.chat_template]
file = "chat.jinja"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
[language.lexicon]
file = "lexicon.toml"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
[language.normaliser]
file = "normaliser.json"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"#;

fn language(tables: &str) -> Result<Manifest, String> {
    let also = "task = \"summarize-incident\"\nalso = [\"shift-report\"]";
    let text = manifest().replace(TENSORS, "").replace("task = \"detect\"", also);
    Manifest::parse(&format!("{text}{tables}")).map_err(|e| e.to_string())
}

#[test]
fn a_language_model_has_no_tensors_of_its_own_but_a_tokenizer_and_what_else_it_reads() {
    let parsed = language(DECODER).unwrap();
    assert!(parsed.tasks().eq([Task::SummarizeIncident, Task::ShiftReport]));
    assert_eq!(parsed.language.as_ref().unwrap().end, [2]);
    let files: Vec<_> = parsed.files().into_iter().map(|(_, file)| file.to_owned()).collect();
    assert_eq!(files[3..], ["tokenizer.json", "chat.jinja", "lexicon.toml", "normaliser.json"]);
    assert_eq!(Manifest::parse(&toml::to_string(&parsed).unwrap()).unwrap(), parsed);
}

#[test]
fn a_language_model_that_cannot_be_run_is_refused_with_what_is_missing() {
    for (from, to, expected) in [
        ("end = [2]", "", "key `language.end`: must name at least one token"),
        ("context = 512", "context = 0", "key `language.context`: must be 1 or more"),
        ("kind = \"decoder\"", "kind = \"encoder\"", "key `language.output`: is missing"),
        ("begin = 1", "output = \"mean\"", "key `language.output`: must be left out"),
        ("kind = \"decoder\"", "kind = \"encoder\"\noutput = \"labels\"", "key `model.labels`: is missing"),
        ("chat.jinja", "../chat.jinja", "key `language.chat_template.file`"),
        ("[tokenizer]\nfile = \"tokenizer.json\"\nsha256", "[requires]\narch", "key `requires.arch`"),
    ] {
        let tables = DECODER.replacen(from, to, 1);
        assert_ne!(tables, DECODER, "{from}");
        let message = language(&tables).unwrap_err();
        assert!(message.contains(expected), "{to}: {message}");
    }
    let without = language("").unwrap_err();
    assert!(without.contains("key `model.input`: is missing"), "{without}");
    let bare = DECODER.split("[language]").nth(1).unwrap();
    let untokenized = language(&format!("[language]{bare}")).unwrap_err();
    assert!(untokenized.contains("key `tokenizer`: is missing"), "{untokenized}");
    let both = Manifest::parse(&format!("{}{DECODER}", manifest())).unwrap_err().to_string();
    assert!(both.contains("key `model.input`: must be left out"), "{both}");
}

#[test]
fn a_task_is_named_once() {
    let text = manifest().replace("task = \"detect\"", "task = \"detect\"\nalso = [\"detect\"]");
    let message = Manifest::parse(&text).unwrap_err().to_string();
    assert!(message.contains("key `also[0]`: `detect` is named twice"), "{message}");
    for task in Task::ALL {
        let text = manifest().replace("task = \"detect\"", &format!("task = \"{}\"", task.name()));
        assert_eq!(Manifest::parse(&text).unwrap().task, task);
    }
}

const DIAGNOSIS: &str = r#"
[diagnosis]
temperature = 1.5
abstain_below = 0.5
[diagnosis.signatures]
file = "signatures.toml"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
[diagnosis.phrases]
file = "phrases.toml"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"#;

fn diagnosis(from: &str, to: &str) -> Result<Manifest, String> {
    let text = manifest().replace("task = \"detect\"", "task = \"classify-incident\"") + DIAGNOSIS;
    assert!(text.contains(from), "{from}");
    Manifest::parse(&text.replacen(from, to, 1)).map_err(|e| e.to_string())
}

#[test]
fn a_model_that_judges_incidents_names_its_table_and_its_figures() {
    let parsed = diagnosis("", "").unwrap();
    let table = parsed.diagnosis.as_ref().unwrap();
    assert_eq!(table.figures["temperature"].as_float(), Some(1.5));
    assert_eq!(table.figures.len(), 2, "{:?}", table.figures);
    let files: Vec<_> = parsed.files().into_iter().map(|(_, file)| file.to_owned()).collect();
    assert_eq!(files[3..], ["signatures.toml", "phrases.toml"]);
    assert_eq!(Manifest::parse(&toml::to_string(&parsed).unwrap()).unwrap(), parsed);
}

#[test]
fn a_model_that_cannot_judge_is_refused_with_the_key() {
    for (from, to, expected) in [
        (
            "task = \"classify-incident\"",
            "task = \"detect\"",
            "key `task`: must be `classify-incident` alone",
        ),
        ("shape = [\"channels\", 3]", "shape = [4, 3]", "key `model.input.shape`: must be"),
        ("shape = [\"channels\", 1]", "shape = [\"channels\", 2]", "key `model.output.shape`: must be"),
        ("[diagnosis.signatures]", "[diagnosis.signature]", "missing field `signatures`"),
        ("signatures.toml", "../signatures.toml", "key `diagnosis.signatures.file`"),
    ] {
        let message = diagnosis(from, to).unwrap_err();
        assert!(message.contains(expected), "{to}: {message}");
    }
    let both = language(&format!("{DECODER}{DIAGNOSIS}")).unwrap_err();
    assert!(both.contains("key `diagnosis`: must be left out"), "{both}");
}
