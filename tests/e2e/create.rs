//! From manifests to models and endpoints that serve.
use crate::{
    harness::{condition, count_writes},
    seed::{BASE_NEW, BASE_OLD, MODEL, PROJECT, TEXT},
    stack::shared,
};
use serde_json::json;

#[test]
fn an_endpoint_on_a_base_model_becomes_ready_and_tells_its_id_links_and_model() {
    shared("create-base", async |case, stack| {
        case.connect("60s").await;
        case.endpoint(
            "hotline",
            json!({"model": {"base": {"id": BASE_OLD}}, "project": PROJECT}),
        )
        .await;
        let wait = [
            "wait",
            "--for=condition=Ready",
            "spep",
            "--all",
            "-n",
            "create-base",
            "--timeout=30s",
        ];
        stack.plane.kubectl_ok(&wait).await.unwrap();
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        let status = &endpoint["status"];
        let remote = case.marked("endpoints", "hotline").await;
        assert_eq!(remote.len(), 1);
        assert_eq!(status["id"], remote[0]["id"]);
        assert_eq!(remote[0]["project"], PROJECT);
        assert_eq!(remote[0]["displayName"], "hotline");
        let id = status["id"].as_str().unwrap();
        assert!(status["self"].as_str().unwrap().contains(id), "{status}");
        assert!(status["links"]["webSocket"].as_str().unwrap().contains(id), "{status}");
        assert_eq!(status["active"]["model"], BASE_OLD);
        assert_eq!(status["active"]["base"], true);
        assert!(status["active"]["expiresAt"].is_string(), "{status}");
        assert_eq!(status["observedGeneration"], 1);
        assert_eq!(condition(&endpoint, "ModelValid")["status"], "True");
        let explained = stack.plane.kubectl_ok(&["explain", "spep.spec.model"]).await.unwrap();
        assert!(explained.contains("exactly one of"), "{explained}");
        let shown = ["get", "speech", "-n", "create-base"];
        let shown = stack.plane.kubectl_ok(&shown).await.unwrap();
        assert!(shown.contains("Serving") && shown.contains("Connected"), "{shown}");
    });
}

#[test]
fn a_created_endpoint_costs_three_writes_and_one_event() {
    shared("create-cost", async |case, stack| {
        case.connect("60s").await;
        let endpoint = case.ready_endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        assert_eq!(endpoint["status"]["active"]["model"], MODEL);
        case.event("hotline", "Serving").await;
        assert_eq!(case.events("hotline").await, ["Serving"]);
        let mut writes = case.writes(stack);
        writes.retain(|write| write.name == "hotline");
        assert_eq!(writes.len(), 3, "{:#?}", count_writes(&writes));
        assert_eq!(case.calls("Endpoints_Create").await, 1);
        assert_eq!(case.remote_writes().await.len(), 1);
    });
}

#[test]
fn an_endpoint_follows_the_newest_base_model_of_its_locale() {
    shared("create-newest", async |case, _| {
        case.connect("60s").await;
        let endpoint = case.ready_endpoint("hotline", json!({"model": {"base": {}}})).await;
        assert_eq!(endpoint["status"]["active"]["model"], BASE_NEW);
    });
}

#[test]
fn an_endpoint_waits_for_its_model_to_be_trained_and_then_serves_it() {
    shared("create-trained", async |case, stack| {
        case.connect("60s").await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        case.reason("SpeechEndpoint", "hotline", "ModelNotFound").await;
        let source = json!({"training": {"datasets": [TEXT], "baseModel": {"id": BASE_OLD}}});
        case.model("claims", json!({"source": source})).await;
        let wait = [
            "wait",
            "--for=condition=Ready",
            "spmodel,spep",
            "--all",
            "-n",
            "create-trained",
            "--timeout=30s",
        ];
        stack.plane.kubectl_ok(&wait).await.unwrap();
        let model = case.get("SpeechModel", "claims").await;
        let current = &model["status"]["current"];
        assert_eq!(current["revision"], 1);
        assert_eq!(current["baseModel"]["id"], BASE_OLD);
        for date in ["/expiresAt", "/baseModel/expiresAt", "/baseModel/adaptationUntil"] {
            assert!(
                current.pointer(date).is_some_and(|date| date.is_string()),
                "{date} in {current}"
            );
        }
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        assert_eq!(endpoint["status"]["active"]["model"], current["id"]);
        assert_eq!(endpoint["status"]["active"]["revision"], 1);
        assert_eq!(case.calls("Models_Create").await, 1);
        let id = endpoint["status"]["id"].as_str().unwrap();
        assert_eq!(
            case.who_answers(id).await,
            (current["id"].as_str().unwrap().to_owned(), false)
        );
    });
}

