//! What is answered when something has ended.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use shared::{http::Response, problem::Problem};

/// It is over, whether by this request or before it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Revoked {
    #[schemars(extend("const" = true))]
    revoked: bool,
}

/// `{"revoked": true}`.
pub(crate) fn revoked() -> Result<Response, Problem> {
    Response::json(200, &Revoked { revoked: true })
}

/// The answer, by way of an example.
pub(crate) fn example() -> [(&'static str, Value); 1] {
    [("revoked", json!({"revoked": true}))]
}
