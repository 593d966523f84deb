//! Refusals: keys, versions, bodies, limits, envelopes.
use super::{
    harness::*,
    schema::{REFERENCE, assert_valid},
};
use axum::body::Body;
use serde_json::{Value, json};

#[tokio::test]
async fn a_wrong_or_missing_key_gets_the_gateways_envelope() {
    for version in VERSIONS {
        let service = Service::new(version);
        let expected = &REFERENCE["examples"]["error_401_gateway"]["value"];
        let mut request = service.request("GET", &service.url("/endpoints"), None);
        request
            .headers_mut()
            .insert("ocp-apim-subscription-key", "key-1-north".parse().unwrap());
        let wrong = service.send(request).await;
        assert_eq!((wrong.status, &wrong.body), (401, expected));
        let mut request = service.request("GET", &service.url("/endpoints"), None);
        request.headers_mut().remove("ocp-apim-subscription-key");
        assert_eq!(service.send(request).await.status, 401);
        let mut request = service.request("GET", &service.url("/endpoints"), None);
        request
            .headers_mut()
            .insert("ocp-apim-subscription-key", "key-2-west".parse().unwrap());
        assert_eq!(service.send(request).await.status, 200);
    }
}

#[tokio::test]
async fn missing_unknown_and_retired_versions_are_refused() {
    let service = Service::new("2025-10-15");
    let cases = [
        ("/endpoints", 400, Some("InvalidParameter")),
        ("/endpoints?api-version=", 400, Some("InvalidParameter")),
        ("/endpoints?api-version=2030-01-01", 400, Some("InvalidParameterValue")),
        (
            "/endpoints?api-version=2024-05-15-preview",
            400,
            Some("InvalidParameterValue"),
        ),
        ("/v3.1/endpoints", 404, None),
        ("/v3.0/endpoints", 404, None),
        ("/v4.0/endpoints", 404, None),
    ];
    for (path, status, inner) in cases {
        let url = format!("http://emulator.test/west/speechtotext{path}");
        let answer = service.send(service.request("GET", &url, None)).await;
        assert_eq!((answer.status, answer.codes().2), (status, inner), "{path}");
        assert_valid("Error", "2025-10-15", &answer.body);
        assert!(answer.text("/message").contains("version"), "{}", answer.body);
    }
}

#[tokio::test]
async fn paths_ids_methods_and_resources_that_are_none_are_refused() {
    let service = Service::new("2025-10-15");
    assert_eq!(service.get("/webhooks").await.codes(), (404, "NotFound", None));
    assert_eq!(service.get("/endpoints/not-a-uuid").await.status, 404);
    assert_eq!(
        service.post("/endpoints/locales", &json!({})).await.codes(),
        (405, "NotAllowed", None)
    );
    assert_eq!(
        service.of("nowhere").get("/endpoints").await.body["error"]["code"],
        json!("404")
    );
}

#[tokio::test]
async fn bodies_that_do_not_bind_are_refused_outside_the_enum() {
    for version in VERSIONS {
        let service = Service::new(version);
        let cases = [
            (json!({ "displayName": 7, "locale": "en-US" }), "$.displayName"),
            (
                json!({ "displayName": "x", "locale": "en-US", "customProperties": { "retryCount": 3 } }),
                "$.customProperties.retryCount",
            ),
            (
                json!({ "displayName": "x", "locale": "en-US", "model": {} }),
                "$.model.self",
            ),
            (
                json!({ "displayName": "x", "locale": "en-US", "model": "uri" }),
                "$.model",
            ),
            (json!([]), "$"),
        ];
        for (body, path) in cases {
            let answer = service.post("/endpoints", &body).await;
            assert_eq!(answer.codes(), (400, "InvalidPayload", None), "{body}");
            assert_eq!(
                answer.text("/message"),
                format!("{path}: The supplied value is invalid.")
            );
        }
    }
}

