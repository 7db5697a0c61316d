//! The signature sentence: what an incident was classified as, in fixed words. It stands behind the
//! deterministic sentence wherever no model words an incident.
//!
//! Promise 4: it states no number at all. Words of a table that say one are left out; of channels it
//! names those that deviate.

use crate::incident::sentence;
use crate::slm::case::{Assessment, Case};
use crate::slm::mask::slots::facts::spoken;

/// Channels that a list names; more would not be read.
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
    let also = also(case, found);
    let parts = match &cause {
        None => vec![Some("It fits no known fault.".to_owned()), also, check(found)],
        Some(cause) => {
            let likely = if found.benign { "Likely unusual, but healthy" } else { "Likely cause" };
            vec![
                spoken(cause).map(|cause| format!("{likely}: {cause}.")),
                found.besides().and_then(spoken).map(|second| format!("Besides it: {second}.")),
                also,
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

/// Of the channels that the deterministic sentence only counts, those that the fault explains, or where it is not
/// known all of them: `Explained by it: flow, speed.`
fn also(case: &Case, found: &Assessment) -> Option<String> {
    let channels = &case.incident.evidence.channels;
    let known = found.label.is_some();
    let counted = sentence::counted(&case.incident.evidence);
    let labels: Vec<&str> = counted
        .into_iter()
        .filter(|at| !(known && found.leaves_over(&channels[*at].name)))
        .map(|at| label(case, at))
        .collect();
    let said = match (known, found.benign, found.besides().is_some()) {
        (false, ..) => "Also deviating",
        (true, true, _) => "Part of it",
        (true, false, false) => "Explained by it",
        (true, false, true) => "Explained by these",
    };
    (!labels.is_empty()).then(|| format!("{said}: {}.", list(&labels)))
}

fn left_over<'a>(case: &'a Case, found: &Assessment) -> Vec<&'a str> {
    let channels = case.incident.evidence.channels.iter().enumerate();
    let left_over = channels.filter(|(_, channel)| channel.deviates && found.leaves_over(&channel.name));
    left_over.map(|(at, _)| label(case, at)).collect()
}

fn label(case: &Case, at: usize) -> &str {
    let channel = &case.incident.evidence.channels[at];
    case.subject.channels.get(at).map_or(channel.name.as_str(), |names| names.label.as_str())
}

/// `Unexplained remain flow, temperature.`; `None` where nothing is.
#[must_use]
pub fn unexplained(labels: &[&str]) -> Option<String> {
    let remain = if labels.len() > 1 { "remain" } else { "remains" };
    (!labels.is_empty()).then(|| format!("Unexplained {remain} {}.", list(labels)))
}

fn list(labels: &[&str]) -> String {
    let others = if labels.len() > NAMED { " and others" } else { "" };
    format!("{}{others}", labels[..labels.len().min(NAMED)].join(", "))
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

    /// An outlet that is blocked on a machine of six channels, all of which deviate.
    fn crowded() -> Case {
        let mut case = outlet();
        let channels = &mut case.incident.evidence.channels;
        channels.truncate(2);
        for name in ["speed", "power", "noise", "oil"] {
            channels.push(crate::incident::ChannelEvidence { name: name.into(), ..channels[1].clone() });
        }
        case.subject.channels.truncate(2);
        case
    }

    #[test]
    fn the_signature_sentence_names_the_channels_that_the_deterministic_one_only_counts() {
        let mut case = crowded();
        let first = "Likely cause: a blocked outlet.";
        let check = "To check: the valve behind the pump.";
        assert_eq!(
            sentence(&case).unwrap(),
            format!("{first} Explained by it: noise, oil, pressure out. {check}")
        );
        let found = case.assessment.as_mut().unwrap();
        found.unexplained = vec!["noise".into()];
        assert_eq!(
            sentence(&case).unwrap(),
            format!("{first} Explained by it: oil, pressure out. Unexplained remains noise. {check}")
        );
        case.assessment.as_mut().unwrap().label = None;
        assert_eq!(
            sentence(&case).unwrap(),
            format!("It fits no known fault. Also deviating: noise, oil, pressure out. {check}")
        );
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
            if let Some(also) = case.assessment.as_ref().and_then(|found| also(&case, found)) {
                assert!(said.contains(&also), "{said}");
                said = said.replacen(&also, "", 1);
            }
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
