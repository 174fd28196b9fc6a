//! Requests to DynamoDB as IAM sees them: action, table, leading key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::yaml::template;

/// One thing that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Without its prefix `dynamodb:`.
    pub action: String,
    /// The table's logical id.
    pub table: String,
    /// The partition key's value, if one is named.
    pub key: Option<String>,
    /// What is told of it: the prefix that says what kind of item it is, or the attribute where every value is of one kind.
    pub kind: String,
    /// The attributes that a query asks for, if it names them.
    pub attributes: Option<BTreeSet<String>>,
}

/// The tables that the template declares.
pub struct Tables(Vec<Table>);

struct Table {
    id: String,
    /// The name of a deployed table ends so.
    suffix: String,
    partition_key: String,
}

impl Tables {
    pub fn declared() -> Self {
        let template = template("infra/template.yaml");
        let resources = template["Resources"].as_object().expect("resources");
        let tables = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::DynamoDB::Table");
        let table = |(id, table): (&String, &Value)| {
            let name = table["Properties"]["TableName"]["Sub"].as_str().expect("a name");
            let keys = table["Properties"]["KeySchema"].as_array().expect("keys");
            let partition_key = keys.iter().find(|key| key["KeyType"] == "HASH").expect("a partition key");
            Table {
                id: id.clone(),
                suffix: name.strip_prefix("${AWS::StackName}").expect("it bears the stack's name").to_owned(),
                partition_key: partition_key["AttributeName"].as_str().expect("a name").to_owned(),
            }
        };
        Self(tables.map(table).collect())
    }

    /// What a request asks for: several things, if it is a transaction or a batch.
    pub fn uses(&self, operation: &str, payload: &Value) -> Vec<Use> {
        parts(operation, payload).into_iter().map(|(action, request)| self.one(action, &request)).collect()
    }

    fn one(&self, action: String, request: &Value) -> Use {
        let name = request["TableName"].as_str().unwrap_or_else(|| panic!("{action} names no table: {request}"));
        let table = self.0.iter().find(|table| name.ends_with(&table.suffix));
        let table = table.unwrap_or_else(|| panic!("{name} is no table of the template"));
        let key = table.key_of(&action, request);
        let kind = key.as_deref().map_or_else(|| "none".to_owned(), |key| table.kind(key));
        Use { attributes: attributes(request), action, table: table.id.clone(), key, kind }
    }
}

impl Table {
    fn key_of(&self, action: &str, request: &Value) -> Option<String> {
        if action == "Query" {
            return Some(self.queried(request));
        }
        let named = ["Key", "Item"].into_iter().find_map(|member| request[member][&self.partition_key]["S"].as_str());
        named.map(str::to_owned)
    }

    /// The partition key of a query's condition, where it is one part of a conjunction and is compared with a value.
    fn queried(&self, request: &Value) -> String {
        let condition = request["KeyConditionExpression"].as_str().unwrap_or_default();
        let name = |text: &str| request["ExpressionAttributeNames"][text].as_str().unwrap_or(text).to_owned();
        let mut parts = condition.split(" AND ").filter_map(|part| part.split_once('='));
        let value = parts.find(|(left, _)| name(left.trim()) == self.partition_key).map(|(_, right)| right.trim());
        let value = value.and_then(|value| request["ExpressionAttributeValues"][value]["S"].as_str());
        value.unwrap_or_else(|| panic!("a query that is not understood: {request}")).to_owned()
    }

    fn kind(&self, key: &str) -> String {
        if self.partition_key != "pk" {
            return self.partition_key.clone();
        }
        key.split_once('#').map_or_else(|| key.to_owned(), |(kind, _)| format!("{kind}#"))
    }
}

/// What a request names in its projection, if it says that this is all that it wants.
fn attributes(request: &Value) -> Option<BTreeSet<String>> {
    let projection = request["ProjectionExpression"].as_str().filter(|_| request["Select"] == "SPECIFIC_ATTRIBUTES")?;
    let name = |text: &str| request["ExpressionAttributeNames"][text].as_str().unwrap_or(text).to_owned();
    Some(projection.split(',').map(|part| name(part.trim())).collect())
}

