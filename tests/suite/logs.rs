//! Every line that a function wrote in the whole suite, faults included, searched for every secret of it.

use std::collections::HashMap;

use crate::{
    last_run::LastRun,
    secrets::{KINDS, Secrets},
    shapes::suspicious,
};

/// Secrets are looked up by their first bytes. None is shorter.
const HEAD: usize = 8;

/// A shorter secret may be part of something harmless, so it counts where it stands alone.
const LONG: usize = 12;

/// Finds many texts at once.
struct Finder(HashMap<Vec<u8>, Vec<(String, &'static str)>>);

impl Finder {
    fn of(secrets: &Secrets) -> Self {
        let mut heads: HashMap<_, Vec<_>> = HashMap::new();
        for (secret, kind) in &secrets.0 {
            // A log line is JSON, mostly, which has a form of its own for some characters.
            let quoted = serde_json::to_string(secret).expect("a string is JSON");
            let escaped = quoted[1..quoted.len() - 1].to_owned();
            for text in [secret.clone(), escaped] {
                heads.entry(text.as_bytes()[..HEAD].to_vec()).or_default().push((text, *kind));
            }
        }
        Self(heads)
    }

    /// What secret a line holds.
    fn find(&self, line: &str) -> Option<&'static str> {
        let bytes = line.as_bytes();
        (0..bytes.len().saturating_sub(HEAD - 1)).find_map(|start| {
            let candidates = self.0.get(&bytes[start..start + HEAD])?;
            let is_here = |(text, _): &&(String, &str)| {
                bytes[start..].starts_with(text.as_bytes())
                    && (text.len() >= LONG || stands_alone(bytes, start, text.len()))
            };
            candidates.iter().find(is_here).map(|(_, kind)| *kind)
        })
    }
}

fn stands_alone(bytes: &[u8], start: usize, length: usize) -> bool {
    let before = start.checked_sub(1).and_then(|index| bytes.get(index));
    let after = bytes.get(start + length);
    [before, after].into_iter().flatten().all(|byte| !byte.is_ascii_alphanumeric())
}

#[test]
fn no_function_ever_wrote_down_a_secret() {
    let run = LastRun::get();
    let secrets = Secrets::of(&run.records);
    for kind in KINDS {
        assert!(secrets.0.values().any(|is| *is == kind), "the suite has used a {kind}");
    }
    let lines = || run.logs.iter().flat_map(|(file, log)| log.lines().zip(1..).map(move |(line, at)| (file, at, line)));
    // Things that go wrong log more than things that go well.
    for fault in [r#""status":500"#, r#""status":503"#, r#""type":"error""#] {
        assert!(lines().any(|(_, _, line)| line.contains(fault)), "the suite has made functions log {fault}");
    }
    println!("{} secrets, {} lines", secrets.0.len(), lines().count());

    let finder = Finder::of(&secrets);
    let told = lines().filter_map(|(file, at, line)| {
        let what = finder.find(line).or_else(|| suspicious(line).map(|_| "something that looks like a secret"))?;
        Some(format!("{file}:{at}: {what}"))
    });
    let told: Vec<_> = told.collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn a_secret_is_found_wherever_it_stands_and_however_it_is_quoted() {
    let secrets =
        [("12345678", "password"), ("it's \"quoted\" — twice", "password"), ("aaaa.bbbb.cccc", "access token")];
    let finder = Finder::of(&Secrets(secrets.map(|(text, kind)| (text.to_owned(), kind)).into()));
    for line in ["aaaa.bbbb.cccc", r#"{"x":"Bearer aaaa.bbbb.cccc."}"#, "xaaaa.bbbb.ccccx"] {
        assert_eq!(finder.find(line), Some("access token"), "{line}");
    }
    for line in ["12345678", r#"{"x":"12345678"}"#, r#"it's "quoted" — twice"#, r#"{"x":"it's \"quoted\" — twice"}"#]
    {
        assert_eq!(finder.find(line), Some("password"), "{line}");
    }
    for line in ["", "1234567", "1234567890", "aaaa.bbbb.ccc"] {
        assert_eq!(finder.find(line), None, "{line}");
    }
}
