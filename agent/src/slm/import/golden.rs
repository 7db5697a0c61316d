//! Golden vectors of a language model: what it answers here, that every build must answer.

use lineside_bundle::{Golden, TextCase};

use super::ImportError;
use crate::slm::model::{Decoder, Loaded, Token};
use crate::slm::tokenizer::Tokenizer;

/// A word, a sentence, and what tokenizers like least.
const TEXTS: [&str; 3] = [
    "pressure",
    "The bearing of the hydraulic pump runs hotter than it did before the night shift.",
    "Kessel 3: 4,2 bar (Überdruck!) — 37 °C → stop.",
];
/// Tokens of the case that is no text: every corner of the vocabulary, longer than what is read at
/// once.
const SPREAD: usize = 48;
/// Coprime to any vocabulary that is no multiple of it, so that the tokens do not repeat.
const STRIDE: usize = 7_919;
/// The largest logits: they decide what is said.
const LARGEST: usize = 8;
/// Others, spread over the answer.
const OTHERS: usize = 8;
/// What sums in another order differ by on another processor, as a share of the largest value.
const ROUNDING: f32 = 1e-3;
/// How much further than two ways of reading differ here another processor may be.
const MARGIN: f32 = 4.0;

/// Runs the model on texts of ours.
///
/// A decoder reads each text at once and token by token. Packed weights make these differ a little,
/// and another processor's instructions differ by as much, so the tolerance is taken from that.
pub(super) fn vectors(model: &Loaded, tokenizer: &Tokenizer) -> Result<Golden, ImportError> {
    let mut made = Golden { tolerance: 0.0, cases: vec![], texts: vec![] };
    let mut differs = 0.0_f32;
    let mut largest = 0.0_f32;
    for tokens in texts(model, tokenizer)? {
        let answer = match model {
            Loaded::Encoder(encoder) => encoder.encode(&tokens)?,
            Loaded::Decoder(decoder) => {
                let (at_once, one_by_one) =
                    (read(&**decoder, &tokens, tokens.len())?, read(&**decoder, &tokens, 1)?);
                let difference =
                    at_once.iter().zip(&one_by_one).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                differs = differs.max(difference);
                at_once
            }
        };
        if let Some(at) = answer.iter().position(|value| !value.is_finite()) {
            let problem = format!("answers element {at} with {}: the export is broken", answer[at]);
            return Err(ImportError::file("model", problem));
        }
        largest = answer.iter().fold(largest, |most, value| most.max(value.abs()));
        let chosen = if matches!(model, Loaded::Decoder(_)) { LARGEST } else { 0 };
        made.texts.push(TextCase { output: chosen_of(&answer, chosen), tokens });
    }
    made.tolerance = (ROUNDING * largest).max(MARGIN * differs);
    Ok(made)
}

fn texts(model: &Loaded, tokenizer: &Tokenizer) -> Result<Vec<Vec<Token>>, ImportError> {
    let (vocabulary, context) = match model {
        Loaded::Decoder(decoder) => (decoder.vocabulary(), decoder.context()),
        Loaded::Encoder(encoder) => (encoder.vocabulary(), encoder.context()),
    };
    let mut texts = Vec::new();
    for text in TEXTS {
        texts.push(tokenizer.encode(text)?);
    }
    texts.push(
        (1..=SPREAD).map(|at| (at * STRIDE % vocabulary.min(tokenizer.vocabulary())) as Token).collect(),
    );
    texts.iter_mut().for_each(|tokens| tokens.truncate(context));
    texts.retain(|tokens| !tokens.is_empty());
    Ok(texts)
}

fn read(decoder: &dyn Decoder, tokens: &[Token], at_once: usize) -> Result<Vec<f32>, ImportError> {
    let mut conversation = decoder.converse()?;
    for part in tokens.chunks(at_once) {
        conversation.feed(part, &|| true)?;
    }
    Ok(conversation.logits().to_vec())
}

/// The `largest` elements, the largest first, then others that are spread over the answer.
fn chosen_of(answer: &[f32], largest: usize) -> Vec<(u32, f32)> {
    let mut by_value: Vec<usize> = (0..answer.len()).collect();
    by_value.sort_by(|a, b| answer[*b].total_cmp(&answer[*a]));
    by_value.truncate(largest);
    let step = answer.len().div_ceil(OTHERS.max(1)).max(1);
    for at in (0..answer.len()).step_by(step) {
        if !by_value.contains(&at) {
            by_value.push(at);
        }
    }
    by_value.into_iter().map(|at| (at as u32, answer[at])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_no_element_twice() {
        let answer: Vec<f32> = (0..100).map(|at| ((at * 37) % 100) as f32).collect();
        let chosen = chosen_of(&answer, LARGEST);
        assert_eq!(chosen[0].1, 99.0);
        assert!(chosen[..LARGEST].windows(2).all(|pair| pair[0].1 > pair[1].1));
        let mut at: Vec<u32> = chosen.iter().map(|(at, _)| *at).collect();
        at.sort_unstable();
        at.dedup();
        assert_eq!(at.len(), chosen.len());
        assert_eq!(chosen_of(&[1.0, 2.0], 0), [(0, 1.0), (1, 2.0)]);
    }
}
