//! What the language models say here is what they say in onnxruntime and in Python.
//!
//! Needs a Python with what `tests/slm/requirements.txt` names, by `LINESIDE_SLM_PYTHON`; `.ci/run`
//! makes one.

use std::path::Path;
use std::sync::OnceLock;

use system_tests::skipped;
use system_tests::slm::{self, Material, Text};

/// One of each architecture, and the export that runs best.
const DECODERS: [&str; 7] = ["llama", "llama-3.2", "smollm2", "qwen2.5", "qwen3", "gpt2", "contract"];
/// Tokens that all of these know.
const VOCABULARY: u32 = 500;
const PROMPT: usize = 48;
const STEPS: usize = 64;
/// What sums in another order may differ by; logits have a standard deviation of 3.
const F32: f32 = 1e-3;
/// How much further from f32 than onnxruntime's four bits ours may be: as the weights are the same,
/// all of it comes from what the products round on the way.
const DRIFT: f64 = 1.05;
/// Of 65 answers, so many more than onnxruntime's may have another most likely token than f32:
/// answers of random weights are often near ties, which either rounding may turn.
const OTHER_ANSWERS: usize = 4;
/// What embeddings may differ by in each element; they have length 1.
const EMBEDDING: f32 = 1e-4;

fn material() -> Option<Material> {
    let Some(python) = slm::python() else {
        skipped("LINESIDE_SLM_PYTHON, a Python with what tests/slm/requirements.txt names");
        return None;
    };
    static MADE: OnceLock<Material> = OnceLock::new();
    Some(MADE.get_or_init(|| Material::made_by(&python)).clone())
}

#[test]
fn logits_of_every_architecture_are_those_of_onnxruntime_in_f32() {
    let Some(material) = material() else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = Text::random(VOCABULARY, PROMPT, STEPS);
    for name in DECODERS {
        let bundle = material.bundle(name, folder.path(), &[]);
        let expected =
            material.onnxruntime(&material.exported(name).join("model.onnx"), &text, folder.path());
        for options in [&[][..], &["--plain"]] {
            let found = slm::logits(&bundle, &text, folder.path(), options);
            let difference = largest_difference(&expected, &found);
            println!("{name} {options:?}: {difference:.1e}");
            assert!(difference <= F32, "{name} {options:?}: logits differ by {difference}");
            assert_eq!(
                other_answers(&expected, &found),
                0,
                "{name} {options:?}: another token is the most likely"
            );
        }
    }
}

/// The drift of four-bit logits is the root of their mean squared difference from the f32 logits of
/// onnxruntime, over all 65 answers and the whole vocabulary. Both runtimes read the same four-bit
/// file.
#[test]
fn four_bit_logits_drift_no_further_than_onnxruntimes_own() {
    let Some(material) = material() else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = Text::random(VOCABULARY, PROMPT, STEPS);
    for name in DECODERS {
        let bundle = material.bundle(name, folder.path(), &["--int4"]);
        let f32s = material.onnxruntime(&material.exported(name).join("model.onnx"), &text, folder.path());
        let theirs = material.onnxruntime(&bundle.join("model.onnx"), &text, folder.path());
        let allowed = mean_difference(&f32s, &theirs);
        // A file that is written wrongly is wrong in both runtimes.
        let spread = mean_difference(&f32s, &vec![vec![0.0; f32s[0].len()]; f32s.len()]);
        assert!(
            allowed < 0.6 * spread,
            "{name}: four bits leave nothing of the model: {allowed} of {spread}"
        );
        for options in [&[][..], &["--plain"]] {
            let ours = slm::logits(&bundle, &text, folder.path(), options);
            let (drift, apart) = (mean_difference(&f32s, &ours), mean_difference(&theirs, &ours));
            let (mine, yours) = (other_answers(&f32s, &ours), other_answers(&f32s, &theirs));
            println!(
                "{name} {options:?}: drift {drift:.3}, onnxruntime's {allowed:.3}, apart {apart:.1e}; other answers \
                 {mine} and {yours} of {}",
                f32s.len()
            );
            assert!(
                drift <= DRIFT * allowed,
                "{name} {options:?}: drift {drift}, onnxruntime's is {allowed}"
            );
            assert!(
                apart <= allowed,
                "{name} {options:?}: {apart} from onnxruntime, whose drift is {allowed}"
            );
            assert!(
                mine <= yours + OTHER_ANSWERS,
                "{name} {options:?}: {mine} other answers, onnxruntime {yours}"
            );
        }
    }
}

#[test]
fn embeddings_are_those_of_the_python_package() {
    let Some(material) = material() else { return };
    let folder = tempfile::tempdir().unwrap();
    let reference = std::fs::read(material.exported("minilm").join("reference.json")).unwrap();
    let reference: Vec<serde_json::Value> = serde_json::from_slice(&reference).unwrap();
    let texts: Vec<&str> = reference.iter().map(|entry| entry["text"].as_str().unwrap()).collect();
    let expected: Vec<Vec<f32>> =
        reference.iter().map(|entry| serde_json::from_value(entry["embedding"].clone()).unwrap()).collect();
    assert_eq!(texts.len(), 100);
    let bundle = material.bundle("minilm", folder.path(), &[]);
    let found = slm::embeddings(&bundle, &texts, folder.path());
    let difference = largest_difference(&expected, &found);
    println!("minilm: {difference:.1e}");
    assert!(difference <= EMBEDDING, "embeddings differ by {difference}");
}

#[test]
fn what_is_brought_in_passes_its_own_trial() {
    let Some(material) = material() else { return };
    let folder = tempfile::tempdir().unwrap();
    let brought: [(&str, &[&str]); 5] =
        [("qwen3", &[]), ("contract", &["--int4"]), ("bert", &[]), ("bert-labels", &[]), ("minilm", &[])];
    for (name, options) in brought {
        let bundle = material.bundle(name, folder.path(), options);
        let report = tried(&bundle);
        assert_eq!(report["verdict"]["result"], "ok", "{name}: {report}");
        assert_eq!(report["golden"]["cases"], 4, "{name}: {report}");
        assert!(
            report["p95_us"].as_u64().unwrap() > 0 && report["memory_kib"].as_u64().unwrap() > 0,
            "{report}"
        );
    }
}

fn tried(bundle: &Path) -> serde_json::Value {
    let mut test = std::process::Command::new(system_tests::agent::path());
    let output = test.args(["bundle", "test", "--json"]).arg(bundle).output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn pairs<'a>(a: &'a [Vec<f32>], b: &'a [Vec<f32>]) -> impl Iterator<Item = (f32, f32)> {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().zip(b).all(|(a, b)| a.len() == b.len()), "rows of two lengths");
    a.iter().flatten().copied().zip(b.iter().flatten().copied())
}

/// NaN counts as the largest.
fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    pairs(a, b).map(|(a, b)| (a - b).abs()).fold(0.0, |most, x| if x <= most { most } else { x })
}

/// The root of the mean squared difference.
fn mean_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let squares: Vec<f64> = pairs(a, b).map(|(a, b)| f64::from(a - b).powi(2)).collect();
    (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
}

/// Rows in which another element is the largest.
fn other_answers(a: &[Vec<f32>], b: &[Vec<f32>]) -> usize {
    let largest = |row: &[f32]| (0..row.len()).max_by(|x, y| row[*x].total_cmp(&row[*y]));
    a.iter().zip(b).filter(|(a, b)| largest(a) != largest(b)).count()
}
