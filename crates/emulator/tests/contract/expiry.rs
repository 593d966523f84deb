//! What expires: models at endpoints, and endpoints of the free tier.
use super::harness::*;
use serde_json::json;

#[tokio::test]
async fn an_expired_model_is_silently_replaced_by_the_newest_base_model() {
    for version in VERSIONS {
        let service = Service::new(version);
        let id = service.deployed(&format!("/models/{MODEL}")).await;
        service
            .control("PUT", "/clock", Some(&json!({ "now": "2027-10-14T23:59:59Z" })))
            .await;
        assert_eq!(service.answering(&id).await, (MODEL.to_owned(), false));
        service.advance("1s").await;
        assert_eq!(service.answering(&id).await, (BASE_FUTURE.to_owned(), true));
        let endpoint = service.get(&format!("/endpoints/{id}")).await;
        assert_eq!(
            (endpoint.text("/status"), id_of(endpoint.text("/model/self")).as_str()),
            ("Succeeded", MODEL)
        );
        assert_eq!(
            service.get(&format!("/models/{MODEL}")).await.text("/status"),
            "Succeeded"
        );
        let listed = service.get("/models?filter=displayName%20eq%20'Claims%201'").await;
        assert_eq!(
            listed.body["values"].as_array().unwrap().len(),
            1,
            "expired models stay in lists"
        );
    }
}

#[tokio::test]
async fn unknown_and_undeployed_endpoints_are_answered_by_a_base_model() {
    let service = Service::new("2025-10-15");
    assert_eq!(service.answering("no-such-endpoint").await, (BASE_NEW.to_owned(), true));
    let body =
        json!({ "displayName": "x", "locale": "en-US", "model": service.reference(&format!("/models/{MODEL}")) });
    let created = service.post("/endpoints", &body).await;
    assert_eq!(service.answering(&created.id()).await, (BASE_NEW.to_owned(), true));
}

#[tokio::test]
async fn recognition_without_an_endpoint_takes_the_language_and_needs_a_key() {
    let service = Service::new("v3.2");
    let url = "http://emulator.test/west/speech/recognition/conversation/cognitiveservices/v1?language=de-DE";
    let answer = service.send(service.request("POST", url, None)).await;
    assert_eq!(id_of(answer.header("x-emulator-answered-by").unwrap()), BASE_GERMAN);
    assert_eq!(answer.header("x-emulator-fallback"), Some("false"));
    let mut keyless = service.request("POST", url, None);
    keyless.headers_mut().remove("ocp-apim-subscription-key");
    assert_eq!(service.send(keyless).await.status, 401);
}

#[tokio::test]
async fn endpoints_of_the_free_tier_vanish_after_seven_days() {
    let service = Service::new("2025-10-15").of("free");
    let id = service.deployed(&format!("/models/base/{BASE_NEW}")).await;
    service.advance("6d").await;
    assert_eq!(service.get(&format!("/endpoints/{id}")).await.status, 200);
    service.advance("1d").await;
    assert_eq!(service.get(&format!("/endpoints/{id}")).await.status, 404);
    assert!(service.answering(&id).await.1);
    let standard = service.of("west");
    let id = standard.deployed(&format!("/models/base/{BASE_NEW}")).await;
    standard.advance("8d").await;
    assert_eq!(standard.get(&format!("/endpoints/{id}")).await.status, 200);
}
