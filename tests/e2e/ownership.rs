//! What the operator changes of a remote endpoint, and what it leaves alone.
use crate::{
    case::Case,
    harness::{condition, is_ready},
    seed::{BASE_NEW, BASE_OLD, ENDPOINT, MODEL},
    stack::shared,
};
use serde_json::{Value, json};

async fn id_of(case: &Case, name: &str) -> String {
    let endpoint = case.ready("SpeechEndpoint", name).await;
    endpoint["status"]["id"].as_str().unwrap().to_owned()
}

/// Waits until the remote endpoint is as wanted.
async fn remote_until(case: &Case, id: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    crate::harness::in_time(what, crate::stack::SOON, async || {
        let remote = case.remote_entity("endpoints", id).await.ok_or("it is gone")?;
        if check(&remote) {
            Ok(remote)
        } else {
            Err(remote.to_string())
        }
    })
    .await
}

/// Asks the connection for a sweep now.
async fn look_now(case: &Case, word: &str) {
    let asked = json!({"metadata": {"annotations": {"customspeech.dev/reconcile-requested-at": word}}});
    case.patch("SpeechConnection", "speech", asked).await;
}

#[test]
fn what_someone_changed_by_hand_is_put_back_and_told() {
    shared("drift", async |case, _| {
        case.connect("60s").await;
        let spec = json!({"model": {"base": {"id": BASE_OLD}}, "displayName": "Hotline", "description": "ours"});
        case.endpoint("hotline", spec).await;
        let id = id_of(case, "hotline").await;
        let edit = json!({"displayName": "theirs", "description": "theirs", "model": format!("models/{MODEL}")});
        case.control
            .patch_entity("drift", "endpoints", &id, edit)
            .await
            .unwrap();
        look_now(case, "1").await;
        remote_until(case, &id, "the endpoint is as declared again", |remote| {
            remote["displayName"] == "Hotline"
                && remote["description"] == "ours"
                && remote["model"] == format!("models/base/{BASE_OLD}")
        })
        .await;
        let endpoint = case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(endpoint["status"]["active"]["model"], BASE_OLD);
        case.event("hotline", "DriftCorrected").await;
        let events = case.events("hotline").await;
        assert_eq!(
            events.iter().filter(|reason| *reason == "DriftCorrected").count(),
            1,
            "{events:?}"
        );
        let asked = case.get("SpeechConnection", "speech").await;
        assert_eq!(asked["status"]["lastHandledReconcileAt"], "1");
    });
}

#[test]
fn names_and_logging_follow_the_spec_and_what_it_leaves_out_is_left_alone() {
    shared("names", async |case, _| {
        case.control.put_resource("names", json!({"byos": true})).await.unwrap();
        case.connect("60s").await;
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        let id = id_of(case, "hotline").await;
        let spec =
            json!({"model": {"base": {}}, "displayName": "Claims", "description": "calls", "loggingEnabled": true});
        case.ready_endpoint("hotline", spec).await;
        remote_until(case, &id, "the endpoint has its names and logs", |remote| {
            remote["displayName"] == "Claims" && remote["description"] == "calls" && remote["loggingEnabled"] == true
        })
        .await;
        let mut sent = case.journal().await;
        sent.retain(|entry| entry["operation"] == "Endpoints_Update");
        let fields: Vec<Vec<&String>> = sent
            .iter()
            .map(|entry| entry["requestBody"].as_object().unwrap().keys().collect())
            .collect();
        let mut alone: Vec<_> = fields.concat();
        alone.sort_unstable();
        assert!(
            fields.iter().all(|fields| fields.len() == 1),
            "each field travels alone: {fields:?}"
        );
        assert_eq!(alone.len(), 3, "each field is sent once: {fields:?}");

        case.ready_endpoint("hotline", json!({"model": {"base": {}}, "displayName": "Claims"}))
            .await;
        let remote = case.remote_entity("endpoints", &id).await.unwrap();
        assert_eq!(
            (&remote["description"], &remote["loggingEnabled"]),
            (&json!("calls"), &json!(true))
        );
        assert_eq!(case.calls("Endpoints_Update").await, 3);
    });
}

#[test]
fn an_endpoint_made_by_hand_is_adopted_with_its_properties_and_marked() {
    shared("adopt", async |case, _| {
        case.connect("60s").await;
        let spec = json!({"model": {"id": MODEL}, "adopt": {"id": ENDPOINT}});
        let endpoint = case.ready_endpoint("ours", spec.clone()).await;
        assert_eq!(endpoint["status"]["id"], ENDPOINT);
        let remote = case.remote_entity("endpoints", ENDPOINT).await.unwrap();
        let properties = &remote["customProperties"];
        assert_eq!(properties["team"], "claims");
        assert_eq!(properties["customspeech.dev/uid"], endpoint["metadata"]["uid"]);
        assert_eq!(properties["customspeech.dev/object"], "adopt/ours");
        assert_eq!(
            remote["displayName"], "by hand",
            "a name that the spec leaves out is left alone"
        );
        assert_eq!(case.calls("Endpoints_Create").await, 0);
        assert_eq!(case.remote_writes().await.len(), 1);

        case.endpoint("late", spec).await;
        let rival = case.reason("SpeechEndpoint", "late", "OwnedByAnother").await;
        assert_eq!(condition(&rival, "Stalled")["status"], "True");
        assert!(rival["status"]["id"].is_null(), "{rival}");
        case.remove("SpeechEndpoint", "late").await;
        assert!(case.remote_entity("endpoints", ENDPOINT).await.is_some());
        assert_eq!(case.remote_writes().await.len(), 1);
    });
}

