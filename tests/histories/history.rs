//! A history: what happens, in order, with several requests under way.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use proptest::prelude::*;
use shared::{refresh_token::RefreshToken, session::Session, world::World};

use super::{
    deployment::{ABSOLUTE, Answered, Deployment, GRACE, IDLE},
    reference::{Book, Expected, Said, Wish},
};

/// What happens next. Numbers choose among what is there, the newest first.
#[derive(Debug, Clone)]
pub enum Step {
    /// Whoever has the token refreshes with it, with the key of its application or of another. The answer may get lost.
    Refresh { token: usize, foreign: bool, heard: bool },
    /// Somebody signs out with it.
    Logout { token: usize, foreign: bool },
    /// The user ends all sessions.
    EndAll,
    /// An operator disables or enables the user.
    SetActive(bool),
    /// DynamoDB performs and answers one of the waiting calls.
    Call(usize),
    /// A Lambda dies.
    Die(usize),
    /// Seconds go by.
    Wait(u64),
    /// A backup of the session's beginning is restored, if nothing is under way.
    Restore,
}

/// Any history of an application with one of four policies.
pub fn any() -> impl Strategy<Value = (usize, Vec<Step>)> {
    let edge = |at: u64| at - 1..=at + 1;
    let step = prop_oneof![
        32 => (0..5_usize, prop::bool::weighted(0.04), prop::bool::weighted(0.7))
            .prop_map(|(token, foreign, heard)| Step::Refresh { token: token.saturating_sub(1), foreign, heard }),
        80 => (0..8_usize).prop_map(Step::Call),
        14 => edge(GRACE).prop_map(Step::Wait),
        4 => (0..GRACE).prop_map(Step::Wait),
        1 => edge(IDLE).prop_map(Step::Wait),
        1 => edge(ABSOLUTE / 2).prop_map(Step::Wait),
        2 => (0..4_usize).prop_map(Step::Die),
        1 => (0..3_usize, prop::bool::weighted(0.3)).prop_map(|(token, foreign)| Step::Logout { token, foreign }),
        1 => Just(Step::EndAll),
        1 => prop::bool::ANY.prop_map(Step::SetActive),
        2 => Just(Step::Restore),
    ];
    (prop_oneof![5 => Just(0_usize), 2 => Just(1), 2 => Just(2), 1 => Just(3)], prop::collection::vec(step, 1..60))
}

struct Flight {
    id: usize,
    future: Pin<Box<dyn Future<Output = Answered>>>,
    expected: Expected,
    heard: bool,
}

/// How often what happened.
#[derive(Debug, Default, Clone)]
pub struct Count {
    pub histories: u64,
    pub answers: u64,
    pub calls: u64,
    pub most_at_once: usize,
    /// By case, from A to J.
    pub cases: std::collections::BTreeMap<char, u64>,
}

/// A history in the making.
pub struct History {
    deployment: Rc<Deployment>,
    application: usize,
    initial: Session,
    book: Book,
    refresh_tokens: Vec<(RefreshToken, String)>,
    access: (String, shared::world::Timestamp),
    flights: Vec<Flight>,
    begun: usize,
    count: Rc<RefCell<Count>>,
}

impl History {
    pub async fn begin(deployment: &Rc<Deployment>, application: usize, count: Rc<RefCell<Count>>) -> Self {
        deployment.gate.run(None);
        let (session, answered) = deployment.sign_in(application).await;
        let token = (session.refresh_token(), answered.refresh.expect("a token"));
        Self {
            deployment: Rc::clone(deployment),
            application,
            initial: session.clone(),
            book: Book { session, active: true, epoch: 0 },
            refresh_tokens: vec![token],
            access: answered.access.expect("a token"),
            flights: Vec::new(),
            begun: 0,
            count,
        }
    }

