//! Tests of [`super`], in a file of their own to keep both readable.

use super::*;
use jsonwebtoken::{EncodingKey, Header, encode};
use shared::keys::KeyPair;
use shared::world::System;
use std::sync::LazyLock;
use std::time::Duration;

/// An RSA key takes a while to find.
static RSA: LazyLock<KeyPair> =
    LazyLock::new(|| KeyPair::generate(shared::access_token::Algorithm::RS256, &System).unwrap());

const NOW: u64 = 1_800_000_000;

fn authorizer() -> JwtAuthorizer {
    let declared = json!({
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Issuer": "https://issuer", "Audience": ["api", "other"]},
    });
    JwtAuthorizer::new(&serde_json::from_value(declared).unwrap()).unwrap()
}

fn claims() -> Value {
    json!({"iss": "https://issuer", "aud": "api", "sub": "u", "exp": NOW + 1, "nbf": NOW, "iat": NOW, "scope": "a b"})
}

fn signed(claims: &Value, kid: &str) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) };
    encode(&header, claims, &EncodingKey::from_rsa_der(&RSA.private)).unwrap()
}

fn verified(token: &str) -> Result<Map<String, Value>, Invalid> {
    let keys = JwkSet { keys: vec![RSA.public.clone()] };
    authorizer().verified(token, &keys, UNIX_EPOCH + Duration::from_secs(NOW))
}

#[test]
fn a_good_token_passes_with_its_claims() {
    assert_eq!(verified(&signed(&claims(), &RSA.kid)), Ok(claims().as_object().unwrap().clone()));
}

#[test]
fn every_claim_that_aws_looks_at_decides() {
    let cases = [
        ("iss", json!("https://issuer/"), false),
        ("iss", Value::Null, false),
        ("aud", json!(["x", "other"]), true),
        ("aud", json!(["x"]), false),
        ("aud", json!("apis"), false),
        ("aud", json!(1), false),
        ("exp", json!(NOW), false),
        ("exp", Value::Null, false),
        ("exp", json!((NOW + 1).to_string()), false),
        ("nbf", json!(NOW + 1), false),
        ("nbf", json!(NOW - 1), true),
        ("iat", json!(NOW + 1), false),
    ];
    for (name, value, passes) in cases {
        let mut claims = claims();
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(verified(&signed(&claims, &RSA.kid)).is_ok(), passes, "{name}: {value}");
    }
}

#[test]
fn without_an_audience_the_client_id_counts() {
    for (client, passes) in [("api", true), ("else", false)] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove("aud");
        claims["client_id"] = json!(client);
        assert_eq!(verified(&signed(&claims, &RSA.kid)).is_ok(), passes, "{client}");
    }
    let mut claims = claims();
    (claims["aud"], claims["client_id"]) = (json!("else"), json!("api"));
    assert_eq!(verified(&signed(&claims, &RSA.kid)), Err(Invalid), "an audience that is there counts alone");
}

#[test]
fn only_an_rsa_signature_by_a_published_key_counts() {
    let good = signed(&claims(), &RSA.kid);
    assert_eq!(verified(&signed(&claims(), "other")), Err(Invalid), "no such key");
    assert_eq!(verified(&good[..good.len() - 1]), Err(Invalid), "spoiled");
    assert_eq!(verified("a.b.c"), Err(Invalid));

    let pair = KeyPair::generate(shared::access_token::Algorithm::ES256, &System).unwrap();
    let header = Header { kid: Some(pair.kid.clone()), ..Header::new(Algorithm::ES256) };
    let token = encode(&header, &claims(), &EncodingKey::from_ec_der(&pair.private)).unwrap();
    let keys = JwkSet { keys: vec![pair.public] };
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    assert_eq!(authorizer().verified(&token, &keys, now), Err(Invalid), "ES256 by a published key");

    let header = Header { kid: Some(RSA.kid.clone()), ..Header::new(Algorithm::HS256) };
    let token = encode(&header, &claims(), &EncodingKey::from_secret(b"public")).unwrap();
    assert_eq!(verified(&token), Err(Invalid), "HS256 under the key's name");
}

#[test]
fn the_function_gets_claims_as_text_and_the_scopes_that_opened_the_route() {
    let claims = json!({"sub": "u", "exp": 5, "amr": ["pwd", "otp"], "ok": true, "scope": "a b"});
    let claims = claims.as_object().unwrap();
    let texts = json!({"sub": "u", "exp": "5", "amr": "[pwd otp]", "ok": "true", "scope": "a b"});
    let context =
        |scopes: Value| Decision::Allow(json!({"claims": texts, "scopes": scopes}).as_object().unwrap().clone());
    let wanted = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
    assert_eq!(admitted(claims, &[]), context(Value::Null));
    assert_eq!(admitted(claims, &wanted(&["b", "c"])), context(json!(["b"])));
    assert_eq!(admitted(claims, &wanted(&["c"])), Decision::Deny);
    assert_eq!(admitted(json!({"scp": ["c"]}).as_object().unwrap(), &wanted(&["d"])), Decision::Deny);
    assert_eq!(admitted(&Map::new(), &wanted(&[""])), Decision::Deny);
}

#[test]
fn the_scheme_may_be_left_out() {
    for credential in ["Bearer a.b.c", "bearer a.b.c", "a.b.c"] {
        assert_eq!(bearer(credential), "a.b.c");
    }
    assert_eq!(bearer("Basic x"), "Basic x");
}
