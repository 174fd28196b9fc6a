use std::cell::Cell;

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MONTH: Duration = Duration::from_hours(30 * 24);
const SIGNING: Purpose = Purpose::Signing(Algorithm::ES256);

/// A table of keys, and what becomes of it.
struct Table {
    keys: Vec<Key>,
    named: Cell<u32>,
    now: Timestamp,
}

impl Table {
    fn empty() -> Self {
        Self { keys: Vec::new(), named: Cell::new(0), now: START }
    }

    fn name(&self) -> String {
        self.named.set(self.named.get() + 1);
        format!("k{}", self.named.get())
    }

    fn run(&mut self, purpose: Purpose) -> Plan {
        let plan = Plan::scheduled(&self.keys, purpose, MONTH, self.now, || self.name());
        self.apply(&plan);
        plan
    }

    fn add(&mut self, purpose: Purpose) {
        let plan = Plan::with_new(&self.keys, purpose, self.now, || self.name());
        self.apply(&plan);
    }

    fn revoke(&mut self, id: &str) {
        let plan = Plan::without(&self.keys, id, self.now, || self.name()).unwrap();
        self.apply(&plan);
    }

    fn apply(&mut self, plan: &Plan) {
        self.keys = plan.applied_to(&self.keys);
    }

    fn signing(&self) -> &str {
        &in_force(self.keys.iter().filter(|key| key.lives(self.now)), self.now).unwrap().id
    }

    fn key(&self, id: &str) -> &Key {
        self.keys.iter().find(|key| key.id == id).unwrap()
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }
}

#[test]
fn an_empty_table_gets_a_key_that_signs_and_one_that_is_ready() {
    let mut table = Table::empty();
    let plan = table.run(SIGNING);
    assert_eq!(plan.create.len(), 2);
    assert_eq!(table.signing(), "k1");
    assert_eq!(table.key("k2").signs_from, START.plus(MONTH));
    assert!(table.run(SIGNING).is_empty(), "and that is all");
}

#[test]
fn a_key_verifies_until_the_last_that_it_signed_is_worthless() {
    for (purpose, longest) in
        [(SIGNING, Application::MAX_ACCESS_LIFETIME), (Purpose::Sealing, Application::MAX_ABSOLUTE_LIFETIME)]
    {
        let mut table = Table::empty();
        table.run(purpose);
        let last_signature = START.plus(MONTH).plus(SIGNS_UNCHECKED_FOR);
        assert_eq!(table.key("k1").private_expires_at(), Some(last_signature));
        assert_eq!(table.key("k1").expires_at, Some(last_signature.plus(longest).plus(LEEWAY)));
        assert_eq!(table.key("k2").expires_at, None, "it has no successor yet");
    }
}

#[test]
fn a_new_key_takes_over_without_anybody_running() {
    let mut table = Table::empty();
    table.run(SIGNING);
    table.pass(Duration::from_secs(MONTH.as_secs() - 1));
    assert_eq!(table.signing(), "k1");
    table.pass(Duration::from_secs(1));
    assert_eq!(table.signing(), "k2");
    table.run(SIGNING);
    assert_eq!(table.key("k3").signs_from, START.plus(MONTH * 2));
    assert!(table.run(SIGNING).is_empty());
}

#[test]
fn after_a_long_pause_a_new_key_is_still_known_before_it_signs() {
    let mut table = Table::empty();
    table.run(SIGNING);
    table.pass(MONTH * 5);
    table.run(SIGNING);
    assert_eq!(table.signing(), "k2");
    assert_eq!(table.key("k3").signs_from, table.now.plus(KNOWN_AFTER));
}

#[test]
fn another_algorithm_takes_over_as_soon_as_it_is_known() {
    let mut table = Table::empty();
    table.run(SIGNING);
    let rsa = Purpose::Signing(Algorithm::RS256);
    let plan = table.run(rsa);
    assert_eq!(plan.delete.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["k2"], "it never signed");
    assert_eq!(table.key("k3").signs_from, START.plus(KNOWN_AFTER));
    assert_eq!(table.key("k1").private_expires_at(), Some(START.plus(KNOWN_AFTER).plus(SIGNS_UNCHECKED_FOR)));
    assert!(table.run(rsa).is_empty());
    table.pass(KNOWN_AFTER);
    assert_eq!(table.signing(), "k3");
}

