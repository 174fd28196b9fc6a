//! `GET /.well-known/jwks.json`: the public keys (RFC 7517 §5).

use serde_json::json;
use shared::{http::Response, keyring::PublicRing, problem::Problem, world::World};

/// How long anyone may keep the answer, in seconds. A new key is published at least this long before it signs.
pub const MAX_AGE: u32 = 300;

/// Answers 200 from memory. Only public members are ever stored under these keys.
pub async fn handle(keys: &PublicRing, world: &impl World) -> Result<Response, Problem> {
    let keys = keys.published(world.now()).await?;
    let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
    Ok(Response::json(200, &json!({"keys": keys}))?.cacheable(MAX_AGE))
}
