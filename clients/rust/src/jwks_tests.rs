use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::*;
use crate::testing::{Server, Shared, Stopped, answer, answer_with};

const OUTAGE: (u16, &str) = (503, "{}");

/// The public half of an Ed25519 key (RFC 8037 §A.2) under some name.
fn key(kid: &str) -> Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x})
}

fn set(kids: &[&str]) -> (u16, String) {
    (200, json!({"keys": kids.iter().map(|kid| key(kid)).collect::<Vec<_>>()}).to_string())
}

struct Place {
    server: Server,
    answer: Shared<(u16, String)>,
    clock: Stopped,
    cache: Arc<KeyCache>,
}

impl Place {
    async fn with(kids: &[&str]) -> Self {
        let shared = Shared::new(set(kids));
        let told = shared.clone();
        let server = Server::start(move |_| {
            let (status, body) = told.get();
            answer_with(status, body, "cache-control", "public, max-age=300")
        });
        let server = server.await;
        let clock = Stopped::new();
        let url = Url::parse(&server.url).unwrap();
        let cache = KeyCache::new(Transport::new(None).unwrap(), url, Arc::new(clock.clone()));
        Self { server, answer: shared, clock, cache: Arc::new(cache) }
    }

    fn publishes(&self, (status, body): (u16, impl Into<String>)) {
        self.answer.set((status, body.into()));
    }

    async fn knows(&self, kid: &str) -> bool {
        self.cache.find(kid).await.unwrap().is_some()
    }

    async fn can_say(&self, kid: &str) -> bool {
        self.cache.find(kid).await.is_ok()
    }
}

