//! What differs between two manifests, for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::manifest::Manifest;

/// One key whose value differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key's full path.
    pub key: String,
    /// What the first manifest says, where it says anything.
    pub before: Option<String>,
    /// What the second one says, where it says anything.
    pub after: Option<String>,
}

/// Every key whose value differs between `a` and `b`, by the key's path. Defaults count as said.
#[must_use]
pub fn diff(a: &Manifest, b: &Manifest) -> Vec<Difference> {
    let (mut before, mut after) = (leaves(a), leaves(b));
    let keys: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    let mut differences: Vec<Difference> = keys
        .into_iter()
        .map(|key| Difference { before: before.remove(&key), after: after.remove(&key), key })
        .filter(|difference| difference.before != difference.after)
        .collect();
    differences.sort_by(|a, b| a.key.cmp(&b.key));
    differences
}

fn leaves(manifest: &Manifest) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    // A manifest is a table of texts, numbers and tables: nothing of it has no TOML.
    if let Ok(table) = toml::Table::try_from(manifest) {
        flatten("", &table, &mut all);
    }
    all
}

fn flatten(path: &str, table: &toml::Table, all: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&path, inner, all),
            leaf => drop(all.insert(path, leaf.to_string())),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "not stated".into());
        write!(f, "{}: {} -> {}", self.key, said(&self.before), said(&self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::tests::manifest;

    #[test]
    fn every_key_that_differs_is_named_once_with_both_values() {
        let before = Manifest::parse(&manifest()).unwrap();
        assert_eq!(diff(&before, &before), []);
        let text = manifest()
            .replace("release = 1", "release = 2")
            .replace("p95_us = 100", "p95_us = 200")
            .replace("hold = 4\n", "")
            .replace("[golden]", "[requires]\narch = [\"aarch64\"]\n[golden]");
        let after = Manifest::parse(&text).unwrap();
        let lines: Vec<String> = diff(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "budget.p95_us: 100 -> 200",
                "detector.hold: 4 -> not stated",
                "release: 1 -> 2",
                "requires.arch: [] -> [\"aarch64\"]",
            ]
        );
        assert_eq!(diff(&after, &before).len(), 4);
    }
}
