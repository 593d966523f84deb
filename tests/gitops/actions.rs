//! The actions that Argo CD offers on our objects, and what comes of them.
use crate::{
    case::Case,
    harness::{KUBECTL_SPEECH, condition},
    judge::{Judgement, judge, objects_of},
    seed::{BASE_NEW, BASE_OLD, TEXT},
    stack::{Stack, shared},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const OLD: &str = "10000000-0000-4000-8000-000000000001";
const NEW: &str = "10000000-0000-4000-8000-000000000002";

fn endpoint(spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
        "metadata": {"name": "hotline", "namespace": "team", "generation": 1, "finalizers": ["customspeech.dev/remote-entity"]},
        "spec": spec, "status": status,
    })
}

fn model(spec: Value, status: Value) -> Value {
    let mut object = endpoint(spec, status);
    object["kind"] = "SpeechModel".into();
    object
}

fn annotated(mut object: Value, key: &str, value: &str) -> Value {
    object["metadata"]["annotations"][format!("customspeech.dev/{key}")] = value.into();
    object
}

fn annotation(key: &str, value: &str) -> Value {
    json!({"metadata": {"annotations": {format!("customspeech.dev/{key}"): value}}})
}

/// Judges objects and compares the actions that are offered for each.
fn offered(cases: &[(&str, Value, &str)]) -> Vec<Judgement> {
    let objects: Vec<Value> = cases.iter().map(|(_, object, _)| object.clone()).collect();
    let judged = judge(&objects);
    for ((name, _, expected), judged) in cases.iter().zip(&judged) {
        assert_eq!(judged.offered().join(" "), *expected, "{name}");
    }
    judged
}

fn asks() -> Value {
    json!({"swap": {"approval": "Required", "policy": "BeforeExpiry"}})
}

/// An endpoint that waits for approval of a candidate.
fn waits() -> Value {
    with(asks())
}

/// An endpoint with a candidate.
fn with(spec: Value) -> Value {
    endpoint(spec, json!({"active": {"model": OLD}, "candidate": {"model": NEW}}))
}

#[test]
fn an_action_on_an_endpoint_is_offered_only_where_it_makes_sense() {
    let moving = json!({"active": {"model": OLD}, "target": {"model": NEW}, "candidate": {"model": NEW}});
    let barred = json!({"active": {"model": OLD}, "quarantine": [{"model": NEW}]});
    let released = annotated(endpoint(asks(), Value::Null), "deletion-policy", "Retain");
    let mut leaving = waits();
    leaving["metadata"]["deletionTimestamp"] = "2026-03-01T10:00:00Z".into();
    let mut observed = waits();
    observed["spec"]["managementPolicy"] = "Observe".into();
    let annotated = |key: &str, value: &str| annotated(waits(), key, value);
    offered(&[
        ("new", endpoint(asks(), Value::Null), "release suspend"),
        ("waits", waits(), "approve release suspend swap"),
        (
            "asks nobody",
            with(json!({"swap": {"approval": "None"}})),
            "release suspend swap",
        ),
        (
            "manual",
            with(json!({"swap": {"policy": "Manual"}})),
            "approve release suspend swap",
        ),
        ("approved", annotated("approved-model", NEW), "release suspend swap"),
        (
            "another was approved",
            annotated("approved-model", OLD),
            "approve release suspend swap",
        ),
        ("requested", annotated("swap-now", NEW), "release suspend"),
        ("moving", endpoint(asks(), moving), "release suspend"),
        ("suspended", with(json!({"suspend": true})), "release resume"),
        ("observed", observed, "release suspend"),
        ("leaving", leaving, "release"),
        ("released", released, "suspend"),
        (
            "barred",
            endpoint(json!({}), barred),
            "clear-quarantine release suspend",
        ),
    ]);
}

#[test]
fn an_action_on_an_endpoint_writes_what_the_operator_reads() {
    let barred = json!({"quarantine": [{"model": NEW}, {"model": OLD}]});
    let judged = judge(&[
        waits(),
        with(json!({"suspend": true})),
        endpoint(json!({}), barred),
        endpoint(asks(), Value::Null),
    ]);
    let [waits, suspended, barred, new] = &judged[..] else {
        panic!("{judged:?}")
    };
    assert_eq!(waits.patch("approve"), annotation("approved-model", NEW));
    assert_eq!(waits.patch("swap"), annotation("swap-now", NEW));
    assert_eq!(waits.patch("suspend"), json!({"spec": {"suspend": true}}));
    let mut release = annotation("deletion-policy", "Retain");
    release["metadata"]["finalizers"] = Value::Null;
    assert_eq!(waits.patch("release"), release);
    assert_eq!(suspended.patch("resume"), json!({"spec": {"suspend": null}}));
    let both = annotation("clear-quarantine", &format!("{NEW},{OLD}"));
    assert_eq!(barred.patch("clear-quarantine"), both);
    for action in ["approve", "swap"] {
        let refused = new.actions[action].patch.as_ref().unwrap_err();
        assert!(refused.contains("no candidate"), "{refused}");
    }
}

