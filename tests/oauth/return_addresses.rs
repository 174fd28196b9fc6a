//! Where a sign-in may end: at an address that the application has listed, to the letter, and nowhere else. Whatever else is asked for is
//! answered in place, since a redirect is what an attacker is after (RFC 9700 §4.11).

use super::{Traveller, traveller::RETURN_TO};

/// Spellings that browsers, servers or parsers have taken for the listed address, or for one of the same host.
const ATTACKS: [&str; 44] = [
    "",
    " ",
    "/",
    "//evil.example",
    "///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "http:localhost:5173/",
    "https://localhost:5173/",
    "http://localhost:5173",
    "http://localhost:5173//",
    "http://localhost:5173/.",
    "http://localhost:5173/../",
    "http://localhost:5173/?",
    "http://localhost:5173/?next=//evil.example",
    "http://localhost:5173/#",
    "http://localhost:5173/#fragment",
    "http://localhost:5173/%2e%2e/",
    "http://localhost:5173/%00",
    "http://localhost:5173/\r\nSet-Cookie: a=b",
    "http://localhost:5174/",
    "http://localhost/",
    "http://localhost:5173.evil.example/",
    "http://localhost:5173@evil.example/",
    "http://user@localhost:5173/",
    "http://user:password@localhost:5173/",
    "http://evil.example/http://localhost:5173/",
    "http://evil.example?http://localhost:5173/",
    "http://evil.example#http://localhost:5173/",
    "http://evil.localhost:5173/",
    "http://localhost.:5173/",
    "HTTP://LOCALHOST:5173/",
    "http://LOCALHOST:5173/",
    "http://localhost:05173/",
    "http://lоcalhost:5173/",
    "http%3A%2F%2Flocalhost%3A5173%2F",
    " http://localhost:5173/",
    "http://localhost:5173/ ",
    "\thttp://localhost:5173/",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
];

#[tokio::test]
async fn only_a_listed_address_is_one_to_come_back_to() {
    let mut eve = Traveller::new();
    let web = eve.app.web();
    for address in ATTACKS {
        let answer = eve.start("honest-too", &web, &[("return_to", address)]).await;
        let answer = answer.problem(400, "return_to_not_allowed");
        for header in ["location", "set-cookie", "refresh"] {
            assert!(answer.headers.get(header).is_none(), "{header} for {address:?}");
        }
        assert!(!answer.text.contains("evil"), "{address:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn an_address_is_wanted_once_and_is_of_the_application_that_asks() {
    let mut eve = Traveller::new();
    let web = eve.app.web();
    eve.start("honest", &web, &[]).await.problem(400, "invalid_request");
    for pair in [[RETURN_TO, RETURN_TO], [RETURN_TO, "https://evil.example/"], ["https://evil.example/", RETURN_TO]] {
        let pair = pair.map(|address| ("return_to", address));
        eve.start("honest", &web, &pair).await.problem(400, "return_to_not_allowed");
    }
    let listed = vec!["https://other.example/".to_owned()];
    let other = eve.app.application(|application| application.allowed_return_to = listed).await;
    eve.start("honest", &other, &[("return_to", RETURN_TO)]).await.problem(400, "return_to_not_allowed");
}

#[tokio::test]
async fn an_address_that_was_taken_off_the_list_meanwhile_is_not_gone_to() {
    let mut ada = Traveller::new();
    let app = ada.app.application(|application| application.allowed_return_to = vec![RETURN_TO.to_owned()]).await;
    let sent = super::challenge(crate::support::VERIFIER);
    let more = [("code_challenge", sent.as_str()), ("code_challenge_method", "S256")];
    let page = ada.leave("honest", &app, &more).await;
    let back = ada.sign_in_at(&page, "ada-unlisted").await;

    let applications = ada.app.database.store().applications;
    let (mut stored, version) =
        applications.find(app.id.parse().expect("an id")).await.expect("an answer").expect("the application");
    stored.allowed_return_to.clear();
    applications.save(&stored, Some(version)).await.expect("it is stored");
    // An instance that has served the application already remembers its list for a minute. The callback's has not.
    let answer = ada.go(&back).await.problem(400, "return_to_not_allowed");
    assert!(answer.headers.get("location").is_none());
}
