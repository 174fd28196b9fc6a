use super::*;

fn read(text: &str) -> Result<ProviderSettings, InvalidProviders> {
    ProviderSettings::read(text, &|name| (name == "SECRET").then(|| "s3cr3t".to_owned()))
}

/// One provider with `change` made to its members.
fn provider(change: &str) -> String {
    let mut members = serde_json::json!({
        "name": "google", "issuer": "https://accounts.google.com", "client_id": "id", "client_secret": "env:SECRET",
    });
    let change: serde_json::Value = serde_json::from_str(change).unwrap();
    for (name, value) in change.as_object().unwrap() {
        members[name] = value.clone();
    }
    serde_json::json!([members]).to_string()
}

#[test]
fn a_provider_is_read() {
    let read = read(&provider("{}")).unwrap();
    assert!(matches!(read.0[0].protocol, Protocol::OpenId(_)));
    assert_eq!(read.0[0].scopes, ["openid", "email"]);
    assert!(!read.0[0].link_verified_email, "off by default");
    assert!(!format!("{read:?}").contains("s3cr3t"));
}

#[test]
fn what_is_wrong_is_said_and_no_value_repeated() {
    let endpoints = r#"{"authorization_endpoint": "https://a/", "token_endpoint": "https://a/", "userinfo_endpoint": "http://a/", "subject": "id"}"#;
    for (change, named) in [
        (r#"{"name": "Google"}"#, "`name`"),
        (r#"{"name": ""}"#, "`name`"),
        (r#"{"issuer": "accounts.google.com"}"#, "`issuer`"),
        (r#"{"issuer": "http://accounts.google.com"}"#, "`issuer`"),
        (r#"{"issuer": "https://accounts.google.com?x"}"#, "`issuer`"),
        (r#"{"client_id": ""}"#, "`client_id`"),
        (r#"{"client_secret": "GOCSPX-hunter2"}"#, "`client_secret`"),
        (r#"{"client_secret": "env:OTHER"}"#, "not set"),
        (r#"{"client_secret": "arn:aws:s3:eu-west-1:1:hunter2"}"#, "`client_secret`"),
        (r#"{"client_secret": "arn:aws:ssm:evil.example/:1:parameter/x"}"#, "`client_secret`"),
        (r#"{"secret": "hunter2"}"#, "unknown"),
        (r#"{"token_endpoint": "https://a/"}"#, "belong together"),
        (r#"{"subject": "id"}"#, "belong together"),
        (endpoints, "endpoint"),
        (r#"{"apple": {"team_id": "hunter2"}}"#, "missing"),
    ] {
        let error = read(&provider(change)).unwrap_err().to_string();
        assert!(error.contains(named), "{change}: {error}");
        assert!(!error.contains("hunter2"), "{change}: {error}");
    }
    assert!(read("{}").is_err());
    assert!(read("[").unwrap_err().to_string().contains("not JSON"));
}

#[test]
fn a_name_is_one_providers() {
    let one: serde_json::Value = serde_json::from_str(&provider("{}")).unwrap();
    let two = serde_json::json!([one[0], one[0]]).to_string();
    assert!(read(&two).unwrap_err().to_string().starts_with("provider 2: "));
}

#[test]
fn a_plain_server_does_not_speak_for_an_openid_issuer() {
    let one: serde_json::Value = serde_json::from_str(&provider("{}")).unwrap();
    let plain = r#"{"name": "plain", "authorization_endpoint": "https://a/", "token_endpoint": "https://a/", "userinfo_endpoint": "https://a/", "subject": "id"}"#;
    let other: serde_json::Value = serde_json::from_str(&provider(plain)).unwrap();
    let two = serde_json::json!([one[0], other[0]]).to_string();
    assert_eq!(read(&two).unwrap_err().to_string(), "provider 2: another one has its issuer");
}

#[test]
fn a_secret_of_aws_is_none_of_a_client() {
    let error = read(&provider(r#"{"client_secret": "env:AWS_SECRET_ACCESS_KEY"}"#)).unwrap_err();
    assert!(error.to_string().contains("AWS"), "{error}");
}
