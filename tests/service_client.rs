//! The API client: a key on every request, tokens in the body, a refresh on 401.

use serde_json::json;

use crate::support::{App, PASSWORD};

#[tokio::test]
async fn an_api_client_signs_in_refreshes_and_leaves() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    let tokens = ada.sign_in().await.ok().body();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!((&tokens["expires_in"], &tokens["refresh_expires_in"]), (&json!(1200), &json!(259_200)));

    let info = ada.token_info().await.ok().body();
    assert_eq!((&info["active"], &info["sub"]), (&json!(true), &json!(ada.user_key)));
    assert_eq!(info["client_id"], ada.application.id);

    // On 401 refresh once and retry.
    ada.access_token.push('x');
    ada.token_info().await.problem(401, "invalid_token");
    ada.refresh().await.ok();
    ada.token_info().await.ok();

    assert_eq!(ada.log_out().await.ok().body(), json!({"revoked": true}));
    ada.token_info().await.problem(401, "invalid_token");
    ada.refresh().await.problem(401, "invalid_grant");
    ada.log_out().await.ok();
}

#[tokio::test]
async fn a_token_with_other_characters_is_refused_as_corrupted() {
    let app = App::start();
    let ada = app.signed_in(&app.service(), "ada").await;
    for character in ["$", "+", "/", "=", "~", "%", "!", "\"", "é"] {
        let mut corrupted = ada.clone();
        corrupted.access_token.insert_str(20, character);
        let answer = corrupted.token_info().await.problem(401, "invalid_token");
        assert!(answer.text_of("detail").contains("corrupted"), "{}", answer.text);
    }
    ada.token_info().await.ok();
}

#[tokio::test]
async fn leaving_works_with_either_token_and_either_method() {
    let app = App::start();
    let refresh_only = app.signed_in(&app.service(), "ada").await;
    let body = json!({"refresh_token": refresh_only.refresh_token});
    assert_eq!(app.post(&app.service(), "/logout", &body).await.ok().body()["revoked"], true);
    refresh_only.token_info().await.problem(401, "invalid_token");

    let access_only = app.signed_in(&app.service(), "ada").await;
    access_only.ask("POST", "/logout").await.ok();
    access_only.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");

    app.send(app.request("DELETE", "/logout").header("api-key", app.service().publishable_key))
        .await
        .problem(401, "invalid_token");
}

#[tokio::test]
async fn the_secret_key_names_the_application_as_well() {
    let app = App::start();
    let ada = app.registered(&app.service(), "ada").await;
    let body = json!({"user_key": ada.user_key, "user_secret": PASSWORD}).to_string();
    let request = app.request("POST", "/authenticate").header("api-key", app.service().secret_key);
    let answer = app.send(request.header("content-type", "application/json").body(body)).await.ok();
    assert!(answer.text_of("refresh_token").starts_with("gl_rt_"));
}
