use super::*;
use crate::sample;
use serde_json::{Value, json};
use speech_api::{SpeechEndpoint, SpeechModel};

fn now() -> Timestamp {
    sample::now()
}

fn letters() -> SpeechEndpoint {
    let sample = sample::objects();
    let is_it = |one: &SpeechEndpoint| one.metadata.name.as_deref() == Some("letters");
    sample.endpoints.into_iter().find(is_it).unwrap()
}

#[test]
fn the_list_is_the_planners_own_and_only_a_fact_is_ok() {
    let object = letters();
    let why = why(&Object::Endpoint(&object), now());
    let names: Vec<&str> = why.rules.iter().map(|link| link.rule).collect();
    let chain: Vec<&str> = endpoint::chain().into_iter().map(RuleName::as_str).collect();
    assert_eq!(names, chain);
    let deed = |rule: &str| why.rules.iter().find(|link| link.rule == rule).unwrap().deed;
    assert_eq!(deed("Choice"), Deed::Passed);
    assert_eq!(deed("Gate"), Deed::Passed);
    assert_eq!(deed("Approval"), Deed::Decided);
    assert_eq!(deed("Settled"), Deed::NotReached);
    let text = text(&why, Colours(false));
    insta::assert_snapshot!(text);
    assert!(crate::DOCUMENT.contains(&text));
}

#[test]
fn an_object_that_nobody_looked_at_has_no_list() {
    let mut object = letters();
    object.status = None;
    let why = why(&Object::Endpoint(&object), now());
    assert!(why.rules.is_empty());
    assert!(text(&why, Colours(false)).contains("the operator has not looked at it yet"));
}

#[test]
fn what_another_version_decided_is_told_without_a_list() {
    let mut object = letters();
    let status = object.status.as_mut().unwrap();
    status.decision = serde_json::from_value(json!({"rule": "Budget", "saw": {"Budget": "Spent"}})).unwrap();
    for condition in &mut status.conditions {
        condition.reason = "FromTheFuture".to_owned();
    }
    let why = why(&Object::Endpoint(&object), now());
    assert!(why.rules.is_empty());
    assert_eq!(why.reason, "FromTheFuture");
}

/// An endpoint or a model whose status has these conditions and members.
fn object<K: serde::de::DeserializeOwned>(kind: &str, spec: Value, conditions: &[[&str; 4]], status: Value) -> K {
    let condition = |[kind, truth, reason, message]: &[&str; 4]| {
        json!({
            "type": kind, "status": truth, "reason": reason, "message": message,
            "lastTransitionTime": "2026-03-01T10:00:00Z", "observedGeneration": 1,
        })
    };
    let mut object = json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": kind,
        "metadata": {"name": "x", "namespace": "shop", "generation": 1},
        "spec": {"connectionRef": {"name": "west"}, "locale": "en-US"},
        "status": {
            "observedGeneration": 1, "conditions": conditions.iter().map(condition).collect::<Vec<_>>(),
        },
    });
    for (part, more) in [("spec", spec), ("status", status)] {
        let members = more.as_object().unwrap().clone();
        object[part].as_object_mut().unwrap().extend(members);
    }
    serde_json::from_value(object).unwrap()
}

fn endpoint(spec: Value, conditions: &[[&str; 4]], status: Value) -> Why {
    let mut whole = json!({"id": "50000000-0000-4000-8000-000000000001", "active": {
        "model": "10000000-0000-4000-8000-000000000001", "name": "old", "since": "2026-03-01T10:00:00Z",
    }});
    let members = status.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(members);
    let object: SpeechEndpoint = object("SpeechEndpoint", spec, conditions, whole);
    why(&Object::Endpoint(&object), now())
}

fn model(conditions: &[[&str; 4]], status: Value) -> Why {
    let spec = json!({"source": {"training": {"datasets": ["10000000-0000-4000-8000-000000000009"]}}});
    let object: SpeechModel = object("SpeechModel", spec, conditions, status);
    why(&Object::Model(&object), now())
}

fn link<'a>(why: &'a Why, rule: &str) -> (Deed, &'a str) {
    let link = why.rules.iter().find(|link| link.rule == rule).unwrap();
    (link.deed, &link.says)
}

const SERVES: [&str; 4] = ["Ready", "True", "Serving", "model old serves"];

