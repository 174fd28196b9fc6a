//! Keys that change under running functions, with a clock of the test's own and a table that nobody else uses.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    access_token::{Algorithm, Claims},
    ids::{SessionId, UserKey},
    keyring::{RELOAD_AFTER, RELOAD_FOR_UNKNOWN_AFTER, SealingRing, SigningRing, VerificationRing},
    protocol::Position,
    refresh_token::RefreshToken,
    rotation::{self, KNOWN_AFTER, Purpose},
    secret::Secret,
    store::SigningKeys,
    world::{System, Timestamp, World},
};

use crate::support::{Clock, Database, Options, Stack};

const ISSUER: &str = "https://auth.example.com/api/v1/auth";
const AUDIENCE: &str = "https://api.example.com";

/// The keys of a fresh deployment.
fn fresh_keys() -> SigningKeys {
    Database::of(&Stack::private(&Options::default()).ready).store().signing_keys
}

fn claims(now: Timestamp) -> Claims {
    let claims: Value = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": UserKey::random(&System), "sid": SessionId::random(&System),
        "exp": now.plus(Duration::from_hours(24)), "iat": now, "nbf": now, "auth_time": now, "jti": "1",
        "client_id": "6f9619ff-8b86-4011-b42d-00c04fc964ff", "amr": ["pwd"], "scope": "", "ep": 0,
    });
    serde_json::from_value(claims).expect("claims")
}

async fn signed(ring: &SigningRing, clock: &Clock) -> Secret {
    ring.sign(&claims(clock.now()), clock.now()).await.expect("a key")
}

async fn accepts(ring: &VerificationRing, token: &Secret, clock: &Clock) -> bool {
    ring.verify(token.expose(), AUDIENCE, clock.now()).await.expect("the store answers").is_some()
}

#[tokio::test]
async fn new_keys_are_taken_up_without_a_restart() {
    let (keys, clock) = (fresh_keys(), Clock::starting_now());
    access_tokens(&keys, &clock).await;
    refresh_tokens(&keys, &clock).await;
}

async fn access_tokens(keys: &SigningKeys, clock: &Clock) {
    let signing = SigningRing::load(keys, clock).await.expect("a key");
    let verification = VerificationRing::load(ISSUER, keys, clock).await.expect("a key");
    let old = signed(&signing, clock).await;
    assert!(accepts(&verification, &old, clock).await);

    rotation::create(keys, Purpose::Signing(Algorithm::EdDSA), clock).await.expect("a key");
    let eager = keys.signer(clock.now().plus(KNOWN_AFTER)).await.expect("it will be in force");
    let eager = eager.sign(&claims(clock.now())).expect("a token");
    assert!(!accepts(&verification, &eager, clock).await, "the table was asked less than a minute ago");
    clock.advance(RELOAD_FOR_UNKNOWN_AFTER);
    assert!(accepts(&verification, &eager, clock).await, "an unknown name is worth a look");

    // It signs only when everybody knows it, and from then on everywhere.
    let kid = |token: &Secret| token.expose().split('.').next().map(str::to_owned);
    let restarted = async || signed(&SigningRing::load(keys, clock).await.expect("a key"), clock).await;
    assert_eq!(kid(&restarted().await), kid(&old));
    clock.advance(KNOWN_AFTER);
    for token in [restarted().await, signed(&signing, clock).await] {
        assert_eq!(kid(&token), kid(&eager));
        assert!(accepts(&verification, &token, clock).await);
    }
    assert!(accepts(&verification, &old, clock).await, "the older key still verifies");
}

async fn refresh_tokens(keys: &SigningKeys, clock: &Clock) {
    let token = RefreshToken {
        user_key: UserKey::random(clock),
        session_id: SessionId::random(clock),
        position: Position::FIRST,
        absolute_expires_at: clock.now().plus(Duration::from_hours(24)),
    };
    let ring = SealingRing::load(keys, clock).await.expect("a key");
    let old = ring.seal(&token, clock.now()).await.expect("a key");
    rotation::create(keys, Purpose::Sealing, clock).await.expect("a key");
    let sealed = async |ring: &SealingRing| ring.seal(&token, clock.now()).await.expect("a key");
    let restarted = SealingRing::load(keys, clock).await.expect("a key");
    assert_eq!(
        sealed(&restarted).await.expose(),
        old.expose(),
        "one position has one text, whichever instance is asked"
    );

    clock.advance(KNOWN_AFTER);
    let new = sealed(&restarted).await;
    assert_ne!(old.expose(), new.expose());
    let open = async |text: &Secret| ring.open(text.expose(), clock.now()).await.expect("the store answers");
    assert_eq!(open(&new).await, Some(token));
    assert_eq!(open(&old).await, Some(token));
}

#[tokio::test]
async fn what_a_revoked_key_made_is_refused_within_five_minutes() {
    let (keys, clock) = (fresh_keys(), Clock::starting_now());
    let signing = SigningRing::load(&keys, &clock).await.expect("a key");
    let verification = VerificationRing::load(ISSUER, &keys, &clock).await.expect("a key");
    let sealing = SealingRing::load(&keys, &clock).await.expect("a key");
    let refresh_token = RefreshToken {
        user_key: UserKey::random(&clock),
        session_id: SessionId::random(&clock),
        position: Position::FIRST,
        absolute_expires_at: clock.now().plus(Duration::from_hours(24)),
    };
    let opens =
        async |text: &Secret| sealing.open(text.expose(), clock.now()).await.expect("the store answers").is_some();

    let (access, sealed) =
        (signed(&signing, &clock).await, sealing.seal(&refresh_token, clock.now()).await.expect("a key"));
    for key in keys.list().await.expect("the store answers") {
        rotation::revoke(&keys, &key.id, &clock).await.expect("the store answers").expect("the key is there");
    }
    assert!(accepts(&verification, &access, &clock).await && opens(&sealed).await, "the copies are fresh");
    clock.advance(RELOAD_AFTER);
    assert!(!accepts(&verification, &access, &clock).await);
    assert!(!opens(&sealed).await);
    let (access, sealed) =
        (signed(&signing, &clock).await, sealing.seal(&refresh_token, clock.now()).await.expect("a key"));
    assert!(accepts(&verification, &access, &clock).await && opens(&sealed).await, "the new keys are in force");
}
