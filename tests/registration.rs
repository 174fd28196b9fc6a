//! Making an account.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD};

async fn register(app: &App, user_id: &str, user_secret: &str) -> Answer {
    app.post(&app.service(), "/register", &json!({"user_id": user_id, "user_secret": user_secret})).await
}

async fn sign_in(app: &App, user_id: &str, user_secret: &str) -> Answer {
    app.post(&app.service(), "/authenticate", &json!({"user_id": user_id, "user_secret": user_secret})).await
}

/// Field and code of every reason that a 422 gives.
fn reasons(answer: Answer) -> Vec<(String, String)> {
    let body = answer.problem(422, "validation_failed").body();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let errors = body["errors"].as_array().expect("a list of errors").clone();
    errors
        .iter()
        .map(|error| {
            assert!(!text(&error["detail"]).is_empty());
            (text(&error["field"]), text(&error["code"]))
        })
        .collect()
}

#[tokio::test]
async fn an_account_has_a_key_a_name_and_a_beginning() {
    let app = App::start();
    let user_id = app.fresh_name("ada");
    let body = json!({"user_id": user_id, "user_secret": PASSWORD, "email": "ada@example.com"});
    let answer = app.post(&app.service(), "/register", &body).await.status(201);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.cookies().is_empty(), "registering signs nobody in");
    let created = answer.body();
    let members: Vec<_> = created.as_object().unwrap().keys().collect();
    assert_eq!(members, ["created_at", "user_id", "user_key"]);
    assert_eq!(created["user_id"], user_id);
    assert_eq!(answer.text_of("user_key").len(), 36);
    assert!(answer.body()["created_at"].is_u64(), "{}", answer.text);
}

#[tokio::test]
async fn a_name_is_taken_however_it_is_spelled() {
    let app = App::start();
    let fresh = app.fresh_name("");
    register(&app, &format!("rémy{fresh}"), PASSWORD).await.status(201);
    for spelling in ["rémy", "RÉMY", "Rémy", "re\u{301}my", "RE\u{301}MY", "ｒémy", "réｍｙ"] {
        register(&app, &format!("{spelling}{fresh}"), "quite another secret").await.problem(409, "user_id_taken");
        sign_in(&app, &format!("{spelling}{fresh}"), PASSWORD).await.ok();
    }
    register(&app, &format!("remy{fresh}"), PASSWORD).await.status(201);
}

#[tokio::test]
async fn the_name_that_is_answered_is_the_normalised_one() {
    let app = App::start();
    let fresh = app.fresh_name("");
    let answer = register(&app, &format!("ＡＤＡ{fresh}"), PASSWORD).await.status(201);
    assert_eq!(answer.text_of("user_id"), format!("ada{fresh}"));
}

#[tokio::test]
async fn of_a_hundred_registrations_of_one_name_one_wins() {
    let app = App::start();
    let user_id = app.fresh_name("wanted");
    let spellings = [user_id.clone(), user_id.to_uppercase()];
    let attempts = (0..100).map(|number| {
        let (app, user_id) = (&app, &spellings[number % 2]);
        async move { register(app, user_id, &format!("{PASSWORD} {number}")).await }
    });
    let answers = join_all(attempts).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().enumerate().partition(|(_, answer)| answer.status == 201);
    assert_eq!(won.len(), 1, "{:?}", won.iter().map(|(number, _)| number).collect::<Vec<_>>());
    for (_, answer) in lost {
        answer.problem(409, "user_id_taken");
    }
    let (winner, answer) = &won[0];
    sign_in(&app, &user_id, &format!("{PASSWORD} {winner}")).await.ok();
    sign_in(&app, &user_id, &format!("{PASSWORD} {}", (winner + 1) % 100)).await.problem(401, "invalid_credentials");
    assert_eq!(app.database.user(&answer.text_of("user_key")).await["user_id"].as_s().unwrap(), &user_id);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let app = App::start();
    let body = json!({"user_id": "two words", "user_secret": "short", "email": "nowhere"});
    let answer = app.post(&app.service(), "/register", &body).await;
    let pair = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    let expected =
        [pair("user_id", "forbidden_character"), pair("user_secret", "too_short"), pair("email", "invalid_email")];
    assert_eq!(reasons(answer), expected);
}

#[tokio::test]
async fn a_name_is_three_to_a_hundred_and_twenty_eight_code_points() {
    let app = App::start();
    let fresh = app.fresh_name("");
    let padded = |length: usize| format!("{}{fresh}", "ж".repeat(length - fresh.chars().count()));
    for (user_id, refused) in [
        ("ab".to_owned(), Some("too_short")),
        ("жж".to_owned(), Some("too_short")),
        ("жψ7".to_owned(), None),
        (padded(128), None),
        (padded(129), Some("too_long")),
        ("ж".repeat(5_000), Some("too_long")),
        ("two words".to_owned(), Some("forbidden_character")),
        ("line\nbreak".to_owned(), Some("forbidden_character")),
        ("🔑🔑🔑".to_owned(), Some("forbidden_character")),
    ] {
        let answer = register(&app, &user_id, PASSWORD).await;
        match refused {
            None => drop(answer.status(201)),
            Some(code) => assert_eq!(reasons(answer), [("user_id".to_owned(), code.to_owned())], "{user_id}"),
        }
    }
}

