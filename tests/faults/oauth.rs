//! Signing in at a provider while DynamoDB fails.

use reqwest::RequestBuilder;
use shared::{
    flow::Purpose,
    identity::LinkedIdentity,
    world::{System, World},
};

use super::{
    cases::{Law, json_to, to, with_access},
    laws::{Story, shown},
    place::Place,
};
use crate::support::{Answer, BELIEVER, BELIEVERS_END, Person, begin_flow, believed, issue_code, presented, way_back};

/// What must be there before the request of a case of `law`.
pub async fn equip(place: &Place, person: &Person, law: Law) {
    let (store, application, subject) = (&place.store, &person.application, &person.user_key);
    match law {
        Law::Exchanges => issue_code(store, application, subject, Purpose::SignIn).await,
        Law::Links => issue_code(store, application, subject, Purpose::Link).await,
        Law::Finishes => begin_flow(store, application, subject, None).await,
        Law::Unlinks => {
            let user = place.user(person).await;
            assert!(store.users.link(&user, identity(person), None, &System).await.expect("the store answers"));
        }
        _ => {}
    }
}

fn identity(person: &Person) -> LinkedIdentity {
    believed(&person.user_key).link(System.now())
}

pub fn start(person: &Person) -> RequestBuilder {
    let query = format!("client_id={}&return_to={BELIEVERS_END}", person.application.id);
    person.app.request("GET", &format!("/oauth/{BELIEVER}?{query}"))
}

pub fn callback(person: &Person) -> RequestBuilder {
    let (path, cookie) = way_back(&person.user_key);
    person.app.request("GET", &path).header("cookie", cookie)
}

pub fn exchange(person: &Person) -> RequestBuilder {
    json_to(person, "/oauth/exchange", &presented(&person.user_key))
}

pub fn link(person: &Person) -> RequestBuilder {
    let request = with_access(person, "POST", "/identities").header("content-type", "application/json");
    request.body(presented(&person.user_key).to_string())
}

pub fn unlink(person: &Person) -> RequestBuilder {
    with_access(person, "DELETE", &format!("/identities/{}", identity(person).id()))
}

pub fn list(person: &Person) -> RequestBuilder {
    with_access(person, "GET", "/identities")
}

impl Story<'_> {
    pub(super) async fn begins(&mut self, first: &Answer) -> String {
        let again = self.again().await;
        self.must(again.status == 303, || format!("then {} {}", again.status, again.text));
        shown(first, &again)
    }

    /// The code works once: whoever was not answered is answered now, or has to begin again, and then no session is left behind.
    pub(super) async fn exchanges(&mut self, first: &Answer) -> String {
        if first.status == 200 {
            self.works(first).await;
            return "200".to_owned();
        }
        let again = self.again().await;
        let right = again.status == 200 || (again.status == 400 && again.body()["code"] == "invalid_code");
        self.must(right, || format!("then {} {}", again.status, again.text));
        if again.status == 200 {
            self.works(&again).await;
        } else if let Some(newcomer) = self.place.who_is(&believed(&self.person.user_key)).await {
            let living = self.place.sessions_of(newcomer).await;
            self.must(living == 0, || format!("{living} sessions are left behind"));
        }
        shown(first, &again)
    }

    /// The flow ends once: whoever was not answered is answered now, or has to begin again, and then comes in.
    pub(super) async fn finishes(&mut self, first: &Answer) -> String {
        if first.status == 303 {
            self.must(first.header("location") == BELIEVERS_END, || format!("sent to {}", first.header("location")));
            return "303".to_owned();
        }
        let again = self.again().await;
        let over = again.status == 400 && again.body()["code"] == "invalid_state";
        self.must(over || again.status == 303, || format!("then {} {}", again.status, again.text));
        if over {
            equip(self.place, &self.person, Law::Finishes).await;
            let anew = self.again().await;
            self.must(anew.status == 303, || format!("begun again, {} {}", anew.status, anew.text));
        }
        shown(first, &again)
    }

    pub(super) async fn links(&mut self, first: &Answer) -> String {
        if first.status != 200 {
            let again = self.again().await;
            let done = again.status == 400 && again.body()["code"] == "invalid_code";
            self.must(done || again.status == 200, || format!("then {} {}", again.status, again.text));
            self.is_linked(true).await;
            return shown(first, &again);
        }
        self.is_linked(true).await;
        "200".to_owned()
    }

    pub(super) async fn unlinks(&mut self, first: &Answer) -> String {
        let again = self.again().await;
        let done = again.status == 404 && again.body()["code"] == "identity_not_found";
        self.must(done || again.status == 200, || format!("then {} {}", again.status, again.text));
        self.is_linked(false).await;
        shown(first, &again)
    }

    async fn is_linked(&mut self, linked: bool) {
        let holder = self.place.who_is(&believed(&self.person.user_key)).await;
        let is = holder.is_some_and(|holder| holder.to_string() == self.person.user_key);
        let listed = !self.place.user(&self.person).await.identities.is_empty();
        self.must(is == linked && listed == linked, || format!("points to the user: {is}, listed: {listed}"));
    }

    async fn works(&mut self, answer: &Answer) {
        let token = answer.text_of("access_token");
        let ask = to(&self.person, "GET", "/token-info").bearer_auth(token);
        let live = self.place.app.send(ask).await;
        self.must(matches!(live.status, 200 | 503), || format!("the new session is answered {}", live.status));
    }
}
