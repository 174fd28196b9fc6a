//! JSON bodies, read strictly.
//!
//! Two readers of one text must not see two things: repeated names, which RFC 8259 §4 leaves open, are refused, and so
//! are lone surrogates and U+0000, which a database or a log might cut.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::{
    problem::{FieldError, Problem},
    secret::Secret,
};

/// The members of a JSON object. Reading one that is missing or of another type is noted, and [`Members::finish`]
/// answers with everything that was noted, so that a caller sees all of it at once.
pub struct Members {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
}

/// Reads one object.
pub(super) fn parse(body: &[u8]) -> Result<Members, Problem> {
    let Strict(value) = serde_json::from_slice(body).map_err(|error| {
        let reason = if error.is_eof() { "it ends too early".to_owned() } else { error.to_string() };
        Problem::MalformedJson(format!("the body is not JSON that can be accepted: {reason}"))
    })?;
    match value {
        Value::Object(object) => Ok(Members { object, errors: Vec::new() }),
        _ => Err(Problem::MalformedJson("the body must be a JSON object".to_owned())),
    }
}

impl Members {
    /// Whether there is a member of this name that is not null.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.object.get(field).is_some_and(|value| !value.is_null())
    }

    /// A string that may be absent.
    pub fn optional(&mut self, field: &'static str) -> Option<String> {
        match self.object.remove(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.reject(field, "wrong_type", "must be a string");
                None
            }
        }
    }

    /// A string that must be there; empty, and noted, if it is not.
    pub fn required(&mut self, field: &'static str) -> String {
        let text = self.optional(field);
        if text.is_none() {
            self.reject(field, "required", "is required");
        }
        text.unwrap_or_default()
    }

    /// A secret that must be there.
    pub fn required_secret(&mut self, field: &'static str) -> Secret {
        Secret::new(self.required(field))
    }

    /// Notes what is wrong with a member, unless something is already: what is missing is not too short as well.
    pub fn reject(&mut self, field: &'static str, code: &'static str, detail: impl Into<String>) {
        if self.errors.iter().all(|error| error.field != field) {
            self.errors.push(FieldError { field, code, detail: detail.into() });
        }
    }

    /// # Errors
    ///
    /// Everything that was noted, if anything was.
    pub fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::ValidationFailed(self.errors)) }
    }
}

/// Any JSON value, checked while it is read.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        if text.contains('\0') { Err(E::custom("a string holds U+0000")) } else { Ok(text.into()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Strict(value) = members.next_value()?;
            if name.contains('\0') || object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is there twice, or holds U+0000"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for body in [
            "",
            "{",
            "nope",
            "[]",
            "\"text\"",
            "1",
            "null",
            r#"{"a": 1, "a": 2}"#,
            r#"{"a": {"b": 1, "b": 1}}"#,
            r#"{"a": [{"b": 1, "b": 1}]}"#,
            r#"{"a": "\u0000"}"#,
            r#"{"a\u0000": 1}"#,
            r#"{"a": "\ud800"}"#,
            r#"{"a": "\udc00x"}"#,
            r#"{"a": 1} {"a": 2}"#,
            r#"{"a": NaN}"#,
            r#"{"a": 1e999}"#,
            "{\"a\": \"line\nbreak\"}",
            "{'a': 1}",
            r#"{"a": 1,}"#,
        ] {
            assert!(matches!(parse(body.as_bytes()), Err(Problem::MalformedJson(_))), "{body}");
        }
        assert!(parse(b"{\"a\": \"\xff\"}").is_err(), "not UTF-8");
        assert!(parse(format!("{{\"a\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000)).as_bytes()).is_err());
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let mut members = parse(br#"{"user_id": 7, "email": null, "extra": true}"#).unwrap();
        assert_eq!(members.required("user_id"), "");
        assert_eq!(members.required("user_secret"), "");
        assert_eq!(members.optional("email"), None);
        let Err(Problem::ValidationFailed(errors)) = members.finish() else { panic!("nothing was noted") };
        let said: Vec<_> = errors.iter().map(|error| (error.field, error.code)).collect();
        assert_eq!(said, [("user_id", "wrong_type"), ("user_secret", "required")]);
    }
}
