//! Two connections to one Speech resource find each other and say so, and to nobody who must not know.
use crate::{harness::condition, seed, stack::shared};
use serde_json::{Value, json};

fn says(connection: &Value, words: &str) -> bool {
    let found = condition(connection, "SharedResource");
    found["status"] == "True" && found["message"].as_str().is_some_and(|message| message.contains(words))
}

#[test]
fn connections_to_one_resource_share_its_budget_and_say_so() {
    shared("shared-resource", async |case, _| {
        case.connect("5s").await;
        // By the other key of the resource: only what both lists show tells.
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "second-key"},
            "stringData": {"key": seed::key("shared-resource", 2)},
        });
        case.apply(secret).await;
        let second = json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechConnection", "metadata": {"name": "second"},
            "spec": {
                "endpoint": case.url(), "pollInterval": "5s", "auth": {"keySecretRef": {"name": "second-key"}},
                "requestBudget": {"requests": 20, "per": "10s"},
            },
        });
        case.apply(second).await;
        for (name, other) in [("speech", "by second:"), ("second", "by speech:")] {
            case.until("SpeechConnection", name, "tells of the other", |found| {
                says(found, other)
            })
            .await;
        }
        // Another namespace is not named.
        let elsewhere = case.in_namespace("shared-elsewhere");
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shared-elsewhere"}});
        case.apply(namespace).await;
        elsewhere.secret(&seed::key("shared-resource", 1)).await;
        let spec = json!({"endpoint": case.url(), "pollInterval": "5s"});
        elsewhere.connection(spec).await;
        let words = "a connection of another namespace";
        case.until("SpeechConnection", "speech", "tells of one elsewhere", |found| {
            says(found, words)
        })
        .await;
        let foreign = elsewhere
            .until("SpeechConnection", "speech", "tells of others", |found| {
                says(found, words)
            })
            .await;
        let told = condition(&foreign, "SharedResource")["message"].to_string();
        assert!(!told.contains(&case.name), "no foreign namespace is named: {told}");
        // Alone again, nothing is said.
        elsewhere.delete("SpeechConnection", "speech").await;
        case.delete("SpeechConnection", "second").await;
        case.until("SpeechConnection", "speech", "is alone", |found| {
            condition(found, "SharedResource").is_null()
        })
        .await;
    });
}

#[test]
fn a_version_that_retires_is_told() {
    shared("retired-version", async |case, _| {
        case.secret(&seed::key("retired-version", 1)).await;
        case.connection(json!({"apiVersion": "v3.2", "pollInterval": "5s"}))
            .await;
        let told = case.ready("SpeechConnection", "speech").await;
        let message = condition(&told, "RetiringVersion")["message"].to_string();
        assert!(
            message.contains("31 March 2026") && message.contains("2025-10-15"),
            "{message}"
        );
        case.event("speech", "VersionRetires").await;
        case.connection(json!({"apiVersion": "2025-10-15", "pollInterval": "5s"}))
            .await;
        case.until("SpeechConnection", "speech", "is of a version that stays", |found| {
            condition(found, "RetiringVersion").is_null()
        })
        .await;
    });
}
