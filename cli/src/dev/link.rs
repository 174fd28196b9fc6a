//! Puts a stack's API together: from routes over integrations and authorizers to the functions that answer.

use super::authorizer::{Authorizer, UnsupportedAuthorizer};
use super::cors::Cors;
use super::jwt::JwtAuthorizer;
use super::pool::Pool;
use super::resources;
use super::routes::{InvalidRouteKey, RouteKey, Routes};
use super::template::Stack;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What API Gateway gives an integration unless the template says less.
const MAX_INTEGRATION_MILLIS: u64 = 30_000;

/// Why an API doesn't hold together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error(transparent)]
    RouteKey(#[from] InvalidRouteKey),
    #[error("the route `{route}` belongs to `{api}`, which is no API of the template")]
    Api { route: String, api: String },
    #[error("the route `{route}` leads to `{target}`, which is no integration of the template")]
    Target { route: String, target: String },
    #[error("the integration `{0}` leads to no function of the template")]
    IntegrationFunction(String),
    #[error("the integration `{0}` needs PayloadFormatVersion 2.0")]
    PayloadFormat(String),
    #[error("the route `{route}` names no authorizer of its kind in the template: `{authorizer}`")]
    MissingAuthorizer { route: String, authorizer: String },
    #[error("the route `{route}` has AuthorizationType {kind}; only NONE, CUSTOM and JWT run locally")]
    AuthorizationType { route: String, kind: String },
    #[error("the authorizer `{0}` leads to no function of the template")]
    AuthorizerFunction(String),
    #[error("the authorizer `{id}`")]
    Authorizer { id: String, source: UnsupportedAuthorizer },
    #[error("the stage must be `$default`, not `{0}`: another name would appear in every path")]
    Stage(String),
}

/// One HTTP API. On AWS each has a host of its own; here their paths tell them apart.
pub(crate) struct Api {
    pub(crate) id: String,
    pub(crate) cors: Option<Cors>,
}

/// Where a route leads.
pub(crate) struct Target {
    pub(crate) api: Arc<Api>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) authorizer: Option<Admission>,
    pub(crate) timeout: Duration,
}

/// Who decides whether a request may pass.
#[derive(Clone)]
pub(crate) enum Admission {
    /// A function.
    Lambda(Arc<Authorizer>),
    /// API Gateway itself, for a token with one of these scopes.
    Jwt(Arc<JwtAuthorizer>, Vec<String>),
}

/// The APIs of `stack`, the main template's first.
pub(crate) fn apis(stack: &Stack) -> Vec<Arc<Api>> {
    let linked = stack.apis.iter().map(|api| {
        let cors = api.cors_configuration.clone().map(Cors::new);
        Arc::new(Api { id: api.id.clone(), cors })
    });
    linked.collect()
}

/// Links the routes of `stack` to their APIs and to the functions in `pools`.
pub(crate) fn routes(
    stack: &Stack,
    apis: &[Arc<Api>],
    pools: &[Arc<Pool>],
    region: &str,
) -> Result<Routes<Target>, LinkError> {
    if let Some(stage) = stack.stages.iter().find(|stage| stage.stage_name != "$default") {
        return Err(LinkError::Stage(stage.stage_name.clone()));
    }
    let authorizers = authorizers(stack, pools, region)?;
    stack
        .routes
        .iter()
        .map(|route| Ok((route.route_key.parse::<RouteKey>()?, target(route, stack, apis, pools, &authorizers)?)))
        .collect()
}

fn target(
    route: &resources::Route,
    stack: &Stack,
    apis: &[Arc<Api>],
    pools: &[Arc<Pool>],
    authorizers: &BTreeMap<String, Admission>,
) -> Result<Target, LinkError> {
    let api = apis
        .iter()
        .find(|api| api.id == route.api_id)
        .ok_or_else(|| LinkError::Api { route: route.route_key.clone(), api: route.api_id.clone() })?;
    let id = route.target.strip_prefix("integrations/").unwrap_or(&route.target);
    let integration = stack
        .integrations
        .get(id)
        .ok_or_else(|| LinkError::Target { route: route.route_key.clone(), target: route.target.clone() })?;
    if integration.payload_format_version.as_deref() != Some("2.0") {
        return Err(LinkError::PayloadFormat(id.to_owned()));
    }
    let pool =
        find(pools, &integration.integration_uri).ok_or_else(|| LinkError::IntegrationFunction(id.to_owned()))?;
    let millis = integration.timeout_in_millis.unwrap_or(MAX_INTEGRATION_MILLIS).min(MAX_INTEGRATION_MILLIS);
    Ok(Target {
        api: Arc::clone(api),
        pool,
        authorizer: authorizer(route, authorizers)?,
        timeout: Duration::from_millis(millis),
    })
}

fn authorizer(
    route: &resources::Route,
    authorizers: &BTreeMap<String, Admission>,
) -> Result<Option<Admission>, LinkError> {
    let kind = route.authorization_type.as_deref().unwrap_or("NONE");
    if kind == "NONE" {
        return Ok(None);
    }
    let id = route.authorizer_id.clone().unwrap_or_default();
    match (kind, authorizers.get(&id)) {
        ("CUSTOM", Some(lambda @ Admission::Lambda(_))) => Ok(Some(lambda.clone())),
        ("JWT", Some(Admission::Jwt(authorizer, _))) => {
            Ok(Some(Admission::Jwt(Arc::clone(authorizer), route.authorization_scopes.clone())))
        }
        ("CUSTOM" | "JWT", _) => Err(LinkError::MissingAuthorizer { route: route.route_key.clone(), authorizer: id }),
        _ => Err(LinkError::AuthorizationType { route: route.route_key.clone(), kind: kind.to_owned() }),
    }
}

fn authorizers(stack: &Stack, pools: &[Arc<Pool>], region: &str) -> Result<BTreeMap<String, Admission>, LinkError> {
    let linked = stack.authorizers.iter().map(|(id, declared)| {
        let unsupported = |source| LinkError::Authorizer { id: id.clone(), source };
        if declared.authorizer_type == "JWT" {
            let authorizer = JwtAuthorizer::new(declared).map_err(unsupported)?;
            return Ok((id.clone(), Admission::Jwt(Arc::new(authorizer), Vec::new())));
        }
        let pool = declared.authorizer_uri.as_deref().and_then(|uri| find(pools, uri));
        let pool = pool.ok_or_else(|| LinkError::AuthorizerFunction(id.clone()))?;
        let authorizer = Authorizer::new(declared, pool, region).map_err(unsupported)?;
        Ok((id.clone(), Admission::Lambda(Arc::new(authorizer))))
    });
    linked.collect()
}

/// The function that a URI names: its ARN, bare or inside `arn:aws:apigateway:…:lambda:path/2015-03-31/functions/ARN/invocations`.
fn find(pools: &[Arc<Pool>], uri: &str) -> Option<Arc<Pool>> {
    let uri = uri.strip_suffix("/invocations").unwrap_or(uri);
    let arn = &uri[uri.rfind("arn:")?..];
    // Behind an alias is the newest version here, as there is no other.
    let is_named =
        |function: &str| arn.strip_prefix(function).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    pools.iter().find(|pool| is_named(&pool.function().arn)).cloned()
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
