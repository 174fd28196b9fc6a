//! The time budgets, each below the one outside it, and the page that states them.

use std::time::Duration;

use shared::{http::REQUEST_BUDGET, store::BUDGET};

use super::laws::IN_TIME;
use crate::support::{project_file, template};

/// What Lambda allows an init phase, and API Gateway an authorizer.
const INIT: Duration = Duration::from_secs(10);
/// What API Gateway allows an integration that says nothing of it.
const API: Duration = Duration::from_secs(30);

#[test]
fn each_budget_lies_below_the_one_outside_and_is_stated() {
    let template = template("infra/template.yaml");
    let timeout = template["Globals"]["Function"]["Timeout"].as_u64().expect("a timeout");
    let timeout = Duration::from_secs(timeout);
    assert!(BUDGET.connect < BUDGET.attempt);
    assert_eq!(BUDGET.attempt * BUDGET.attempts, BUDGET.operation, "every attempt has its time");
    assert!(BUDGET.operation < INIT, "keys are loaded in one round trip, however many kinds");
    assert!(BUDGET.operation < REQUEST_BUDGET && REQUEST_BUDGET < timeout && timeout < API);
    assert_eq!(IN_TIME, timeout, "what the tests allow, as the page says");
    assert!(timeout <= INIT, "an authorizer has no longer");

    let page = std::fs::read_to_string(project_file("docs/faults.md")).expect("the page is there");
    let stated = [
        ("connecting", BUDGET.connect),
        ("one attempt", BUDGET.attempt),
        ("a call: all its attempts", BUDGET.operation),
        ("a request: all its calls", REQUEST_BUDGET),
        ("the function", timeout),
        ("the HTTP API", API),
    ];
    for (what, time) in stated {
        let row = format!("| {what} | {} s |", time.as_secs_f64());
        assert!(page.contains(&row), "docs/faults.md says otherwise: {row}");
    }
    let attempts = format!("at most {} attempts", BUDGET.attempts);
    assert!(page.contains(&attempts), "docs/faults.md says otherwise: {attempts}");
}
