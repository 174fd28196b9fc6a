//! Events that are nobody's request: a schedule's.

use std::{future::Future, time::Instant};

use lambda_http::{
    Error,
    lambda_runtime::{LambdaEvent, service_fn},
};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::guarded;
use crate::{log, problem::Problem};

/// Serves a schedule's events until Lambda ends the process; what they say does not matter. A failure is an error, so that
/// Lambda counts it and calls again.
///
/// # Errors
///
/// If the Lambda runtime interface fails.
pub async fn serve_schedule<Handler, Answer>(handler: Handler) -> Result<(), Error>
where
    Handler: Fn() -> Answer,
    Answer: Future<Output = Result<Value, Problem>> + Send,
{
    let handler = &handler;
    Box::pin(lambda_http::lambda_runtime::run(service_fn(|event: LambdaEvent<IgnoredAny>| {
        let line = log::Access::of_schedule(&event.context.request_id);
        let answer = guarded(handler());
        async move {
            let started = Instant::now();
            let answer = answer.await;
            let outcome = match &answer {
                Ok(_) => (200, "ok"),
                Err(problem) => {
                    log::problem(&line, problem);
                    (500, problem.entry().code)
                }
            };
            log::access(&line, outcome.0, outcome.1, started.elapsed());
            answer.map_err(Error::from)
        }
    })))
    .await
}
