//! Models copied from one Speech resource into another.
use crate::{
    case::Case,
    crash::{kill_and_restart, struck},
    harness::{condition, in_time, is_ready},
    seed::{self, BASE_OLD, MODEL, MORE_TEXT, TEXT},
    stack::{SOON, Stack, alone, shared},
};
use serde_json::{Value, json};

/// The ARM id that the emulator gives to a resource.
fn resource_id(name: &str) -> String {
    format!(
        "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-{name}/providers/Microsoft.CognitiveServices/accounts/{name}"
    )
}

/// A second Speech resource, in a namespace of its own, whose connection every namespace may use. Its copies take so
/// many seconds.
pub async fn source(stack: &Stack, name: &str, seconds: f64) -> Case {
    let west = Case::new(stack, name).await;
    let timings = json!({"timings": {"training": 0.3, "copy": seconds}});
    west.control.put_resource(name, timings).await.unwrap();
    west.secret(&seed::key(name, 1)).await;
    connect(&west, json!({"resourceId": resource_id(name)})).await;
    west.ready("SpeechConnection", "speech").await;
    west
}

async fn connect(west: &Case, spec: Value) {
    let mut usual = json!({"pollInterval": "5s", "allowedNamespaces": {"from": "All"}});
    let Value::Object(spec) = spec else {
        panic!("a spec is an object")
    };
    usual.as_object_mut().unwrap().extend(spec);
    west.connection(usual).await;
}

fn copy_of(west: &Case, name: &str) -> Value {
    json!({"source": {"copy": {"modelRef": {"name": name, "namespace": west.name}}}})
}

pub fn copy_by_id(west: &Case) -> Value {
    json!({"source": {"copy": {"connectionRef": {"name": "speech", "namespace": west.name}, "id": MODEL}}})
}

/// The one copy in the target beside what was there at first, which is the current one.
async fn is_the_only_copy(case: &Case, model: &Value) {
    let marked = case.marked("models", "claims").await;
    assert_eq!(marked.len(), 1, "{marked:#?}");
    assert_eq!(marked[0]["id"], model["status"]["current"]["id"]);
    assert_eq!(marked[0]["displayName"], "claims");
    assert_eq!(
        case.remote("models").await.len(),
        2,
        "the copy and the one made by hand"
    );
}

