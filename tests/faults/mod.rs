//! Every fault at every call of DynamoDB that an endpoint makes: what the caller is told, and what the same request gets
//! afterwards. `docs/faults.md` shows the outcome; `GATELET_BLESS=1` writes it there.

mod budgets;
mod cases;
mod laws;
mod oauth;
mod place;
mod stateless;
mod table;

use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::support::{Fault, Lasting, Rule, Target};
use cases::{CASES, Case};
use laws::Told;
use place::Place;
use table::{Row, Table};

/// How many stories are told at the same time. Most of them wait.
const AT_ONCE: usize = 16;

/// How many may be told a second time, by themselves.
const TOLD_AGAIN: usize = 25;

/// How often a story is told once more because its fault has not happened.
const MISSED: u32 = 2;

const KINDS: [(Fault, &str); 7] = [
    (Fault::Throttle, "throttled"),
    (Fault::InternalError, "500"),
    (Fault::Conflict, "conflict"),
    (Fault::Hang, "no answer"),
    (Fault::CutBefore, "cut before"),
    (Fault::CutAfter, "cut after"),
    (Fault::HalfAnswer, "half an answer"),
];

/// The columns of one table: faults that are told of together, because they share the SDK's retry quota.
struct Part {
    title: &'static str,
    columns: Vec<(Fault, Lasting, &'static str)>,
    /// A story for each request instead of one for each of its calls.
    whole: bool,
}

fn parts() -> [Part; 4] {
    let all = |lasting| KINDS.map(|(fault, name)| (fault, lasting, name)).into();
    let others = [
        (Fault::KillBefore, Lasting::Once, "killed before"),
        (Fault::KillAfter, Lasting::Once, "killed after"),
        (Fault::Slow, Lasting::Always, "0.5 s late"),
    ];
    let worst = [(Fault::Hang, Lasting::TwiceEach, "no answer"), (Fault::CutAfter, Lasting::TwiceEach, "cut after")];
    [
        Part { title: "The first attempt fails", columns: all(Lasting::Once), whole: false },
        Part { title: "The function dies, or DynamoDB is slow", columns: others.into(), whole: false },
        Part { title: "Each call fails twice", columns: worst.into(), whole: true },
        Part { title: "Every attempt fails", columns: all(Lasting::Always), whole: false },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_at_every_call_is_borne_or_admitted() {
    let place = Place::prepare().await;
    let mut rows: Vec<(&Case, Target)> = Vec::new();
    for case in &CASES {
        let calls = laws::calls(&place, case).await;
        assert!(!calls.is_empty(), "{} asks DynamoDB", case.name);
        rows.extend(calls.into_iter().map(|call| (case, call)));
    }
    let mut tables = Vec::new();
    let mut wrong = Vec::new();
    for part in parts() {
        let (table, faults) = tell(&place, &part, &rows).await;
        wrong.extend(faults);
        // Whether the sum of all waits stays below the budget depends on the machine; either answer is in time.
        if !part.whole {
            tables.push(table);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    table::hold(&tables);
}

/// All fields of one table, and what was wrong with them.
async fn tell(place: &Place, part: &Part, rows: &[(&Case, Target)]) -> (Table, Vec<String>) {
    let rows: Vec<_> = rows.iter().filter(|(case, target)| !part.whole || is_first(case, target, rows)).collect();
    let mut stories = Vec::new();
    for (row, (case, target)) in rows.iter().enumerate() {
        for (column, &(fault, lasting, _)) in part.columns.iter().enumerate() {
            let rule = Rule { target: target.clone(), fault, lasting };
            if laws::is_possible(&rule) {
                stories.push(Field { row, column, case, rule });
            }
        }
    }
    // What takes longest begins first.
    stories.sort_by_key(|field| field.rule.fault != Fault::Hang);
    let empty = rows.iter().map(|(case, target)| Row::new(case, target, part.columns.len())).collect();
    let mut table = Table::new(part.title, part.columns.iter().map(|(.., name)| *name), empty);
    let (mut longest, mut wrong) = (Duration::ZERO, Vec::new());
    let mut told = stream::iter(&stories).map(|field| field.tell(place)).buffer_unordered(AT_ONCE);
    while let Some((field, told)) = told.next().await {
        longest = longest.max(told.took);
        wrong.extend(told.wrong.iter().map(|what| format!("{field}: {what}")));
        table.rows[field.row].fields[field.column] = told.outcome;
    }
    drop(told);
    let mut again = 0;
    // On a busy machine an attempt that is not broken may run out of time as well, which is no less lawful. Then what the
    // page shows must come true when nothing else goes on.
    for field in &stories {
        let row = &table.rows[field.row];
        let differs = |shown: &String| *shown != row.fields[field.column];
        if table.shown(row).get(field.column).is_some_and(differs) && again < TOLD_AGAIN {
            again += 1;
            let (_, told) = field.tell(place).await;
            wrong.extend(told.wrong.iter().map(|what| format!("{field}: {what}")));
            table.rows[field.row].fields[field.column] = told.outcome;
        }
    }
    println!("{}: {} stories, {again} told twice, the longest answer took {longest:.1?}", part.title, stories.len());
    (table, wrong)
}

/// A field of a table.
struct Field<'a> {
    row: usize,
    column: usize,
    case: &'a Case,
    rule: Rule,
}

impl Field<'_> {
    /// Once more if the request was over before its fault could happen, as it can be on a busy machine.
    async fn tell(&self, place: &Place) -> (&Self, Told) {
        let mut told = laws::tell(place, self.case, self.rule.clone()).await;
        for _ in 0..MISSED {
            if told.happened {
                break;
            }
            told = laws::tell(place, self.case, self.rule.clone()).await;
        }
        (self, told)
    }
}

impl std::fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Rule { target, fault, lasting } = &self.rule;
        write!(f, "{}, {} {} ({}), {fault:?} {lasting:?}", self.case.name, target.operation, target.table, target.nth)
    }
}

/// Whether a row is the first of its request.
fn is_first(case: &Case, target: &Target, rows: &[(&Case, Target)]) -> bool {
    rows.iter().find(|(other, _)| other.name == case.name).is_some_and(|(_, first)| first == target)
}