#[test]
fn what_applications_need_is_exported_and_written_again_only_when_it_changes() {
    shared("create-export", async |case, stack| {
        case.connect("60s").await;
        let spec = json!({"model": {"base": {"id": BASE_OLD}}, "exportTo": {"configMap": {"name": "hotline-speech"}}});
        let endpoint = case.ready_endpoint("hotline", spec).await;
        let map = case.get("ConfigMap", "hotline-speech").await;
        let (data, status) = (&map["data"], &endpoint["status"]);
        assert_eq!(data["endpointId"], status["id"]);
        assert_eq!(data["endpointUri"], status["self"]);
        assert_eq!(data["webSocketUrl"], status["links"]["webSocket"]);
        assert_eq!(data["modelId"], BASE_OLD);
        assert_eq!(data["modelExpiresAt"], status["active"]["expiresAt"]);
        assert_eq!(data["locale"], "en-US");
        let owner = &map["metadata"]["ownerReferences"][0];
        assert_eq!(
            (&owner["kind"], &owner["uid"]),
            (&json!("SpeechEndpoint"), &endpoint["metadata"]["uid"])
        );
        let map_writes = || {
            let mut writes = case.writes(stack);
            writes.retain(|write| write.resource == "configmaps");
            writes.len()
        };
        let at_first = map_writes();

        case.patch(
            "SpeechEndpoint",
            "hotline",
            json!({"spec": {"description": "for claims"}}),
        )
        .await;
        case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(map_writes(), at_first, "a description is not exported");

        case.patch("ConfigMap", "hotline-speech", json!({"data": {"endpointId": "wrong"}}))
            .await;
        case.until("ConfigMap", "hotline-speech", "is put back", |map| {
            map["data"]["endpointId"] == status["id"]
        })
        .await;

        case.patch("SpeechEndpoint", "hotline", json!({"spec": {"exportTo": null}}))
            .await;
        case.gone("ConfigMap", "hotline-speech").await;
    });
}

#[test]
fn a_config_map_of_somebody_else_is_not_taken() {
    shared("create-conflict", async |case, _| {
        case.connect("60s").await;
        case.apply(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "taken"}, "data": {"mine": "yes"}}),
        )
        .await;
        let spec = json!({"model": {"base": {}}, "exportTo": {"configMap": {"name": "taken"}}});
        case.endpoint("hotline", spec).await;
        let told = |object: &serde_json::Value| {
            let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
            let stalled: Vec<_> = conditions.filter(|condition| condition["type"] == "Stalled").collect();
            stalled.iter().any(|condition| condition["reason"] == "ExportConflict")
        };
        case.until("SpeechEndpoint", "hotline", "tells of the conflict", told)
            .await;
        assert_eq!(case.get("ConfigMap", "taken").await["data"], json!({"mine": "yes"}));
    });
}

#[test]
fn a_config_map_that_the_cluster_refuses_to_write_is_told_in_its_words() {
    shared("create-export-refused", async |case, _| {
        case.connect("5s").await;
        let export = json!({"exportTo": {"configMap": {"name": "out"}}});
        let with = |model: &str| {
            let mut spec = json!({"model": {"base": {"id": model}}});
            spec["exportTo"] = export["exportTo"].clone();
            spec
        };
        case.ready_endpoint("hotline", with(BASE_OLD)).await;
        case.patch("ConfigMap", "out", json!({"immutable": true})).await;
        case.endpoint("hotline", with(BASE_NEW)).await;
        let told = case.reason("SpeechEndpoint", "hotline", "ExportRefused").await;
        assert_eq!(condition(&told, "Ready")["status"], "False");
        let stalled = condition(&told, "Stalled")["message"].as_str().unwrap().to_owned();
        assert!(
            stalled.contains("field is immutable when `immutable` is set"),
            "{stalled}"
        );
        assert!(
            !stalled.contains("ErrorResponse") && !stalled.contains("Status {"),
            "{stalled}"
        );
        assert_eq!(
            case.get("ConfigMap", "out").await["data"]["modelId"],
            BASE_OLD,
            "it says the old one, and so does Ready"
        );
        case.delete("ConfigMap", "out").await;
        case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(case.get("ConfigMap", "out").await["data"]["modelId"], BASE_NEW);
    });
}

#[test]
fn of_two_that_export_to_one_config_map_the_older_has_it_until_it_goes() {
    shared("create-export-two", async |case, _| {
        case.connect("5s").await;
        let spec = json!({"model": {"base": {"id": BASE_OLD}}, "exportTo": {"configMap": {"name": "out"}}});
        futures::join!(
            case.endpoint("left", spec.clone()),
            case.endpoint("right", spec.clone())
        );
        let (first, second) = match older(case).await {
            (left, right) if left < right => ("left", "right"),
            _ => ("right", "left"),
        };
        case.ready("SpeechEndpoint", first).await;
        let told = case.reason("SpeechEndpoint", second, "ExportConflict").await;
        let words = condition(&told, "Stalled")["message"].as_str().unwrap().to_owned();
        assert!(words.contains(&format!("SpeechEndpoint {first}")), "{words}");
        let map = case.get("ConfigMap", "out").await;
        let uid = case.get("SpeechEndpoint", first).await["metadata"]["uid"].clone();
        assert_eq!(map["metadata"]["ownerReferences"][0]["uid"], uid);
        assert_eq!(map["metadata"]["ownerReferences"].as_array().unwrap().len(), 1);
        case.patch("SpeechEndpoint", first, json!({"spec": {"exportTo": null}}))
            .await;
        case.ready("SpeechEndpoint", second).await;
        let uid = case.get("SpeechEndpoint", second).await["metadata"]["uid"].clone();
        assert_eq!(
            case.get("ConfigMap", "out").await["metadata"]["ownerReferences"][0]["uid"],
            uid
        );
    });
}

/// By what it is decided who is older.
async fn older(case: &crate::case::Case) -> (String, String) {
    let age = async |name: &str| {
        let metadata = case.get("SpeechEndpoint", name).await["metadata"].clone();
        format!("{} {}", metadata["creationTimestamp"], metadata["uid"])
    };
    (age("left").await, age("right").await)
}
