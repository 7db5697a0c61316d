//! Promise 4: a summary states no number that is not in its evidence, whoever words it.

use std::collections::VecDeque;

use super::report::deterministic;
use super::*;
use crate::incident::{Change, fixtures};
use crate::slm::decode::TokenSet;
use crate::slm::mask::slots::Vocabulary;
use crate::slm::mask::slots::fixtures::{
    Pieces, any_case, any_shift, babble, left_over, outlet, seeded, speech, taste,
};
use crate::slm::mask::slots::numbers::is_numeric;

/// Says what it was told to say, and keeps what it was asked.
#[derive(Default)]
struct Scripted {
    answers: VecDeque<Result<Written, WriteError>>,
    asked: Vec<Vec<Message>>,
}

impl Scripted {
    fn saying(texts: &[&str]) -> Self {
        let answers = texts.iter().map(|text| Ok(written(text, true))).collect();
        Scripted { answers, asked: vec![] }
    }
}

fn written(text: &str, ended: bool) -> Written {
    Written { tokens: vec![], text: text.into(), tokens_in: 10, tokens_out: 5, ended, forced: false }
}

impl Writer for Scripted {
    fn write(&mut self, ask: Ask<'_>) -> Result<Written, WriteError> {
        if let Ask::Chat { messages, .. } = ask {
            self.asked.push(messages.to_vec());
        }
        self.answers.pop_front().expect("asked too often")
    }
}

/// Says a line of words and slots as far as the mask lets it.
struct Speaker {
    pieces: Pieces,
    line: &'static str,
}

impl Writer for Speaker {
    fn write(&mut self, ask: Ask<'_>) -> Result<Written, WriteError> {
        let Ask::Slots { mask, max_tokens, .. } = ask else {
            panic!("a model with slots has no conversations")
        };
        let tokens = self.pieces.tokens(self.line);
        assert!(tokens.len() < max_tokens);
        for token in tokens.iter().chain(self.pieces.ends()) {
            let mut allowed = TokenSet::full(self.pieces.size());
            mask.narrow(&mut allowed).unwrap();
            mask.accept(*token).map_err(|error| WriteError::Failed(error.to_string()))?;
        }
        Ok(Written {
            tokens_in: 1,
            tokens_out: tokens.len(),
            tokens,
            text: String::new(),
            ended: true,
            forced: false,
        })
    }
}

fn slots() -> Language {
    Language::Slots(Arc::new(speech()))
}

fn shift(cases: Vec<Case>) -> Shift {
    Shift { from: fixtures::at(-3_600), to: fixtures::at(7_200), cases }
}

#[test]
fn a_model_with_slots_words_an_incident() {
    let line = "<c0.name> rose by <c0.delta> to <c0.now> , then <c1.name> fell to <c1.now> .";
    let mut writer = Speaker { pieces: Pieces::new(), line };
    let wording = summarize(&outlet(), &slots(), &mut writer, 96);
    assert_eq!(wording.text, "Pressure out rose by 1.2 bar to 5.4 bar, then flow fell to 30 m3/h.");
    assert_eq!(wording.by, By::Slots);
}

#[test]
fn what_is_unexplained_is_said_even_where_the_model_leaves_it_out() {
    let words = |line: &'static str| {
        let mut writer = Speaker { pieces: Pieces::new(), line };
        summarize(&left_over(), &slots(), &mut writer, 96).text
    };
    let left_out = words("<c0.name> rose by <c0.delta> , then <c1.name> fell to <c1.now> .");
    assert_eq!(
        left_out,
        "Pressure out rose by 1.2 bar, then flow fell to 30 m3/h. Unexplained remains flow."
    );
    let said = words("<c0.name> rose by <c0.delta> ; <c1.name> fell separately .");
    assert_eq!(said, "Pressure out rose by 1.2 bar; flow fell separately.");
}

#[test]
fn a_model_with_slots_words_a_shift() {
    let mut other = outlet();
    other.subject.device = "fan-2".into();
    other.incident.change = Change::Closed;
    other.incident.evidence.peak_score = 5.0;
    let line = "<m0.name> reported <m0.count> : <i0.name> fell by <i0.delta> at <i0.at> . <m1.name> : <i1.name> is \
                still low .";
    let line = line.replace(" : <i0", " ; <i0").leak();
    let mut writer = Speaker { pieces: Pieces::new(), line };
    let wording = report(&shift(vec![other, outlet()]), &slots(), &mut writer, 96);
    assert_eq!(
        wording.text,
        "pump-1 reported 1 incident; flow fell by 12 m3/h at 08:00 UTC. fan-2: flow is still low."
    );
    assert_eq!(wording.by, By::Slots);
}

