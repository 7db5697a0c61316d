//! Whether two runs of the agent say the same, as far as two processors can.

use serde_json::Value;

/// Lists what differs between two tables of scores, as `lineside eval --scores` writes them: texts
/// must be the same, numbers may lie [`TOLERANCE`] apart. Empty means that they agree.
pub fn score_differences(left: &str, right: &str) -> Vec<String> {
    let rows =
        |text: &str| text.lines().map(|line| line.split(',').map(field).collect()).collect::<Vec<Value>>();
    differences(&rows(left), &rows(right))
}

fn field(text: &str) -> Value {
    text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from)
}

/// How far two scores may lie apart: kernels for different processors add up in different order,
/// which was seen to change a model's output by up to 1e-5; the rest is room for what follows it.
pub const TOLERANCE: f64 = 1e-3;

/// Texts for people: their numbers are rounded, and a rounding may fall to either side, so only
/// their words are compared. What the numbers say stands in the fields beside them.
const TEXTS: [&str; 1] = ["summary"];

/// What says how fast a machine was, not what it found.
const MEASURED: [&str; 2] = ["wall_s", "samples_per_s"];

/// Lists what differs, as `path: left / right`. Empty means that they agree.
pub fn differences(left: &[Value], right: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    compare("", &Value::Array(left.to_vec()), &Value::Array(right.to_vec()), &mut found);
    found
}

fn compare(path: &str, left: &Value, right: &Value, found: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(l), Value::Object(r)) => {
            for key in l.keys().chain(r.keys().filter(|key| !l.contains_key(*key))) {
                if MEASURED.contains(&key.as_str()) {
                    continue;
                }
                let (a, b) = (l.get(key).unwrap_or(&Value::Null), r.get(key).unwrap_or(&Value::Null));
                match (a.as_str(), b.as_str()) {
                    (Some(a), Some(b)) if TEXTS.contains(&key.as_str()) && words(a) == words(b) => {}
                    _ => compare(&format!("{path}/{key}"), a, b, found),
                }
            }
        }
        (Value::Array(l), Value::Array(r)) if l.len() == r.len() => {
            for (index, (a, b)) in l.iter().zip(r).enumerate() {
                compare(&format!("{path}/{index}"), a, b, found);
            }
        }
        (Value::Number(l), Value::Number(r)) if l.is_f64() && r.is_f64() => {
            let (a, b) = (l.as_f64().unwrap_or(f64::NAN), r.as_f64().unwrap_or(f64::NAN));
            if (a - b).abs() > TOLERANCE * a.abs().max(1.0) {
                found.push(format!("{path}: {a} / {b}"));
            }
        }
        _ if left == right => {}
        _ => found.push(format!("{path}: {left} / {right}")),
    }
}

fn words(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_last_bit_agrees_and_a_different_score_does_not() {
        let run = [
            json!({"id": "pump-1-20260101T000000000", "score": 4.0, "summary": "rose by 1.25 bar", "wall_s": 1}),
        ];
        let last_bit = [
            json!({"id": "pump-1-20260101T000000000", "score": 4.00001, "summary": "rose by 1.2 bar", "wall_s": 9}),
        ];
        assert_eq!(differences(&run, &last_bit), Vec::<String>::new());

        let other_score =
            [json!({"id": "pump-1-20260101T000000000", "score": 4.1, "summary": "rose by 1.25 bar"})];
        assert_eq!(differences(&run, &other_score), ["/0/score: 4 / 4.1"]);
    }

    #[test]
    fn scores_agree_within_the_tolerance_and_alarms_exactly() {
        let table = "time,score,alarm\n2026-01-01T00:00:00Z,-0.5,false\n2026-01-01T00:00:01Z,4.0,true\n";
        assert_eq!(score_differences(table, &table.replace("4.0", "4.002")), Vec::<String>::new());
        assert_eq!(score_differences(table, &table.replace("4.0", "4.2")), ["/2/1: 4 / 4.2"]);
        assert_eq!(score_differences(table, &table.replace("true", "false")).len(), 1);
        assert_eq!(score_differences(table, &table.replace(":01Z", ":02Z")).len(), 1);
    }

    #[test]
    fn a_missing_incident_or_another_word_is_a_difference() {
        let run = [json!({"change": "opened", "n": 1}), json!({"summary": "rose"})];
        assert_eq!(differences(&run, &run[..1]).len(), 1);
        assert_eq!(
            differences(&run, &[json!({"change": "opened", "n": 2}), json!({"summary": "fell"})]).len(),
            2
        );
        assert_eq!(differences(&run, &[json!({"change": "opened"}), json!({"summary": "rose"})]).len(), 1);
    }
}
