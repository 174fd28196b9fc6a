//! What a function writes to its log: one JSON object a line, on standard output, as Lambda collects it.
//!
//! JSON escapes control characters, so that no user name forges a line. Nothing here takes a token, a key, a password, a
//! header or a body, and the types of those have no `Display` or `Serialize` to slip through. `docs/observability.md`
//! lists every line.

use std::{
    io::Write,
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    metrics::Embedded,
    note::{self, Note},
    problem::Problem,
    store::{KeysError, StoreError},
    world::{System, World},
};

/// What an invocation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The HTTP status. A scheduled function has none.
    pub status: Option<u16>,
    /// In one word: `ok`, or the problem's code.
    pub code: &'static str,
}

/// Does the work of an invocation and writes its line, whatever the work came to. What becomes known meanwhile is noted
/// ([`crate::note`]) and written too.
pub async fn observe<T>(note: Note, work: impl Future<Output = (T, Outcome)>) -> T {
    let started = Instant::now();
    note::beside(note, async {
        let (answer, outcome) = work.await;
        note::with(|note| finish(note, outcome, started.elapsed()));
        answer
    })
    .await
}

/// The line of an invocation, with the metrics in it (CloudWatch embedded metric format).
#[derive(Serialize)]
struct InvocationLine<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    note: &'a Note,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    outcome: &'static str,
    duration_ms: f64,
    #[serde(flatten)]
    metrics: Option<Embedded>,
}

fn finish(note: &mut Note, outcome: Outcome, duration: Duration) {
    note.conclude(outcome);
    line(&InvocationLine {
        r#type: if outcome.status.is_some() { "request" } else { "run" },
        status: outcome.status,
        outcome: outcome.code,
        duration_ms: milliseconds(duration),
        metrics: Embedded::of(&note.samples, note.case, System.now()),
        note,
    });
}

/// With three decimals: a warm request is over in less than one.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// An invocation failed through our fault or the store's: the causes, which the caller is not told.
pub fn problem(problem: &Problem) {
    if matches!(problem, Problem::Internal(_) | Problem::Unavailable(_) | Problem::ProviderFailed(_)) {
        error(problem.entry().code, causes(problem));
    }
}

/// Keys could not be read, and the invocation goes on with those in memory.
pub fn old_copy_used(failure: &KeysError) {
    went_on_without("keys_not_read", failure);
}

/// A provider, or the keeper of its client secret, could not be asked, and the invocation goes on with what it remembers.
pub fn old_copy_of_others_used(failure: &dyn std::error::Error) {
    went_on_without("provider_not_read", failure);
}

/// A failure to sign in could not be taken back, and the invocation, which succeeded, goes on.
pub fn failure_still_counts(failure: &StoreError) {
    went_on_without("failure_not_forgiven", failure);
}

fn went_on_without(outcome: &'static str, failure: &dyn std::error::Error) {
    error(outcome, [failure.to_string()].into_iter().chain(causes(failure)).collect());
}

fn error(outcome: &'static str, causes: Vec<String>) {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        note: &'a Note,
        outcome: &'static str,
        causes: Vec<String>,
    }
    note::with(|note| line(&Line { r#type: "error", note, outcome, causes }));
}

/// From now on a panic is a line too, which says where it happened. Its message, which may hold anything, is not told.
pub(crate) fn panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let mut is_told = false;
        note::with(|note| {
            panicked(Some(note), &place);
            is_told = true;
        });
        if !is_told {
            panicked(None, &place);
        }
    }));
}

fn panicked(note: Option<&Note>, place: &str) {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        note: Option<&'a Note>,
        outcome: &'static str,
        causes: [String; 1],
    }
    let causes = [format!("panicked at {place}")];
    line(&Line { r#type: "error", note, outcome: "internal_error", causes });
}

/// The messages of an error and of what caused it, outermost first.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

static TAKEN: OnceLock<fn(&str)> = OnceLock::new();

/// Gives every line of this process to `taker` from now on, instead of standard output: for tests that call handlers.
pub fn take(taker: fn(&str)) {
    let _ = TAKEN.set(taker);
}

/// Writes one line. A log that can't be written must not fail the request, and there is nowhere to say so.
pub(crate) fn line(entry: &impl Serialize) {
    let Ok(mut text) = serde_json::to_string(entry) else { return };
    if let Some(taker) = TAKEN.get() {
        return taker(&text);
    }
    text.push('\n');
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::{panic::AssertUnwindSafe, sync::Mutex};

    use futures_util::FutureExt;
    use serde_json::Value;

    use super::*;

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    /// The lines that name this file's line `number`.
    fn lines_about(number: u32) -> Vec<Value> {
        let place = format!("panicked at {}:{number}:", file!());
        let lines = LINES.lock().unwrap();
        let lines = lines.iter().filter(|line| line.contains(&place));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_panic_is_a_line_that_says_where_and_not_what() {
        take(|line| LINES.lock().unwrap().push(line.to_owned()));
        let report = std::panic::take_hook();
        panics();
        let of_request = line!() + 2;
        note::beside(Note::new("request".to_owned(), None), async {
            let handler = AssertUnwindSafe(async { panic!("with a secret") }).catch_unwind();
            assert!(handler.await.is_err());
        })
        .await;
        let of_nobody = line!() + 1;
        assert!(std::panic::catch_unwind(|| panic!("with a secret")).is_err());
        let amid_a_note = line!() + 3;
        note::beside(Note::default(), async {
            let handler = AssertUnwindSafe(async {
                note::with(|_| panic!("with a secret"));
            });
            assert!(handler.catch_unwind().await.is_err());
        })
        .await;
        std::panic::set_hook(report);

        for (number, request) in [(of_request, Some("request")), (of_nobody, None), (amid_a_note, None)] {
            let lines = lines_about(number);
            assert_eq!(lines.len(), 1, "{number}");
            assert_eq!((&lines[0]["type"], &lines[0]["outcome"]), (&"error".into(), &"internal_error".into()));
            assert_eq!(lines[0]["request_id"].as_str(), request);
        }
        assert!(LINES.lock().unwrap().iter().all(|line| !line.contains("secret")));
    }
}
