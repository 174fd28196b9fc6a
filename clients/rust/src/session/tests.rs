use std::sync::Mutex as StdMutex;

use axum::response::Response;
use tokio::task::JoinSet;

use super::*;
use crate::testing::{Received, Server, Shared, Stopped, answer, answer_with};

/// What the server does when it is asked to refresh.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Grants,
    Ends,
    RefusesTheKey,
    IsAway,
    SaysLater,
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
        Mood::Grants => {
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

    /// The status that a request to `/auth/resource` is answered with.
    async fn asks(&self, session: &Session) -> u16 {
        let client = RefreshMiddleware::new(session.clone()).client();
        client.get(format!("{}/auth/resource", self.server.url)).send().await.unwrap().status().as_u16()
    }
}

async fn token(session: &Session) -> String {
    session.access_token().await.unwrap().expose().to_owned()
}

#[tokio::test]
async fn a_token_is_refreshed_ahead_of_its_expiry_and_once_for_all() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.clock.advance(Duration::from_secs(799));
    assert_eq!(token(&session).await, "access-1");
    place.clock.advance(Duration::from_secs(101));
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let session = session.clone();
        tasks.spawn(async move { token(&session).await });
    }
    assert!(tasks.join_all().await.iter().all(|token| token == "access-2"));
    assert_eq!(place.refreshes(), 1);
}

#[tokio::test]
async fn a_token_that_is_rejected_is_refreshed_once_and_the_request_repeated_once() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    let other = place.settings().build().unwrap();
    other.sign_in("ada", &"secret".into()).await.unwrap();
    assert_eq!(place.asks(&session).await, 200);
    assert_eq!((place.refreshes(), place.server.count()), (1, 5));
}

#[tokio::test]
async fn a_definite_end_is_the_end_and_costs_no_more_requests() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.mood.set(Mood::Ends);
    place.clock.advance(Duration::from_secs(1000));
    for _ in 0..3 {
        assert!(matches!(session.access_token().await, Err(SessionError::Ended)));
    }
    assert_eq!(place.refreshes(), 1);
    place.mood.set(Mood::Grants);
    assert!(matches!(session.access_token().await, Err(SessionError::Ended)));
    session.sign_in("ada", &"secret".into()).await.unwrap();
    assert_eq!(token(&session).await, "access-2");
}

#[tokio::test]
async fn whatever_is_not_definite_keeps_the_session() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.clock.advance(Duration::from_secs(1000));
    for (mood, requests) in [(Mood::IsAway, 3), (Mood::SaysLater, 1), (Mood::RefusesTheKey, 1)] {
        place.mood.set(mood);
        let before = place.refreshes();
        match session.access_token().await {
            Err(SessionError::Unavailable(_)) => assert!(mood != Mood::RefusesTheKey),
            Err(SessionError::Refused(problem)) => assert_eq!(problem.code, crate::Code::InvalidApiKey),
            _ => panic!("there is no token to be had"),
        }
        assert_eq!(place.refreshes() - before, requests);
    }
    place.mood.set(Mood::Grants);
    assert_eq!(token(&session).await, "access-2");
    assert!(place.server.received().iter().rev().take(1).all(|received| received.body.contains("refresh-1")));
}

#[tokio::test]
async fn a_token_that_is_merely_due_is_used_during_an_outage() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.mood.set(Mood::IsAway);
    place.clock.advance(Duration::from_mins(15));
    for _ in 0..5 {
        assert_eq!(token(&session).await, "access-1");
    }
    assert_eq!(place.refreshes(), 3, "one refresh, in three tries");
    place.clock.advance(Duration::from_secs(100));
    assert!(matches!(session.access_token().await, Err(SessionError::Unavailable(_))));
}

#[tokio::test]
async fn many_that_wait_for_a_refresh_that_fails_do_not_all_try_it() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.mood.set(Mood::SaysLater);
    place.clock.advance(Duration::from_secs(1000));
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let session = session.clone();
        tasks.spawn(async move { session.access_token().await.is_err() });
    }
    assert!(tasks.join_all().await.into_iter().all(|failed| failed));
    assert!(place.refreshes() < 20, "{}", place.refreshes());
}

