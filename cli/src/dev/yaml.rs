//! Reads a CloudFormation template into JSON, with every short-form tag (`!Ref`, `!Sub`) turned into its long form.
//!
//! JSON is the form in which CloudFormation defines its intrinsic functions, so the rest of the code knows one spelling only.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// Why a file is no template.
#[derive(Debug, thiserror::Error)]
pub(crate) enum YamlError {
    #[error("not valid YAML: {0}")]
    Syntax(#[from] saphyr::ScanError),
    #[error("a template is one YAML document, this file has {0}")]
    Documents(usize),
    #[error("a key or value that JSON cannot hold")]
    Unsupported,
}

/// Parses one YAML document.
pub(crate) fn parse(text: &str) -> Result<Value, YamlError> {
    let documents = Yaml::load_from_str(text)?;
    match documents.as_slice() {
        [document] => convert(document),
        others => Err(YamlError::Documents(others.len())),
    }
}

fn convert(node: &Yaml) -> Result<Value, YamlError> {
    match node {
        Yaml::Value(scalar) => Ok(convert_scalar(scalar)),
        Yaml::Sequence(items) => items.iter().map(convert).collect::<Result<_, _>>().map(Value::Array),
        Yaml::Mapping(pairs) => pairs
            .iter()
            .map(|(key, value)| Ok((convert_key(key)?, convert(value)?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        Yaml::Tagged(tag, inner) => Ok(long_form(&tag.suffix, convert(inner)?)),
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => Err(YamlError::Unsupported),
    }
}

fn convert_key(key: &Yaml) -> Result<String, YamlError> {
    match convert(key)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(YamlError::Unsupported),
    }
}

fn convert_scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => Value::Bool(*flag),
        Scalar::Integer(number) => Value::from(*number),
        Scalar::FloatingPoint(number) => Value::from(number.into_inner()),
        Scalar::String(text) => Value::from(text.as_ref()),
    }
}

/// `!Ref x` is `{"Ref": x}`, `!Condition x` is `{"Condition": x}`, and any other `!F x` is `{"Fn::F": x}`.
fn long_form(tag: &str, argument: Value) -> Value {
    let name = match tag {
        "Ref" | "Condition" => tag.to_owned(),
        function => format!("Fn::{function}"),
    };
    Value::Object(Map::from_iter([(name, argument)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_forms_become_long_forms() {
        let template = "
            a: !Ref Name
            b: !Sub '${AWS::StackName}-users'
            c: !GetAtt Function.Arn
            d: !If [IsLocal, !Ref Yes, 'no']
            e: !Not [!Condition IsLocal]
            f: !Sub ['${x}', {x: !Ref Name}]
            g: !ImportValue gatelet-ApiId
            h: 2012-10-17
            i: [1, true, 1.5, null]
        ";
        assert_eq!(
            parse(template).unwrap(),
            json!({
                "a": {"Ref": "Name"},
                "b": {"Fn::Sub": "${AWS::StackName}-users"},
                "c": {"Fn::GetAtt": "Function.Arn"},
                "d": {"Fn::If": ["IsLocal", {"Ref": "Yes"}, "no"]},
                "e": {"Fn::Not": [{"Condition": "IsLocal"}]},
                "f": {"Fn::Sub": ["${x}", {"x": {"Ref": "Name"}}]},
                "g": {"Fn::ImportValue": "gatelet-ApiId"},
                "h": "2012-10-17",
                "i": [1, true, 1.5, null],
            })
        );
    }

    #[test]
    fn what_is_no_template_is_refused() {
        assert!(matches!(parse("a: [1"), Err(YamlError::Syntax(_))));
        assert!(matches!(parse("a: 1\n---\nb: 2"), Err(YamlError::Documents(2))));
    }
}
