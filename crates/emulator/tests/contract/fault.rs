//! Faults, in-process; the cut of a real connection is tried in `process.rs`.
use super::harness::*;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_status_is_answered_so_often_and_nothing_is_done() {
    let service = Service::new("2025-10-15");
    let action = json!({ "status": 503, "retryAfter": 7, "headers": { "x-test": "1" }, "body": { "code": "Busy" } });
    service
        .fault(json!({ "route": { "method": "POST", "path": "/endpoints" }, "action": action, "times": 1 }))
        .await;
    let body = json!({ "displayName": "x", "locale": "en-US" });
    let refused = service.post("/endpoints", &body).await;
    assert_eq!(
        (refused.status, refused.header("retry-after"), refused.header("x-test")),
        (503, Some("7"), Some("1"))
    );
    assert_eq!(refused.body, json!({ "code": "Busy" }));
    assert_eq!(service.get("/endpoints").await.body["values"], json!([]));
    assert_eq!(service.post("/endpoints", &body).await.status, 201);
}

#[tokio::test]
async fn a_lost_response_leaves_its_effect() {
    let service = Service::new("2025-10-15");
    service
        .fault(json!({ "route": { "path": "Endpoints_Create" }, "action": { "loseResponse": true }, "times": 1 }))
        .await;
    let body = json!({ "displayName": "x", "locale": "en-US" });
    let request = service.request("POST", &service.url("/endpoints"), Some(&body));
    service.try_send(request).await.unwrap_err();
    assert_eq!(
        service.get("/endpoints").await.body["values"].as_array().unwrap().len(),
        1
    );
    let journal = service.control("GET", "/journal", None).await;
    assert_eq!(journal.body["entries"][0]["fault"]["action"], json!("loseResponse"));
    assert_eq!(journal.body["entries"][0]["status"], json!(201));
}

#[tokio::test]
async fn a_late_commit_takes_effect_after_the_connection_was_cut() {
    let service = Service::new("2025-10-15");
    service
        .fault(json!({ "route": { "method": "POST" }, "action": { "commitLate": { "delayMs": 100 } }, "times": 1 }))
        .await;
    let body = json!({ "displayName": "x", "locale": "en-US" });
    let request = service.request("POST", &service.url("/endpoints"), Some(&body));
    service.try_send(request).await.unwrap_err();
    assert_eq!(service.get("/endpoints").await.body["values"], json!([]));
    let deadline = Instant::now() + Duration::from_secs(10);
    while service.get("/endpoints").await.body["values"] == json!([]) {
        assert!(Instant::now() < deadline, "the effect never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn lists_lag_behind_while_a_get_shows_the_entity() {
    let service = Service::new("2025-10-15");
    let fault = service
        .fault(json!({ "route": { "path": "Endpoints_List" }, "action": { "listLag": { "seconds": 30 } } }))
        .await;
    let created = service
        .post("/endpoints", &json!({ "displayName": "x", "locale": "en-US" }))
        .await;
    assert_eq!(service.follow(created.text("/self")).await.status, 200);
    assert_eq!(service.get("/endpoints").await.body["values"], json!([]));
    assert_eq!(service.get("/models").await.body["values"].as_array().unwrap().len(), 3);
    service.advance("30s").await;
    assert_eq!(
        service.get("/endpoints").await.body["values"].as_array().unwrap().len(),
        1
    );
    assert_eq!(
        service
            .control("DELETE", &format!("/faults/{fault}"), None)
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn bodies_can_be_slow_cut_long_or_broken() {
    let service = Service::new("2025-10-15");
    let whole = service
        .try_send(service.request("GET", &service.url("/models"), None))
        .await
        .unwrap();
    let with = async |action: serde_json::Value| {
        service.fault(json!({ "action": action, "times": 1 })).await;
        service
            .try_send(service.request("GET", &service.url("/models"), None))
            .await
    };
    with(json!({ "cutBody": { "afterBytes": 20 } })).await.unwrap_err();
    let long = with(json!({ "oversizedBody": { "bytes": 2_000_000 } })).await.unwrap();
    assert!(long.len() > 2_000_000);
    assert!(serde_json::from_slice::<serde_json::Value>(&long).is_ok());
    let broken = with(json!({ "wrongJson": true })).await.unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&broken).is_err());
    let before = Instant::now();
    let slow = with(json!({ "slowBody": { "bytesPerSecond": whole.len() * 5 } }))
        .await
        .unwrap();
    assert_eq!(slow, whole);
    assert!(before.elapsed() >= Duration::from_millis(150), "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_delay_comes_before_the_effect_and_after_the_arrival() {
    let service = Service::new("2025-10-15");
    service.fault(json!({ "action": { "delayMs": 120 }, "times": 1 })).await;
    let before = Instant::now();
    assert_eq!(service.get("/models").await.status, 200);
    assert!(before.elapsed() >= Duration::from_millis(120));
    let journal = service.control("GET", "/journal", None).await;
    assert!(journal.body["entries"][0]["durationMicros"].as_u64().unwrap() >= 120_000);
}

#[tokio::test]
async fn planned_failures_strike_the_next_entities_of_a_kind() {
    for (kind, path, body) in [
        ("model", "/models", json!({ "displayName": "x", "locale": "en-US" })),
        (
            "dataset",
            "/datasets",
            json!({ "displayName": "x", "locale": "en-US", "kind": "Language", "contentUrl": "https://a.example/b" }),
        ),
    ] {
        let service = Service::new("2025-10-15");
        let plan = json!({ "kind": kind, "code": "DataImportFailed", "message": "no", "count": 1 });
        service
            .fault(json!({ "route": { "resource": "west" }, "action": { "failNext": plan } }))
            .await;
        let first = service.post(path, &body).await;
        let second = service.post(path, &body).await;
        service.advance("10s").await;
        let failed = service.follow(first.text("/self")).await;
        assert_eq!(
            (failed.text("/status"), failed.text("/properties/error/code")),
            ("Failed", "DataImportFailed")
        );
        assert_eq!(service.follow(second.text("/self")).await.text("/status"), "Succeeded");
    }
}

#[tokio::test]
async fn a_resource_can_be_slow_as_a_whole() {
    let service = Service::new("2025-10-15");
    service.set(json!({ "latencyMs": 60 })).await;
    let before = Instant::now();
    assert_eq!(service.get("/models").await.status, 200);
    assert!(before.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_fault_strikes_the_content_of_a_file_as_well() {
    let service = Service::new("2025-10-15");
    let created = service
        .post("/models", &json!({ "displayName": "x", "locale": "en-US" }))
        .await;
    service.advance("10s").await;
    let files = service.get(&format!("/models/{}/files", created.id())).await;
    let content = files.text("/values/0/links/contentUrl");
    service
        .fault(json!({ "route": { "path": "Storage" }, "action": { "status": 503 }, "times": 1 }))
        .await;
    assert_eq!(service.follow(content).await.status, 503);
    assert_eq!(service.follow(content).await.status, 200);
}
