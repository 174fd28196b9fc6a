use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::EncodingKey;
use serde_json::json;

use super::*;
use crate::{Scopes, testing::START};

const ISSUER: &str = "https://auth.example.com/api/v1/auth";
const USER: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

/// Somebody with the issuer's key, and a verifier with its public half.
struct Place {
    signing: EncodingKey,
    keys: Keys,
    expected: Expected,
}

impl Place {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k", "x": x}]});
        let expected =
            Expected { issuer: ISSUER.into(), audiences: vec![ISSUER.into(), "https://api.example.com".into()] };
        let signing = EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref());
        Self { signing, keys: keys_in(set.to_string().as_bytes()).unwrap(), expected }
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.signing, Algorithm::EdDSA).unwrap();
        format!("{message}.{signature}")
    }

    fn verified(&self, token: &str, now: u64) -> Result<Claims, InvalidToken> {
        let header = header(token)?;
        let key = self.keys.get(&header.kid).ok_or(InvalidToken)?;
        self.expected.verify(token, &header, key, now)
    }

    /// What becomes of the claims with these members changed, under a signature that fits. Null takes one away.
    fn with(&self, changes: &Value, now: u64) -> Result<Claims, InvalidToken> {
        self.verified(&self.signed(&genuine_header(), &changed(&claims(), changes)), now)
    }
}

fn genuine_header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": ISSUER, "sub": USER, "sid": USER, "client_id": USER, "exp": START + 1200, "iat": START, "nbf": START,
        "auth_time": START, "jti": "1", "amr": ["pwd"], "scope": "orders:read", "ep": 0,
    })
}

fn changed(object: &Value, changes: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}

#[test]
fn a_good_token_says_who_is_calling() {
    let claims = Place::new().with(&json!({}), START).unwrap();
    assert_eq!((claims.user_key.as_str(), claims.expires_at, claims.epoch), (USER, START + 1200, 0));
    assert!(claims.scopes.contains("orders:read"));
    assert_eq!(Place::new().with(&json!({"scope": null}), START).unwrap().scopes, Scopes::default());
    assert!(Place::new().with(&json!({"aud": "https://api.example.com"}), START).is_ok());
}

#[test]
fn every_claim_must_be_there_with_its_type() {
    let place = Place::new();
    for name in claims().as_object().unwrap().keys().filter(|name| *name != "scope") {
        assert!(place.with(&json!({name: null}), START).is_err(), "without {name}");
    }
    for name in claims().as_object().unwrap().keys() {
        for value in
            [json!(-1), json!(1.5), json!("1795295373"), json!([]), json!({}), json!([ISSUER, ISSUER]), json!(true)]
        {
            let fits = (name == "jti" || name == "scope") && value.is_string() || name == "amr" && value.is_array();
            assert_eq!(place.with(&json!({name: value}), START).is_ok(), fits, "{name}: {value}");
        }
    }
    for other in
        ["https://auth.example.com/api/v1/auth/", "https://AUTH.example.com/api/v1/auth", "https://evil.example"]
    {
        assert!(
            place.with(&json!({"iss": other}), START).is_err() && place.with(&json!({"aud": other}), START).is_err()
        );
    }
    for id in [USER.to_uppercase(), USER.replace('-', ""), format!("{{{USER}}}")] {
        assert!(place.with(&json!({"sub": id}), START).is_err(), "{id}");
    }
}

#[test]
fn time_is_taken_with_thirty_seconds_of_leeway() {
    let place = Place::new();
    let end = START + 1200;
    for (now, good) in [(START - 31, false), (START - 30, true), (end + 29, true), (end + 30, false), (u64::MAX, false)]
    {
        assert_eq!(place.with(&json!({}), now).is_ok(), good, "{now}");
    }
    for name in ["iat", "nbf"] {
        assert!(place.with(&json!({name: START + 30}), START).is_ok(), "{name}");
        assert!(place.with(&json!({name: START + 31}), START).is_err(), "{name}");
    }
}

#[test]
fn a_header_says_three_things_and_nothing_else() {
    let place = Place::new();
    let with = |changes: Value| place.verified(&place.signed(&changed(&genuine_header(), &changes), &claims()), START);
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(with(json!({"typ": typ})).is_ok(), "{typ}");
    }
    for changes in [
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"alg": "none"}),
        json!({"alg": "ES256"}),
        json!({"alg": null}),
        json!({"kid": null}),
        json!({"kid": "other"}),
        json!({"kid": 1}),
        json!({"jku": "https://evil.example"}),
        json!({"crit": ["exp"]}),
        json!({"zip": "DEF"}),
        json!({"x": 1}),
    ] {
        assert!(with(changes.clone()).is_err(), "{changes}");
    }
}

#[test]
fn what_is_no_token_is_refused_before_anything_is_computed() {
    let place = Place::new();
    let token = place.signed(&genuine_header(), &claims());
    let long = place.signed(&genuine_header(), &changed(&claims(), &json!({"x": "x".repeat(MAX_LENGTH)})));
    let others =
        ["", ".", "..", "a.b.c", &token[1..], &token[..token.len() - 1], &format!("{token}."), &format!(" {token}")];
    for other in others.into_iter().chain([long.as_str(), &format!("{token}=")]) {
        assert_eq!(place.verified(other, START), Err(InvalidToken), "{other:.60}");
    }
}