#[test]
fn what_a_rule_saw_is_printed_as_it_is() {
    let judged = json!({
        "candidate": "10000000-0000-4000-8000-000000000002", "active": "10000000-0000-4000-8000-000000000001",
        "dataset": "10000000-0000-4000-8000-000000000009", "verdict": "Pass", "message": "word error rate 0.082",
        "at": "2026-03-01T10:00:00Z",
    });
    let decision = json!({"rule": "Approval", "saw": {
        "Connection": "Works", "Gate": "Passed", "Approval": "ApprovalAwaited", "Date": "WindowClosed",
    }});
    let waits = ["Ready", "True", "ApprovalAwaited", "model old serves; model new waits"];
    let spec = json!({"model": {"base": {}}});
    let told = endpoint(spec, &[waits], json!({"gate": judged, "decision": decision}));
    assert_eq!(link(&told, "Connection"), (Deed::Passed, "the connection works: west"));
    assert_eq!(
        link(&told, "Gate"),
        (Deed::Passed, "the candidate passed: Pass: word error rate 0.082")
    );
    assert_eq!(
        link(&told, "Approval"),
        (Deed::Decided, "model old serves; model new waits")
    );
    assert_eq!(link(&told, "Date"), (Deed::Against, "WindowClosed"));
    assert_eq!(
        link(&told, "Owner"),
        (Deed::Unknown, ""),
        "it says nothing, so that it is not ok"
    );
    assert_eq!(link(&told, "Settled"), (Deed::NotReached, ""));
    assert_eq!(
        told.command.as_deref(),
        Some("kubectl speech approve endpoint/x -n shop")
    );
}

#[test]
fn a_risk_and_what_to_do_stand_before_all_else() {
    let risk = ["AtRisk", "True", "NoSuccessor", "nothing follows model old"];
    let told = endpoint(json!({"model": {"base": {}}}), &[SERVES, risk], json!({}));
    let text = text(&told, Colours(false));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "At risk: NoSuccessor: nothing follows model old");
    assert!(lines[2].starts_with("What to do: "), "{text}");
    assert!(
        lines[2].contains(Reason::NoSuccessor.meaning().split('.').next().unwrap()),
        "{text}"
    );
}

#[test]
fn what_has_expired_says_so_before_all_else() {
    let observed = ["Ready", "False", "BaseModelAnswers", "model old expired"];
    let expired = ["ModelValid", "False", "BaseModelAnswers", "model old expired"];
    let decision = json!({"rule": "Fitness", "saw": {"Fitness": "BaseModelAnswers", "Hands": "Observed"}});
    let spec = json!({
        "model": {"base": {}}, "managementPolicy": "Observe", "adopt": {"id": "50000000-0000-4000-8000-000000000001"},
    });
    let told = endpoint(spec, &[observed, expired], json!({"decision": decision}));
    assert_eq!(link(&told, "Fitness"), (Deed::Decided, "model old expired"));
    assert_eq!(link(&told, "Hands"), (Deed::Against, "Observed"));
    let text = text(&told, Colours(false));
    assert!(
        text.contains("Not valid: BaseModelAnswers: model old expired"),
        "{text}"
    );
}

#[test]
fn what_is_suspended_says_how_to_go_on() {
    let suspended = ["Ready", "True", "Suspended", "model old serves"];
    let decision = json!({"rule": "Hands", "saw": {"Hands": "Suspended"}});
    let spec = json!({"model": {"base": {}}, "suspend": true});
    let told = endpoint(spec, &[suspended], json!({"decision": decision}));
    assert_eq!(link(&told, "Hands").0, Deed::Decided);
    assert_eq!(
        told.command.as_deref(),
        Some("kubectl speech resume endpoint/x -n shop")
    );
}

#[test]
fn a_model_and_a_connection_have_lists_of_their_own() {
    let lacks = ["Stalled", "True", "DatasetNotFound", "dataset 1 does not exist"];
    let decision = json!({"rule": "Inputs", "saw": {"Inputs": "DatasetNotFound", "Connection": "Works"}});
    let told = model(&[lacks], json!({"decision": decision}));
    assert_eq!(link(&told, "Inputs"), (Deed::Decided, "dataset 1 does not exist"));
    assert_eq!(told.rules.len(), speech_plan::model::chain().len());
    let spec = json!({
        "endpoint": "https://westeurope.api.cognitive.microsoft.com", "auth": {"keySecretRef": {"name": "key"}},
    });
    let ready = ["Ready", "True", "Connected", "the Speech resource answers"];
    let whole = json!({"decision": {"rule": "Settled", "saw": {"Settled": "Connected"}}});
    let object: speech_api::SpeechConnection = object("SpeechConnection", spec, &[ready], whole);
    let told = why(&Object::Connection(&object), now());
    assert_eq!(link(&told, "Settled"), (Deed::Decided, "the Speech resource answers"));
}

#[test]
fn what_is_in_quarantine_is_named_with_its_reason() {
    let entry = json!({
        "model": "10000000-0000-4000-8000-000000000002", "name": "new", "reason": "GateFailed",
        "message": "word error rate 0.182", "at": "2026-03-01T10:00:00Z",
    });
    let decision = json!({"rule": "Choice", "saw": {"Choice": "Serving"}});
    let spec = json!({"model": {"base": {}}});
    let told = endpoint(spec, &[SERVES], json!({"quarantine": [entry], "decision": decision}));
    assert_eq!(link(&told, "Choice").0, Deed::Decided);
    assert!(text(&told, Colours(false)).contains("GateFailed since 2026-03-01T10:00:00Z: word error rate 0.182"));
}
