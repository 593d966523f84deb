//! The control API: clock, state, resources, forced changes, refusals.
use super::harness::*;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn the_clock_is_read_set_and_followed() {
    let service = Service::new("2025-10-15");
    let clock = service.control("GET", "/clock", None).await;
    assert_eq!(
        clock.body,
        json!({ "now": "2026-02-02T08:00:00Z", "rate": 0.0, "version": 1 })
    );
    let follower = service.clone();
    let waiting = tokio::spawn(async move { follower.control("GET", "/clock?after=1&timeoutSeconds=20", None).await });
    tokio::task::yield_now().await;
    service.advance("90d").await;
    let seen = tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        seen.body,
        json!({ "now": "2026-05-03T08:00:00Z", "rate": 0.0, "version": 2 })
    );
    let quiet = service.control("GET", "/clock?after=2&timeoutSeconds=0", None).await;
    assert_eq!(quiet.body["version"], json!(2));
    let both = service
        .control("PUT", "/clock", Some(&json!({ "advance": "10s", "rate": 60.0 })))
        .await;
    assert_eq!((both.status, &both.body["rate"]), (200, &json!(60.0)));
}

#[tokio::test]
async fn bad_input_is_refused_with_a_reason() {
    let service = Service::new("2025-10-15");
    let endpoint = service.deployed(&format!("/models/{MODEL}")).await;
    let forced = format!("/resources/west/endpoints/{endpoint}");
    let cases = [
        ("PUT", "/clock", json!({})),
        (
            "PUT",
            "/clock",
            json!({ "now": "2027-01-01T00:00:00Z", "advance": "1d" }),
        ),
        ("PUT", "/clock", json!({ "now": "2020-01-01T00:00:00Z" })),
        ("PUT", "/clock", json!({ "now": "soon" })),
        ("PUT", "/clock", json!({ "advance": "ten days" })),
        ("PUT", "/clock", json!({ "rate": -1 })),
        ("PUT", "/clock", json!({ "advance": "1d", "speed": 2 })),
        ("PUT", "/clock", json!([])),
        ("GET", "/clock?after=x", Value::Null),
        ("POST", "/faults", json!({ "action": {} })),
        ("POST", "/faults", json!({ "action": { "explode": true } })),
        (
            "POST",
            "/faults",
            json!({ "action": { "status": 500 }, "route": { "verb": "GET" } }),
        ),
        ("GET", "/journal?limit=-1", Value::Null),
        ("GET", "/journal?from=1", Value::Null),
        (
            "PUT",
            "/state",
            json!({ "resources": { "x": { "key1": "k", "colour": "red" } } }),
        ),
        ("PUT", "/resources/west", json!({ "tier": "S1" })),
        ("PUT", "/resources/west", json!({ "timings": { "trainings": 1 } })),
        ("PUT", "/resources/control", json!({ "key1": "k" })),
        ("POST", "/resources/west/keys", json!({})),
        ("POST", "/resources/west/keys", json!({ "key3": "k" })),
        ("PUT", "/resources/west/scores", json!({ "models/x": {} })),
        ("PATCH", &forced, json!({ "status": "Expired" })),
        ("PATCH", &forced, json!({ "colour": "red" })),
        ("PATCH", &forced, json!({ "id": MODEL })),
        (
            "PATCH",
            "/resources/west/cats/30000000-0000-4000-8000-000000000001",
            json!({}),
        ),
        ("PATCH", "/resources/west/models/7", json!({})),
    ];
    for (method, path, body) in cases {
        let answer = service
            .control(method, path, Some(&body).filter(|body| !body.is_null()))
            .await;
        assert_eq!(answer.status, 400, "{method} {path} {body}: {}", answer.body);
        assert!(!answer.text("/error").is_empty());
    }
    for (method, path) in [
        ("DELETE", "/faults/99"),
        ("DELETE", "/resources/nowhere"),
        ("GET", "/weather"),
    ] {
        assert_eq!(service.control(method, path, None).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_dumped_state_can_be_loaded_into_another_emulator() {
    let service = Service::new("2025-10-15");
    let running = service.deployed(&format!("/models/{MODEL}")).await;
    let patch = json!({ "model": service.reference(&format!("/models/{OTHER_MODEL}")) });
    service.patch(&format!("/endpoints/{running}"), &patch).await;
    service
        .post("/models", &json!({ "displayName": "x", "locale": "en-US" }))
        .await;
    let dump = service.control("GET", "/state", None).await;
    let other = Service::new("2025-10-15");
    let loaded = other.control("PUT", "/state", Some(&dump.body)).await;
    assert_eq!(loaded.status, 204, "{}", loaded.body);
    assert_eq!(other.control("GET", "/state", None).await.body, dump.body);
    assert_eq!(other.answering(&running).await, (MODEL.to_owned(), false));
    other.advance("10s").await;
    assert_eq!(other.answering(&running).await, (OTHER_MODEL.to_owned(), false));
}

#[tokio::test]
async fn a_resource_is_added_with_what_it_holds_and_removed() {
    let service = Service::new("2025-10-15").of("south");
    let body = json!({
        "key1": "key-1-south", "tier": "F0", "timings": { "training": 1 },
        "baseModels": [{ "displayName": "b", "locale": "it-IT", "createdDateTime": "2025-11-20T00:00:00Z" }],
        "endpoints": [{ "displayName": "e", "locale": "it-IT", "model": format!("models/{MODEL}") }],
    });
    assert_eq!(
        service.control("PUT", "/resources/south", Some(&body)).await.status,
        201
    );
    assert_eq!(
        service.get("/endpoints").await.text("/values/0/createdDateTime"),
        "2026-02-02T08:00:00Z"
    );
    service.set(json!({ "timings": { "dataset": 3 } })).await;
    let kept = service.control("GET", "/resources/south", None).await;
    assert_eq!(
        (&kept.body["timings"]["training"], &kept.body["timings"]["dataset"]),
        (&json!(1.0), &json!(3.0))
    );
    assert_eq!(
        kept.body["endpoints"].as_array().unwrap().len(),
        1,
        "what is not named stays"
    );
    assert_eq!(service.control("DELETE", "/resources/south", None).await.status, 204);
    assert_eq!(service.get("/endpoints").await.status, 404);
}

#[tokio::test]
async fn an_old_key_is_refused_at_once() {
    let service = Service::new("2025-10-15");
    let rotated = service
        .control("POST", "/resources/west/keys", Some(&json!({ "key1": "fresh" })))
        .await;
    assert_eq!(rotated.status, 204);
    assert_eq!(service.get("/endpoints").await.status, 401);
    let mut request = service.request("GET", &service.url("/endpoints"), None);
    request
        .headers_mut()
        .insert("ocp-apim-subscription-key", "fresh".parse().unwrap());
    assert_eq!(service.send(request).await.status, 200);
}

#[tokio::test]
async fn entities_are_forced_into_states_and_removed_out_of_band() {
    let service = Service::new("2025-10-15");
    let id = service.deployed(&format!("/models/{MODEL}")).await;
    let forced = format!("/resources/west/endpoints/{id}");
    let drift = json!({ "displayName": "Drifted", "model": format!("models/{OTHER_MODEL}") });
    assert_eq!(service.control("PATCH", &forced, Some(&drift)).await.status, 200);
    let shown = service.get(&format!("/endpoints/{id}")).await;
    assert_eq!(
        (shown.text("/displayName"), id_of(shown.text("/model/self")).as_str()),
        ("Drifted", OTHER_MODEL)
    );
    assert_eq!(service.answering(&id).await, (OTHER_MODEL.to_owned(), false));
    let failure = json!({ "status": "Failed", "error": { "code": "c", "message": "m" } });
    service.control("PATCH", &forced, Some(&failure)).await;
    assert_eq!(service.get(&format!("/endpoints/{id}")).await.text("/status"), "Failed");
    let expiry = json!({ "transcriptionDateTime": "2026-02-02T00:00:00Z" });
    service
        .control("PATCH", &format!("/resources/west/models/{OTHER_MODEL}"), Some(&expiry))
        .await;
    assert!(service.answering(&id).await.1);
    let model = format!("/resources/west/models/{OTHER_MODEL}");
    assert_eq!(
        service.control("DELETE", &model, None).await.status,
        204,
        "although it is in use"
    );
    assert_eq!(service.get(&format!("/models/{OTHER_MODEL}")).await.status, 404);
}

#[tokio::test]
async fn the_journal_tells_each_request_but_never_a_key() {
    let service = Service::new("v3.2");
    service
        .post("/endpoints", &json!({ "displayName": "x", "locale": "en-US" }))
        .await;
    let mut request = service.request("GET", &service.url("/endpoints?top=1"), None);
    request
        .headers_mut()
        .insert("ocp-apim-subscription-key", "key-2-west".parse().unwrap());
    service.send(request).await;
    service.of("north").get("/models").await;
    let journal = service.control("GET", "/journal?resource=west", None).await;
    let entries = journal.body["entries"].as_array().unwrap();
    assert_eq!((entries.len(), &journal.body["last"]), (2, &json!(3)));
    assert_eq!(entries[0]["requestBody"]["displayName"], json!("x"));
    let told = |entry: &Value, names: &[&str]| names.iter().map(|name| entry[*name].clone()).collect::<Vec<_>>();
    let names = ["seq", "method", "path", "query", "operation", "status", "keyUsed"];
    let expected = json!([
        2,
        "GET",
        "/west/speechtotext/v3.2/endpoints",
        "top=1",
        "Endpoints_List",
        200,
        2
    ]);
    assert_eq!(json!(told(&entries[1], &names)), expected);
    let at = entries[1]["at"].as_str().unwrap();
    assert!(
        at.parse::<jiff::Timestamp>().is_ok() && at.len() == "2026-02-02T08:00:00.000000Z".len(),
        "{at}"
    );
    assert!(!journal.body.to_string().contains("key-2-west"));
    let rest = service.control("GET", "/journal?after=1&limit=1", None).await;
    assert_eq!(rest.body["entries"][0]["seq"], json!(2));
    assert_eq!(service.control("DELETE", "/journal", None).await.status, 204);
    assert_eq!(
        service.control("GET", "/journal", None).await.body,
        json!({ "entries": [], "last": 3 })
    );
}
