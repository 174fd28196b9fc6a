//! CloudFormation's intrinsic functions, evaluated for a stack that exists on this machine only.
//!
//! A template is evaluated lazily: only the properties that the local stack needs are looked at, so that a role or an alarm may use
//! functions that are not known here.

use super::names::Names;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Why an expression has no value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EvaluationError {
    #[error("`{0}` is no parameter, pseudo parameter or resource of the template")]
    UnknownReference(String),
    #[error("`{0}` is no condition of the template")]
    UnknownCondition(String),
    #[error("`{0}` is not exported by another stack")]
    UnknownImport(String),
    #[error("the local stack does not know the function `{0}`")]
    UnsupportedFunction(String),
    #[error("`{function}` was given {argument}")]
    BadArgument { function: &'static str, argument: String },
    #[error("`{0}` refers to itself")]
    Circular(String),
}

pub(super) type Evaluated<T> = Result<T, EvaluationError>;

/// How deep expressions may nest; only a template that refers to itself goes deeper.
pub(super) const MAX_DEPTH: usize = 64;

/// Everything that an expression of one template can refer to.
pub(crate) struct Scope<'a> {
    /// Values of the template's parameters; a list parameter is an array.
    pub(crate) parameters: BTreeMap<String, Value>,
    /// Exports of the stacks that were evaluated before this one.
    pub(crate) imports: &'a BTreeMap<String, Value>,
    pub(crate) conditions: &'a Map<String, Value>,
    pub(crate) mappings: &'a Map<String, Value>,
    pub(crate) resources: &'a Map<String, Value>,
    pub(crate) names: Names<'a>,
}

