//! Every secret that was issued or used in a run, wherever it passed: in a function's events, answers and settings, and in what was stored.

use std::{collections::BTreeMap, fmt::Write};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::Value;
use shared::ids::ApplicationId;

/// Members of a JSON body, and fields of a form, that hold a secret.
const SECRET_MEMBERS: [&str; 5] = ["user_secret", "refresh_token", "access_token", "token", "client_secret"];

/// Anything shorter is a test's nonsense, and to be found in any text.
const SHORTEST: usize = 8;

/// The part of a refresh token that can't be made without the key: 16 bytes in base64url, at its end.
const TAG: usize = 21;

/// Secrets, each with what it is.
#[derive(Debug, Default)]
pub struct Secrets(pub BTreeMap<String, &'static str>);

/// What there must be some of, or the suite has not been seen.
pub const KINDS: [&str; 19] = [
    "access token",
    "access token's signature",
    "API key",
    "AWS secret access key",
    "AWS session token",
    "Basic credential",
    "browser's secret",
    "code",
    "code verifier",
    "cookie",
    "MAC key",
    "nonce",
    "password",
    "password hash",
    "private key",
    "provider's code",
    "refresh token",
    "refresh token's tag",
    "state",
];

impl Secrets {
    pub fn of(records: &[Value]) -> Self {
        let mut secrets = Self::default();
        for line in records {
            let payload = &line["payload"];
            match line["kind"].as_str() {
                Some("function") => secrets.environment(&line["environment"]),
                Some("event" | "outcome") => secrets.message(payload),
                Some("call") => secrets.stored(payload),
                other => panic!("a record of an unknown kind: {other:?}"),
            }
        }
        secrets
    }

    fn add(&mut self, kind: &'static str, text: &str) {
        if text.len() >= SHORTEST {
            self.0.entry(text.to_owned()).or_insert(kind);
        }
    }

    fn environment(&mut self, environment: &Value) {
        let setting = |name: &str| environment[name].as_str().unwrap_or_default();
        self.add("AWS secret access key", setting("AWS_SECRET_ACCESS_KEY"));
        self.add("AWS session token", setting("AWS_SESSION_TOKEN"));
        self.peppers(setting("GATELET_PASSWORD_PEPPERS"));
    }

    /// `id:base64[,id:base64]`
    fn peppers(&mut self, setting: &str) {
        let peppers = setting.split(',').filter_map(|pepper| pepper.split_once(':'));
        peppers.for_each(|(_, pepper)| self.add("pepper", pepper));
    }

    /// An event of API Gateway, or an answer to one: both have headers, cookies and a body.
    fn message(&mut self, message: &Value) {
        let header = |name: &str| message["headers"][name].as_str().unwrap_or_default();
        // An application's id in the key's place is as public as before; the log names applications by it.
        if header("api-key").parse::<ApplicationId>().is_err() {
            self.add("API key", header("api-key"));
        }
        self.authorization(header("authorization"));
        let cookies = message["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let all = cookies.chain([header("cookie"), header("set-cookie")]).flat_map(|cookies| cookies.split(';'));
        for (name, value) in all.filter_map(|cookie| cookie.split_once('=')) {
            if name.trim().trim_start_matches("__Host-").starts_with("oauth_") {
                self.add("browser's secret", value);
            }
            if name.contains("token") {
                self.add("cookie", value);
                self.token(value);
            }
        }
        self.form(message["rawQueryString"].as_str().unwrap_or_default());
        self.body(message);
        self.flow(message);
    }

    /// What passes in a sign-in at a provider: to the provider and to the application in an answer's `Location`, back in a query, and from
    /// the application in a body.
    fn flow(&mut self, message: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let route = text(&message["routeKey"]);
        if route.ends_with("/callback") {
            self.parameters(&text(&message["rawQueryString"]), &[("state", "state"), ("code", "provider's code")]);
        }
        if route.starts_with("POST") && (route.ends_with("/exchange") || route.ends_with("/identities")) {
            let body: Value = serde_json::from_str(&text(&message["body"])).unwrap_or_default();
            self.add("code", &text(&body["code"]));
            self.add("code verifier", &text(&body["code_verifier"]));
        }
        let location = text(&message["headers"]["location"]);
        if let Some((_, query)) = location.split_once('?') {
            self.parameters(query, &[("nonce", "nonce"), ("code", "code")]);
        }
    }

    fn parameters(&mut self, query: &str, secret: &[(&str, &'static str)]) {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Some((_, kind)) = secret.iter().find(|(known, _)| *known == name) {
                self.add(kind, &value);
            }
        }
    }

    fn authorization(&mut self, value: &str) {
        let (scheme, credential) = value.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("basic") {
            return self.token(credential);
        }
        self.add("Basic credential", credential);
        let decoded = STANDARD.decode(credential).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((_, key)) = decoded.as_deref().and_then(|decoded| decoded.split_once(':')) {
            self.add("API key", key);
        }
    }

    fn body(&mut self, message: &Value) {
        let mut body = message["body"].as_str().unwrap_or_default().to_owned();
        if message["isBase64Encoded"] == true {
            let bytes = STANDARD.decode(&body).expect("API Gateway encodes in base64");
            body = String::from_utf8_lossy(&bytes).into_owned();
        }
        match serde_json::from_str(&body) {
            Ok(json) => self.members(&json),
            Err(_) => self.form(&body),
        }
    }

    fn members(&mut self, json: &Value) {
        match json {
            Value::Object(members) => {
                for (name, value) in members {
                    if SECRET_MEMBERS.contains(&name.as_str()) {
                        each_string(value, &mut |text| self.named(name, text));
                    }
                    self.members(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.members(item)),
            _ => {}
        }
    }

    fn form(&mut self, form: &str) {
        for (name, value) in form_urlencoded::parse(form.as_bytes()) {
            if SECRET_MEMBERS.contains(&&*name) {
                self.named(&name, &value);
            }
        }
    }

    fn named(&mut self, name: &str, text: &str) {
        match name {
            "user_secret" => self.add("password", text),
            "client_secret" => self.add("API key", text),
            _ => self.token(text),
        }
    }

    fn token(&mut self, token: &str) {
        if token.starts_with("gl_rt_") {
            self.add("refresh token", token);
            let tag = token.char_indices().rev().nth(TAG - 1).map_or("", |(start, _)| &token[start..]);
            self.add("refresh token's tag", tag);
        } else if let Some((_, signature)) = token.rsplit_once('.') {
            self.add("access token", token);
            self.add("access token's signature", signature);
        } else {
            self.add("a token of no form", token);
        }
    }

    /// A request to DynamoDB.
    fn stored(&mut self, json: &Value) {
        each_string(json, &mut |text| {
            if text.starts_with("$argon2id$") {
                self.add("password hash", text);
                self.add("password hash", text.rsplit('$').next().unwrap_or_default());
            }
        });
        each_object(json, &mut |item| {
            let kind = match item["pk"]["S"].as_str() {
                Some("private") => "private key",
                Some("mac") => "MAC key",
                _ => return,
            };
            if let Some(key) = item["key"]["B"].as_str() {
                for text in forms(&STANDARD.decode(key).expect("DynamoDB takes base64")) {
                    self.add(kind, &text);
                }
            }
        });
    }
}

/// How a program might write bytes.
fn forms(bytes: &[u8]) -> [String; 4] {
    let hexadecimal = bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let list = bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    [STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes), hexadecimal, list]
}

fn each_string(json: &Value, visit: &mut impl FnMut(&str)) {
    match json {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| each_string(item, visit)),
        Value::Object(members) => members.values().for_each(|value| each_string(value, visit)),
        _ => {}
    }
}

fn each_object(json: &Value, visit: &mut impl FnMut(&Value)) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| each_object(item, visit)),
        Value::Object(members) => {
            visit(json);
            members.values().for_each(|value| each_object(value, visit));
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
