use proptest::prelude::*;

use super::*;
use crate::incident::ChannelEvidence;
use crate::incident::fixtures::{any_change, any_evidence, at, channel, device, evidence};

fn pump() -> Subject {
    let mut device = device(&[("pressure_out", "bar"), ("flow", "m3/h"), ("temperature", "°C")]);
    device.kind = Some("feed pump".into());
    device.channels[0].description = Some("Outlet pressure".into());
    Subject::of(&device)
}

#[test]
fn an_opening_names_what_moved_in_the_order_of_onset() {
    assert_eq!(
        summary(&pump(), Change::Opened, &evidence()),
        "pump-1 (feed pump): outlet pressure rose by 1.2 bar to 5.4 bar (step) 40 s ago; \
         then flow fell by 12 m3/h to 30 m3/h (step). Look first at outlet pressure."
    );
}

#[test]
fn an_update_and_a_close_are_worded_differently() {
    let mut evidence = evidence();
    evidence.duration_s = 180.0;
    assert_eq!(
        summary(&pump(), Change::Updated, &evidence),
        "pump-1 (feed pump), 3 min after it began: outlet pressure is 1.2 bar above normal, at 5.4 bar (step); \
         flow is 12 m3/h below normal, at 30 m3/h (step)."
    );
    evidence.channels[1].now = Some(42.1);
    evidence.channels[1].deviation = Some(0.1);
    evidence.channels[1].deviation_sd = Some(0.2);
    assert_eq!(
        summary(&pump(), Change::Closed, &evidence),
        "pump-1 (feed pump): the alarm is over after 3 min; \
         outlet pressure stays 1.2 bar above what it was, at 5.4 bar; flow is back at 42.1 m3/h."
    );
}

#[test]
fn a_sensor_that_is_silent_or_stuck_is_named_with_how_long() {
    let mut evidence = evidence();
    evidence.channels[0].now = None;
    evidence.channels[0].shape = Some(Shape::Dropout);
    evidence.channels[1].deviates = false;
    assert_eq!(
        summary(&pump(), Change::Opened, &evidence),
        "pump-1 (feed pump): outlet pressure has delivered nothing for 40 s. \
         Check the sensor for outlet pressure and its connection."
    );
    assert_eq!(
        summary(&pump(), Change::Closed, &evidence),
        "pump-1 (feed pump): the alarm is over after 40 s; outlet pressure still delivers nothing."
    );
    evidence.channels[0].now = Some(4.2);
    evidence.channels[0].shape = Some(Shape::Stuck);
    assert_eq!(
        summary(&pump(), Change::Opened, &evidence),
        "pump-1 (feed pump): outlet pressure has been stuck at 4.2 bar for 40 s. \
         Check the sensor for outlet pressure."
    );
}

#[test]
fn when_no_channel_stands_out_it_says_so() {
    let mut evidence = evidence();
    for channel in &mut evidence.channels {
        channel.deviates = false;
    }
    assert_eq!(
        summary(&pump(), Change::Opened, &evidence),
        "pump-1 (feed pump): the channels no longer move together as they did; \
         no single one is out of its range."
    );
}

#[test]
fn at_most_three_channels_are_named_and_the_others_counted() {
    let names: Vec<String> = (0..5).map(|i| format!("s{i}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let mut evidence = evidence();
    evidence.channels = names
        .iter()
        .enumerate()
        .map(|(i, name)| ChannelEvidence {
            now: Some(20.0),
            deviation: Some(5.0),
            deviation_sd: Some(4.0 + i as f64),
            deviates: true,
            shape: Some(Shape::Ramp),
            onset: Some(at(0)),
            order: Some(1),
            ..channel(name, "")
        })
        .collect();
    assert_eq!(
        summary(&Subject::of(&device(&pairs)), Change::Opened, &evidence),
        "pump-1: s4 rose by 5 to 20 (ramp) 40 s ago; s3 rose by 5 to 20 (ramp); s2 rose by 5 to 20 (ramp); \
         2 more channels deviate."
    );
}

/// A number that a sentence states, and the word behind it.
#[derive(Debug)]
struct Stated {
    number: f64,
    text: String,
    unit: String,
}

/// The words of a sentence, once those of the configuration are taken out.
fn words_left(sentence: &str, words: &[String]) -> Vec<String> {
    let mut text = sentence.to_owned();
    // The longest first, so that no name is torn apart by a shorter one.
    let mut words = words.to_vec();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        text = text.replace(&word, "NAME");
    }
    text = text.replace("m3/h", "UNIT");
    let tokens = text.split([' ', ';', ',', '(', ')']).filter(|token| !token.is_empty());
    tokens.map(|token| token.trim_end_matches('.').to_owned()).collect()
}

/// The numbers that a sentence states.
fn numbers(sentence: &str, words: &[String]) -> Vec<Stated> {
    let tokens = words_left(sentence, words);
    let mut stated = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let token = token.trim_end_matches('.');
        if token.contains(|c: char| c.is_ascii_digit()) {
            let number = token.parse().unwrap_or_else(|_| panic!("{token:?} in {sentence:?} is no number"));
            let unit = tokens.get(index + 1).map_or("", |unit| unit.trim_end_matches('.'));
            stated.push(Stated { number, text: token.to_owned(), unit: unit.to_owned() });
        }
    }
    stated
}

