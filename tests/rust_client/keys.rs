//! Published keys, served as the function `jwks` does.

use std::sync::Arc;

use axum::{Router, http::header::CACHE_CONTROL, routing::get};
use functions::jwks;
use gatelet_client::Verifier;
use serde_json::Value;
use shared::keyring::PublicRing;

use super::{Same, serve};
use crate::rotation::place::Place;

/// The path below an issuer.
const PATH: &str = "/.well-known/jwks.json";

/// A verifier of a simulated deployment's tokens, in its time.
pub async fn verifier_at(place: &Place) -> Verifier {
    let ring = PublicRing::load(&place.store().signing_keys, &place.clock).await.expect("keys");
    let (ring, clock) = (Arc::new(ring), place.clock.clone());
    let published = move || async move {
        let answer = jwks::handle(&ring, &clock).await.expect("keys");
        ([(CACHE_CONTROL, "public, max-age=300")], answer.body().to_owned())
    };
    let keys_url = serve(Router::new().route(PATH, get(published))).await + PATH;
    let verifier = Verifier::builder(place.config().issuer).keys_url(keys_url).clock(Same(place.clock.clone()));
    verifier.build().expect("a verifier")
}

/// A verifier of tokens that one key signs.
pub async fn verifier_with(issuer: &str, audience: &str, key: &Value) -> Verifier {
    let set = serde_json::json!({"keys": [key]}).to_string();
    let keys_url = serve(Router::new().route(PATH, get(async || set))).await + PATH;
    Verifier::builder(issuer).audience(audience).keys_url(keys_url).build().expect("a verifier")
}
