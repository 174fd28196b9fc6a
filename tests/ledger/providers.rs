//! What signing in at a provider costs. The provider's own answers are not counted: it believes whatever it is told.

use reqwest::RequestBuilder;
use shared::{
    application::{Application, TokenDelivery},
    flow::Purpose,
};

use super::{Ledger, budget};
use crate::{
    oauth::challenge,
    support::{
        BELIEVER, BELIEVERS_END, Known, Person, VERIFIER, begin_flow, believed, issue_code, presented, way_back,
    },
};

fn back(ledger: &Ledger, subject: &str) -> RequestBuilder {
    let (path, cookie) = way_back(subject);
    ledger.app.request("GET", &path).header("cookie", cookie)
}

/// Sign-ins at a provider. The first of each kind makes the account, the second, which counts, finds it.
pub(super) async fn enter(ledger: &mut Ledger) {
    let store = ledger.app.database.store();
    let settle = |application: &mut Application| application.allowed_return_to = vec![BELIEVERS_END.to_owned()];
    let app = ledger.app.application(settle).await;
    let subject = ledger.app.fresh_name("subject");

    let sent = challenge(VERIFIER);
    let query =
        format!("client_id={}&return_to={BELIEVERS_END}&code_challenge={sent}&code_challenge_method=S256", app.id);
    let start = || ledger.app.request("GET", &format!("/oauth/{BELIEVER}?{query}"));
    let (warm, counted) = (start(), start());
    ledger.enter("oauth_start", budget(&["PutItem", "UpdateItem"], 2, 0.0, 2.0), warm, counted).await;

    let web = ledger.app.application(|application| {
        settle(application);
        application.delivery = TokenDelivery::Cookie;
    });
    let web = web.await;
    begin_flow(&store, &web, &subject, None).await;
    let first = ledger.app.send(back(ledger, &subject)).await;
    assert_eq!(first.status, 303, "{}", first.text);
    let other = ledger.app.fresh_name("subject");
    begin_flow(&store, &web, &other, None).await;
    begin_flow(&store, &web, &subject, None).await;
    let opened = ["GetItem", "GetItem", "PutItem", "Query", "UpdateItem"];
    let (warm, counted) = (back(ledger, &other), back(ledger, &subject));
    ledger.enter("oauth_callback, cookies", budget(&opened, 4, 2.5, 2.0), warm, counted).await;

    let newcomer = ledger.app.fresh_name("subject");
    begin_flow(&store, &web, &newcomer, None).await;
    begin_flow(&store, &web, &other, None).await;
    let made = ["GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"];
    let (warm, counted) = (back(ledger, &other), back(ledger, &newcomer));
    ledger.enter("oauth_callback, cookies, new user", budget(&made, 4, 1.5, 6.0), warm, counted).await;

    begin_flow(&store, &app, &subject, Some(Purpose::SignIn)).await;
    begin_flow(&store, &app, &other, Some(Purpose::SignIn)).await;
    let (warm, counted) = (back(ledger, &other), back(ledger, &subject));
    ledger.enter("oauth_callback, code", budget(&["PutItem", "UpdateItem"], 2, 0.0, 2.0), warm, counted).await;

    issue_code(&store, &app, &subject, Purpose::SignIn).await;
    issue_code(&store, &app, &other, Purpose::SignIn).await;
    let exchange = |subject: &str| ledger.post(&app.publishable_key, "/oauth/exchange", &presented(subject));
    let exchanged = ["GetItem", "GetItem", "GetItem", "Query", "TransactWriteItems"];
    let (warm, counted) = (exchange(&other), exchange(&subject));
    ledger.enter("oauth_exchange", budget(&exchanged, 5, 3.5, 4.0), warm, counted).await;
    identities(ledger, &app).await;
}

async fn identities(ledger: &mut Ledger, app: &Known) {
    let store = ledger.app.database.store();
    let (one, two) = (ledger.app.signed_in(app, "ledger").await, ledger.app.signed_in(app, "ledger").await);
    let list = || ledger.bearer(&two, "GET", "/identities");
    let (warm, counted) = (list(), list());
    ledger.enter("identities, list", budget(&["GetItem", "GetItem"], 1, 2.0, 0.0), warm, counted).await;

    let link = |ledger: &Ledger, person: &Person| {
        let request = ledger.bearer(person, "POST", "/identities").header("content-type", "application/json");
        request.body(presented(&person.user_key).to_string())
    };
    for person in [&one, &two] {
        issue_code(&store, app, &person.user_key, Purpose::Link).await;
    }
    let (warm, counted) = (link(ledger, &one), link(ledger, &two));
    let linked = ["GetItem", "GetItem", "GetItem", "GetItem", "TransactWriteItems"];
    ledger.enter("identities, link", budget(&linked, 4, 4.0, 6.0), warm, counted).await;

    let unlink = |ledger: &Ledger, person: &Person| {
        ledger.bearer(person, "DELETE", &format!("/identities/{}", believed(&person.user_key).id()))
    };
    let (warm, counted) = (unlink(ledger, &one), unlink(ledger, &two));
    let unlinked = ["GetItem", "GetItem", "TransactWriteItems"];
    ledger.enter("identities, remove", budget(&unlinked, 2, 2.0, 4.0), warm, counted).await;
}