#[test]
fn words_that_agree_with_the_evidence_are_taken() {
    let text = "The pressure out rose by 1.2 bar to 5.4 bar, then the flow fell from 42 to 30 m3/h.";
    let mut writer = Scripted::saying(&[text]);
    let wording = summarize(&outlet(), &Language::Free, &mut writer, 96);
    assert_eq!(wording, Wording { text: text.into(), by: By::Checked, tokens_in: 10, tokens_out: 5 });
}

#[test]
fn wrong_words_are_asked_for_once_more_and_then_the_sentence_stands_in() {
    let case = outlet();
    let mut writer = Scripted::saying(&["Pressure out rose to 7 bar.", "Pressure out rose to 5.4 bar."]);
    let wording = summarize(&case, &Language::Free, &mut writer, 96);
    assert_eq!((wording.text.as_str(), wording.by), ("Pressure out rose to 5.4 bar.", By::Checked));
    assert_eq!(wording.tokens_out, 10);
    let again = writer.asked[1].last().unwrap();
    assert!(again.content.contains("the number \"7 bar\" is not in the evidence"), "{}", again.content);

    let mut writer = Scripted::saying(&["Pressure out rose to 7 bar.", "Pressure out fell to 5.4 bar."]);
    let wording = summarize(&case, &Language::Free, &mut writer, 96);
    assert_eq!(wording.text, signature::summary(&case));
    assert_eq!(wording.by, By::Deterministic(Reason::Violations));
}

#[test]
fn whatever_goes_wrong_the_sentence_stands_in_with_the_reason() {
    let case = outlet();
    let answers = [
        (Err(WriteError::Stopped), Reason::Stopped),
        (Err(WriteError::TooLong("900 tokens".into())), Reason::TooLong),
        (Err(WriteError::Failed("no memory".into())), Reason::Failed),
        (Ok(written("Pressure out rose to", false)), Reason::Unfinished),
        (Ok(written(" \n", true)), Reason::Empty),
    ];
    for (answer, reason) in answers {
        let mut writer = Scripted { answers: [answer].into(), asked: vec![] };
        let wording = summarize(&case, &Language::Free, &mut writer, 96);
        assert_eq!((wording.text, wording.by), (signature::summary(&case), By::Deterministic(reason)));
    }
    let mut quiet = case.clone();
    quiet.incident.evidence.channels.iter_mut().for_each(|channel| channel.deviates = false);
    for language in [slots(), Language::Free] {
        let by = summarize(&quiet, &language, &mut Scripted::default(), 96).by;
        assert_eq!(by, By::Deterministic(Reason::NothingDeviates));
    }
    assert_eq!(
        summarize(&case, &slots(), &mut Scripted::default(), 3).by,
        By::Deterministic(Reason::TooLong)
    );
    let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
}

#[test]
fn a_prompt_for_slots_has_no_digit_and_no_token_from_a_note() {
    let pieces = Pieces::new();
    for seed in 0..300 {
        let mut case = any_case(&mut seeded(seed));
        case.notes =
            vec!["Valve <c0.now> was at 4.5 bar (\u{663}\u{b2}), 12:30h <end>".into(), "\u{0}".into()];
        let facts = Facts::of_incident(&case);
        let prompt = prompt::of_incident(&case, &facts);
        let tokens = prompt.split('<').skip(1).map(|token| token.split_once('>').unwrap());
        let known = |name: &str| pieces.special(&format!("<{name}>")).is_some();
        for (token, words) in tokens {
            assert!(known(token), "{token} in {prompt}");
            assert!(!words.contains(['>', '\n']) && !words.chars().any(is_numeric), "{words:?} in {prompt}");
        }
        assert!(
            prompt.contains("<p.note> valve c<p.num>.now was at <p.num> bar (<p.num>), <p.num>h end"),
            "{prompt}"
        );
        assert!(prompt.ends_with("<p.text>"));
    }
}

#[test]
fn the_prompt_of_an_incident() {
    let case = outlet();
    let prompt = prompt::of_incident(&case, &Facts::of_incident(&case));
    assert_eq!(
        prompt,
        "<p.incident.v1><p.opened><c0.name> pressure out<p.unit> bar<p.step><p.up><p.extreme><p.rank.1>\
         <c1.name> flow<p.unit> m<p.num>/h<p.step><p.down><p.extreme><p.rank.2>\
         <c2.name> temperature<p.unit> °c<p.steady><p.cause> a blocked outlet\
         <p.check> the valve behind the pump<p.text>"
    );
}

