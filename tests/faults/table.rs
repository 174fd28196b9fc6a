//! The outcome as Markdown, in the page that shows it.

use std::fmt::Write;

use super::cases::Case;
use crate::support::{Target, project_file};

const PAGE: &str = "docs/faults.md";
const BEGIN: &str = "<!-- written by `GATELET_BLESS=1 cargo test --package tests --test api faults` -->\n";
const END: &str = "<!-- end -->\n";

/// What a fault and a call that do not go together show.
pub const IMPOSSIBLE: &str = "–";

pub struct Table {
    title: &'static str,
    columns: Vec<&'static str>,
    pub rows: Vec<Row>,
}

pub struct Row {
    case: &'static str,
    call: String,
    pub fields: Vec<String>,
}

impl Row {
    /// Without outcomes so far.
    pub fn new(case: &Case, target: &Target, columns: usize) -> Self {
        let table = target.table.rsplit_once("local-").map_or(target.table.as_str(), |(_, name)| name);
        let nth = if target.nth > 1 { format!(" ({})", target.nth) } else { String::new() };
        let call = format!("{} {table}{nth}", target.operation);
        Self { case: case.name, call, fields: vec![IMPOSSIBLE.to_owned(); columns] }
    }
}

impl Table {
    pub fn new(title: &'static str, columns: impl Iterator<Item = &'static str>, rows: Vec<Row>) -> Self {
        Self { title, columns: columns.collect(), rows }
    }

    /// Calls of one request that come to the same are one line.
    fn markdown(&self) -> String {
        let mut lines: Vec<(&str, String, &[String])> = Vec::new();
        for row in &self.rows {
            match lines.iter_mut().find(|(case, _, fields)| *case == row.case && **fields == row.fields) {
                Some((_, calls, _)) => *calls = format!("{calls}, {}", row.call),
                None => lines.push((row.case, row.call.clone(), &row.fields)),
            }
        }
        let mut text = format!("\n### {}\n\n| request | call | {} |\n", self.title, self.columns.join(" | "));
        let _ = writeln!(text, "|{}", "---|".repeat(self.columns.len() + 2));
        for (case, calls, fields) in lines {
            let _ = writeln!(text, "| {case} | {calls} | {} |", fields.join(" | "));
        }
        text
    }

    /// What the page shows of a row.
    pub fn shown(&self, row: &Row) -> Vec<String> {
        let page = page();
        let section = page.split("### ").find(|section| section.starts_with(self.title)).unwrap_or_default();
        let lines = section.lines().map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
        let mut lines = lines.filter(|line| line.len() > 2 && line[0] == row.case);
        let line = lines.find(|line| line[1].split(", ").any(|call| call == row.call)).unwrap_or_default();
        line.into_iter().skip(2).map(str::to_owned).collect()
    }
}

fn page() -> String {
    std::fs::read_to_string(project_file(PAGE)).expect("the page is there")
}

/// The page shows these tables and no others, or is made to.
pub fn hold(tables: &[Table]) {
    let page = page();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the tables");
    let (shown, after) = rest.split_once(END).expect("the place has an end");
    let told = tables.iter().map(Table::markdown).collect::<String>() + "\n";
    if std::env::var_os("GATELET_BLESS").is_some() {
        std::fs::write(project_file(PAGE), format!("{before}{BEGIN}{told}{END}{after}"))
            .expect("the page can be written");
        return;
    }
    let new: Vec<_> = told.lines().filter(|line| !shown.lines().any(|other| other == *line)).collect();
    assert_eq!(told, shown, "{PAGE} does not show this:\n{}\n", new.join("\n"));
}
