//! The edge: the only module that knows Lambda and HTTP.
//!
//! [`serve`] takes events in and puts answers out: problems become `application/problem+json` (RFC 9457), a panic becomes
//! a 500 of the same form, every answer carries the security headers, and every request leaves one line in the log.

mod always;
mod authorizer;
mod cookies;
mod credentials;
#[cfg(test)]
mod fuzz;
mod json;
mod request;
mod response;
mod schedule;
mod tokens;

pub use always::Always;
pub use authorizer::{AuthorizerRequest, Decision, serve_authorizer};
pub use cookies::Cookies;
pub use credentials::{AccessToken, RefreshRequest, basic_credentials, check_cross_site, presented_refresh_token};
pub use json::Members;
pub use request::{Headers, Request, TokenParameter};
pub use response::{ErrorFormat, OAuthError, ProblemBody, Response};
pub use schedule::serve_schedule;
pub use tokens::{TokenResponse, TokenType, token_response};

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use lambda_http::{Adapter, LambdaEvent, Service, request::LambdaRequest, service_fn};

use crate::{config, log, metrics, problem::Problem, store::StoreError};

/// How long a handler may take, whatever number of calls it makes: less than the function's timeout of 10 s, after which
/// Lambda would end the process and API Gateway answer with a bare 500.
pub const REQUEST_BUDGET: Duration = Duration::from_secs(8);

/// What a function's init or its runtime can fail with; Lambda reports it.
pub type Error = lambda_http::Error;

/// Serves HTTP API events with `handler` until Lambda ends the process. Errors are problems (RFC 9457).
///
/// # Errors
///
/// If the Lambda runtime interface fails.
pub async fn serve<Handler, Answer>(handler: Handler) -> Result<(), Error>
where
    Handler: Fn(Request) -> Answer,
    Answer: Future<Output = Result<Response, Problem>> + Send,
{
    serve_as(ErrorFormat::Problem, handler).await
}

/// As [`serve`], for the endpoints that an OAuth RFC defines: errors have its form (RFC 6749 §5.2).
///
/// # Errors
///
/// If the Lambda runtime interface fails.
pub async fn serve_oauth<Handler, Answer>(handler: Handler) -> Result<(), Error>
where
    Handler: Fn(Request) -> Answer,
    Answer: Future<Output = Result<Response, Problem>> + Send,
{
    serve_as(ErrorFormat::OAuth, handler).await
}

async fn serve_as<Handler, Answer>(format: ErrorFormat, handler: Handler) -> Result<(), Error>
where
    Handler: Fn(Request) -> Answer,
    Answer: Future<Output = Result<Response, Problem>> + Send,
{
    begin()?;
    let handler = &handler;
    let mut adapter = Adapter::from(service_fn(|event: lambda_http::Request| {
        let request = Request::from(event);
        let note = request.note();
        // Handlers are `async fn`s: nothing of them runs before the future is polled, under guard and beside its note.
        let answer = guarded(handler(request));
        async move {
            let response = log::observe(note, async {
                let response = answer.await.unwrap_or_else(|problem| {
                    log::problem(&problem);
                    Response::from_problem(&problem, format)
                });
                let outcome = log::Outcome { status: Some(response.status()), code: response.code() };
                (response, outcome)
            });
            Ok::<_, Infallible>(response.await.into_lambda())
        }
    }));
    let serve = move |LambdaEvent { payload, context }: LambdaEvent<LambdaRequest>| {
        adapter.call(LambdaEvent::new(request::without_address(payload), context))
    };
    lambda_http::lambda_runtime::run(service_fn(serve)).await
}

/// What every function does before it serves.
fn begin() -> Result<(), Error> {
    log::panics();
    metrics::set_service(config::service_from_env()?);
    Ok(())
}

/// Whatever a handler does, there is an answer: a panic is our fault and no more than that, and one that takes too long has
/// been waiting for the store.
async fn guarded<T>(answer: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    match tokio::time::timeout(REQUEST_BUDGET, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Problem::internal("the handler panicked")),
        Err(elapsed) => Err(StoreError::Unavailable(elapsed.into()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let handler = async { panic!("a bug") };
        assert!(matches!(guarded::<Response>(handler).await, Err(Problem::Internal(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_waits_too_long_is_unavailable() {
        assert!(matches!(guarded::<Response>(std::future::pending()).await, Err(Problem::Unavailable(_))));
    }
}
