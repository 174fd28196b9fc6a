use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::{keys::KeyPair, world::System};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ISSUER: &str = "https://auth.example.com/api/v1/auth";
const AUDIENCE: &str = "https://api.example.com";

struct Setting {
    pair: KeyPair,
    signer: Signer,
    verifier: Verifier,
}

fn setting(algorithm: Algorithm) -> Setting {
    let pair = KeyPair::generate(algorithm, &System).unwrap();
    let signer = Signer::new(pair.kid.clone(), algorithm, &pair.private);
    let verifier = Verifier::new(ISSUER.into(), [(pair.kid.clone(), algorithm, pair.public.clone())]).unwrap();
    Setting { pair, signer, verifier }
}

fn claims() -> Claims {
    Claims {
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        sub: UserKey::random(&System),
        exp: NOW.plus(Duration::from_mins(20)),
        iat: NOW,
        nbf: NOW,
        jti: "a".into(),
        sid: SessionId::random(&System),
        client_id: ApplicationId::random(&System),
        auth_time: NOW,
        amr: vec!["pwd".into()],
        scope: "orders:read".into(),
        ep: 0,
    }
}

/// Signs whatever header and claims it is given, as an attacker with our key could not.
fn forge(pair: &KeyPair, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = pair.algorithm.encoding_key(&pair.private);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, pair.algorithm.jose()).unwrap();
    format!("{message}.{signature}")
}

fn header(pair: &KeyPair) -> Value {
    json!({"alg": pair.algorithm.as_str(), "typ": "at+jwt", "kid": pair.kid})
}

fn with(value: &Value, name: &str, member: Value) -> Value {
    let mut changed = value.clone();
    changed[name] = member;
    changed
}

fn without(value: &Value, name: &str) -> Value {
    let mut changed = value.clone();
    changed.as_object_mut().unwrap().remove(name);
    changed
}

#[test]
fn what_was_signed_verifies_with_each_algorithm() {
    for algorithm in Algorithm::ALL {
        let Setting { signer, verifier, .. } = setting(algorithm);
        let claims = claims();
        let token = signer.sign(&claims).unwrap();
        assert_eq!(verifier.verify(token.expose(), AUDIENCE, NOW), Ok(claims), "{algorithm:?}");
    }
}

#[test]
fn the_header_is_exactly_ours() {
    let Setting { pair, verifier, .. } = setting(Algorithm::ES256);
    let (header, claims) = (header(&pair), serde_json::to_value(claims()).unwrap());
    let verdict = |header: &Value| verifier.verify(&forge(&pair, header, &claims), AUDIENCE, NOW).is_ok();

    assert!(verdict(&header));
    assert!(verdict(&with(&header, "typ", json!("application/at+jwt"))));
    for (name, member) in [
        ("typ", json!("JWT")),
        ("typ", json!("id+jwt")),
        ("typ", json!(null)),
        ("alg", json!("none")),
        ("alg", json!("nOnE")),
        ("alg", json!("HS256")),
        ("alg", json!("ES384")),
        ("alg", json!("RS256")),
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("")),
        ("kid", json!("x".repeat(7000))),
        ("kid", json!("a\u{0}")),
        ("kid", json!(1)),
        ("jku", json!("http://127.0.0.1:1/jwks")),
        ("jwk", json!({"kty": "oct", "k": ""})),
        ("x5u", json!("http://127.0.0.1:1/")),
        ("x5c", json!([])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ] {
        assert!(!verdict(&with(&header, name, member.clone())), "{name}: {member}");
    }
    for name in ["alg", "typ", "kid"] {
        assert!(!verdict(&without(&header, name)), "{name}");
    }
}

#[test]
fn every_claim_is_there_and_of_its_type() {
    let Setting { pair, verifier, .. } = setting(Algorithm::ES256);
    let (header, claims) = (header(&pair), serde_json::to_value(claims()).unwrap());
    let verdict = |claims: &Value| verifier.verify(&forge(&pair, &header, claims), AUDIENCE, NOW).is_ok();

    assert!(verdict(&claims));
    for name in claims.as_object().unwrap().keys() {
        // Without permissions there is no scope, and none is said by its absence.
        assert_eq!(verdict(&without(&claims, name)), name == "scope", "{name} absent");
        assert!(!verdict(&with(&claims, name, json!(null))), "{name} null");
        assert!(!verdict(&with(&claims, name, json!({}))), "{name} an object");
    }
    for name in ["exp", "iat", "nbf"] {
        for wrong in [json!("9999999999"), json!(9_999_999_999.5), json!([9_999_999_999_u64]), json!(-1), json!(true)] {
            assert!(!verdict(&with(&claims, name, wrong.clone())), "{name}: {wrong}");
        }
    }
    for (name, other) in [
        ("iss", json!("https://auth.example.com/api/v1/auth/")),
        ("iss", json!([ISSUER])),
        ("aud", json!("https://other.example.com")),
        ("aud", json!([AUDIENCE])),
        ("aud", json!([AUDIENCE, "https://other.example.com"])),
        ("sub", json!("somebody")),
    ] {
        assert!(!verdict(&with(&claims, name, other.clone())), "{name}: {other}");
    }
}

#[test]
fn a_token_is_good_within_its_time_and_thirty_seconds_of_leeway() {
    let Setting { signer, verifier, .. } = setting(Algorithm::ES256);
    let claims = claims();
    let token = signer.sign(&claims).unwrap();
    let at = |seconds: u64| verifier.verify(token.expose(), AUDIENCE, Timestamp::from_seconds(seconds)).is_ok();

    assert!(!at(NOW.seconds() - 31));
    assert!(at(NOW.seconds() - 30));
    assert!(at(claims.exp.seconds() + 29));
    assert!(!at(claims.exp.seconds() + 30));
}

#[test]
fn a_public_key_is_no_hmac_secret_and_other_spellings_are_no_tokens() {
    let Setting { pair, signer, verifier } = setting(Algorithm::RS256);
    let claims = claims();
    let jwk = serde_json::to_string(&pair.public).unwrap();
    let header = Header { typ: Some(TYPE.into()), kid: Some(pair.kid.clone()), ..Header::default() };
    for secret in [jwk.as_bytes(), b"", STANDARD.encode(&jwk).as_bytes()] {
        let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
        assert!(verifier.verify(&forged, AUDIENCE, NOW).is_err());
    }

    let token = signer.sign(&claims).unwrap();
    let token = token.expose();
    for other in [
        format!("{token}="),
        format!("{token}."),
        format!(" {token}"),
        token.replacen('.', "..", 1),
        format!("{token}.{token}"),
        "x".repeat(1_000_000),
        String::new(),
    ] {
        assert!(verifier.verify(&other, AUDIENCE, NOW).is_err());
    }
}

#[test]
fn a_key_verifies_only_what_it_signed() {
    let (one, other) = (setting(Algorithm::ES256), setting(Algorithm::ES256));
    let token = one.signer.sign(&claims()).unwrap();
    assert!(other.verifier.verify(token.expose(), AUDIENCE, NOW).is_err());

    let renamed = Signer::new(other.pair.kid.clone(), Algorithm::ES256, &one.pair.private);
    let token = renamed.sign(&claims()).unwrap();
    assert!(other.verifier.verify(token.expose(), AUDIENCE, NOW).is_err());
}
