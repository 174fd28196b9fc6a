//! `GET /.well-known/jwks.json`: the public keys (RFC 7517 §5).

use serde_json::json;
use shared::{
    http::Response,
    keyring::{PUBLISHED_FOR, PublicRing},
    problem::Problem,
    world::World,
};

/// Answers 200 from memory. Only public members are ever stored under these keys.
pub async fn handle(keys: &PublicRing, world: &impl World) -> Result<Response, Problem> {
    let keys = keys.published(world.now()).await?;
    let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
    Ok(Response::json(200, &json!({"keys": keys}))?.cacheable(PUBLISHED_FOR))
}
