//! Tests of [`super`], in a file of their own to keep both readable.

use super::*;
use crate::dev::names::Names;
use crate::dev::record::Record;
use crate::dev::template::Template;
use crate::dev::{Options, database, tables};
use crate::{Cli, Command};
use clap::Parser;
use shared::config::Tables;
use std::sync::Arc;

const NO_OPTIONS: SeedOptions = SeedOptions {
    default_application: DefaultApplication::Legacy,
    grace: None,
    access_lifetime: None,
    refresh_idle: None,
    refresh_absolute: None,
    no_recovery: false,
    strict: false,
};

fn application(name: &str, options: &SeedOptions) -> Application {
    configured(name, ApplicationId::random(&System), options, "http://127.0.0.1:9000")
}

#[test]
fn the_examples_are_as_documented() {
    let [web, service, legacy] = ["web", "service", "legacy"].map(|name| application(name, &NO_OPTIONS));
    assert_eq!(
        [web.delivery, service.delivery, legacy.delivery],
        [TokenDelivery::Cookie, TokenDelivery::Body, TokenDelivery::Body]
    );
    assert_eq!([&web, &service, &legacy].map(|application| application.access_lifetime), [HOUR / 3, HOUR / 3, HOUR]);
    assert_eq!([&web, &service, &legacy].map(|application| application.refresh.idle), [HOUR * 72, HOUR * 72, MONTH]);
    assert_eq!([&web, &service, &legacy].map(|application| application.refresh.rotation), [true, true, false]);
    assert_eq!(web.allowed_origins, [PAGE_ORIGIN, "http://127.0.0.1:9000", "http://localhost:9000"]);
    assert!([web, service, legacy].iter().all(|application| application.validate().is_ok()));
}

#[test]
fn the_options_change_every_example() {
    let options = SeedOptions {
        access_lifetime: Some(2),
        refresh_idle: Some(3),
        refresh_absolute: Some(4),
        strict: true,
        ..NO_OPTIONS
    };
    for name in ["web", "service", "legacy"] {
        let Application { access_lifetime, refresh, .. } = application(name, &options);
        let seconds = [access_lifetime, refresh.idle, refresh.absolute, refresh.grace].map(|time| time.as_secs());
        assert_eq!((seconds, refresh.recovery), ([2, 3, 4, 0], false), "{name}");
    }
}

fn options(arguments: &[&str]) -> Box<Options> {
    match Cli::try_parse_from(["gatelet", "dev"].iter().chain(arguments)).unwrap().command {
        Command::Dev(options) => options,
        Command::Openapi | Command::Admin(_) => unreachable!("the command is `dev`"),
    }
}

#[tokio::test]
async fn a_grace_of_the_command_line_is_seeded() {
    let options = options(&["--grace", "5"]);
    let base_url = "http://127.0.0.1:9000";
    let names = Names { stack: &options.stack, region: &options.database.region, base_url };
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml");
    let stack = Template::read(&template).unwrap().evaluate(names, &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let unrecorded = Arc::new(Record::open(None).unwrap());
    let client = database::start(&options.database, &unrecorded).await.unwrap().aws.client();
    tables::create(&client, &stack.tables).await.unwrap();
    let store = Store::new(&client, &Tables::of_stack(&options.stack));

    for (name, seeded) in seed(&store, &options.seed, base_url, None, Algorithm::ES256).await.unwrap() {
        let id = seeded.application_id.parse().unwrap();
        let (application, _) = store.applications.find(id).await.unwrap().unwrap();
        assert_eq!(application.refresh.grace, Duration::from_secs(5), "{name}");
    }
}

#[test]
fn each_database_has_a_file_of_its_own() {
    let kept_of = |arguments: &[&str]| kept(&options(arguments).database, "main", Path::new("target"));
    let of_endpoint = |endpoint| kept_of(&["--dynamodb-endpoint", endpoint]);
    let expected = "target/gatelet/main@http%3A%2F%2Flocalhost%3A8000-applications.json";
    assert_eq!(of_endpoint("http://localhost:8000"), Some(expected.into()));
    assert_eq!(of_endpoint("http://localhost:8000/"), Some(expected.into()));
    assert_ne!(of_endpoint("http://localhost:8001"), Some(expected.into()));
    assert_eq!(kept_of(&["--data", "dir"]), Some("dir/applications.json".into()));
    assert_eq!(kept_of(&[]), None);
}
