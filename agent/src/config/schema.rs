//! The JSON Schema of the configuration, and the rules that are read from it.
//!
//! One description serves all: the types in this room derive the schema, `lineside config
//! schema` prints it, and files are checked against it, so that the three cannot differ.

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use super::Config;

/// The JSON Schema (draft 2020-12) of the whole file.
#[must_use]
pub fn json_schema() -> Json {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Config>().to_value()
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    Table(Fields),
    /// A table whose `tag` key says which fields it has.
    Tagged {
        tag: String,
        variants: Vec<(String, Fields)>,
    },
    List(Box<Rule>),
    Text(Form),
    /// One of these words.
    Word(Vec<String>),
    Integer {
        min: i128,
        max: i128,
    },
    Number,
    Boolean,
}

/// What a text must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Free,
    Character,
    Span,
    ByteSize,
    SocketAddress,
}

/// The keys of a table.
pub(super) type Fields = Vec<Field>;

/// A key of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub name: String,
    pub rule: Rule,
    pub required: bool,
    /// Its value is never repeated in a message.
    pub secret: bool,
}

impl Rule {
    /// The rule of the whole file.
    pub(super) fn of_config() -> Rule {
        let schema = json_schema();
        let reader = Reader { definitions: &schema["$defs"] };
        reader.rule(&schema)
    }
}

struct Reader<'a> {
    definitions: &'a Json,
}

impl Reader<'_> {
    /// Reads what the derived schemas of this room use; another form is a mistake in the types,
    /// which every test that loads a configuration meets.
    fn rule(&self, schema: &Json) -> Rule {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.rule(&self.definitions[name]);
        }
        if let Some(options) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
            return self.one_of(options);
        }
        let kind = match &schema["type"] {
            Json::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap_or(&Json::Null),
            kind => kind,
        };
        match kind.as_str() {
            Some("object") => Rule::Table(self.fields(schema)),
            Some("array") => Rule::List(Box::new(self.rule(&schema["items"]))),
            Some("boolean") => Rule::Boolean,
            Some("number") => Rule::Number,
            Some("integer") => integer(schema),
            Some("string") => text(schema),
            _ => unreachable!("the schema of the configuration uses a form without a rule: {schema}"),
        }
    }

    fn one_of(&self, options: &[Json]) -> Rule {
        let options: Vec<&Json> = options.iter().filter(|option| option["type"] != "null").collect();
        if let [only] = options[..] {
            return self.rule(only);
        }
        let words: Option<Vec<String>> =
            options.iter().map(|option| option["const"].as_str().map(str::to_owned)).collect();
        if let Some(words) = words {
            return Rule::Word(words);
        }
        let mut tag = String::new();
        let variants = options
            .iter()
            .map(|option| {
                let mut fields = self.fields(option);
                let at = fields
                    .iter()
                    .position(|field| matches!(&field.rule, Rule::Word(words) if words.len() == 1));
                let field = at.map(|at| fields.remove(at));
                let name =
                    option["properties"][field.as_ref().map_or("", |field| &field.name)]["const"].as_str();
                tag = field.map(|field| field.name).unwrap_or_default();
                (name.unwrap_or_default().to_owned(), fields)
            })
            .collect();
        Rule::Tagged { tag, variants }
    }

    fn fields(&self, schema: &Json) -> Fields {
        let required =
            |name: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|n| n == name));
        let Some(properties) = schema["properties"].as_object() else {
            return Vec::new();
        };
        let mut fields: Fields = properties
            .iter()
            .map(|(name, property)| Field {
                name: name.clone(),
                rule: self.rule(property),
                required: required(name),
                secret: property["writeOnly"] == true,
            })
            .collect();
        // The order of an object's keys depends on how the JSON library was built.
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields
    }
}

fn integer(schema: &Json) -> Rule {
    let (low, high) = match schema["format"].as_str() {
        Some("uint32") => (0, u32::MAX.into()),
        Some("uint64") => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    };
    let bound = |name: &str, default| schema[name].as_i64().map_or(default, i128::from);
    Rule::Integer { min: bound("minimum", low), max: bound("maximum", high) }
}

fn text(schema: &Json) -> Rule {
    if let Some(word) = schema["const"].as_str() {
        return Rule::Word(vec![word.to_owned()]);
    }
    if let Some(words) = schema["enum"].as_array() {
        return Rule::Word(words.iter().filter_map(Json::as_str).map(str::to_owned).collect());
    }
    Rule::Text(match schema["format"].as_str() {
        Some("span") => Form::Span,
        Some("byte-size") => Form::ByteSize,
        Some("socket-address") => Form::SocketAddress,
        _ if schema["maxLength"] == 1 => Form::Character,
        _ => Form::Free,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field<'a>(rule: &'a Rule, name: &str) -> &'a Field {
        let Rule::Table(fields) = rule else { panic!("{rule:?} is no table") };
        fields.iter().find(|field| field.name == name).unwrap()
    }

    #[test]
    fn the_rules_are_those_of_the_types() {
        let root = Rule::of_config();
        let mqtt = &field(&root, "mqtt").rule;
        assert_eq!(field(mqtt, "port").rule, Rule::Integer { min: 0, max: 65_535 });
        assert_eq!(field(mqtt, "protocol").rule, Rule::Word(vec!["3.1.1".into(), "5".into()]));
        assert_eq!(field(mqtt, "keep_alive").rule, Rule::Text(Form::Span));
        assert!(field(mqtt, "password").secret);
        let Rule::List(device) = &field(&root, "device").rule else { panic!() };
        assert!(field(device, "period").required && !field(device, "hop").required);
        let Rule::Tagged { tag, variants } = &field(device, "source").rule else { panic!() };
        let names: Vec<&str> = variants.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((tag.as_str(), names), ("type", vec!["csv", "mqtt", "simulate"]));
    }
}