#[test]
fn an_endpoint_to_adopt_that_does_not_exist_is_told_and_nothing_is_created() {
    shared("adopt-missing", async |case, _| {
        case.connect("60s").await;
        let nowhere = "5fffffff-0000-4000-8000-000000000001";
        case.endpoint("ours", json!({"model": {"id": MODEL}, "adopt": {"id": nowhere}}))
            .await;
        case.reason("SpeechEndpoint", "ours", "EndpointNotFound").await;
        assert_eq!(case.remote_writes().await.len(), 0);
    });
}

#[test]
fn an_endpoint_with_a_foreign_mark_is_told_and_left_alone() {
    shared("foreign", async |case, _| {
        let mark = json!({"customProperties": {
            "customspeech.dev/uid": "7d3c6f62-0000-4000-8000-000000000000", "customspeech.dev/object": "theirs/hotline",
            "customspeech.dev/cluster": "another", "customspeech.dev/attempt": "1",
        }});
        case.control
            .patch_entity("foreign", "endpoints", ENDPOINT, mark)
            .await
            .unwrap();
        let before = case.remote_entity("endpoints", ENDPOINT).await;
        case.connect("60s").await;
        case.endpoint("ours", json!({"model": {"base": {}}, "adopt": {"id": ENDPOINT}}))
            .await;
        let told = case.reason("SpeechEndpoint", "ours", "OwnedByAnother").await;
        assert!(told["status"].to_string().contains("theirs/hotline"), "{told}");
        case.event("ours", "OwnedByAnother").await;
        case.remove("SpeechEndpoint", "ours").await;
        assert_eq!(case.remote_entity("endpoints", ENDPOINT).await, before);
        assert_eq!(case.remote_writes().await.len(), 0);
    });
}

#[test]
fn an_observed_endpoint_is_reported_and_never_touched() {
    shared("observe", async |case, _| {
        case.connect("60s").await;
        let spec = json!({"model": {"id": MODEL}, "adopt": {"id": ENDPOINT}, "managementPolicy": "Observe"});
        let endpoint = case.ready_endpoint("theirs", spec).await;
        assert_eq!(condition(&endpoint, "Ready")["reason"], "Observed");
        assert_eq!(endpoint["status"]["active"]["model"], MODEL);
        let edit = json!({"model": format!("models/base/{BASE_OLD}")});
        case.control
            .patch_entity("observe", "endpoints", ENDPOINT, edit)
            .await
            .unwrap();
        look_now(case, "1").await;
        case.until("SpeechEndpoint", "theirs", "shows what serves now", |endpoint| {
            endpoint["status"]["active"]["model"] == BASE_OLD
        })
        .await;
        case.remove("SpeechEndpoint", "theirs").await;
        assert!(case.remote_entity("endpoints", ENDPOINT).await.is_some());
        assert_eq!(case.remote_writes().await.len(), 0);
    });
}

#[test]
fn while_suspended_nothing_is_changed_and_afterwards_everything_is() {
    shared("suspend", async |case, _| {
        case.connect("60s").await;
        case.endpoint("unborn", json!({"model": {"base": {}}, "suspend": true}))
            .await;
        case.ready_endpoint("hotline", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        case.reason("SpeechEndpoint", "unborn", "Suspended").await;
        case.endpoint("hotline", json!({"model": {"base": {"id": BASE_NEW}}, "suspend": true}))
            .await;
        case.until("SpeechEndpoint", "hotline", "says what it would do", |endpoint| {
            endpoint["status"]["observedGeneration"] == 2 && endpoint["status"].to_string().contains("Suspended")
        })
        .await;
        assert_eq!(case.remote_writes().await.len(), 1, "only the creation of the other");

        case.endpoint("hotline", json!({"model": {"base": {"id": BASE_NEW}}}))
            .await;
        case.until("SpeechEndpoint", "hotline", "goes on", |endpoint| {
            is_ready(endpoint) && endpoint["status"]["active"]["model"] == BASE_NEW
        })
        .await;
        case.ready_endpoint("unborn", json!({"model": {"base": {}}})).await;
    });
}

#[test]
fn deleting_the_object_deletes_the_endpoint_unless_it_is_retained() {
    shared("delete", async |case, _| {
        case.connect("60s").await;
        case.endpoint("goes", json!({"model": {"base": {}}})).await;
        case.endpoint("stays", json!({"model": {"base": {}}, "deletionPolicy": "Retain"}))
            .await;
        let (goes, stays) = (id_of(case, "goes").await, id_of(case, "stays").await);
        for name in ["goes", "stays"] {
            case.remove("SpeechEndpoint", name).await;
        }
        assert!(case.remote_entity("endpoints", &goes).await.is_none());
        assert!(case.remote_entity("endpoints", &stays).await.is_some());
        assert_eq!(case.calls("Endpoints_Delete").await, 1);

        // The mark of an object that is gone does not prevent that another takes over what it left behind.
        let heir = case
            .ready_endpoint("heir", json!({"model": {"base": {}}, "adopt": {"id": stays}}))
            .await;
        assert_eq!(heir["status"]["id"], stays.as_str());
    });
}

#[test]
fn a_remote_endpoint_that_someone_deleted_is_told_and_not_made_anew() {
    shared("remote-deleted", async |case, _| {
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        let id = id_of(case, "hotline").await;
        case.control
            .delete_entity("remote-deleted", "endpoints", &id)
            .await
            .unwrap();
        let told = case.reason("SpeechEndpoint", "hotline", "RemoteDeleted").await;
        assert_eq!(condition(&told, "Stalled")["status"], "True");
        assert_eq!(case.calls("Endpoints_Create").await, 1);
        case.remove("SpeechEndpoint", "hotline").await;
    });
}
