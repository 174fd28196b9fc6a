//! `GET /.well-known/jwks.json`: the public keys (RFC 7517 §5).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;
use shared::{
    http::Response,
    keyring::{Jwk, PUBLISHED_FOR, PublicRing},
    problem::Problem,
    world::World,
};

use crate::openapi::{CalledBy, Operation};

/// Public keys.
#[derive(Serialize, JsonSchema)]
struct Jwks<'a> {
    #[schemars(schema_with = "keys")]
    keys: Vec<&'a Jwk>,
}

/// The members that all kinds of keys have; the others are those of their kind (RFC 7518 §6, RFC 8037 §2).
fn keys(_: &mut SchemaGenerator) -> Schema {
    let member = json!({"type": "string"});
    json_schema!({"type": "array", "items": {
        "type": "object",
        "required": ["kty", "alg", "use", "kid"],
        "properties": {"kty": member, "alg": {"enum": ["ES256", "RS256", "EdDSA"]}, "use": {"const": "sig"}, "kid": member},
        "additionalProperties": member,
    }})
}

pub(crate) fn operations() -> Vec<Operation> {
    let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "41bd76711b928e47", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let operation = Operation::new("jwks", "GET", "/.well-known/jwks.json", CalledBy::Anyone)
        .about("metadata", "Get the public keys", "Cacheable for 300 s.")
        .answers::<Jwks>(
            200,
            "The keys that sign access tokens, and those that will",
            &[("es256", json!({"keys": [key]}))],
        );
    vec![operation]
}

/// Answers 200 from memory. Only public members are ever stored under these keys.
pub async fn handle(keys: &PublicRing, world: &impl World) -> Result<Response, Problem> {
    let keys = keys.published(world.now()).await?;
    let keys = keys.iter().map(|key| &key.jwk).collect();
    Ok(Response::json(200, &Jwks { keys })?.cacheable(PUBLISHED_FOR))
}
