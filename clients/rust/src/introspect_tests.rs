use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::*;
use crate::testing::{START, Server, Shared, Stopped, answer, answer_with};

const USER: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

fn active(expires_at: u64) -> (u16, Value) {
    let body =
        json!({"active": true, "sub": USER, "username": "ada", "sid": USER, "client_id": USER, "exp": expires_at});
    (200, body)
}

fn inactive() -> (u16, Value) {
    (200, json!({"active": false}))
}

struct Place {
    server: Server,
    answer: Shared<(u16, Value)>,
    clock: Stopped,
    introspector: Introspector,
}

impl Place {
    async fn with(told: (u16, Value), ttl: Duration) -> Self {
        let shared = Shared::new(told);
        let told = shared.clone();
        let server = Server::start(move |_| {
            let (status, body) = told.get();
            answer_with(status, body, "retry-after", "7")
        });
        let server = server.await;
        let clock = Stopped::new();
        let introspector = Introspector::builder(&server.url, "sk_x").ttl(ttl).clock(clock.clone()).build().unwrap();
        Self { server, answer: shared, clock, introspector }
    }

    async fn is_active(&self, token: &str) -> bool {
        self.introspector.introspect(token).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn an_answer_is_remembered_for_its_time_and_no_longer() {
    let place = Place::with(active(START + 1200), TTL).await;
    assert!(place.is_active("a").await);
    place.answer.set(inactive());
    place.clock.advance(Duration::from_secs(9));
    assert!(place.is_active("a").await);
    assert_eq!(place.server.count(), 1);
    place.clock.advance(Duration::from_secs(1));
    assert!(!place.is_active("a").await && !place.is_active("a").await);
    assert_eq!(place.server.count(), 2, "bad news is remembered too");
    assert!(!place.is_active("b").await, "of this token alone");
    assert_eq!(place.server.count(), 3);
}

#[tokio::test]
async fn no_answer_outlives_its_token() {
    let place = Place::with(active(START + 3), TTL).await;
    assert!(place.is_active("a").await);
    place.answer.set(inactive());
    place.clock.advance(Duration::from_secs(2));
    assert!(place.is_active("a").await);
    place.clock.advance(Duration::from_secs(1));
    assert!(!place.is_active("a").await);
}

#[tokio::test]
async fn whoever_asks_at_the_same_time_shares_one_question() {
    for (told, ttl) in [(active(START + 1200), TTL), (inactive(), TTL)] {
        let place = Place::with(told, ttl).await;
        let mut tasks = JoinSet::new();
        for _ in 0..30 {
            let introspector = place.introspector.clone();
            tasks.spawn(async move { introspector.introspect("a").await.unwrap().is_some() });
        }
        tasks.join_all().await;
        assert_eq!(place.server.count(), 1);
    }
}

#[tokio::test]
async fn without_a_time_to_live_every_question_is_asked() {
    let place = Place::with(active(START + 1200), Duration::ZERO).await;
    assert!(place.is_active("a").await && place.is_active("a").await);
    assert_eq!(place.server.count(), 2);
}

#[tokio::test]
async fn no_answer_is_no_bad_news_and_is_not_remembered() {
    let place = Place::with((503, json!({"error": "temporarily_unavailable"})), TTL).await;
    for _ in 0..2 {
        match place.introspector.introspect("a").await {
            Err(IntrospectError::Unavailable(unavailable)) => assert_eq!(unavailable.retry_after().as_secs(), 7),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(place.server.count(), 2);
    for told in [(200, json!("x")), (200, json!({})), (200, json!({"active": "false"})), (200, json!({"active": true}))]
    {
        place.answer.set(told);
        assert!(matches!(place.introspector.introspect("a").await, Err(IntrospectError::Unavailable(_))));
    }
    place.answer.set((401, json!({"error": "invalid_client"})));
    match place.introspector.introspect("a").await {
        Err(IntrospectError::Refused(problem)) => assert_eq!(problem.code, crate::Code::InvalidClient),
        other => panic!("{other:?}"),
    }
    place.answer.set(active(START + 1200));
    assert!(place.is_active("a").await);
}

#[tokio::test]
async fn a_question_is_a_form_with_the_key_and_the_cache_is_bounded() {
    let server = Server::start(|_| answer(200, r#"{"active": false}"#)).await;
    let introspector = Introspector::builder(format!("{}/auth", server.url), "sk_x").capacity(8).build().unwrap();
    for token in 0..100 {
        assert!(introspector.introspect(&format!("{token} &+")).await.unwrap().is_none());
    }
    assert!(introspector.0.cache.len() <= 8);
    let first = &server.received()[0];
    assert_eq!((first.path.as_str(), first.body.as_str()), ("/auth/introspect", "token=0+%26%2B"));
    assert_eq!(first.headers["api-key"], "sk_x");
    assert!(introspector.introspect(&"x".repeat(MAX_LENGTH + 1)).await.unwrap().is_none());
    assert_eq!(server.count(), 100);
}

#[tokio::test]
async fn an_expiry_beyond_all_time_is_one_in_the_future() {
    let place = Place::with(active(u64::MAX), TTL).await;
    assert!(place.is_active("a").await && place.is_active("a").await);
    assert_eq!(place.server.count(), 1);
}