    /// Makes it happen. An error says what the protocol does not allow.
    pub async fn play(mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            self.step(step).await.map_err(|wrong| format!("{wrong}, at {step:?}"))?;
        }
        while self.deployment.gate.waiting() > 0 {
            self.call(0)?;
        }
        if !self.flights.is_empty() {
            return Err("a request waits for nothing".into());
        }
        self.count.borrow_mut().histories += 1;
        self.compare().await
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        let waiting = self.deployment.gate.waiting();
        match step {
            Step::Refresh { token, foreign, heard } => {
                let (wish, text, application) = self.with_token(*token, *foreign, Wish::Refresh);
                self.send(wish, text, application, *heard)
            }
            Step::Logout { token, foreign } => {
                let (wish, text, application) = self.with_token(*token, *foreign, Wish::Logout);
                self.send(wish, text, application, true)
            }
            Step::EndAll if self.deployment.clock.now() < self.access.1 => {
                self.send(Wish::EndAll, self.access.0.clone(), self.application, true)
            }
            Step::SetActive(active) => self.send(Wish::SetActive(*active), String::new(), self.application, true),
            Step::Call(at) if waiting > 0 => self.call(at % waiting),
            Step::Die(at) if !self.flights.is_empty() => {
                let dead = self.flights.remove(at % self.flights.len());
                self.deployment.gate.forget(dead.id);
                Ok(())
            }
            Step::Wait(seconds) => {
                self.deployment.clock.advance(Duration::from_secs(*seconds));
                Ok(())
            }
            Step::Restore if self.flights.is_empty() => {
                self.restore().await;
                Ok(())
            }
            Step::EndAll | Step::Call(_) | Step::Die(_) | Step::Restore => Ok(()),
        }
    }

    fn with_token(
        &self,
        back: usize,
        foreign: bool,
        wish: impl Fn(RefreshToken, shared::application::Application) -> Wish,
    ) -> (Wish, String, usize) {
        let at = self.refresh_tokens.len() - 1 - back % self.refresh_tokens.len();
        let (token, text) = &self.refresh_tokens[at];
        let applications = &self.deployment.applications;
        let application = (self.application + usize::from(foreign)) % applications.len();
        (wish(*token, applications[application].0.clone()), text.clone(), application)
    }

    fn send(&mut self, wish: Wish, token: String, application: usize, heard: bool) -> Result<(), String> {
        let id = self.begun;
        self.begun += 1;
        let expected = Expected::new(wish.clone(), self.deployment.clock.now());
        let run = Rc::clone(&self.deployment).run(self.initial.user_key, wish, token, application);
        let future = Box::pin(tokio::task::unconstrained(run));
        self.flights.push(Flight { id, future, expected, heard });
        let mut count = self.count.borrow_mut();
        count.most_at_once = count.most_at_once.max(self.flights.len());
        drop(count);
        self.go_on(id)
    }

    fn call(&mut self, at: usize) -> Result<(), String> {
        let call = self.deployment.gate.release(at);
        self.count.borrow_mut().calls += 1;
        let flight = self.flights.iter_mut().find(|flight| flight.id == call.of).ok_or("a call of nobody")?;
        if !flight.expected.call(&call.operation, &call.table, &mut self.book) {
            return Err(format!("{} of {} has no place here", call.operation, call.table));
        }
        self.go_on(call.of)
    }

    /// Lets a request run until it waits or is answered.
    fn go_on(&mut self, id: usize) -> Result<(), String> {
        let at = self.flights.iter().position(|flight| flight.id == id).ok_or("nobody")?;
        self.deployment.gate.run(Some(id));
        let polled = self.flights[at].future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.deployment.gate.run(None);
        match (polled, self.flights[at].expected.answer()) {
            (Poll::Pending, None) => Ok(()),
            (Poll::Pending, Some(said)) => Err(format!("goes on where {said:?} was due")),
            (Poll::Ready(answered), said) => {
                if answered.said.as_ref().ok() != said {
                    return Err(format!("answered {:?}, and {said:?} was due", answered.said));
                }
                self.answered(at, answered);
                Ok(())
            }
        }
    }

    fn answered(&mut self, at: usize, answered: Answered) {
        let flight = self.flights.remove(at);
        let mut count = self.count.borrow_mut();
        count.answers += 1;
        if let Some(case) = flight.expected.case {
            *count.cases.entry(case).or_default() += 1;
        }
        drop(count);
        // A token that got lost is not gone: a thief may have it. But those that were heard are the newest.
        if let (Ok(Said::Tokens(Some(token))), Some(text)) = (&answered.said, answered.refresh)
            && !self.refresh_tokens.iter().any(|(known, _)| known == token)
        {
            let place = if flight.heard { self.refresh_tokens.len() } else { 0 };
            self.refresh_tokens.insert(place, (*token, text));
        }
        if let Some(access) = answered.access.filter(|_| flight.heard) {
            self.access = access;
        }
    }

    async fn restore(&mut self) {
        if self.book.session.revoked_at.is_some() {
            return;
        }
        let sessions = &self.deployment.store.sessions;
        sessions.remove(self.initial.user_key, self.initial.session_id).await.expect("the store");
        sessions.begin(&self.initial).await.expect("the store");
        self.book.session = self.initial.clone();
    }

    /// Holds what is stored against what should be.
    async fn compare(&self) -> Result<(), String> {
        let store = &self.deployment.store;
        let found = store.sessions.find(self.initial.user_key, self.initial.session_id, true).await.expect("the store");
        let mut found = found.ok_or("the session is gone")?;
        if found.revoked_at.is_some() {
            // When a revoked item may vanish is not the protocol's business.
            found.expires_at = self.book.session.expires_at;
        }
        if found != self.book.session {
            return Err(format!("stored {found:?}, and {:?} was due", self.book.session));
        }
        let user = store.users.find(self.initial.user_key).await.expect("the store").ok_or("the user is gone")?;
        let due = (self.book.active, self.book.epoch);
        if (user.is_active(), user.epoch) == due { Ok(()) } else { Err(format!("user {user:?}, and {due:?} was due")) }
    }
}
