//! What resources and pseudo parameters are called in a local stack: made up, but the same at every start.

use serde_json::Value;

/// The account that owns everything local.
pub(crate) const ACCOUNT_ID: &str = "000000000000";

/// Where a stack lives.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) stack: &'a str,
    pub(crate) region: &'a str,
    /// The gateway's URL, which is what an API's endpoint is here.
    pub(crate) base_url: &'a str,
}

impl Names<'_> {
    /// The property by which a template can name a resource of this type itself.
    pub(crate) fn naming_property(resource: &Value) -> Option<&'static str> {
        match resource_type(resource) {
            "AWS::Serverless::Function" => Some("FunctionName"),
            "AWS::DynamoDB::Table" => Some("TableName"),
            "AWS::IAM::Role" => Some("RoleName"),
            _ => None,
        }
    }

    /// `AWS::StackName` and its relatives.
    pub(crate) fn pseudo_parameter(&self, name: &str) -> Option<Value> {
        let stack_id = || format!("arn:aws:cloudformation:{}:{ACCOUNT_ID}:stack/{}/local", self.region, self.stack);
        Some(match name {
            "AWS::StackName" => self.stack.into(),
            "AWS::StackId" => stack_id().into(),
            "AWS::Region" => self.region.into(),
            "AWS::AccountId" => ACCOUNT_ID.into(),
            "AWS::Partition" => "aws".into(),
            "AWS::URLSuffix" => "amazonaws.com".into(),
            "AWS::NotificationARNs" => Value::Array(Vec::new()),
            _ => return None,
        })
    }

    /// What `Ref` of a resource gives.
    pub(crate) fn reference(&self, logical_id: &str, resource: &Value, physical: Option<&str>) -> String {
        match physical {
            Some(name) => name.to_owned(),
            None if resource_type(resource) == "AWS::ApiGatewayV2::Stage" => "$default".to_owned(),
            None => self.local_name(logical_id),
        }
    }

    /// What `Fn::GetAtt` of a resource gives.
    pub(crate) fn attribute(
        &self,
        logical_id: &str,
        resource: &Value,
        physical: Option<&str>,
        attribute: &str,
    ) -> String {
        let name = self.reference(logical_id, resource, physical);
        match (resource_type(resource), attribute) {
            ("AWS::Serverless::Function", "Arn") => self.function_arn(&name),
            ("AWS::DynamoDB::Table", "Arn") => format!("arn:aws:dynamodb:{}:{ACCOUNT_ID}:table/{name}", self.region),
            ("AWS::ApiGatewayV2::Api", "ApiEndpoint") => self.base_url.to_owned(),
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT_ID}:role/{name}"),
            (_, "Arn") => format!("arn:aws:local:{}:{ACCOUNT_ID}:{name}", self.region),
            (_, other) => format!("{name}.{other}"),
        }
    }

    /// The name of a resource to which the template gives none.
    pub(crate) fn local_name(&self, logical_id: &str) -> String {
        format!("{}-{logical_id}", self.stack)
    }

    /// The ARN of a function.
    pub(crate) fn function_arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{}:{ACCOUNT_ID}:function:{name}", self.region)
    }
}

/// A resource's type; empty when it has none.
pub(crate) fn resource_type(resource: &Value) -> &str {
    resource.get("Type").and_then(Value::as_str).unwrap_or_default()
}
