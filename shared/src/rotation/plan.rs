//! The life of a key, decided without any I/O.
//!
//! ```text
//! created ── published ──▶ signs_from ── signs ──▶ the next one's signs_from ── verifies ──▶ expires_at ── deleted by TTL
//! ```
//!
//! All moments are fixed when a key or its successor is made, so that whoever reads the same keys draws the same conclusion,
//! whether or not anybody has run in between. A key that nobody knows yet must not sign, and one whose tokens live must not
//! vanish.

use std::time::Duration;

use crate::{
    access_token::{Algorithm, LEEWAY},
    application::Application,
    keyring::{PUBLISHED_FOR, RELOAD_AFTER, SIGNS_UNCHECKED_FOR},
    world::Timestamp,
};

/// How long API Gateway's own JWT authorizer may keep the published keys: two hours, whatever `Cache-Control` says.
pub const KEPT_BY_API_GATEWAY: Duration = Duration::from_hours(2);

/// How much later than its `created_at` a key may have been stored: by the time that it took, and by a clock that is ahead.
const STORED_WITHIN: Duration = Duration::from_mins(5);

/// How long after it was made a key is known to everybody: to every function, which look again after
/// [`RELOAD_AFTER`], and to whoever keeps the published keys for as long as they may. Until then it signs nothing.
pub const KNOWN_AFTER: Duration =
    Duration::from_secs(STORED_WITHIN.as_secs() + RELOAD_AFTER.as_secs() + KEPT_BY_API_GATEWAY.as_secs());

const _: () = assert!(PUBLISHED_FOR.as_secs() <= KEPT_BY_API_GATEWAY.as_secs());

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A pair that signs access tokens.
    Signing(Algorithm),
    /// A secret that seals refresh tokens (HMAC-SHA-256).
    Sealing,
}

impl Purpose {
    /// Whether it is a pair's.
    #[must_use]
    pub const fn is_signing(self) -> bool {
        matches!(self, Self::Signing(_))
    }

    /// How long the key must be kept once it has stopped: until the last thing that it made is worthless everywhere.
    const fn outlived_by(self) -> Duration {
        let longest = match self {
            Self::Signing(_) => Application::MAX_ACCESS_LIFETIME,
            Self::Sealing => Application::MAX_ABSOLUTE_LIFETIME,
        };
        Duration::from_secs(longest.as_secs() + LEEWAY.as_secs())
    }
}

/// What a key is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Published, and waiting for its turn.
    Ready,
    /// It signs or seals.
    InForce,
    /// It only recognises what it once made.
    Retired,
    /// It does nothing, and will be deleted.
    Expired,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name: the `kid`, or the id in refresh tokens.
    pub id: String,
    /// What it does.
    pub purpose: Purpose,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// From when on it signs, until the next one does.
    pub signs_from: Timestamp,
    /// When nothing that it made is good any more. `None` as long as it has no successor.
    pub expires_at: Option<Timestamp>,
}

impl Key {
    /// Whether it still counts: DynamoDB deletes expired items days later.
    #[must_use]
    pub fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// What the key, one of `all`, is doing at `now`.
    #[must_use]
    pub fn state(&self, all: &[Self], now: Timestamp) -> State {
        let alike = |key: &&Self| key.purpose.is_signing() == self.purpose.is_signing() && key.lives(now);
        if !self.lives(now) {
            State::Expired
        } else if in_force(all.iter().filter(alike), now).is_some_and(|current| current.id == self.id) {
            State::InForce
        } else if self.signs_from > now {
            State::Ready
        } else {
            State::Retired
        }
    }

    /// When the half that signs is of no use any more: an instance which can't read the table goes on with the copy that it
    /// has for as long as [`SIGNS_UNCHECKED_FOR`].
    #[must_use]
    pub fn private_expires_at(&self) -> Option<Timestamp> {
        let outlived = self.purpose.outlived_by();
        self.expires_at.map(|end| Timestamp::from_seconds(end.seconds().saturating_sub(outlived.as_secs())))
    }

    /// This key, with `next` as its successor.
    fn followed_by(self, next: &Self) -> Self {
        let end = next.signs_from.plus(SIGNS_UNCHECKED_FOR).plus(self.purpose.outlived_by());
        Self { expires_at: Some(end), ..self }
    }

    const fn order(&self) -> (Timestamp, &String) {
        (self.signs_from, &self.id)
    }
}

/// The key that signs at `now`: the latest whose time has come, otherwise the first that there will be.
pub fn in_force<'a>(keys: impl Iterator<Item = &'a Key> + Clone, now: Timestamp) -> Option<&'a Key> {
    let come = keys.clone().filter(|key| key.signs_from <= now).max_by_key(|key| key.order());
    come.or_else(|| keys.min_by_key(|key| key.order()))
}

/// What to do with the keys of one purpose, all of it or nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Keys to make.
    pub create: Vec<Key>,
    /// Keys whose times change.
    pub update: Vec<Key>,
    /// Keys to delete.
    pub delete: Vec<Key>,
}

