//! The card of an imported model: what is known of it, and what is not.

use std::fmt::Write as _;

use lineside_bundle::Manifest;
use lineside_bundle::manifest::Kind;

use super::quantise::Quantised;

/// What the card tells beside the manifest.
pub(super) struct Facts<'a> {
    pub architecture: &'a str,
    pub source: &'a str,
    pub quantised: Option<Quantised>,
    pub tolerance: f32,
}

/// The card's text.
pub(super) fn card(manifest: &Manifest, facts: &Facts<'_>) -> String {
    let mut text = format!("# {} {}\n\n{}\n\n", manifest.name, manifest.version, manifest.description);
    let mut row = |what: &str, is: String| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| {what} | {is} |");
    };
    row("what", "is".into());
    row("---", "---".into());
    row("architecture", facts.architecture.to_owned());
    row("made from", format!("`{}`", facts.source));
    row("licence", manifest.licence.clone());
    row("weights", weights(facts.quantised));
    if let Some(language) = &manifest.language {
        let kind = if language.kind == Kind::Decoder { "writes" } else { "reads" };
        row("kind", format!("{kind}; {} tokens at most", language.context));
        let template = if language.chat_template.is_some() { "yes" } else { "no" };
        row("chat template", template.into());
    }
    row("golden vectors", format!("of this runtime; other builds agree within {:.1e}", facts.tolerance));
    text += "\n## Limits\nNothing was trained or evaluated here: what the model is good for is what its makers say. \
             It has no slots, so each number, unit and name in a summary of it is compared with the evidence, and \
             the deterministic sentence stands in where they do not agree.\n";
    text
}

fn weights(quantised: Option<Quantised>) -> String {
    let Some(Quantised { products, tables, left }) = quantised else {
        return "as exported".into();
    };
    let mut text =
        format!("{products} products and {tables} tables of tokens in four bits, blocks of 32, symmetric");
    if left > 0 {
        let _ = write!(text, "; {left} left as exported, whose rows are no multiple of 32");
    }
    text
}
