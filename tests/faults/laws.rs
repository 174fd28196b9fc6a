//! What must hold of a request while one of its calls fails, and of the same request afterwards.

use std::time::{Duration, Instant};

use shared::{ids::SessionId, session::Session};

use super::{
    cases::{Case, Law, sign_in},
    place::{Place, Profile, fresh_trace},
};
use crate::support::{Answer, Fault, Lasting, Person, Rule, Target};

/// How long a client may wait: until the function's timeout, which leaves a busy machine 2 s beyond the budget of a request.
pub const IN_TIME: Duration = Duration::from_secs(10);

/// How often a client asks on when it is told 503 though nothing is broken.
const PATIENCE: u32 = 4;

/// One field of the table.
pub struct Story<'a> {
    pub(super) place: &'a Place,
    case: &'a Case,
    rule: Rule,
    pub(super) person: Person,
    token: String,
    /// The session before, between the two requests, and after them.
    seen: Vec<Option<Session>>,
    wrong: Vec<String>,
}

/// What became of it.
pub struct Told {
    /// As the table shows it.
    pub outcome: String,
    pub took: Duration,
    pub happened: bool,
    /// What should not have been.
    pub wrong: Vec<String>,
}

/// Which calls the request of `case` makes when nothing fails, and how it is answered.
pub async fn calls(place: &Place, case: &Case) -> Vec<Target> {
    let person = case.prepare(place).await;
    let trace = fresh_trace();
    place.proxy.watch(&trace, None);
    let answer = send(place, case, &person, &trace).await;
    let expected = match case.law {
        Law::Refuses => 401,
        Law::Registers => 201,
        Law::Begins | Law::Finishes => 303,
        _ => 200,
    };
    assert_eq!(answer.status, expected, "{}: {}", case.name, answer.text);
    let mut calls = place.proxy.seen(&trace).calls;
    calls.retain(|call| case.concerns(&call.table));
    calls.sort();
    calls
}

async fn send(place: &Place, case: &Case, person: &Person, trace: &str) -> Answer {
    place.app.send((case.ask)(person).header("x-amzn-trace-id", format!("Root={trace}"))).await
}

/// Lets `rule` happen to the request of `case`, and asks again.
pub async fn tell(place: &Place, case: &Case, rule: Rule) -> Told {
    let person = case.prepare(place).await;
    let token = person.refresh_token.clone();
    let mut story = Story { place, case, rule, person, token, seen: Vec::new(), wrong: Vec::new() };
    story.look().await;
    let trace = fresh_trace();
    place.proxy.watch(&trace, Some(story.rule.clone()));
    let started = Instant::now();
    let first = send(place, case, &story.person, &trace).await;
    let took = started.elapsed();
    let hits = place.proxy.seen(&trace).hits;
    story.must(hits > 0, || "the fault has not happened".to_owned());
    story.must(took < IN_TIME, || format!("it took {took:?}"));
    story.is_admitted_or_borne(&first);
    story.look().await;
    let outcome = match case.law {
        Law::Grants(letter) => story.grants(&first, letter).await,
        Law::GrantsStrictly => story.grants_strictly(&first).await,
        Law::Refuses => story.refuses(&first).await,
        Law::SignsIn => story.signs_in(&first).await,
        Law::Registers => story.registers(&first).await,
        Law::Ends(gone) => story.ends(&first, gone).await,
        Law::EndsOthers => story.ends_others(&first).await,
        Law::Begins => story.begins(&first).await,
        Law::Finishes => story.finishes(&first).await,
        Law::Exchanges => story.exchanges(&first).await,
        Law::Links => story.links(&first).await,
        Law::Unlinks => story.unlinks(&first).await,
        Law::Reads | Law::Guarded => story.reads(&first).await,
    };
    Told { outcome, took, happened: hits > 0, wrong: story.wrong }
}

