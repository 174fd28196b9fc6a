//! What a function's environment would say, for handlers and keys that run in the test itself.

use shared::{
    config::{Authorizer, Aws, Config, Limits, LiveCheck, Passwords, Rotation, SecretStores, Tables},
    http::Cookies,
    password::{Hasher, Params, Peppers, Policy},
    provider::ProviderSettings,
    secret::Secret,
};

/// Settings for `tables` at `endpoint`, with tokens of `issuer`.
pub fn config(issuer: &str, endpoint: &str, tables: Tables, rotation: Rotation) -> Config {
    Config {
        audience: issuer.to_owned(),
        cookies: Cookies::new(issuer.starts_with("https://")),
        issuer: issuer.to_owned(),
        default_application: None,
        passwords: Passwords {
            policy: Policy::new(8, 64).expect("a policy"),
            hasher: Hasher::new(Params::new(7168, 5, 1).expect("parameters"), Peppers::default()),
        },
        max_sessions: 50,
        limits: Limits { sign_ins: 1_000_000, registrations: 1_000_000 },
        authorizer: Authorizer { optional: false, live_check: LiveCheck::Off },
        rotation,
        tables,
        providers: ProviderSettings::default(),
        secret_stores: SecretStores::default(),
        aws: Aws {
            region: "eu-central-1".into(),
            endpoint: Some(endpoint.to_owned()),
            access_key_id: "local".into(),
            secret_access_key: Secret::new("local".into()),
            session_token: None,
        },
    }
}
