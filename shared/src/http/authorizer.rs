//! The other kind of event: API Gateway asking whether a request may pass (Lambda authorizer, payload 2.0, simple
//! responses).

use std::future::Future;

use lambda_http::{
    Error,
    http::{HeaderMap, HeaderValue, header},
    lambda_runtime::{Context, LambdaEvent, service_fn},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AccessToken, Cookies, Headers, begin, guarded};
use crate::{log, note::Note, problem::Problem};

/// A request to one of the team's own routes, as far as an authorizer sees it.
#[derive(Debug, Deserialize)]
pub struct AuthorizerRequest {
    #[serde(default)]
    headers: std::collections::HashMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default, rename = "routeKey")]
    route_key: String,
    #[serde(default, rename = "requestContext")]
    request_context: RequestContext,
}

#[derive(Debug, Default, Deserialize)]
struct RequestContext {
    #[serde(default, rename = "requestId")]
    request_id: String,
}

impl AuthorizerRequest {
    /// The request's access token.
    ///
    /// # Errors
    ///
    /// As [`AccessToken::in_headers`].
    pub fn access_token(&self, cookies: Cookies) -> Result<Option<AccessToken>, Problem> {
        let mut headers = HeaderMap::new();
        let find = |name: &str| self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let cookie = if self.cookies.is_empty() {
            find("cookie").map(|(_, value)| value.clone())
        } else {
            Some(self.cookies.join("; "))
        };
        let authorization = find("authorization").map(|(_, value)| value.clone());
        for (name, value) in [(header::AUTHORIZATION, authorization), (header::COOKIE, cookie)] {
            if let Some(value) = value {
                let unreadable = |_| Problem::InvalidRequest("a header can't be read");
                headers.insert(name, HeaderValue::from_str(&value).map_err(unreadable)?);
            }
        }
        AccessToken::in_headers(Headers(&headers), cookies)
    }

    pub(super) fn note(&self, context: &Context) -> Note {
        let trace = context.xray_trace_id.as_deref();
        Note::new(self.request_context.request_id.clone(), trace).on_route(self.route_key.clone())
    }
}

/// What the authorizer decides.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request passes, and the route's function is told this.
    Allow(Value),
    /// It does not: API Gateway answers 403.
    Deny,
}

/// Serves authorizer events until Lambda ends the process. A decision that can't be made is an error, which API Gateway
/// answers with 500: nobody passes, and nobody is told that a token is bad.
///
/// # Errors
///
/// If the Lambda runtime interface fails.
pub async fn serve_authorizer<Handler, Answer>(handler: Handler) -> Result<(), Error>
where
    Handler: Fn(AuthorizerRequest) -> Answer,
    Answer: Future<Output = Result<Decision, Problem>> + Send,
{
    begin()?;
    let handler = &handler;
    Box::pin(lambda_http::lambda_runtime::run(service_fn(|event: LambdaEvent<AuthorizerRequest>| {
        let note = event.payload.note(&event.context);
        let decision = guarded(handler(event.payload));
        async move {
            let decision = log::observe(note, async {
                let decision = decision.await;
                let (status, code) = match &decision {
                    Ok(Decision::Allow(_)) => (200, "allowed"),
                    Ok(Decision::Deny) => (403, "denied"),
                    Err(problem) => {
                        log::problem(problem);
                        (500, problem.entry().code)
                    }
                };
                (decision, log::Outcome { status: Some(status), code })
            });
            Ok::<_, Error>(match decision.await? {
                Decision::Allow(context) => json!({"isAuthorized": true, "context": context}),
                Decision::Deny => json!({"isAuthorized": false}),
            })
        }
    })))
    .await
}
