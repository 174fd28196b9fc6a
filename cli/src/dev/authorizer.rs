//! Lambda authorizers of an HTTP API: payload format 2.0 with simple responses.

use super::event::Call;
use super::pool::Pool;
use super::queue::Outcome;
use super::resources;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// API Gateway's limit, whatever the function's own.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What API Gateway takes when the template doesn't say.
const DEFAULT_TTL_SECONDS: u64 = 300;
/// When this many decisions are remembered, expired ones are swept.
const SWEEP_AT: usize = 1_000;

/// An authorizer that the local stack can't model.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum UnsupportedAuthorizer {
    #[error("the AuthorizerType is REQUEST or JWT, not `{0}`")]
    Type(String),
    #[error("a JWT authorizer needs an issuer, an audience and one identity source")]
    Jwt,
    #[error("only AuthorizerPayloadFormatVersion 2.0 with EnableSimpleResponses runs locally")]
    Format,
    #[error("the identity source `{0}` is not `$request.header.NAME` or `$request.querystring.NAME`")]
    IdentitySource(String),
}

/// What an authorizer says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Go on, with this context for the function.
    Allow(Map<String, Value>),
    /// 403.
    Deny,
    /// 401: an identity source is missing, so the function was not even asked.
    Unidentified,
    /// 401: the gateway itself has found the token bad.
    Invalid,
    /// 500: the authorizer failed, took too long, or answered something else.
    Broken,
}

/// Where an identity is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IdentitySource {
    Header(String),
    QueryParameter(String),
}

/// One authorizer of the API.
pub(crate) struct Authorizer {
    pool: Arc<Pool>,
    region: String,
    identity_sources: Vec<IdentitySource>,
    cache: Option<Cache>,
}

/// Decisions by identity, shared by all routes that the authorizer guards.
struct Cache {
    ttl: Duration,
    decisions: Mutex<HashMap<Vec<String>, (Instant, Decision)>>,
}

/// A simple response.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SimpleResponse {
    is_authorized: bool,
    context: Option<Map<String, Value>>,
}

impl Authorizer {
    /// An authorizer as declared, that asks `pool`.
    pub(crate) fn new(
        declared: &resources::Authorizer,
        pool: Arc<Pool>,
        region: &str,
    ) -> Result<Self, UnsupportedAuthorizer> {
        if declared.authorizer_type != "REQUEST" {
            return Err(UnsupportedAuthorizer::Type(declared.authorizer_type.clone()));
        }
        if declared.authorizer_payload_format_version.as_deref() != Some("2.0") || !declared.enable_simple_responses {
            return Err(UnsupportedAuthorizer::Format);
        }
        let identity_sources =
            declared.identity_source.iter().map(|source| source.parse()).collect::<Result<Vec<_>, _>>()?;
        let ttl = declared.authorizer_result_ttl_in_seconds.unwrap_or(DEFAULT_TTL_SECONDS);
        // Without an identity there is nothing to remember a decision by.
        let cache = (ttl > 0 && !identity_sources.is_empty())
            .then(|| Cache { ttl: Duration::from_secs(ttl), decisions: Mutex::default() });
        Ok(Self { pool, region: region.to_owned(), identity_sources, cache })
    }

    /// Decides about a request.
    pub(crate) async fn decide(&self, call: &Call<'_>) -> Decision {
        let Some(identity) = identity(&self.identity_sources, call) else {
            return Decision::Unidentified;
        };
        if let Some(decision) = self.cache.as_ref().and_then(|cache| cache.find(&identity)) {
            return decision;
        }
        let event = call.for_authorizer(&self.region, &identity).to_string();
        let outcome = timeout(TIMEOUT, self.pool.invoke(Bytes::from(event), &call.trace)).await;
        let decision = outcome.map_or(Decision::Broken, |outcome| decision(&outcome));
        if let Some(cache) = &self.cache {
            cache.remember(identity, &decision);
        }
        decision
    }
}

impl Cache {
    fn find(&self, identity: &[String]) -> Option<Decision> {
        let decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, decision) = decisions.get(identity)?;
        (*until > Instant::now()).then(|| decision.clone())
    }

    /// Remembers a yes or a no; a failure is nobody's decision.
    fn remember(&self, identity: Vec<String>, decision: &Decision) {
        if matches!(decision, Decision::Broken | Decision::Unidentified | Decision::Invalid) {
            return;
        }
        let now = Instant::now();
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        if decisions.len() >= SWEEP_AT {
            decisions.retain(|_, (until, _)| *until > now);
        }
        decisions.insert(identity, (now + self.ttl, decision.clone()));
    }
}

