//! The refresh protocol as a model: every order of events within bounds is tried, and properties are held against every state.
//!
//! It shares two things with the code that runs: it decides by [`shared::protocol::transition`] and advances by
//! [`shared::protocol::Position::successor`] and `sibling`. The rest is written again: the model's server repeats the handler's shape, call by
//! call, so that anything may happen between a refused write and the second one. That shape and the store's expressions are held to the
//! transition by the histories of the black-box tests.
//!
//! | | |
//! |---|---|
//! | the victim | one browser, one stored token, two tabs that refresh at once, retry, and repeat; the last answer that arrives is kept. Victim and thief have two requests each under way at most |
//! | the network | every request or answer may vanish, at any stage: a lost answer, a Lambda that died between write and answer, a client that gave up. A write's acknowledgement may get lost, and the SDK repeats it |
//! | the thief | copies any token that the victim has or is sent, whether it arrives or not, one in a run; keeps all that come of it; uses any of them |
//! | endings | logout, a change of password (epoch + 1), disabling (status, epoch + 1) and enabling again, between any two calls |
//! | backups | the session's item may be set back to its beginning, while no request is under way |
//! | time | ticks. The window is one tick; no request is under way for more than one change of tick. A handler reads the clock once, when the request arrives, and its writes may come a tick later |
//!
//! Three things are taken for granted, and a bound drops each and shows why. A token is not used within two ticks of its arrival:
//! it is due with its access token ([`Bounds::early`]). Copies of one request that are under way together arrive on one side of
//! the window's end ([`Bounds::straddle`]). No backup is restored while a request is under way, or after the session's end
//! ([`Bounds::restore_any_time`]).
//!
//! Not in the model: idle and absolute expiry, other applications, applications without rotation. The histories have them. Nor
//! are windows shorter than a request takes, nor clocks that differ between instances.

mod people;
pub mod properties;
pub mod rules;
pub mod scenario;
mod server;
pub mod state;

use shared::protocol::Position;
use stateright::{Model, Property};

use rules::Rules;
use state::{Held, Item, Left, Party, Record, Stage, State, Tick, User};

/// How much may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The last tick.
    pub ticks: Tick,
    /// Requests of the victim.
    pub victim: u8,
    /// Requests of the thief.
    pub thief: u8,
    /// Copies that the thief may take.
    pub thefts: u8,
    /// Writes whose acknowledgement gets lost.
    pub unacknowledged: u8,
    /// Endings: with one, the session ends; with two, a disabled user may be enabled again.
    pub endings: u8,
    /// Restored backups.
    pub restores: u8,
    /// Thief and victim are not synchronised: neither comes in the other's window.
    pub apart: bool,
    /// Copies of a request may arrive on both sides of the window's end.
    pub straddle: bool,
    /// Backups may be restored while requests are under way, and after the session's end.
    pub restore_any_time: bool,
    /// Whether the victim uses a token within two ticks of its arrival.
    pub early: Early,
}

/// When a token may be used that has just come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Early {
    /// Never: when it is due.
    Never,
    /// When no other request of the victim's is under way.
    Alone,
    /// At once.
    Always,
}

/// Rules within bounds: what is checked.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    /// The server's.
    pub rules: Rules,
    /// The world's.
    pub bounds: Bounds,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A party's request arrives.
    Send(Party, Position),
    /// DynamoDB answers the write that the request in this place waits for.
    Answer(usize),
    /// DynamoDB does the write, and its answer gets lost.
    AnswerLost(usize),
    /// DynamoDB answers the look at the user.
    Look(usize),
    /// The answer arrives.
    Deliver(usize),
    /// The request is heard of no more.
    Vanish(usize),
    /// The thief copies a token.
    Steal(Position),
    /// The user signs out.
    Logout,
    /// The user changes the password, or ends all sessions.
    RaiseEpoch,
    /// An operator disables the user.
    Disable,
    /// And enables them.
    Enable,
    /// An operator restores the session's item as it began.
    Restore,
    /// Time goes by.
    Tick,
}

impl Protocol {
    fn grace(&self) -> u8 {
        u8::try_from(self.rules.policy().grace.as_secs()).unwrap_or(u8::MAX)
    }