impl Story<'_> {
    pub(super) fn must(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(otherwise());
        }
    }

    /// Notes how the session is now.
    async fn look(&mut self) {
        self.seen.push(self.place.session(&self.token).await);
    }

    fn stands(&self) -> bool {
        self.seen.last().is_some_and(|seen| seen.as_ref().is_some_and(|session| session.revoked_at.is_none()))
    }

    /// Whether the session's position is what it was when it was looked at before.
    fn moved(&self) -> bool {
        let mut positions = self.seen.iter().rev().map(|seen| seen.as_ref().map(|session| session.position));
        positions.next() != positions.next()
    }

    pub(super) async fn again(&mut self) -> Answer {
        let answer = self.ask_on().await;
        self.look().await;
        answer
    }

    /// Asks as a client does that has been told to ask again: on a busy machine a call may time out that nobody has broken.
    async fn ask_on(&self) -> Answer {
        for _ in 0..PATIENCE {
            let answer = send(self.place, self.case, &self.person, &fresh_trace()).await;
            if answer.status != 503 {
                return answer;
            }
            assert!(answer.cookies().is_empty(), "503 touches no cookie");
        }
        send(self.place, self.case, &self.person, &fresh_trace()).await
    }

    /// Either the caller notices nothing, or is told to ask again, or API Gateway says that the function has gone.
    fn is_admitted_or_borne(&mut self, first: &Answer) {
        let kills = self.rule.fault.kills();
        let gone = kills || self.case.law == Law::Guarded;
        let right = match first.status {
            200 | 201 | 303 => !kills,
            401 => matches!(self.case.law, Law::Refuses | Law::GrantsStrictly),
            500 => gone && first.text == r#"{"message":"Internal Server Error"}"#,
            503 => first.header("retry-after") == "1",
            _ => false,
        };
        self.must(right, || format!("the answer was {} {}", first.status, first.text));
        let untouched = first.cookies().is_empty();
        self.must(first.status < 500 || untouched, || format!("cookies were set: {:?}", first.cookies()));
    }

    /// The token that an answer hands out; the one before, if it hands out none.
    fn take(&mut self, answer: &Answer) {
        let handed_out = if self.case.profile == Profile::Cookie {
            let mut all = answer.cookies().into_iter().map(|line| line.split(';').next().unwrap_or_default());
            all.find_map(|pair| pair.strip_prefix("refresh_token=")).map(str::to_owned)
        } else {
            answer.body()["refresh_token"].as_str().map(str::to_owned)
        };
        if let Some(token) = handed_out.filter(|token| !token.is_empty()) {
            self.person.refresh_token.clone_from(&token);
            self.token = token;
        }
    }

    /// Exactly one token is good now: the one that was handed out last.
    async fn has_one_leaf(&mut self) {
        let held = self.place.open(&self.token).await.position;
        let stored = self.place.session(&self.token).await.map(|session| session.position);
        self.must(stored == Some(held), || format!("{held:?} was handed out, {stored:?} is good"));
        let next = self.ask_on().await;
        self.must(next.status == 200, || format!("what was handed out is answered {}", next.status));
    }

    async fn grants(&mut self, first: &Answer, letter: char) -> String {
        let again = self.again().await;
        self.must(again.status == 200, || format!("then {} {}", again.status, again.text));
        self.must(self.stands(), || "the session is lost".to_owned());
        let letter = if self.moved() { letter } else { 'B' };
        self.take(first);
        let promised = self.token.clone();
        self.take(&again);
        let kept = first.status != 200 || promised == self.token;
        self.must(kept, || "two different tokens were handed out".to_owned());
        self.has_one_leaf().await;
        if first.status == 200 { "200".to_owned() } else { format!("{}, {letter}", first.status) }
    }

    /// Without grace and recovery, an answer of DynamoDB that gets lost after the write is a logout.
    async fn grants_strictly(&mut self, first: &Answer) -> String {
        let was_lost = self.moved();
        if first.status == 200 {
            self.take(first);
            self.has_one_leaf().await;
            return "200".to_owned();
        }
        let again = self.again().await;
        self.take(&again);
        let expected = if was_lost { 401 } else { 200 };
        self.must(again.status == expected, || format!("then {} {}", again.status, again.text));
        let stands = self.stands();
        self.must(stands != was_lost, || format!("the session stands: {stands}"));
        if was_lost {
            return if first.status == 401 { "401, lost".to_owned() } else { format!("{}, lost", first.status) };
        }
        self.has_one_leaf().await;
        format!("{}, A", first.status)
    }

    async fn refuses(&mut self, first: &Answer) -> String {
        let cleared = first.cookies().len() == 2;
        let by_cookie = self.case.profile == Profile::Cookie;
        self.must(cleared == (by_cookie && first.status == 401), || "cookies go with a definite end".to_owned());
        let again = self.again().await;
        self.must(again.status == 401, || format!("then {} {}", again.status, again.text));
        self.must(!self.stands(), || "reuse has not ended the session".to_owned());
        if first.status == 401 { "401".to_owned() } else { format!("{}, 401", first.status) }
    }

    /// A sign-in that is not answered may leave a session that nobody has a token of.
    async fn signs_in(&mut self, first: &Answer) -> String {
        let replaces = self.case.profile == Profile::Cookie;
        let standing = self.stands();
        self.must(standing || replaces, || "another session is lost".to_owned());
        let again = self.again().await;
        self.must(again.status == 200, || format!("then {} {}", again.status, again.text));
        self.must(self.stands() != replaces, || "which session goes is not left to chance".to_owned());
        self.take(&again);
        self.look().await;
        self.must(self.stands(), || "the new session does not stand".to_owned());
        shown(first, &again)
    }

    async fn registers(&mut self, first: &Answer) -> String {
        let again = self.again().await;
        // What is late is done as well.
        let done = self.rule.fault.is_after() || self.rule.fault == Fault::Slow;
        let right = again.status == 201 || (again.status == 409 && (first.status == 201 || done));
        self.must(right, || format!("then {} {}", again.status, again.text));
        let mut new = self.person.clone();
        new.user_id.push_str("-new");
        let signed_in = self.place.app.send(sign_in(&new)).await;
        self.must(signed_in.status == 200, || format!("the account is not whole: {}", signed_in.text));
        shown(first, &again)
    }

    /// Of the user's sessions these stand in fact, and no others.
    async fn are_left(&mut self, left: &[SessionId], after: &str) {
        let living = self.place.living(&self.token).await;
        self.must(living == left, || format!("after {after} {living:?} stand, not {left:?}"));
    }

    async fn ends(&mut self, first: &Answer, gone: u16) -> String {
        if first.status == 200 {
            self.are_left(&[], "the first answer").await;
        }
        let again = self.again().await;
        self.are_left(&[], "the repetition").await;
        let done = first.status == 200 || again.status == gone;
        self.must(done || again.status == 200, || format!("then {} {}", again.status, again.text));
        let last = self.again().await;
        self.must(last.status == gone, || format!("at last {} {}", last.status, last.text));
        shown(first, &again)
    }

    async fn ends_others(&mut self, first: &Answer) -> String {
        let own = [self.place.open(&self.token).await.session_id];
        if first.status == 200 {
            self.are_left(&own, "the first answer").await;
        }
        let shown = self.reads(first).await;
        self.are_left(&own, "the repetition").await;
        shown
    }

    async fn reads(&mut self, first: &Answer) -> String {
        let again = self.again().await;
        self.must(again.status == 200, || format!("then {} {}", again.status, again.text));
        self.must(!self.moved() && self.stands(), || "the session has changed".to_owned());
        shown(first, &again)
    }
}

/// An answer that says that all is well, or the one that followed as well.
pub fn shown(first: &Answer, again: &Answer) -> String {
    if first.status < 400 { first.status.to_string() } else { format!("{}, {}", first.status, again.status) }
}

/// Whether `lasting` makes a difference to `rule`'s fault, and the fault can happen to its call at all.
pub fn is_possible(rule: &Rule) -> bool {
    let reads = matches!(rule.target.operation.as_str(), "GetItem" | "Query");
    let conflict = rule.fault == Fault::Conflict;
    !(conflict && reads) && (!rule.fault.kills() || rule.lasting == Lasting::Once)
}
