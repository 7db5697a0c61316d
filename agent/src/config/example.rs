//! The complete, commented configuration that `lineside config example` prints.

/// The file. It runs as it stands, on a simulated machine.
pub const EXAMPLE: &str = include_str!("example.toml");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::config::load::read;
    use crate::config::schema::Rule;
    use crate::config::tree::{Node, Value};
    use crate::config::{Config, DeviceConfig, SourceConfig, validate};

    fn parse(text: &str) -> (Config, Node) {
        read(Path::new("example.toml"), text, std::iter::empty())
            .unwrap_or_else(|errors| panic!("{errors:#?}"))
    }

    /// The example with its commented keys in force.
    fn uncommented() -> String {
        let bare = |line: &str| match line.strip_prefix('#') {
            Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest.to_owned(),
            _ => line.to_owned(),
        };
        EXAMPLE.lines().map(|line| bare(line) + "\n").collect()
    }

    /// Every key of the rule, as `table.key`; those of a tagged table with its tag.
    fn keys(rule: &Rule, path: &str, all: &mut BTreeSet<String>) {
        match rule {
            Rule::Table(fields) => {
                for field in fields {
                    let key = format!("{path}.{}", field.name);
                    keys(&field.rule, &key, all);
                    all.insert(key);
                }
            }
            Rule::Tagged { variants, .. } => {
                for (name, fields) in variants {
                    keys(&Rule::Table(fields.clone()), &format!("{path}({name})"), all);
                }
            }
            Rule::List(inner) => keys(inner, path, all),
            _ => {}
        }
    }

    /// Every key that was written, in the same form.
    fn written(node: &Node, path: &str, all: &mut BTreeSet<String>) {
        match &node.value {
            Value::Table(entries) => {
                let tag = match node.get("type").map(|node| &node.value) {
                    Some(Value::Text(tag)) => format!("({tag})"),
                    _ => String::new(),
                };
                for (name, node) in entries {
                    let key = format!("{path}{tag}.{name}");
                    written(node, &key, all);
                    all.insert(key);
                }
            }
            Value::List(list) => list.iter().for_each(|node| written(node, path, all)),
            _ => {}
        }
    }

    #[test]
    fn the_example_can_run_as_it_stands() {
        let (config, root) = parse(EXAMPLE);
        assert_eq!(validate::validate(&config, &root), []);
        assert!(matches!(config.devices[0].source, SourceConfig::Simulate(_)));
    }

    #[test]
    fn the_example_shows_every_key() {
        let (mut known, mut shown) = (BTreeSet::new(), BTreeSet::new());
        keys(&Rule::of_config(), "", &mut known);
        written(&parse(&uncommented()).1, "", &mut shown);
        let missing: Vec<_> = known.difference(&shown).collect();
        assert!(missing.is_empty(), "not in example.toml: {missing:?}");
    }

    #[test]
    fn the_example_shows_the_defaults() {
        let (config, _) = parse(EXAMPLE);
        assert_eq!(Config { devices: Vec::new(), ..config }, Config::default());
    }

    #[test]
    fn the_commented_devices_are_possible_too() {
        // Both ways to give a password stand side by side; everything else must be accepted.
        let text = uncommented().replace("password = \"secret\"\n", "");
        let (config, root) = parse(&text);
        assert_eq!(validate::validate(&config, &root), []);
        let ids: Vec<&str> = config.devices.iter().map(|device: &DeviceConfig| device.id.as_str()).collect();
        assert_eq!(ids, ["pump-1", "press-4", "conveyor-2"]);
    }
}
