//! Tiny models with random weights, for tests that want a real one on tract.
//!
//! ```ignore
//! let bundle = fixtures::tiny_decoder(64);                    // 64 tokens, context 128, token 0 ends
//! let Loaded::Decoder(model) = load(bundle, &LoadOptions::default())? else { unreachable!() };
//! ```

use lineside_bundle::{Bundle, Sha256Hex};
use lineside_random_models::{decoder, encoder};

pub(crate) use lineside_random_models::Shape;

/// A decoder of two layers that knows `vocabulary` tokens and takes 128. Token 0 ends an answer.
/// Its weights are random, but always the same.
pub(crate) fn tiny_decoder(vocabulary: usize) -> Bundle {
    decoder(&Shape { vocabulary, ..Shape::default() })
}

/// A decoder of that shape, as [`tiny_decoder`].
pub(crate) fn decoder(shape: &Shape) -> Bundle {
    let language = format!("kind = \"decoder\"\ncontext = {}\nend = [0]\n", shape.context);
    bundle(&language, &decoder::onnx(shape))
}

/// An encoder that knows `vocabulary` tokens, takes 64, and answers with the mean of its hidden
/// states: 16 numbers.
pub(crate) fn tiny_encoder(vocabulary: usize) -> Bundle {
    let language = "kind = \"encoder\"\ncontext = 64\noutput = \"mean\"\n";
    bundle(language, &encoder::onnx(vocabulary, None))
}

/// An encoder with one logit for each of `labels`.
pub(crate) fn tiny_classifier(vocabulary: usize, labels: usize) -> Bundle {
    labelled(labels, &encoder::onnx(vocabulary, Some(labels)))
}

/// A decoder of that shape as an NNEF tar with `Q4_0` weights.
pub(crate) fn nnef_decoder(shape: &Shape) -> Bundle {
    let bytes = decoder::onnx(&Shape { int4: false, ..shape.clone() });
    let tar = super::import::tests::nnef_of(bytes);
    let language = format!("kind = \"decoder\"\ncontext = {}\nend = [0]\n", shape.context);
    bundle_of(&language, "format = \"nnef\"", &tar)
}

/// `model`, an ONNX file, in a bundle with that `[language]`.
pub(crate) fn bundle(language: &str, model: &[u8]) -> Bundle {
    bundle_of(language, "format = \"onnx\"", model)
}

/// `model`, an ONNX file of an encoder, in a bundle with so many labels.
pub(crate) fn labelled(labels: usize, model: &[u8]) -> Bundle {
    let names: Vec<String> = (0..labels).map(|label| format!("\"label-{label}\"")).collect();
    let keys = format!("format = \"onnx\"\nlabels = [{}]", names.join(", "));
    bundle_of("kind = \"encoder\"\ncontext = 64\noutput = \"labels\"\n", &keys, model)
}

/// `model` in a bundle with that `[language]` and those keys of `[model]`.
fn bundle_of(language: &str, keys: &str, model: &[u8]) -> Bundle {
    let nothing = Sha256Hex::of(b"");
    let manifest = format!(
        "schema = 1\nname = \"tiny\"\nversion = \"1.0.0\"\nrelease = 1\ntask = \"generate\"\nlicence = \"Apache-2.0\"\n\
         description = \"Random weights.\"\n[model]\nfile = \"model.onnx\"\n{keys}\nsha256 = \"{}\"\nbytes = {}\n\
         [golden]\nfile = \"golden.json\"\nsha256 = \"{nothing}\"\n[card]\nfile = \"card.md\"\n\
         [tokenizer]\nfile = \"tokenizer.json\"\nsha256 = \"{nothing}\"\n[language]\n{language}\
         [provenance]\ncode = \"a test\"\nseed = 1\ndata = []\n",
        Sha256Hex::of(model),
        model.len(),
    );
    Bundle::from_parts(&manifest, model, None).expect("a bundle of a test")
}
