//! The browser app: tokens in cookies and nowhere else.

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD};

const ORIGIN: &str = "http://localhost:5173";

/// A browser with a page of the application open: it keeps cookies, and says where the page is from.
struct Browser {
    app: App,
    access: Option<String>,
    refresh: Option<String>,
}

impl Browser {
    const fn new(app: App) -> Self {
        Self { app, access: None, refresh: None }
    }

    async fn fetch(&mut self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let cookies = [("access_token", &self.access), ("refresh_token", &self.refresh)];
        let pairs: Vec<_> =
            cookies.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value}"))).collect();
        let mut request = self.app.request(method, path).header("api-key", self.app.web().publishable_key);
        request = request.header("origin", ORIGIN).header("cookie", pairs.join("; "));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = self.app.send(request).await;
        for (name, kept) in [("access_token", &mut self.access), ("refresh_token", &mut self.refresh)] {
            if answer.cookies().iter().any(|line| line.starts_with(&format!("{name}="))) {
                *kept = Some(answer.cookie_value(name)).filter(|value| !value.is_empty());
            }
        }
        answer
    }

    async fn signed_in(app: App) -> Self {
        let user_id = app.fresh_name("eve");
        let mut browser = Self::new(app);
        let credentials = json!({"user_id": user_id, "user_secret": PASSWORD});
        browser.fetch("POST", "/register", Some(credentials.clone())).await.status(201);
        browser.fetch("POST", "/authenticate", Some(credentials)).await.ok();
        browser
    }
}

#[tokio::test]
async fn signing_in_sets_the_cookies_and_shows_no_token_to_scripts() {
    let app = App::start();
    let user_id = app.fresh_name("eve");
    let mut browser = Browser::new(app);
    let credentials = json!({"user_id": user_id, "user_secret": PASSWORD});
    browser.fetch("POST", "/register", Some(credentials.clone())).await.status(201);

    let answer = browser.fetch("POST", "/authenticate", Some(credentials)).await.ok();
    assert_eq!(answer.body(), json!({"token_type": "Bearer", "expires_in": 1200, "refresh_expires_in": 259_200}));
    assert_eq!(answer.cookies().len(), 3);
    for (name, rest) in [
        ("access_token", "; Path=/; Max-Age=1200; HttpOnly; SameSite=Lax"),
        ("refresh_token", "; Path=/api/v1/auth; Max-Age=259200; HttpOnly; SameSite=Strict"),
        ("device_token", "; Path=/api/v1/auth/authenticate; Max-Age=31536000; HttpOnly; SameSite=Strict"),
    ] {
        let line = answer.cookie(name);
        assert!(line.ends_with(rest), "{line}");
        assert!(line.len() < 4096);
    }
}

#[tokio::test]
async fn whoami_is_anonymous_without_personal_with_and_refuses_a_bad_token() {
    let app = App::start();
    assert_eq!(
        Browser::new(app.clone()).fetch("GET", "/whoami", None).await.ok().body(),
        json!({"authenticated": false})
    );

    let mut browser = Browser::signed_in(app).await;
    assert_eq!(browser.fetch("GET", "/whoami", None).await.ok().body()["authenticated"], true);

    browser.access.as_mut().expect("signed in").push('x');
    browser.fetch("GET", "/whoami", None).await.problem(401, "invalid_token");
}

#[tokio::test]
async fn refreshing_without_a_body_rotates_both_cookies() {
    let mut browser = Browser::signed_in(App::start()).await;
    let before = (browser.access.clone(), browser.refresh.clone());
    let answer = browser.fetch("POST", "/refresh", None).await.ok();
    assert_eq!(answer.body(), json!({"token_type": "Bearer", "expires_in": 1200, "refresh_expires_in": 259_200}));
    assert_ne!((&browser.access, &browser.refresh), (&before.0, &before.1));
    assert_ne!(browser.refresh, before.1);
    browser.fetch("GET", "/token-info", None).await.ok();
}

#[tokio::test]
async fn signing_out_clears_the_cookies_and_kills_both_tokens_on_the_server() {
    let mut browser = Browser::signed_in(App::start()).await;
    let before = (browser.access.clone(), browser.refresh.clone());

    let answer = browser.fetch("DELETE", "/logout", None).await.ok();
    assert_eq!(answer.body(), json!({"revoked": true}));
    assert_eq!((&browser.access, &browser.refresh), (&None, &None));
    for name in ["access_token", "refresh_token"] {
        assert!(answer.cookie(name).contains("; Max-Age=0;"));
    }
    assert_eq!(browser.fetch("GET", "/whoami", None).await.ok().body(), json!({"authenticated": false}));

    (browser.access, browser.refresh) = before;
    browser.fetch("GET", "/whoami", None).await.problem(401, "invalid_token");
    browser.fetch("POST", "/refresh", None).await.problem(401, "invalid_grant");
    assert_eq!(browser.refresh, None, "a session that is over takes its cookies along");
}

#[tokio::test]
async fn a_late_sign_out_with_an_expired_access_cookie_still_ends_the_session() {
    let mut browser = Browser::signed_in(App::start()).await;
    browser.access = None;
    let refresh = browser.refresh.clone();
    browser.fetch("DELETE", "/logout", None).await.ok();
    browser.refresh = refresh;
    browser.fetch("POST", "/refresh", None).await.problem(401, "invalid_grant");
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_both_stay_signed_in() {
    let mut browser = Browser::signed_in(App::start()).await;
    for _ in 0..5 {
        let mut tab =
            Browser { app: browser.app.clone(), access: browser.access.clone(), refresh: browser.refresh.clone() };
        let (one, other) = tokio::join!(browser.fetch("POST", "/refresh", None), tab.fetch("POST", "/refresh", None));
        one.ok();
        other.ok();
        assert_eq!(browser.refresh, tab.refresh);
    }
}
