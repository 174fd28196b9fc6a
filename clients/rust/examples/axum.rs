//! A service behind Gatelet: `GET /catalogue` greets whoever comes, `GET /orders` is for users who may read orders.
//!
//! ```sh
//! cargo dev                                                                       # in one terminal
//! cargo run -p gatelet-client --example axum -- http://127.0.0.1:9000/api/v1/auth # in another
//! curl http://127.0.0.1:3000/catalogue -H "Authorization: Bearer $ACCESS"
//! ```

use axum::{Extension, Json, Router, routing::get};
use gatelet_client::{AuthLayer, Claims, Verifier};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments.next().unwrap_or_else(|| "http://127.0.0.1:9000/api/v1/auth".to_owned());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, service(&Verifier::new(issuer)?)).await?)
}

/// The routes, each behind its layer.
pub fn service(verifier: &Verifier) -> Router {
    let anybody = AuthLayer::optional(verifier.clone());
    let readers = AuthLayer::required(verifier.clone()).with_scope("orders:read");
    Router::new().route("/catalogue", get(catalogue).layer(anybody)).route("/orders", get(orders).layer(readers))
}

async fn catalogue(caller: Option<Extension<Claims>>) -> Json<Value> {
    let hello = caller.map_or("stranger".to_owned(), |Extension(claims)| claims.user_key);
    Json(json!({"hello": hello, "products": ["teapot"]}))
}

async fn orders(Extension(claims): Extension<Claims>) -> Json<Value> {
    Json(json!({"of": claims.user_key, "session": claims.session_id, "orders": []}))
}
