//! Forged access tokens, family by family (RFC 8725, RFC 7515 §10): none verifies, none is active anywhere, and none makes
//! a function call anybody.
//!
//! Whatever does not attack the signature itself is signed with the genuine key, so that nothing but the change can be the
//! reason of the refusal.

mod algorithms;
mod claims;
mod encodings;
mod forge;
mod headers;
mod keys;
mod signatures;

use std::{collections::BTreeMap, io::ErrorKind, net::TcpListener};

use futures_util::{StreamExt, stream};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use shared::{
    access_token::{Algorithm, Verifier},
    keys::KeyPair,
    world::{System, World},
};

pub use self::forge::Target;
use self::forge::{Forgery, header_of};
use crate::support::{App, Person};

/// How many forgeries are under way at a time.
const AT_ONCE: usize = 4;

pub const ISSUER: &str = "https://auth.example.com/api/v1/auth";
pub const AUDIENCE: &str = "https://api.example.com";

/// All forgeries of a target's token.
pub fn forgeries(target: &Target) -> Vec<Forgery> {
    let families = [algorithms::all, keys::all, headers::all, claims::all, encodings::all, signatures::all];
    families.into_iter().flat_map(|family| family(target)).collect()
}

/// How many there are of each family.
fn census(forgeries: &[Forgery]) -> BTreeMap<&'static str, usize> {
    let mut census = BTreeMap::new();
    for forgery in forgeries {
        *census.entry(forgery.family).or_default() += 1;
    }
    census
}

pub fn target(algorithm: Algorithm) -> (Target, Verifier) {
    let pair = KeyPair::generate(algorithm, &System).expect("a key");
    let now = System.now().seconds();
    let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": id, "sid": id, "client_id": id, "exp": now + 1200, "iat": now, "nbf": now,
        "auth_time": now, "jti": "1", "amr": ["pwd"], "scope": "orders:read", "ep": 0,
    });
    let keys = [(pair.kid.clone(), algorithm, pair.public.clone())];
    let verifier = Verifier::new(ISSUER.to_owned(), keys).expect("the key can be read");
    (Target { pair, claims, canary: "http://127.0.0.1:1".to_owned() }, verifier)
}

#[test]
fn no_forgery_verifies_with_any_algorithm() {
    for algorithm in Algorithm::ALL {
        let (target, verifier) = target(algorithm);
        let verify = |token: &str| verifier.verify(token, AUDIENCE, System.now());
        let forgeries = forgeries(&target);
        println!("{algorithm:?}: {} forgeries: {:?}", forgeries.len(), census(&forgeries));
        assert!(verify(&target.genuine()).is_ok(), "{algorithm:?}");
        assert!(census(&forgeries).len() >= 20, "each family is there");
        for forgery in forgeries {
            let verdict = verify(&forgery.token);
            assert!(verdict.is_err(), "{algorithm:?} {}: {} is {:?}", forgery.family, forgery.what, forgery.token);
        }
    }
}

#[test]
fn no_bit_of_a_token_can_be_changed() {
    for algorithm in Algorithm::ALL {
        let (target, verifier) = target(algorithm);
        let (token, now) = (target.genuine().into_bytes(), System.now());
        for bit in 0..8 * token.len() {
            let mut changed = token.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            // What is not UTF-8 any more never comes so far.
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert!(verifier.verify(&changed, AUDIENCE, now).is_err(), "{algorithm:?} bit {bit}");
        }
    }
}

/// ECDSA signatures come in pairs: `s` and `n − s` sign the same. ES256 knows no canonical one of the two (RFC 7518 §3.4), so
/// nothing may depend on the text of a token.
#[tokio::test]
async fn the_twin_of_a_signature_says_the_same_and_ends_with_the_session() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let mut twin = alice.clone();
    twin.access_token = signatures::twin(&alice.access_token);
    assert_ne!(twin.access_token, alice.access_token);
    assert_eq!(twin.token_info().await.ok().body(), alice.token_info().await.ok().body());

    alice.log_out().await.ok();
    twin.token_info().await.problem(401, "invalid_token");
    assert_eq!(introspected(&twin, &twin.access_token).await, json!({"active": false}));
}

#[tokio::test]
async fn no_forgery_is_active_anywhere_and_nobody_is_called() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let canary = TcpListener::bind("127.0.0.1:0").expect("a port");
    canary.set_nonblocking(true).expect("a listener");
    let target = Target {
        pair: app.database.signing_pair(header_of(&alice.access_token)["kid"].as_str().expect("a name")).await,
        claims: alice.claims(),
        canary: format!("http://{}", canary.local_addr().expect("an address")),
    };
    let genuine = target.genuine();
    assert_ne!(genuine, alice.access_token, "it is made here");
    for path in ["/api/v1/auth/token-info", "/orders"] {
        assert_eq!(presented(&alice, path, &genuine).await, Some(200), "{path}");
    }

    let alice = &alice;
    let refusals = stream::iter(forgeries(&target)).for_each_concurrent(AT_ONCE, |forgery| refused(alice, forgery));
    refusals.await;
    let called = canary.accept().expect_err("nobody called");
    assert_eq!(called.kind(), ErrorKind::WouldBlock);
    alice.token_info().await.ok();
}

/// Fails if the forgery passes anywhere.
async fn refused(person: &Person, Forgery { family, what, token }: Forgery) {
    assert_eq!(introspected(person, &token).await, json!({"active": false}), "{family}: {what}");
    let token_info = presented(person, "/api/v1/auth/token-info", &token).await;
    let authorizer = presented(person, "/orders", &token).await;
    // Some can't be sent in a header, some are too long for one, and some are not one Bearer token.
    let refused =
        matches!((token_info, authorizer), (None, None) | (Some(431), Some(431)) | (Some(400 | 401), Some(403)));
    assert!(refused, "{family}: {what}: {token_info:?}, {authorizer:?}");
}

/// The status of a request with this access token; nothing if no header can hold it, as with white space at its ends.
async fn presented(person: &Person, path: &str, token: &str) -> Option<u16> {
    if token.trim() != token {
        return None;
    }
    let authorization = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    let request = person.app.client.get(person.app.url(path)).header("api-key", &person.application.publishable_key);
    Some(person.app.send(request.header("authorization", authorization)).await.status)
}

/// What `introspect` says of this token.
async fn introspected(person: &Person, token: &str) -> Value {
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
    let request = person
        .app
        .request("POST", "/introspect")
        .basic_auth(&person.application.id, Some(&person.application.secret_key));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = person.app.send(request.body(form)).await;
    // Longer than any body that is read.
    if answer.status == 413 { json!({"active": false}) } else { answer.ok().body() }
}
