//! The whole way, for applications of both kinds.

use serde_json::{Value, json};

use super::{
    Traveller, place,
    providers::MAX_SESSIONS,
    query_of,
    traveller::{RETURN_TO, challenge},
};
use crate::support::{Answer, Known, VERIFIER, claims};

#[tokio::test]
async fn a_page_comes_back_with_the_cookies_of_a_session() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let answer = ada.travel("honest", &web, "ada-web").await.status(303);
    assert_eq!(answer.header("location"), RETURN_TO);
    assert_eq!(answer.text, "", "and nothing of it in a body");
    for (name, attributes) in [
        ("access_token", "; Path=/; Max-Age=1200; HttpOnly; SameSite=Lax"),
        ("refresh_token", "; Path=/api/v1/auth; Max-Age=259200; HttpOnly; SameSite=Strict"),
    ] {
        let line = set_cookie(&answer, name);
        assert!(line.ends_with(attributes), "{line}");
    }
    let token = claims(&ada.cookies["access_token"]);
    assert_eq!(token["amr"], json!(["fed"]));
    assert_eq!(token["client_id"], web.id);

    let who = ada.call(&web, "GET", "/whoami").await.ok().body();
    assert_eq!((&who["authenticated"], who.get("user_id")), (&json!(true), None), "{who}");
    ada.call(&web, "POST", "/refresh").await.ok();
    ada.call(&web, "DELETE", "/logout").await.ok();
    assert_eq!(ada.call(&web, "GET", "/whoami").await.ok().body()["authenticated"], false);
}

#[tokio::test]
async fn an_app_exchanges_a_code_for_its_tokens() {
    let mut ada = Traveller::new();
    let service = ada.app.service();
    let (sent, method) = (challenge(VERIFIER), "S256");
    let more = [("code_challenge", sent.as_str()), ("code_challenge_method", method), ("state", "af0 ifj=&?")];
    let page = ada.leave("honest", &service, &more).await;
    let back = ada.sign_in_at(&page, "ada-service").await;
    let answer = ada.go(&back).await.status(303);
    let location = answer.header("location").to_owned();
    let said = query_of(&location);
    assert!(location.starts_with(RETURN_TO), "{location}");
    assert_eq!(said.keys().collect::<Vec<_>>(), ["code", "iss", "state"], "no token in an address");
    assert_eq!(said["state"], "af0 ifj=&?");
    assert_eq!(said["iss"], ada.app.url("/api/v1/auth"));
    assert!(!ada.cookies.contains_key("access_token"));

    let tokens = ada.exchange(&service, &said["code"]).await.ok();
    let token = claims(&tokens.text_of("access_token"));
    assert_eq!((&token["amr"], &token["client_id"]), (&json!(["fed"]), &json!(service.id)));
    let refresh = json!({"refresh_token": tokens.text_of("refresh_token")});
    ada.app.post(&service, "/refresh", &refresh).await.ok();
}

#[tokio::test]
async fn the_same_person_has_the_same_account_and_another_one_another() {
    let web = place().web();
    let mut subjects = Vec::new();
    for (provider, login) in
        [("honest", "ada-same"), ("honest", "ada-same"), ("honest", "eve-same"), ("honest-too", "ada-same")]
    {
        let mut somebody = Traveller::new();
        somebody.travel(provider, &web, login).await.status(303);
        subjects.push(claims(&somebody.cookies["access_token"])["sub"].clone());
    }
    assert_eq!(subjects[0], subjects[1]);
    assert_ne!(subjects[0], subjects[2]);
    assert_ne!(subjects[0], subjects[3], "the same name at another provider is somebody else");
}

#[tokio::test]
async fn a_provider_without_openid_says_who_somebody_is_by_its_user_info() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let mut subjects = Vec::new();
    for _ in 0..2 {
        ada.cookies.clear();
        ada.travel("plain", &web, "ada-plain").await.status(303);
        subjects.push(claims(&ada.cookies["access_token"])["sub"].clone());
    }
    assert_eq!(subjects[0], subjects[1]);
    let item = ada.app.database.user(subjects[0].as_str().expect("a subject")).await;
    let identity = item["identities"].as_l().expect("a list")[0].as_m().expect("a map");
    let subject = identity["subject"].as_s().expect("text");
    assert!(subject.bytes().all(|byte| byte.is_ascii_digit()), "{subject} is the number that it said");
    assert!(!item.contains_key("email_verified"), "its addresses are not vouched for");
}

