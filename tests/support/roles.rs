//! What the template allows each function to do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// One action on one table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The table's logical id.
    pub table: String,
    /// Without its prefix `dynamodb:`.
    pub action: String,
    /// The partition keys that it is limited to; empty if it is not. A `*` at the end stands for anything.
    pub keys: BTreeSet<String>,
    /// The attributes that a query may read; empty if it may read all.
    pub attributes: BTreeSet<String>,
}

/// A function's role.
#[derive(Debug, Default)]
pub struct Role {
    /// The function's logical id, without its suffix.
    pub stem: String,
    pub grants: BTreeSet<Grant>,
    /// Actions other than DynamoDB's, each with its resource as the template has it.
    pub others: BTreeSet<(String, String)>,
    /// The statements that are there only under a condition of the template, by its name.
    pub only_if: BTreeMap<String, Value>,
}

/// The roles of all functions of a template. Fails where one is written in a way that could hide a grant.
pub fn roles(template: &Value) -> Vec<Role> {
    let resources = template["Resources"].as_object().expect("resources");
    let functions = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function");
    functions.map(|(id, function)| role(template, id, &function["Properties"])).collect()
}

fn role(template: &Value, id: &str, function: &Value) -> Role {
    assert!(function["Policies"].is_null(), "{id} has policies beside its role");
    let stem = id.strip_suffix("Function").expect("a function's id ends so");
    let role = &template["Resources"][format!("{stem}Role")]["Properties"];
    assert_eq!(members(role), ["AssumeRolePolicyDocument", "Policies"], "{stem}Role");
    let trust = &role["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(strings(&trust[0]["Principal"]["Service"]), ["lambda.amazonaws.com"], "{stem}Role");
    assert_eq!((list(trust).len(), members(&trust[0]["Principal"])), (1, vec!["Service"]), "{stem}Role");

    let mut role_of =
        Role { stem: stem.to_owned(), grants: BTreeSet::new(), others: BTreeSet::new(), only_if: BTreeMap::new() };
    for statement in list(&role["Policies"]).iter().flat_map(|policy| list(&policy["PolicyDocument"]["Statement"])) {
        match statement["If"].as_array().map(Vec::as_slice) {
            None => role_of.add(statement),
            Some([condition, granted, otherwise]) => {
                assert_eq!(*otherwise, json!({"Ref": "AWS::NoValue"}), "{stem}Role: {statement}");
                let is_hidden = strings(&granted["Action"]).iter().any(|action| action.starts_with("dynamodb:"));
                assert!(!is_hidden, "{stem}Role: {statement}");
                let condition = condition.as_str().expect("a condition's name").to_owned();
                assert!(role_of.only_if.insert(condition, granted.clone()).is_none(), "{stem}Role: {statement}");
            }
            Some(other) => panic!("{stem}Role: {other:?}"),
        }
    }
    role_of
}

impl Role {
    fn add(&mut self, statement: &Value) {
        assert_eq!(statement["Effect"], "Allow", "{}: {statement}", self.stem);
        let known = ["Action", "Condition", "Effect", "Resource"];
        assert!(members(statement).iter().all(|name| known.contains(name)), "{}: {statement}", self.stem);
        let (keys, attributes) = limits(statement);
        for (action, resource) in strings(&statement["Action"]).into_iter().flat_map(|action| {
            list(&statement["Resource"]).iter().map(move |resource| (action.clone(), resource.clone()))
        }) {
            let Some(action) = action.strip_prefix("dynamodb:") else {
                self.others.insert((action, resource["GetAtt"].as_str().unwrap_or_default().to_owned()));
                continue;
            };
            let table = resource["GetAtt"].as_str().and_then(|name| name.strip_suffix(".Arn"));
            let table = table.unwrap_or_else(|| panic!("{}: {resource} is no table", self.stem)).to_owned();
            let (keys, attributes) = (keys.clone(), attributes.clone());
            self.grants.insert(Grant { table, action: action.to_owned(), keys, attributes });
        }
    }
}

/// The partition keys and the attributes that a statement is limited to. Any other condition is one that nobody has thought about.
fn limits(statement: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    const KEYS: &str = "dynamodb:LeadingKeys";
    const ATTRIBUTES: &str = "dynamodb:Attributes";
    let condition = &statement["Condition"];
    if condition.is_null() {
        return Default::default();
    }
    // `ForAllValues` alone also holds for a request that names no key at all.
    let alike = &condition["ForAllValues:StringLike"];
    if !alike.is_null() {
        assert_eq!(*condition, json!({"ForAllValues:StringLike": alike, "Null": {KEYS: "false"}}), "{statement}");
        let keys = strings(&alike[KEYS]);
        let is_kind = |key: &String| key.strip_suffix("#*").is_some_and(|kind| !kind.contains(['*', '?']));
        assert!(!keys.is_empty() && keys.iter().all(is_kind) && members(alike) == [KEYS], "{statement}");
        return (keys.into_iter().collect(), BTreeSet::new());
    }
    let limit = &condition["ForAllValues:StringEquals"];
    let mut expected = json!({"ForAllValues:StringEquals": {KEYS: limit[KEYS]}, "Null": {KEYS: "false"}});
    if limit[ATTRIBUTES].is_null() {
        assert_eq!(*condition, expected, "{statement}");
        return (strings(&limit[KEYS]).into_iter().collect(), BTreeSet::new());
    }
    // A request that names no attributes is answered with all of them.
    expected["ForAllValues:StringEquals"][ATTRIBUTES] = limit[ATTRIBUTES].clone();
    expected["StringEquals"] = json!({"dynamodb:Select": "SPECIFIC_ATTRIBUTES"});
    assert_eq!(*condition, expected, "{statement}");
    let [keys, attributes] = [KEYS, ATTRIBUTES].map(|name| strings(&limit[name]).into_iter().collect());
    (keys, attributes)
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// What may be one or a list of several.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice)
}

fn strings(value: &Value) -> Vec<String> {
    list(value).iter().map(|text| text.as_str().expect("text").to_owned()).collect()
}