#[test]
fn a_key_made_by_hand_signs_before_the_one_that_is_ready() {
    let mut table = Table::empty();
    table.add(SIGNING);
    assert_eq!(table.signing(), "k1", "the first is used at once");
    table.run(SIGNING);
    table.add(SIGNING);
    table.pass(KNOWN_AFTER);
    assert_eq!(table.signing(), "k3");
    table.pass(MONTH);
    assert_eq!(table.signing(), "k2");
    assert_eq!(table.key("k3").private_expires_at(), Some(START.plus(MONTH).plus(SIGNS_UNCHECKED_FOR)));
}

#[test]
fn the_key_that_is_ready_takes_over_from_a_revoked_one_at_once() {
    let mut table = Table::empty();
    table.run(SIGNING);
    table.pass(MONTH);
    table.run(SIGNING);
    let retired = table.key("k1").clone();
    table.pass(Duration::from_hours(1));
    table.revoke("k2");
    assert_eq!(table.signing(), "k3");
    assert_eq!(*table.key("k1"), retired, "what was retired stays so");
    table.run(SIGNING);
    assert_eq!(table.key("k4").signs_from, table.now.plus(MONTH));
}

#[test]
fn without_one_that_is_ready_a_new_key_takes_over() {
    for purpose in [SIGNING, Purpose::Sealing] {
        let mut table = Table::empty();
        table.add(purpose);
        table.pass(MONTH);
        table.revoke("k1");
        assert_eq!((table.signing(), table.key("k2").purpose), ("k2", purpose));
        assert_eq!(table.keys.len(), 1);
    }
}

#[test]
fn a_key_whose_successor_is_revoked_stays() {
    let mut table = Table::empty();
    table.run(SIGNING);
    table.revoke("k2");
    assert_eq!(table.key("k1").expires_at, None);
    table.run(SIGNING);
    assert_eq!(table.key("k3").signs_from, START.plus(MONTH));
    assert_eq!(Plan::without(&table.keys, "k2", table.now, || unreachable!()), None);
}

#[test]
fn a_revoked_key_that_was_retired_changes_nothing_else() {
    let mut table = Table::empty();
    table.run(SIGNING);
    table.pass(MONTH);
    table.run(SIGNING);
    let plan = Plan::without(&table.keys, "k1", table.now, || unreachable!()).unwrap();
    assert_eq!((plan.delete.len(), plan.update.len(), plan.create.len()), (1, 0, 0));
}

#[test]
fn a_key_that_a_backup_brings_back_gets_an_end() {
    let mut table = Table::empty();
    table.run(SIGNING);
    let old = Key { expires_at: None, ..table.key("k1").clone() };
    table.pass(MONTH * 2);
    table.run(SIGNING);
    table.keys.retain(|key| key.id != "k1");
    table.keys.push(old);
    table.run(SIGNING);
    assert_eq!(table.key("k1").private_expires_at(), Some(START.plus(MONTH).plus(SIGNS_UNCHECKED_FOR)));
}

#[test]
fn a_shorter_period_applies_to_the_key_that_is_ready() {
    let mut table = Table::empty();
    table.run(SIGNING);
    table.pass(MONTH / 2);
    let plan = Plan::scheduled(&table.keys, SIGNING, MONTH / 30, table.now, || unreachable!());
    table.apply(&plan);
    assert_eq!(table.key("k2").signs_from, table.now.plus(RELOAD_AFTER), "not at once: somebody may sign until then");
    assert!(Plan::scheduled(&table.keys, SIGNING, MONTH * 2, table.now, || unreachable!()).is_empty());
}

#[test]
fn a_key_whose_turn_has_all_but_come_is_not_taken_away() {
    let mut table = Table::empty();
    table.run(SIGNING);
    table.pass(Duration::from_secs(MONTH.as_secs() - 1));
    let plan = table.run(Purpose::Signing(Algorithm::EdDSA));
    assert_eq!(plan.delete, []);
}
