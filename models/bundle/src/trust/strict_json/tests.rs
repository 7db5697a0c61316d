use std::collections::HashSet;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn problem(text: &str) -> String {
    check(text.as_bytes()).unwrap_err().problem
}

#[test]
fn row_40_duplicate_keys_are_refused_however_they_are_written() {
    assert!(problem(r#"{"a": 1, "a": 1}"#).contains("twice"));
    assert!(problem(r#"{"x": [{"a": 1, "b": 2, "\u0061": 3}]}"#).contains("twice"));
    assert!(problem(r#"{"😀": 1, "\ud83d\ude00": 3}"#).contains("twice"));
    assert_eq!(check(br#"{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 1}]}"#), Ok(()));
}

#[test]
fn row_40_floats_and_numbers_past_64_bits_are_refused() {
    for text in
        ["1.0", "1e3", "1E3", "-1.5", "-0", "01", "-", "1.", "18446744073709551616", "-9223372036854775809"]
    {
        assert!(check(text.as_bytes()).is_err(), "{text}");
    }
    for text in ["0", "-1", "18446744073709551615", "-9223372036854775808"] {
        assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
    }
}

#[test]
fn row_40_deep_nesting_is_refused_without_a_deep_stack() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(check(nested(MAX_DEPTH).as_bytes()), Ok(()));
    assert!(problem(&nested(MAX_DEPTH + 1)).contains("deeper"));
    assert!(problem(&"[".repeat(5_000_000)).contains("deeper"));
    assert!(problem(&r#"{"a":"#.repeat(1_000_000)).contains("deeper"));
}

#[test]
fn row_40_a_million_signatures_are_refused_at_the_sixty_fifth() {
    let signed = |count: usize| {
        let signatures = vec![r#"{"keyid":"a","sig":"b"}"#; count].join(",");
        format!(r#"{{"signatures":[{signatures}],"signed":{{}}}}"#)
    };
    assert_eq!(check(signed(MAX_SIGNATURES).as_bytes()), Ok(()));
    let refused = check(signed(1_000_000).as_bytes()).unwrap_err();
    assert!(refused.problem.contains("signatures"));
    assert!(refused.at < 3000, "read on to byte {}", refused.at);
    // Elsewhere the name means nothing.
    let inner = format!(r#"{{"signed":{{"signatures":[{}0]}}}}"#, "0,".repeat(100));
    assert_eq!(check(inner.as_bytes()), Ok(()));
}

#[test]
fn row_40_bad_text_is_refused() {
    assert!(check(b"{\"a\": \"\xff\"}").is_err());
    assert!(check(b"\xef\xbb\xbf{}").is_err());
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "{} {}",
        "{}x",
        "nul",
        "tru",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"a\nb\"",
        "[1 2]",
        "{\"a\" 1}",
        "NaN",
    ] {
        assert!(check(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn row_40_the_most_keys_that_fit_take_no_quadratic_time() {
    let keys: Vec<String> = (0..400_000).map(|n| format!("\"{n:x}\":0")).collect();
    let text = format!("{{{}}}", keys.join(","));
    let start = Instant::now();
    assert_eq!(check(text.as_bytes()), Ok(()));
    // Quadratic would be minutes.
    assert!(start.elapsed().as_secs() < 10);
}

/// What serde_json read, without duplicate keys, floats and depth: what a strict text may hold.
fn strict(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Value::from(map.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn row_40_whatever_is_strict_passes(value in strict(6)) {
        prop_assert_eq!(check(&serde_json::to_vec(&value).unwrap()), Ok(()));
        prop_assert_eq!(check(&serde_json::to_vec_pretty(&value).unwrap()), Ok(()));
    }

    #[test]
    fn row_40_no_bytes_make_it_panic_and_what_passes_is_json(bytes in any::<Vec<u8>>()) {
        if check(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn row_40_text_made_of_json_is_read_as_serde_json_reads_it(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"a\"", "\"\\u0061\"", "\"b\"", "1", "-", "0", "1.5", "true", " ",
                "\\ud83d", "\"", "é", "\\", "null", "e9",
            ]),
            0..14,
        ),
    ) {
        let text = parts.concat();
        match check(text.as_bytes()) {
            // Strict is narrower than JSON, never wider.
            Ok(()) => prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}"),
            Err(refused) => prop_assert!(refused.at <= text.len()),
        }
    }

    #[test]
    fn row_40_keys_are_compared_as_they_are_meant(keys in prop::collection::vec("[ab\\\\\"\u{1}é]{0,2}", 0..6)) {
        let members: Vec<String> =
            keys.iter().map(|key| format!("{}:0", serde_json::to_string(key).unwrap())).collect();
        let distinct = keys.iter().collect::<HashSet<_>>().len() == keys.len();
        prop_assert_eq!(check(format!("{{{}}}", members.join(",")).as_bytes()).is_ok(), distinct);
    }
}
