//! A user who is signed in adds and removes ways to sign in.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use shared::{
    user::{Status, User},
    world::{System, World},
};

use super::{Traveller, place, providers::TRUSTED};
use crate::support::{Answer, App, Browser, Known, Person, VERIFIER, believed, claims};

async fn identities(person: &Person, method: &str, path: &str, body: Option<Value>) -> Answer {
    let request = person.app.request(method, &format!("/identities{path}"));
    let request = request.header("api-key", &person.application.publishable_key).bearer_auth(&person.access_token);
    person.app.send(with_body(request, body)).await
}

fn with_body(request: RequestBuilder, body: Option<Value>) -> RequestBuilder {
    match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request,
    }
}

/// A code for linking whoever `login` is at `provider`.
async fn code(app: &Known, provider: &str, login: &str) -> Value {
    let code = Traveller::new().fetch_code(provider, app, &format!("login={login}&action=continue"), true).await;
    json!({"code": code, "code_verifier": VERIFIER})
}

#[tokio::test]
async fn an_identity_is_linked_signs_in_and_is_removed() {
    let app = place();
    let service = app.service();
    let ada = app.signed_in(&service, "ada").await;
    let login = app.fresh_name("ada");
    let none = json!({"has_password": true, "identities": []});
    assert_eq!(identities(&ada, "GET", "", None).await.ok().body(), none);

    let body = code(&service, "honest", &login).await;
    let list = identities(&ada, "POST", "", Some(body.clone())).await.ok().body();
    let identity = &list["identities"][0];
    assert_eq!((&identity["provider"], &identity["email"]), (&json!("honest"), &json!(format!("{login}@example.com"))));
    assert_eq!(identities(&ada, "GET", "", None).await.ok().body(), list);
    identities(&ada, "POST", "", Some(body)).await.problem(400, "invalid_code");
    let again = code(&service, "honest", &login).await;
    assert_eq!(identities(&ada, "POST", "", Some(again)).await.ok().body(), list, "what is linked stays linked");

    assert_eq!(signs_in(&service, "honest", &login).await, ada.user_key);
    let id = identity["identity_id"].as_str().expect("an id");
    assert_eq!(identities(&ada, "DELETE", &format!("/{id}"), None).await.ok().body(), none);
    identities(&ada, "DELETE", &format!("/{id}"), None).await.problem(404, "identity_not_found");
    assert_ne!(signs_in(&service, "honest", &login).await, ada.user_key, "it is a newcomer's now");
    identities(&ada, "GET", "", None).await.ok();
}

#[tokio::test]
async fn what_signs_in_somebody_else_can_not_be_linked() {
    let app = place();
    let service = app.service();
    let login = app.fresh_name("eve");
    let eve = signs_in(&service, "honest", &login).await;
    let ada = app.signed_in(&service, "ada").await;
    let body = code(&service, "honest", &login).await;
    identities(&ada, "POST", "", Some(body)).await.problem(409, "identity_taken");
    assert_eq!(signs_in(&service, "honest", &login).await, eve);
}

