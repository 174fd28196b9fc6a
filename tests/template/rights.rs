//! What each function of the template may do, and under which condition.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Grant;

/// `(table, actions, partition keys that they are limited to)`
pub(super) type Rights = (&'static str, &'static [&'static str], &'static [&'static str]);

const APPLICATION: Rights = ("ApplicationsTable", &["GetItem"], &[]);
const USER: Rights = ("UsersTable", &["GetItem"], &[]);
const CHANGE_USER: Rights = ("UsersTable", &["UpdateItem"], &["user#*"]);
/// Who comes by an identity gets an account, or has it linked to theirs.
const WELCOME: Rights = ("UsersTable", &["PutItem"], &["email#*", "identity#*", "user#*"]);
const SESSION: Rights = ("SessionsTable", &["GetItem"], &[]);
const END_SESSION: Rights = ("SessionsTable", &["UpdateItem"], &[]);
const BEGIN_SESSION: Rights = ("SessionsTable", &["DeleteItem", "PutItem", "Query", "UpdateItem"], &[]);
const USE_CODE: Rights = ("FlowsTable", &["GetItem", "UpdateItem"], &["code#*"]);
const SIGN: Rights = ("SigningKeysTable", &["Query"], &["mac", "private"]);
const VERIFY: Rights = ("SigningKeysTable", &["Query"], &["public"]);
const VERIFY_BOTH: Rights = ("SigningKeysTable", &["Query"], &["mac", "public"]);

/// Everything that each function may do. Whoever adds to it says why the handler needs that.
pub(super) const RIGHTS: [(&str, &[Rights]); 18] = [
    (
        "Authenticate",
        &[
            APPLICATION,
            USER,
            CHANGE_USER,
            BEGIN_SESSION,
            SIGN,
            // A success takes back what was counted for whoever made it, and never what was for an address.
            ("ThrottlesTable", &["UpdateItem"], &["account#*", "device#*", "source#*"]),
            ("ThrottlesTable", &["DeleteItem"], &["account#*", "device#*"]),
        ],
    ),
    ("Authorizer", &[USER, SESSION, VERIFY]),
    ("Discovery", &[]),
    (
        "Identities",
        &[
            APPLICATION,
            USER,
            ("UsersTable", &["DeleteItem"], &["email#*", "identity#*"]),
            ("UsersTable", &["PutItem"], &["identity#*"]),
            CHANGE_USER,
            SESSION,
            VERIFY,
            USE_CODE,
        ],
    ),
    ("Introspect", &[APPLICATION, USER, SESSION, VERIFY_BOTH]),
    ("Jwks", &[VERIFY]),
    ("Logout", &[APPLICATION, END_SESSION, VERIFY_BOTH]),
    (
        "OauthCallback",
        &[
            APPLICATION,
            USER,
            WELCOME,
            CHANGE_USER,
            BEGIN_SESSION,
            SIGN,
            ("FlowsTable", &["UpdateItem"], &["flow#*"]),
            ("FlowsTable", &["PutItem"], &["code#*"]),
        ],
    ),
    ("OauthExchange", &[APPLICATION, USER, WELCOME, CHANGE_USER, BEGIN_SESSION, SIGN, USE_CODE]),
    (
        "OauthStart",
        &[
            APPLICATION,
            ("SigningKeysTable", &["Query"], &["mac"]),
            ("ThrottlesTable", &["UpdateItem"], &["flow#*"]),
            ("FlowsTable", &["PutItem"], &["flow#*"]),
        ],
    ),
    ("OptionalAuthorizer", &[USER, SESSION, VERIFY]),
    ("Refresh", &[APPLICATION, USER, ("SessionsTable", &["GetItem", "UpdateItem"], &[]), SIGN]),
    (
        "Register",
        &[
            APPLICATION,
            ("UsersTable", &["PutItem"], &["id#*", "user#*"]),
            ("ThrottlesTable", &["UpdateItem"], &["register#*"]),
        ],
    ),
    ("Revoke", &[APPLICATION, END_SESSION, VERIFY_BOTH]),
    (
        "RotateKeys",
        &[
            ("SigningKeysTable", &["Query"], &["mac", "public", "rotation"]),
            ("SigningKeysTable", &["UpdateItem"], &["mac", "private", "public", "rotation"]),
            ("SigningKeysTable", &["PutItem"], &["mac", "private", "public"]),
            ("SigningKeysTable", &["DeleteItem"], &["private", "public"]),
        ],
    ),
    (
        "Sessions",
        &[APPLICATION, USER, CHANGE_USER, ("SessionsTable", &["GetItem", "Query", "UpdateItem"], &[]), VERIFY],
    ),
    ("TokenInfo", &[APPLICATION, USER, SESSION, VERIFY]),
    ("Whoami", &[APPLICATION, USER, SESSION, VERIFY]),
];

/// What the function that makes keys may see of them: neither a private key nor a secret.
const DESCRIPTION: [&str; 8] =
    ["algorithm", "created_at", "expires_at", "pk", "revision", "schema", "signs_from", "sk"];

fn attributes(keys: &[&str], action: &str) -> BTreeSet<String> {
    let is_described = action == "Query" && keys.contains(&"rotation");
    DESCRIPTION.iter().filter(|_| is_described).map(|name| (*name).to_owned()).collect()
}

/// A handler's rights, one by one.
pub(super) fn grants(rights: &[Rights]) -> BTreeSet<Grant> {
    let each = rights.iter().flat_map(|(table, actions, keys)| {
        actions.iter().map(|action| Grant {
            table: (*table).to_owned(),
            action: (*action).to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            attributes: attributes(keys, action),
        })
    });
    each.collect()
}

/// X-Ray has no resources to name.
pub(super) fn tracing() -> Value {
    json!({"Effect": "Allow", "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "Resource": "*"})
}

/// What reading a table takes that is encrypted with a key of the account's, and what writing to it takes.
pub(super) const READING: [&str; 2] = ["kms:Decrypt", "kms:DescribeKey"];
pub(super) const WRITING: [&str; 7] = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

/// Client secrets, as the deployment lists them.
pub(super) fn reading_secrets() -> Value {
    json!({
        "Effect": "Allow",
        "Action": ["secretsmanager:GetSecretValue", "ssm:GetParameter"],
        "Resource": {"Ref": "OAuthSecretArns"},
    })
}

pub(super) fn opening_the_table(actions: &[&str]) -> Value {
    json!({
        "Effect": "Allow",
        "Action": actions,
        "Resource": {"If": ["CreatesKmsKey", {"GetAtt": "SigningKeysKey.Arn"}, {"Ref": "SigningKeysKmsKey"}]},
        "Condition": {"StringEquals": {"kms:ViaService": {"Sub": "dynamodb.${AWS::Region}.${AWS::URLSuffix}"}}},
    })
}