#[tokio::test]
async fn a_new_user_may_do_what_the_application_says() {
    let mut ada = Traveller::new();
    let app = ada.app.application(|application| {
        application.allowed_return_to = vec![RETURN_TO.to_owned()];
        application.default_permissions.add("orders:read").expect("a permission");
    });
    let app = app.await;
    let code = ada.fetch_code("honest", &app, "login=ada-permitted&action=continue", false).await;
    let tokens = ada.exchange(&app, &code).await.ok();
    assert_eq!(claims(&tokens.text_of("access_token"))["scope"], "orders:read");
}

#[tokio::test]
async fn signing_in_again_replaces_the_browsers_session() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    ada.travel("honest", &web, "ada-again").await.status(303);
    let first = ada.clone();
    ada.travel("honest", &web, "ada-again").await.status(303);
    let (old, new) = (session(&first), session(&ada));
    assert_ne!(old, new);
    let listed = ada.call(&web, "GET", "/sessions").await.ok().body();
    let ids: Vec<_> = listed["sessions"].as_array().expect("a list").iter().map(|one| &one["session_id"]).collect();
    assert_eq!(ids, [&new]);
}

#[tokio::test]
async fn two_flows_of_one_browser_do_not_disturb_each_other() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let one = ada.leave("honest", &web, &[("state", "one")]).await;
    let two = ada.leave("honest-too", &web, &[("state", "two")]).await;
    let back_of_two = ada.sign_in_at(&two, "ada-two").await;
    let back_of_one = ada.sign_in_at(&one, "ada-two").await;
    for (back, state) in [(back_of_one, "one"), (back_of_two, "two")] {
        let location = ada.go(&back).await.status(303).header("location").to_owned();
        assert_eq!(location, format!("{RETURN_TO}?state={state}"));
    }
}

#[tokio::test]
async fn what_has_a_query_already_gets_one_more_parameter() {
    let mut ada = Traveller::new();
    let address = "https://app.example.com/in?tenant=7";
    let app: Known = ada.app.application(|application| application.allowed_return_to = vec![address.to_owned()]).await;
    let sent = challenge(VERIFIER);
    let more = [("return_to", address), ("code_challenge", sent.as_str()), ("code_challenge_method", "S256")];
    let page = ada.start("honest", &app, &more).await.status(303).header("location").to_owned();
    let back = ada.sign_in_at(&page, "ada-query").await;
    let location = ada.go(&back).await.status(303).header("location").to_owned();
    assert!(location.starts_with(&format!("{address}&code=")), "{location}");
}

fn session(traveller: &Traveller) -> Value {
    claims(&traveller.cookies["access_token"])["sid"].clone()
}

fn set_cookie(answer: &Answer, name: &str) -> String {
    let lines = answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    lines.into_iter().find(|line| line.starts_with(&format!("{name}="))).expect("it is set").to_owned()
}

#[tokio::test]
async fn a_user_has_a_limited_number_of_sessions_however_they_sign_in() {
    let mut ada = Traveller::new();
    let (web, service) = (ada.app.web(), ada.app.service());
    let login = ada.app.fresh_name("ada");
    for _ in 0..=MAX_SESSIONS {
        ada.cookies.clear();
        ada.travel("honest", &web, &login).await.status(303);
    }
    for _ in 0..=MAX_SESSIONS {
        let mut elsewhere = Traveller::new();
        let code = elsewhere.fetch_code("honest", &service, &format!("login={login}&action=continue"), false).await;
        elsewhere.exchange(&service, &code).await.ok();
    }
    ada.cookies.clear();
    ada.travel("honest", &web, &login).await.status(303);
    let subject = claims(&ada.cookies["access_token"])["sub"].as_str().expect("a subject").to_owned();
    assert_eq!(ada.app.database.count_sessions(&subject).await, MAX_SESSIONS);
}
