//! The model within small bounds. `cargo run --release -p model` goes further.

use std::collections::BTreeSet;

use model::{
    properties::{
        AHEAD_REVOKES_NOTHING, NO_FALSE_LOGOUT, NOTHING_SURVIVES, OF_ALL, ONE_TURN, REACHED, REUSE_REVOKES,
        SPENT_IS_SPENT, THIRD_TURN,
    },
    rules::Rules,
    scenario::{Report, Scenario, Size, check, refute},
};

fn told(report: &Report) {
    let Report { rules, scenario, states, depth, took, broken, .. } = report;
    println!("{rules:?} in {scenario:?}: {states} states, depth {depth}, {took:?}, broken: {broken:#?}");
}

#[test]
fn the_default_keeps_every_property_and_every_case_is_reached() {
    let mut reached = BTreeSet::new();
    for scenario in [Scenario::Peace, Scenario::Theft, Scenario::Siege, Scenario::Restore] {
        let report = check(Rules::Resilient, scenario, Size::Small);
        told(&report);
        assert_eq!(report.broken, []);
        assert!(report.states > 10_000, "the world has not shrunk to nothing");
        reached.extend(report.reached);
    }
    // Case D takes four late answers that got lost.
    reached.extend(check(Rules::Resilient, Scenario::Drought, Size::Small).reached);
    assert_eq!(reached, REACHED.into_iter().chain([THIRD_TURN]).collect());
}

#[test]
fn the_strict_profile_logs_out_at_a_lost_answer_and_breaks_nothing_else() {
    let mut reached = BTreeSet::new();
    for scenario in [Scenario::Peace, Scenario::Theft, Scenario::Siege, Scenario::Restore] {
        let report = check(Rules::Strict, scenario, Size::Small);
        told(&report);
        for property in OF_ALL.into_iter().chain([SPENT_IS_SPENT, ONE_TURN]) {
            assert!(property == NO_FALSE_LOGOUT || report.holds(property), "{property}");
        }
        assert!(!report.holds(NO_FALSE_LOGOUT), "the price of it");
        reached.extend(report.reached);
    }
    let never = ["case B is reached", "case C is reached", THIRD_TURN];
    assert_eq!(reached, REACHED.into_iter().filter(|case| !never.contains(case)).collect());
}

#[test]
fn each_alternative_breaks_what_the_table_says() {
    for rules in Rules::ALL {
        for (scenario, property) in rules.breaks() {
            let report = refute(rules, *scenario, property);
            told(&report);
            assert!(!report.holds(property), "{rules:?} keeps: {property}");
        }
    }
}

#[test]
fn lost_answers_copies_about_the_windows_end_and_tokens_used_at_once_are_the_limits() {
    for scenario in [Scenario::Drought, Scenario::Straddle, Scenario::Haste] {
        let report = check(Rules::Resilient, scenario, Size::Small);
        told(&report);
        let broken: Vec<_> = report.broken.iter().map(|(property, _)| *property).collect();
        assert_eq!(broken, [NO_FALSE_LOGOUT]);
    }
    assert_eq!(check(Rules::NoBranchLimit, Scenario::Drought, Size::Small).broken, []);
}

#[test]
fn a_token_may_be_used_at_once_while_no_other_request_is_under_way() {
    let report = check(Rules::Resilient, Scenario::Reload, Size::Small);
    told(&report);
    assert_eq!(report.broken, []);
    assert!(report.states > 3000, "the world has not shrunk to nothing");
}

#[test]
fn a_backup_restored_at_any_time_is_a_limit() {
    for property in [AHEAD_REVOKES_NOTHING, NOTHING_SURVIVES, REUSE_REVOKES] {
        let report = refute(Rules::Resilient, Scenario::Rewind, property);
        told(&report);
        assert!(!report.holds(property), "{property}");
    }
}
