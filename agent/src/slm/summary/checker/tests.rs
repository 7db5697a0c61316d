//! Promise 4 for any model's words: what is not in the evidence is found.

use proptest::prelude::*;

use super::{What, check};
use crate::slm::mask::slots::fixtures::outlet;
use crate::slm::summary::ground::Ground;

fn found(text: &str) -> Vec<(What, String)> {
    let ground = Ground::of_incident(&outlet());
    check(text, &ground).into_iter().map(|violation| (violation.what, violation.said)).collect()
}

#[test]
fn words_that_agree_pass() {
    for text in [
        "Pressure out rose by 1.2 bar to 5.4 bar.",
        "On pump-1 the pressure_out rose from 4.2 to 5.4 bar about 40 s ago, and the flow fell to 30 m3/h.",
        "pressure out is 1.2 bar above normal, while flow is 12 m3/h below normal.",
        "At 08:00 UTC pressure out increased to 5.40 bar; flow dropped by 12.0 m3/h after 30 s.",
        "The pressure is high and the flow is low. It looks like outlet blocked.",
        "Pressure out rose. Flow fell 30 s ago. Please check the outlet.",
        "A drop of flow to 30\u{a0}m3/h followed the rise of pressure out.",
        "2 channels deviate: pressure out is up, flow is down.",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn words_that_do_not_agree_are_found() {
    for (text, what, said) in [
        ("Pressure out rose to 5.5 bar.", What::Number, "5.5 bar"),
        ("Pressure out rose to 54 bar.", What::Number, "54 bar"),
        ("Pressure out rose to 5,4 bar.", What::Number, "5,4 bar"),
        ("Pressure out rose to -5.4 bar.", What::Number, "5.4 bar"),
        ("Pressure out rose to \u{665}\u{66b}\u{664} bar.", What::Number, "\u{665}"),
        ("Pressure out rose to five bar.", What::NumberWord, "five"),
        ("Pressure out doubled.", What::NumberWord, "doubled"),
        ("Pressure out rose by a half.", What::NumberWord, "half"),
        ("Pressure out rose to 5.4 psi.", What::Unit, "5.4 psi"),
        ("Pressure out rose to 5.4bars.", What::Unit, "5.4bars."),
        ("Pressure out rose to 5.4 widgets.", What::Unit, "5.4"),
        ("Pressure out rose to 30 m3/h.", What::OtherChannel, "30 m3/h"),
        ("Flow fell by 1.2 bar.", What::OtherChannel, "1.2 bar"),
        ("Pressure out fell to 5.4 bar.", What::Direction, "fell"),
        ("A drop of pressure out.", What::Direction, "drop"),
        ("Flow is above normal.", What::Direction, "above"),
        ("Pressure out and flow rose.", What::Direction, "rose"),
        ("Pressure out is stuck.", What::Direction, "stuck"),
        ("Pressure out returned to normal.", What::Direction, "returned"),
        ("Everything rose.", What::Direction, "rose"),
        ("Temperature is near normal.", What::NotDeviating, "Temperature"),
        ("The vibration moved.", What::UnknownName, "vibration"),
        ("p_in moved.", What::UnknownName, "p_in"),
        ("Pressure out did not move.", What::Unverifiable, "not"),
        ("This is harmless.", What::Unverifiable, "harmless"),
        ("It began at 08:07 UTC.", What::Number, "08:07 UTC"),
        ("It began on 2026-11-20.", What::Number, "2026"),
        ("It cleared.", What::Direction, "cleared"),
    ] {
        let found = found(text);
        assert!(found.contains(&(what, said.to_owned())), "{text}: {found:?}");
    }
}

#[test]
fn the_place_of_a_violation_is_where_it_stands() {
    let text = "Flow fell. Pressure out rose to 9 bar.";
    let ground = Ground::of_incident(&outlet());
    let found = check(text, &ground);
    assert_eq!(found.len(), 1);
    assert_eq!(&text[found[0].place.clone()], "9 bar");
    assert_eq!(found[0].to_string(), "the number \"9 bar\" is not in the evidence");
}

proptest! {
    #[test]
    fn any_text_can_be_checked(text in "\\PC{0,80}") {
        for violation in check(&text, &Ground::of_incident(&outlet())) {
            prop_assert_eq!(&text[violation.place.clone()], violation.said);
        }
    }

    #[test]
    fn a_number_that_is_not_in_the_evidence_is_found(number in 0.0f64..1e6, decimals in 0usize..4) {
        let number = format!("{number:.decimals$}");
        let known = [5.4, 4.2, 1.2, 42.0, 30.0, 12.0, 40.0, 2.0];
        prop_assume!(!known.contains(&number.parse::<f64>().unwrap()));
        let found = found(&format!("Pressure out rose to {number} bar."));
        prop_assert!(found.iter().any(|(what, _)| *what == What::Number), "{}: {:?}", number, found);
    }
}
