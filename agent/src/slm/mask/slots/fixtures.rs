//! A tokenizer, a lexicon and incidents for the tests of slots, summaries and reports.

use std::collections::HashMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::class::Class;
use super::facts::Facts;
use super::lexicon::{Lexicon, Mark};
use super::slot::About;
use super::speech::Speech;
use super::vocabulary::Vocabulary;
use crate::incident::sentence::{ChannelNames, Subject, summary};
use crate::incident::{Change, ChannelEvidence, Evidence, Incident, Shape, fixtures};
use crate::slm::case::{Assessment, Case};
use crate::slm::model::Token;

/// The lexicon of the tests.
pub(crate) const LEXICON: &str = include_str!("testdata/lexicon.toml");

/// A tokenizer that cuts words into pieces of up to four letters, as subwords do; with digits,
/// number words and stray bytes that no text may hold.
pub(crate) struct Pieces {
    tokens: Vec<String>,
    of_text: HashMap<String, Token>,
    special: HashMap<String, Token>,
    ends: Vec<Token>,
}

impl Pieces {
    pub(crate) fn new() -> Self {
        let mut pieces =
            Pieces { tokens: Vec::new(), of_text: HashMap::new(), special: HashMap::new(), ends: Vec::new() };
        let end = pieces.token("<end>");
        pieces.ends.push(end);
        for about in [About::Incident, About::Shift] {
            let slots = about.slots().map(|slot| about.token(slot));
            for name in slots.chain(super::marks::all(about)) {
                let token = pieces.token(&name);
                pieces.special.insert(name, token);
            }
        }
        for mark in Mark::ALL {
            pieces.token(mark.text());
        }
        let lexicon = Lexicon::parse(LEXICON).unwrap();
        for word in lexicon.words.keys() {
            for piece in cut(&format!(" {word}")) {
                pieces.token(&piece);
            }
        }
        for stray in ["0", "1", "7", " 5", " two", " twelve", "\u{b2}", "%", " bar", " pressure", "\n"] {
            pieces.token(stray);
        }
        pieces
    }

    fn token(&mut self, text: &str) -> Token {
        let next = self.tokens.len() as Token;
        let token = *self.of_text.entry(text.to_owned()).or_insert(next);
        if token == next {
            self.tokens.push(text.to_owned());
        }
        token
    }

    /// Tokens of a line as people write it: words, marks and slots with spaces between.
    pub(crate) fn tokens(&self, line: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        for word in line.split_whitespace() {
            match self.special.get(word) {
                Some(token) => tokens.push(*token),
                None if Mark::ALL.iter().any(|mark| mark.text() == word) => {
                    tokens.extend(self.spell(word).unwrap());
                }
                None => tokens.extend(
                    self.spell(&format!(" {word}")).unwrap_or_else(|| panic!("{word} is not in the list")),
                ),
            }
        }
        tokens
    }

    /// The tokens of one word, mark or slot, or a digit as it is, if there are any.
    pub(crate) fn try_tokens(&self, word: &str) -> Option<Vec<Token>> {
        let special = self.special(word).map(|token| vec![token]);
        let whole = || self.of_text.get(word).map(|token| vec![*token]);
        special.or_else(|| self.spell(&format!(" {word}"))).or_else(whole)
    }

    /// Makes slots, marks and words that claim something as likely as all others together.
    pub(crate) fn prefer_claims(&self, taste: &mut [f32], rng: &mut StdRng) {
        let more = rng.random_range(1.0..5.0);
        for (text, token) in &self.of_text {
            let slot = text.starts_with('<') && text != "<end>";
            let mark = Mark::ALL.iter().any(|mark| mark.text() == text);
            if slot || mark {
                taste[*token as usize] += more;
            }
        }
        let lexicon = Lexicon::parse(LEXICON).unwrap();
        for (word, classes) in &lexicon.words {
            if !classes.has(Class::Neutral) {
                let first = self.of_text[&cut(&format!(" {word}"))[0]];
                taste[first as usize] = taste[first as usize].max(more);
            }
        }
    }
}

/// Pieces of uneven length, the same for the same text.
fn cut(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut pieces = Vec::new();
    let mut rest = &chars[..];
    while !rest.is_empty() {
        let length = 2 + (rest.len() * 7 + rest[0] as usize) % 3;
        let (piece, others) = rest.split_at(length.min(rest.len()));
        pieces.push(piece.iter().collect());
        rest = others;
    }
    pieces
}

impl Vocabulary for Pieces {
    fn size(&self) -> usize {
        self.tokens.len()
    }

