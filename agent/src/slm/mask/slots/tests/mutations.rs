//! The judge catches texts that were made wrong on purpose.

use rand::RngExt;

use super::*;
use crate::incident::sentence::number::value;

/// Makes a right text wrong in one way; `None` where this one cannot be.
type Mutation = fn(&str, &Case, &mut StdRng) -> Option<String>;

fn turned(text: &str, _: &Case, _: &mut StdRng) -> Option<String> {
    let pairs = [(" rose", " fell"), (" above", " below"), (" fell", " rose"), (" below", " above")];
    pairs.iter().find(|(old, _)| text.contains(old)).map(|(old, new)| text.replacen(old, new, 1))
}

fn another_digit(text: &str, _: &Case, rng: &mut StdRng) -> Option<String> {
    let figures: Vec<usize> = text
        .char_indices()
        .filter(|(at, c)| c.is_ascii_digit() && *at > 0 && text.as_bytes()[at - 1] == b' ')
        .map(|(at, _)| at)
        .collect();
    let at = *figures.get(rng.random_range(0..figures.len().max(1)))?;
    Some(format!("{}4937{}", &text[..at], &text[at..]))
}

fn a_figure_out_of_nowhere(text: &str, _: &Case, _: &mut StdRng) -> Option<String> {
    Some(text.replacen('.', " by 31.4159.", 1)).filter(|new| new != text)
}

fn a_quiet_channel(text: &str, case: &Case, _: &mut StdRng) -> Option<String> {
    let channels = &case.incident.evidence.channels;
    let quiet = channels.iter().position(|channel| !channel.deviates)?;
    Some(format!("{text} It changed near {}.", case.subject.channels[quiet].label))
}

fn a_word_of_number(text: &str, _: &Case, _: &mut StdRng) -> Option<String> {
    Some(format!("{} twice.", text.strip_suffix('.')?))
}

fn a_value_of_another(_: &str, case: &Case, _: &mut StdRng) -> Option<String> {
    let channels = &case.incident.evidence.channels;
    let label = |at: usize| &case.subject.channels[at].label;
    let values: Vec<(usize, String)> = (channels.iter().enumerate())
        .filter(|(_, channel)| channel.deviates)
        .filter_map(|(at, channel)| {
            Some((at, value(channel.now.filter(|now| now.is_finite())?, &channel.unit)))
        })
        .collect();
    let [(first, own), (_, other), ..] = &values[..] else { return None };
    (own != other).then(|| format!("{} moved to {other}.", label(*first)))
}

fn apart_though_explained(text: &str, case: &Case, _: &mut StdRng) -> Option<String> {
    let explained = case.incident.evidence.channels.iter().position(|channel| {
        let left_over =
            case.assessment.as_ref().is_some_and(|found| found.unexplained.contains(&channel.name));
        channel.deviates && !left_over
    })?;
    Some(format!("{text} Unrelated is {}.", case.subject.channels[explained].label))
}

fn unfinished(text: &str, _: &Case, _: &mut StdRng) -> Option<String> {
    text.strip_suffix('.').map(ToOwned::to_owned)
}

const MUTATIONS: [(&str, Mutation); 8] = [
    ("turned", turned),
    ("another digit", another_digit),
    ("a figure out of nowhere", a_figure_out_of_nowhere),
    ("a quiet channel", a_quiet_channel),
    ("a word of number", a_word_of_number),
    ("a value of another", a_value_of_another),
    ("apart though explained", apart_though_explained),
    ("unfinished", unfinished),
];

#[test]
fn the_judge_catches_what_was_made_wrong() {
    let (pieces, speech, lexicon) = (Pieces::new(), speech(), Lexicon::parse(LEXICON).unwrap());
    let mut caught = [0; MUTATIONS.len()];
    for seed in 0..200 {
        let mut rng = seeded(1_000_000 + seed);
        let Some((case, _, text)) = babbled(&mut rng, &pieces, &speech) else { continue };
        let truth = Truth::of(&case);
        for (at, (name, mutation)) in MUTATIONS.iter().enumerate() {
            let Some(wrong) = mutation(&text, &case, &mut rng) else { continue };
            assert!(judge(&wrong, &truth, &lexicon).is_err(), "{name}: {wrong}\nwas: {text}");
            caught[at] += 1;
        }
    }
    for ((name, _), caught) in MUTATIONS.iter().zip(caught) {
        println!("{name}: {caught} caught");
        assert!(caught >= 10, "{name}: only {caught} to catch");
    }
}
