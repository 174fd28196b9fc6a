//! The user's own sessions: listed, ended one by one, and all at once.

use serde_json::{Value, json};

use crate::support::{App, Person, number_of};

/// Somebody with three sessions, all of one account.
async fn with_three_devices(app: &App) -> [Person; 3] {
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let first = alice.clone();
    alice.sign_in().await.ok();
    let second = alice.clone();
    alice.sign_in().await.ok();
    [first, second, alice]
}

/// Neither of its tokens is good for anything.
async fn assert_over(person: &Person) {
    person.token_info().await.problem(401, "invalid_token");
    person.whoami().await.problem(401, "invalid_token");
    person.ask("GET", "/sessions").await.problem(401, "invalid_token");
    person.ask("DELETE", "/sessions").await.problem(401, "invalid_token");
    person.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
}

async fn assert_alive(person: &mut Person) {
    person.token_info().await.ok();
    person.refresh().await.ok();
}

fn ids(list: &Value) -> Vec<String> {
    let sessions = list["sessions"].as_array().expect("a list");
    let mut ids: Vec<_> =
        sessions.iter().map(|session| session["session_id"].as_str().expect("an id").to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn the_list_shows_ones_own_sessions_and_marks_the_current_one() {
    let app = App::start();
    let devices = with_three_devices(&app).await;
    app.signed_in(&app.service(), "eve").await;
    let answer = devices[1].ask("GET", "/sessions").await.ok();
    let list = answer.body();
    let mut expected: Vec<_> = devices.iter().map(Person::session_id).collect();
    expected.sort();
    assert_eq!(ids(&list), expected);
    for session in list["sessions"].as_array().unwrap() {
        let members: Vec<_> = session.as_object().unwrap().keys().collect();
        let expected = [
            "application_id",
            "created_at",
            "current",
            "expires_at",
            "last_used_at",
            "session_id",
            "source_ip",
            "user_agent",
        ];
        assert_eq!(members, expected);
        assert_eq!(session["current"], session["session_id"] == devices[1].session_id());
        assert_eq!(session["application_id"], app.service().id);
        assert_eq!(session["source_ip"], "127.0.0.1");
    }
}

#[tokio::test]
async fn the_list_shows_what_was_seen_and_believes_no_header() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let body = json!({"refresh_token": alice.refresh_token}).to_string();
    let request = app.request("POST", "/refresh").header("api-key", &alice.application.publishable_key);
    let request = request.header("content-type", "application/json").header("x-forwarded-for", "203.0.113.9");
    let request = request.header("user-agent", format!("Tablet/7 {}", "x".repeat(1_000)));
    alice.access_token = app.send(request.body(body)).await.ok().text_of("access_token");
    let list = alice.ask("GET", "/sessions").await.ok().body();
    let session = &list["sessions"][0];
    assert_eq!(session["source_ip"], "127.0.0.1");
    let agent = session["user_agent"].as_str().unwrap();
    assert!(agent.starts_with("Tablet/7 ") && agent.len() <= 256, "{agent}");
}

#[tokio::test]
async fn one_session_can_be_ended_from_another() {
    let app = App::start();
    let [first, mut second, mut third] = with_three_devices(&app).await;
    let path = format!("/sessions/{}", first.session_id());
    let answer = second.ask("DELETE", &path).await.ok();
    assert_eq!(answer.body(), json!({"revoked": true}));
    assert_over(&first).await;
    assert_eq!(ids(&second.ask("GET", "/sessions").await.ok().body()).len(), 2);
    second.ask("DELETE", &path).await.problem(404, "session_not_found");
    assert_alive(&mut second).await;
    assert_alive(&mut third).await;
}

#[tokio::test]
async fn the_current_session_can_end_itself() {
    let app = App::start();
    let [mut first, second, mut third] = with_three_devices(&app).await;
    second.ask("DELETE", &format!("/sessions/{}", second.session_id())).await.ok();
    assert_over(&second).await;
    assert_alive(&mut first).await;
    assert_alive(&mut third).await;
}

#[tokio::test]
async fn all_others_can_be_ended() {
    let app = App::start();
    let [first, mut second, third] = with_three_devices(&app).await;
    let answer = second.ask("DELETE", "/sessions?keep_current=true").await.ok();
    assert_eq!(answer.body(), json!({"revoked": true}));
    assert_over(&first).await;
    assert_over(&third).await;
    assert_eq!(ids(&second.ask("GET", "/sessions").await.ok().body()), [second.session_id()]);
    assert_alive(&mut second).await;
}

#[tokio::test]
async fn all_can_be_ended_and_signing_in_again_works() {
    for path in ["/sessions", "/sessions?keep_current=false"] {
        let app = App::start();
        let [first, mut second, third] = with_three_devices(&app).await;
        let mut eve = app.signed_in(&app.service(), "eve").await;
        second.ask("DELETE", path).await.ok();
        for device in [&first, &second, &third] {
            assert_over(device).await;
        }
        second.sign_in().await.ok();
        assert_eq!(ids(&second.ask("GET", "/sessions").await.ok().body()), [second.session_id()]);
        assert_alive(&mut second).await;
        assert_alive(&mut eve).await;
    }
}

#[tokio::test]
async fn what_is_neither_true_nor_false_ends_nothing() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    for value in ["", "yes", "TRUE", "1", "true&keep_current=false", "true,true"] {
        let path = format!("/sessions?keep_current={value}");
        alice.ask("DELETE", &path).await.problem(400, "invalid_request");
    }
    assert_alive(&mut alice).await;
}

