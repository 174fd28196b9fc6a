//! A session that is kept by the client, against the real protocol.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use gatelet_client::{Code, MemoryStore, RefreshMiddleware, Session, SessionError, StoreError, TokenStore, Tokens};
use reqwest_middleware::{ClientWithMiddleware, Error};
use serde_json::Value;

use super::{Same, issuer};
use crate::support::{App, Clock, Fault, Known, Options, PASSWORD, Person, Proxy, Stack, lines_of};

/// A store that a test can put tokens into.
#[derive(Clone, Default)]
struct Drawer(Arc<MemoryStore>);

impl TokenStore for Drawer {
    async fn load(&self) -> Result<Option<Tokens>, StoreError> {
        self.0.load().await
    }

    async fn save(&self, tokens: &Tokens) -> Result<(), StoreError> {
        self.0.save(tokens).await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.0.clear().await
    }
}

/// A person's session in the hands of the client, whose access token has just expired, though nobody knows it.
async fn expired(person: &Person) -> (Drawer, Session<Drawer>) {
    let drawer = Drawer::default();
    let later = u64::MAX;
    let refresh_token = person.refresh_token.as_str().into();
    let access_token = Some("as.if.expired".into());
    drawer.save(&Tokens { refresh_token, access_token, refresh_at: later, expires_at: later }).await.expect("stored");
    (drawer.clone(), session(&person.app, &person.application).store(drawer).build().expect("a session"))
}

fn session(app: &App, application: &Known) -> gatelet_client::SessionBuilder {
    let session = Session::builder(issuer(app), application.publishable_key.as_str());
    session.patience(2, Duration::from_millis(10))
}

async fn token_info(client: &ClientWithMiddleware, app: &App) -> Result<u16, Error> {
    let answer = client.get(app.url("/api/v1/auth/token-info")).send().await?;
    Ok(answer.status().as_u16())
}

fn cause(error: &Error) -> &SessionError {
    match error {
        Error::Middleware(error) => error.downcast_ref().expect("an error of the session's"),
        Error::Reqwest(error) => panic!("{error}"),
    }
}

/// The audit events about a session, once there is one of this name.
async fn events(app: &App, session_id: &str, awaited: &str) -> Vec<String> {
    let of_session = |line: &Value| line["type"] == "audit" && line["session_id"] == session_id;
    let names = |log: &str| -> Vec<String> {
        let lines = lines_of(log).into_iter().filter(|line| of_session(line));
        lines.filter_map(|line| line["event"].as_str().map(str::to_owned)).collect()
    };
    names(&app.stack.log_with(awaited, |log| names(log).iter().any(|name| name == awaited)).await)
}

#[tokio::test]
async fn twenty_requests_with_an_expired_token_cost_one_refresh() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let (drawer, session) = expired(&alice).await;
    let client = RefreshMiddleware::new(session.clone()).client();
    for status in join_all((0..20).map(|_| token_info(&client, &app))).await {
        assert_eq!(status.expect("an answer"), 200);
    }
    let newest = drawer.load().await.expect("a store").expect("tokens");
    assert_ne!(newest.refresh_token.expose(), alice.refresh_token);
    // So that the events of all requests above are in the log.
    session.sign_out().await.expect("an end");
    let events = events(&app, &alice.session_id(), "session.ended").await;
    let refreshes: Vec<_> = events.iter().filter(|name| name.starts_with("refresh.")).collect();
    assert_eq!(refreshes, ["refresh.rotated"], "{events:?}");
    assert!(matches!(session.access_token().await, Err(SessionError::NotSignedIn)));
}

#[tokio::test]
async fn signing_in_begins_a_session_that_goes_on_by_itself() {
    let app = App::start();
    let application = app.application(|settings| settings.access_lifetime = Duration::from_mins(1)).await;
    let alice = app.registered(&application, "alice").await;
    let session = session(&app, &application).build().expect("a session");
    let client = RefreshMiddleware::new(session.clone()).client();
    assert!(matches!(cause(&token_info(&client, &app).await.expect_err("nobody")), SessionError::NotSignedIn));
    match session.sign_in(&alice.user_id, &"not hers at all".into()).await {
        Err(SessionError::Refused(problem)) => assert_eq!(problem.code, Code::InvalidCredentials),
        _ => panic!("the password is wrong"),
    }
    session.sign_in(&alice.user_id, &PASSWORD.into()).await.expect("a session");
    assert_eq!(token_info(&client, &app).await.expect("an answer"), 200);
    let other = client.get("https://orders.example.com/orders").send().await.expect_err("not sent");
    assert!(matches!(cause(&other), SessionError::OriginNotAllowed(_)));
}

#[tokio::test]
async fn a_definite_end_is_not_asked_about_again() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let (_, session) = expired(&alice).await;
    let client = RefreshMiddleware::new(session.clone()).client();
    alice.log_out().await.ok();
    for _ in 0..3 {
        assert!(matches!(cause(&token_info(&client, &app).await.expect_err("an end")), SessionError::Ended));
    }
    // The last of it, so that whatever came before is in the log.
    let answer = alice.log_out().await.ok();
    app.stack.log_until(&answer).await;
    let events = events(&app, &alice.session_id(), "refresh.refused").await;
    assert_eq!(events.iter().filter(|name| *name == "refresh.refused").count(), 1, "{events:?}");
}

#[tokio::test]
async fn an_outage_keeps_the_session() {
    let proxy = Proxy::start(&Stack::shared().ready.dynamodb_endpoint);
    let options = Options { endpoint: Some(&proxy.endpoint), ..Options::default() };
    let app = App::on(Stack::private(&options));
    for fault in [Fault::Throttle, Fault::CutBefore, Fault::CutAfter] {
        let alice = app.signed_in(&app.service(), "alice").await;
        let clock = Clock::starting_now();
        let session = session(&app, &alice.application).clock(Same(clock.clone())).build().expect("a session");
        session.resume(alice.refresh_token.as_str()).await.expect("stored");
        proxy.set(fault);
        let failed = session.access_token().await.err();
        proxy.set(Fault::None);
        assert!(matches!(failed, Some(SessionError::Unavailable(_))), "{fault:?}: {failed:?}");
        clock.advance(Duration::from_mins(1));
        let client = RefreshMiddleware::new(session).client();
        assert_eq!(token_info(&client, &app).await.expect("an answer"), 200, "{fault:?}");
    }
}
