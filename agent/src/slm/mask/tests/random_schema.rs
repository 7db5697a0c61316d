//! Random schemas, of all that is supported.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

const NAMES: [&str; 6] = ["a", "ab", "a b", "temperatur °C", "\"q\"", "line\nbreak"];
const PATTERNS: [&str; 5] = ["^[a-z]{2,4}$", "^\\d+(\\.\\d{1,2})?$", "bc", "^(yes|no)", "\\w-\\w$"];

/// A schema, up to three levels deep. Some ask for what nothing keeps.
pub(super) fn schema() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            object(inner.clone()),
            array(inner.clone()),
            prop::collection::vec(inner, 1..4).prop_map(|options| json!({"anyOf": options})),
        ]
    })
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => number(),
        2 => string(),
        1 => Just(json!({"type": "boolean"})),
        1 => Just(json!({"type": ["null", "integer"]})),
        1 => prop::collection::vec(value(), 1..5).prop_map(|values| json!({"enum": values})),
        1 => value().prop_map(|value| json!({"const": value})),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1_000_000_i64..1_000_000).prop_map(|thousandths| json!(thousandths as f64 / 1_000.0)),
        "\\PC{0,12}".prop_map(Value::from),
        "[a\"\\\\\n\t]{0,5}".prop_map(Value::from),
    ]
}

/// Bounds of all sizes, some with more digits than are kept.
fn number() -> impl Strategy<Value = Value> {
    let bound = || {
        prop_oneof![
            (-30_i64..30).prop_map(|whole| json!(whole)),
            (-1_000_000_i64..1_000_000, 0..10)
                .prop_map(|(number, down)| json!(number as f64 / 10_f64.powi(down))),
            (-1e9..1e9).prop_map(|bound| json!(bound)),
        ]
    };
    let bounds = prop::collection::btree_map(
        prop::sample::select(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"][..]),
        bound(),
        0..4,
    );
    (bounds, prop::sample::select(&["number", "integer"][..]), prop::option::weighted(0.2, 1_u32..60))
        .prop_map(|(bounds, kind, multiple)| {
            let mut schema: Map<String, Value> =
                bounds.into_iter().map(|(key, bound)| (key.to_owned(), bound)).collect();
            schema.insert("type".into(), kind.into());
            schema.extend(multiple.map(|multiple| ("multipleOf".to_owned(), multiple.into())));
            Value::Object(schema)
        })
}

fn string() -> impl Strategy<Value = Value> {
    let pattern = prop::option::weighted(0.4, prop::sample::select(&PATTERNS[..]));
    (pattern, prop::option::of(0_u32..6), prop::option::of(0_u32..12)).prop_map(|(pattern, least, most)| {
        let mut schema = Map::from_iter([("type".to_owned(), json!("string"))]);
        schema.extend(pattern.map(|pattern| ("pattern".to_owned(), pattern.into())));
        schema.extend(least.map(|least| ("minLength".to_owned(), least.into())));
        schema.extend(most.map(|most| ("maxLength".to_owned(), most.into())));
        Value::Object(schema)
    })
}

fn object(inner: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Value> {
    let names = prop::sample::select(&NAMES[..]);
    let properties = prop::collection::btree_map(names.clone(), inner.clone(), 0..4);
    let required = prop::collection::btree_set(names, 0..3);
    let others = prop_oneof![any::<bool>().prop_map(Value::from), inner];
    (properties, required, prop::option::of(others)).prop_map(|(properties, required, others)| {
        let mut schema = json!({"type": "object", "properties": properties, "required": required});
        if let Some(others) = others {
            schema["additionalProperties"] = others;
        }
        schema
    })
}

fn array(inner: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Value> {
    let prefix = prop::option::weighted(0.3, prop::collection::vec(inner.clone(), 1..3));
    (prefix, inner, 0_u32..3, prop::option::of(0_u32..5)).prop_map(|(prefix, items, least, most)| {
        let mut schema = json!({"type": "array", "items": items, "minItems": least});
        if let Some(prefix) = prefix {
            schema["prefixItems"] = prefix.into();
        }
        if let Some(most) = most {
            schema["maxItems"] = most.into();
        }
        schema
    })
}

/// What has a schema's words in the wrong places.
pub(super) fn nonsense() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 24] = [
        "type",
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "maxProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "exclusiveMaximum",
        "multipleOf",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "$ref",
        "x-guidance",
    ];
    let text =
        prop::sample::select(&["string", "object", "array", "number", "#", "#/items", "(a|b", "date"][..]);
    let leaf = prop_oneof![
        value(),
        text.prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::btree_map(prop::sample::select(&WORDS[..]), inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}
