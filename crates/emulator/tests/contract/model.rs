//! Custom and base models.
use super::{harness::*, schema::assert_valid};
use serde_json::json;

#[tokio::test]
async fn a_model_is_trained_read_changed_and_deleted() {
    for version in VERSIONS {
        let service = Service::new(version);
        let body = json!({
            "displayName": "Claims 2026-02",
            "locale": "en-US",
            "baseModel": service.reference(&format!("/models/base/{BASE_NEW}")),
            "datasets": [service.reference(&format!("/datasets/{TEXT_DATA}"))],
            "properties": { "customModelWeightPercent": 40 },
            "customProperties": { "attempt": "1" },
        });
        let created = service.post("/models", &body).await;
        assert_eq!(created.status, 201, "{}", created.body);
        assert_valid("CustomModel", version, &created.body);
        assert_eq!(created.header("location"), Some(created.text("/self")));
        assert_eq!(
            created.text("/properties/deprecationDates/transcriptionDateTime"),
            "2028-04-15T00:00:00Z"
        );
        assert_eq!(created.body["datasets"], body["datasets"]);
        assert_eq!(created.body["baseModel"], body["baseModel"]);
        let path = format!("/models/{}", created.id());
        assert_eq!(
            service.delete(&path).await.codes(),
            (409, "Conflict", Some("DeleteNotAllowed"))
        );
        service.advance("10s").await;
        let trained = service.get(&path).await;
        assert_eq!(trained.text("/status"), "Succeeded");
        assert_valid("CustomModel", version, &trained.body);

        let changed = service.patch(&path, &json!({ "description": "newer" })).await;
        assert_eq!(changed.text("/description"), "newer");
        let files = service.get(&format!("{path}/files")).await;
        assert_valid("PaginatedFiles", version, &files.body);
        let file = service.follow(files.text("/values/0/self")).await;
        assert_eq!(file.body, files.body["values"][0]);
        assert_eq!(service.follow(file.text("/links/contentUrl")).await.status, 200);

        assert_eq!(service.delete(&path).await.status, 204);
        assert_eq!(
            service.delete(&path).await.status,
            204,
            "a missing model counts as deleted"
        );
        assert_eq!(service.get(&path).await.codes(), (404, "NotFound", None));
    }
}

#[tokio::test]
async fn a_training_takes_the_newest_trainable_base_model_when_it_names_none() {
    let service = Service::new("2025-10-15");
    let body = json!({ "displayName": "x", "locale": "en-US", "baseModel": null });
    let created = service.post("/models", &body).await;
    assert_eq!(
        id_of(created.text("/baseModel/self")),
        BASE_NEW,
        "not the newer one that cannot be deployed"
    );
    assert_eq!(created.body["properties"]["customModelWeightPercent"], json!(30));
    service.advance("150d").await;
    let later = service.post("/models", &body).await;
    assert_eq!(id_of(later.text("/baseModel/self")), BASE_FUTURE);
}

#[tokio::test]
async fn trainings_that_cannot_be_are_refused_with_the_services_codes() {
    let service = Service::new("2024-11-15");
    let base = |id: &str| service.reference(&format!("/models/base/{id}"));
    let data = |id: &str| json!([service.reference(&format!("/datasets/{id}"))]);
    let pending = json!({ "displayName": "d", "locale": "en-US", "kind": "Language" });
    let pending = service.post("/datasets", &pending).await.id();
    let cases = [
        (
            json!({ "baseModel": service.reference(&format!("/models/{MODEL}")) }),
            "InvalidBaseModel",
        ),
        (json!({ "baseModel": base(TEXT_DATA) }), "InvalidBaseModel"),
        (json!({ "baseModel": base(BASE_GERMAN) }), "ModelMismatch"),
        (json!({ "datasets": data(MODEL) }), "InvalidDataset"),
        (json!({ "datasets": data(TEST_DATA) }), "InvalidAdaptationMapping"),
        (json!({ "datasets": data(&pending) }), "InvalidPrerequisite"),
        (json!({ "locale": "xx-XX" }), "InvalidLocale"),
        (
            json!({ "properties": { "customModelWeightPercent": 101 } }),
            "InvalidPayload",
        ),
    ];
    for (part, code) in cases {
        let mut body = json!({ "displayName": "x", "locale": "en-US" });
        body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        assert_eq!(
            service.post("/models", &body).await.codes(),
            (400, "InvalidRequest", Some(code)),
            "{body}"
        );
    }
    service
        .control("PUT", "/clock", Some(&json!({ "now": "2026-04-15T00:00:00Z" })))
        .await;
    let body = json!({ "displayName": "x", "locale": "en-US", "baseModel": base(BASE_OLD) });
    let expired = service.post("/models", &body).await;
    assert_eq!(expired.codes(), (400, "InvalidRequest", Some("ModelDeprecated")));
    let message = "The specified model is deprecated and cannot be used for this operation.";
    assert_eq!(expired.text("/innerError/message"), message);
}

