//! What is printed, and what counts as a failure.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Options,
    count::{Count, of},
    memory::Memory,
};

/// What the largest instance of a function may take at the end beyond what the largest took in the middle: in KiB, and as
/// one part of so many.
const GROWTH: u64 = 1024;
const GROWTH_SHARE: u64 = 20;

/// One request of so many may be answered 503.
const UNAVAILABLE_SHARE: u64 = 100;

/// Bytes that an item may grow by: the digits of its generation, which DynamoDB stores two by two.
const DIGITS: usize = 2;

pub(crate) struct Report<'a> {
    pub(crate) took: Duration,
    pub(crate) options: Options,
    pub(crate) cases: BTreeMap<String, u64>,
    pub(crate) count: &'a Count,
    /// Once everybody has refreshed, in the middle, at the end.
    pub(crate) memory: [Memory; 3],
    /// Sizes of the session items once everybody has refreshed, and at the end.
    pub(crate) items: [Vec<usize>; 2],
}

impl Report<'_> {
    pub(crate) fn print(&self) {
        let Self { count, options, .. } = self;
        let [half, most] = count.quantiles([0.5, 0.99]).map(|time| time.as_secs_f64() * 1000.0);
        let functions = if options.release { "optimised" } else { "unoptimised" };
        println!("{} clients, {:.1} minutes, {functions} functions", options.clients, self.took.as_secs_f64() / 60.0);
        println!("requests            {}", of(&count.requests));
        println!("refreshes           {}", of(&count.refreshes));
        for (case, times) in &self.cases {
            println!("  case {case}            {times}");
        }
        println!("lost answers        {}, {} of them found out late", of(&count.lost), of(&count.late));
        println!("sent twice          {}", of(&count.duplicates));
        println!("token of two tabs   {}", of(&count.shared));
        println!("sign-outs           {}", of(&count.sign_outs));
        println!("503                 {}", of(&count.unavailable));
        println!("other answers       {}", of(&count.strange));
        println!("wrong answers       {}", of(&count.wrong));
        println!("false logouts       {}", of(&count.false_logouts));
        println!("refresh             p50 {half:.1} ms, p99 {most:.1} ms");
        println!("session items       {} at the start, {} at the end", range(&self.items[0]), range(&self.items[1]));
        println!("resident memory of the largest instance (instances): start, middle, end");
        for function in self.memory[2].functions() {
            let looks = self.memory.each_ref().map(|memory| {
                let (instances, largest) = memory.of(function);
                format!("{largest:>6} KiB ({instances})")
            });
            println!("  {function:<18}{}", looks.join("  "));
        }
        for failure in self.failures() {
            println!("FAILED: {failure}");
        }
    }

    /// What should not have been.
    pub(crate) fn failures(&self) -> Vec<String> {
        let count = self.count;
        let mut failures = Vec::new();
        let none = [
            (of(&count.false_logouts), "false logouts"),
            (of(&count.wrong), "wrong answers: a new access token was refused, or a session outlived its sign-out"),
            (of(&count.strange), "answers that nobody expects"),
        ];
        failures
            .extend(none.into_iter().filter(|(times, _)| *times > 0).map(|(times, what)| format!("{times} {what}")));
        let (unavailable, requests) = (of(&count.unavailable), of(&count.requests));
        if unavailable * UNAVAILABLE_SHARE > requests {
            failures.push(format!("{unavailable} of {requests} requests were answered 503, more than 1 %"));
        }
        let told: u64 = self.cases.values().sum();
        let answered = of(&count.refreshes);
        if told != answered {
            failures.push(format!("{answered} refreshes were answered, {told} are in the functions' log"));
        }
        for (case, why) in [("A", "no refresh"), ("B", "nobody used the window"), ("C", "nobody needed recovery")] {
            if !self.cases.contains_key(case) {
                failures.push(format!("{why}: the soak was too short to say anything"));
            }
        }
        for (case, why) in [("D", "late reuse"), ("E", "reuse"), ("F", "a token ahead of the table")] {
            if let Some(times) = self.cases.get(case) {
                failures.push(format!("{times} times {why}, which no client did: case {case}"));
            }
        }
        let [first, last] = self.items.each_ref().map(|sizes| sizes.last().copied().unwrap_or_default());
        if last > first + DIGITS {
            failures.push(format!("the largest session item grew from {first} to {last} bytes"));
        }
        let [_, middle, end] = &self.memory;
        for function in end.functions() {
            let ((_, before), (_, after)) = (middle.of(function), end.of(function));
            if after > before + (before / GROWTH_SHARE).max(GROWTH) {
                failures.push(format!("{function} grew from {before} to {after} KiB"));
            }
        }
        failures
    }
}

fn range(sizes: &[usize]) -> String {
    match (sizes.first(), sizes.last()) {
        (Some(least), Some(most)) if least == most => format!("{least} bytes"),
        (Some(least), Some(most)) => format!("{least} to {most} bytes"),
        _ => "none".to_owned(),
    }
}
