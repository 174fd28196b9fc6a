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
    let kind = declaration.get("Type").and_then(Value::as_str).unwrap_or("String");
    let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
    Ok(if is_list { value.split(',').map(|item| Value::from(item.trim())).collect() } else { value.into() })
}
