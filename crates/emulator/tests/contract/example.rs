//! The reference's example requests, sent as they are, against a resource that holds what they refer to.
use super::{
    harness::*,
    schema::{REFERENCE, assert_valid},
};
use serde_json::{Value, json};

fn example(name: &str) -> Value {
    REFERENCE["examples"][name]["value"].clone()
}

fn id(name: &str) -> String {
    id_of(example(name)["self"].as_str().unwrap())
}

/// A resource with the entities of the examples, at the time of the examples.
async fn service(version: &'static str) -> Service {
    let service = Service::new(version).of("northeurope");
    let base = example("base_model_get");
    let dataset = example("dataset_get");
    let created = example("model_create_response");
    let old_model = id_of(example("endpoint_create_request")["model"]["self"].as_str().unwrap());
    let member = |entity: &Value, name: &str| entity[name].clone();
    let resource = json!({
        "key1": "key-1-northeurope",
        "region": "northeurope",
        "armId": "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-src/providers/Microsoft.CognitiveServices/accounts/speech-src",
        "baseModels": [{ "id": id("base_model_get"), "displayName": base["displayName"], "locale": "en-US",
            "description": base["description"], "createdDateTime": base["createdDateTime"],
            "lastActionDateTime": base["lastActionDateTime"], "chargeForAdaptation": true,
            "features": { "supportsTranscriptionsOnSpeechContainers": true } }],
        "datasets": [{ "id": id("dataset_get"), "displayName": dataset["displayName"], "locale": "en-US",
            "kind": "Language", "contentUrl": dataset["contentUrl"], "createdDateTime": dataset["createdDateTime"],
            "lastActionDateTime": dataset["lastActionDateTime"], "acceptedLineCount": 8400 }],
        "models": [
            { "id": old_model, "displayName": "Claims 2025", "locale": "en-US", "createdDateTime": "2025-10-10T00:00:00Z" },
            { "id": id("model_create_response"), "displayName": member(&created, "displayName"), "locale": "en-US",
              "baseModel": id("base_model_get"), "datasets": [id("dataset_get")], "customModelWeightPercent": 40,
              "createdDateTime": created["createdDateTime"], "lastActionDateTime": example("model_get")["lastActionDateTime"],
              "features": { "supportedOutputFormats": ["Lexical", "Display"] } },
        ],
    });
    let put = service.control("PUT", "/resources/northeurope", Some(&resource)).await;
    assert_eq!(put.status, 201, "{}", put.body);
    let clock = json!({ "now": "2026-02-03T08:15:00Z" });
    service.control("PUT", "/clock", Some(&clock)).await;
    service
}

/// The text with the host names of the examples in place of the emulator's.
fn as_in_examples(body: &Value) -> Value {
    let text = body.to_string();
    let text = text.replace(
        "http://emulator.test/northeurope/",
        "https://northeurope.api.cognitive.microsoft.com/",
    );
    let text = text.replace(
        "ws://emulator.test/northeurope/",
        "wss://northeurope.stt.speech.microsoft.com/",
    );
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn the_endpoint_examples_come_out_member_by_member() {
    let service = service("2024-11-15").await;
    let created = service.post("/endpoints", &example("endpoint_create_request")).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let mut expected: Value = example("endpoint_create_response");
    let given = id("endpoint_create_response");
    expected = serde_json::from_str(&expected.to_string().replace(&given, &created.id())).unwrap();
    assert_eq!(as_in_examples(&created.body), expected);
    service.advance("10s").await;
    let path = format!("/endpoints/{}", created.id());
    let updated = service.patch(&path, &example("endpoint_update_request")).await;
    assert_eq!(updated.status, 200, "{}", updated.body);
    let mut expected = example("endpoint_update_response");
    expected = serde_json::from_str(&expected.to_string().replace(&given, &created.id())).unwrap();
    expected["lastActionDateTime"] = json!("2026-02-03T08:15:10Z");
    assert_eq!(as_in_examples(&updated.body), expected);
}

#[tokio::test]
async fn base_model_and_trained_model_come_out_member_by_member() {
    let service = service("2024-11-15").await;
    let base = service.get(&format!("/models/base/{}", id("base_model_get"))).await;
    assert_eq!(as_in_examples(&base.body), example("base_model_get"));
    let model = service.get(&format!("/models/{}", id("model_get"))).await;
    assert_eq!(as_in_examples(&model.body), example("model_get"));
    let dataset = service.get(&format!("/datasets/{}", id("dataset_get"))).await;
    let mut expected = example("dataset_get");
    expected["properties"]["acceptedLineCount"] = json!(8400);
    assert_eq!(as_in_examples(&dataset.body), expected);
}

#[tokio::test]
async fn the_requests_of_the_examples_are_accepted_in_every_version() {
    for version in VERSIONS {
        let service = service(version).await;
        let model = service.post("/models", &example("model_create_request")).await;
        assert_eq!(model.status, 201, "{}", model.body);
        assert_valid("CustomModel", version, &model.body);
        let endpoint = service.post("/endpoints", &example("endpoint_create_request")).await;
        assert_eq!(endpoint.status, 201, "{}", endpoint.body);
        assert_valid("Endpoint", version, &endpoint.body);
        let leave = service
            .of("north")
            .post("/models:authorizecopy", &example("copy_authorize_request"))
            .await;
        assert_valid("ModelCopyAuthorization", version, &leave.body);
        let copy = service
            .post(&format!("/models/{}:copy", id("model_get")), &leave.body)
            .await;
        assert_eq!(copy.status, 202, "{}", copy.body);
        assert_valid("Operation", version, &copy.body);
    }
}

#[tokio::test]
async fn the_v3_2_example_shows_the_same_members_as_the_emulator() {
    let service = service("v3.2").await;
    let mut request = example("endpoint_create_request");
    request["properties"] = json!({ "loggingEnabled": true, "timeToLive": "P14D" });
    let project = service
        .post("/projects", &json!({ "displayName": "p", "locale": "en-US" }))
        .await;
    request["project"] = json!({ "self": project.text("/self") });
    let created = service.post("/endpoints", &request).await;
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected = example("v32_endpoint");
    for part in ["/links", "/properties"] {
        assert_eq!(
            names(created.body.pointer(part).unwrap()),
            names(expected.pointer(part).unwrap())
        );
    }
}
