//! The script: no key at all, one long-lived refresh token.

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, claims};

/// A POST without an `Api-Key`: the default application serves it.
async fn post(app: &App, path: &str, body: &Value) -> Answer {
    app.send(app.request("POST", path).header("content-type", "application/json").body(body.to_string())).await
}

#[tokio::test]
async fn a_script_registers_signs_in_and_refreshes_for_a_month() {
    let app = App::start();
    let user_id = app.fresh_name("script");
    let registered = post(&app, "/register", &json!({"user_id": user_id, "user_secret": PASSWORD})).await.status(201);
    let user_key = registered.text_of("user_key");
    assert_eq!(registered.text_of("user_id"), user_id);

    let credentials = json!({"user_key": user_key, "user_secret": PASSWORD});
    let tokens = post(&app, "/authenticate", &credentials).await.ok();
    assert_eq!(tokens.body()["expires_in"], 3600);
    assert_eq!(tokens.body()["refresh_expires_in"], 30 * 86_400);
    let refresh_token = tokens.text_of("refresh_token");

    for _ in 0..3 {
        let answer = post(&app, "/refresh", &json!({"refresh_token": refresh_token})).await.ok();
        let claims = claims(&answer.text_of("access_token"));
        assert_eq!(claims["sub"], user_key);
        assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|iat| iat + 3600));
    }
}

#[tokio::test]
async fn the_access_token_carries_identity_and_permissions() {
    let app = App::start();
    let mut ada = app.registered(&app.legacy(), "ada").await;
    let users = app.database.store().users;
    let user = users.find(ada.user_key.parse().expect("a key")).await.expect("the store answers").expect("ada");
    let mut permissions = user.permissions.clone();
    permissions.add("orders:read").expect("a permission");
    permissions.add("orders:write").expect("a permission");
    assert!(users.set_permissions(&user, &permissions).await.expect("the store answers"));

    ada.sign_in().await.ok();
    assert_eq!(ada.claims()["sub"], ada.user_key);
    assert_eq!(ada.claims()["scope"], "orders:read orders:write");
    assert_eq!(ada.whoami().await.ok().body()["permissions"], json!(["orders:read", "orders:write"]));
}
