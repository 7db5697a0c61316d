use proptest::prelude::*;

use super::*;
use crate::diagnosis::TableFile;
use crate::diagnosis::fixtures::{PHRASES, SIGNATURES};

fn read(files: &[&str]) -> Result<Table, String> {
    let name = |place| ["signatures.toml", "site.toml"][usize::from(place > 0)];
    let files: Vec<TableFile<'_>> =
        files.iter().enumerate().map(|(place, text)| TableFile { name: name(place), text }).collect();
    Table::read(&files).map_err(|error| error.to_string())
}

const SITE: &str = r#"
version = 1
[[mode]]
id = "crane_rope_worn"
machines = []
cause = "a worn rope"
check = "the rope"
effects = [
  ["vibration", "up", "strong", 1, "ramp", 0.9],
]
"#;

#[test]
fn the_shipped_table_is_read_whole() {
    let table = read(&[SIGNATURES, PHRASES]).unwrap();
    assert!(table.modes.len() >= 40 && table.machines.len() >= 10, "{} modes", table.modes.len());
    assert!(table.modes.iter().any(|mode| mode.benign));
    assert!(table.modes.iter().all(|mode| mode.phrases.len() >= 4), "every mode has phrases of its own");
}

#[test]
fn a_site_adds_modes_and_words_to_what_is_there() {
    let shipped = read(&[SIGNATURES]).unwrap();
    let with_words = format!("{SITE}\n[[quantity]]\nid = \"vibration\"\nwords = [\"zittern\"]\n");
    let table = read(&[SIGNATURES, &with_words]).unwrap();
    assert_eq!(table.modes.len(), shipped.modes.len() + 1);
    assert_eq!(table.quantities.len(), shipped.quantities.len());
}

#[test]
fn what_is_wrong_is_named_with_file_line_and_key() {
    for (from, to, named) in [
        ("vibration", "wobble", "site.toml: line 9: mode.effects: there is no quantity \"wobble\""),
        ("\"vibration\"", "\"vibration@moon\"", "line 9: mode.effects: there is no place \"moon\""),
        ("crane_rope_worn", "cavitation", "line 4: mode.id: \"cavitation\" is there already"),
        ("crane_rope_worn", "unknown", "line 4: mode.id: \"unknown\" is there already"),
        ("a worn rope", "rope 7", "line 6: mode.cause: must be without digits"),
        ("the rope", "rope 2", "line 7: mode.check: must be without digits"),
        ("machines = []", "machines = [\"crane\"]", "line 5: mode.machines: there is no machine \"crane\""),
        ("\"up\"", "\"upp\"", "line 9: mode.effects: found the movement \"upp\""),
        ("0.9", "1.9", "line 9: mode.effects: found 1.9"),
        (", 1,", ", 0,", "the order counts from 1"),
        ("check =", "chekc =", "line 7: unknown field `chekc`"),
        ("version = 1", "version = 2", "line 2: version: this agent reads version 1"),
    ] {
        let error = read(&[SIGNATURES, &SITE.replacen(from, to, 1)]).unwrap_err();
        assert!(error.starts_with("site.toml: line ") && error.contains(named), "{error}\nexpected {named}");
    }
    let twice = format!("{SITE}[[place]]\nid = \"roof\"\n[[place]]\nid = \"roof\"\n");
    assert!(read(&[SIGNATURES, &twice]).unwrap_err().contains("place.id: \"roof\" is there twice"));
    let nowhere = format!("{SITE}[[phrases]]\nmode = \"nothing\"\ntexts = []\n");
    assert!(
        read(&[SIGNATURES, &nowhere]).unwrap_err().contains("phrases.mode: there is no mode \"nothing\"")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_a_table_or_named(text in "\\PC{0,200}") {
        if let Err(error) = read(&[SIGNATURES, &text]) {
            prop_assert!(error.starts_with("site.toml: line "), "{error}");
        }
    }

    #[test]
    fn any_damage_to_the_table_is_read_or_named(at in 0..SIGNATURES.len(), length in 1_usize..40, with in "[ -~]{0,4}") {
        let bytes = SIGNATURES.as_bytes();
        let end = (at + length).min(bytes.len());
        let damaged = [&bytes[..at], with.as_bytes(), &bytes[end..]].concat();
        let damaged = String::from_utf8_lossy(&damaged);
        if let Err(error) = read(&[&damaged]) {
            prop_assert!(error.starts_with("signatures.toml: line "), "{error}");
        }
    }
}
