//! The signature sentence: what an incident was classified as, in fixed words. It stands behind the
//! deterministic sentence wherever no model words an incident.
//!
//! Promise 4: it states no number at all. Words of a table that say one are left out; of channels it
//! names those that deviate.

use crate::slm::case::{Assessment, Case};
use crate::slm::mask::slots::facts::spoken;

/// Channels that are named as unexplained; more would not be read.
const NAMED: usize = 4;

/// What happened, and behind it what it was classified as.
#[must_use]
pub fn summary(case: &Case) -> String {
    match sentence(case) {
        Some(sentence) => format!("{} {sentence}", case.incident.summary),
        None => case.incident.summary.clone(),
    }
}

/// What an incident was classified as; `None` where it was not.
#[must_use]
pub fn sentence(case: &Case) -> Option<String> {
    let found = case.assessment.as_ref()?;
    let cause = found.likely();
    let parts = match &cause {
        None => vec![Some("It fits no known fault.".to_owned()), check(found)],
        Some(cause) => {
            let likely = if found.benign { "Likely unusual, but healthy" } else { "Likely cause" };
            vec![
                spoken(cause).map(|cause| format!("{likely}: {cause}.")),
                found.besides().and_then(spoken).map(|second| format!("Besides it: {second}.")),
                unexplained(&left_over(case, found)),
                check(found),
            ]
        }
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn check(found: &Assessment) -> Option<String> {
    found.check.as_deref().and_then(spoken).map(|check| format!("To check: {check}."))
}

fn left_over<'a>(case: &'a Case, found: &Assessment) -> Vec<&'a str> {
    let channels = case.incident.evidence.channels.iter().enumerate();
    let left_over = channels.filter(|(_, channel)| channel.deviates && found.leaves_over(&channel.name));
    let labels = left_over.map(|(at, channel)| {
        let names = case.subject.channels.get(at);
        names.map_or(channel.name.as_str(), |names| names.label.as_str())
    });
    labels.collect()
}

/// `Unexplained remain flow, temperature.`; `None` where nothing is.
#[must_use]
pub fn unexplained(labels: &[&str]) -> Option<String> {
    let others = if labels.len() > NAMED { " and others" } else { "" };
    let remain = if labels.len() > 1 { "remain" } else { "remains" };
    let named = labels[..labels.len().min(NAMED)].join(", ");
    (!labels.is_empty()).then(|| format!("Unexplained {remain} {named}{others}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slm::mask::slots::fixtures::{any_case, left_over, outlet, seeded};
    use crate::slm::mask::slots::numbers::says_a_number;

    #[test]
    fn the_signature_sentence_says_cause_second_fault_what_is_left_and_what_to_check() {
        assert_eq!(
            sentence(&left_over()).unwrap(),
            "Likely cause: a blocked outlet. Besides it: a worn seal. Unexplained remains flow. \
             To check: the valve behind the pump."
        );
        let summary = summary(&outlet());
        assert!(summary.starts_with("pump-1: pressure out rose by 1.2 bar"), "{summary}");
        assert!(summary.ends_with(
            "Look first at pressure out. Likely cause: a blocked outlet. To check: the valve behind the pump."
        ));
        let mut benign = outlet();
        if let Some(found) = &mut benign.assessment {
            (found.benign, found.cause, found.check) = (true, Some("a start of the machine".into()), None);
        }
        assert_eq!(sentence(&benign).unwrap(), "Likely unusual, but healthy: a start of the machine.");
        if let Some(found) = &mut benign.assessment {
            found.label = None;
        }
        assert_eq!(sentence(&benign).unwrap(), "It fits no known fault.");
        assert_eq!(sentence(&Case { assessment: None, ..outlet() }), None);
    }

    #[test]
    fn the_signature_sentence_states_no_number_and_no_channel_that_is_as_ever() {
        let mut named = 0;
        for seed in 0..500 {
            let mut case = any_case(&mut seeded(seed));
            if let Some(found) = &mut case.assessment
                && seed % 3 == 0
            {
                found.second = Some("stage 2".into());
                found.check = Some("both seals, twelve bolts".into());
            }
            let Some(mut said) = sentence(&case) else { continue };
            let mut channels: Vec<_> =
                case.incident.evidence.channels.iter().zip(&case.subject.channels).collect();
            // A label may be part of another one.
            channels.sort_by_key(|(_, names)| std::cmp::Reverse(names.label.len()));
            let Some((before, rest)) = said.split_once("Unexplained remain") else {
                assert!(!says_a_number(&said), "{said}");
                continue;
            };
            let rest = rest.trim_start_matches("s ").trim_start();
            let (list, behind) = rest.split_once(". To check").unwrap_or((rest.trim_end_matches('.'), ""));
            for label in list.trim_end_matches(" and others").split(", ") {
                let (channel, _) = channels.iter().find(|(_, names)| names.label == label).unwrap();
                assert!(channel.deviates, "{said}");
                named += 1;
            }
            said = format!("{before} {behind}");
            assert!(!says_a_number(&said), "{said}");
        }
        assert!(named > 100, "{named}");
    }
}
