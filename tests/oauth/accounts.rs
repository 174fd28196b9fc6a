//! Whose account an identity opens.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::user::Status;

use super::{Traveller, place, providers::TRUSTED, query_of};
use crate::support::{App, PASSWORD, claims};

/// Signs in at `provider` with an address that it vouches for, or does not, and says whose account that is.
async fn sign_in(provider: &str, login: &str, email: &str, verified: bool) -> String {
    let mut traveller = Traveller::new();
    let web = traveller.app.web();
    let page = traveller.leave(provider, &web, &[]).await;
    let verified = if verified { "&email_verified=on" } else { "" };
    let back = traveller.visit(&page, &format!("login={login}&email={email}{verified}&action=continue")).await;
    traveller.go(&back).await.status(303);
    subject(&traveller)
}

fn subject(traveller: &Traveller) -> String {
    claims(&traveller.cookies["access_token"])["sub"].as_str().expect("a subject").to_owned()
}

/// Somebody who has registered with a password and `email`.
async fn registered(app: &App, email: &str) -> (String, String) {
    let name = app.fresh_name("registered");
    let body = json!({"user_id": name, "user_secret": PASSWORD, "email": email});
    let key = app.post(&app.web(), "/register", &body).await.status(201).text_of("user_key");
    (name, key)
}

/// An operator vouches for the user's address.
async fn vouch(app: &App, key: &str) {
    let users = app.database.store().users;
    let user = users.find(key.parse().expect("a key")).await.expect("an answer").expect("the user");
    assert!(users.vouch_for_email(&user, &shared::world::System).await.expect("an answer"));
}

#[tokio::test]
async fn an_address_joins_accounts_only_if_both_sides_are_vouched_for_and_the_provider_is_trusted_with_it() {
    let app = place();
    for (case, provider, told_verified, own_verified, joins) in [
        ("all", TRUSTED[0], true, true, true),
        ("not-told", TRUSTED[0], false, true, false),
        ("not-own", TRUSTED[0], true, false, false),
        ("neither", TRUSTED[0], false, false, false),
        ("off-by-default", "honest", true, true, false),
    ] {
        let email = format!("{}@example.com", app.fresh_name(case));
        let (_, key) = registered(&app, &email).await;
        if own_verified {
            vouch(&app, &key).await;
        }
        let told = email.to_uppercase();
        let login = app.fresh_name("ada");
        let whose = sign_in(provider, &login, &told, told_verified).await;
        assert_eq!(whose == key, joins, "{case}");
        assert_eq!(sign_in(provider, &login, &told, told_verified).await, whose, "{case}: and so it stays");
    }
}

#[tokio::test]
async fn an_account_that_somebody_made_with_anothers_address_is_not_waiting_for_them() {
    let app = place();
    let email = format!("{}@example.com", app.fresh_name("victim"));
    let (name, attackers) = registered(&app, &email).await;
    let victims = sign_in(TRUSTED[0], &app.fresh_name("victim"), &email, true).await;
    assert_ne!(victims, attackers);
    let user = app.database.user(&attackers).await;
    assert!(!user.contains_key("identities"));
    let body = json!({"user_id": name, "user_secret": PASSWORD});
    let tokens = app.post(&app.service(), "/authenticate", &body).await.ok();
    assert_eq!(claims(&tokens.text_of("access_token"))["sub"], attackers);
}

