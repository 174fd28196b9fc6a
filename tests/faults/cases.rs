//! What is asked while a call of it fails: every endpoint that needs DynamoDB, and every case of the protocol.

use reqwest::RequestBuilder;
use serde_json::json;
use shared::{protocol::Position, session::Session};

use super::{
    oauth,
    place::{MAX_SESSIONS, Place, Profile, an_hour_ago},
};
use crate::support::{PAGE, PASSWORD, Person};

/// A request, and what must become of it.
pub struct Case {
    pub name: &'static str,
    pub profile: Profile,
    /// How many sessions the user has before.
    pub sessions: usize,
    pub aged: fn(&mut Session),
    pub ask: fn(&Person) -> RequestBuilder,
    pub law: Law,
}

/// What must hold whatever fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// A refresh that hands out tokens, by this case of the protocol.
    Grants(char),
    /// The same without grace and recovery.
    GrantsStrictly,
    /// A refresh that ends its session.
    Refuses,
    SignsIn,
    Registers,
    /// The session is over afterwards. Asked again when it is over already, the answer is this one.
    Ends(u16),
    /// Of all sessions of the user, the one that asks is left.
    EndsOthers,
    /// Nothing changes.
    Reads,
    /// A sign-in at a provider begins.
    Begins,
    /// It ends, with cookies.
    Finishes,
    /// A code becomes a session.
    Exchanges,
    /// An identity is linked.
    Links,
    /// It is removed.
    Unlinks,
    /// A route of a team's own, behind the authorizer.
    Guarded,
}

const fn newest(_: &mut Session) {}

/// The first token has just been replaced.
const fn replaced(session: &mut Session) {
    session.position = Position { generation: 1, branch: 0 };
    session.previous_branch = Some(0);
}

fn replaced_long_ago(session: &mut Session) {
    replaced(session);
    session.rotated_at = an_hour_ago();
}

const fn older(session: &mut Session) {
    session.position = Position { generation: 2, branch: 0 };
    session.previous_branch = Some(0);
}

/// It is the oldest of several.
fn oldest(session: &mut Session) {
    session.rotated_at = an_hour_ago();
}

pub fn to(person: &Person, method: &str, path: &str) -> RequestBuilder {
    person.app.request(method, path).header("api-key", &person.application.publishable_key)
}

pub fn json_to(person: &Person, path: &str, body: &serde_json::Value) -> RequestBuilder {
    to(person, "POST", path).header("content-type", "application/json").body(body.to_string())
}

pub fn with_access(person: &Person, method: &str, path: &str) -> RequestBuilder {
    to(person, method, path).bearer_auth(&person.access_token)
}

fn from_page(person: &Person, request: RequestBuilder) -> RequestBuilder {
    let cookies = format!("access_token={}; refresh_token={}", person.access_token, person.refresh_token);
    request.header("origin", PAGE).header("cookie", cookies)
}

fn form_to(person: &Person, path: &str) -> RequestBuilder {
    let request = person.app.request("POST", path).header("api-key", &person.application.secret_key);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(format!("token={}", person.refresh_token))
}

fn refresh(person: &Person) -> RequestBuilder {
    json_to(person, "/refresh", &json!({"refresh_token": person.refresh_token}))
}

fn refresh_in_browser(person: &Person) -> RequestBuilder {
    from_page(person, to(person, "POST", "/refresh"))
}

pub fn sign_in(person: &Person) -> RequestBuilder {
    json_to(person, "/authenticate", &json!({"user_id": person.user_id, "user_secret": PASSWORD}))
}

/// Of a name that nobody has.
fn register(person: &Person) -> RequestBuilder {
    let user_id = format!("{}-new", person.user_id);
    json_to(person, "/register", &json!({"user_id": user_id, "user_secret": PASSWORD}))
}

const USUAL: Case = Case { name: "", profile: Profile::Body, sessions: 1, aged: newest, ask: refresh, law: Law::Reads };

