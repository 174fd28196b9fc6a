//! Events that are nobody's request: a schedule's.

use std::future::Future;

use lambda_http::{
    Error,
    lambda_runtime::{LambdaEvent, service_fn},
};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{begin, guarded};
use crate::{log, note::Note, problem::Problem};

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
    begin()?;
    let handler = &handler;
    Box::pin(lambda_http::lambda_runtime::run(service_fn(|event: LambdaEvent<IgnoredAny>| {
        let note = Note::new(event.context.request_id, event.context.xray_trace_id.as_deref());
        let answer = guarded(handler());
        async move {
            let answer = log::observe(note, async {
                let answer = answer.await;
                let code = match &answer {
                    Ok(_) => "ok",
                    Err(problem) => {
                        log::problem(problem);
                        problem.entry().code
                    }
                };
                (answer, log::Outcome { status: None, code })
            });
            answer.await.map_err(Error::from)
        }
    })))
    .await
}
