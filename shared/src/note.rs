//! What becomes known of an invocation while it is served: for its line in the log and its metrics, and for nothing else.
//!
//! It lies beside the handler, in a task-local, and not in its hands: it must be there whatever becomes of the handler (an
//! error, a panic, a time-out), and a handler that decides nothing by it should not have to carry it. Outside an invocation
//! whatever is noted is lost (`docs/decisions/0025-log-context-beside-the-handler.md`).

use std::{cell::RefCell, time::Duration};

use serde::Serialize;

use crate::{
    ids::{ApplicationId, SessionId, UserKey},
    log::{Outcome, milliseconds},
    metrics::{Case, Metric, Samples},
};

tokio::task_local! {
    static NOTE: RefCell<Note>;
}

/// Which invocation it is, and what is known of it.
#[derive(Debug, Default, Serialize)]
pub struct Note {
    /// The gateway's id of the request; of a scheduled run, Lambda's.
    pub request_id: String,
    /// X-Ray's id of the trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The route that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_id: Option<ApplicationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_key: Option<UserKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
    #[serde(skip)]
    is_refresh: bool,
    #[serde(skip)]
    pub(crate) case: Option<Case>,
    #[serde(skip)]
    pub(crate) samples: Samples,
}

impl Note {
    /// An invocation, about which nothing is known yet. `trace` is what Lambda says in `Lambda-Runtime-Trace-Id`.
    #[must_use]
    pub fn new(request_id: String, trace: Option<&str>) -> Self {
        Self { request_id, trace_id: trace.and_then(trace_id).map(str::to_owned), ..Self::default() }
    }

    /// A request to `route`.
    #[must_use]
    pub fn on_route(self, route: String) -> Self {
        Self { route: Some(route).filter(|route| !route.is_empty()), ..self }
    }

    /// Adds what only the end tells.
    pub(crate) fn conclude(&mut self, outcome: Outcome) {
        if self.is_refresh && self.case.is_none() && outcome.status == Some(503) {
            self.count_refresh(Case::J);
        }
        if crate::metrics::is_first_of_instance() {
            self.samples.add(Metric::ColdStarts, 1.0);
        }
    }

    fn count_refresh(&mut self, case: Case) {
        self.case = Some(case);
        self.samples.add(Metric::Refreshes, 1.0);
    }
}

/// The id in `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…;Sampled=1`. Anything else in its place is not repeated.
fn trace_id(header: &str) -> Option<&str> {
    let root = header.split(';').find_map(|field| field.trim().strip_prefix("Root="))?;
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (time, random) = root.strip_prefix("1-")?.split_once('-')?;
    (is_hex(time, 8) && is_hex(random, 24)).then_some(root)
}

/// Runs `work` with `note` beside it.
pub(crate) async fn beside<T>(note: Note, work: impl Future<Output = T>) -> T {
    NOTE.scope(RefCell::new(note), work).await
}

/// Does something with the note of the invocation that is being served, if one is.
pub(crate) fn with(act: impl FnOnce(&mut Note)) {
    let _ = NOTE.try_with(|note| {
        if let Ok(mut note) = note.try_borrow_mut() {
            act(&mut note);
        }
    });
}

/// Who calls.
pub(crate) fn application(id: ApplicationId) {
    with(|note| note.application_id = Some(id));
}

/// Whom and which session the request concerns, as proved by a token.
pub fn session(user_key: UserKey, session_id: SessionId) {
    with(|note| (note.user_key, note.session_id) = (Some(user_key), Some(session_id)));
}

/// As [`session`], as far as it is known; what an earlier word said stays.
pub(crate) fn concerns(user_key: Option<UserKey>, session_id: Option<SessionId>) {
    with(|note| {
        note.user_key = user_key.or(note.user_key);
        note.session_id = session_id.or(note.session_id);
    });
}

/// The request is to refresh: if the store gives no answer from here on, that is case J.
pub fn refresh_begins() {
    with(|note| note.is_refresh = true);
}

/// What became of a refresh token.
pub(crate) fn refresh(case: Case) {
    with(|note| note.count_refresh(case));
}

/// A password was put through argon2.
pub(crate) fn hashed(duration: Duration) {
    sample(Metric::HashTime, milliseconds(duration));
}

/// A value of a metric.
pub fn sample(metric: Metric, value: f64) {
    with(|note| note.samples.add(metric, value));
}

/// The id of the invocation that is being served.
pub(crate) fn request_id() -> String {
    let mut id = String::new();
    with(|note| id.clone_from(&note.request_id));
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_taken_from_its_header_and_nothing_else_is() {
        let id = "1-5759e988-bd862e3fe1be46a994272793";
        for header in
            [format!("Root={id}"), format!("Root={id};Parent=53995c3f42cd8ad8;Sampled=1"), format!("Self=x; Root={id}")]
        {
            assert_eq!(trace_id(&header), Some(id), "{header}");
        }
        for header in ["", id, "Root=", "Root=1-5759e988", "Root=1-5759e988-bd862e3fe1be46a99427279z", "Root=x\r\ny"] {
            assert_eq!(trace_id(header), None, "{header}");
        }
    }

    #[tokio::test]
    async fn a_note_is_of_one_invocation() {
        let id = ApplicationId::from_bytes([7; 16]);
        beside(Note::new("one".to_owned(), None), async {
            application(id);
            with(|note| assert_eq!((note.request_id.as_str(), note.application_id), ("one", Some(id))));
        })
        .await;
        beside(Note::default(), async { with(|note| assert_eq!(note.application_id, None)) }).await;
        application(id);
        assert_eq!(request_id(), "");
    }

    #[test]
    fn a_refresh_without_an_answer_of_the_store_is_case_j() {
        let cases = |is_refresh, status| {
            let mut note = Note { is_refresh, ..Note::default() };
            note.conclude(Outcome { status: Some(status), code: "" });
            note.case
        };
        assert_eq!(cases(true, 503), Some(Case::J));
        assert_eq!((cases(true, 500), cases(false, 503)), (None, None));
    }
}
