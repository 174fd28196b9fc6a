//! What forgers work with.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use shared::{access_token::Algorithm, keys::KeyPair};

/// A token that must be refused.
pub struct Forgery {
    pub family: &'static str,
    pub what: String,
    pub token: String,
}

impl Forgery {
    pub fn new(family: &'static str, what: impl Into<String>, token: impl Into<String>) -> Self {
        Self { family, what: what.into(), token: token.into() }
    }
}

/// Whose tokens are forged: the key in force, the claims of a good token, and an address that nobody may call.
pub struct Target {
    pub pair: KeyPair,
    pub claims: Value,
    pub canary: String,
}

impl Target {
    /// The header of our tokens.
    pub fn header(&self) -> Value {
        json!({"alg": self.pair.algorithm.as_str(), "typ": "at+jwt", "kid": self.pair.kid})
    }

    /// A token that is good.
    pub fn genuine(&self) -> String {
        self.sealed(&self.header().to_string(), self.claims.to_string())
    }

    /// Any header and any payload under a signature of the genuine key.
    pub fn sealed(&self, header: &str, payload: impl AsRef<[u8]>) -> String {
        let message = message(header, payload);
        format!("{message}.{}", encode(self.signature(&message)))
    }

    /// The genuine key's signature.
    pub fn signature(&self, message: &str) -> Vec<u8> {
        signature(message, &self.encoding_key(), self.pair.algorithm.as_str().parse().expect("an algorithm of JOSE"))
    }

    pub fn encoding_key(&self) -> EncodingKey {
        encoding_key(&self.pair)
    }

    /// The public key as `SubjectPublicKeyInfo` (RFC 5280 §4.1), and in the form that its algorithm has for itself.
    pub fn public_ders(&self) -> [Vec<u8>; 2] {
        let private = &self.pair.private;
        let x509 = |der: Result<PublicKeyX509Der<'_>, _>| der.expect("a public key").as_ref().to_vec();
        match self.pair.algorithm {
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private).expect("a key");
                [x509(pair.public_key().as_der()), pair.public_key().as_ref().to_vec()]
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::from_pkcs8(private).expect("a key");
                [x509(pair.public_key().as_der()), pair.public_key().as_ref().to_vec()]
            }
            Algorithm::RS256 => {
                let pair = RsaKeyPair::from_der(private).expect("a key");
                [x509(pair.public_key().as_der()), pair.public_key().as_ref().to_vec()]
            }
        }
    }
}

pub fn encoding_key(pair: &KeyPair) -> EncodingKey {
    match pair.algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_der(&pair.private),
        Algorithm::RS256 => EncodingKey::from_rsa_der(&pair.private),
        Algorithm::EdDSA => EncodingKey::from_ed_der(&pair.private),
    }
}

pub fn signature(message: &str, key: &EncodingKey, algorithm: jsonwebtoken::Algorithm) -> Vec<u8> {
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("a signature");
    decode(&signature)
}

/// What is signed of a JWS (RFC 7515 §5.1).
pub fn message(header: &str, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}", encode(header), encode(payload))
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// The header of a token.
pub fn header_of(token: &str) -> Value {
    serde_json::from_slice(&decode(token.split('.').next().expect("a JWT"))).expect("JSON")
}

/// The three parts of a token.
pub fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().expect("three parts")
}

/// With one member changed or added.
pub fn with(object: &Value, name: &str, member: Value) -> Value {
    let mut changed = object.clone();
    changed[name] = member;
    changed
}
