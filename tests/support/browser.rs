//! Somebody who uses an application with tokens in cookies.

use reqwest::RequestBuilder;
use serde_json::json;

use super::{Answer, App, Known, PASSWORD, Person};

/// A page of an origin that the seeded `web` application allows.
pub const PAGE: &str = "http://localhost:5173";

/// A browser and the cookies that it has. Their names are those over plain HTTP.
pub struct Browser {
    pub app: App,
    pub application: Known,
    pub user_id: String,
    pub user_key: String,
    pub access_cookie: String,
    pub refresh_cookie: String,
}

impl Browser {
    /// Somebody who has just signed in.
    pub async fn signed_in(app: &App, application: &Known, like: &str) -> Self {
        let Person { user_id, user_key, .. } = app.registered(application, like).await;
        let (access_cookie, refresh_cookie) = Default::default();
        let application = application.clone();
        let mut browser = Self { app: app.clone(), application, user_id, user_key, access_cookie, refresh_cookie };
        browser.sign_in().await.ok();
        browser
    }

    /// Signs in from the allowed page, and keeps the cookies.
    pub async fn sign_in(&mut self) -> Answer {
        let body = json!({"user_id": self.user_id, "user_secret": PASSWORD}).to_string();
        let request = self.from(PAGE, "POST", "/authenticate").header("content-type", "application/json");
        let answer = self.app.send(request.body(body)).await;
        self.keep(answer)
    }

    /// Refreshes from the allowed page, and keeps the cookies.
    pub async fn refresh(&mut self) -> Answer {
        let answer = self.app.send(self.from(PAGE, "POST", "/refresh")).await;
        self.keep(answer)
    }

    pub async fn whoami(&self) -> Answer {
        self.app.send(self.request("GET", "/whoami")).await
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        if answer.status == 200 {
            self.access_cookie = answer.cookie_value("access_token");
            self.refresh_cookie = answer.cookie_value("refresh_token");
        }
        answer
    }

    /// A request with all cookies, from a page of `origin`.
    pub fn from(&self, origin: &str, method: &str, path: &str) -> RequestBuilder {
        self.request(method, path).header("origin", origin)
    }

    /// A request with all cookies and no `Origin`.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.app.request(method, path).header("api-key", &self.application.publishable_key);
        let cookies: Vec<_> = [("access_token", &self.access_cookie), ("refresh_token", &self.refresh_cookie)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    pub fn session_id(&self) -> String {
        super::claims(&self.access_cookie)["sid"].as_str().expect("a session id").to_owned()
    }
}
