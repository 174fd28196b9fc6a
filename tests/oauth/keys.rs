//! What is remembered of a provider, and when it is asked again.

use super::{Providers, Traveller};

/// More than the instances could fetch keys for.
const SIGN_INS: usize = 24;

#[tokio::test]
async fn a_providers_new_keys_are_fetched_when_a_token_needs_them() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let providers = Providers::get();
    ada.travel("rotating-keys", &web, "ada-rotates").await.status(303);
    let rotate = format!("{}/control/rotate", providers.issuers["rotating-keys"]);
    ada.app.send(ada.app.client.post(rotate)).await.status(204);
    ada.cookies.clear();
    ada.travel("rotating-keys", &web, "ada-rotates").await.status(303);
    assert!(providers.count("rotating-keys", "/jwks").await > 1, "they were fetched anew");
}

#[tokio::test]
async fn an_invented_key_makes_nobody_fetch_keys_every_time() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let before = Providers::get().count("unknown-kid", "/jwks").await;
    for _ in 0..SIGN_INS {
        ada.travel("unknown-kid", &web, "ada-unknown").await.problem(502, "provider_failed");
    }
    // Each of up to ten instances of the function reads them once, and once more for the first such token.
    let fetched = Providers::get().count("unknown-kid", "/jwks").await - before;
    assert!(fetched <= 20, "{fetched} times for {SIGN_INS} sign-ins");
}

#[tokio::test]
async fn metadata_and_keys_are_remembered() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    for _ in 0..5 {
        ada.cookies.clear();
        ada.travel("honest-too", &web, "ada-remembered").await.status(303);
    }
    let providers = Providers::get();
    let (tokens, keys) = (providers.count("honest-too", "/token").await, providers.count("honest-too", "/jwks").await);
    // Each of up to ten instances of the function reads them once.
    assert!(keys <= 10 && keys < tokens, "{keys} times keys for {tokens} sign-ins");
}
