//! Runs a language model's bundle for the comparisons with onnxruntime. Tests only.
//!
//! ```text
//! slm-run logits BUNDLE PROMPT TOKENS OUT [--plain]   the first PROMPT tokens at once, the others one by one
//! slm-run embed BUNDLE TEXTS.json OUT                 one vector a text
//! slm-run time BUNDLE [--plain|--avx2]                load, prefill and tokens, as JSON
//! ```
//!
//! `--avx2` leaves out newer instructions, for runtimes that are built without them.
//! OUT gets rows of little-endian f32: one for the prompt and one for each other token, or one for
//! each text. TOKENS has commas between them.

mod timing;

use std::path::Path;
use std::process::ExitCode;

use lineside::slm::model::{Decoder, Isa, LoadOptions, Loaded, Token, load};
use lineside::slm::tokenizer::Tokenizer;
use lineside_bundle::Bundle;

/// Anything that went wrong, to be told and to end with.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let before = arguments.len();
        arguments.retain(|argument| argument != name);
        arguments.len() < before
    };
    let mut options = LoadOptions { plain: flag("--plain"), ..LoadOptions::default() };
    if flag("--avx2") {
        let avx2 = Isa::available().into_iter().find(|isa| isa.to_string() == "AVX2");
        options.instructions = avx2.unwrap_or(options.instructions);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["logits", bundle, prompt, tokens, out] => logits(bundle, &options, prompt, tokens, out),
        ["embed", bundle, texts, out] => embed(bundle, &options, texts, out),
        ["time", bundle] => timing::run(bundle, &options),
        _ => Err("slm-run logits BUNDLE PROMPT TOKENS OUT | embed BUNDLE TEXTS OUT | time BUNDLE".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("slm-run: {error}");
            ExitCode::FAILURE
        }
    }
}

fn decoder(bundle: &str, options: &LoadOptions) -> Result<std::sync::Arc<dyn Decoder>, Failure> {
    match load(Bundle::at(Path::new(bundle))?, options)? {
        Loaded::Decoder(decoder) => Ok(decoder),
        Loaded::Encoder(_) => Err(format!("{bundle} is an encoder").into()),
    }
}

fn logits(bundle: &str, options: &LoadOptions, prompt: &str, tokens: &str, out: &str) -> Result<(), Failure> {
    let tokens = tokens.split(',').map(str::parse).collect::<Result<Vec<Token>, _>>()?;
    let (prompt, rest) = tokens.split_at_checked(prompt.parse()?).ok_or("PROMPT is more than there are")?;
    let decoder = decoder(bundle, options)?;
    let mut conversation = decoder.converse()?;
    let mut rows = Vec::new();
    for part in std::iter::once(prompt).chain(rest.chunks(1)) {
        conversation.feed(part, &|| true)?;
        rows.push(conversation.logits().to_vec());
    }
    write(out, &rows)
}

fn embed(bundle: &str, options: &LoadOptions, texts: &str, out: &str) -> Result<(), Failure> {
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(texts)?)?;
    let bundle = Bundle::at(Path::new(bundle))?;
    let tokenizer = Tokenizer::from_bytes(bundle.tokenizer().ok_or("the bundle has no tokenizer")?)?;
    let Loaded::Encoder(encoder) = load(bundle, options)? else {
        return Err("the bundle is no encoder".into());
    };
    let encode = |text: &String| -> Result<Vec<f32>, Failure> {
        let mut tokens = tokenizer.encode(text)?;
        tokens.truncate(encoder.context());
        Ok(encoder.encode(&tokens)?)
    };
    write(out, &texts.iter().map(encode).collect::<Result<Vec<_>, _>>()?)
}

fn write(out: &str, rows: &[Vec<f32>]) -> Result<(), Failure> {
    let bytes: Vec<u8> = rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    Ok(std::fs::write(out, bytes)?)
}