#[tokio::test]
async fn a_password_is_eight_to_two_hundred_and_fifty_six_code_points() {
    let app = App::start();
    for unit in ["ж", "🔑", "e\u{301}"] {
        for (length, refused) in [
            (0, Some("too_short")),
            (7, Some("too_short")),
            (8, None),
            (256, None),
            (257, Some("too_long")),
            (5_000, Some("too_long")),
        ] {
            let (user_id, secret) = (app.fresh_name("ada"), unit.repeat(length));
            let answer = register(&app, &user_id, &secret).await;
            match refused {
                None => {
                    answer.status(201);
                    sign_in(&app, &user_id, &secret).await.ok();
                }
                Some(code) => assert_eq!(reasons(answer), [("user_secret".to_owned(), code.to_owned())], "{length}"),
            }
        }
    }
}

#[tokio::test]
async fn passwords_that_attackers_try_first_are_refused() {
    let app = App::start();
    let user_id = app.fresh_name("lovelace");
    for (secret, code) in [
        ("password", "common"),
        ("PassWord1", "common"),
        ("qwertyuiop", "common"),
        ("12345678", "common"),
        ("iloveyou", "common"),
        (&user_id, "contains_identity"),
        (&user_id.to_uppercase(), "contains_identity"),
        ("lovelace2026!", "contains_identity"),
        ("Ada.Byron@example.com", "contains_identity"),
        ("ada.byron99", "contains_identity"),
        ("Gatelet!", "contains_identity"),
    ] {
        let body = json!({"user_id": user_id, "user_secret": secret, "email": "ada.byron@example.com"});
        let answer = app.post(&app.service(), "/register", &body).await;
        assert_eq!(reasons(answer), [("user_secret".to_owned(), code.to_owned())], "{secret}");
    }
    register(&app, &user_id, "password and lovelace and more").await.status(201);
}

#[tokio::test]
async fn no_rule_of_composition_is_asked() {
    let app = App::start();
    for secret in
        ["        ", "aqaqaqzz", "~!@#%^&*()_+`-=[]{};:'\",.<>/?\\|", "🔑 🔑 🔑 🔑 🔑", "\t\r\n\u{1}\u{7f}tabs"]
    {
        let user_id = app.fresh_name("ada");
        register(&app, &user_id, secret).await.status(201);
        sign_in(&app, &user_id, secret).await.ok();
        sign_in(&app, &user_id, &format!("{secret} ")).await.problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn spellings_of_one_password_sign_in_alike() {
    let app = App::start();
    for (one, other) in [("caf\u{e9} noir", "cafe\u{301} noir"), ("\u{ac01} hangul", "\u{1100}\u{1161}\u{11a8} hangul")]
    {
        for (first, second) in [(one, other), (other, one)] {
            let user_id = app.fresh_name("ada");
            register(&app, &user_id, first).await.status(201);
            sign_in(&app, &user_id, second).await.ok();
        }
    }
    let user_id = app.fresh_name("ada");
    register(&app, &user_id, "caf\u{e9} noir").await.status(201);
    sign_in(&app, &user_id, "cafe noir").await.problem(401, "invalid_credentials");
    sign_in(&app, &user_id, "CAF\u{c9} NOIR").await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn the_last_character_of_the_longest_password_matters() {
    let app = App::start();
    let user_id = app.fresh_name("ada");
    let common = "🔑".repeat(255);
    register(&app, &user_id, &format!("{common}a")).await.status(201);
    sign_in(&app, &user_id, &format!("{common}b")).await.problem(401, "invalid_credentials");
    sign_in(&app, &user_id, &common).await.problem(401, "invalid_credentials");
    sign_in(&app, &user_id, &format!("{common}a")).await.ok();
}

#[tokio::test]
async fn nothing_of_the_password_is_stored_in_clear() {
    let app = App::start();
    let secret = "a very particular secret 7423";
    let stored = |user_key: String| {
        let app = app.clone();
        async move { app.database.user(&user_key).await }
    };
    let mut items = Vec::new();
    for like in ["ada", "eve"] {
        let answer = register(&app, &app.fresh_name(like), secret).await.status(201);
        assert!(!app.stack.log_until(&answer).await.contains("particular secret"));
        items.push(stored(answer.text_of("user_key")).await);
    }
    let hashes: Vec<_> = items.iter().map(|item| item["password_hash"].as_s().unwrap().clone()).collect();
    assert_ne!(hashes[0], hashes[1], "each hash has a salt of its own");
    for (item, hash) in items.iter().zip(&hashes) {
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let text = format!("{item:?}").to_lowercase();
        for part in ["particular", "7423", "a very"] {
            assert!(!text.contains(part), "{text}");
        }
    }
}