#[tokio::test]
async fn values_out_of_bounds_are_refused_with_an_inner_code() {
    let service = Service::new("2024-11-15");
    let with = |member: &str, value: Value| {
        let mut body = json!({ "displayName": "x", "locale": "en-US" });
        body[member] = value;
        body
    };
    let many: serde_json::Map<String, Value> = (0..11).map(|index| (format!("k{index}"), json!("v"))).collect();
    for body in [
        with("displayName", json!("")),
        with("displayName", Value::Null),
        with("customProperties", Value::Object(many)),
        with("customProperties", json!({ "k".repeat(65): "v" })),
        with("customProperties", json!({ "k": "v".repeat(257) })),
    ] {
        let answer = service.post("/endpoints", &body).await;
        assert_eq!(
            answer.codes(),
            (400, "InvalidRequest", Some("InvalidPayload")),
            "{body}"
        );
        assert_valid("Error", "2024-11-15", &answer.body);
    }
    let widest = json!({ "k".repeat(64): "v".repeat(256) });
    assert_eq!(
        service
            .post("/endpoints", &with("customProperties", widest))
            .await
            .status,
        201
    );
    let locale = service.post("/endpoints", &with("locale", json!("xx-XX"))).await;
    assert_eq!(locale.codes(), (400, "InvalidRequest", Some("InvalidLocale")));
}

#[tokio::test]
async fn media_types_and_broken_bodies_are_refused() {
    let service = Service::new("2025-10-15");
    let url = service.url("/endpoints");
    let body = json!({ "displayName": "x", "locale": "en-US" });
    let with_type = |media: &str, text: String| {
        let mut request = service.request("POST", &url, Some(&body));
        request.headers_mut().insert("content-type", media.parse().unwrap());
        *request.body_mut() = Body::from(text);
        request
    };
    let plain = service.send(with_type("text/plain", body.to_string())).await;
    assert_eq!((plain.status, &plain.body), (415, &Value::Null));
    let broken = service.send(with_type("application/json", "{".to_owned())).await;
    assert_eq!(broken.codes(), (400, "InvalidPayload", None));
    let empty = service.send(with_type("application/json", String::new())).await;
    assert_eq!(empty.codes(), (400, "InvalidRequest", Some("EmptyRequest")));
    let charset = service
        .send(with_type("application/json; charset=utf-8", body.to_string()))
        .await;
    assert_eq!(charset.status, 201);
    let mut patch = service.request("PATCH", charset.text("/self"), Some(&json!({ "displayName": "y" })));
    patch
        .headers_mut()
        .insert("content-type", "application/merge-patch+json".parse().unwrap());
    assert_eq!(service.send(patch).await.status, 200);
}

#[tokio::test]
async fn the_request_limit_answers_429_with_retry_after() {
    let service = Service::new("2025-10-15");
    service
        .set(json!({ "rateLimit": { "requests": 3, "perSeconds": 600 } }))
        .await;
    for _ in 0..3 {
        assert_eq!(service.get("/endpoints").await.status, 200);
    }
    let refused = service.get("/endpoints").await;
    assert_eq!(refused.codes(), (429, "TooManyRequests", None));
    assert_valid("Error", "2025-10-15", &refused.body);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=600).contains(&wait));
    service.advance("30d").await;
    assert_eq!(
        service.get("/endpoints").await.status,
        429,
        "the window is one of real time"
    );
    assert_eq!(
        service.of("north").get("/endpoints").await.status,
        200,
        "each resource has its own"
    );
}

#[tokio::test]
async fn the_form_of_errors_is_a_setting() {
    let service = Service::new("2025-10-15");
    let path = format!("/models/{TEXT_DATA}");
    service.set(json!({ "errorStyle": "Nulls" })).await;
    let nulls = service.get(&path).await;
    assert_eq!(nulls.body["innerError"], Value::Null);
    assert!(nulls.body.get("target").is_some());
    service.set(json!({ "errorStyle": "Gateway" })).await;
    assert_eq!(service.get(&path).await.body["error"]["code"], json!("404"));
}

#[tokio::test]
async fn the_health_of_the_service_can_be_read() {
    for version in VERSIONS {
        let health = Service::new(version).get("/healthstatus").await;
        assert_eq!((health.status, health.text("/status")), (200, "Healthy"));
    }
}
