//! Checks Gatelet's profiles in larger bounds and the alternatives in those of the tests, and prints what came of it.
//! Fails if that is not what `docs/security.md` says.

use std::process::ExitCode;

use model::{
    properties::{self, OF_ALL},
    rules::Rules,
    scenario::{Report, Scenario, Size, check},
};

/// The worlds of the table; the other two show its limits.
const WORLDS: [Scenario; 4] = [Scenario::Peace, Scenario::Theft, Scenario::Siege, Scenario::Restore];

fn main() -> ExitCode {
    let small = std::env::args().nth(1).is_some_and(|argument| argument == "small");
    println!(
        "| rules | world | bounds | states | depth | seconds | broken | reached |\n|---|---|---|---|---|---|---|---|"
    );
    let mut reports = Vec::new();
    for rules in Rules::ALL {
        let gatelets = matches!(rules, Rules::Resilient | Rules::Strict);
        let worlds = if gatelets { &Scenario::ALL[..] } else { &WORLDS[..] };
        for scenario in worlds {
            let report = check(rules, *scenario, if gatelets && !small { Size::Large } else { Size::Small });
            println!("{}", row(&report));
            reports.push(report);
        }
    }
    println!("\n| rules | {} |\n|---|{}", OF_ALL.join(" | "), "---|".repeat(OF_ALL.len()));
    let mut as_expected = true;
    for rules in Rules::ALL {
        let broken = |property: &&str| {
            reports
                .iter()
                .any(|report| report.rules == rules && WORLDS.contains(&report.scenario) && !report.holds(property))
        };
        let cells = OF_ALL.map(|property| if broken(&property) { "broken" } else { "holds" });
        println!("| {} | {} |", rules.name(), cells.join(" | "));
        as_expected &=
            OF_ALL.iter().all(|property| broken(property) == rules.breaks().iter().any(|(_, name)| name == property));
    }
    println!();
    for report in &reports {
        for (property, events) in &report.broken {
            println!("{}, {}: {property}\n  {events}", report.rules.name(), report.scenario.name());
        }
    }
    if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(report: &Report) -> String {
    let Report { bounds, states, depth, .. } = report;
    let broken: Vec<_> = report.broken.iter().map(|(name, _)| *name).collect();
    let cases = ["A", "B", "C", "D", "E", "F", "G"].into_iter().zip(properties::REACHED);
    let reached: String = cases.filter(|(_, name)| report.reached.contains(name)).map(|(case, _)| case).collect();
    format!(
        "| {} | {} | {} ticks, {} + {} requests | {states} | {depth} | {:.1} | {} | {reached} |",
        report.rules.name(),
        report.scenario.name(),
        bounds.ticks,
        bounds.victim,
        bounds.thief,
        report.took.as_secs_f32(),
        if broken.is_empty() { "nothing".to_owned() } else { broken.join("; ") },
    )
}
