//! The health that Argo CD shows, in Argo CD's own Lua. The planner's tests ask a Lua of their own (`harness/argo_cd.rs`), which
//! needs nothing installed; here both have to say the same of everything.
use crate::{
    argo_cd,
    judge::{judge, objects_of},
};
use serde_json::{Value, json};

/// An object whose spec was looked at, with these conditions: type, status, reason.
fn object(conditions: &[(&str, &str, &str)]) -> Value {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status, reason)| {
            json!({"type": kind, "status": status, "reason": reason, "message": format!("{reason} of {kind}")})
        })
        .collect();
    json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
        "metadata": {"name": "hotline", "generation": 2}, "spec": {"suspend": false},
        "status": {"observedGeneration": 2, "conditions": conditions},
    })
}

fn changed(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[key] = value;
    object
}

#[test]
fn every_rule_of_health_has_its_place_in_the_order() {
    const READY: (&str, &str, &str) = ("Ready", "True", "Serving");
    const BUSY: (&str, &str, &str) = ("Ready", "False", "Training");
    const STALLED: (&str, &str, &str) = ("Stalled", "True", "Refused");
    const EXPIRED: (&str, &str, &str) = ("ModelValid", "False", "BaseModelAnswers");
    const RISK: (&str, &str, &str) = ("AtRisk", "True", "NoSuccessor");
    const WORKS: (&str, &str, &str) = ("Reconciling", "True", "Swapping");
    let deleted = |object| changed(object, "/metadata/deletionTimestamp", json!("2026-03-01T10:00:00Z"));
    let suspended = |object| changed(object, "/spec/suspend", json!(true));
    let unseen = "the operator has not reconciled this spec yet";
    let cases = [
        (
            "deleted",
            deleted(object(&[READY, STALLED])),
            "Progressing",
            "Serving of Ready",
        ),
        (
            "no status",
            changed(object(&[]), "/status", Value::Null),
            "Progressing",
            unseen,
        ),
        (
            "no look yet",
            changed(object(&[]), "/status", json!({"observedGeneration": -1})),
            "Progressing",
            unseen,
        ),
        (
            "an older spec",
            changed(object(&[READY, STALLED]), "/status/observedGeneration", json!(1)),
            "Progressing",
            unseen,
        ),
        (
            "stalled",
            object(&[BUSY, STALLED, EXPIRED]),
            "Degraded",
            "Refused of Stalled (BaseModelAnswers of ModelValid)",
        ),
        (
            "stalled and suspended",
            suspended(object(&[BUSY, STALLED])),
            "Degraded",
            "Refused of Stalled",
        ),
        (
            "expired",
            object(&[BUSY, WORKS, EXPIRED]),
            "Degraded",
            "BaseModelAnswers of ModelValid",
        ),
        (
            "expired and suspended",
            suspended(object(&[READY, EXPIRED])),
            "Degraded",
            "BaseModelAnswers of ModelValid",
        ),
        (
            "suspended",
            suspended(object(&[("Ready", "True", "Suspended")])),
            "Suspended",
            "Suspended of Ready",
        ),
        (
            "suspended before it was done",
            suspended(object(&[
                ("Ready", "False", "Suspended"),
                ("Stalled", "True", "Suspended"),
            ])),
            "Suspended",
            "Suspended of Ready",
        ),
        ("ready", object(&[READY]), "Healthy", "Serving of Ready"),
        ("swapping", object(&[READY, WORKS]), "Healthy", "Serving of Ready"),
        (
            "at risk",
            object(&[READY, RISK]),
            "Healthy",
            "Serving of Ready (at risk: NoSuccessor of AtRisk)",
        ),
        (
            "at risk no more",
            object(&[READY, ("AtRisk", "False", "Serving")]),
            "Healthy",
            "Serving of Ready",
        ),
        ("busy", object(&[BUSY, WORKS]), "Progressing", "Training of Ready"),
        (
            "unknown",
            object(&[("Ready", "Unknown", "Connecting")]),
            "Progressing",
            "Connecting of Ready",
        ),
        ("no conditions", object(&[]), "Progressing", ""),
    ];
    let objects = cases.iter().map(|(_, object, ..)| object.clone());
    let judged = judge(&objects.collect::<Vec<_>>());
    for ((name, object, word, message), judged) in cases.into_iter().zip(judged) {
        assert_eq!(
            (judged.status.as_str(), judged.message.as_str()),
            (word, message),
            "{name}"
        );
        assert_eq!(argo_cd::health(&object), (judged.status, judged.message), "{name}");
    }
}

#[test]
fn argo_cds_own_lua_and_the_one_of_the_planners_tests_agree_on_the_fleets_of_the_documentation() {
    let mut objects = objects_of("crates/kubectl-speech/src/sample.yaml");
    objects.extend(objects_of("src/fleet_page/sample.yaml"));
    let judged = judge(&objects);
    for (object, judged) in objects.iter().zip(&judged) {
        let name = &object["metadata"]["name"];
        assert_eq!(
            argo_cd::health(object),
            (judged.status.clone(), judged.message.clone()),
            "{name}"
        );
    }
    for word in ["Healthy", "Progressing", "Degraded", "Suspended"] {
        assert!(judged.iter().any(|judged| judged.status == word), "no object is {word}");
    }
}