#[test]
fn the_same_quarantine_is_cleared_twice_and_the_finalizers_of_others_stay() {
    let again = json!({"quarantine": [{"model": NEW}], "lastHandledClearQuarantine": NEW});
    let mut endpoint = annotated(endpoint(json!({}), again), "clear-quarantine", NEW);
    endpoint["metadata"]["finalizers"] = json!(["customspeech.dev/remote-entity", "example.com/other"]);
    let judged = judge(&[endpoint]);
    let twice = format!("{NEW},{NEW}");
    assert_eq!(
        judged[0].patch("clear-quarantine"),
        annotation("clear-quarantine", &twice)
    );
    assert_eq!(
        judged[0].patch("release")["metadata"]["finalizers"],
        json!(["example.com/other"])
    );
}

#[test]
fn a_model_is_trained_on_request_where_it_is_trained_at_all() {
    let trained = || json!({"source": {"training": {"datasets": [TEXT]}}});
    let current = || json!({"current": {"id": OLD, "revision": 3}});
    let with = |more: Value| crate::harness::merged(current(), more);
    let past = json!({"history": [{"id": NEW, "revision": 7}, {"id": NEW, "revision": 2}], "highestRevision": 5});
    let candidate = |state: &str| with(json!({"candidate": {"revision": 4, "state": state}}));
    let judged = offered(&[
        ("new", model(trained(), Value::Null), "release suspend"),
        ("current", model(trained(), current()), "release retrain suspend"),
        ("past", model(trained(), with(past)), "release retrain suspend"),
        ("in training", model(trained(), candidate("Running")), "release suspend"),
        (
            "failed",
            model(trained(), candidate("Failed")),
            "release retrain suspend",
        ),
        (
            "not trained here",
            model(json!({"source": {"base": {}}}), current()),
            "release suspend",
        ),
    ]);
    assert_eq!(judged[1].patch("retrain"), annotation("train-revision", "4"));
    assert_eq!(judged[2].patch("retrain"), annotation("train-revision", "8"));
    let again = judged[4].patch("retrain");
    let at = again["metadata"]["annotations"]["customspeech.dev/reconcile-requested-at"]
        .as_str()
        .unwrap();
    at.parse::<jiff::Timestamp>().unwrap();
    assert!(
        judged[0].actions["retrain"]
            .patch
            .as_ref()
            .unwrap_err()
            .contains("by itself")
    );
}

#[test]
fn every_action_that_is_offered_for_the_fleets_of_the_documentation_writes_what_the_operator_reads() {
    let mut objects = objects_of("crates/kubectl-speech/src/sample.yaml");
    objects.extend(objects_of("src/fleet_page/sample.yaml"));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (object, judged) in objects.iter().zip(judge(&objects)) {
        for (name, action) in judged.actions.iter().filter(|(_, action)| !action.is_disabled) {
            let patch = action
                .patch
                .as_ref()
                .unwrap_or_else(|error| panic!("{name}: {error} of {object:#}"));
            let written = match name.as_str() {
                "suspend" | "resume" => patch["spec"].as_object().unwrap(),
                _ => patch["metadata"]["annotations"].as_object().unwrap(),
            };
            assert_eq!(
                (written.len(), patch.as_object().unwrap().len()),
                (1, 1),
                "{name}: {patch}"
            );
            *seen.entry(name.clone()).or_default() += 1;
        }
    }
    for name in ["approve", "swap", "retrain", "suspend", "release"] {
        assert!(seen.contains_key(name), "{name} is offered for nothing: {seen:?}");
    }
}

/// Runs an action as Argo CD does: its patch goes to the API server.
pub async fn act(case: &Case, kind: &str, name: &str, action: &str) {
    let live = case.get(kind, name).await;
    let patch = judge(&[live])[0].patch(action);
    case.patch(kind, name, patch).await;
}

