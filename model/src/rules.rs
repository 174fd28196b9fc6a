//! The rules to be checked: Gatelet's, and what others do or might do instead.

use shared::protocol::{MAX_BRANCH, Position, RefreshPolicy, Reuse, Transition, transition};

use crate::{
    properties,
    scenario::Scenario,
    state::{APPLICATION, Item, Tick, moment, policy},
};

/// How a server treats refresh tokens. The first two are Gatelet's own profiles, and decide by [`transition`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// The default: a window and recovery.
    Resilient,
    /// Neither window nor recovery: RFC 9700 §4.14.2 to the letter.
    Strict,
    /// A window; later, a predecessor is reuse.
    NoRecovery,
    /// No window; a predecessor displaces its successor from the first moment on.
    NoWindow,
    /// The window never ends.
    UnlimitedPredecessor,
    /// A successor may be displaced any number of times.
    NoBranchLimit,
    /// In the window a predecessor gets a new successor, and the old one is displaced.
    NewSuccessorInstead,
    /// In the window a predecessor gets a new successor, and the old one stays good: a table of tokens.
    NewSuccessorBeside,
    /// A displaced successor displaces the one that displaced it.
    ForgivenSibling,
    /// A token ahead of the table is taken for reuse.
    AheadIsReuse,
    /// The user is not looked at.
    BlindToUser,
    /// The second write of case C has no condition: get, then put.
    UnconditionalDisplacement,
    /// The rotation's condition asks for generation and branch, not for `revoked_at`.
    UnguardedRotation,
    /// Disabling a user leaves the epoch as it is.
    DisablingKeepsEpoch,
    /// Reuse is answered first; the write that revokes follows, or never does if the Lambda dies.
    ReuseAnsweredFirst,
}

impl Rules {
    /// All of them, as tables show them.
    pub const ALL: [Self; 15] = [
        Self::Resilient,
        Self::Strict,
        Self::NoRecovery,
        Self::NoWindow,
        Self::UnlimitedPredecessor,
        Self::NoBranchLimit,
        Self::NewSuccessorInstead,
        Self::NewSuccessorBeside,
        Self::ForgivenSibling,
        Self::AheadIsReuse,
        Self::BlindToUser,
        Self::UnconditionalDisplacement,
        Self::UnguardedRotation,
        Self::DisablingKeepsEpoch,
        Self::ReuseAnsweredFirst,
    ];

    /// In the words of `docs/security.md`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resilient => "the default",
            Self::Strict => "strict: no window, no recovery",
            Self::NoRecovery => "window without recovery",
            Self::NoWindow => "recovery without window",
            Self::UnlimitedPredecessor => "unlimited predecessor: the window never ends",
            Self::NoBranchLimit => "no limit of displacements",
            Self::NewSuccessorInstead => "re-rotation in the window, displacing the first successor",
            Self::NewSuccessorBeside => "re-rotation in the window, side by side",
            Self::ForgivenSibling => "a displaced token may displace in turn",
            Self::AheadIsReuse => "ahead of the table is taken for reuse",
            Self::BlindToUser => "the user is not looked at",
            Self::UnconditionalDisplacement => "displacement without a condition: get, then put",
            Self::UnguardedRotation => "rotation without `revoked_at` in its condition",
            Self::DisablingKeepsEpoch => "disabling raises no epoch",
            Self::ReuseAnsweredFirst => "reuse is answered before it is written",
        }
    }

    /// Which properties it breaks, and where that shows. Whatever is not here holds.
    #[must_use]
    pub const fn breaks(self) -> &'static [(Scenario, &'static str)] {
        use Scenario::{Peace, Restore, Theft};
        match self {
            Self::Resilient | Self::NoBranchLimit => &[],
            Self::Strict | Self::NoRecovery | Self::NoWindow | Self::NewSuccessorInstead => {
                &[(Peace, properties::NO_FALSE_LOGOUT)]
            }
            Self::UnlimitedPredecessor | Self::ForgivenSibling => &[(Theft, properties::THREE_TURNS)],
            Self::NewSuccessorBeside => {
                &[(Peace, properties::ONE_LEAF), (Peace, properties::NO_FALSE_LOGOUT), (Theft, properties::THREE_TURNS)]
            }
            Self::AheadIsReuse => &[(Restore, properties::AHEAD_REVOKES_NOTHING)],
            Self::BlindToUser | Self::UnguardedRotation | Self::DisablingKeepsEpoch => {
                &[(Peace, properties::NOTHING_SURVIVES)]
            }
            Self::UnconditionalDisplacement => &[(Theft, properties::AHEAD_IS_RESTORED)],
            Self::ReuseAnsweredFirst => &[(Theft, properties::REUSE_REVOKES)],
        }
    }

    /// Whether some state could break the property. One item that holds one position has one newest token, whatever the
    /// rules do with it; a table of tokens has no position that a token could be ahead of.
    #[must_use]
    pub fn may_break(self, property: &str) -> bool {
        let table = self == Self::NewSuccessorBeside;
        match property {
            properties::ONE_LEAF => table,
            properties::AHEAD_REVOKES_NOTHING => !table,
            _ => true,
        }
    }

    /// The policy that the transition is asked with.
    #[must_use]
    pub const fn policy(self) -> RefreshPolicy {
        match self {
            Self::Strict => policy(0, false),
            Self::NoRecovery | Self::NewSuccessorBeside => policy(1, false),
            Self::NoWindow => policy(0, true),
            Self::UnlimitedPredecessor => policy(1000, true),
            _ => policy(1, true),
        }
    }

    /// What presenting `token` at `now` means for `item`.
    #[must_use]
    pub fn judge(self, token: Position, item: &Item, now: Tick) -> Transition {
        let policy = self.policy();
        let verdict = transition(token, APPLICATION, &item.session(&policy), &policy, moment(now));
        let sibling = token.generation == item.position.generation;
        match (self, verdict) {
            (Self::NoBranchLimit, Transition::Reused(Reuse::LatePredecessor))
            | (Self::NewSuccessorInstead, Transition::Repeated) => Transition::Late,
            (Self::ForgivenSibling, Transition::Reused(_)) if sibling && item.position.branch < MAX_BRANCH => {
                Transition::Late
            }
            (Self::AheadIsReuse, Transition::Ahead) => Transition::Reused(Reuse::Superseded),
            (Self::NewSuccessorBeside, Transition::Ended(ending)) => Transition::Ended(ending),
            (Self::NewSuccessorBeside, _) => beside(token, item, now),
            (_, verdict) => verdict,
        }
    }

    /// Whether `item` still is as `seen`, so that `token` may displace its newest: the condition of the store's `displace`.
    #[must_use]
    pub fn may_displace(self, token: Position, seen: &Item, item: &Item, now: Tick) -> bool {
        match self {
            Self::UnconditionalDisplacement => true,
            Self::ForgivenSibling => item.position == seen.position && !item.revoked,
            _ => {
                item.position == seen.position
                    && item.previous_branch == Some(token.branch)
                    && item.session(&self.policy()).ending(moment(now)).is_none()
            }
        }
    }
}

/// The table of tokens: an unused one is good, a used one in the window as well.
fn beside(token: Position, item: &Item, now: Tick) -> Transition {
    match item.tokens.iter().find(|(known, _)| *known == token) {
        None if token == Position::FIRST && item.tokens.is_empty() => Transition::Current,
        None => Transition::Ahead,
        Some((_, None)) => Transition::Current,
        Some((_, Some(used))) if now.saturating_sub(*used) <= 1 => Transition::Repeated,
        Some(_) => Transition::Reused(Reuse::LatePredecessor),
    }
}
