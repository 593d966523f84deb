//! Endpoints: create, read, change, delete, and what is refused.
use super::{harness::*, schema::assert_valid};
use serde_json::json;

fn create_body(service: &Service, model: &str) -> serde_json::Value {
    json!({
        "displayName": "Claims hotline",
        "description": "Production",
        "locale": "en-US",
        "model": service.reference(model),
        "customProperties": { "team": "claims" },
    })
}

#[tokio::test]
async fn an_endpoint_is_created_deployed_read_changed_and_deleted() {
    for version in VERSIONS {
        let service = Service::new(version);
        let created = service
            .post("/endpoints", &create_body(&service, &format!("/models/{MODEL}")))
            .await;
        assert_eq!(created.status, 201, "{}", created.body);
        assert_valid("Endpoint", version, &created.body);
        assert_eq!(created.header("location"), Some(created.text("/self")));
        assert_eq!(created.text("/status"), "NotStarted");
        assert!(created.header("apim-request-id").is_some());
        let path = format!("/endpoints/{}", created.id());
        assert_eq!(created.text("/self"), service.url(&path));

        service.advance("5s").await;
        let running = service.get(&path).await;
        assert_eq!(running.text("/status"), "Running");
        assert_eq!(running.text("/lastActionDateTime"), "2026-02-02T08:00:01Z");
        assert!(running.header("retry-after").is_some());

        service.advance("5s").await;
        let ready = service.get(&path).await;
        assert_valid("Endpoint", version, &ready.body);
        assert_eq!(ready.text("/status"), "Succeeded");
        assert_eq!(ready.text("/lastActionDateTime"), "2026-02-02T08:00:10Z");
        assert_eq!(ready.header("retry-after"), None);
        assert_eq!(ready.body["customProperties"], json!({ "team": "claims" }));

        let patch =
            json!({ "displayName": "New", "description": null, "customProperties": { "team": null, "a": "b" } });
        let changed = service.patch(&path, &patch).await;
        assert_valid("Endpoint", version, &changed.body);
        assert_eq!(changed.text("/displayName"), "New");
        assert_eq!(changed.body.get("description"), None);
        assert_eq!(changed.body["customProperties"], json!({ "a": "b" }));

        let listed = service.get("/endpoints").await;
        if version != "v3.2" {
            assert_valid("PaginatedEndpoints", version, &listed.body);
        }
        assert_eq!(listed.body["values"][0], service.get(&path).await.body);

        assert_eq!(service.delete(&path).await.status, 204);
        assert_eq!(service.get(&path).await.codes(), (404, "NotFound", None));
        assert_eq!(service.delete(&path).await.codes(), (404, "NotFound", None));
    }
}

#[tokio::test]
async fn links_are_those_of_the_version() {
    let service = Service::new("v3.2");
    let id = service.deployed(&format!("/models/{MODEL}")).await;
    let old = service.get(&format!("/endpoints/{id}")).await;
    assert_eq!(
        old.text("/links/logs"),
        service.url(&format!("/endpoints/{id}/files/logs"))
    );
    assert!(
        old.text("/links/webSocketInteractive")
            .starts_with("ws://emulator.test/west/speech/recognition/interactive/")
    );
    let new = service.speaking("2025-10-15").get(&format!("/endpoints/{id}")).await;
    let expected = json!({ "webSocket": format!("ws://emulator.test/west/stt/speech/universal/v2?cid={id}") });
    assert_eq!(new.body["links"], expected);
}

#[tokio::test]
async fn an_endpoint_without_a_model_takes_the_newest_deployable_base_model() {
    let service = Service::new("2025-10-15");
    let created = service
        .post("/endpoints", &json!({ "displayName": "x", "locale": "en-us" }))
        .await;
    assert_eq!(
        created.text("/model/self"),
        service.url(&format!("/models/base/{BASE_NEW}"))
    );
    assert_eq!(created.text("/locale"), "en-US");
}

#[tokio::test]
async fn the_old_model_answers_until_another_one_is_deployed() {
    for version in VERSIONS {
        let service = Service::new(version);
        let id = service.deployed(&format!("/models/{MODEL}")).await;
        let path = format!("/endpoints/{id}");
        let wanted = service.reference(&format!("/models/{OTHER_MODEL}"));
        let patched = service.patch(&path, &json!({ "model": wanted })).await;
        assert_eq!((patched.status, patched.text("/status")), (200, "Succeeded"));
        assert_eq!(patched.body["model"], wanted);
        assert_eq!(service.answering(&id).await, (MODEL.to_owned(), false));
        service.advance("10s").await;
        assert_eq!(service.answering(&id).await, (OTHER_MODEL.to_owned(), false));
        let ready = service.get(&path).await;
        assert_eq!(ready.text("/lastActionDateTime"), "2026-02-02T08:00:20Z");
    }
}

