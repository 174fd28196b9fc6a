//! What is remembered of a provider, and when it is asked again.

use super::{Providers, Traveller};

#[tokio::test]
async fn a_providers_new_keys_are_fetched_when_a_token_needs_them_and_not_for_every_invented_one() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let providers = Providers::get();
    ada.travel("rotating-keys", &web, "ada-rotates").await.status(303);
    let rotate = format!("{}/control/rotate", providers.providers["rotating-keys"]);
    ada.app.send(ada.app.client.post(rotate)).await.status(204);
    ada.cookies.clear();
    ada.travel("rotating-keys", &web, "ada-rotates").await.status(303);
    let fetched = providers.count("rotating-keys", "/jwks").await;
    assert!((1..=2).contains(&fetched), "{fetched}");
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
