//! The environment that functions run in: Lambda's, and nothing of the developer's.

use super::aws::Aws;
use super::provider::{self, ExampleProvider};
use super::resources::Function;
use std::collections::BTreeMap;

/// What a process needs to run at all, and what makes a panic readable.
const INHERITED: [&str; 4] = ["HOME", "PATH", "RUST_BACKTRACE", "TMPDIR"];

const CREDENTIALS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// The client secrets that functions find in variables: the only ones of the developer's own that they get, and only where a function's
/// list of providers names them.
#[derive(Default)]
pub(crate) struct ClientSecrets {
    /// The example provider's, which nobody has set.
    example: Option<String>,
}

impl ClientSecrets {
    pub(crate) fn of(provider: Option<&ExampleProvider>) -> Self {
        Self { example: provider.map(|provider| provider.client_secret.expose().to_owned()) }
    }

    #[expect(clippy::disallowed_methods, reason = "as `inherited`")]
    fn named_by(&self, function: &Function) -> BTreeMap<String, String> {
        let providers = function.environment.get("GATELET_OAUTH_PROVIDERS").map_or("", String::as_str);
        let providers: Vec<serde_json::Value> = serde_json::from_str(providers).unwrap_or_default();
        let names = providers.iter().filter_map(|provider| provider["client_secret"].as_str()?.strip_prefix("env:"));
        let secret = |name: &str| match &self.example {
            Some(example) if name == provider::SECRET_VARIABLE => Some(example.clone()),
            _ => std::env::var(name).ok(),
        };
        names.filter_map(|name| Some((name.to_owned(), secret(name)?))).collect()
    }
}

/// The variables of one function: the template's, and Lambda's reserved ones, which win.
pub(crate) fn of_function(function: &Function, aws: &Aws, secrets: &ClientSecrets) -> BTreeMap<String, String> {
    let mut variables = secrets.named_by(function);
    variables.extend(inherited());
    variables.extend(function.environment.clone());
    variables.extend(of_aws(&aws.for_function(&function.name)));
    let lambda = [
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name)),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    variables.extend(lambda.map(|(name, value)| (name.to_owned(), value)));
    variables
}

/// The same as far as it may be written down: without credentials and secrets that are the developer's own.
pub(crate) fn of_record(function: &Function, aws: &Aws) -> BTreeMap<String, String> {
    let none = ClientSecrets::default();
    let mut variables = of_function(function, aws, &none);
    let own = none.named_by(function);
    variables.retain(|name, _| !own.contains_key(name));
    if !aws.is_made_up() {
        variables.retain(|name, _| !CREDENTIALS.contains(&name.as_str()));
    }
    variables
}

/// How to reach DynamoDB, in the variables that every AWS SDK reads.
pub(crate) fn of_aws(aws: &Aws) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from(
        [
            ("AWS_ACCESS_KEY_ID", &aws.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &aws.secret_access_key),
            ("AWS_REGION", &aws.region),
            ("AWS_DEFAULT_REGION", &aws.region),
            ("AWS_ENDPOINT_URL_DYNAMODB", &aws.endpoint),
        ]
        .map(|(name, value)| (name.to_owned(), value.clone())),
    );
    if let Some(token) = &aws.session_token {
        variables.insert("AWS_SESSION_TOKEN".to_owned(), token.clone());
    }
    variables
}

#[expect(
    clippy::disallowed_methods,
    reason = "these are handed on, not read: no setting of the local stack comes from here"
)]
fn inherited() -> BTreeMap<String, String> {
    INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::options::DatabaseOptions;
    use std::time::Duration;

    #[test]
    fn a_developers_own_credentials_are_given_and_not_written_down() {
        let own = Some("own".to_owned());
        let options = |own: Option<String>| DatabaseOptions {
            data: None,
            dynamodb_port: 0,
            dynamodb_endpoint: None,
            region: "eu-west-1".to_owned(),
            access_key_id: own.clone(),
            secret_access_key: own.clone(),
            session_token: own,
        };
        let aws = Aws::outside("http://127.0.0.1:1".to_owned(), &options(own));
        let made_up = Aws::outside("http://127.0.0.1:1".to_owned(), &options(None));
        let function = function(BTreeMap::new());
        let none = ClientSecrets::default();
        for name in CREDENTIALS {
            assert_eq!(of_function(&function, &aws, &none)[name], "own");
            assert_eq!(of_record(&function, &aws).get(name), None);
            assert_eq!(of_record(&function, &made_up), of_function(&function, &made_up, &none), "{name}");
            assert!(of_record(&function, &made_up).contains_key(name));
        }
        assert!(of_record(&function, &aws).contains_key("AWS_REGION"));
    }

    fn function(environment: BTreeMap<String, String>) -> Function {
        Function {
            label: String::new(),
            logical_id: String::new(),
            name: "stack-refresh".to_owned(),
            arn: String::new(),
            binary: String::new(),
            environment,
            timeout: Duration::from_secs(1),
            memory_mb: 128,
        }
    }

    #[test]
    fn a_client_secret_is_given_to_whom_its_providers_name_it_and_not_written_down() {
        let options = DatabaseOptions {
            data: None,
            dynamodb_port: 0,
            dynamodb_endpoint: None,
            region: "eu-west-1".to_owned(),
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
        };
        let aws = Aws::outside("http://127.0.0.1:1".to_owned(), &options);
        let secrets = ClientSecrets { example: Some("hunter2".to_owned()) };
        let providers = format!(r#"[{{"client_secret": "env:{}"}}]"#, provider::SECRET_VARIABLE);
        let named = function(BTreeMap::from([("GATELET_OAUTH_PROVIDERS".to_owned(), providers)]));
        let unnamed = function(BTreeMap::new());
        assert_eq!(of_function(&named, &aws, &secrets)[provider::SECRET_VARIABLE], "hunter2");
        assert_eq!(of_function(&unnamed, &aws, &secrets).get(provider::SECRET_VARIABLE), None);
        assert!(!of_record(&named, &aws).values().any(|value| value == "hunter2"));
    }
}
