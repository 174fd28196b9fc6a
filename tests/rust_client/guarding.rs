//! The `tower` layer, on a real service.

use axum::{Extension, Router, routing::any};
use gatelet_client::{AuthLayer, Claims, Introspector, Verifier};
use reqwest::RequestBuilder;

use super::{grant, issuer, serve, verifier};
use crate::support::{Answer, App, Browser, PAGE, Person};

/// What a handler knows of its caller.
async fn greet(claims: Option<Extension<Claims>>) -> String {
    claims.map_or("stranger".to_owned(), |Extension(claims)| claims.user_key)
}

/// A service with a route for each way of guarding it.
struct Service {
    app: App,
    url: String,
}

impl Service {
    async fn start() -> Self {
        let app = App::start();
        let verifier = verifier(&app);
        let lost = Verifier::builder(issuer(&app)).keys_url("http://127.0.0.1:1").build().expect("a verifier");
        let introspector = |key: String| Introspector::new(issuer(&app), key).expect("an introspector");
        let required = || AuthLayer::required(verifier.clone());
        let optional = || AuthLayer::optional(verifier.clone());
        let routes = [
            ("/required", required()),
            ("/optional", optional()),
            ("/orders", required().with_scope("orders:read")),
            ("/both", optional().with_scope("orders:read").with_scope("orders:write").realm("shop")),
            ("/page", required().accept_cookie([PAGE])),
            ("/lost", AuthLayer::optional(lost)),
            ("/live", required().live(introspector(app.service().secret_key))),
            ("/locked-out", required().live(introspector("sk_wrong".into()))),
        ];
        let guarded =
            routes.into_iter().fold(Router::new(), |all, (path, layer)| all.route(path, any(greet).layer(layer)));
        Self { url: serve(guarded).await, app }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.app.client.request(method, format!("{}{path}", self.url))
    }

    async fn get(&self, path: &str) -> Answer {
        self.app.send(self.request("GET", path)).await
    }

    async fn get_with(&self, path: &str, authorization: &str) -> Answer {
        self.app.send(self.request("GET", path).header("authorization", authorization)).await
    }

    async fn get_as(&self, person: &Person, path: &str) -> Answer {
        self.get_with(path, &format!("Bearer {}", person.access_token)).await
    }
}

/// It is refused, and nobody keeps the answer.
#[track_caller]
fn assert_refused(answer: Answer, status: u16, code: &str, challenge: &str) {
    let answer = answer.problem(status, code);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("www-authenticate"), challenge);
}

const INVALID: &str = r#"Bearer realm="gatelet", error="invalid_token""#;
const AMBIGUOUS: &str = r#"Bearer realm="gatelet", error="invalid_request""#;

#[tokio::test]
async fn only_who_presents_nothing_may_be_anonymous() {
    let service = Service::start().await;
    let alice = service.app.signed_in(&service.app.service(), "alice").await;
    assert_eq!(service.get("/optional").await.ok().text, "stranger");
    assert_refused(service.get("/required").await, 401, "token_required", r#"Bearer realm="gatelet""#);

    let (good, refresh) = (&alice.access_token, &alice.refresh_token);
    for path in ["/required", "/optional"] {
        assert_eq!(service.get_as(&alice, path).await.ok().text, alice.user_key);
        assert_eq!(service.get_with(path, &format!("bearer {good}")).await.ok().text, alice.user_key);
        for header in ["Bearer junk", "Bearer", "Basic YTpi", &format!("Bearer {good}x"), &format!("Bearer {refresh}")]
        {
            assert_refused(service.get_with(path, header).await, 401, "invalid_token", INVALID);
        }
        for header in
            [&format!("Bearer {good}, Bearer {good}"), &format!("Bearer {good} {good}"), &format!("Bearer\t{good}")]
        {
            assert_refused(service.get_with(path, header).await, 400, "invalid_request", AMBIGUOUS);
        }
        let twice = service.request("GET", path).bearer_auth(good).header("authorization", "Bearer x");
        assert_refused(service.app.send(twice).await, 400, "invalid_request", AMBIGUOUS);
        let in_query = service.get(&format!("{path}?access_token={good}")).await;
        assert_refused(in_query, 400, "invalid_request", AMBIGUOUS);
    }
}

#[tokio::test]
async fn whoever_lacks_a_scope_is_told_which() {
    let service = Service::start().await;
    let mut alice = service.app.signed_in(&service.app.service(), "alice").await;
    let challenge = r#"Bearer realm="gatelet", error="insufficient_scope", scope="orders:read""#;
    assert_refused(service.get_as(&alice, "/orders").await, 403, "insufficient_scope", challenge);
    grant(&alice, "orders:read").await;
    alice.refresh().await.ok();
    service.get_as(&alice, "/orders").await.ok();

    let challenge = r#"Bearer realm="shop", error="insufficient_scope", scope="orders:read orders:write""#;
    assert_refused(service.get_as(&alice, "/both").await, 403, "insufficient_scope", challenge);
    assert_eq!(service.get("/both").await.ok().text, "stranger");
}

#[tokio::test]
async fn a_cookie_is_taken_where_it_is_accepted_and_from_pages_that_may() {
    let service = Service::start().await;
    let app = &service.app;
    let browser = Browser::signed_in(app, &app.web(), "alice").await;
    let mallory = app.signed_in(&app.service(), "mallory").await;
    let cookie = format!("access_token={}", browser.access_cookie);
    let with_cookie = |method: &str, path: &str| service.request(method, path).header("cookie", &cookie);

    assert_eq!(app.send(with_cookie("GET", "/page")).await.ok().text, browser.user_key);
    assert_refused(app.send(with_cookie("GET", "/required")).await, 401, "token_required", r#"Bearer realm="gatelet""#);
    assert_eq!(app.send(with_cookie("POST", "/page").header("origin", PAGE)).await.ok().text, browser.user_key);
    assert_refused(app.send(with_cookie("POST", "/page")).await, 403, "origin_not_allowed", "");
    let foreign = with_cookie("DELETE", "/page").header("origin", "https://evil.example");
    assert_refused(app.send(foreign).await, 403, "origin_not_allowed", "");

    let both = |token: &str| with_cookie("POST", "/page").bearer_auth(token);
    assert_refused(app.send(both(&mallory.access_token)).await, 400, "invalid_request", AMBIGUOUS);
    assert_eq!(app.send(both(&browser.access_cookie)).await.ok().text, browser.user_key);
    let spoiled = service.request("GET", "/page").header("cookie", "access_token=spoiled");
    assert_refused(app.send(spoiled).await, 401, "invalid_token", INVALID);
}

#[tokio::test]
async fn who_can_not_be_told_from_a_stranger_is_not_called_one() {
    let service = Service::start().await;
    let alice = service.app.signed_in(&service.app.service(), "alice").await;
    assert_eq!(service.get("/lost").await.ok().text, "stranger");
    for path in ["/lost", "/locked-out"] {
        let answer = service.get_as(&alice, path).await.problem(503, "temporarily_unavailable");
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{path}");
    }
}

#[tokio::test]
async fn a_live_route_asks_whether_the_session_is_over() {
    let service = Service::start().await;
    let [alice, bob] = [
        service.app.signed_in(&service.app.service(), "alice").await,
        service.app.signed_in(&service.app.service(), "bob").await,
    ];
    assert_eq!(service.get_as(&alice, "/live").await.ok().text, alice.user_key);
    bob.log_out().await.ok();
    service.get_as(&bob, "/required").await.ok();
    assert_refused(service.get_as(&bob, "/live").await, 401, "invalid_token", INVALID);
}
