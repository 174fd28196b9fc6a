//! The example of the client's documentation, on a stack.

#[expect(dead_code, reason = "its `main` is not called, its service is")]
#[path = "../../clients/rust/examples/axum.rs"]
mod axum_example;

use super::{grant, serve, verifier};
use crate::support::App;

#[tokio::test]
async fn the_example_service_knows_its_callers() {
    let app = App::start();
    let url = serve(axum_example::service(&verifier(&app))).await;
    let mut alice = app.registered(&app.service(), "alice").await;
    grant(&alice, "orders:read").await;
    alice.sign_in().await.ok();
    let bob = app.signed_in(&app.service(), "bob").await;

    let get = |path: &str| app.client.get(format!("{url}{path}"));
    assert_eq!(app.send(get("/catalogue")).await.ok().text_of("hello"), "stranger");
    let known = app.send(get("/catalogue").bearer_auth(&bob.access_token)).await.ok();
    assert_eq!(known.text_of("hello"), bob.user_key);
    app.send(get("/catalogue").bearer_auth("junk")).await.problem(401, "invalid_token");

    assert_eq!(app.send(get("/orders").bearer_auth(&alice.access_token)).await.ok().text_of("of"), alice.user_key);
    app.send(get("/orders").bearer_auth(&bob.access_token)).await.problem(403, "insufficient_scope");
    app.send(get("/orders")).await.problem(401, "token_required");
}
