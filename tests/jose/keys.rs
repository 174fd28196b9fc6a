//! Forgeries of the key: others' keys, and names that are more than names.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use shared::{access_token::Algorithm, keys::KeyPair, world::System};

use super::forge::{Forgery, Target, encode, encoding_key, message, signature, with};

pub fn all(target: &Target) -> Vec<Forgery> {
    [foreign, keys_of_ones_own, names].into_iter().flat_map(|family| family(target)).collect()
}

/// Keys that are not ours, under our key's name and under their own.
fn foreign(target: &Target) -> Vec<Forgery> {
    let pairs = Algorithm::ALL.map(|algorithm| KeyPair::generate(algorithm, &System).expect("a key"));
    pairs.iter().flat_map(|pair| signed_by(pair, target, "foreign key", &json!({}))).collect()
}

/// A foreign key that the token itself brings along, or says where to find (RFC 8725 §3.10).
fn keys_of_ones_own(target: &Target) -> Vec<Forgery> {
    let canary = &target.canary;
    let pair = KeyPair::generate(target.pair.algorithm, &System).expect("a key");
    let members = [
        json!({"jwk": pair.public}),
        json!({"jwk": {"kty": "oct", "k": ""}}),
        json!({"jku": format!("{canary}/jwks.json")}),
        json!({"jku": format!("http://127.0.0.1@{}/", canary.trim_start_matches("http://"))}),
        json!({"jku": format!("file:///dev/null#{canary}")}),
        json!({"x5u": format!("{canary}/cert.pem")}),
        json!({"x5c": [STANDARD.encode(&target.public_ders()[0])]}),
        json!({"x5c": []}),
        json!({"x5t": "AAAA", "x5t#S256": "AAAA"}),
        json!({"iss": canary, "jku": format!("{canary}/.well-known/jwks.json")}),
        json!({"jwk": pair.public, "jku": canary, "x5u": canary}),
    ];
    let mut forged: Vec<_> =
        members.iter().flat_map(|members| signed_by(&pair, target, "key of one's own", members)).collect();
    let elsewhere = with(&target.claims, "iss", json!(canary));
    forged.push(Forgery::new(
        "key of one's own",
        "an issuer to be asked",
        target.sealed(&target.header().to_string(), elsewhere.to_string()),
    ));
    forged
}

fn signed_by(pair: &KeyPair, target: &Target, family: &'static str, members: &Value) -> Vec<Forgery> {
    let name = pair.algorithm.as_str();
    let forged = [&pair.kid, &target.pair.kid].map(|kid| {
        let mut header = json!({"alg": name, "typ": "at+jwt", "kid": kid});
        for (member, value) in members.as_object().expect("an object") {
            header[member] = value.clone();
        }
        let message = message(&header.to_string(), target.claims.to_string());
        let signature = signature(&message, &encoding_key(pair), name.parse().expect("an algorithm"));
        Forgery::new(family, header.to_string(), format!("{message}.{}", encode(signature)))
    });
    forged.into()
}

const NAMES: [&str; 32] = [
    "",
    " ",
    ".",
    "..",
    "/dev/null",
    "../../../../dev/null",
    "..\\..\\nul",
    "/proc/self/environ",
    "%2e%2e%2fdev%2fnull",
    "' OR '1'='1",
    "x' UNION SELECT 'secret' --",
    "\"; DROP TABLE keys; --",
    "{\"$ne\": null}",
    "pk = :pk OR TRUE",
    "*)(uid=*))(|(uid=*",
    "| sleep 10",
    "`sleep 10`",
    "$(sleep 10)",
    "; cat /etc/passwd",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "%s%n",
    "\u{0}",
    "\r\nx: y",
    "\u{202e}",
    "__proto__",
    "constructor",
    "null",
    "undefined",
    "0",
    "private",
    "public#x",
];

/// Key names as paths, queries, commands, addresses, and as other than text (RFC 8725 §3.10).
fn names(target: &Target) -> Vec<Forgery> {
    let kid = &target.pair.kid;
    let texts = NAMES.map(str::to_owned);
    let similar = [
        format!("{kid}\u{0}"),
        format!("{kid} "),
        format!(" {kid}"),
        format!("{kid}\n"),
        kid.to_uppercase().replace(char::is_numeric, "A"),
        kid[..kid.len() - 1].to_owned(),
        format!("{kid}{kid}"),
        format!("{kid},{kid}"),
        format!("./{kid}"),
        format!("{kid}#"),
        format!("{}/{kid}", target.canary),
        "x".repeat(5000),
    ];
    let others = [
        json!(null),
        json!(0),
        json!(1.5),
        json!(true),
        json!([]),
        json!([kid]),
        json!({}),
        json!({"kid": kid}),
        json!({"S": kid}),
        json!({"$eq": kid}),
    ];
    texts
        .into_iter()
        .chain(similar)
        .map(|text| json!(text))
        .chain(others)
        .map(|name| {
            let header = with(&target.header(), "kid", name.clone()).to_string();
            Forgery::new("key name", name.to_string(), target.sealed(&header, target.claims.to_string()))
        })
        .collect()
}