impl std::str::FromStr for IdentitySource {
    type Err = UnsupportedAuthorizer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsupported = || UnsupportedAuthorizer::IdentitySource(text.to_owned());
        let (place, name) =
            text.strip_prefix("$request.").and_then(|rest| rest.split_once('.')).ok_or_else(unsupported)?;
        match place {
            "header" => Ok(Self::Header(name.to_ascii_lowercase())),
            "querystring" => Ok(Self::QueryParameter(name.to_owned())),
            _ => Err(unsupported()),
        }
    }
}

/// The request's value for every identity source; `None` if one is missing or empty.
pub(super) fn identity(sources: &[IdentitySource], call: &Call) -> Option<Vec<String>> {
    let values = sources.iter().map(|source| match source {
        IdentitySource::Header(name) => call.header(name),
        IdentitySource::QueryParameter(name) => call.query_parameter(name),
    });
    values.map(|value| value.filter(|value| !value.is_empty())).collect()
}

fn decision(outcome: &Outcome) -> Decision {
    let Outcome::Answered(payload) = outcome else {
        return Decision::Broken;
    };
    match serde_json::from_slice(payload) {
        Ok(SimpleResponse { is_authorized: true, context }) => Decision::Allow(context.unwrap_or_default()),
        Ok(SimpleResponse { is_authorized: false, .. }) => Decision::Deny,
        Err(_) => Decision::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::super::trace::Trace;
    use super::*;
    use hyper::Request;
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::time::UNIX_EPOCH;

    fn answered(payload: &'static str) -> Decision {
        decision(&Outcome::Answered(Bytes::from_static(payload.as_bytes())))
    }

    fn context(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_simple_response_decides() {
        assert_eq!(answered(r#"{"isAuthorized":true}"#), Decision::Allow(Map::new()));
        assert_eq!(answered(r#"{"isAuthorized":true,"context":null}"#), Decision::Allow(Map::new()));
        let allowed = answered(r#"{"isAuthorized":true,"context":{"user_key":"u","scopes":["a"]}}"#);
        assert_eq!(allowed, Decision::Allow(context(&json!({"user_key": "u", "scopes": ["a"]}))));
        assert_eq!(answered(r#"{"isAuthorized":false,"context":{}}"#), Decision::Deny);
    }

    #[test]
    fn anything_else_is_broken() {
        for payload in ["", "null", "{}", r#"{"isAuthorized":"true"}"#, r#"{"isAuthorized":true,"context":"x"}"#] {
            assert_eq!(answered(payload), Decision::Broken, "{payload}");
        }
        for outcome in [Outcome::Died, Outcome::TimedOut, Outcome::Failed(Bytes::new())] {
            assert_eq!(decision(&outcome), Decision::Broken);
        }
    }

    fn identified(sources: &[&str], request: hyper::http::request::Builder) -> Option<Vec<String>> {
        let sources: Vec<IdentitySource> = sources.iter().map(|source| source.parse().unwrap()).collect();
        let (request, ()) = request.body(()).unwrap().into_parts();
        let call = Call {
            request: &request,
            body: Bytes::new(),
            peer: "127.0.0.1:1".parse().unwrap(),
            gateway_port: 1,
            api_id: "",
            route_key: "",
            path_parameters: BTreeMap::new(),
            request_id: String::new(),
            trace: Trace::of(&request.headers, UNIX_EPOCH),
            received: UNIX_EPOCH,
        };
        identity(&sources, &call)
    }

    #[test]
    fn every_identity_source_must_be_there() {
        let both = ["$request.header.Authorization", "$request.querystring.tenant"];
        let request = || Request::get("/x?tenant=t").header("authorization", "Bearer x");
        assert_eq!(identified(&both, request()), Some(vec!["Bearer x".to_owned(), "t".to_owned()]));
        assert_eq!(identified(&both, Request::get("/x?tenant=t")), None);
        assert_eq!(identified(&both[..1], Request::get("/").header("authorization", "")), None);
        assert_eq!(identified(&[], Request::get("/")), Some(vec![]));
    }

    #[test]
    fn other_identity_sources_are_refused() {
        for source in ["$context.httpMethod", "Authorization", "$request.body.x"] {
            assert_eq!(source.parse::<IdentitySource>(), Err(UnsupportedAuthorizer::IdentitySource(source.to_owned())));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn decisions_are_remembered_for_their_time_and_failures_never() {
        let cache = Cache { ttl: Duration::from_secs(5), decisions: Mutex::default() };
        let identity = vec!["Bearer x".to_owned()];
        cache.remember(identity.clone(), &Decision::Broken);
        assert_eq!(cache.find(&identity), None);
        cache.remember(identity.clone(), &Decision::Deny);
        assert_eq!(cache.find(&identity), Some(Decision::Deny));
        assert_eq!(cache.find(&["Bearer y".to_owned()]), None);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(cache.find(&identity), None);
    }
}