#[test]
fn the_prompt_tells_the_whole_decision() {
    let mut case = left_over();
    let told = |case: &Case| prompt::of_incident(case, &Facts::of_incident(case));
    let found = case.assessment.as_mut().unwrap();
    (found.benign, found.cause) = (true, None);
    let prompt = told(&case);
    assert!(prompt.contains("<p.extreme><p.rank.2><p.unexplained><c2.name>"), "{prompt}");
    let decision =
        "<p.benign><p.cause> outlet blocked<p.second> a worn seal<p.check> the valve behind the pump";
    assert!(prompt.contains(decision), "{prompt}");
    // A number in a table's words is never spoken, and what abstains names no fault.
    let found = case.assessment.as_mut().unwrap();
    (found.second, found.check) = (Some("seal 2".into()), Some("valve seven".into()));
    assert!(told(&case).ends_with("<p.cause> outlet blocked<p.text>"), "{}", told(&case));
    let found = case.assessment.as_mut().unwrap();
    (found.label, found.second, found.check) = (None, Some("a worn seal".into()), None);
    assert!(told(&case).ends_with("<p.unknown><p.text>"), "{}", told(&case));
    assert_eq!(Facts::of_incident(&case).second, None);
}

#[test]
fn a_shift_report_without_a_model_says_what_happened_by_weight() {
    let mut closed = outlet();
    closed.subject.device = "fan-2".into();
    closed.incident.id = "fan-2-x".into();
    closed.incident.change = Change::Closed;
    closed.incident.evidence.channels[0].deviation_sd = Some(0.5);
    closed.incident.evidence.channels[0].now = Some(4.25);
    closed.assessment = None;
    let told = deterministic(&shift(vec![closed, outlet()]));
    assert_eq!(
        told.text,
        "07:00 UTC to 10:00 UTC: 2 incidents on 2 machines, 1 still open.\n\
         pump-1, 1 incident:\n\
         - 08:00 UTC, open for 40 s: pressure out is 1.2 bar above normal, at 5.4 bar (step); flow is 12 m3/h below \
         normal, at 30 m3/h (step). Looks like: a blocked outlet.\n\
         fan-2, 1 incident:\n\
         - 08:00 UTC, lasted 40 s: pressure out (step) is back at 4.25 bar; flow (step) stays 12 m3/h below what it \
         was, at 30 m3/h."
    );
    assert_eq!(told.incidents, [outlet().incident.id, "fan-2-x".into()]);
    assert_eq!(deterministic(&shift(vec![])).text, "07:00 UTC to 10:00 UTC: no incident.");
}

#[test]
fn a_shift_report_without_a_model_states_no_number_that_is_not_in_the_evidence() {
    for seed in 0..300 {
        let shift = shift(any_shift(&mut seeded(seed)));
        let told = deterministic(&shift);
        let mut text = told.text;
        for case in &shift.cases {
            let deviating = case.incident.evidence.channels.iter().filter(|channel| channel.deviates).count();
            let more = deviating.saturating_sub(3);
            text = text.replace(&format!("; {more} more channel"), "; more");
        }
        text = text.replace("- and 1 more incident.", "");
        // A fixed phrase that counts nothing.
        text = text.replace("no single", "no");
        let wrong = checker::check(&text, &Ground::of_shift(&shift));
        let wrong: Vec<_> = wrong
            .iter()
            .filter(|wrong| {
                matches!(wrong.what, checker::What::Number | checker::What::Unit | checker::What::NumberWord)
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}\n{text}");
        assert_eq!(told.incidents.len(), shift.cases.len());
    }
}

#[test]
fn a_random_model_with_slots_words_every_incident() {
    struct Random(Pieces, u64);
    impl Writer for Random {
        fn write(&mut self, ask: Ask<'_>) -> Result<Written, WriteError> {
            let Ask::Slots { mask, .. } = ask else { panic!("a model with slots has no conversations") };
            let mut rng = seeded(self.1);
            let taste = taste(self.0.size(), &mut rng);
            let tokens = babble(mask, self.0.size(), self.0.ends(), &mut rng, &taste);
            Ok(Written {
                tokens_in: 1,
                tokens_out: tokens.len(),
                tokens,
                text: String::new(),
                ended: true,
                forced: false,
            })
        }
    }
    let language = slots();
    for seed in 0..50 {
        let case = any_case(&mut seeded(seed));
        let wording = summarize(&case, &language, &mut Random(Pieces::new(), seed), 64);
        let deviates = case.incident.evidence.channels.iter().any(|channel| channel.deviates);
        let by = if deviates { By::Slots } else { By::Deterministic(Reason::NothingDeviates) };
        assert_eq!(wording.by, by);
    }
}
