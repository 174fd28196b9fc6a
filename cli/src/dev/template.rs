//! Reads a SAM template and evaluates the parts of it that run on one machine.

use super::intrinsics::{EvaluationError, Scope, as_text};
use super::names::{Names, resource_type};
use super::parameters::value_of;
use super::resources::{Api, Authorizer, Function, FunctionProperties, Integration, Route, Stage, Table};
use super::yaml::{self, YamlError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lambda's own defaults.
const DEFAULT_TIMEOUT_SECONDS: u64 = 3;
const DEFAULT_MEMORY_MB: u64 = 128;

/// Why a template can't be used. Every variant names the place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("cannot read the template {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}", path.display())]
    Syntax { path: PathBuf, source: YamlError },
    #[error("in `{place}`")]
    Evaluation { place: String, source: EvaluationError },
    #[error("`{place}` is not as the local stack needs it")]
    Shape { place: String, source: serde_json::Error },
    #[error("the parameter `{0}` has no default; give it with --parameter {0}=VALUE")]
    MissingParameter(String),
    #[error("the template has no parameter `{0}`")]
    UnknownParameter(String),
    #[error("the parameter `{name}` must be one of {allowed}, not `{value}`")]
    ParameterNotAllowed { name: String, value: String, allowed: String },
    #[error("the parameter `{name}` must be a number {range}, not `{value}`")]
    ParameterOutOfRange { name: String, value: String, range: String },
    #[error("the function `{0}` has no CodeUri that ends with its binary's name and `.zip`")]
    NoBinary(String),
}

/// A template as it was read.
pub(crate) struct Template(Value);

/// A template with all values filled in: what a deployment would have created.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    pub(crate) functions: Vec<Function>,
    pub(crate) tables: Vec<Table>,
    pub(crate) apis: Vec<Api>,
    pub(crate) stages: Vec<Stage>,
    /// By the id that `Ref` gives.
    pub(crate) integrations: BTreeMap<String, Integration>,
    pub(crate) authorizers: BTreeMap<String, Authorizer>,
    pub(crate) routes: Vec<Route>,
    pub(crate) exports: BTreeMap<String, Value>,
}

impl Template {
    /// Reads a template file.
    pub(crate) fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TemplateError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|source| TemplateError::Syntax { path: path.to_owned(), source })
    }

    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, YamlError> {
        yaml::parse(text).map(Self)
    }

    /// Whether the template declares a parameter.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        self.section("Parameters").contains_key(name)
    }

    /// Evaluates the template with `parameters` in place of its defaults.
    pub(crate) fn evaluate(
        &self,
        names: Names,
        parameters: &BTreeMap<String, String>,
        imports: &BTreeMap<String, Value>,
    ) -> Result<Stack, TemplateError> {
        let evaluation = Evaluation {
            template: self,
            scope: Scope {
                parameters: self.parameters(parameters)?,
                imports,
                conditions: self.section("Conditions"),
                mappings: self.section("Mappings"),
                resources: self.section("Resources"),
                names,
            },
        };
        evaluation.stack()
    }

    fn parameters(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, Value>, TemplateError> {
        let declared = self.section("Parameters");
        if let Some(unknown) = given.keys().find(|name| !declared.contains_key(*name)) {
            return Err(TemplateError::UnknownParameter(unknown.clone()));
        }
        declared
            .iter()
            .map(|(name, declaration)| Ok((name.clone(), value_of(name, declaration, given.get(name))?)))
            .collect()
    }

    fn section(&self, name: &str) -> &Map<String, Value> {
        static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.0.get(name).and_then(Value::as_object).unwrap_or(&EMPTY)
    }
}

struct Evaluation<'a> {
    template: &'a Template,
    scope: Scope<'a>,
}