impl Scope<'_> {
    /// Evaluates `value`; `None` is `AWS::NoValue`, which takes the property that holds it away.
    pub(crate) fn evaluate(&self, value: &Value) -> Evaluated<Option<Value>> {
        self.at(value, 0)
    }

    /// Whether a named condition holds.
    pub(crate) fn condition(&self, name: &str) -> Evaluated<bool> {
        self.condition_at(name, 0)
    }

    pub(super) fn at(&self, value: &Value, depth: usize) -> Evaluated<Option<Value>> {
        if depth > MAX_DEPTH {
            return Err(EvaluationError::Circular(value.to_string()));
        }
        match value {
            Value::Object(object) => match function_call(object) {
                Some((function, argument)) => self.call(function, argument, depth + 1),
                None => self.object(object, depth + 1).map(Some),
            },
            Value::Array(items) => {
                let items = items.iter().map(|item| self.at(item, depth + 1));
                Ok(Some(Value::Array(items.filter_map(Result::transpose).collect::<Evaluated<_>>()?)))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn object(&self, object: &Map<String, Value>, depth: usize) -> Evaluated<Value> {
        let mut evaluated = Map::new();
        for (key, value) in object {
            if let Some(value) = self.at(value, depth)? {
                evaluated.insert(key.clone(), value);
            }
        }
        Ok(Value::Object(evaluated))
    }

    fn call(&self, function: &str, argument: &Value, depth: usize) -> Evaluated<Option<Value>> {
        let value = match function {
            "Ref" => return self.reference(&self.text("Ref", argument, depth)?, depth),
            "Fn::If" => return self.choose(argument, depth),
            "Condition" | "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => {
                self.test(function, argument, depth)?.into()
            }
            "Fn::GetAtt" => self.attribute(argument, depth)?,
            "Fn::Sub" => self.substitute(argument, depth)?.into(),
            "Fn::Join" => self.join(argument, depth)?.into(),
            "Fn::Split" => self.split(argument, depth)?,
            "Fn::Select" => self.select(argument, depth)?,
            "Fn::FindInMap" => self.find_in_map(argument, depth)?,
            "Fn::ImportValue" => {
                let name = self.text("Fn::ImportValue", argument, depth)?;
                self.imports.get(&name).cloned().ok_or(EvaluationError::UnknownImport(name))?
            }
            other => return Err(EvaluationError::UnsupportedFunction(other.to_owned())),
        };
        Ok(Some(value))
    }

    fn reference(&self, name: &str, depth: usize) -> Evaluated<Option<Value>> {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.parameters.get(name).cloned().or_else(|| self.names.pseudo_parameter(name)) {
            return Ok(Some(value));
        }
        if let Some(function) = name.strip_suffix(".Alias") {
            return self.alias(function, depth).map(Some);
        }
        let resource = self.resources.get(name).ok_or_else(|| EvaluationError::UnknownReference(name.to_owned()))?;
        let physical = self.physical_name(name, resource, depth)?;
        Ok(Some(self.names.reference(name, resource, physical.as_deref()).into()))
    }

    /// SAM's name for the alias that it publishes for a function; `Ref` of an alias gives its ARN.
    fn alias(&self, function: &str, depth: usize) -> Evaluated<Value> {
        let resource =
            self.resources.get(function).and_then(|resource| resource.pointer("/Properties/AutoPublishAlias"));
        let unknown = || EvaluationError::UnknownReference(format!("{function}.Alias"));
        let name = self.text("Ref", resource.ok_or_else(unknown)?, depth)?;
        let arn = self.attribute(&Value::from(format!("{function}.Arn")), depth)?;
        Ok(format!("{}:{name}", as_text(arn)).into())
    }

    fn attribute(&self, argument: &Value, depth: usize) -> Evaluated<Value> {
        let path = match argument {
            Value::String(path) => path.clone(),
            Value::Array(_) => self.texts("Fn::GetAtt", argument, depth)?.join("."),
            other => return Err(bad("Fn::GetAtt", other)),
        };
        let (name, attribute) = path.split_once('.').ok_or_else(|| bad("Fn::GetAtt", argument))?;
        let resource = self.resources.get(name).ok_or_else(|| EvaluationError::UnknownReference(name.to_owned()))?;
        let physical = self.physical_name(name, resource, depth)?;
        Ok(self.names.attribute(name, resource, physical.as_deref(), attribute).into())
    }

    /// The name that the template gives a resource by a property, if it does.
    fn physical_name(&self, name: &str, resource: &Value, depth: usize) -> Evaluated<Option<String>> {
        let Some(property) = Names::naming_property(resource) else {
            return Ok(None);
        };
        let Some(value) = resource.pointer(&format!("/Properties/{property}")) else {
            return Ok(None);
        };
        if depth > MAX_DEPTH {
            return Err(EvaluationError::Circular(name.to_owned()));
        }
        Ok(self.at(value, depth + 1)?.as_ref().and_then(Value::as_str).map(str::to_owned))
    }

    /// `Fn::Sub`: `${Name}` and `${Resource.Attribute}` are replaced, `${!Name}` stays as `${Name}`.
    fn substitute(&self, argument: &Value, depth: usize) -> Evaluated<String> {
        let (template, variables) = match argument {
            Value::String(template) => (template.as_str(), None),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(template), Value::Object(variables)] => (template.as_str(), Some(variables)),
                _ => return Err(bad("Fn::Sub", argument)),
            },
            other => return Err(bad("Fn::Sub", other)),
        };
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| bad("Fn::Sub", argument))?;
            text.push_str(before);
            text.push_str(&self.substitution(name, variables, depth)?);
            rest = after;
        }
        Ok(text + rest)
    }

    fn substitution(&self, name: &str, variables: Option<&Map<String, Value>>, depth: usize) -> Evaluated<String> {
        if let Some(literal) = name.strip_prefix('!') {
            return Ok(format!("${{{literal}}}"));
        }
        if let Some(value) = variables.and_then(|variables| variables.get(name)) {
            return self.text("Fn::Sub", value, depth);
        }
        if name.contains('.') && !name.ends_with(".Alias") {
            return self.attribute(&Value::from(name), depth).map(as_text);
        }
        Ok(self.reference(name, depth)?.map(as_text).unwrap_or_default())
    }

    fn join(&self, argument: &Value, depth: usize) -> Evaluated<String> {
        let [separator, list] = items::<2>("Fn::Join", argument)?;
        Ok(self.texts("Fn::Join", list, depth)?.join(&self.text("Fn::Join", separator, depth)?))
    }

    fn split(&self, argument: &Value, depth: usize) -> Evaluated<Value> {
        let [separator, text] = items::<2>("Fn::Split", argument)?;
        let separator = self.text("Fn::Split", separator, depth)?;
        Ok(self.text("Fn::Split", text, depth)?.split(&separator).map(Value::from).collect())
    }

    fn select(&self, argument: &Value, depth: usize) -> Evaluated<Value> {
        let [index, list] = items::<2>("Fn::Select", argument)?;
        let index: usize = self.text("Fn::Select", index, depth)?.parse().map_err(|_| bad("Fn::Select", argument))?;
        let list = self.at(list, depth)?;
        list.as_ref().and_then(|list| list.get(index)).cloned().ok_or_else(|| bad("Fn::Select", argument))
    }

    fn find_in_map(&self, argument: &Value, depth: usize) -> Evaluated<Value> {
        let path = self.texts("Fn::FindInMap", argument, depth)?;
        let [map, first, second] = path.as_slice() else {
            return Err(bad("Fn::FindInMap", argument));
        };
        let found = self.mappings.get(map).and_then(|map| map.get(first)).and_then(|map| map.get(second));
        found.cloned().ok_or_else(|| bad("Fn::FindInMap", argument))
    }

    fn text(&self, function: &'static str, value: &Value, depth: usize) -> Evaluated<String> {
        match self.at(value, depth)? {
            Some(Value::Array(_) | Value::Object(_) | Value::Null) | None => Err(bad(function, value)),
            Some(scalar) => Ok(as_text(scalar)),
        }
    }

    fn texts(&self, function: &'static str, value: &Value, depth: usize) -> Evaluated<Vec<String>> {
        match self.at(value, depth)? {
            Some(Value::Array(items)) => Ok(items.into_iter().map(as_text).collect()),
            _ => Err(bad(function, value)),
        }
    }
}

/// The function that an object stands for. `Condition` is one only with a name: in a policy statement it is a plain key.
fn function_call(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = object.iter().next().filter(|_| object.len() == 1)?;
    let is_function = name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string());
    is_function.then_some((name.as_str(), argument))
}

pub(super) fn items<'v, const N: usize>(function: &'static str, argument: &'v Value) -> Evaluated<&'v [Value; N]> {
    argument.as_array().and_then(|items| items.as_slice().try_into().ok()).ok_or_else(|| bad(function, argument))
}

pub(super) fn bad(function: &'static str, argument: &Value) -> EvaluationError {
    EvaluationError::BadArgument { function, argument: argument.to_string() }
}

/// A scalar as CloudFormation writes it into a string.
pub(crate) fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "intrinsics_tests.rs"]
mod tests;