#[tokio::test]
async fn a_model_in_use_is_not_deleted() {
    for status in [409, 400] {
        let service = Service::new("2025-10-15");
        service.set(json!({ "inUseStatus": status })).await;
        let endpoint = service.deployed(&format!("/models/{MODEL}")).await;
        let refused = service.delete(&format!("/models/{MODEL}")).await;
        assert_eq!((refused.status, refused.codes().2), (status, Some("InUseViolation")));
        // While it still answers it is in use, although another one was asked for.
        let patch = json!({ "model": service.reference(&format!("/models/{OTHER_MODEL}")) });
        service.patch(&format!("/endpoints/{endpoint}"), &patch).await;
        assert_eq!(service.delete(&format!("/models/{MODEL}")).await.status, status);
        service.advance("10s").await;
        assert_eq!(service.delete(&format!("/models/{MODEL}")).await.status, 204);
    }
}

#[tokio::test]
async fn base_models_appear_when_the_clock_reaches_their_creation_and_stay_after_expiry() {
    for version in VERSIONS {
        let service = Service::new(version);
        let path = format!("/models/base/{BASE_FUTURE}");
        assert_eq!(service.get(&path).await.status, 404);
        let before = service.get("/models/base").await.body["values"]
            .as_array()
            .unwrap()
            .len();
        service
            .control("PUT", "/clock", Some(&json!({ "now": "2030-01-01T00:00:00Z" })))
            .await;
        let all = service.get("/models/base").await;
        assert_eq!(all.body["values"].as_array().unwrap().len(), before + 1);
        let base = service.get(&path).await;
        assert_valid("BaseModel", version, &base.body);
        assert_eq!(
            base.text("/properties/deprecationDates/adaptationDateTime"),
            "2027-07-15T00:00:00Z"
        );
        assert_eq!(
            base.text("/properties/deprecationDates/transcriptionDateTime"),
            "2028-07-15T00:00:00Z"
        );
        let patch = service.request("PATCH", &service.url(&path), Some(&json!({ "displayName": "x" })));
        assert_eq!(service.send(patch).await.status, 405);
    }
}

#[tokio::test]
async fn manifests_need_a_life_span_for_their_urls_in_newer_versions() {
    for version in VERSIONS {
        let service = Service::new(version);
        for model in [format!("/models/{MODEL}"), format!("/models/base/{BASE_NEW}")] {
            let bare = service.get(&format!("{model}/manifest")).await;
            if version == "v3.2" {
                assert_eq!(bare.status, 200);
            } else {
                assert_eq!(bare.codes().2, Some("InvalidSasValidityDuration"));
            }
            let given = service
                .get(&format!(
                    "{model}/manifest?sasLifetimeMinutes=60&sasValidityInSeconds=3600"
                ))
                .await;
            assert_valid("ModelManifest", version, &given.body);
            assert_eq!(given.text("/model/self"), service.url(&model));
            assert!(
                given
                    .text("/modelFiles/0/contentUrl")
                    .contains("se=2026-02-02T09%3A00%3A00Z")
            );
        }
    }
}

#[tokio::test]
async fn locales_are_those_with_a_base_model() {
    for version in VERSIONS {
        let service = Service::new(version);
        for list in ["/endpoints/locales", "/models/locales", "/evaluations/locales"] {
            assert_eq!(
                service.get(list).await.body,
                json!(["de-DE", "en-US"]),
                "{list} of {version}"
            );
        }
        let datasets = service.get("/datasets/locales").await;
        assert_valid("DatasetLocales", version, &datasets.body);
        assert_eq!(datasets.body["Acoustic"], json!(["de-DE", "en-US"]));
    }
}
