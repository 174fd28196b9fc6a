//! The resources that the local stack brings to life, as the template declares them.

#![expect(clippy::struct_field_names, reason = "the properties are called what CloudFormation calls them")]

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::time::Duration;

/// A Lambda function.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    /// How log lines and messages call it: the binary's name, or the logical id when several functions share a binary.
    pub(crate) label: String,
    pub(crate) logical_id: String,
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) binary: String,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
    pub(crate) memory_mb: u64,
}

/// `AWS::Serverless::Function`, and `Globals.Function` with the same properties.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct FunctionProperties {
    pub(super) code_uri: Option<String>,
    #[serde(deserialize_with = "lenient_number")]
    pub(super) timeout: Option<u64>,
    #[serde(deserialize_with = "lenient_number")]
    pub(super) memory_size: Option<u64>,
    pub(super) environment: Environment,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Environment {
    pub(super) variables: BTreeMap<String, serde_json::Value>,
}

/// `AWS::DynamoDB::Table`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Table {
    pub(crate) table_name: String,
    pub(crate) key_schema: Vec<KeyElement>,
    pub(crate) attribute_definitions: Vec<AttributeDefinition>,
    pub(crate) time_to_live_specification: Option<TimeToLive>,
    /// Refused rather than ignored: a query on a missing index fails much later.
    pub(crate) global_secondary_indexes: Option<serde_json::Value>,
    pub(crate) local_secondary_indexes: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyElement {
    pub(crate) attribute_name: String,
    pub(crate) key_type: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttributeDefinition {
    pub(crate) attribute_name: String,
    pub(crate) attribute_type: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TimeToLive {
    pub(crate) attribute_name: String,
    #[serde(deserialize_with = "lenient_flag")]
    pub(crate) enabled: bool,
}

/// `AWS::ApiGatewayV2::Api`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Api {
    /// What `Ref` gives.
    #[serde(skip)]
    pub(crate) id: String,
    pub(crate) cors_configuration: Option<CorsConfiguration>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CorsConfiguration {
    #[serde(deserialize_with = "lenient_flag")]
    pub(crate) allow_credentials: bool,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) allow_methods: Vec<String>,
    pub(crate) allow_origins: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    #[serde(deserialize_with = "lenient_number")]
    pub(crate) max_age: Option<u64>,
}

/// `AWS::ApiGatewayV2::Stage`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stage {
    pub(crate) stage_name: String,
}

/// `AWS::ApiGatewayV2::Integration`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Integration {
    pub(crate) integration_uri: String,
    pub(crate) payload_format_version: Option<String>,
    #[serde(default, deserialize_with = "lenient_number")]
    pub(crate) timeout_in_millis: Option<u64>,
}

/// `AWS::ApiGatewayV2::Route`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Route {
    pub(crate) api_id: String,
    pub(crate) route_key: String,
    pub(crate) target: String,
    pub(crate) authorization_type: Option<String>,
    pub(crate) authorizer_id: Option<String>,
    #[serde(default)]
    pub(crate) authorization_scopes: Vec<String>,
}

/// `AWS::ApiGatewayV2::Authorizer`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Authorizer {
    pub(crate) authorizer_type: String,
    pub(crate) authorizer_uri: Option<String>,
    pub(crate) authorizer_payload_format_version: Option<String>,
    #[serde(default, deserialize_with = "lenient_flag")]
    pub(crate) enable_simple_responses: bool,
    #[serde(default)]
    pub(crate) identity_source: Vec<String>,
    #[serde(default, deserialize_with = "lenient_number")]
    pub(crate) authorizer_result_ttl_in_seconds: Option<u64>,
    pub(crate) jwt_configuration: Option<JwtConfiguration>,
}

/// What a native JWT authorizer asks of a token.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct JwtConfiguration {
    pub(crate) issuer: String,
    pub(crate) audience: Vec<String>,
}

/// A number, or a parameter's value, which is a string.
fn lenient_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Lenient::deserialize(deserializer)? {
        Lenient::Number(number) => Ok(Some(number)),
        Lenient::Text(text) => {
            text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("`{text}` is no number")))
        }
        Lenient::Flag(flag) => Err(serde::de::Error::custom(format!("`{flag}` is no number"))),
    }
}

/// A boolean, or a parameter's value, which is a string.
fn lenient_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Lenient::deserialize(deserializer)? {
        Lenient::Flag(flag) => Ok(flag),
        Lenient::Text(text) => text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is no boolean"))),
        Lenient::Number(number) => Err(serde::de::Error::custom(format!("`{number}` is no boolean"))),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Lenient {
    Flag(bool),
    Number(u64),
    Text(String),
}
