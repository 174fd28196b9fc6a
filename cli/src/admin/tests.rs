//! The commands as they are typed, against an embedded database.

mod harness;
mod providers;

use super::connection::Target;
use harness::deployment;
use serde_json::Value;
use shared::ids::ApplicationId;
use shared::store::Admission;
use shared::throttle::{FREE, Guesser};
use shared::user::User;
use shared::world::{System, World as _};

#[tokio::test]
async fn an_application_is_made_listed_and_changed() {
    let gatelet = deployment().await;
    assert!(gatelet.text("app list").await.contains("gatelet app create"));

    let made = gatelet
        .json("app create web --delivery cookie --origin https://a.example --access-lifetime 10m --no-rotation --refresh-idle 7d")
        .await;
    let id = made["application_id"].as_str().unwrap();
    assert_eq!(made["access_lifetime_seconds"], 600);
    assert_eq!((&made["rotation"], &made["refresh_idle_seconds"]), (&false.into(), &604_800.into()));
    let caller = gatelet.store.applications.identify(made["secret_key"].as_str(), System.now()).await;
    assert!(caller.unwrap().authenticated);

    let listed = gatelet.json("app list").await;
    assert_eq!(listed["applications"][0]["application_id"], id);
    assert!(!listed.to_string().contains("sk_"), "a list shows no key");

    let changed =
        gatelet.json(&format!("app update {id} --name shop --strict --rotation --no-origins --audience orders")).await;
    let expected = serde_json::json!({
        "name": "shop", "grace_seconds": 0, "recovery": false, "rotation": true, "allowed_origins": [],
        "audience": "orders", "access_lifetime_seconds": 600, "delivery": "cookie",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&changed[field], value, "{field}");
    }
    assert_eq!(gatelet.json(&format!("app show {id}")).await, changed);
    assert!(gatelet.text(&format!("app show {id}")).await.contains("No page can use its cookies yet"));

    let refused = gatelet.refusal(&format!("app update {id} --refresh-idle 60d")).await;
    assert!(refused.contains("absolute lifetime is at least the idle lifetime"), "{refused}");
    assert_eq!(gatelet.json(&format!("app show {id}")).await, changed);
}

#[tokio::test]
async fn a_key_is_replaced_without_an_outage() {
    let gatelet = deployment().await;
    let made = gatelet.json("app create service").await;
    let id = made["application_id"].as_str().unwrap();

    let added = gatelet.json(&format!("app add-key {id} --kind secret")).await;
    let third = gatelet.refusal(&format!("app add-key {id} --kind secret")).await;
    assert!(third.contains("has 2 secret keys already"), "{third}");
    assert!(third.contains(added["fingerprint"].as_str().unwrap()), "{third}");

    let old = made["keys"].as_array().unwrap().iter().find(|key| key["kind"] == "secret").unwrap();
    let revoke = format!("app revoke-key {id} {}", old["fingerprint"].as_str().unwrap());
    assert!(gatelet.text(&revoke).await.contains("within 60 seconds"));
    assert!(gatelet.refusal(&revoke).await.contains("has no key"));

    let now = System.now();
    let old = gatelet.store.applications.identify(made["secret_key"].as_str(), now).await;
    let new = gatelet.store.applications.identify(added["key"].as_str(), now).await;
    assert!(old.is_err() && new.unwrap().authenticated);
}

#[tokio::test]
async fn a_user_is_granted_permissions_and_locked_out() {
    let gatelet = deployment().await;
    let user = gatelet.signed_in("alice").await;

    let granted = gatelet.json("user grant alice orders:read admin").await;
    assert_eq!(granted["permissions"], serde_json::json!(["admin", "orders:read"]));
    let revoked = gatelet.json(&format!("user revoke {} admin", user.key)).await;
    assert_eq!(revoked["permissions"], serde_json::json!(["orders:read"]));
    assert!(gatelet.refusal("user revoke alice admin orders:read").await.contains("`admin`"));
    assert!(gatelet.refusal("user grant alice quo\"te").await.contains("can't be granted"));

    let shown = gatelet.json("user show Alice").await;
    assert_eq!(shown["sessions"][0]["user_agent"], "curl/8.5");
    assert_eq!(shown["permissions"], serde_json::json!(["orders:read"]));

    let ended = gatelet.json("user end-sessions alice").await;
    assert_eq!((&ended["epoch"], &ended["status"]), (&1.into(), &"active".into()));
    assert!(gatelet.text("user show alice").await.contains("No session is alive."));

    gatelet.sign_in(&User { epoch: 1, ..user }).await;
    assert_eq!(gatelet.json("user disable alice").await["status"], "disabled");
    let enabled = gatelet.json("user enable alice").await;
    assert_eq!((&enabled["epoch"], &enabled["status"]), (&2.into(), &"active".into()));
    assert_eq!(gatelet.json("user show alice").await["sessions"], serde_json::json!([]));
}

