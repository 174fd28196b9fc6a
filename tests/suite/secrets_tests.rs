//! Tests of [`super`].

use serde_json::json;

use super::*;

/// What is found in these lines, and what it is.
fn found(lines: &[Value]) -> Vec<(String, &'static str)> {
    Secrets::of(lines).0.into_iter().collect()
}

fn secret(text: &str, kind: &'static str) -> (String, &'static str) {
    (text.to_owned(), kind)
}

#[test]
fn an_event_has_secrets_in_headers_cookies_query_and_body() {
    let body =
        json!({"user_id": "alice-alice", "user_secret": "the password", "more": [{"refresh_token": ["gl_rt_x"]}]});
    let event = json!({"kind": "event", "payload": {
        "headers": {"api-key": "pk_of_a_client", "authorization": "Bearer aaaa.bbbb.signature"},
        "cookies": ["theme=dark-and-long", "__Host-access_token=cccc.dddd.signed-too"],
        "rawQueryString": "token=in%20the%20query&page=nothing-secret",
        "body": body.to_string(),
    }});
    let expected = [
        secret("aaaa.bbbb.signature", "access token"),
        secret("cccc.dddd.signed-too", "cookie"),
        secret("in the query", "a token of no form"),
        secret("pk_of_a_client", "API key"),
        secret("signature", "access token's signature"),
        secret("signed-too", "access token's signature"),
        secret("the password", "password"),
    ];
    assert_eq!(found(&[event]), expected);
}

#[test]
fn an_application_id_in_the_place_of_a_key_is_no_secret() {
    let event = json!({"kind": "event", "payload": {"headers": {"api-key": "01890a5d-ac96-4774-bcce-b302099a8057"}}});
    assert_eq!(found(&[event]), []);
}

#[test]
fn a_form_may_be_encoded_and_a_credential_basic() {
    let token = format!("gl_rt_{}{}", "a".repeat(40), "tagtagtagtagtagtagtag");
    let event = json!({"kind": "event", "payload": {
        "headers": {"authorization": format!("Basic {}", STANDARD.encode("id:sk_of_a_service"))},
        "body": STANDARD.encode(format!("token={token}&hint=nothing-secret")), "isBase64Encoded": true,
    }});
    let expected = [
        secret(&STANDARD.encode("id:sk_of_a_service"), "Basic credential"),
        secret(&token, "refresh token"),
        secret("sk_of_a_service", "API key"),
        secret("tagtagtagtagtagtagtag", "refresh token's tag"),
    ];
    assert_eq!(found(&[event]), expected);
}

#[test]
fn what_is_stored_has_hashes_and_keys_but_public_ones() {
    let item = |pk: &str, key: &[u8]| json!({"Put": {"Item": {"pk": {"S": pk}, "key": {"B": STANDARD.encode(key)}}}});
    let key = [250; 9];
    let lines = [
        json!({"kind": "call", "payload": {"TransactItems": [item("mac", &key), item("public", &[1; 9])]}}),
        json!({"kind": "call", "payload": {"ExpressionAttributeValues": {":hash": {"S": "$argon2id$v=19$m=1$salt$the-hash-itself"}}}}),
    ];
    let found = found(&lines);
    for text in forms(&key) {
        assert!(found.contains(&(text, "MAC key")), "{found:?}");
    }
    for text in ["$argon2id$v=19$m=1$salt$the-hash-itself", "the-hash-itself"] {
        assert!(found.contains(&secret(text, "password hash")), "{found:?}");
    }
    assert_eq!(found.len(), 4 + 2);
}

#[test]
fn an_environment_has_peppers_and_credentials() {
    let function = json!({"kind": "function", "environment": {
        "AWS_ACCESS_KEY_ID": "stack-refresh",
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "key-of-stack",
        "AWS_SESSION_TOKEN": "token-of-stack",
        "GATELET_PASSWORD_PEPPERS": "2:new-pepper,1:old-pepper",
    }});
    let expected = [
        secret("key-of-stack", "AWS secret access key"),
        secret("new-pepper", "pepper"),
        secret("old-pepper", "pepper"),
        secret("token-of-stack", "AWS session token"),
    ];
    assert_eq!(found(&[function]), expected);
}