    fn spell(&self, text: &str) -> Option<Vec<Token>> {
        let pieces = if text.starts_with(' ') { cut(text) } else { vec![text.to_owned()] };
        pieces.iter().map(|piece| self.of_text.get(piece).copied()).collect()
    }

    fn special(&self, name: &str) -> Option<Token> {
        self.special.get(name).copied()
    }

    fn ends(&self) -> &[Token] {
        &self.ends
    }
}

pub(crate) fn speech() -> Speech {
    Speech::new(LEXICON, &Pieces::new()).unwrap()
}

/// An outlet that closes: pressure up 40 s ago, flow down 30 s ago, temperature as ever.
pub(crate) fn outlet() -> Case {
    let device = fixtures::device(&[("pressure_out", "bar"), ("flow", "m3/h"), ("temperature", "°C")]);
    Case {
        subject: Subject::of(&device),
        incident: fixtures::incident(),
        assessment: Some(Assessment {
            label: Some("outlet_blocked".into()),
            confidence: 0.9,
            scores: vec![("outlet_blocked".into(), 0.9)],
            cause: Some("a blocked outlet".into()),
            check: Some("the valve behind the pump".into()),
            ..Assessment::default()
        }),
        notes: vec![],
    }
}

/// The same, but with a second fault beside it, and the flow explained by neither.
pub(crate) fn left_over() -> Case {
    let mut case = outlet();
    if let Some(found) = &mut case.assessment {
        found.second = Some("a worn seal".into());
        found.unexplained = vec!["flow".into()];
    }
    case
}

const LABELS: [&str; 20] = [
    "pressure out",
    "pressure",
    "flow",
    "flow in",
    "motor current 2",
    "temperature 12",
    "level",
    "drop",
    "step",
    "vibration x",
    "pH",
    "x1",
    "valve position",
    "5V rail",
    "oil is on",
    "rose garden",
    "1.5 bar line",
    "speed",
    "tank the",
    "and",
];
const UNITS: [&str; 8] = ["", "bar", "m3/h", "°C", "%", "mm/s", "l/min", "1/s"];

/// Any incident, also one that no tracker would make.
pub(crate) fn any_case(rng: &mut StdRng) -> Case {
    let channels = rng.random_range(1..=20);
    let closed = rng.random_ratio(1, 4);
    let onset = rng.random_range(0..200_000);
    let duration_s = [0.0, 5.5, 40.0, 700.0, 1e4, 3e5][rng.random_range(0..6)] * rng.random::<f64>();
    let mut names = LABELS.to_vec();
    for at in (1..names.len()).rev() {
        names.swap(at, rng.random_range(0..=at));
    }
    let evidence = Evidence {
        onset: fixtures::at(onset),
        duration_s,
        score: 6.0,
        peak_score: 7.0,
        limit: 4.0,
        channels: (0..channels).map(|at| any_channel(rng, names[at], onset, duration_s)).collect(),
    };
    let subject = Subject {
        device: "pump-1".into(),
        kind: rng.random_bool(0.5).then(|| "feed pump".into()),
        channels: (evidence.channels.iter())
            .map(|channel| ChannelNames {
                name: channel.name.clone(),
                unit: channel.unit.clone(),
                label: channel.name.replace('_', " "),
            })
            .collect(),
    };
    let change = match (closed, rng.random_bool(0.5)) {
        (true, _) => Change::Closed,
        (false, true) => Change::Opened,
        (false, false) => Change::Updated,
    };
    let updated = fixtures::at(onset).plus(Duration::from_secs_f64(duration_s));
    let assessment = rng.random_bool(0.8).then(|| any_assessment(rng, &evidence));
    Case {
        incident: Incident {
            id: "pump-1-20261121T080040.000Z".into(),
            device: "pump-1".into(),
            change,
            opened: updated,
            updated,
            closed: closed.then_some(updated),
            summary: summary(&subject, change, &evidence),
            evidence,
        },
        subject,
        assessment,
        notes: vec![],
    }
}

/// Any decision, also one that leaves over channels that do not deviate or are not there.
fn any_assessment(rng: &mut StdRng, evidence: &Evidence) -> Assessment {
    let some = |rng: &mut StdRng, text: &str| rng.random_bool(0.5).then(|| text.to_owned());
    let left_over = evidence.channels.iter().filter(|_| rng.random_bool(0.3));
    let left_over: Vec<String> = left_over.map(|channel| channel.name.clone()).collect();
    Assessment {
        label: some(rng, "outlet_blocked"),
        confidence: 0.7,
        cause: some(rng, "a blocked outlet"),
        second: some(rng, "a worn seal"),
        check: some(rng, "the valve behind the pump"),
        unexplained: left_over.into_iter().chain(some(rng, "gone")).collect(),
        benign: rng.random_bool(0.2),
        ..Assessment::default()
    }
}

