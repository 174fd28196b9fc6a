//! What this server says of itself: the keys that verify its tokens, and its metadata.

use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;

use crate::support::{Answer, App};

const DOCUMENTS: [&str; 3] = [
    "/api/v1/auth/.well-known/openid-configuration",
    "/api/v1/auth/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/api/v1/auth",
];

async fn fetch(app: &App, url: &str) -> Answer {
    let answer = app.send(app.client.get(url)).await.ok();
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        ("application/json", "public, max-age=300")
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    answer
}

#[tokio::test]
async fn the_keys_are_public_and_say_what_they_are_for() {
    let app = App::start();
    let body = fetch(&app, &app.url("/api/v1/auth/.well-known/jwks.json")).await.body();
    let keys = body["keys"].as_array().unwrap();
    assert!(!keys.is_empty());
    for key in keys {
        for member in ["kid", "kty", "alg"] {
            assert!(key[member].is_string(), "{member} in {key}");
        }
        assert_eq!(key["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert_eq!(key.get(private), None, "{private} is a private member");
        }
    }
}

#[tokio::test]
async fn the_metadata_is_the_same_at_every_place() {
    let app = App::start();
    let first = fetch(&app, &app.url(DOCUMENTS[0])).await;
    for path in DOCUMENTS {
        assert_eq!(fetch(&app, &app.url(path)).await.text, first.text, "{path}");
    }
    let body = first.body();
    let issuer = app.url("/api/v1/auth");
    assert_eq!(body["issuer"], issuer);
    for (member, path) in [("introspection_endpoint", "/introspect"), ("revocation_endpoint", "/revoke")] {
        assert_eq!(body[member], format!("{issuer}{path}"));
        app.send(app.client.post(body[member].as_str().unwrap())).await.status(401);
    }
    for member in ["response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"] {
        assert!(body[member].is_array(), "{member} is required");
    }
    assert_eq!(body.get("token_endpoint"), None, "there is none");
    assert_eq!(body.get("authorization_endpoint"), None, "there is none");
}

#[tokio::test]
async fn a_stranger_can_verify_a_token_with_what_is_published() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let token = &alice.access_token;
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));

    let metadata = fetch(&app, &app.url(DOCUMENTS[1])).await.body();
    let keys = fetch(&app, metadata["jwks_uri"].as_str().unwrap()).await;
    let keys: JwkSet = serde_json::from_str(&keys.text).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).expect("the key that signed it is published");
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[metadata["issuer"].as_str().unwrap()]);
    validation.set_audience(&[metadata["issuer"].as_str().unwrap()]);
    let verified = jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap();
    assert_eq!(verified.claims["sub"], alice.user_key);

    let mut spoiled = token.clone();
    spoiled.replace_range(
        token.len() - 4..token.len() - 3,
        if token.as_bytes()[token.len() - 4] == b'A' { "B" } else { "A" },
    );
    assert!(jsonwebtoken::decode::<Value>(&spoiled, &DecodingKey::from_jwk(key).unwrap(), &validation).is_err());
}

#[tokio::test]
async fn the_issuer_is_the_deployments_own() {
    let app = App::deployed();
    let mut alice = app.registered(&app.service(), "alice").await;
    alice.sign_in().await.ok();
    let metadata = fetch(&app, &app.url(DOCUMENTS[0])).await.body();
    assert_eq!(metadata["issuer"], crate::support::DEPLOYED_ISSUER);
    assert_eq!(metadata["issuer"], alice.claims()["iss"]);
    alice.token_info().await.ok();
}
