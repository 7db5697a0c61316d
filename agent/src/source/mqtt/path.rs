//! Where in a JSON payload a value stands.

use serde_json::Value;

/// A path such as `sensors.pressure` or `readings.0.value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// Steps are separated by dots; a number steps into an array.
    pub fn new(text: &str) -> Self {
        Path(text.to_owned())
    }

    /// The last step: the name of the value.
    pub fn name(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or_default()
    }

    /// The value at this path. Keys that hold dots themselves are found too: at each level the
    /// longest key wins.
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        find(value, &self.0)
    }
}

fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => {
            if let Some(found) = object.get(path) {
                return Some(found);
            }
            path.rmatch_indices('.').find_map(|(dot, _)| find(object.get(&path[..dot])?, &path[dot + 1..]))
        }
        Value::Array(array) => {
            let (index, rest) = path.split_once('.').map_or((path, None), |(i, rest)| (i, Some(rest)));
            let found = array.get(index.parse::<usize>().ok()?)?;
            rest.map_or(Some(found), |rest| find(found, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_steps_through_objects_arrays_and_keys_with_dots() {
        let value = json!({
            "flow": 1, "sensors": {"pressure": 2, "bearing.drive": {"t": 3}},
            "readings": [{"value": 4}, 5], "a.b": 6
        });
        for (path, expected) in [
            ("flow", 1),
            ("sensors.pressure", 2),
            ("sensors.bearing.drive.t", 3),
            ("readings.0.value", 4),
            ("readings.1", 5),
            ("a.b", 6),
        ] {
            assert_eq!(Path::new(path).find(&value), Some(&json!(expected)), "{path}");
        }
        for path in ["", "pressure", "readings.2", "readings.value", "flow.x", "sensors..pressure"] {
            assert_eq!(Path::new(path).find(&value), None, "{path}");
        }
        assert_eq!(Path::new("sensors.pressure").name(), "pressure");
    }
}
