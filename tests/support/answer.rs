//! A response, and what a test says of it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A response that has arrived whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.expect("the body arrives") }
    }

    /// The status is `status`.
    #[track_caller]
    pub fn status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// It is 200.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.status(200)
    }

    /// It is this problem, in the form of RFC 9457.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let body = self.body();
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(body["status"], status, "{}", self.text);
        for member in ["type", "title", "detail"] {
            assert!(body[member].is_string(), "{member} in {}", self.text);
        }
        self
    }

    /// The body as JSON; null if it is none.
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A string in the body.
    #[track_caller]
    pub fn text_of(&self, member: &str) -> String {
        self.body()[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.text)).to_owned()
    }

    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("the header is text"))
    }

    /// The `Set-Cookie` lines.
    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("the cookie is text")).collect()
    }

    /// The `Set-Cookie` line for `name`.
    #[track_caller]
    pub fn cookie(&self, name: &str) -> &str {
        let mut cookies = self.cookies().into_iter();
        let prefix = format!("{name}=");
        cookies
            .find(|line| line.starts_with(&prefix))
            .unwrap_or_else(|| panic!("no cookie {name}: {:?}", self.cookies()))
    }

    /// The value that the cookie `name` was set to.
    #[track_caller]
    pub fn cookie_value(&self, name: &str) -> String {
        let line = self.cookie(name);
        line[name.len() + 1..].split(';').next().unwrap_or_default().to_owned()
    }
}
