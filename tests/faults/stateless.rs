//! The authorizer that asks nobody: `GATELET_AUTHORIZER_LIVE_CHECK=off`.

use crate::support::{Answer, App, Fault, Options, Person, Proxy, Stack, kill_instances};

async fn orders(person: &Person) -> Answer {
    person.app.send(person.app.client.get(person.app.url("/orders")).bearer_auth(&person.access_token)).await
}

/// It needs its keys, which an instance has from its start on. One that starts during the outage has none: API Gateway
/// answers 500, nobody is called a stranger, and the same instance serves when DynamoDB is back.
#[tokio::test]
async fn without_a_live_check_the_authorizer_outlasts_an_outage() {
    let proxy = Proxy::start(&Stack::shared().ready.dynamodb_endpoint);
    let app = App::on(Stack::private(&Options {
        arguments: &["--parameter", "AuthorizerLiveCheck=off", "--max-instances", "1"],
        endpoint: Some(&proxy.endpoint),
        ..Options::default()
    }));
    let ada = app.signed_in(&app.service(), "ada").await;
    let mut spoiled = ada.clone();
    spoiled.access_token.push('A');
    orders(&ada).await.ok();

    for fault in [Fault::CutBefore, Fault::Throttle] {
        proxy.take_calls();
        proxy.set(fault);
        for _ in 0..5 {
            orders(&ada).await.ok();
            orders(&spoiled).await.status(403);
        }
        ada.token_info().await.problem(503, "temporarily_unavailable");
        proxy.set(Fault::None);
    }

    proxy.set(Fault::CutBefore);
    assert_eq!(kill_instances(&proxy.endpoint, "gatelet-local-AuthorizerFunction"), 1);
    orders(&ada).await.status(500);
    orders(&spoiled).await.status(500);
    proxy.set(Fault::None);
    orders(&ada).await.ok();
    orders(&spoiled).await.status(403);
}
