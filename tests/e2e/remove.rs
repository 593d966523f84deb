//! Deletion, in whatever order.
use crate::{
    harness::{condition, in_time, message},
    seed::{MODEL, TEXT},
    stack::{SOON, alone, shared},
};
use serde_json::{Value, json};

fn trained() -> Value {
    json!({"source": {"training": {"datasets": [TEXT]}}})
}

#[test]
fn a_connection_deleted_first_is_held_until_nothing_needs_it() {
    shared("remove-connection", async |case, _| {
        case.connect("60s").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {}}})).await;
        case.delete("SpeechConnection", "speech").await;
        let held = case.reason("SpeechConnection", "speech", "ConnectionInUse").await;
        assert!(held["metadata"]["deletionTimestamp"].is_string());
        let endpoint = case.get("SpeechEndpoint", "hotline").await;
        assert_eq!(condition(&endpoint, "Ready")["status"], "True");
        case.remove("SpeechEndpoint", "hotline").await;
        case.gone("SpeechConnection", "speech").await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 0);
    });
}

#[test]
fn a_connection_is_kept_for_living_objects_however_long_they_live() {
    alone("keep-connection", async |case, _| {
        case.connect("60s").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {}}})).await;
        case.delete("SpeechConnection", "speech").await;
        let held = case.reason("SpeechConnection", "speech", "ConnectionInUse").await;
        let told = message(&held, "Ready");
        assert!(
            told.contains("kept as long as objects use it") && !told.contains("at most until"),
            "{told}"
        );
        case.control.advance("48h").await.unwrap();
        let endpoint = case.look("hotline").await;
        assert_eq!(condition(&endpoint, "Ready")["status"], "True", "{endpoint}");
        case.look_at_connection().await;
        case.get("SpeechConnection", "speech").await;
        case.remove("SpeechEndpoint", "hotline").await;
        case.gone("SpeechConnection", "speech").await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 0);
    });
}

#[test]
fn a_secret_deleted_first_does_not_keep_an_endpoint_from_being_deleted() {
    shared("remove-secret", async |case, _| {
        case.connect("60s").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {}}})).await;
        case.delete("Secret", "speech-key").await;
        case.reason("SpeechConnection", "speech", "SecretNotFound").await;
        case.remove("SpeechEndpoint", "hotline").await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 0);
    });
}

#[test]
fn a_namespace_goes_in_time_with_everything_in_it_here_and_there() {
    shared("remove-namespace", async |case, stack| {
        case.connect("60s").await;
        case.model("claims", trained()).await;
        case.endpoint(
            "hotline",
            json!({"model": {"ref": {"name": "claims"}}, "exportTo": {"configMap": {"name": "out"}}}),
        )
        .await;
        case.endpoint("simple", json!({"model": {"base": {}}})).await;
        case.endpoint("kept", json!({"model": {"id": MODEL}, "deletionPolicy": "Retain"}))
            .await;
        for name in ["hotline", "simple", "kept"] {
            case.ready("SpeechEndpoint", name).await;
        }
        let delete = ["delete", "namespace", "remove-namespace", "--timeout=60s"];
        stack.plane.kubectl_ok(&delete).await.unwrap();
        for (kind, name) in [("models", "claims"), ("endpoints", "hotline"), ("endpoints", "simple")] {
            assert_eq!(case.marked(kind, name).await, [] as [Value; 0], "{kind} of {name}");
        }
        assert_eq!(case.marked("endpoints", "kept").await.len(), 1);
    });
}

#[test]
fn a_model_in_use_is_kept_and_told_until_the_endpoint_goes() {
    shared("remove-model", async |case, _| {
        case.connect("60s").await;
        case.model("claims", trained()).await;
        case.ready_endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        case.delete("SpeechModel", "claims").await;
        let told = case.reason("SpeechModel", "claims", "ModelInUse").await;
        let message = condition(&told, "Ready")["message"].as_str().unwrap();
        assert!(message.contains("remove-model/hotline"), "{message}");
        assert_eq!(case.calls("Models_Delete").await, 0);
        case.remove("SpeechEndpoint", "hotline").await;
        case.gone("SpeechModel", "claims").await;
        assert_eq!(case.marked("models", "claims").await.len(), 0);
    });
}

#[test]
fn a_retained_line_of_models_stays_in_the_service() {
    shared("remove-retained", async |case, _| {
        case.connect("60s").await;
        let mut spec = trained();
        spec["deletionPolicy"] = json!("Retain");
        case.ready_model("claims", spec).await;
        case.remove("SpeechModel", "claims").await;
        assert_eq!(case.marked("models", "claims").await.len(), 1);
    });
}

#[test]
fn an_endpoint_deleted_while_it_is_being_deployed_leaves_nothing_behind() {
    shared("remove-early", async |case, _| {
        let slow = json!({"timings": {"endpointCreate": 600}});
        case.control.put_resource("remove-early", slow).await.unwrap();
        case.connect("60s").await;
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        in_time("the endpoint is under way", SOON, async || {
            let made = case.marked("endpoints", "hotline").await.len();
            if made == 1 { Ok(()) } else { Err(format!("{made}")) }
        })
        .await;
        case.remove("SpeechEndpoint", "hotline").await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 0);
    });
}