pub const CASES: [Case; 30] = [
    Case { name: "`refresh` A", law: Law::Grants('A'), ..USUAL },
    Case {
        name: "`refresh` A, cookies",
        profile: Profile::Cookie,
        ask: refresh_in_browser,
        law: Law::Grants('A'),
        ..USUAL
    },
    Case { name: "`refresh` B", aged: replaced, law: Law::Grants('B'), ..USUAL },
    Case { name: "`refresh` C", aged: replaced_long_ago, law: Law::Grants('C'), ..USUAL },
    Case {
        name: "`refresh` C, cookies",
        profile: Profile::Cookie,
        aged: replaced_long_ago,
        ask: refresh_in_browser,
        law: Law::Grants('C'),
        ..USUAL
    },
    Case { name: "`refresh` D", profile: Profile::NoRecovery, aged: replaced_long_ago, law: Law::Refuses, ..USUAL },
    Case {
        name: "`refresh` E, cookies",
        profile: Profile::Cookie,
        aged: older,
        ask: refresh_in_browser,
        law: Law::Refuses,
        ..USUAL
    },
    Case { name: "`refresh` A, strict profile", profile: Profile::Strict, law: Law::GrantsStrictly, ..USUAL },
    Case { name: "`refresh` without rotation", profile: Profile::NoRotation, ..USUAL },
    Case { name: "`refresh`, application not in memory", profile: Profile::Unheard, law: Law::Grants('A'), ..USUAL },
    Case { name: "`authenticate`", ask: sign_in, law: Law::SignsIn, ..USUAL },
    Case {
        name: "`authenticate`, cookies",
        profile: Profile::Cookie,
        sessions: MAX_SESSIONS,
        aged: oldest,
        ask: |person| from_page(person, sign_in(person)),
        law: Law::SignsIn,
    },
    Case { name: "`register`", ask: register, law: Law::Registers, ..USUAL },
    Case { name: "`logout`", ask: |person| with_access(person, "DELETE", "/logout"), law: Law::Ends(200), ..USUAL },
    Case {
        name: "`logout`, cookies",
        profile: Profile::Cookie,
        ask: |person| from_page(person, to(person, "POST", "/logout")),
        law: Law::Ends(200),
        ..USUAL
    },
    Case { name: "`token_info`", ask: |person| with_access(person, "GET", "/token-info"), ..USUAL },
    Case { name: "`whoami`", ask: |person| with_access(person, "GET", "/whoami"), ..USUAL },
    Case { name: "`sessions`: list", ask: |person| with_access(person, "GET", "/sessions"), ..USUAL },
    Case {
        name: "`sessions`: end all",
        ask: |person| with_access(person, "DELETE", "/sessions"),
        law: Law::Ends(401),
        ..USUAL
    },
    Case {
        name: "`sessions`: end all others",
        sessions: MAX_SESSIONS,
        ask: |person| with_access(person, "DELETE", "/sessions?keep_current=true"),
        law: Law::EndsOthers,
        ..USUAL
    },
    Case {
        name: "`sessions`: end one",
        ask: |person| with_access(person, "DELETE", &format!("/sessions/{}", person.session_id())),
        law: Law::Ends(401),
        ..USUAL
    },
    Case { name: "`introspect`", ask: |person| form_to(person, "/introspect"), ..USUAL },
    Case { name: "`revoke`", ask: |person| form_to(person, "/revoke"), law: Law::Ends(200), ..USUAL },
    Case { name: "`oauth_start`", profile: Profile::Cookie, ask: oauth::start, law: Law::Begins, ..USUAL },
    Case {
        name: "`oauth_callback`, cookies",
        profile: Profile::Cookie,
        ask: oauth::callback,
        law: Law::Finishes,
        ..USUAL
    },
    Case { name: "`oauth_exchange`", ask: oauth::exchange, law: Law::Exchanges, ..USUAL },
    Case { name: "`identities`: list", ask: oauth::list, ..USUAL },
    Case { name: "`identities`: link", ask: oauth::link, law: Law::Links, ..USUAL },
    Case { name: "`identities`: remove", ask: oauth::unlink, law: Law::Unlinks, ..USUAL },
    Case {
        name: "`authorizer`",
        ask: |person| person.app.client.get(person.app.url("/orders")).bearer_auth(&person.access_token),
        law: Law::Guarded,
        ..USUAL
    },
];

impl Case {
    /// Somebody about to ask.
    pub async fn prepare(&self, place: &Place) -> Person {
        let person = place.person(self.profile, self.sessions, self.aged).await;
        oauth::equip(place, &person, self.law).await;
        person
    }

    /// Whether a call to `table` can be broken on purpose: what an instance remembers is read by chance, but for an
    /// application that nobody has heard of.
    pub fn concerns(&self, table: &str) -> bool {
        let (application, keys) = (table.ends_with("applications"), table.ends_with("signing-keys"));
        if self.profile == Profile::Unheard { application } else { !application && !keys }
    }
}
