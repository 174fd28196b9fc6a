//! Tokens and forgeries, verified where they arrive.

use gatelet_client::{Code, Verifier, VerifyError};
use serde_json::json;
use shared::access_token::Algorithm;

use super::{issuer, keys::verifier_with, verifier};
use crate::{
    jose::{AUDIENCE, ISSUER, forgeries, target},
    support::{App, DEPLOYED_ISSUER, project_file},
};

#[tokio::test]
async fn a_token_of_the_stack_says_who_is_calling() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let claims = verifier(&app).verify(&alice.access_token).await.expect("a good token");
    assert_eq!((&claims.user_key, &claims.session_id), (&alice.user_key, &alice.session_id()));
    assert_eq!(claims.application_id, alice.application.id);
    assert_eq!(claims.expires_at - claims.issued_at, 1200);
    // In the same words: nothing is lost.
    assert_eq!(json!(claims)["jti"], alice.claims()["jti"]);
}

#[tokio::test]
async fn a_token_of_another_deployment_audience_or_kind_is_refused() {
    let app = App::start();
    let own = app.application(|settings| settings.audience = Some("https://orders.example.com".into())).await;
    let alice = app.signed_in(&own, "alice").await;
    let orders = Verifier::builder(issuer(&app)).audience("https://orders.example.com").build().expect("a verifier");
    assert!(orders.verify(&alice.access_token).await.is_ok());
    let is_invalid = async |verifier: &Verifier, token: &str| {
        assert!(matches!(verifier.verify(token).await, Err(VerifyError::Invalid(_))), "{token}");
    };
    is_invalid(&verifier(&app), &alice.access_token).await;
    is_invalid(&orders, &alice.refresh_token).await;

    let deployed = App::deployed();
    let bob = deployed.signed_in(&deployed.application(|_| ()).await, "bob").await;
    is_invalid(&verifier(&app), &bob.access_token).await;
    let keys_url = deployed.url("/api/v1/auth/.well-known/jwks.json");
    let elsewhere = Verifier::builder(DEPLOYED_ISSUER).keys_url(keys_url).build().expect("a verifier");
    assert!(elsewhere.verify(&bob.access_token).await.is_ok());
    is_invalid(&elsewhere, &alice.access_token).await;
}

#[tokio::test]
async fn no_forgery_verifies_with_any_algorithm() {
    for algorithm in Algorithm::ALL {
        let (target, _) = target(algorithm);
        let verifier = verifier_with(ISSUER, AUDIENCE, &json!(target.pair.public)).await;
        assert!(verifier.verify(&target.genuine()).await.is_ok(), "{algorithm:?}");
        for forgery in forgeries(&target) {
            let verdict = verifier.verify(&forgery.token).await;
            let refused = matches!(verdict, Err(VerifyError::Invalid(_)));
            assert!(refused, "{algorithm:?} {}: {} is {:?}: {verdict:?}", forgery.family, forgery.what, forgery.token);
        }
    }
}

#[tokio::test]
async fn without_keys_nobody_can_say() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let lost = Verifier::builder(issuer(&app)).keys_url(format!("http://{free}")).build().expect("a verifier");
    assert!(matches!(lost.verify(&alice.access_token).await, Err(VerifyError::Unavailable(_))));
    assert!(matches!(lost.verify("junk").await, Err(VerifyError::Invalid(_))), "whatever the keys are");
}

#[test]
fn the_client_knows_every_code_of_the_api() {
    let page = std::fs::read_to_string(project_file("docs/api.md")).expect("the page is there");
    let rows = page.lines().skip_while(|line| !line.starts_with("| code | status |")).skip(2);
    let codes: Vec<_> = rows.take_while(|line| line.starts_with('|')).filter_map(|row| row.split('`').nth(1)).collect();
    assert!(codes.len() > 15, "{codes:?}");
    for code in codes {
        assert!(!matches!(Code::from(code), Code::Other(_)), "{code}");
    }
}