/// The single requests of a request, each with the action that allows it.
fn parts(operation: &str, payload: &Value) -> Vec<(String, Value)> {
    let items = payload["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
    let per_table = || payload["RequestItems"].as_object().into_iter().flatten();
    let of_table = |table: &str, member: &str, value: &Value| serde_json::json!({"TableName": table, member: value});
    match operation {
        // A transaction's `Put` is allowed by `PutItem`, and so on.
        "TransactWriteItems" | "TransactGetItems" => {
            items.map(|(kind, request)| (format!("{kind}Item"), request.clone())).collect()
        }
        "BatchGetItem" => per_table()
            .flat_map(|(table, asked)| asked["Keys"].as_array().into_iter().flatten().map(move |key| (table, key)))
            .map(|(table, key)| (operation.to_owned(), of_table(table, "Key", key)))
            .collect(),
        "BatchWriteItem" => per_table()
            .flat_map(|(table, asked)| asked.as_array().into_iter().flatten().map(move |write| (table, write)))
            .map(|(table, write)| {
                let (put, delete) = (&write["PutRequest"]["Item"], &write["DeleteRequest"]["Key"]);
                (operation.to_owned(), of_table(table, "Key", if put.is_null() { delete } else { put }))
            })
            .collect(),
        _ => vec![(operation.to_owned(), payload.clone())],
    }
}

/// The functions' logical ids by the names that they have on the stacks.
pub fn functions(records: &[Value]) -> BTreeMap<&str, &str> {
    let functions = records.iter().filter(|line| line["kind"] == "function");
    functions.filter_map(|line| Some((line["name"].as_str()?, line["logical_id"].as_str()?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `(action, table, kind of key)` of each part.
    fn seen(operation: &str, payload: &Value) -> Vec<(String, String, String)> {
        let uses = Tables::declared().uses(operation, payload).into_iter();
        uses.map(|each| (each.action, each.table, each.kind)).collect()
    }

    fn one(action: &str, table: &str, kind: &str) -> (String, String, String) {
        (action.to_owned(), table.to_owned(), kind.to_owned())
    }

    #[test]
    fn a_request_is_seen_as_iam_sees_it() {
        let get = json!({"TableName": "s-users", "Key": {"pk": {"S": "user#1"}}});
        assert_eq!(seen("GetItem", &get), [one("GetItem", "UsersTable", "user#")]);
        let delete = json!({"TableName": "s-sessions", "Key": {"user_key": {"S": "1"}, "session_id": {"S": "2"}}});
        assert_eq!(seen("DeleteItem", &delete), [one("DeleteItem", "SessionsTable", "user_key")]);
        let query = json!({
            "TableName": "s-signing-keys", "KeyConditionExpression": "sk > :sk AND #pk = :pk",
            "ExpressionAttributeNames": {"#pk": "pk"},
            "ExpressionAttributeValues": {":pk": {"S": "public"}, ":sk": {"S": "private"}},
        });
        assert_eq!(seen("Query", &query), [one("Query", "SigningKeysTable", "public")]);
        assert_eq!(seen("Scan", &json!({"TableName": "s-users"})), [one("Scan", "UsersTable", "none")]);
    }

    #[test]
    fn a_query_names_attributes_or_wants_all() {
        let query = |select: &str| {
            json!({
                "TableName": "s-signing-keys", "KeyConditionExpression": "pk = :pk", "Select": select,
                "ExpressionAttributeNames": {"#schema": "schema"}, "ExpressionAttributeValues": {":pk": {"S": "mac"}},
                "ProjectionExpression": "pk, #schema",
            })
        };
        let named = |select: &str| Tables::declared().uses("Query", &query(select))[0].attributes.clone();
        assert_eq!(named("SPECIFIC_ATTRIBUTES"), Some(["pk", "schema"].map(str::to_owned).into()));
        assert_eq!(named("ALL_ATTRIBUTES"), None);
    }

    #[test]
    fn transactions_and_batches_are_seen_in_parts() {
        let (user, name) = (json!({"pk": {"S": "user#1"}}), json!({"pk": {"S": "id#a"}}));
        let transaction = json!({"TransactItems": [
            {"Put": {"TableName": "s-users", "Item": user}}, {"ConditionCheck": {"TableName": "s-users", "Key": name}},
        ]});
        let expected = [one("PutItem", "UsersTable", "user#"), one("ConditionCheckItem", "UsersTable", "id#")];
        assert_eq!(seen("TransactWriteItems", &transaction), expected);
        let reads = json!({"RequestItems": {"s-users": {"Keys": [user, name]}}});
        let expected = ["user#", "id#"].map(|kind| one("BatchGetItem", "UsersTable", kind));
        assert_eq!(seen("BatchGetItem", &reads), expected);
        let writes =
            json!({"RequestItems": {"s-users": [{"PutRequest": {"Item": user}}, {"DeleteRequest": {"Key": name}}]}});
        let expected = ["user#", "id#"].map(|kind| one("BatchWriteItem", "UsersTable", kind));
        assert_eq!(seen("BatchWriteItem", &writes), expected);
    }
}