#[tokio::test]
async fn the_last_way_to_sign_in_stays() {
    let app = place();
    let service = app.service();
    let login = app.fresh_name("ada");
    let ada = arrived(&app, &service, "honest", &login).await;
    let list = identities(&ada, "GET", "", None).await.ok().body();
    assert_eq!(list["has_password"], false);
    let own = format!("/{}", list["identities"][0]["identity_id"].as_str().expect("an id"));
    identities(&ada, "DELETE", &own, None).await.problem(409, "last_credential");

    let body = code(&service, "honest-too", &login).await;
    let list = identities(&ada, "POST", "", Some(body)).await.ok().body();
    let other = format!("/{}", list["identities"][1]["identity_id"].as_str().expect("an id"));
    // Both at once: one goes, the other stays.
    let removals = [own, other].map(|path| {
        let ada = ada.clone();
        tokio::spawn(async move { identities(&ada, "DELETE", &path, None).await.status })
    });
    let mut statuses: Vec<_> = join_all(removals).await.into_iter().map(|status| status.expect("a status")).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let left = identities(&ada, "GET", "", None).await.ok().body();
    assert_eq!(left["identities"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_user_has_a_limited_number_of_identities() {
    let app = place();
    let service = app.service();
    let ada = app.signed_in(&service, "ada").await;
    let name = app.fresh_name("many");
    for n in 0..User::MAX_IDENTITIES {
        let body = code(&service, "honest", &format!("{name}-{n}")).await;
        identities(&ada, "POST", "", Some(body)).await.ok();
    }
    let body = code(&service, "honest", &format!("{name}-more")).await;
    identities(&ada, "POST", "", Some(body)).await.problem(409, "too_many_identities");
}

#[tokio::test]
async fn identities_are_their_users_business() {
    let app = place();
    let service = app.service();
    let ada = arrived(&app, &service, "honest", &app.fresh_name("ada")).await;
    let eve = app.signed_in(&service, "eve").await;
    let list = identities(&ada, "GET", "", None).await.ok().body();
    let id = list["identities"][0]["identity_id"].as_str().expect("an id").to_owned();
    identities(&eve, "DELETE", &format!("/{id}"), None).await.problem(404, "identity_not_found");
    identities(&eve, "DELETE", "/nonsense", None).await.problem(404, "identity_not_found");
    let anonymous = app.request("GET", "/identities").header("api-key", &service.publishable_key);
    app.send(anonymous).await.problem(401, "token_required");
    app.post(&service, "/identities", &json!({})).await.problem(401, "token_required");

    // Of two applications, the one whose flow it was.
    let other = app.application(|_| {}).await;
    let body = code(&service, "honest", &app.fresh_name("ada")).await;
    let elsewhere = app.signed_in(&other, "ada").await;
    identities(&elsewhere, "POST", "", Some(body)).await.problem(400, "invalid_code");
}

#[tokio::test]
async fn a_page_links_with_its_cookies_if_it_is_of_an_allowed_origin() {
    let app = place();
    let web = app.web();
    let browser = Browser::signed_in(&app, &web, "ada").await;
    let body = code(&web, "honest", &app.fresh_name("ada")).await;
    let foreign = with_body(browser.from("https://evil.example", "POST", "/identities"), Some(body.clone()));
    app.send(foreign).await.problem(403, "origin_not_allowed");
    let own = with_body(browser.from(crate::support::PAGE, "POST", "/identities"), Some(body));
    let list = app.send(own).await.ok().body();
    let id = list["identities"][0]["identity_id"].as_str().expect("an id");
    let path = format!("/identities/{id}");
    app.send(browser.from("https://evil.example", "DELETE", &path)).await.problem(403, "origin_not_allowed");
    app.send(browser.from(crate::support::PAGE, "DELETE", &path)).await.ok();
}

#[tokio::test]
async fn who_has_signed_out_links_nothing() {
    let app = place();
    let service = app.service();
    let ada = app.signed_in(&service, "ada").await;
    let body = code(&service, "honest", &app.fresh_name("ada")).await;
    let logout = app.request("DELETE", "/logout").header("api-key", &service.publishable_key);
    app.send(logout.bearer_auth(&ada.access_token)).await.ok();
    identities(&ada, "POST", "", Some(body)).await.problem(401, "invalid_token");
    identities(&ada, "GET", "", None).await.problem(401, "invalid_token");
    identities(&ada, "DELETE", "/any", None).await.problem(401, "invalid_token");
}

#[tokio::test]
async fn a_sign_in_of_some_time_ago_changes_no_way_to_sign_in() {
    let app = place();
    let service = app.service();
    let ada = app.signed_in(&service, "ada").await;
    let session = claims(&ada.access_token)["sid"].as_str().expect("an id").to_owned();
    let body = code(&service, "honest", &app.fresh_name("ada")).await;
    let long_ago = System.now().minus(Duration::from_secs(15 * 60 + 1)).seconds();
    app.database.set_session(&ada.user_key, &session, "created_at", long_ago).await;
    for (method, path, body) in [("POST", "", Some(body.clone())), ("DELETE", "/any", None)] {
        let answer = identities(&ada, method, path, body).await.problem(401, "insufficient_user_authentication");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.ends_with(r#"error="insufficient_user_authentication", max_age="900""#), "{challenge}");
    }
    identities(&ada, "GET", "", None).await.ok();
    let recent = System.now().minus(Duration::from_mins(14)).seconds();
    app.database.set_session(&ada.user_key, &session, "created_at", recent).await;
    identities(&ada, "POST", "", Some(body)).await.ok();
}

#[tokio::test]
async fn the_word_for_an_address_goes_with_the_identity_that_it_came_with() {
    let app = place();
    let service = app.service();
    let email = format!("{}@example.com", app.fresh_name("withdrawn"));
    let form = |login: &str| format!("login={login}&email={email}&email_verified=on&action=continue");
    let (first, second) = (app.fresh_name("ada"), app.fresh_name("ada"));
    let ada = arrived_with(&app, &service, TRUSTED[0], &form(&first)).await;
    assert!(app.database.user(&ada.user_key).await.contains_key("email_verified"));
    let body = code(&service, "honest", &app.fresh_name("ada")).await;
    let list = identities(&ada, "POST", "", Some(body)).await.ok().body();
    let id = list["identities"][0]["identity_id"].as_str().expect("an id").to_owned();
    identities(&ada, "DELETE", &format!("/{id}"), None).await.ok();
    assert!(!app.database.user(&ada.user_key).await.contains_key("email_verified"));
    let next = arrived_with(&app, &service, TRUSTED[1], &form(&second)).await;
    assert_ne!(next.user_key, ada.user_key);
    assert!(app.database.user(&next.user_key).await.contains_key("email_verified"), "it is free again");
}

#[tokio::test]
async fn a_code_for_linking_is_used_up_whatever_comes_of_it() {
    let app = place();
    let service = app.service();
    let login = app.fresh_name("ada");
    let ada = arrived(&app, &service, "honest", &login).await;
    let body = code(&service, "honest", &login).await;
    identities(&ada, "POST", "", Some(body.clone())).await.ok();
    identities(&ada, "POST", "", Some(body)).await.problem(400, "invalid_code");

    let eve = app.signed_in(&service, "eve").await;
    let body = code(&service, "honest", &login).await;
    identities(&eve, "POST", "", Some(body.clone())).await.problem(409, "identity_taken");
    identities(&eve, "POST", "", Some(body)).await.problem(400, "invalid_code");
}

#[tokio::test]
async fn nobody_links_to_an_account_that_was_closed_meanwhile() {
    let app = place();
    let users = app.database.store().users;
    for disable in [true, false] {
        let ada = app.registered(&app.service(), "ada").await;
        let read =
            async || users.find(ada.user_key.parse().expect("a key")).await.expect("an answer").expect("the user");
        let seen = read().await;
        let closed =
            if disable { users.set_status(&seen, Status::Disabled).await } else { users.end_all_sessions(&seen).await };
        assert!(closed.expect("an answer"));
        let identity = believed(&app.fresh_name("subject")).link(System.now());
        assert!(!users.link(&seen, identity, None, &System).await.expect("an answer"));
        assert!(read().await.identities.is_empty());
    }
}

/// Whose account `login` at `provider` opens.
async fn signs_in(app: &Known, provider: &str, login: &str) -> String {
    arrived(&place(), app, provider, login).await.user_key
}

/// Somebody who has come by a provider.
async fn arrived(app: &App, application: &Known, provider: &str, login: &str) -> Person {
    arrived_with(app, application, provider, &format!("login={login}&action=continue")).await
}

/// The same, with `form` handed in there.
async fn arrived_with(app: &App, application: &Known, provider: &str, form: &str) -> Person {
    let mut traveller = Traveller::new();
    let code = traveller.fetch_code(provider, application, form, false).await;
    let tokens = traveller.exchange(application, &code).await.ok();
    let access_token = tokens.text_of("access_token");
    let user_key = claims(&access_token)["sub"].as_str().expect("a subject").to_owned();
    let mut person = Person::new(app.clone(), application.clone(), String::new(), user_key);
    person.access_token = access_token;
    person.refresh_token = tokens.text_of("refresh_token");
    person
}