impl Plan {
    /// Whether everything is as it should be.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.create.is_empty() && self.update.is_empty() && self.delete.is_empty()
    }

    /// What becomes of the keys `stored`.
    #[must_use]
    pub fn applied_to(&self, stored: &[Key]) -> Vec<Key> {
        let among = |keys: &[Key], key: &Key| keys.iter().any(|other| other.id == key.id);
        let kept = stored.iter().filter(|key| !among(&self.delete, key) && !among(&self.update, key));
        kept.chain(&self.update).chain(&self.create).cloned().collect()
    }

    /// Keeps one key ready beside the one that signs: it takes over `period` after that one did, or at once if that one is
    /// revoked. A key of another purpose than `wanted` is replaced as soon as the new one is known. Nothing is changed of a key
    /// that somebody may be about to sign with.
    pub fn scheduled(
        stored: &[Key],
        wanted: Purpose,
        period: Duration,
        now: Timestamp,
        name: impl Fn() -> String,
    ) -> Self {
        let mut keys = Keys::living(stored, now);
        let soon = now.plus(RELOAD_AFTER);
        while keys.newest().is_some_and(|key| key.purpose != wanted && key.signs_from > soon) {
            keys.all.pop();
        }
        match keys.newest() {
            Some(ready) if ready.signs_from > now => keys.advance_newest(period, soon),
            Some(newest) if newest.purpose == wanted => {
                let turn = newest.signs_from.plus(period);
                keys.add(name(), wanted, turn.max(now.plus(KNOWN_AFTER)), now);
            }
            Some(_) => keys.add(name(), wanted, now.plus(KNOWN_AFTER), now),
            None => {
                keys.add(name(), wanted, now, now);
                keys.add(name(), wanted, now.plus(period), now);
            }
        }
        keys.compared_with(stored, now)
    }

    /// Makes one more key, which signs as soon as everybody knows it; at once if it is the first.
    pub fn with_new(stored: &[Key], wanted: Purpose, now: Timestamp, name: impl Fn() -> String) -> Self {
        let mut keys = Keys::living(stored, now);
        let from = if keys.all.is_empty() { now } else { now.plus(KNOWN_AFTER) };
        keys.add(name(), wanted, from, now);
        keys.compared_with(stored, now)
    }

    /// Deletes `revoked`. If it signs, the key that is ready takes over at once; if none is, a new one does. `None` if there
    /// is no such key.
    pub fn without(stored: &[Key], revoked: &str, now: Timestamp, name: impl Fn() -> String) -> Option<Self> {
        let gone = stored.iter().find(|key| key.id == revoked)?;
        let mut keys = Keys::living(stored, now);
        keys.all.retain(|key| key.id != revoked);
        if keys.was_in_force.as_deref() == Some(revoked) {
            match keys.all.iter_mut().find(|key| key.signs_from > now) {
                Some(ready) => ready.signs_from = now,
                None => keys.add(name(), gone.purpose, now, now),
            }
        }
        let mut plan = keys.compared_with(stored, now);
        if !plan.delete.contains(gone) {
            plan.delete.push(gone.clone());
        }
        Some(plan)
    }
}

/// The keys as they shall be, in the order in which they sign.
struct Keys {
    all: Vec<Key>,
    was_in_force: Option<String>,
    /// Keys that stopped signing earlier keep the end that they were given then, if they were: one that a backup brings back may not have been.
    settled_before: Timestamp,
}

impl Keys {
    fn living(stored: &[Key], now: Timestamp) -> Self {
        let mut all: Vec<_> = stored.iter().filter(|key| key.lives(now)).cloned().collect();
        all.sort_by(|one, other| one.order().cmp(&other.order()));
        let current = in_force(all.iter(), now);
        let settled_before = current.map_or(now, |key| key.signs_from);
        Self { was_in_force: current.map(|key| key.id.clone()), settled_before, all }
    }

    fn newest(&self) -> Option<&Key> {
        self.all.last()
    }

    fn add(&mut self, id: String, purpose: Purpose, signs_from: Timestamp, now: Timestamp) {
        self.all.push(Key { id, purpose, created_at: now, signs_from, expires_at: None });
        self.all.sort_by(|one, other| one.order().cmp(&other.order()));
    }

    /// Lets the newest key, which is ready, take over earlier if the period has become shorter since it was made.
    fn advance_newest(&mut self, period: Duration, earliest: Timestamp) {
        if let [.., before, ready] = self.all.as_mut_slice() {
            let turn = before.signs_from.plus(period).max(ready.created_at.plus(KNOWN_AFTER)).max(earliest);
            ready.signs_from = ready.signs_from.min(turn);
        }
    }

    /// Gives every key the end that follows from its successor, and says what differs from `stored`.
    fn compared_with(self, stored: &[Key], now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        for (at, key) in self.all.iter().enumerate() {
            let settled = key.clone();
            let settled = match self.all.get(at + 1) {
                _ if key.signs_from < self.settled_before && key.expires_at.is_some() => settled,
                Some(next) => settled.followed_by(next),
                None => Key { expires_at: None, ..settled },
            };
            match stored.iter().find(|other| other.id == key.id) {
                None => plan.create.push(settled),
                Some(before) if *before != settled => plan.update.push(settled),
                Some(_) => {}
            }
        }
        let gone = |key: &&Key| key.lives(now) && self.all.iter().all(|kept| kept.id != key.id);
        plan.delete = stored.iter().filter(gone).cloned().collect();
        plan
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
