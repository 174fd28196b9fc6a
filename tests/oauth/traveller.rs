//! Somebody with a browser that goes to providers and back: a cookie jar, and redirects followed one by one.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Client, RequestBuilder, Url, redirect::Policy};
use serde_json::json;
use shared::flow::CodeChallenge;

use super::place;
use crate::support::{Answer, App, Known, PAGE, VERIFIER};

/// Where sign-ins end that come back to a page.
pub const RETURN_TO: &str = "http://localhost:5173/";

/// A browser, and what it keeps. A clone is the same browser with what it had then.
#[derive(Clone)]
pub struct Traveller {
    pub app: App,
    client: Client,
    /// Cookies by name: all hosts are 127.0.0.1, and every provider's cookies bear its port.
    pub cookies: BTreeMap<String, String>,
}

impl Traveller {
    pub fn new() -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client");
        Self { app: place(), client, cookies: BTreeMap::new() }
    }

    /// Begins a sign-in at `provider` for `application`.
    pub async fn start(&mut self, provider: &str, application: &Known, more: &[(&str, &str)]) -> Answer {
        let mut url = Url::parse(&self.app.url(&format!("/api/v1/auth/oauth/{provider}"))).expect("a URL");
        url.query_pairs_mut().append_pair("client_id", &application.id).extend_pairs(more);
        self.go(url.as_str()).await
    }

    /// Begins one that ends at the usual place, and gives the provider's page.
    pub async fn leave(&mut self, provider: &str, application: &Known, more: &[(&str, &str)]) -> String {
        let more = [&[("return_to", RETURN_TO)], more].concat();
        self.start(provider, application, &more).await.status(303).header("location").to_owned()
    }

    /// Goes from there through the provider's pages, as `login`, and gives the address that the provider sends the browser back to.
    pub async fn sign_in_at(&mut self, page: &str, login: &str) -> String {
        self.visit(page, &format!("login={login}&action=continue")).await
    }

    /// The same, with `form` handed in at the provider.
    pub async fn visit(&mut self, page: &str, form: &str) -> String {
        let mut url = page.to_owned();
        let mut forms = 0;
        loop {
            let at = Url::parse(&url).expect("a URL");
            if at.path().ends_with("/callback") {
                return url;
            }
            let answer = if at.path().starts_with("/interaction/") {
                forms += 1;
                assert_eq!(forms, 1, "one form is enough at {page}");
                let request = self.client.post(&url).body(form.to_owned());
                self.send(request.header("content-type", "application/x-www-form-urlencoded")).await
            } else {
                self.go(&url).await
            };
            let location = answer.status(303).header("location").to_owned();
            url = at.join(&location).expect("a location").into();
        }
    }

    /// All the way: out, through the provider's pages as `login`, and back.
    pub async fn travel(&mut self, provider: &str, application: &Known, login: &str) -> Answer {
        let page = self.leave(provider, application, &[]).await;
        let back = self.sign_in_at(&page, login).await;
        self.go(&back).await
    }

    /// The same for an application that gets a code: the code.
    pub async fn fetch_code(&mut self, provider: &str, application: &Known, form: &str, link: bool) -> String {
        let link = if link { "true" } else { "false" };
        let (verifier, method) = (challenge(VERIFIER), "S256");
        let more = [("code_challenge", verifier.as_str()), ("code_challenge_method", method), ("link", link)];
        let page = self.leave(provider, application, &more).await;
        let back = self.visit(&page, form).await;
        let location = self.go(&back).await.status(303).header("location").to_owned();
        query_of(&location).remove("code").unwrap_or_else(|| panic!("a code in {location}"))
    }

    /// Exchanges a code as `application`.
    pub async fn exchange(&self, application: &Known, code: &str) -> Answer {
        let body = json!({"code": code, "code_verifier": VERIFIER});
        self.app.post(application, "/oauth/exchange", &body).await
    }

    /// Loads a page, as a browser does that was sent there.
    pub async fn go(&mut self, url: &str) -> Answer {
        let request = self.client.get(url);
        self.send(request).await
    }

    /// The cookie of the only flow that is under way: name and value.
    pub fn flow_cookie(&self) -> (&str, &str) {
        let mut flows = self.cookies.iter().filter(|(name, _)| name.starts_with("oauth_"));
        let (name, value) = flows.next().expect("a flow is under way");
        assert_eq!(flows.next(), None, "one only");
        (name, value)
    }

    /// Loads it as a part of a page that is of this kind.
    pub async fn go_as(&mut self, url: &str, destination: &str) -> Answer {
        let request = self.client.get(url).header("sec-fetch-dest", destination);
        self.send(request).await
    }

    /// A call of the API by a page of the application.
    pub async fn call(&mut self, application: &Known, method: &str, path: &str) -> Answer {
        let request = self.app.request(method, path).header("api-key", &application.publishable_key);
        self.send(request.header("origin", PAGE)).await
    }

    async fn send(&mut self, request: RequestBuilder) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let answer = Answer::of(request.send().await.expect("an answer")).await;
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().expect("text");
            let (name, rest) = line.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            let gone = value.is_empty() || line.contains("Max-Age=0") || line.contains("expires=Thu, 01 Jan 1970");
            if gone {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// The challenge of a verifier.
pub fn challenge(verifier: &str) -> String {
    CodeChallenge::of(verifier).expect("a verifier").as_str().to_owned()
}

/// The parameters of an address.
pub fn query_of(url: &str) -> BTreeMap<String, String> {
    Url::parse(url).expect("a URL").query_pairs().into_owned().collect()
}

/// A text of the form of a `state`, a browser's secret or a code, that nobody has made.
pub fn invented() -> String {
    URL_SAFE_NO_PAD.encode([7; 32])
}
