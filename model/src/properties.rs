//! What must hold of every state, and what must be reached for that to mean anything.

use std::collections::BTreeSet;

use shared::protocol::{Position, Transition};
use stateright::Property;

use crate::{
    Protocol,
    rules::Rules,
    state::{Answer, Case, Party, Request, Stage, State},
};

/// At most one token is the newest: of all that anybody holds or is being sent, the server would rotate one at most.
pub const ONE_LEAF: &str = "one live leaf";
/// Without a thief, no request is answered that the session is over unless it was ended, and nothing is taken for reuse.
pub const NO_FALSE_LOGOUT: &str = "no false logout";
/// After a theft, thief and victim that are not synchronised take three turns at most (thief, victim, thief) at getting a token
/// that they did not have. Any number of new tokens in a row is one turn. An answer that gets lost is none, nor is one to
/// a request that was under way when the thief began. Another theft begins a new count.
pub const THREE_TURNS: &str = "at most thief, victim, thief";
/// No request that arrives after the end of its session is answered with tokens, and no access token passes the live check then.
pub const NOTHING_SURVIVES: &str = "nothing survives a revocation";
/// A token that is ahead of the item is never taken for reuse.
pub const AHEAD_REVOKES_NOTHING: &str = "case F revokes nothing";
/// Unless a backup was restored, no token is ahead of the item: what was handed out was written before.
pub const AHEAD_IS_RESTORED: &str = "case F takes a restored backup";
/// An answer that says reuse is given by a revoked session only.
pub const REUSE_REVOKES: &str = "reuse revokes";
/// Strict: only the newest token is ever answered with tokens.
pub const SPENT_IS_SPENT: &str = "a used token is never answered";
/// Strict: after a theft one turn is all that either gets.
pub const ONE_TURN: &str = "at most one turn";

/// The properties that every set of rules is held against, in the order of tables.
pub const OF_ALL: [&str; 7] =
    [ONE_LEAF, NO_FALSE_LOGOUT, THREE_TURNS, NOTHING_SURVIVES, AHEAD_REVOKES_NOTHING, AHEAD_IS_RESTORED, REUSE_REVOKES];

/// What is to be reached, by the name of the case.
pub const REACHED: [&str; 7] = [
    "case A is reached",
    "case B is reached",
    "case C is reached",
    "case D is reached",
    "case E is reached",
    "case F is reached",
    "case G is reached",
];
/// The bound of turns is attained.
pub const THIRD_TURN: &str = "a third turn is reached";

/// All properties of a model with `rules`.
pub fn all(rules: Rules) -> Vec<Property<Protocol>> {
    let mut properties = vec![
        Property::always(ONE_LEAF, one_leaf),
        Property::always(NO_FALSE_LOGOUT, no_false_logout),
        Property::always(THREE_TURNS, |model: &Protocol, state: &State| !model.bounds.apart || state.record.turns <= 3),
        Property::always(NOTHING_SURVIVES, nothing_survives),
        Property::always(AHEAD_REVOKES_NOTHING, ahead_revokes_nothing),
        Property::always(AHEAD_IS_RESTORED, |_, state: &State| state.record.restored || !reached(state, Case::F)),
        Property::always(REUSE_REVOKES, reuse_revokes),
        Property::sometimes(REACHED[0], |_, state| reached(state, Case::A)),
        Property::sometimes(REACHED[1], |_, state| reached(state, Case::B)),
        Property::sometimes(REACHED[2], |_, state| reached(state, Case::C)),
        Property::sometimes(REACHED[3], |_, state| reached(state, Case::D)),
        Property::sometimes(REACHED[4], |_, state| reached(state, Case::E)),
        Property::sometimes(REACHED[5], |_, state| reached(state, Case::F)),
        Property::sometimes(REACHED[6], |_, state| reached(state, Case::G)),
        Property::sometimes(THIRD_TURN, |_, state: &State| state.record.turns == 3),
    ];
    if rules == Rules::Strict {
        properties.push(Property::always(SPENT_IS_SPENT, spent_is_spent));
        properties.push(Property::always(ONE_TURN, |model: &Protocol, state: &State| {
            !model.bounds.apart || state.record.turns <= 1
        }));
    }
    properties
}

/// The answers under way.
fn answers(state: &State) -> impl Iterator<Item = (&Request, Case, Answer)> {
    state.requests.iter().filter_map(|request| match request.stage {
        Stage::Answered(case, answer) => Some((request, case, answer)),
        _ => None,
    })
}

fn reached(state: &State, case: Case) -> bool {
    answers(state).any(|(_, answered, _)| answered == case)
}

fn one_leaf(model: &Protocol, state: &State) -> bool {
    let sent = answers(state).filter_map(|(_, _, answer)| match answer {
        Answer::Granted(token) => Some(token),
        _ => None,
    });
    let used = state.requests.iter().map(|request| request.token);
    let held = state.held.map(|held| held.token);
    let known: BTreeSet<Position> = sent.chain(used).chain(held).chain(state.stolen.iter().copied()).collect();
    let newest = |token: &&Position| model.rules.judge(**token, &state.item, state.now) == Transition::Current;
    known.iter().filter(newest).count() <= 1
}

fn no_false_logout(_: &Protocol, state: &State) -> bool {
    let innocent = state.stolen.is_empty() && !state.record.restored && !state.record.ended;
    let refused =
        || answers(state).any(|(request, _, answer)| request.party == Party::Victim && answer == Answer::Over);
    !(innocent && (state.item.revoked || refused()))
}

fn nothing_survives(model: &Protocol, state: &State) -> bool {
    let handed_out = |(request, _, answer): (&Request, _, _)| request.doomed && matches!(answer, Answer::Granted(_));
    let epoch = u64::from(state.user.epoch);
    let session = state.item.session(&model.rules.policy());
    let passes = state.user.active && session.stands(epoch, crate::state::moment(state.now));
    !(state.record.over && passes || answers(state).any(handed_out))
}

fn ahead_revokes_nothing(_: &Protocol, state: &State) -> bool {
    let ends = |request: &&Request| matches!(request.stage, Stage::Ending(_));
    !state
        .requests
        .iter()
        .filter(ends)
        .any(|request| request.token > state.item.position && state.item.tokens.is_empty())
}

fn reuse_revokes(_: &Protocol, state: &State) -> bool {
    state.item.revoked || !answers(state).any(|(_, case, _)| matches!(case, Case::D | Case::E))
}

fn spent_is_spent(_: &Protocol, state: &State) -> bool {
    !answers(state).any(|(_, case, answer)| case != Case::A && matches!(answer, Answer::Granted(_)))
}