/// Compares an action with the object that a command of kubectl speech would make.
async fn same_as(case: &Case, stack: &Stack, kind: &str, name: &str, action: &str) {
    let live = case.get(kind, name).await;
    let patch = judge(&[live])[0].patch(action);
    let kubeconfig = stack.plane.kubeconfig();
    let output = std::process::Command::new(&*KUBECTL_SPEECH)
        .args([
            action,
            name,
            "-n",
            &case.name,
            "--dry-run=client",
            "-o",
            "json",
            "--kubeconfig",
        ])
        .arg(kubeconfig)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let after: Value = serde_json::from_slice(&output.stdout).unwrap();
    let written = patch["metadata"]["annotations"].as_object().into_iter().flatten();
    for (key, value) in written {
        assert_eq!(after["metadata"]["annotations"][key], *value, "{action}");
    }
    if !patch["spec"].is_null() {
        assert_eq!(after["spec"]["suspend"], patch["spec"]["suspend"], "{action}");
    }
}

#[test]
fn an_action_of_argo_cd_moves_an_endpoint_suspends_it_and_lets_it_go() {
    shared("argo-actions", async |case, stack| {
        case.connect("60s").await;
        case.claims(BASE_OLD).await;
        let spec = json!({"model": {"ref": {"name": "claims"}}, "swap": {"approval": "Required"}});
        case.endpoint("hotline", spec).await;
        let served = case.serves("hotline", BASE_OLD).await;
        assert_eq!(judge(&[served])[0].offered(), ["release", "suspend"]);

        case.claims(BASE_NEW).await;
        let waits = case.says("hotline", "approval of new base").await;
        let judged = judge(&[waits]);
        assert_eq!(judged[0].status, "Healthy", "a swap that waits holds up no sync");
        same_as(case, stack, "SpeechEndpoint", "hotline", "approve").await;
        act(case, "SpeechEndpoint", "hotline", "approve").await;
        case.serves("hotline", BASE_NEW).await;
        assert_eq!(case.calls("Endpoints_Update").await, 1);

        same_as(case, stack, "SpeechEndpoint", "hotline", "suspend").await;
        act(case, "SpeechEndpoint", "hotline", "suspend").await;
        let suspended = case
            .until("SpeechEndpoint", "hotline", "is suspended", |object| {
                condition(object, "Ready")["reason"] == "Suspended"
                    && object["status"]["observedGeneration"] == object["metadata"]["generation"]
            })
            .await;
        assert_eq!(judge(&[suspended])[0].status, "Suspended");
        act(case, "SpeechEndpoint", "hotline", "resume").await;
        let resumed = case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(judge(std::slice::from_ref(&resumed))[0].status, "Healthy");

        act(case, "SpeechEndpoint", "hotline", "release").await;
        case.remove("SpeechEndpoint", "hotline").await;
        let id = resumed["status"]["id"].as_str().unwrap();
        assert!(
            case.remote_entity("endpoints", id).await.is_some(),
            "it stays in the service"
        );
    });
}

#[test]
fn an_action_of_argo_cd_swaps_at_once_what_waits_for_its_day() {
    shared("argo-swap", async |case, stack| {
        case.connect("60s").await;
        case.claims(BASE_OLD).await;
        let spec = json!({"model": {"ref": {"name": "claims"}}, "swap": {"policy": "BeforeExpiry"}});
        case.endpoint("hotline", spec).await;
        case.serves("hotline", BASE_OLD).await;
        case.claims(BASE_NEW).await;
        case.until("SpeechEndpoint", "hotline", "has a candidate", |object| {
            object["status"]["candidate"]["model"] == BASE_NEW
        })
        .await;
        same_as(case, stack, "SpeechEndpoint", "hotline", "swap").await;
        act(case, "SpeechEndpoint", "hotline", "swap").await;
        case.serves("hotline", BASE_NEW).await;
    });
}

#[test]
fn an_action_of_argo_cd_trains_another_revision() {
    shared("argo-retrain", async |case, stack| {
        case.connect("60s").await;
        case.ready_model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        same_as(case, stack, "SpeechModel", "claims", "retrain").await;
        act(case, "SpeechModel", "claims", "retrain").await;
        case.until("SpeechModel", "claims", "has revision 2", |object| {
            object["status"]["current"]["revision"] == 2
        })
        .await;
        assert_eq!(case.calls("Models_Create").await, 2);
    });
}

#[test]
fn an_action_of_argo_cd_clears_the_quarantine() {
    shared("argo-quarantine", async |case, _| {
        case.failing_swap().await;
        case.says("hotline", "in quarantine").await;
        act(case, "SpeechEndpoint", "hotline", "clear-quarantine").await;
        let served = case.serves("hotline", BASE_NEW).await;
        assert!(served["status"]["quarantine"].is_null(), "{served:#}");
    });
}
