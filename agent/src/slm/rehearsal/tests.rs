//! Prompts, slots and masks by JSON lines.

use serde_json::{Value, json};

use super::*;
use crate::slm::mask::slots::fixtures::{LEXICON, left_over};

fn answers(rehearsal: Option<&Rehearsal>, lines: &[Value]) -> Result<Vec<Value>, RehearsalError> {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut output = Vec::new();
    run(rehearsal, input.as_bytes(), &mut output)?;
    let output = String::from_utf8(output).unwrap();
    Ok(output.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn told() -> Value {
    serde_json::to_value(ToldCase::of(&left_over())).unwrap()
}

#[test]
fn a_case_is_answered_with_the_prompt_and_the_slots_of_the_agent() {
    let to = 1_795_250_000_000_000_i64;
    let lines = [json!({"case": told()}), json!({"shift": {"to": to, "cases": [told()]}})];
    let answers = answers(None, &lines).unwrap();
    let (incident, shift) = (&answers[0], &answers[1]);
    assert!(incident["prompt"].as_str().unwrap().contains("<p.second> a worn seal"));
    assert!(shift["prompt"].as_str().unwrap().starts_with("<p.shift.v1><m0.name>"));
    assert_eq!(incident["slots"]["<c1.delta>"], json!("12 m3/h"));
    assert_eq!(incident["slots"]["<second>"], json!("a worn seal"));
    assert_eq!(incident["slots"]["<n.more>"], json!("1 more channel"));
    assert_eq!(incident["slots"].get("<c2.name>"), None);
    assert_eq!(shift["slots"]["<m0.count>"], json!("1 incident"));
}

#[test]
fn texts_are_checked_by_the_mask_and_told_what_might_have_followed() {
    let rehearsal = Rehearsal::of(LEXICON).unwrap();
    let pieces = |text: &str| json!(text.split_whitespace().collect::<Vec<_>>());
    let texts = [
        pieces("<c0.name> rose to <c0.now> . <c1.name> fell separately . <end>"),
        pieces("<c0.name> fell"),
        pieces("<c0.name> rose to <c1.now>"),
        pieces("<c0.name> soared"),
        pieces("<c0.name> rose"),
    ];
    let lines = [json!({"case": told(), "pieces": texts, "sentences": 2})];
    let answers = answers(Some(&rehearsal), &lines).unwrap();
    let texts = answers[0]["texts"].as_array().unwrap();
    assert_eq!(texts[0]["text"], json!("Pressure out rose to 5.4 bar. Flow fell separately."));
    let refused: Vec<_> = texts.iter().map(|text| text["refused_at"].as_u64()).collect();
    assert_eq!(refused, [None, Some(1), Some(3), Some(1), None]);
    let allowed = |at: usize| texts[at]["allowed"].as_array().unwrap();
    assert!(allowed(1).contains(&json!("rise")) && !allowed(1).contains(&json!("fall")));
    assert!(allowed(2).contains(&json!("<c0.now>")) && !allowed(2).contains(&json!("<c1.now>")));
    // Allowed, but not yet a text.
    assert_eq!(texts[4]["text"], Value::Null);
}

#[test]
fn a_line_that_is_none_is_refused_by_its_number() {
    let ok = json!({"case": told()});
    for (wrong, why) in [
        (json!({}), "takes a `case` or a `shift`"),
        (json!({"case": told(), "pieces": [["the"]], "sentences": 2}), "need a lexicon"),
        (json!({"case": {}}), "missing field"),
    ] {
        let error = answers(None, &[ok.clone(), wrong]).unwrap_err().to_string();
        assert!(error.starts_with("line 2: ") && error.contains(why), "{error}");
    }
    let rehearsal = Rehearsal::of(LEXICON).unwrap();
    let unbounded = json!({"case": told(), "pieces": [["the"]]});
    assert!(answers(Some(&rehearsal), &[unbounded]).unwrap_err().to_string().contains("`sentences`"));
}
