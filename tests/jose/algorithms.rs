//! Forgeries of the algorithm: none, HMAC, and others than the key's.

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::EncodingKey;
use serde_json::json;
use shared::access_token::Algorithm;

use super::forge::{Forgery, Target, encode, message, parts, signature, with};

pub fn all(target: &Target) -> Vec<Forgery> {
    [unsigned, hmac, swapped].into_iter().flat_map(|family| family(target)).collect()
}

/// `none` in all sixteen spellings of its letters, and what else might be read as no algorithm.
fn unsigned(target: &Target) -> Vec<Forgery> {
    let spelt = |bits: usize| {
        let letter =
            |(at, letter): (usize, char)| if bits >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter };
        json!("none".chars().enumerate().map(letter).collect::<String>())
    };
    let others = [
        json!(""),
        json!(null),
        json!(false),
        json!([]),
        json!("none "),
        json!(" none"),
        json!("n\u{f6}ne"),
        json!("none\u{0}"),
    ];
    let claims = target.claims.to_string();
    let token = target.genuine();
    let signature = parts(&token)[2];
    let forged = (0..16).map(spelt).chain(others).flat_map(|algorithm| {
        let message = message(&with(&target.header(), "alg", algorithm.clone()).to_string(), &claims);
        ["", signature, "AA"].map(|signature| {
            Forgery::new("unsigned", format!("{algorithm} {signature}"), format!("{message}.{signature}"))
        })
    });
    let without = message(&json!({"typ": "at+jwt", "kid": target.pair.kid}).to_string(), &claims);
    forged.chain([Forgery::new("unsigned", "no algorithm", format!("{without}."))]).collect()
}

/// HMAC with everything that an attacker has, the public key in all its forms first (RFC 8725 §2.1).
fn hmac(target: &Target) -> Vec<Forgery> {
    let [x509, own] = target.public_ders();
    let jwk = serde_json::to_value(&target.pair.public).expect("JSON");
    let pem = |label: &str, der: &[u8], end: &str| {
        let lines: Vec<_> =
            STANDARD.encode(der).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        [&[format!("-----BEGIN {label}-----")], lines.as_slice(), &[format!("-----END {label}-----")]]
            .concat()
            .join(end)
    };
    let pems = ["\n", "\r\n"].map(|end| pem("PUBLIC KEY", &x509, end));
    let mut secrets: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0],
        vec![0; 32],
        b"secret".to_vec(),
        target.pair.kid.clone().into_bytes(),
        jwk.to_string().into_bytes(),
        serde_json::to_vec_pretty(&jwk).expect("JSON"),
        json!({"keys": [jwk]}).to_string().into_bytes(),
        pem("RSA PUBLIC KEY", &own, "\n").into_bytes(),
        STANDARD.encode(&x509).into_bytes(),
        encode(&x509).into_bytes(),
        STANDARD.encode(&own).into_bytes(),
        encode(&own).into_bytes(),
        own[1..].to_vec(),
        own[..own.len() / 2].to_vec(),
        own.clone(),
        x509.clone(),
    ];
    for pem in pems {
        secrets.extend(
            [format!("{pem}\n"), format!("{pem}\r\n"), format!("\n{pem}"), format!("{pem} "), pem]
                .map(String::into_bytes),
        );
    }
    for member in ["x", "y", "n", "k"] {
        secrets.extend(jwk[member].as_str().map(|text| text.as_bytes().to_vec()));
    }
    let names = [jsonwebtoken::Algorithm::HS256, jsonwebtoken::Algorithm::HS384, jsonwebtoken::Algorithm::HS512];
    let mut forged = Vec::new();
    for (at, secret) in secrets.iter().enumerate() {
        for algorithm in names {
            let honest = with(&target.header(), "alg", json!(format!("{algorithm:?}")));
            // Our own name for the algorithm, over a signature that is an HMAC.
            for header in [honest, target.header()] {
                let message = message(&header.to_string(), target.claims.to_string());
                let tag = signature(&message, &EncodingKey::from_secret(secret), algorithm);
                forged.push(Forgery::new(
                    "hmac",
                    format!("{algorithm:?} with secret {at}"),
                    format!("{message}.{}", encode(tag)),
                ));
            }
        }
    }
    forged
}

/// The genuine key under the name of every other algorithm, and what it signs with other algorithms.
fn swapped(target: &Target) -> Vec<Forgery> {
    use jsonwebtoken::Algorithm::{PS256, PS384, PS512, RS384, RS512};

    let names = [
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "EdDSA",
        "Ed25519",
        "Ed448",
        "HS256",
        "dir",
        "A128KW",
        "RSA1_5",
        "RSA-OAEP",
        "ML-DSA-44",
        "RS1",
    ];
    let own = target.pair.algorithm.as_str();
    let cases = [own.to_lowercase(), format!("{own} "), format!("{own}\0"), format!("[{own}]")];
    let names = names.into_iter().map(str::to_owned).chain(cases).filter(|name| name != own);
    let mut forged: Vec<_> = names
        .map(|name| {
            let header = with(&target.header(), "alg", json!(name)).to_string();
            Forgery::new("swapped algorithm", name, target.sealed(&header, target.claims.to_string()))
        })
        .collect();
    if target.pair.algorithm == Algorithm::RS256 {
        for algorithm in [PS256, PS384, PS512, RS384, RS512] {
            for name in ["RS256".to_owned(), format!("{algorithm:?}")] {
                let message =
                    message(&with(&target.header(), "alg", json!(name)).to_string(), target.claims.to_string());
                let signature = encode(signature(&message, &target.encoding_key(), algorithm));
                forged.push(Forgery::new(
                    "swapped algorithm",
                    format!("{algorithm:?} as {name}"),
                    format!("{message}.{signature}"),
                ));
            }
        }
    }
    forged
}
