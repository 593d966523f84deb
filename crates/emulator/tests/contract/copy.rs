//! Copies of models between Speech resources.
use super::{harness::*, schema::assert_valid};
use serde_json::{Value, json};

fn arm_id(name: &str) -> String {
    format!("/subscriptions/0/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/{name}")
}

async fn authorization(target: &Service, source: &str) -> Value {
    let answer = target
        .post("/models:authorizecopy", &json!({ "sourceResourceId": arm_id(source) }))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_valid("ModelCopyAuthorization", target.version, &answer.body);
    answer.body
}

#[tokio::test]
async fn a_model_is_copied_with_the_authorization_of_the_target() {
    for version in VERSIONS {
        let source = Service::new(version);
        let target = source.of("north");
        let leave = authorization(&target, "west").await;
        let started = source.post(&format!("/models/{MODEL}:copy"), &leave).await;
        assert_eq!(started.status, 202, "{}", started.body);
        assert_valid("Operation", version, &started.body);
        assert_eq!(started.header("operation-location"), Some(started.text("/self")));
        assert!(started.header("retry-after").is_some());
        assert_eq!(
            (started.text("/status"), started.body.get("result")),
            ("NotStarted", None)
        );
        assert_eq!(
            source.delete(&format!("/models/{MODEL}")).await.codes().2,
            Some("InUseViolation")
        );
        source.advance("10s").await;
        let operation = started
            .header("operation-location")
            .unwrap()
            .replace(&started.id(), &started.id().to_uppercase());
        let done = source.follow(&operation).await;
        assert_valid("Operation", version, &done.body);
        assert_eq!(done.text("/status"), "Succeeded");
        let copied = target.follow(done.text("/result/link")).await;
        assert_valid("CustomModel", version, &copied.body);
        assert_eq!(
            (copied.text("/displayName"), copied.text("/status")),
            ("Claims 1", "Succeeded")
        );
        assert_eq!(copied.body.get("datasets"), None);
        let end = "/properties/deprecationDates/transcriptionDateTime";
        assert_eq!(
            copied.text(end),
            source.get(&format!("/models/{MODEL}")).await.text(end)
        );
        assert_eq!(copied.text("/createdDateTime"), "2026-02-02T08:00:10Z");
    }
}

#[tokio::test]
async fn a_setting_gives_copies_a_new_expiry_date() {
    let source = Service::new("2025-10-15");
    source.set(json!({ "copyExpiry": "New" })).await;
    let leave = authorization(&source.of("north"), "west").await;
    source.post(&format!("/models/{MODEL}:copy"), &leave).await;
    source.advance("10s").await;
    let copies = source.of("north").get("/models").await;
    assert_eq!(
        copies.text("/values/0/properties/deprecationDates/transcriptionDateTime"),
        "2028-04-15T00:00:00Z"
    );
}

#[tokio::test]
async fn copies_without_a_valid_authorization_are_refused() {
    let source = Service::new("2024-11-15");
    let target = source.of("north");
    let path = format!("/models/{MODEL}:copy");
    let foreign = target
        .post("/models:authorizecopy", &json!({ "sourceResourceId": "west" }))
        .await;
    assert_eq!(foreign.codes().2, Some("InvalidSourceAzureResourceId"));
    let other = authorization(&target, "free").await;
    assert_eq!(
        source.post(&path, &other).await.codes().2,
        Some("InvalidSourceAzureResourceId")
    );
    let leave = authorization(&target, "west").await;
    let mut forged = leave.clone();
    forged["id"] = json!("00000000-0000-4000-8000-000000000000");
    assert_eq!(
        source.post(&path, &forged).await.codes().2,
        Some("ModelCopyAuthorizationExpired")
    );
    let old_way = json!({ "targetSubscriptionKey": "key-1-north" });
    assert_eq!(source.post(&path, &old_way).await.codes().2, Some("InvalidPayload"));
    assert_eq!(
        source.post(&format!("/models/{TEXT_DATA}:copy"), &leave).await.status,
        404
    );
    source.advance("2h").await;
    assert_eq!(
        source.post(&path, &leave).await.codes().2,
        Some("ModelCopyAuthorizationExpired")
    );
}

#[tokio::test]
async fn the_older_copy_of_v3_2_answers_with_the_model() {
    let source = Service::new("v3.2");
    let body = json!({ "targetSubscriptionKey": "key-2-north" });
    let copied = source.post(&format!("/models/{MODEL}:copyto"), &body).await;
    assert_eq!(copied.status, 201, "{}", copied.body);
    assert_valid("CustomModel", "v3.2", &copied.body);
    source.advance("10s").await;
    assert_eq!(
        source.of("north").follow(copied.text("/self")).await.text("/status"),
        "Succeeded"
    );
    let newer = source
        .speaking("2025-10-15")
        .post(&format!("/models/{MODEL}:copyto"), &body)
        .await;
    assert_eq!(newer.status, 404);
}