#[tokio::test]
async fn a_setting_shows_the_old_model_or_the_status_running_meanwhile() {
    let service = Service::new("2025-10-15");
    let id = service.deployed(&format!("/models/{MODEL}")).await;
    let path = format!("/endpoints/{id}");
    service
        .set(json!({ "showOldModelUntilRedeployed": true, "updateStatus": "Running" }))
        .await;
    let patch = json!({ "model": service.reference(&format!("/models/{OTHER_MODEL}")), "displayName": "New" });
    let shown = service.patch(&path, &patch).await;
    assert_eq!(id_of(shown.text("/model/self")), MODEL);
    assert_eq!(
        (shown.text("/status"), shown.text("/displayName")),
        ("Succeeded", "New")
    );
    service.set(json!({ "showOldModelUntilRedeployed": false })).await;
    let shown = service.get(&path).await;
    assert_eq!(
        (id_of(shown.text("/model/self")).as_str(), shown.text("/status")),
        (OTHER_MODEL, "Running")
    );
    assert!(shown.header("retry-after").is_some());
    let filtered = service.get("/endpoints?filter=status%20eq%20'Running'").await;
    assert_eq!(filtered.body["values"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_of_model_during_a_deployment_is_refused_unless_set_otherwise() {
    let service = Service::new("2025-10-15");
    let id = service.deployed(&format!("/models/{MODEL}")).await;
    let path = format!("/endpoints/{id}");
    service
        .patch(
            &path,
            &json!({ "model": service.reference(&format!("/models/{OTHER_MODEL}")) }),
        )
        .await;
    let back = json!({ "model": service.reference(&format!("/models/{MODEL}")) });
    assert_eq!(
        service.patch(&path, &back).await.codes(),
        (409, "Conflict", Some("EndpointNotUpdatable"))
    );
    assert_eq!(
        service
            .patch(&path, &json!({ "description": "still allowed" }))
            .await
            .status,
        200
    );
    service.set(json!({ "acceptUpdateDuringDeployment": true })).await;
    assert_eq!(service.patch(&path, &back).await.status, 200);
}

#[tokio::test]
async fn a_failed_redeployment_leaves_the_old_model_answering() {
    let service = Service::new("2025-10-15");
    let id = service.deployed(&format!("/models/{MODEL}")).await;
    let path = format!("/endpoints/{id}");
    let error = json!({ "code": "DeployingFailedModel", "message": "The model could not be deployed." });
    service
        .fault(json!({ "action": { "failNext": { "kind": "endpoint", "code": error["code"], "message": error["message"] } } }))
        .await;
    let patch = json!({ "model": service.reference(&format!("/models/{OTHER_MODEL}")) });
    service.patch(&path, &patch).await;
    service.advance("10s").await;
    let failed = service.get(&path).await;
    assert_valid("Endpoint", "2025-10-15", &failed.body);
    assert_eq!(
        (failed.text("/status"), &failed.body["properties"]["error"]),
        ("Failed", &error)
    );
    assert_eq!(service.answering(&id).await, (MODEL.to_owned(), false));
    service.patch(&path, &patch).await;
    service.advance("10s").await;
    let again = service.get(&path).await;
    assert_eq!(
        (again.text("/status"), again.body["properties"].get("error")),
        ("Succeeded", None)
    );
}

#[tokio::test]
async fn models_that_cannot_be_deployed_are_refused_with_the_services_codes() {
    for version in VERSIONS {
        let service = Service::new(version);
        let trained = json!({ "displayName": "New", "locale": "en-US" });
        let running = service.post("/models", &trained).await.id();
        let cases = [
            (format!("/models/base/{BASE_GERMAN}"), "ModelMismatch"),
            (format!("/models/base/{BASE_WHISPER}"), "ModelNotDeployable"),
            (format!("/models/{FAILED_MODEL}"), "DeployingFailedModel"),
            (format!("/models/{running}"), "ModelDeploymentNotCompleteState"),
            (format!("/models/{TEXT_DATA}"), "InvalidModel"),
            (format!("/models/base/{MODEL}"), "InvalidModel"),
            (format!("/models/base/{BASE_FUTURE}"), "InvalidModel"),
            (format!("/datasets/{TEXT_DATA}"), "InvalidModelUri"),
        ];
        for (model, code) in cases {
            let answer = service.post("/endpoints", &create_body(&service, &model)).await;
            assert_eq!(
                answer.codes(),
                (400, "InvalidRequest", Some(code)),
                "{model} in {version}"
            );
            assert_valid("Error", version, &answer.body);
        }
        let elsewhere = create_body(&service.of("north"), &format!("/models/base/{BASE_NEW}"));
        assert_eq!(
            service.post("/endpoints", &elsewhere).await.codes().2,
            Some("InvalidModelUri")
        );
        service
            .control("PUT", "/clock", Some(&json!({ "now": "2027-10-15T00:00:00Z" })))
            .await;
        let expired = service
            .post("/endpoints", &create_body(&service, &format!("/models/{MODEL}")))
            .await;
        assert_eq!(expired.codes(), (400, "InvalidRequest", Some("ModelDeprecated")));
    }
}

#[tokio::test]
async fn logging_needs_own_storage_since_2024_11_15() {
    for (version, byos, status) in [
        ("v3.2", false, 201),
        ("2024-11-15", false, 400),
        ("2025-10-15", true, 201),
    ] {
        let service = Service::new(version);
        service.set(json!({ "byos": byos })).await;
        let mut body = create_body(&service, &format!("/models/{MODEL}"));
        body["properties"] = json!({ "loggingEnabled": true });
        let answer = service.post("/endpoints", &body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 400 {
            assert_eq!(answer.codes().2, Some("EndpointLoggingNotSupported"));
            continue;
        }
        let path = format!("/endpoints/{}", answer.id());
        let off = service
            .patch(&path, &json!({ "properties": { "contentLoggingEnabled": false } }))
            .await;
        assert_eq!(off.body["properties"]["loggingEnabled"], json!(false));
    }
}

#[tokio::test]
async fn the_quota_of_the_tier_holds() {
    let service = Service::new("2025-10-15");
    let body = create_body(&service, &format!("/models/base/{BASE_NEW}"));
    for _ in 0..50 {
        assert_eq!(service.post("/endpoints", &body).await.status, 201);
    }
    assert_eq!(
        service.post("/endpoints", &body).await.codes(),
        (400, "InvalidRequest", Some("QuotaViolation"))
    );
    let free = service.of("free");
    let body = create_body(&free, &format!("/models/base/{BASE_NEW}"));
    assert_eq!(free.post("/endpoints", &body).await.status, 201);
    assert_eq!(free.post("/endpoints", &body).await.codes().2, Some("QuotaViolation"));
}

#[tokio::test]
async fn v3_2_has_a_life_span_that_newer_versions_do_not_show() {
    let service = Service::new("v3.2");
    let mut body = create_body(&service, &format!("/models/{MODEL}"));
    body["properties"] = json!({ "timeToLive": "P14D", "email": "team@example.com" });
    let created = service.post("/endpoints", &body).await;
    assert_valid("Endpoint", "v3.2", &created.body);
    assert_eq!(created.text("/properties/timeToLive"), "P14D");
    let path = format!("/endpoints/{}", created.id());
    assert_valid(
        "Endpoint",
        "2024-11-15",
        &service.speaking("2024-11-15").get(&path).await.body,
    );
    service.advance("13d").await;
    assert_eq!(service.get(&path).await.status, 200);
    service.advance("1d").await;
    assert_eq!(service.get(&path).await.status, 404);
    body["properties"] = json!({ "timeToLive": "P40D" });
    assert_eq!(
        service.post("/endpoints", &body).await.codes().2,
        Some("InvalidTimeToLive")
    );
}

#[tokio::test]
async fn logs_of_recognitions_can_be_listed_read_and_deleted_in_v3_2() {
    let service = Service::new("v3.2");
    let mut body = create_body(&service, &format!("/models/{MODEL}"));
    body["properties"] = json!({ "loggingEnabled": true });
    let id = service.post("/endpoints", &body).await.id();
    service.advance("10s").await;
    for _ in 0..3 {
        service.answering(&id).await;
        service.advance("1d").await;
    }
    let first = service.get(&format!("/endpoints/{id}/files/logs?top=2")).await;
    assert_valid("PaginatedFiles", "v3.2", &first.body);
    assert_eq!(first.body["values"].as_array().unwrap().len(), 2);
    let second = service.follow(first.text("/@nextLink")).await;
    assert_eq!(
        (
            second.body["values"].as_array().unwrap().len(),
            second.body.get("@nextLink")
        ),
        (1, None)
    );
    let log = service.follow(first.text("/values/0/self")).await;
    assert_eq!((log.status, log.text("/kind")), (200, "Audio"));
    let removed = service.request("DELETE", log.text("/self"), None);
    assert_eq!(service.send(removed).await.status, 204);
    assert_eq!(
        service
            .delete(&format!("/endpoints/{id}/files/logs?endDate=2026-02-03"))
            .await
            .status,
        202
    );
    let rest = service.get(&format!("/endpoints/{id}/files/logs")).await;
    assert_eq!(rest.body["values"].as_array().unwrap().len(), 1);
    let wrong = service.get(&format!("/endpoints/{id}/files/logs?top=0")).await;
    assert_eq!(wrong.codes().2, Some("InvalidTopForLogs"));
    let base = service.get("/endpoints/base/en-US/files/logs").await;
    assert_eq!((base.status, base.body["values"].as_array().unwrap().len()), (200, 0));
    assert_eq!(
        service
            .speaking("2024-11-15")
            .get(&format!("/endpoints/{id}/files/logs"))
            .await
            .status,
        404
    );
}