#[tokio::test]
async fn keys_are_fetched_once_while_they_are_fresh_whoever_asks() {
    let place = Place::with(&["a"]).await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let cache = Arc::clone(&place.cache);
        tasks.spawn(async move { cache.find("a").await.unwrap().is_some() });
    }
    assert!(tasks.join_all().await.into_iter().all(|found| found));
    place.clock.advance(Duration::from_secs(299));
    assert!(place.knows("a").await);
    assert_eq!(place.server.count(), 1);
    place.clock.advance(Duration::from_secs(1));
    assert!(place.knows("a").await);
    assert_eq!(place.server.count(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_at_once_and_invented_names_cost_one_fetch_in_thirty_seconds() {
    let place = Place::with(&["a"]).await;
    assert!(place.knows("a").await);
    place.clock.advance(UNKNOWN_KEY_EVERY);
    place.publishes(set(&["a", "b"]));
    assert!(place.knows("b").await);
    assert_eq!(place.server.count(), 2);

    for invented in 0..100 {
        assert!(!place.knows(&invented.to_string()).await);
    }
    assert_eq!(place.server.count(), 2);
    place.clock.advance(UNKNOWN_KEY_EVERY);
    for invented in 0..100 {
        assert!(!place.knows(&invented.to_string()).await);
    }
    assert_eq!(place.server.count(), 3);
    assert!(place.knows("a").await && place.knows("b").await);
}

#[tokio::test]
async fn a_key_that_is_taken_back_is_refused_when_the_keys_are_no_longer_fresh() {
    let place = Place::with(&["a", "b"]).await;
    assert!(place.knows("a").await);
    place.publishes(set(&["b"]));
    assert!(place.knows("a").await);
    place.clock.advance(FRESH_FOR);
    assert!(!place.knows("a").await && place.knows("b").await);
}

#[tokio::test]
async fn during_an_outage_old_keys_are_used_for_a_while_and_then_nobody_can_say() {
    let place = Place::with(&["a"]).await;
    assert!(place.knows("a").await);
    place.publishes(OUTAGE);
    place.clock.advance(FRESH_FOR);
    for _ in 0..10 {
        assert!(place.knows("a").await);
    }
    assert_eq!(place.server.count(), 2, "the next try is later");
    assert!(!place.can_say("b").await, "it may be one of those that could not be fetched");

    place.clock.advance(STALE_FOR.saturating_sub(Duration::from_secs(1)));
    assert!(place.knows("a").await);
    place.clock.advance(Duration::from_secs(1));
    let before = place.server.count();
    assert!(!place.can_say("a").await && !place.can_say("a").await);
    assert_eq!(place.server.count(), before);

    place.clock.advance(RETRY_AFTER);
    place.publishes(set(&["a"]));
    assert!(place.knows("a").await);
}

#[tokio::test]
async fn an_outage_at_the_start_is_no_statement_about_tokens() {
    let place = Place::with(&["a"]).await;
    place.publishes(OUTAGE);
    assert!(!place.can_say("a").await && !place.can_say("b").await);
    assert_eq!(place.cache.find("a").await.err().unwrap().retry_after(), RETRY_AFTER);
    assert_eq!(place.server.count(), 1);
    place.publishes(set(&["a"]));
    place.clock.advance(RETRY_AFTER);
    assert!(place.knows("a").await);
}

#[tokio::test]
async fn an_answer_that_is_no_set_of_keys_replaces_none() {
    let place = Place::with(&["a"]).await;
    assert!(place.knows("a").await);
    let too_large = json!({"keys": [key("b")], "x": "x".repeat(crate::ANSWER_LIMIT)}).to_string();
    let useless = json!({"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "a"}]}).to_string();
    for body in ["", "<html>", "[]", r#"{"keys": []}"#, &useless, &too_large] {
        place.clock.advance(FRESH_FOR);
        let before = place.server.count();
        place.publishes((200, body));
        assert!(place.knows("a").await, "{body:.80}");
        assert_eq!(place.server.count(), before + 1);
    }
    place.clock.advance(FRESH_FOR);
    place.publishes((404, set(&["b"]).1));
    assert!(place.knows("a").await);
}

#[tokio::test]
async fn keys_of_a_clock_that_was_put_back_are_not_fresh() {
    let place = Place::with(&["a"]).await;
    assert!(place.knows("a").await);
    place.clock.put_back(Duration::from_hours(24));
    assert!(place.knows("a").await);
    assert_eq!(place.server.count(), 2);
}

#[tokio::test]
async fn a_server_can_send_nobody_elsewhere() {
    let place = Place::with(&["a"]).await;
    let target = place.server.url.clone();
    let mover = Server::start(move |_| {
        let mut moved = answer(302, "");
        moved.headers_mut().insert("location", target.parse().unwrap());
        moved
    });
    let url = Url::parse(&mover.await.url).unwrap();
    let cache = Arc::new(KeyCache::new(Transport::new(None).unwrap(), url, Arc::new(place.clock.clone())));
    assert!(cache.find("a").await.is_err());
    assert_eq!(place.server.count(), 0);
}

#[test]
fn what_the_server_says_of_freshness_is_taken_within_bounds() {
    for (value, seconds) in [
        ("public, max-age=120", 120),
        ("max-age=0", 30),
        ("no-store", 300),
        ("max-age=86400, immutable", 900),
        ("max-age=-1", 300),
        ("max-age=x", 300),
        ("s-maxage=60", 300),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, value.parse().unwrap());
        assert_eq!(fresh_for(&headers), Duration::from_secs(seconds), "{value}");
    }
    assert_eq!(fresh_for(&HeaderMap::new()), FRESH_FOR);
    for (age, seconds) in [("50", 70), ("110", 30), ("x", 120)] {
        let headers = [(CACHE_CONTROL, "max-age=120"), (AGE, age)].map(|(name, value)| (name, value.parse().unwrap()));
        assert_eq!(fresh_for(&headers.into_iter().collect()), Duration::from_secs(seconds), "{age}");
    }
}

/// Asks for a key, and gives up while the server has not answered.
async fn given_up(place: &Place, kid: &'static str) {
    let (cache, requests) = (Arc::clone(&place.cache), place.server.count());
    let held = place.server.hold().await;
    let task = tokio::spawn(async move { cache.find(kid).await.is_ok() });
    place.server.until(requests + 1).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    drop(held);
}

#[tokio::test]
async fn what_a_fetch_finds_is_kept_though_the_caller_has_gone_away() {
    let place = Place::with(&["a"]).await;
    given_up(&place, "a").await;
    assert!(place.knows("a").await);
    assert_eq!(place.server.count(), 1);

    place.clock.advance(UNKNOWN_KEY_EVERY);
    place.publishes(set(&["a", "b"]));
    given_up(&place, "b").await;
    assert!(place.knows("b").await);
    assert_eq!(place.server.count(), 2);

    place.publishes(OUTAGE);
    place.clock.advance(UNKNOWN_KEY_EVERY);
    given_up(&place, "c").await;
    assert!(!place.can_say("c").await, "it may be one of those that could not be fetched");
    assert_eq!(place.server.count(), 3);
}

/// What `keys_in` takes of a set, by name.
#[test]
fn a_key_is_used_for_its_own_algorithm_only() {
    let with = |name: &str, value: Value| {
        let mut changed = key("x");
        changed[name] = value;
        changed
    };
    let mut without_algorithm = key("x");
    without_algorithm.as_object_mut().unwrap().remove("alg");
    for unusable in [
        with("alg", json!("ES256")),
        with("alg", json!("HS256")),
        with("use", json!("enc")),
        with("crv", json!("P-256")),
        with("kty", json!("EC")),
        with("kty", json!("new")),
        with("kid", json!(null)),
        without_algorithm,
        json!({"kty": "oct", "k": "c2VjcmV0", "alg": "EdDSA", "kid": "x"}),
        json!("x"),
    ] {
        let set = json!({"keys": [unusable, key("good")]}).to_string();
        let keys = keys_in(set.as_bytes()).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["good"], "{set}");
    }
}
