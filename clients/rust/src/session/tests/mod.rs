mod refreshing;
mod requests;
mod storing;

use std::sync::Mutex as StdMutex;

use axum::response::Response;

use super::*;
use crate::testing::{Received, Server, Shared, Stopped, answer, answer_with, until};

/// What the server does when it is asked to refresh.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Grants,
    Ends,
    RefusesTheKey,
    IsAway,
    SaysLater,
    /// It grants for this refresh token alone.
    KnowsOnly(&'static str),
}

/// A server that accepts the access token it gave last, and whose refresh tokens count up.
struct Place {
    server: Server,
    mood: Shared<Mood>,
    clock: Stopped,
}

fn told(received: &Received, mood: Mood, newest: &StdMutex<u32>) -> Response {
    let mut newest = newest.lock().unwrap();
    if received.path == "/auth/resource" {
        let good =
            received.headers.get("authorization").is_some_and(|value| *value == format!("Bearer access-{newest}"));
        return answer(if good { 200 } else { 401 }, "{}");
    }
    match mood {
        Mood::KnowsOnly(token) if !received.body.contains(token) => answer(401, r#"{"code": "invalid_grant"}"#),
        Mood::Grants | Mood::KnowsOnly(_) => {
            *newest += 1;
            let body = json!({"access_token": format!("access-{newest}"), "expires_in": 1000, "refresh_token": format!("refresh-{newest}")});
            answer(200, body)
        }
        Mood::Ends => answer(401, r#"{"code": "invalid_grant"}"#),
        Mood::RefusesTheKey => answer(401, r#"{"code": "invalid_api_key"}"#),
        Mood::IsAway => answer_with(503, "{}", "retry-after", "0"),
        Mood::SaysLater => answer_with(429, "{}", "retry-after", "60"),
    }
}

impl Place {
    async fn new() -> Self {
        let mood = Shared::new(Mood::Grants);
        let (told_mood, newest) = (mood.clone(), Arc::new(StdMutex::new(0)));
        let server = Server::start(move |received| told(received, told_mood.get(), &newest)).await;
        Self { server, mood, clock: Stopped::new() }
    }

    fn settings(&self) -> SessionBuilder {
        let settings = Session::builder(format!("{}/auth", self.server.url), "pk_x").clock(self.clock.clone());
        settings.patience(3, Duration::from_millis(1))
    }

    async fn signed_in(&self) -> Session {
        let session = self.settings().build().unwrap();
        session.sign_in("ada", &"secret".into()).await.unwrap();
        session
    }

    fn refreshes(&self) -> usize {
        self.server.received().iter().filter(|received| received.path == "/auth/refresh").count()
    }

    async fn until_refreshed(&self, times: usize) {
        until(|| self.refreshes() >= times).await;
    }

    /// The status that a request to `/auth/resource` is answered with.
    async fn asks(&self, session: &Session) -> u16 {
        let client = RefreshMiddleware::new(session.clone()).client();
        client.get(format!("{}/auth/resource", self.server.url)).send().await.unwrap().status().as_u16()
    }
}

async fn token(session: &Session) -> String {
    session.access_token().await.unwrap().expose().to_owned()
}
