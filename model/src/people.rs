//! The victim with two tabs, and the thief.

use shared::protocol::Position;

use crate::{
    Bounds, Early,
    state::{Answer, Held, Party, Request, Stage, State},
};

/// Requests of one party that may be under way at once.
const AT_ONCE: usize = 2;

/// How close two rotations are if the parties are synchronised: the default's window, whatever the rules.
const WINDOW: u8 = 1;

/// Whether the victim sends a refresh now.
///
/// A token that has just come is not used at once: it is due when its access token is, a minute later or more;
/// `bounds.early` is about that. A retry
/// and the other tab send the old one at any time; that they are copies of one request is what `bounds.straddle` is about.
pub(crate) fn victim_may_send(state: &State, bounds: &Bounds, grace: u8) -> Option<Position> {
    let held = state.held?;
    let early = match bounds.early {
        Early::Never => false,
        Early::Alone => of(state, Party::Victim).next().is_none(),
        Early::Always => true,
    };
    let due = early || held.since.is_none_or(|since| state.now >= since + 2);
    let may = state.left.victim > 0 && due && one_side(state, bounds, grace) && apart(state, bounds, Party::Victim);
    may.then_some(held.token)
}

/// Whether the victim's browser, or something between, sends a request under way once more, though its token is not the
/// newest by now. It takes no longer for that.
pub(crate) fn victim_may_repeat(state: &State, bounds: &Bounds, request: &Request, grace: u8) -> bool {
    let old = request.party == Party::Victim && state.held.is_none_or(|held| held.token != request.token);
    let in_time = request.arrived == state.now && one_side(state, bounds, grace);
    old && in_time && state.left.victim > 0 && apart(state, bounds, Party::Victim)
}

/// Whether the thief may send a token.
pub(crate) fn thief_may_send(state: &State, bounds: &Bounds) -> bool {
    state.left.thief > 0 && apart(state, bounds, Party::Thief)
}

/// Copies of a request that are under way together arrive on one side of the window's end.
fn one_side(state: &State, bounds: &Bounds, grace: u8) -> bool {
    let beyond = |at: u8| at.saturating_sub(state.item.rotated_at) > grace;
    let mut mine = of(state, Party::Victim);
    bounds.straddle || mine.all(|request| beyond(request.arrived) == beyond(state.now))
}

/// Thief and victim know nothing of each other: once the thief has begun, neither sends while the other's request is under way
/// or in the window of a rotation that the other made or was answered with.
fn apart(state: &State, bounds: &Bounds, party: Party) -> bool {
    if of(state, party).count() >= AT_ONCE {
        return false;
    }
    if !bounds.apart || !state.record.thief_began {
        return true;
    }
    let foreign = state.record.newest_with[1 - party as usize];
    let in_window = state.now.saturating_sub(state.item.rotated_at) <= WINDOW;
    state.requests.iter().all(|request| request.party == party) && !(foreign && in_window)
}

fn of(state: &State, party: Party) -> impl Iterator<Item = &Request> {
    state.requests.iter().filter(move |request| request.party == party)
}

/// A request arrives.
pub(crate) fn send(state: &mut State, party: Party, token: Position, bounds: &Bounds) {
    let left = match party {
        Party::Victim => &mut state.left.victim,
        Party::Thief => &mut state.left.thief,
    };
    *left -= 1;
    state.record.thief_began |= party == Party::Thief;
    let may_change = bounds.endings > 0;
    state.requests.push(Request {
        party,
        token,
        arrived: state.now,
        doomed: state.record.over,
        counts: state.record.thief_began,
        // Where nothing can happen to the user, there is no need to look in every order.
        honoured: (!may_change).then_some(true),
        stage: Stage::Rotating,
    });
}

/// What can be stolen now: the token in the browser, and those in answers to it, whether they get there or not.
pub(crate) fn exposed(state: &State) -> Vec<Position> {
    let answers = of(state, Party::Victim).filter_map(|request| match request.stage {
        Stage::Answered(_, Answer::Granted(token)) => Some(token),
        _ => None,
    });
    let mut exposed: Vec<_> = state.held.map(|held| held.token).into_iter().chain(answers).collect();
    exposed.retain(|token| !state.stolen.contains(token));
    exposed.sort_unstable();
    exposed.dedup();
    exposed
}

/// The thief takes a copy. From now on turns are counted anew.
pub(crate) fn steal(state: &mut State, token: Position) {
    state.left.thefts -= 1;
    state.stolen.push(token);
    state.stolen.sort_unstable();
    state.record.turns = 0;
    state.record.turn = None;
}

/// The answer in place `at` gets to whoever asked.
pub(crate) fn deliver(state: &mut State, at: usize) {
    let Request { party, stage, counts, .. } = state.requests.remove(at);
    let Stage::Answered(_, answer) = stage else { return };
    match (party, answer) {
        (Party::Victim, Answer::Granted(token)) => {
            let new = state.held.is_none_or(|held| held.token != token);
            state.held = Some(Held { token, since: Some(state.now) });
            count(state, party, new && counts);
        }
        (Party::Thief, Answer::Granted(token)) => {
            let new = !state.stolen.contains(&token);
            if new {
                state.stolen.push(token);
                state.stolen.sort_unstable();
            }
            count(state, party, new && counts);
        }
        // The browser drops its cookies.
        (Party::Victim, Answer::Over) => state.held = None,
        _ => {}
    }
}

/// Counts turns at getting a token that one did not have: the thief's is the first.
fn count(state: &mut State, party: Party, new: bool) {
    let record = &mut state.record;
    let first = record.turns == 0 && party == Party::Victim;
    if new && !first && record.turn != Some(party) {
        record.turns += 1;
        record.turn = Some(party);
    }
}
