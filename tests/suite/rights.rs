//! What each function asked of DynamoDB in the whole suite, held against what its role grants: neither is more than the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    calls::{Tables, Use, functions},
    last_run::LastRun,
    roles::{Grant, Role, roles},
    yaml::template,
};

const TEMPLATES: [&str; 2] = ["infra/template.yaml", "infra/examples/protected-api.yaml"];

/// What each function asked for, by its logical id without the suffix.
type Uses = BTreeMap<String, BTreeSet<Use>>;

/// Calls of anybody else are the tests' own, and the local stack's.
fn uses(run: &LastRun) -> Uses {
    let (tables, functions) = (Tables::declared(), functions(&run.records));
    let mut uses = Uses::new();
    for line in run.records.iter().filter(|line| line["kind"] == "call") {
        let Some(function) = line["caller"].as_str().and_then(|caller| functions.get(caller)) else { continue };
        let stem = function.strip_suffix("Function").expect("a function's id ends so");
        let operation = line["operation"].as_str().expect("a signed request says what it asks for");
        uses.entry(stem.to_owned()).or_default().extend(tables.uses(operation, &line["payload"]));
    }
    uses
}

/// As IAM's `StringLike` has it, as far as the template uses it.
fn is_like(key: &str, limit: &str) -> bool {
    limit.strip_suffix('*').map_or_else(|| key == limit, |prefix| key.starts_with(prefix))
}

fn allows(grant: &Grant, used: &Use) -> bool {
    let is_limited_to = || used.key.as_ref().is_some_and(|key| grant.keys.iter().any(|limit| is_like(key, limit)));
    let asks_for_these = || used.attributes.as_ref().is_some_and(|asked| asked.is_subset(&grant.attributes));
    grant.action == used.action
        && grant.table == used.table
        && (grant.keys.is_empty() || is_limited_to())
        && (grant.attributes.is_empty() || asks_for_these())
}

/// What a role grants and nobody asked for: per leading key and per attribute, where it grants each by name.
fn unneeded<'a>(role: &'a Role, used: &'a BTreeSet<Use>) -> impl Iterator<Item = String> + 'a {
    role.grants.iter().flat_map(|grant| {
        let read = |attribute: &&String| {
            let asked = used.iter().filter(|used| allows(grant, used)).filter_map(|used| used.attributes.as_ref());
            asked.flatten().any(|asked| asked == *attribute)
        };
        let unread: Vec<_> = grant.attributes.iter().filter(|attribute| !read(attribute)).collect();
        let keys: Vec<_> = if grant.keys.is_empty() { vec![None] } else { grant.keys.iter().map(Some).collect() };
        let needed = |key: Option<&String>| {
            let named = |used: &Use| key.is_none_or(|key| used.key.as_ref().is_some_and(|used| is_like(used, key)));
            used.iter().any(|used| allows(grant, used) && named(used))
        };
        let of_key = |key: Option<&String>| key.map(|key| format!(", key {key}")).unwrap_or_default();
        let Grant { table, action, .. } = grant;
        let names = keys.into_iter().filter(move |key| !needed(*key)).map(of_key);
        names
            .map(|key| format!("{}: {action} on {table}{key} is granted, and no test needs it", role.stem))
            .chain(
                unread
                    .into_iter()
                    .map(|unread| format!("{}: {unread} of {table} may be read, and no test needs it", role.stem)),
            )
            .collect::<Vec<_>>()
    })
}

/// What a function asked for and its role does not grant.
fn ungranted<'a>(role: &'a Role, used: &'a BTreeSet<Use>) -> impl Iterator<Item = String> + 'a {
    let refused = used.iter().filter(|used| !role.grants.iter().any(|grant| allows(grant, used)));
    let names = refused.map(|Use { action, table, kind, .. }| format!("{action} on {table}, key {kind}"));
    names.map(|name| format!("{}: {name} was asked for and is not granted", role.stem))
}