#[tokio::test]
async fn two_providers_whose_word_is_taken_meet_in_one_account() {
    let app = place();
    let email = format!("{}@example.com", app.fresh_name("meeting"));
    let first = sign_in(TRUSTED[0], &app.fresh_name("ada"), &email, true).await;
    let second = sign_in(TRUSTED[1], &app.fresh_name("ada"), &email, true).await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_provider_whose_word_is_not_taken_claims_no_address() {
    let app = place();
    let email = format!("{}@example.com", app.fresh_name("claimed"));
    let attackers = sign_in("honest", &app.fresh_name("eve"), &email, true).await;
    assert!(!app.database.user(&attackers).await.contains_key("email_verified"));
    let owners = sign_in(TRUSTED[0], &app.fresh_name("ada"), &email, true).await;
    assert_ne!(owners, attackers);
    assert_eq!(sign_in(TRUSTED[1], &app.fresh_name("ada"), &email, true).await, owners);
}

#[tokio::test]
async fn of_many_first_sign_ins_at_once_one_makes_the_account() {
    let app = place();
    let login = app.fresh_name("ada");
    let email = format!("{login}@example.com");
    let copies = (0..8).map(|_| {
        let (login, email) = (login.clone(), email.clone());
        tokio::spawn(async move { sign_in("honest", &login, &email, true).await })
    });
    let mut subjects: Vec<_> = join_all(copies).await.into_iter().map(|subject| subject.expect("a subject")).collect();
    subjects.dedup();
    assert_eq!(subjects.len(), 1);
}

#[tokio::test]
async fn who_has_no_password_can_not_sign_in_by_one() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let login = ada.app.fresh_name("ada");
    ada.travel("honest", &web, &login).await.status(303);
    let key = subject(&ada);
    let service = ada.app.service();
    let refused = async |body: Value| {
        let answer = place().post(&service, "/authenticate", &body).await;
        answer.problem(401, "invalid_credentials").text
    };
    let own = refused(json!({"user_key": key, "user_secret": PASSWORD})).await;
    let nobodys = refused(json!({"user_key": "6f9619ff-8b86-4011-b42d-00c04fc964ff", "user_secret": PASSWORD})).await;
    assert_eq!(own, nobodys);
    for secret in ["", "$argon2id$"] {
        refused(json!({"user_key": key, "user_secret": secret})).await;
    }
}

#[tokio::test]
async fn a_disabled_user_is_sent_back_without_a_session() {
    let mut ada = Traveller::new();
    let (web, service) = (ada.app.web(), ada.app.service());
    let login = ada.app.fresh_name("ada");
    ada.travel("honest", &web, &login).await.status(303);
    let users = ada.app.database.store().users;
    let user = users.find(subject(&ada).parse().expect("a key")).await.expect("an answer").expect("the user");
    assert!(users.set_status(&user, Status::Disabled).await.expect("an answer"));

    ada.cookies.clear();
    let location = ada.travel("honest", &web, &login).await.status(303).header("location").to_owned();
    assert_eq!(query_of(&location)["error"], "access_denied");
    assert!(!ada.cookies.contains_key("access_token"));
    let code = ada.fetch_code("honest", &service, &format!("login={login}&action=continue"), false).await;
    ada.exchange(&service, &code).await.problem(400, "invalid_code");
}

#[tokio::test]
async fn an_address_that_can_not_be_one_is_not_kept() {
    let app = place();
    let key = sign_in("honest", &app.fresh_name("ada"), "no-address", true).await;
    assert!(!app.database.user(&key).await.contains_key("email"));
}

#[tokio::test]
async fn who_has_the_address_now_does_not_open_the_account_of_who_had_it_at_the_same_provider() {
    let app = place();
    let email = format!("{}@example.com", app.fresh_name("recycled"));
    let former = sign_in(TRUSTED[0], &app.fresh_name("ada"), &email, true).await;
    let present = sign_in(TRUSTED[0], &app.fresh_name("eve"), &email, true).await;
    assert_ne!(former, present);
    assert!(!app.database.user(&present).await.contains_key("email_verified"), "one account has it at a time");
}

#[tokio::test]
async fn an_address_that_only_looks_the_same_is_another() {
    let app = place();
    let name = app.fresh_name("mike");
    let latin = sign_in(TRUSTED[0], &app.fresh_name("ada"), &format!("{name}@example.com"), true).await;
    let kelvin = name.replace('k', "\u{212a}");
    let other = sign_in(TRUSTED[1], &app.fresh_name("eve"), &format!("{kelvin}@example.com"), true).await;
    assert_ne!(latin, other);
}

#[tokio::test]
async fn an_identity_joins_an_account_by_a_code_as_well() {
    let mut ada = Traveller::new();
    let (app, service) = (ada.app.clone(), ada.app.service());
    let email = format!("{}@example.com", app.fresh_name("by-code"));
    let (_, key) = registered(&app, &email).await;
    vouch(&app, &key).await;
    let form = format!("login={}&email={email}&email_verified=on&action=continue", app.fresh_name("ada"));
    let code = ada.fetch_code(TRUSTED[0], &service, &form, false).await;
    let tokens = ada.exchange(&service, &code).await.ok();
    assert_eq!(claims(&tokens.text_of("access_token"))["sub"], key);
}
