//! API Gateway's own JWT authorizer on a team's route, as the local gateway enforces it: `GET /invoices` of the example.

use serde_json::json;

use crate::support::{Answer, App, Options, Stack};

async fn ask(app: &App, authorization: Option<&str>) -> Answer {
    let request = app.client.get(app.url("/invoices"));
    app.send(authorization.into_iter().fold(request, |request, value| request.header("authorization", value))).await
}

#[tokio::test]
async fn a_token_signed_with_rsa_opens_the_route_until_it_expires() {
    let options = Options { arguments: &["--parameter", "SigningAlgorithm=RS256"], ..Options::default() };
    let app = App::on(Stack::private(&options));
    let alice = app.signed_in(&app.service(), "alice").await;
    let token = &alice.access_token;
    let claims = alice.claims();
    for authorization in [format!("Bearer {token}"), token.clone()] {
        let body = ask(&app, Some(&authorization)).await.ok().body();
        assert_eq!((&body["hello"], &body["context"]["exp"]), (&claims["sub"], &json!(claims["exp"].to_string())));
    }

    let answer = ask(&app, None).await.status(401);
    assert_eq!((answer.body(), answer.header("www-authenticate")), (json!({"message": "Unauthorized"}), ""));
    for bad in [format!("Bearer {token}A"), "Bearer a.b.c".to_owned(), format!("Bearer {}", alice.refresh_token)] {
        let answer = ask(&app, Some(&bad)).await.status(401);
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#, "{bad}");
    }

    alice.log_out().await.ok();
    ask(&app, Some(&format!("Bearer {token}"))).await.ok();
}

#[tokio::test]
async fn a_token_of_any_other_algorithm_does_not() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    ask(&app, Some(&format!("Bearer {}", alice.access_token))).await.status(401);
}
