//! A template's parameters.

use super::intrinsics::as_text;
use super::template::TemplateError;
use serde_json::Value;

/// The value of one parameter: what was given, or its default. A list is an array, as `Ref` gives it.
///
/// `AllowedPattern` is not looked at: a deployment's patterns rightly refuse what is local (an issuer without TLS, say).
pub(super) fn value_of(name: &str, declaration: &Value, given: Option<&String>) -> Result<Value, TemplateError> {
    let default = || declaration.get("Default").cloned().map(as_text);
    let value = given.cloned().or_else(default).ok_or_else(|| TemplateError::MissingParameter(name.to_owned()))?;
    if let Some(allowed) = declaration.get("AllowedValues").and_then(Value::as_array) {
        let allowed: Vec<String> = allowed.iter().cloned().map(as_text).collect();
        if !allowed.contains(&value) {
            return Err(TemplateError::ParameterNotAllowed {
                name: name.to_owned(),
                value,
                allowed: allowed.join(", "),
            });
        }
    }
    check_range(name, declaration, &value)?;
    let kind = declaration.get("Type").and_then(Value::as_str).unwrap_or("String");
    let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
    Ok(if is_list { value.split(',').map(|item| Value::from(item.trim())).collect() } else { value.into() })
}

/// `MinValue` and `MaxValue`, which CloudFormation has for numbers only.
fn check_range(name: &str, declaration: &Value, value: &str) -> Result<(), TemplateError> {
    let bound = |key| declaration.get(key).cloned().map(as_text);
    let (min, max) = (bound("MinValue"), bound("MaxValue"));
    if min.is_none() && max.is_none() {
        return Ok(());
    }
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let out_of_range = || TemplateError::ParameterOutOfRange {
        name: name.to_owned(),
        value: value.to_owned(),
        range: range(min.as_deref(), max.as_deref()),
    };
    let value = number(value).ok_or_else(out_of_range)?;
    let reaches = min.as_deref().and_then(number).is_none_or(|min| value >= min);
    let keeps = max.as_deref().and_then(number).is_none_or(|max| value <= max);
    if reaches && keeps { Ok(()) } else { Err(out_of_range()) }
}

fn range(min: Option<&str>, max: Option<&str>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("from {min} on"),
        (None, max) => format!("up to {}", max.unwrap_or_default()),
    }
}