/// What was seen, one line per function, action, table and kind of leading key.
fn table(uses: &Uses) -> String {
    let each = uses.iter().flat_map(|(function, uses)| uses.iter().map(move |used| (function, used)));
    let lines = each
        .map(|(function, Use { action, table, kind, .. })| format!("{function:20} {action:20} {table:18} {kind}\n"));
    lines.collect::<BTreeSet<_>>().into_iter().collect()
}

#[test]
fn each_function_needs_what_it_is_granted_and_asks_for_nothing_else() {
    let run = LastRun::get();
    let uses = uses(run);
    let seen = table(&uses);
    println!("{seen}");
    std::fs::write(run.folder.join("rights.txt"), seen).expect("a file can be written");

    let roles: Vec<_> = TEMPLATES.iter().flat_map(|path| roles(&template(path))).collect();
    let known: BTreeSet<_> = roles.iter().map(|role| role.stem.as_str()).collect();
    let ran: BTreeSet<_> = functions(&run.records).into_values().filter_map(|id| id.strip_suffix("Function")).collect();
    assert_eq!(ran, known, "every function ran, and none without a role");

    let nothing = BTreeSet::new();
    let mut wrong = Vec::new();
    for role in &roles {
        let asked = uses.get(&role.stem).unwrap_or(&nothing);
        wrong.extend(ungranted(role, asked).collect::<BTreeSet<_>>());
        wrong.extend(unneeded(role, asked));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(action: &str, table: &str, key: &str) -> Use {
        Use {
            action: action.to_owned(),
            table: table.to_owned(),
            key: Some(key.to_owned()),
            kind: key.to_owned(),
            attributes: None,
        }
    }

    #[test]
    fn too_little_and_too_much_are_told_by_action_table_and_key() {
        let keys = ["mac", "public"].map(str::to_owned).into();
        let query = Grant {
            table: "SigningKeysTable".to_owned(),
            action: "Query".to_owned(),
            keys,
            attributes: BTreeSet::new(),
        };
        let put = Grant {
            table: "UsersTable".to_owned(),
            action: "PutItem".to_owned(),
            keys: BTreeSet::new(),
            attributes: BTreeSet::new(),
        };
        let role = Role { stem: "Some".to_owned(), grants: [query, put].into(), ..Role::default() };
        let told = |uses: &[Use]| {
            let uses = uses.iter().cloned().collect();
            (ungranted(&role, &uses).count(), unneeded(&role, &uses).collect::<Vec<_>>())
        };
        let needed = ["mac", "public"].map(|key| used("Query", "SigningKeysTable", key));
        let [mac, public] = needed;
        let put = used("PutItem", "UsersTable", "user#1");
        assert_eq!(told(&[mac.clone(), public.clone(), put.clone()]), (0, vec![]));
        assert_eq!(
            told(&[mac.clone(), public.clone(), put.clone(), used("Query", "SigningKeysTable", "private")]).0,
            1
        );
        assert_eq!(told(&[mac.clone(), public, put.clone(), used("PutItem", "SessionsTable", "1")]).0, 1);
        let key = "Some: Query on SigningKeysTable, key public is granted, and no test needs it";
        assert_eq!(told(&[mac, put]).1, [key]);
    }

    #[test]
    fn attributes_are_held_to_those_of_the_grant() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let (table, action) = ("SigningKeysTable".to_owned(), "Query".to_owned());
        let grant = Grant { table, action, keys: set(&["mac"]), attributes: set(&["pk", "sk"]) };
        let role = Role { stem: "Some".to_owned(), grants: [grant].into(), ..Role::default() };
        let told = |attributes: Option<&[&str]>| {
            let asked = Use { attributes: attributes.map(set), ..used("Query", "SigningKeysTable", "mac") };
            let uses = [asked].into();
            (ungranted(&role, &uses).count(), unneeded(&role, &uses).count())
        };
        assert_eq!(told(Some(&["pk", "sk"])), (0, 0));
        assert_eq!(told(Some(&["pk"])), (0, 1), "sk is not needed");
        for too_much in [None, Some(&["pk", "sk", "key"][..])] {
            assert_eq!(told(too_much), (1, 3), "{too_much:?}");
        }
    }
}
