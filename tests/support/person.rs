//! Somebody who uses an application with tokens in the body.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Answer, App, Known, PASSWORD};

/// A person and the newest tokens that their client has. A clone is a thief, or a second tab: it holds the same tokens and
/// learns nothing of what the other does.
#[derive(Clone)]
pub struct Person {
    pub app: App,
    pub application: Known,
    pub user_id: String,
    pub user_key: String,
    pub access_token: String,
    pub refresh_token: String,
}

impl Person {
    pub const fn new(app: App, application: Known, user_id: String, user_key: String) -> Self {
        Self { app, application, user_id, user_key, access_token: String::new(), refresh_token: String::new() }
    }

    pub async fn sign_in(&mut self) -> Answer {
        let body = json!({"user_id": self.user_id, "user_secret": PASSWORD});
        let answer = self.app.post(&self.application, "/authenticate", &body).await;
        self.keep(answer)
    }

    /// Presents the newest refresh token, and keeps what comes back.
    pub async fn refresh(&mut self) -> Answer {
        let answer = self.refresh_with(&self.refresh_token).await;
        self.keep(answer)
    }

    /// Presents the newest refresh token, and loses the answer.
    pub async fn refresh_and_lose_the_answer(&self) -> Answer {
        self.refresh_with(&self.refresh_token).await
    }

    /// Presents `token`, and keeps nothing.
    pub async fn refresh_with(&self, token: &str) -> Answer {
        self.app.post(&self.application, "/refresh", &json!({"refresh_token": token})).await
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        let body = answer.body();
        for (member, kept) in [("access_token", &mut self.access_token), ("refresh_token", &mut self.refresh_token)] {
            if let Some(token) = body[member].as_str() {
                token.clone_into(kept);
            }
        }
        answer
    }

    pub async fn token_info(&self) -> Answer {
        self.ask("GET", "/token-info").await
    }

    pub async fn whoami(&self) -> Answer {
        self.ask("GET", "/whoami").await
    }

    pub async fn log_out(&self) -> Answer {
        self.ask("DELETE", "/logout").await
    }

    /// A request with the access token.
    pub async fn ask(&self, method: &str, path: &str) -> Answer {
        let request = self.app.request(method, path).header("api-key", &self.application.publishable_key);
        self.app.send(request.bearer_auth(&self.access_token)).await
    }

    /// What the access token says.
    pub fn claims(&self) -> Value {
        claims(&self.access_token)
    }

    pub fn session_id(&self) -> String {
        self.claims()["sid"].as_str().expect("a session id").to_owned()
    }

    /// Lets the session's last rotation lie `seconds` further back, as if that much time had passed.
    pub async fn waits(&self, seconds: u64) {
        self.app.database.age_rotation(&self.user_key, &self.session_id(), seconds).await;
    }

    /// The session's item.
    pub async fn session(&self) -> super::database::SessionItem {
        self.app.database.session(&self.user_key, &self.session_id()).await
    }
}

/// The claims of a JWT, unverified.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}