#[tokio::test]
async fn somebody_elses_session_is_none() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let mut eve = app.signed_in(&app.service(), "eve").await;
    let theirs =
        alice.ask("DELETE", &format!("/sessions/{}", eve.session_id())).await.problem(404, "session_not_found");
    let nobodys =
        alice.ask("DELETE", "/sessions/4f1d2a6e-7b0c-4d3e-9a55-1c2b3d4e5f60").await.problem(404, "session_not_found");
    assert_eq!(theirs.text, nobodys.text, "whether it exists is not told");
    assert_alive(&mut eve).await;
}

#[tokio::test]
async fn an_item_past_its_expiry_is_dead_though_it_is_still_there() {
    let app = App::start();
    for attribute in ["expires_at", "absolute_expires_at"] {
        let [first, second, _] = with_three_devices(&app).await;
        let id = first.session_id();
        let now = number_of(&first.session().await, "created_at");
        app.database.set_session(&first.user_key, &id, attribute, now - 1).await;
        assert_over(&first).await;
        let Some(item) = app.database.find_session(&first.user_key, &id).await else {
            panic!("the table has deleted the item, so that this test shows nothing");
        };
        assert!(!item.contains_key("revoked_at"), "a dead session is not written to");
        let list = ids(&second.ask("GET", "/sessions").await.ok().body());
        assert!(!list.contains(&id), "it is not listed");
        second.ask("DELETE", &format!("/sessions/{id}")).await.problem(404, "session_not_found");
        let body = format!("token={}", first.refresh_token);
        let request = app.request("POST", "/introspect").header("api-key", app.service().secret_key);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        assert_eq!(app.send(request).await.ok().body(), json!({"active": false}));
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once_and_twice_is_no_error() {
    let app = App::start();
    for method in ["DELETE", "POST"] {
        let alice = app.signed_in(&app.service(), "alice").await;
        assert_eq!(alice.ask(method, "/logout").await.ok().body(), json!({"revoked": true}));
        assert_over(&alice).await;
        alice.ask(method, "/logout").await.ok();
        app.post(&alice.application, "/logout", &json!({"refresh_token": alice.refresh_token})).await.ok();
    }
}

#[tokio::test]
async fn any_token_of_a_session_signs_it_out() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let oldest = alice.refresh_token.clone();
    alice.refresh().await.ok();
    alice.refresh().await.ok();
    app.post(&alice.application, "/logout", &json!({"refresh_token": oldest})).await.ok();
    assert_over(&alice).await;
}
