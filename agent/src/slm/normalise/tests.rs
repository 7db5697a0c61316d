use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::spelling::{abbreviates, border, digits, distance, shape};
use super::*;

/// Knows a few words, and one line of another company.
fn small() -> Normaliser {
    let file = json!({
        "schema": 1,
        "least": 0.5,
        "weights": {"same": 1.0, "same_neither": -4.0, "seen": 3.0, "seen_share": 6.0, "next": 8.0, "before": 9.0, "shape": 4.0,
                    "short": 1.0, "short_rank": -2.0, "typo1": 3.0, "typo_rank": -3.0, "initials": 5.0,
                    "marked": 3.0, "cased": -3.0, "shouted": -1.0, "pair_next": 2.0},
        "words": {"hydraulic": 9, "cylinder": 5, "leaking": 3, "left": 8, "hand": 8, "track": 2, "<id>": 4},
        "pairs": {"left hand": 6, "hydraulic cylinder": 3},
        "general": ["pump", "with"],
        "seen": {"repl": {"replace": 4, "repair": 1}, "u/s": {"unserviceable": 3}, "dog +bone": {"dogbone": 2},
                 "-dog bone": {"": 2}},
        "shapes": {"a9": {"<id>": 5}},
        "golden": {"REPL": "replace"},
    });
    Normaliser::new(&file.to_string()).unwrap()
}

#[test]
fn what_other_lines_made_of_a_word_is_written() {
    assert_eq!(small().normalise("REPL pump U/S"), "replace pump unserviceable");
}

#[test]
fn abbreviations_and_slips_become_the_words_that_fit_best() {
    let small = small();
    assert_eq!(small.normalise("hyd cyl leakng"), "hydraulic cylinder leaking");
    assert_eq!(small.normalise("l/h trk"), "left hand track");
}

#[test]
fn numbers_and_names_of_machines_become_tags() {
    assert_eq!(small().normalise("AB1234 leaking"), "<id> leaking");
}

#[test]
fn parts_of_a_word_are_written_each_by_itself() {
    assert_eq!(small().normalise("repl/hyd"), "replace / hydraulic");
}

#[test]
fn a_word_that_the_one_before_it_already_says_goes() {
    let small = small();
    assert_eq!(small.normalise("dog bone leaking"), "dogbone leaking");
    assert_eq!(small.normalise("left bone"), "left bone");
}

#[test]
fn what_it_is_not_sure_of_stays_as_it_was_written() {
    let mut small = small();
    small.least = 1.0;
    assert_eq!(small.normalise("REPL  Pump\tU/S "), "REPL Pump U/S");
}

#[test]
fn a_text_that_is_no_line_is_left_alone() {
    let text = vec!["REPL"; MOST_WORDS + 1].join(" ");
    assert_eq!(small().normalise(&text), text);
    assert_eq!(small().normalise(" \n"), "");
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_what_is_wrong() {
    let refused = |json: serde_json::Value| Normaliser::new(&json.to_string()).unwrap_err().to_string();
    let whole = json!({"schema": 1, "least": 0.5, "weights": {}, "words": {}, "pairs": {}, "general": [],
                       "seen": {}, "shapes": {}, "golden": {"pump": "pump"}});
    assert!(Normaliser::new(&whole.to_string()).is_ok());
    let with = |key: &str, value: serde_json::Value| {
        let mut file = whole.clone();
        file[key] = value;
        file
    };
    assert!(refused(with("schema", json!(2))).contains("schema 2 is unknown"));
    assert!(refused(with("least", json!(1.5))).contains("`1.5` must be a probability"));
    assert!(refused(with("golden", json!({"Pump": "pumps"}))).contains("\"Pump\" becomes"));
    assert!(refused(with("surprise", json!(1))).contains("surprise"));
    assert!(refused(json!({"schema": 1})).starts_with("language.normaliser: missing field"));
}

#[test]
fn spellings_are_compared_by_letters() {
    assert_eq!((digits("pos12b3"), shape("ab12-c")), ("pos9b9".into(), "a9-a".into()));
    assert_eq!(border("250hr"), Some(("250", "hr")));
    assert_eq!((border("a1b"), border("ab")), (None, None));
    assert!(abbreviates("hyd", "hydraulic") && abbreviates("trk", "track"));
    assert!(!abbreviates("trk", "stark") && !abbreviates("track", "track"));
    assert_eq!(distance("gaurd", "guard", 1), Some(1));
    assert_eq!(distance("presure", "pressure", 2), Some(1));
    assert_eq!(distance("pump", "valve", 2), None);
}

#[test]
fn the_normaliser_that_ships_writes_its_golden_lines_here() {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/catalog/text/normaliser.json");
    let shipped = Normaliser::new(&std::fs::read_to_string(catalog).unwrap()).unwrap();
    assert_eq!(shipped.normalise("REPL hyd cyl U/S"), "replace hydraulic cylinder unserviceable");
}

proptest! {
    #[test]
    fn any_line_is_written_out_without_line_breaks_or_doubled_spaces(line in r"\PC{0,60}") {
        let written = small().normalise(&line);
        prop_assert_eq!(written.split_whitespace().collect::<Vec<_>>().join(" "), written);
    }

    #[test]
    fn lines_of_marks_and_numbers_end_too(line in r"[-/&+,:;=()#0-9a-zA-Z. ]{0,80}") {
        let written = small().normalise(&line);
        prop_assert!(!written.contains('\n'));
    }

    #[test]
    fn a_distance_is_the_same_both_ways_and_nothing_from_itself(a in "[a-z]{1,9}", b in "[a-z]{1,9}") {
        prop_assert_eq!(distance(&a, &b, 20), distance(&b, &a, 20));
        prop_assert_eq!(distance(&a, &a, 0), Some(0));
    }
}