/// Incidents of a few machines, each with channels of names of their own.
pub(crate) fn any_shift(rng: &mut StdRng) -> Vec<Case> {
    let machines = ["pump-1", "fan 2", "press"];
    (0..rng.random_range(1..=6u8))
        .map(|at| {
            let mut case = any_case(rng);
            let letter = (b'a' + at) as char;
            for (channel, names) in case.incident.evidence.channels.iter_mut().zip(&mut case.subject.channels)
            {
                channel.name = format!("{}_{letter}z", channel.name);
                *names = ChannelNames {
                    name: channel.name.clone(),
                    label: format!("{} {letter}z", names.label),
                    ..names.clone()
                };
            }
            case.subject.device = machines[rng.random_range(0..machines.len())].into();
            case.subject.kind = None;
            case.incident.id = format!("{}-{letter}", case.subject.device);
            case
        })
        .collect()
}

fn any_channel(rng: &mut StdRng, name: &str, onset: i64, duration_s: f64) -> ChannelEvidence {
    let deviates = rng.random_bool(0.6);
    let shapes =
        [Shape::Step, Shape::Ramp, Shape::Step, Shape::Ramp, Shape::Spike, Shape::Oscillation, Shape::Stuck];
    let shape = match rng.random_range(0..10) {
        at if at < shapes.len() => Some(shapes[at]),
        7 | 8 => Some(Shape::Dropout),
        _ => None,
    };
    let scale = 10f64.powi(rng.random_range(-6..9));
    let baseline = if rng.random_ratio(1, 20) { f64::NAN } else { scale * rng.random_range(-1.0..1.0) };
    let deviation = scale * rng.random_range(-1.0..1.0) * 0.3;
    let here = !rng.random_ratio(1, 8);
    let later = [0, 0, 3, 60][rng.random_range(0..4)].min(duration_s as i64);
    let orders = [Some(1), Some(2), Some(3), None];
    ChannelEvidence {
        name: name.replace(' ', "_"),
        unit: UNITS[rng.random_range(0..UNITS.len())].into(),
        baseline,
        now: here.then_some(baseline + deviation),
        deviation: (here && !rng.random_ratio(1, 10)).then_some(deviation),
        deviation_sd: (!rng.random_ratio(1, 10)).then(|| deviation / scale * 60.0),
        deviates,
        shape: shape.filter(|_| deviates),
        onset: (deviates && !rng.random_ratio(1, 10)).then(|| fixtures::at(onset + later)),
        order: if deviates { orders[rng.random_range(0..4)] } else { None },
    }
}

pub(crate) fn seeded(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// What a model of random weights says under the mask.
pub(crate) fn babble(
    mask: &mut dyn crate::slm::decode::Mask,
    size: usize,
    ends: &[Token],
    rng: &mut StdRng,
    taste: &[f32],
) -> Vec<Token> {
    use crate::slm::decode::TokenSet;
    let mut tokens = Vec::new();
    loop {
        let mut allowed = TokenSet::full(size);
        mask.narrow(&mut allowed).unwrap();
        assert!(!allowed.is_empty(), "nothing may follow {tokens:?}");
        // Gumbel noise on fixed preferences: a sample of what such logits would give.
        let likes = |token: Token, rng: &mut StdRng| {
            taste[token as usize] - (-rng.random_range(1e-9f32..1.0).ln()).ln()
        };
        let token = allowed
            .iter()
            .map(|token| (likes(token, rng), token))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, token)| token)
            .unwrap();
        mask.accept(token).unwrap();
        if ends.contains(&token) {
            return tokens;
        }
        tokens.push(token);
    }
}

/// Logits of a model that nobody trained.
pub(crate) fn taste(size: usize, rng: &mut StdRng) -> Vec<f32> {
    let spread = [0.0f32, 1.0, 4.0][rng.random_range(0..3)];
    (0..size).map(|_| spread * (rng.random::<f32>() * 2.0 - 1.0) * 2.0).collect()
}

pub(crate) fn facts(case: &Case) -> Facts {
    Facts::of_incident(case)
}

/// How many generations a test makes: `LINESIDE_GENERATIONS`, or enough for every day.
pub(crate) fn generations() -> u64 {
    const EVERY_DAY: u64 = 400;
    std::env::var("LINESIDE_GENERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(EVERY_DAY)
}
