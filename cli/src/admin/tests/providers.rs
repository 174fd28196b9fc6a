//! What administrators settle for sign-ins at providers.

use super::harness::deployment;

#[tokio::test]
async fn an_application_allows_addresses_and_gives_permissions() {
    let gatelet = deployment().await;
    let made = gatelet
        .json("app create web --return-to https://a.example/in --return-to com.example.app:/in --default-permission orders:read")
        .await;
    assert_eq!(made["allowed_return_to"], serde_json::json!(["https://a.example/in", "com.example.app:/in"]));
    assert_eq!(made["default_permissions"], serde_json::json!(["orders:read"]));

    let id = made["application_id"].as_str().unwrap();
    for bad in ["http://a.example/in", "https://a.example/in#x", "https://u@a.example/", "app:/in", "//a.example"] {
        let refused = gatelet.refusal(&format!("app update {id} --return-to {bad}")).await;
        assert!(refused.contains("allowed return address"), "{bad}: {refused}");
    }
    let emptied = gatelet.json(&format!("app update {id} --no-return-to --no-default-permissions")).await;
    assert_eq!(emptied["allowed_return_to"], serde_json::json!([]));
    assert_eq!(emptied["default_permissions"], serde_json::json!([]));
}

#[tokio::test]
async fn an_address_is_vouched_for_once() {
    let gatelet = deployment().await;
    gatelet.registered("nobody", None).await;
    gatelet.registered("ada", Some("ada@example.com")).await;
    gatelet.registered("eve", Some("Ada@Example.com")).await;
    let refused = gatelet.refusal("user verify-email nobody").await;
    assert!(refused.contains("has no address"), "{refused}");

    let shown = gatelet.json("user verify-email ada").await;
    assert_eq!((&shown["email"], &shown["email_verified"]), (&"ada@example.com".into(), &true.into()));
    assert_eq!(gatelet.json("user verify-email ada").await, shown, "again changes nothing");
    let refused = gatelet.refusal("user verify-email eve").await;
    assert!(refused.contains("somebody else has the address"), "{refused}");
}