#[test]
fn a_copied_model_follows_its_source_and_serves_in_its_own_resource() {
    shared("copy-north", async |case, stack| {
        let west = source(stack, "copy-west", 0.3).await;
        case.connect("5s").await;
        west.model("origin", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        case.model("claims", copy_of(&west, "origin")).await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        let model = case.ready("SpeechModel", "claims").await;
        is_the_only_copy(case, &model).await;
        let status = &model["status"];
        assert_eq!(status["current"]["revision"], 1);
        assert!(status["copying"].is_null(), "{status:#}");
        let endpoint = case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(endpoint["status"]["active"]["model"], status["current"]["id"]);
        let kept = west.marked("models", "origin").await;
        assert_eq!(kept.len(), 1, "the source keeps its mark");

        west.model("origin", json!({"source": {"training": {"datasets": [MORE_TEXT]}}}))
            .await;
        let renewed = case
            .until("SpeechModel", "claims", "has revision 2", |model| {
                model["status"]["current"]["revision"] == 2 && condition(model, "Reconciling").is_null()
            })
            .await;
        assert_eq!(renewed["status"]["history"][0]["id"], status["current"]["id"]);
        case.until("SpeechEndpoint", "hotline", "serves revision 2", |endpoint| {
            endpoint["status"]["active"]["model"] == renewed["status"]["current"]["id"]
        })
        .await;
        assert_eq!(west.calls("Models_Copy").await, 2);
        assert_eq!(case.calls("Models_AuthorizeCopy").await, 2);
        assert_eq!(case.marked("models", "claims").await.len(), 2);

        case.delete("SpeechEndpoint", "hotline").await;
        case.remove("SpeechModel", "claims").await;
        assert_eq!(case.marked("models", "claims").await.len(), 0);
        assert_eq!(west.marked("models", "origin").await.len(), 2, "the source stays");
    });
}

#[test]
fn what_forbids_a_copy_is_told_and_heals_when_it_is_put_right() {
    alone("copy-refused", async |case, stack| {
        let west = source(stack, "copy-refused-west", 0.3).await;
        connect(&west, json!({"allowedNamespaces": {"from": "Same"}})).await;
        case.connect("5s").await;
        case.model("claims", copy_by_id(&west)).await;
        case.reason("SpeechModel", "claims", "NamespaceNotAllowed").await;
        connect(&west, json!({})).await;
        case.reason("SpeechModel", "claims", "ResourceIdMissing").await;
        assert_eq!(case.remote_writes().await.len(), 0, "nobody was asked");
        connect(&west, json!({"resourceId": resource_id("another")})).await;
        let refused = case.reason("SpeechModel", "claims", "CopyRefused").await;
        assert_eq!(condition(&refused, "Stalled")["status"], "True");
        case.event("claims", "CopyRefused").await;
        let refusal = west.strike("Models_Copy", json!({"status": 403})).await;
        connect(&west, json!({"resourceId": resource_id("copy-refused-west")})).await;
        // Two orders in vain: the third one waits for ten minutes.
        struck(&west, refusal).await;
        case.control.advance("11m").await.unwrap();
        let model = case.ready("SpeechModel", "claims").await;
        is_the_only_copy(case, &model).await;
        case.model("itself", {
            json!({"source": {"copy": {"connectionRef": {"name": "speech"}, "id": MODEL}}})
        })
        .await;
        case.reason("SpeechModel", "itself", "SameResource").await;
        west.model("base", json!({"source": {"base": {"id": BASE_OLD}}})).await;
        case.model("of-base", copy_of(&west, "base")).await;
        case.reason("SpeechModel", "of-base", "ModelNotCopyable").await;
    });
}

#[test]
fn models_that_copy_each_other_are_told_and_nothing_is_copied() {
    shared("copy-circle", async |case, stack| {
        let west = source(stack, "copy-circle-west", 0.3).await;
        case.connect("5s").await;
        connect(case, json!({})).await;
        west.model(
            "b",
            json!({"source": {"copy": {"modelRef": {"name": "a", "namespace": case.name}}}}),
        )
        .await;
        west.reason("SpeechModel", "b", "NamespaceNotAllowed").await;
        case.model("a", copy_of(&west, "b")).await;
        case.reason("SpeechModel", "a", "CopyCycle").await;
        west.reason("SpeechModel", "b", "CopyCycle").await;
        assert_eq!(case.remote_writes().await.len() + west.remote_writes().await.len(), 0);
    });
}

#[test]
fn a_copy_ordered_by_a_dead_operator_is_known_by_its_looks_and_not_ordered_again() {
    alone("copy-dead", async |case, stack| {
        let west = source(stack, "copy-dead-west", 2.0).await;
        case.connect("5s").await;
        let fault = west
            .strike("Models_Copy", json!({"loseResponse": true, "delayMs": 300}))
            .await;
        case.model("claims", copy_by_id(&west)).await;
        struck(&west, fault).await;
        kill_and_restart(stack).await;
        case.reason("SpeechModel", "claims", "AwaitingCreation").await;
        let model = case.ready("SpeechModel", "claims").await;
        is_the_only_copy(case, &model).await;
        assert_eq!(west.calls("Models_Copy").await, 1);
    });
}

#[test]
fn a_copy_under_way_is_followed_by_the_next_operator() {
    alone("copy-followed", async |case, stack| {
        let west = source(stack, "copy-followed-west", 4.0).await;
        case.connect("5s").await;
        case.model("claims", copy_by_id(&west)).await;
        case.until("SpeechModel", "claims", "names its operation", |model| {
            model["status"]["copying"]["operation"].is_string()
        })
        .await;
        kill_and_restart(stack).await;
        let model = case.ready("SpeechModel", "claims").await;
        is_the_only_copy(case, &model).await;
        assert_eq!(west.calls("Models_Copy").await, 1);
        assert!(west.calls("Operations_GetModelCopy").await > 0);
    });
}

#[test]
fn a_copy_at_rest_needs_nothing_of_its_source() {
    alone("copy-rest", async |case, stack| {
        let west = source(stack, "copy-rest-west", 0.3).await;
        case.connect("5s").await;
        let model = case.ready_model("claims", copy_by_id(&west)).await;
        let written = |stack: &Stack| {
            let mut writes = case.writes(stack);
            writes.retain(|entry| entry.resource == "speechmodels");
            writes.len()
        };
        let (writes, calls) = (written(stack), west.calls("Operations_GetModelCopy").await);
        let away = json!({"route": {"resource": west.name}, "action": {"status": 503}});
        west.control.add_fault(away).await.unwrap();
        kill_and_restart(stack).await;
        west.reason("SpeechConnection", "speech", "ServiceUnavailable").await;
        let swept = case.calls("Models_ListCustomModels").await;
        in_time("the target was looked at again", SOON, async || {
            match case.calls("Models_ListCustomModels").await {
                now if now > swept + 1 => Ok(()),
                now => Err(format!("{now}")),
            }
        })
        .await;
        assert!(is_ready(&case.get("SpeechModel", "claims").await));
        assert_eq!(case.get("SpeechModel", "claims").await["status"], model["status"]);
        west.control.clear_faults().await.unwrap();
        west.ready("SpeechConnection", "speech").await;
        assert_eq!(west.calls("Operations_GetModelCopy").await, calls);
        assert_eq!(written(stack), writes, "a copy at rest costs no write");
    });
}

#[test]
fn a_copy_that_is_deleted_while_it_is_made_leaves_nothing_behind() {
    shared("copy-deleted", async |case, stack| {
        let west = source(stack, "copy-deleted-west", 3.0).await;
        case.connect("5s").await;
        case.model("claims", copy_by_id(&west)).await;
        case.until("SpeechModel", "claims", "names its operation", |model| {
            model["status"]["copying"]["operation"].is_string()
        })
        .await;
        case.remove("SpeechModel", "claims").await;
        assert_eq!(case.calls("Models_Delete").await, 1);
        assert_eq!(case.remote("models").await.len(), 1, "only the one made by hand");
    });
}