impl Evaluation<'_> {
    fn stack(&self) -> Result<Stack, TemplateError> {
        let mut stack = Stack::default();
        let globals = self.scope.evaluate(self.template.0.pointer("/Globals/Function").unwrap_or(&Value::Null));
        let globals =
            globals.map_err(|source| TemplateError::Evaluation { place: "Globals.Function".to_owned(), source })?;
        for (id, resource) in self.template.section("Resources") {
            if self.is_left_out(id, resource)? {
                continue;
            }
            self.add_resource(&mut stack, id, resource, globals.as_ref())?;
        }
        label(&mut stack.functions);
        stack.exports = self.exports()?;
        Ok(stack)
    }

    fn is_left_out(&self, id: &str, resource: &Value) -> Result<bool, TemplateError> {
        let Some(condition) = resource.get("Condition").and_then(Value::as_str) else {
            return Ok(false);
        };
        let holds = self.scope.condition(condition);
        Ok(!holds.map_err(|source| TemplateError::Evaluation { place: id.to_owned(), source })?)
    }

    fn add_resource(
        &self,
        stack: &mut Stack,
        id: &str,
        resource: &Value,
        globals: Option<&Value>,
    ) -> Result<(), TemplateError> {
        match resource_type(resource) {
            "AWS::Serverless::Function" => stack.functions.push(self.function(id, resource, globals)?),
            "AWS::DynamoDB::Table" => stack.tables.push(self.properties(id, resource)?),
            "AWS::ApiGatewayV2::Api" => {
                stack.apis.push(Api { id: self.scope.names.local_name(id), ..self.properties(id, resource)? });
            }
            "AWS::ApiGatewayV2::Stage" => stack.stages.push(self.properties(id, resource)?),
            "AWS::ApiGatewayV2::Route" => stack.routes.push(self.properties(id, resource)?),
            "AWS::ApiGatewayV2::Integration" => {
                stack.integrations.insert(self.scope.names.local_name(id), self.properties(id, resource)?);
            }
            "AWS::ApiGatewayV2::Authorizer" => {
                stack.authorizers.insert(self.scope.names.local_name(id), self.properties(id, resource)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn function(&self, id: &str, resource: &Value, globals: Option<&Value>) -> Result<Function, TemplateError> {
        let own: FunctionProperties = self.properties(id, resource)?;
        let shared: FunctionProperties =
            shape("Globals.Function", globals.filter(|globals| globals.is_object()).cloned())?;
        let zip = own.code_uri.as_deref().and_then(|uri| uri.rsplit('/').next());
        let binary = zip
            .and_then(|zip| zip.strip_suffix(".zip"))
            .filter(|name| !name.is_empty())
            .ok_or_else(|| TemplateError::NoBinary(id.to_owned()))?;
        let name = self.evaluate(id, &serde_json::json!({ "Ref": id }))?.map(as_text).unwrap_or_default();
        let mut variables = shared.environment.variables;
        variables.extend(own.environment.variables);
        Ok(Function {
            label: binary.to_owned(),
            logical_id: id.to_owned(),
            arn: self.scope.names.function_arn(&name),
            name,
            binary: binary.to_owned(),
            environment: variables.into_iter().map(|(key, value)| (key, as_text(value))).collect(),
            timeout: Duration::from_secs(own.timeout.or(shared.timeout).unwrap_or(DEFAULT_TIMEOUT_SECONDS)),
            memory_mb: own.memory_size.or(shared.memory_size).unwrap_or(DEFAULT_MEMORY_MB),
        })
    }

    /// The outputs that other stacks can import.
    fn exports(&self) -> Result<BTreeMap<String, Value>, TemplateError> {
        let mut exports = BTreeMap::new();
        for (id, output) in self.template.section("Outputs") {
            let (Some(name), Some(value)) = (output.pointer("/Export/Name"), output.get("Value")) else {
                continue;
            };
            if self.is_left_out(id, output)? {
                continue;
            }
            if let (Some(name), Some(value)) = (self.evaluate(id, name)?, self.evaluate(id, value)?) {
                exports.insert(as_text(name), value);
            }
        }
        Ok(exports)
    }

    fn properties<T: DeserializeOwned>(&self, id: &str, resource: &Value) -> Result<T, TemplateError> {
        let properties = resource.get("Properties").map(|properties| Self::needed(resource, properties));
        let evaluated = properties.map(|properties| self.evaluate(id, &properties)).transpose()?;
        shape(id, evaluated.flatten())
    }

    /// A function's properties without those that only AWS has a use for, so that a policy may use whatever it likes.
    fn needed(resource: &Value, properties: &Value) -> Value {
        let mut properties = properties.clone();
        if let (Some(object), "AWS::Serverless::Function") = (properties.as_object_mut(), resource_type(resource)) {
            object.retain(|key, _| ["CodeUri", "Environment", "MemorySize", "Timeout"].contains(&key.as_str()));
        }
        properties
    }

    fn evaluate(&self, place: &str, value: &Value) -> Result<Option<Value>, TemplateError> {
        self.scope.evaluate(value).map_err(|source| TemplateError::Evaluation { place: place.to_owned(), source })
    }
}

fn shape<T: DeserializeOwned>(place: &str, value: Option<Value>) -> Result<T, TemplateError> {
    let value = value.unwrap_or_else(|| Value::Object(Map::new()));
    serde_json::from_value(value).map_err(|source| TemplateError::Shape { place: place.to_owned(), source })
}

/// Functions that share a binary go by their logical id, so that log lines tell them apart.
fn label(functions: &mut [Function]) {
    let binaries: Vec<String> = functions.iter().map(|function| function.binary.clone()).collect();
    for function in functions {
        if binaries.iter().filter(|binary| **binary == function.binary).count() > 1 {
            function.label.clone_from(&function.logical_id);
        }
    }
}

impl Stack {
    /// Takes in what another stack declares, so that one gateway serves both.
    pub(crate) fn merge(&mut self, other: Self) {
        self.functions.extend(other.functions);
        self.tables.extend(other.tables);
        self.apis.extend(other.apis);
        self.stages.extend(other.stages);
        self.integrations.extend(other.integrations);
        self.authorizers.extend(other.authorizers);
        self.routes.extend(other.routes);
        self.exports.extend(other.exports);
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
