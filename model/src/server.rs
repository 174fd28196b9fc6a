//! The handler of `POST /refresh`, call by call, as `functions::refresh` makes them.
//!
//! `rotate` and the look at the user are under way together and are answered in either order. Only then, with the item as
//! `rotate` found it, the case is decided. C takes `displace`, whose refusal is judged once more; D and E take `end`.

use shared::protocol::{Position, Reuse, Transition};

use crate::{
    rules::Rules,
    state::{Answer, Case, Found, Item, Party, Request, Stage, State, Tick},
};

/// DynamoDB answers what the request in place `at` waits for. `acknowledged` is false if the answer gets lost and the
/// SDK sends the same again.
pub(crate) fn answer(state: &mut State, rules: Rules, at: usize, acknowledged: bool) {
    let request = state.requests[at].clone();
    let Request { token, arrived, party, .. } = request;
    let next = match request.stage.clone() {
        Stage::Rotating => {
            let found = rotate(&mut state.item, rules, token, arrived);
            rotated(state, party, &found);
            match request.honoured {
                Some(honoured) => conclude(rules, &request, found, honoured),
                None => Stage::Looking(found),
            }
        }
        Stage::Displacing(seen) => {
            let found = displace(&mut state.item, rules, token, &seen, arrived);
            rotated(state, party, &found);
            match found {
                Found::Done(position) => Stage::Answered(Case::C, Answer::Granted(position)),
                Found::Refused(item) => again(rules, &request, &item),
            }
        }
        Stage::Ending(case) => {
            end(state);
            Stage::Answered(case, Answer::Over)
        }
        other => other,
    };
    if acknowledged {
        state.requests[at].stage = next;
        given(state, at);
    }
}

/// The write that revokes.
fn end(state: &mut State) {
    state.item.revoked = true;
    state.record.over = true;
}

/// The alternative that answers reuse first: the write follows the answer, unless the request vanishes.
pub(crate) fn end_late(state: &mut State, rules: Rules, at: usize) {
    let reused = matches!(state.requests[at].stage, Stage::Answered(Case::D | Case::E, _));
    if rules == Rules::ReuseAnsweredFirst && reused {
        end(state);
    }
}

/// DynamoDB answers the look at the user.
pub(crate) fn look(state: &mut State, rules: Rules, at: usize) {
    let honoured = state.user.honours() || rules == Rules::BlindToUser;
    let request = &mut state.requests[at];
    request.honoured = Some(honoured);
    if let Stage::Looking(found) = &request.stage {
        request.stage = conclude(rules, request, found.clone(), honoured);
    }
    given(state, at);
}

/// In case B somebody is answered with a token that is there already.
fn given(state: &mut State, at: usize) {
    let Request { party, stage, .. } = &state.requests[at];
    if matches!(stage, Stage::Answered(Case::B, Answer::Granted(_))) {
        state.record.newest_with[*party as usize] = true;
    }
}

/// A new newest token is for whoever asked, until somebody else is answered with it too.
fn rotated(state: &mut State, party: Party, found: &Found) {
    if matches!(found, Found::Done(_)) {
        state.record.newest_with = [false; 2];
        state.record.newest_with[party as usize] = true;
    }
}

/// The conditional write of case A: its condition is the transition's own.
fn rotate(item: &mut Item, rules: Rules, token: Position, now: Tick) -> Found {
    let verdict = match rules {
        Rules::UnguardedRotation => rules.judge(token, &Item { revoked: false, ..item.clone() }, now),
        _ => rules.judge(token, item, now),
    };
    if rules == Rules::NewSuccessorBeside && matches!(verdict, Transition::Current | Transition::Repeated) {
        return beside(item, token, now);
    }
    match (verdict, token.successor()) {
        (Transition::Current, Some(next)) => {
            item.position = next;
            item.previous_branch = Some(token.branch);
            item.rotated_at = now;
            Found::Done(next)
        }
        _ => Found::Refused(item.clone()),
    }
}

/// The conditional write of case C.
fn displace(item: &mut Item, rules: Rules, token: Position, seen: &Item, now: Tick) -> Found {
    if !rules.may_displace(token, seen, item, now) {
        return Found::Refused(item.clone());
    }
    item.position = seen.position.sibling();
    item.rotated_at = now;
    Found::Done(item.position)
}

/// The alternative that keeps a table of tokens: the presented one is used from now on, and has one more successor.
fn beside(item: &mut Item, token: Position, now: Tick) -> Found {
    if item.tokens.is_empty() {
        item.tokens.push((Position::FIRST, None));
    }
    let generation = token.generation + 1;
    let siblings = item.tokens.iter().filter(|(known, _)| known.generation == generation).count();
    let next = Position { generation, branch: u8::try_from(siblings).unwrap_or(u8::MAX) };
    for (known, used) in &mut item.tokens {
        if *known == token {
            used.get_or_insert(now);
        }
    }
    item.tokens.push((next, None));
    item.rotated_at = now;
    Found::Done(next)
}

/// What follows once both calls of the first round trip are answered: `redeem` of the handler.
fn conclude(rules: Rules, request: &Request, found: Found, honoured: bool) -> Stage {
    let item = match found {
        Found::Done(position) if honoured => return Stage::Answered(Case::A, Answer::Granted(position)),
        Found::Done(_) => return Stage::Answered(Case::G, Answer::Over),
        Found::Refused(item) => item,
    };
    match rules.judge(request.token, &item, request.arrived) {
        Transition::Ended(_) => Stage::Answered(Case::G, Answer::Over),
        _ if !honoured => Stage::Answered(Case::G, Answer::Over),
        Transition::Late => Stage::Displacing(item),
        transition => settle(rules, transition, &item),
    }
}

/// Somebody was quicker with the second write: the item is judged as it is now, and the user as before.
fn again(rules: Rules, request: &Request, item: &Item) -> Stage {
    match rules.judge(request.token, item, request.arrived) {
        Transition::Ended(_) => Stage::Answered(Case::G, Answer::Over),
        transition => settle(rules, transition, item),
    }
}

/// `conclude` of the handler.
fn settle(rules: Rules, transition: Transition, item: &Item) -> Stage {
    let ending = |case| match rules {
        Rules::ReuseAnsweredFirst => Stage::Answered(case, Answer::Over),
        _ => Stage::Ending(case),
    };
    match transition {
        Transition::Repeated => Stage::Answered(Case::B, Answer::Granted(item.position)),
        Transition::Reused(Reuse::LatePredecessor) => ending(Case::D),
        Transition::Reused(Reuse::Superseded) => ending(Case::E),
        Transition::Ahead => Stage::Answered(Case::F, Answer::NotForEveryone),
        Transition::Late => Stage::Answered(Case::C, Answer::Unavailable),
        Transition::Current | Transition::Ended(_) => Stage::Answered(Case::A, Answer::Unavailable),
    }
}
