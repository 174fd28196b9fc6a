//! The worlds in which rules are tried, and what comes of it.

use std::time::{Duration, Instant};

use stateright::{Checker, DiscoveryClassification, HasDiscoveries, Model};

use crate::{Bounds, Early, Event, Protocol, rules::Rules};

const THREADS: usize = 2;

/// A world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Nobody steals: two tabs, faults, endings.
    Peace,
    /// A thief, who is not synchronised with the victim; faults.
    Theft,
    /// A thief at any time and at once with the victim; endings.
    Siege,
    /// A backup is restored.
    Restore,
    /// As [`Scenario::Peace`], with copies of a request on both sides of the window's end.
    Straddle,
    /// As [`Scenario::Peace`], with tokens used as soon as they come, while no other request is under way: a page is reloaded.
    Reload,
    /// As [`Scenario::Reload`], whatever is under way.
    Haste,
    /// As [`Scenario::Siege`], with a backup restored at any time.
    Rewind,
    /// As [`Scenario::Peace`], with time for five answers in a row to get lost.
    Drought,
}

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For tests.
    Small,
    /// For an evening.
    Large,
}

const NOTHING: Bounds = Bounds {
    ticks: 0,
    victim: 0,
    thief: 0,
    thefts: 0,
    unacknowledged: 0,
    endings: 0,
    restores: 0,
    apart: false,
    straddle: false,
    restore_any_time: false,
    early: Early::Never,
};

impl Scenario {
    /// As tables show them: all but [`Scenario::Rewind`], which has nine million states.
    pub const ALL: [Self; 8] = [
        Self::Peace,
        Self::Theft,
        Self::Siege,
        Self::Restore,
        Self::Reload,
        Self::Haste,
        Self::Straddle,
        Self::Drought,
    ];

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peace => "peace",
            Self::Theft => "theft",
            Self::Siege => "siege",
            Self::Restore => "restore",
            Self::Reload => "reload",
            Self::Haste => "haste",
            Self::Rewind => "rewind",
            Self::Straddle => "straddle",
            Self::Drought => "drought",
        }
    }

    /// How much may happen.
    #[must_use]
    pub const fn bounds(self, size: Size) -> Bounds {
        let large = matches!(size, Size::Large);
        let more = if large { 1 } else { 0 };
        match self {
            Self::Peace => Bounds { ticks: 5 + more, victim: 4 + more, unacknowledged: 1, endings: 2, ..NOTHING },
            Self::Theft => {
                Bounds { ticks: 7 + more, victim: 3 + more, thief: 3 + more, thefts: 1, apart: true, ..NOTHING }
            }
            Self::Siege => Bounds { ticks: 3, victim: 2, thief: 1 + more, thefts: 1, endings: 1, ..NOTHING },
            Self::Restore => Bounds { ticks: 5 + more, victim: 5 + more, unacknowledged: 1, restores: 1, ..NOTHING },
            Self::Reload => Bounds { ticks: 4 + more, victim: 4 + more, early: Early::Alone, ..NOTHING },
            Self::Haste => Bounds { ticks: 3, victim: 3 + more, early: Early::Always, ..NOTHING },
            Self::Rewind => Bounds {
                ticks: 4,
                victim: 3,
                thief: 1,
                thefts: 1,
                endings: 1,
                restores: 1,
                restore_any_time: true,
                ..NOTHING
            },
            Self::Straddle => Bounds { ticks: 5, victim: 4 + more, straddle: true, ..NOTHING },
            Self::Drought => Bounds { ticks: 9, victim: 5 + more, ..NOTHING },
        }
    }
}

/// What came of a check.
#[derive(Debug)]
pub struct Report {
    /// The rules.
    pub rules: Rules,
    /// The world.
    pub scenario: Scenario,
    /// Its bounds.
    pub bounds: Bounds,
    /// States, each counted once.
    pub states: usize,
    /// The longest way to one.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// Properties that some state breaks, with the events that lead there.
    pub broken: Vec<(&'static str, String)>,
    /// States that were to be reached, and were.
    pub reached: Vec<&'static str>,
}

impl Report {
    /// Whether the property holds in every state.
    #[must_use]
    pub fn holds(&self, property: &str) -> bool {
        !self.broken.iter().any(|(broken, _)| *broken == property)
    }
}

/// Tries every order of events.
#[must_use]
pub fn check(rules: Rules, scenario: Scenario, size: Size) -> Report {
    let bounds = scenario.bounds(size);
    let begin = Instant::now();
    let checker = Protocol { rules, bounds }.checker().threads(THREADS).spawn_bfs().join();
    report(rules, scenario, begin, &checker)
}

/// Tries orders of events, the longest first, until one breaks `property`.
#[must_use]
pub fn refute(rules: Rules, scenario: Scenario, property: &'static str) -> Report {
    let bounds = scenario.bounds(Size::Small);
    let begin = Instant::now();
    let checker = Protocol { rules, bounds }.checker().finish_when(HasDiscoveries::AnyOf([property].into()));
    report(rules, scenario, begin, &checker.spawn_dfs().join())
}

fn report(rules: Rules, scenario: Scenario, begin: Instant, checker: &impl Checker<Protocol>) -> Report {
    let mut report = Report {
        rules,
        scenario,
        bounds: checker.model().bounds,
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: begin.elapsed(),
        broken: Vec::new(),
        reached: Vec::new(),
    };
    for (name, path) in checker.discoveries() {
        match checker.discovery_classification(name) {
            DiscoveryClassification::Example => report.reached.push(name),
            DiscoveryClassification::Counterexample => report.broken.push((name, told(path.into_actions()))),
        }
    }
    report.broken.sort();
    report.reached.sort_unstable();
    report
}

/// Events in a line.
fn told(events: Vec<Event>) -> String {
    let told = |event| match event {
        Event::Send(party, token) => format!("{party:?} sends ({}, {})", token.generation, token.branch),
        Event::Steal(token) => format!("theft of ({}, {})", token.generation, token.branch),
        other => format!("{other:?}"),
    };
    events.into_iter().map(told).collect::<Vec<_>>().join(", ")
}
