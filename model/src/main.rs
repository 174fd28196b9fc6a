//! Checks Gatelet's profiles in larger bounds and the alternatives in those of the tests, and prints what came of it.
//! Fails if the table of alternatives that comes out is not the one in `docs/security.md`.

use std::{fs, io, process::ExitCode};

use model::{
    properties::{self, OF_ALL},
    rules::Rules,
    scenario::{Report, Scenario, Size, check},
};

/// The worlds of the table; the others show its limits.
const WORLDS: [Scenario; 4] = [Scenario::Peace, Scenario::Theft, Scenario::Siege, Scenario::Restore];

/// Where the table is.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");

/// The table's head: [`OF_ALL`] in short.
const HEAD: &str = "| | one live leaf | no false logout | thief, victim, thief | nothing survives | F revokes nothing | F takes a backup | reuse revokes |";

fn main() -> io::Result<ExitCode> {
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
    println!();
    for report in &reports {
        for (property, events) in &report.broken {
            println!("{}, {}: {property}\n  {events}", report.rules.name(), report.scenario.name());
        }
    }
    let separator = format!("|---|{}", "---|".repeat(OF_ALL.len()));
    let kept: Vec<_> = Rules::ALL.into_iter().map(|rules| kept(rules, &reports)).collect();
    let table = [vec![HEAD.to_owned(), separator], kept].concat();
    println!("\n{}", table.join("\n"));
    Ok(if is_on(&fs::read_to_string(PAGE)?, &table) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the page has the table, the whole of it and nothing more. Says what is missing.
fn is_on(page: &str, table: &[String]) -> bool {
    let lines: Vec<_> = page.lines().collect();
    for row in table.iter().filter(|row| !lines.contains(&row.as_str())) {
        eprintln!("{PAGE} does not say: {row}");
    }
    let whole = format!("\n{}\n\n", table.join("\n"));
    if !page.contains(&whole) {
        eprintln!("{PAGE} has another table of alternatives than the one above");
    }
    page.contains(&whole)
}

/// A row of the table: what the rules keep, in all of its worlds.
fn kept(rules: Rules, reports: &[Report]) -> String {
    let of_table = |report: &&Report| report.rules == rules && WORLDS.contains(&report.scenario);
    let cells = OF_ALL.map(|property| {
        let holds = reports.iter().filter(of_table).all(|report| report.holds(property));
        match (holds, rules.may_break(property)) {
            (false, _) => "**✗**",
            (true, true) => "✓",
            (true, false) => "–",
        }
    });
    format!("| {} | {} |", rules.name(), cells.join(" | "))
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
