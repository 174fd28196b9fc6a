//! `GET /.well-known/jwks.json`: the public keys (RFC 7517 §5).

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    http::Response,
    keyring::{PUBLISHED_FOR, PublicRing},
    problem::Problem,
    store::PublicKey,
    world::World,
};
use utoipa::{ToSchema, openapi::HttpMethod};

use crate::openapi::{CACHEABLE, Operation};

/// The keys that verify access tokens: newest first.
#[derive(Serialize, ToSchema)]
struct Jwks {
    /// At least one.
    keys: Vec<Jwk>,
}

/// A public key. There is no member for anything private.
#[derive(Serialize, Deserialize, ToSchema)]
struct Jwk {
    /// The kind of key: `EC`, `RSA` or `OKP`.
    kty: String,
    /// What it is for.
    #[serde(rename = "use")]
    purpose: String,
    /// The algorithm that it is for, and no other.
    alg: String,
    /// Its name, as in a token's header.
    kid: String,
    /// The curve, of EC and OKP keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    crv: Option<String>,
    /// The point or its first half, of EC and OKP keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    x: Option<String>,
    /// The point's other half, of EC keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    y: Option<String>,
    /// The modulus, of RSA keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    n: Option<String>,
    /// The exponent, of RSA keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    e: Option<String>,
}

impl Jwk {
    fn of(key: &PublicKey) -> serde_json::Result<Self> {
        serde_json::from_value(serde_json::to_value(&key.jwk)?)
    }
}

/// Answers 200 from memory. Only public members are ever stored under these keys.
pub async fn handle(keys: &PublicRing, world: &impl World) -> Result<Response, Problem> {
    let keys = keys.published(world.now()).await?;
    let keys = keys.iter().map(Jwk::of).collect::<Result<_, _>>().map_err(Problem::internal)?;
    Ok(Response::json(200, &Jwks { keys })?.cacheable(PUBLISHED_FOR))
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let key = json!({
        "kty": "EC", "use": "sig", "alg": "ES256", "kid": "41bd76711b928e47", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let example = ("es256", "One key", json!({"keys": [key]}));
    vec![
        Operation::new("jwks", HttpMethod::Get, "/api/v1/auth/.well-known/jwks.json", "servers")
            .says("The public keys", "What verifies access tokens. Cacheable for 300 s.")
            .of_anybody()
            .asks_store()
            .answers::<Jwks>(200, "The keys.", [example], CACHEABLE),
    ]
}