#[tokio::test]
async fn a_user_who_was_guessed_at_is_unlocked() {
    let gatelet = deployment().await;
    let guesser = Guesser::Stranger(gatelet.signed_in("alice").await.key);
    let guess = async || gatelet.store.throttles.count_failure(guesser, System.now(), &System).await.unwrap();
    let mut answers = Vec::new();
    for _ in 0..=FREE {
        answers.push(guess().await);
    }
    assert!(answers.iter().any(|answer| matches!(answer, Admission::Refused { .. })), "{answers:?}");
    let unlocked = gatelet.text("user unlock alice").await;
    assert!(unlocked.contains("No failure of a stranger counts any more."), "{unlocked}");
    assert_eq!(guess().await, Admission::Granted { count: 1 });
    gatelet.json("user unlock alice").await;
    assert!(gatelet.refusal("user unlock bob").await.contains("no user bob"));
}

#[tokio::test]
async fn permissions_are_not_lost_between_two_administrators() {
    let gatelet = deployment().await;
    gatelet.signed_in("alice").await;
    let (one, two) = tokio::join!(gatelet.typed("user grant alice one"), gatelet.typed("user grant alice two"));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(gatelet.json("user show alice").await["permissions"], serde_json::json!(["one", "two"]));
}

#[tokio::test]
async fn keys_are_made_and_listed_without_their_secrets() {
    let gatelet = deployment().await;
    let kinds = |answer: &Value| {
        let keys = answer["keys"].as_array().unwrap().iter();
        let mut kinds: Vec<_> =
            keys.map(|key| format!("{} {}", key["kind"], key["algorithm"]).replace('"', "")).collect();
        kinds.sort();
        kinds
    };
    assert!(gatelet.text("keys list").await.contains("gatelet keys create"));
    assert_eq!(kinds(&gatelet.json("keys create").await), ["mac HMAC-SHA-256", "signing ES256"]);
    assert_eq!(kinds(&gatelet.json("keys create --algorithm EdDSA").await), ["signing EdDSA"]);
    assert_eq!(
        kinds(&gatelet.json("keys create --algorithm rs256 --mac").await),
        ["mac HMAC-SHA-256", "signing RS256"]
    );
    assert_eq!(
        kinds(&gatelet.json("keys list").await),
        ["mac HMAC-SHA-256", "mac HMAC-SHA-256", "signing ES256", "signing EdDSA", "signing RS256"]
    );
    let listed = gatelet.json("keys list").await;
    let fields: Vec<_> = listed["keys"][0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["algorithm", "created_at", "expires_at", "kid", "kind", "signs_from", "state"]);
}

#[tokio::test]
async fn a_revoked_key_is_replaced_in_the_same_moment() {
    let gatelet = deployment().await;
    gatelet.json("keys create --algorithm EdDSA").await;
    let listed = gatelet.json("keys list").await;
    for (at, kind) in [(0, "signing"), (1, "mac")] {
        assert_eq!((&listed["keys"][at]["kind"], &listed["keys"][at]["state"]), (&kind.into(), &"in force".into()));
        let kid = listed["keys"][at]["kid"].as_str().unwrap();
        let answer = gatelet.json(&format!("keys revoke {kid}")).await;
        assert_eq!(answer["revoked"], kid);
        let now = gatelet.json("keys list").await;
        assert_eq!(now["keys"][at]["kid"], answer["in_force"][kind]);
        assert_ne!(now["keys"][at]["kid"], kid);
        assert_eq!(now["keys"][at]["algorithm"], listed["keys"][at]["algorithm"]);
        let again = gatelet.refusal(&format!("keys revoke {kid}")).await;
        assert!(again.starts_with(&format!("there is no key {kid}")), "{again}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let gatelet = deployment().await;
    let id = ApplicationId::random(&System).to_string();
    for (line, named) in [
        (format!("app show {id}"), format!("there is no application {id}")),
        (format!("app update {id} --name x"), format!("there is no application {id}")),
        ("user show nobody".into(), "there is no user nobody".into()),
        (format!("user disable {id}"), format!("there is no user {id}")),
        ("user show x".into(), "there is no user x".into()),
    ] {
        let refusal = gatelet.refusal(&line).await;
        assert!(refusal.starts_with(&named), "{line}: {refusal}");
    }
}

#[tokio::test]
async fn a_failure_of_the_store_says_what_to_do() {
    let gatelet = deployment().await;
    let elsewhere = Target::at(&gatelet.place, "prod").connect().await.unwrap();
    for (line, table) in
        [("app list", "prod-applications"), ("user show alice", "prod-users"), ("keys create", "prod-signing-keys")]
    {
        let refusal = elsewhere.refusal(line).await;
        assert!(refusal.contains(&format!("there is no table `{table}` at http://")), "{refusal}");
        assert!(refusal.contains("--stack"), "{refusal}");
    }

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = Target::at(&format!("http://{closed}"), "prod").connect().await.unwrap();
    let refusal = nowhere.refusal("app list").await;
    assert!(refusal.starts_with(&format!("DynamoDB at http://{closed} does not answer")), "{refusal}");
}