    fn requests(&self, state: &State, events: &mut Vec<Event>) {
        if let Some(token) = people::victim_may_send(state, &self.bounds, self.grace()) {
            events.push(Event::Send(Party::Victim, token));
        }
        if people::thief_may_send(state, &self.bounds) {
            events.extend(state.stolen.iter().map(|token| Event::Send(Party::Thief, *token)));
        }
        for (at, request) in state.requests.iter().enumerate() {
            match &request.stage {
                Stage::Answered(..) => events.push(Event::Deliver(at)),
                Stage::Looking(_) => {}
                waiting => {
                    events.push(Event::Answer(at));
                    if state.left.unacknowledged > 0 && !matches!(waiting, Stage::Ending(_)) {
                        events.push(Event::AnswerLost(at));
                    }
                }
            }
            if request.honoured.is_none() {
                events.push(Event::Look(at));
            }
            events.push(Event::Vanish(at));
            if people::victim_may_repeat(state, &self.bounds, request, self.grace()) {
                events.push(Event::Send(Party::Victim, request.token));
            }
        }
    }

    fn happenings(&self, state: &State, events: &mut Vec<Event>) {
        if state.left.thefts > 0 {
            events.extend(people::exposed(state).into_iter().map(Event::Steal));
        }
        if state.left.endings > 0 {
            if !state.record.over {
                events.extend([Event::Logout, Event::RaiseEpoch, Event::Disable]);
            } else if !state.user.active {
                events.push(Event::Enable);
            }
        }
        let quiet = self.bounds.restore_any_time || (state.requests.is_empty() && !state.record.over);
        if state.left.restores > 0 && quiet && state.item != Item::new() {
            events.push(Event::Restore);
        }
        if state.now < self.bounds.ticks && state.requests.iter().all(|request| request.arrived == state.now) {
            events.push(Event::Tick);
        }
    }

    fn perform(&self, state: &mut State, event: Event) {
        match event {
            Event::Send(party, token) => people::send(state, party, token, &self.bounds),
            Event::Answer(at) => server::answer(state, self.rules, at, true),
            Event::AnswerLost(at) => {
                state.left.unacknowledged -= 1;
                server::answer(state, self.rules, at, false);
            }
            Event::Look(at) => server::look(state, self.rules, at),
            Event::Deliver(at) => {
                server::end_late(state, self.rules, at);
                people::deliver(state, at);
            }
            Event::Vanish(at) => drop(state.requests.remove(at)),
            Event::Steal(token) => people::steal(state, token),
            Event::Logout | Event::RaiseEpoch | Event::Disable | Event::Enable => end(state, self.rules, event),
            Event::Restore => {
                state.left.restores -= 1;
                state.item = Item::new();
                state.record.restored = true;
            }
            Event::Tick => state.now += 1,
        }
        state.requests.sort_unstable();
    }
}

fn end(state: &mut State, rules: Rules, event: Event) {
    state.left.endings -= 1;
    match event {
        Event::Logout => state.item.revoked = true,
        Event::RaiseEpoch => state.user.epoch += 1,
        Event::Disable if rules == Rules::DisablingKeepsEpoch => state.user.active = false,
        Event::Disable => state.user = User { epoch: state.user.epoch + 1, active: false },
        _ => state.user.active = true,
    }
    state.record.ended = true;
    state.record.over = true;
}

impl Model for Protocol {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        let Bounds { victim, thief, thefts, unacknowledged, endings, restores, .. } = self.bounds;
        vec![State {
            now: 0,
            item: Item::new(),
            user: User { epoch: 0, active: true },
            requests: Vec::new(),
            held: Some(Held { token: Position::FIRST, since: None }),
            stolen: Vec::new(),
            left: Left { victim, thief, thefts, unacknowledged, endings, restores },
            record: Record::default(),
        }]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        self.requests(state, events);
        self.happenings(state, events);
    }

    fn next_state(&self, state: &State, event: Event) -> Option<State> {
        let mut next = state.clone();
        self.perform(&mut next, event);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self.rules)
    }
}
