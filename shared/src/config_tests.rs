use super::*;

const COMPLETE: [(&str, &str); 10] = [
    ("GATELET_ISSUER", "https://auth.example.com/api/v1/auth"),
    ("GATELET_USERS_TABLE", "u"),
    ("GATELET_SESSIONS_TABLE", "s"),
    ("GATELET_APPLICATIONS_TABLE", "a"),
    ("GATELET_SIGNING_KEYS_TABLE", "k"),
    ("GATELET_THROTTLES_TABLE", "t"),
    ("GATELET_FLOWS_TABLE", "f"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
];

fn read(name: &str, value: &str) -> Result<Config, ConfigError> {
    let setting = |asked: &str| {
        let complete = || COMPLETE.iter().find(|(known, _)| *known == asked).map(|(_, value)| (*value).to_owned());
        if asked == name { Some(value.to_owned()) } else { complete() }
    };
    Config::read(&Settings(&setting))
}

#[test]
fn what_is_not_said_has_a_default() {
    let config = read("", "").unwrap();
    assert_eq!(config.audience, config.issuer);
    assert_eq!(config.max_sessions, 50);
    assert_eq!(config.authorizer, Authorizer { optional: false, live_check: LiveCheck::Strong });
    assert_eq!(config.default_application, None);
}

#[test]
fn a_missing_setting_names_itself() {
    for (name, _) in COMPLETE {
        assert_eq!(read(name, "").err(), Some(ConfigError::Missing(name)));
    }
}

#[test]
fn a_malformed_setting_names_itself() {
    for (name, value) in [
        ("GATELET_ISSUER", "http://auth.example.com/api/v1/auth"),
        ("GATELET_ISSUER", "http://localhost.example.com/api/v1/auth"),
        ("GATELET_ISSUER", "https://auth.example.com/"),
        ("GATELET_ISSUER", "https://auth.example.com/a?b"),
        ("GATELET_DEFAULT_APPLICATION", "web"),
        ("GATELET_PASSWORD_MIN_LENGTH", "7"),
        ("GATELET_PASSWORD_MIN_LENGTH", "eight"),
        ("GATELET_PASSWORD_MAX_LENGTH", "63"),
        ("GATELET_ARGON2_MEMORY_KIB", "19455"),
        ("GATELET_ARGON2_ITERATIONS", "0"),
        ("GATELET_ARGON2_PARALLELISM", "0"),
        ("GATELET_PASSWORD_PEPPERS", "1:short"),
        ("GATELET_MAX_SESSIONS", "0"),
        ("GATELET_MAX_SESSIONS", "501"),
        ("GATELET_SIGN_INS_PER_SOURCE", "0"),
        ("GATELET_REGISTRATIONS_PER_SOURCE", "1000001"),
        ("GATELET_AUTHORIZER_MODE", "maybe"),
        ("GATELET_AUTHORIZER_LIVE_CHECK", "sometimes"),
        ("GATELET_SIGNING_ALGORITHM", "HS256"),
        ("GATELET_KEY_ROTATION_DAYS", "0"),
        ("GATELET_KEY_ROTATION_DAYS", "366"),
    ] {
        let error = read(name, value).err().unwrap().to_string();
        assert!(error.contains(name), "{name}={value}: {error}");
    }
}

#[test]
fn plain_http_is_for_this_machine() {
    for issuer in ["http://127.0.0.1:9000/api/v1/auth", "http://localhost:9000/api/v1/auth"] {
        let config = read("GATELET_ISSUER", issuer).unwrap();
        assert_eq!(config.cookies, Cookies::new(false));
    }
}

#[test]
fn the_service_can_be_the_value_of_a_dimension() {
    let of = |value: &str| service(&Settings(&|name| (name == "GATELET_SERVICE").then(|| value.to_owned())));
    assert_eq!((of(""), of("auth-eu")), (Ok("gatelet".to_owned()), Ok("auth-eu".to_owned())));
    for value in ["a b", "é", "a\n", &"a".repeat(256)] {
        assert!(of(value).is_err(), "{value}");
    }
}
