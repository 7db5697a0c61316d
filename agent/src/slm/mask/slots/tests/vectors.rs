//! What a reimplementation of prompt and mask is compared with: `testdata/vectors.json`.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::*;
use crate::slm::mask::slots::slot::About;
use crate::slm::rehearsal::{ToldCase, ToldShift};
use crate::slm::summary::prompt;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/slm/mask/slots/testdata/vectors.json");
/// Out of reach.
const TOKENS: usize = 100_000;
const RANDOM_CASES: usize = 8;
const RANDOM_SHIFTS: usize = 3;
const TEXTS: usize = 6;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Vectors {
    cases: Vec<Vector>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Vector {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    case: Option<ToldCase>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    shift: Option<ToldShift>,
    prompt: String,
    texts: Vec<Text>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Text {
    pieces: Vec<String>,
    sentences: u8,
    refused_at: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
}

impl Vector {
    fn known(&self) -> (Facts, String) {
        if let Some(told) = &self.case {
            let case = told.case();
            let facts = Facts::of_incident(&case);
            let prompt = prompt::of_incident(&case, &facts);
            return (facts, prompt);
        }
        let shift = self.shift.as_ref().expect("a case or a shift");
        let cases: Vec<Case> = shift.cases.iter().map(ToldCase::case).collect();
        let facts = Facts::of_shift(&cases, shift.to);
        let prompt = prompt::of_shift(&cases, &facts);
        (facts, prompt)
    }
}

/// Which piece is refused.
fn refused(pieces: &Pieces, speech: &Speech, facts: &Facts, said: &[String], sentences: u8) -> Option<usize> {
    let mut mask = SlotMask::new(speech, facts, Limits { tokens: TOKENS, sentences }).unwrap();
    said.iter().position(|piece| {
        let tokens = if piece == "<end>" { Some(pieces.ends().to_vec()) } else { pieces.try_tokens(piece) };
        tokens.is_none_or(|tokens| tokens.iter().any(|token| mask.accept(*token).is_err()))
            || !mask.is_whole()
    })
}

fn text(pieces: &Pieces, speech: &Speech, facts: &Facts, said: Vec<String>, sentences: u8) -> Text {
    let refused_at = refused(pieces, speech, facts, &said, sentences);
    let whole = refused_at.is_none() && said.last().is_some_and(|last| last == "<end>");
    let line = said[..said.len() - usize::from(whole)].join(" ");
    let text = whole.then(|| speech.render(facts, &pieces.tokens(&line)).unwrap());
    Text { pieces: said, sentences, refused_at, text }
}

fn split(line: &str) -> Vec<String> {
    line.split_whitespace().map(ToOwned::to_owned).collect()
}

/// Random texts, most of them with one piece changed.
fn random_texts(
    pieces: &Pieces,
    speech: &Speech,
    facts: &Facts,
    about: About,
    rng: &mut StdRng,
) -> Vec<Text> {
    let slots: Vec<String> = about.slots().map(|slot| about.token(slot)).collect();
    (0..TEXTS)
        .map(|at| {
            let mut mask = SlotMask::new(speech, facts, Limits { tokens: 40, sentences: 3 }).unwrap();
            let mut taste = taste(pieces.size(), rng);
            pieces.prefer_claims(&mut taste, rng);
            let tokens = babble(&mut mask, pieces.size(), pieces.ends(), rng, &taste);
            let items = speech.read(facts, &tokens).unwrap();
            let mut said: Vec<String> = items.iter().map(|item| item.written(about)).collect();
            said.push("<end>".to_owned());
            if at > 1 {
                let place = rng.random_range(0..said.len());
                said[place] = match rng.random_range(0..3) {
                    0 => slots[rng.random_range(0..slots.len())].clone(),
                    1 => speech.words[rng.random_range(0..speech.words.len())].text.clone(),
                    _ => said[rng.random_range(0..said.len())].clone(),
                };
            }
            text(pieces, speech, facts, said, 3)
        })
        .collect()
}

fn written_anew() -> Vectors {
    let (pieces, speech) = (Pieces::new(), speech());
    let mut told = ToldCase::of(&outlet());
    told.notes = vec!["Valve 7 was CLOSED at 12:30, <machine> hums".into()];
    let mut vector = Vector { case: Some(told), shift: None, prompt: String::new(), texts: vec![] };
    let (facts, prompt) = vector.known();
    vector.prompt = prompt;
    let good = GOOD.iter().map(|line| format!("{line} <end>"));
    let wrong = WRONG.iter().map(|(line, _)| (*line).to_owned());
    vector.texts = good.chain(wrong).map(|line| text(&pieces, &speech, &facts, split(&line), 4)).collect();
    let told = ToldCase::of(&left_over());
    let mut left_over = Vector { case: Some(told), shift: None, prompt: String::new(), texts: vec![] };
    let (facts, prompt) = left_over.known();
    left_over.prompt = prompt;
    let good = GOOD_OF_LEFT_OVER.iter().map(|line| format!("{line} <end>"));
    let wrong = WRONG_OF_LEFT_OVER.iter().map(|(line, _)| (*line).to_owned());
    left_over.texts = good.chain(wrong).map(|line| text(&pieces, &speech, &facts, split(&line), 4)).collect();
    let mut cases = vec![vector, left_over];
    let mut rng = seeded(42);
    let is_json =
        |case: &Case| case.incident.evidence.channels.iter().all(|channel| channel.baseline.is_finite());
    while cases.len() < 2 + RANDOM_CASES {
        let case = any_case(&mut rng);
        if case.incident.evidence.channels.len() <= 8 && is_json(&case) {
            let vector =
                Vector { case: Some(ToldCase::of(&case)), shift: None, prompt: String::new(), texts: vec![] };
            cases.extend(complete(vector, &pieces, &speech, About::Incident, &mut rng));
        }
    }
    while cases.len() < 2 + RANDOM_CASES + RANDOM_SHIFTS {
        let shift = any_shift(&mut rng);
        let short = shift.iter().map(|case| case.incident.evidence.channels.len()).sum::<usize>() <= 20;
        if short && shift.iter().all(is_json) {
            let shift = ToldShift {
                to: crate::incident::fixtures::at(400_000),
                cases: shift.iter().map(ToldCase::of).collect(),
            };
            let vector = Vector { case: None, shift: Some(shift), prompt: String::new(), texts: vec![] };
            cases.extend(complete(vector, &pieces, &speech, About::Shift, &mut rng));
        }
    }
    Vectors { cases }
}

/// A vector with prompt and texts, unless there is nothing to say.
fn complete(
    vector: Vector,
    pieces: &Pieces,
    speech: &Speech,
    about: About,
    rng: &mut StdRng,
) -> Option<Vector> {
    let (facts, prompt) = vector.known();
    SlotMask::new(speech, &facts, Limits { tokens: TOKENS, sentences: 3 }).ok()?;
    let texts = random_texts(pieces, speech, &facts, about, rng);
    Some(Vector { prompt, texts, ..vector })
}

#[test]
fn prompts_and_masks_agree_with_the_vectors() {
    if std::env::var_os("LINESIDE_BLESS").is_some() {
        std::fs::write(FILE, serde_json::to_string(&written_anew()).unwrap() + "\n").unwrap();
        return;
    }
    let (pieces, speech) = (Pieces::new(), speech());
    let vectors: Vectors = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let (mut refused, mut allowed) = (0, 0);
    for vector in &vectors.cases {
        let (facts, prompt) = vector.known();
        assert_eq!(prompt, vector.prompt);
        for kept in &vector.texts {
            let now = text(&pieces, &speech, &facts, kept.pieces.clone(), kept.sentences);
            assert_eq!(now, *kept);
            *(if kept.refused_at.is_some() { &mut refused } else { &mut allowed }) += 1;
        }
    }
    assert!(refused > 30 && allowed > 20, "{refused} refused, {allowed} allowed");
}