/// Half a unit of the third significant digit, or of the last digit before the point.
fn rounds_to(value: f64, stated: f64) -> bool {
    let step = 10f64.powf((value.abs().max(f64::MIN_POSITIVE).log10().floor() - 2.0).min(0.0));
    let step = if value.abs() >= 1e7 { value.abs() * 1e-2 } else { step };
    (value - stated).abs() <= 0.5 * step * (1.0 + 1e-6) + value.abs() * 1e-9
}

fn is_in_evidence(stated: &Stated, evidence: &Evidence) -> bool {
    let seconds = match stated.unit.as_str() {
        "s" => Some(1.0),
        "min" => Some(60.0),
        "h" => Some(3_600.0),
        "days" => Some(86_400.0),
        _ => None,
    };
    if let Some(seconds) = seconds {
        let decimals = stated.text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let times = evidence.channels.iter().filter_map(|channel| {
            Some(evidence.duration_s - channel.onset?.since(evidence.onset).as_secs_f64())
        });
        return std::iter::once(evidence.duration_s).chain(times).any(|time| {
            let count = time / seconds;
            let step = if count < 1.0 {
                return rounds_to(count, stated.number);
            } else if count < 10.0 {
                0.1
            } else {
                1.0
            };
            decimals <= 1 && (count - stated.number).abs() <= step * 0.500_001
        });
    }
    let more = evidence.channels.iter().filter(|channel| channel.deviates).count().saturating_sub(NAMED);
    if stated.unit == "more" {
        return stated.text == more.to_string();
    }
    evidence
        .channels
        .iter()
        .flat_map(|channel| [channel.now, channel.deviation.map(f64::abs)])
        .flatten()
        .any(|value| rounds_to(value, stated.number))
}

proptest! {
    /// Promise 4.
    #[test]
    fn a_summary_states_no_number_that_is_not_in_its_evidence(evidence in any_evidence(), change in any_change()) {
        let pairs: Vec<(&str, &str)> =
            evidence.channels.iter().map(|c| (c.name.as_str(), c.unit.as_str())).collect();
        let subject = Subject::of(&device(&pairs));
        let sentence = summary(&subject, change, &evidence);
        let mut words: Vec<String> = subject.channels.iter().map(|c| c.label.clone()).collect();
        words.push(subject.device.clone());
        for stated in numbers(&sentence, &words) {
            prop_assert!(is_in_evidence(&stated, &evidence), "{stated:?} of {sentence:?} is not in the evidence");
        }
        prop_assert!(sentence.ends_with('.'));
        // What is no number at all must not be printed either.
        for word in words_left(&sentence, &words) {
            prop_assert!(!matches!(word.as_str(), "NaN" | "inf" | "-inf"), "{sentence:?}");
        }
    }
}

/// The check above must be able to fail.
#[test]
fn a_number_from_nowhere_is_found() {
    let words = ["pump-1".to_owned(), "outlet pressure".to_owned()];
    let invented =
        numbers("pump-1: outlet pressure rose by 1.3 bar to 5.4 bar 41 s ago; 2 more channels.", &words);
    let found: Vec<bool> = invented.iter().map(|stated| is_in_evidence(stated, &evidence())).collect();
    assert_eq!(found, [false, true, false, false]);
}
