//! The project's files, and CloudFormation templates as JSON, each tag (`!Ref X`) an object of one member (`{"Ref": X}`).

use std::path::PathBuf;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

/// A file of the project.
pub fn project_file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The template at `path` in the project.
pub fn template(path: &str) -> Value {
    let text = std::fs::read_to_string(project_file(path)).expect("the template is there");
    let documents = Yaml::load_from_str(&text).expect("the template is YAML");
    convert(&documents[0])
}

fn convert(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::Boolean(flag)) => json!(flag),
        Yaml::Sequence(items) => items.iter().map(convert).collect(),
        Yaml::Mapping(pairs) => {
            let name = |key: &Yaml<'_>| key.as_str().expect("a key is text").to_owned();
            pairs.iter().map(|(key, value)| (name(key), convert(value))).collect()
        }
        Yaml::Tagged(tag, inner) => json!({&tag.suffix: convert(inner)}),
        _ => Value::Null,
    }
}