#[tokio::test]
async fn a_body_that_can_not_be_sent_twice_is_not_repeated_but_the_token_renewed() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    place.settings().build().unwrap().sign_in("ada", &"secret".into()).await.unwrap();
    let client = RefreshMiddleware::new(session.clone()).client();
    let once = || reqwest::Body::wrap(http_body_util::Full::new(axum::body::Bytes::from("x")));
    let post = || client.post(format!("{}/auth/resource", place.server.url)).body(once()).send();
    assert_eq!(post().await.unwrap().status(), 401);
    assert_eq!(post().await.unwrap().status(), 200);
    assert_eq!(place.refreshes(), 1);
}

/// A store whose content a test can see and break.
#[derive(Clone, Default)]
struct Visible {
    tokens: Arc<MemoryStore>,
    broken: Shared<bool>,
}

impl TokenStore for Visible {
    async fn load(&self) -> Result<Option<Tokens>, StoreError> {
        self.tokens.load().await
    }

    async fn save(&self, tokens: &Tokens) -> Result<(), StoreError> {
        if self.broken.get() { Err("the disk is full".into()) } else { self.tokens.save(tokens).await }
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.tokens.clear().await
    }
}

#[tokio::test]
async fn nothing_is_used_that_could_not_be_stored() {
    let place = Place::new().await;
    let store = Visible::default();
    let session = place.settings().store(store.clone()).build().unwrap();
    assert!(matches!(session.access_token().await, Err(SessionError::NotSignedIn)));
    session.resume("refresh-0").await.unwrap();
    store.broken.set(true);
    assert!(matches!(session.access_token().await, Err(SessionError::Store(_))));
    store.broken.set(false);
    assert!(session.access_token().await.is_ok());
    let sent: Vec<_> = place.server.received().into_iter().map(|received| received.body).collect();
    assert_eq!(sent, [r#"{"refresh_token":"refresh-0"}"#; 2], "the server repeats its answer");
}

#[tokio::test]
async fn processes_that_share_a_store_share_the_session() {
    let place = Place::new().await;
    let store = Visible::default();
    let [one, two] = [(); 2].map(|()| place.settings().store(store.clone()).build().unwrap());
    one.sign_in("ada", &"secret".into()).await.unwrap();
    place.clock.advance(Duration::from_secs(1000));
    let tokens = [one.access_token().await.unwrap(), two.access_token().await.unwrap()];
    assert_eq!(tokens.each_ref().map(Secret::expose), ["access-2"; 2]);
    assert_eq!(place.refreshes(), 1);

    one.sign_out().await.unwrap();
    assert!(store.load().await.unwrap().is_none());
    assert!(matches!(one.access_token().await, Err(SessionError::NotSignedIn)));
}

#[tokio::test]
async fn tokens_go_to_listed_origins_and_the_key_to_the_issuer_alone() {
    let place = Place::new().await;
    let session = place.signed_in().await;
    let [friend, stranger] = [Server::start(|_| answer(200, "{}")).await, Server::start(|_| answer(200, "{}")).await];
    let client = RefreshMiddleware::new(session).allow_origin(&friend.url).unwrap().client();
    client.get(format!("{}/x", friend.url)).send().await.unwrap();
    client.get(format!("{}/auth/resource", place.server.url)).send().await.unwrap();
    let refused = client.get(format!("{}/x", stranger.url)).send().await.unwrap_err();
    assert!(refused.to_string().contains("not one of the origins"), "{refused}");
    assert_eq!(stranger.count(), 0);

    let at_friend = &friend.received()[0].headers;
    assert_eq!((&at_friend["authorization"], at_friend.get("api-key")), (&"Bearer access-1".parse().unwrap(), None));
    let at_home = &place.server.received().pop().unwrap().headers;
    assert_eq!(
        (&at_home["authorization"], &at_home["api-key"]),
        (&"Bearer access-1".parse().unwrap(), &"pk_x".parse().unwrap())
    );
}
