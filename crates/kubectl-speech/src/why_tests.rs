use super::*;
use crate::sample;
use kube::ResourceExt;
use serde_json::{Value, json};
use speech_api::{SpeechEndpoint, SpeechModel};
use speech_fleet::fleet::connection;

fn now() -> Timestamp {
    sample::now()
}

fn letters() -> SpeechEndpoint {
    let sample = sample::objects();
    let is_it = |one: &SpeechEndpoint| one.metadata.name.as_deref() == Some("letters");
    sample.endpoints.into_iter().find(is_it).unwrap()
}

#[test]
fn rules_before_the_one_that_decided_pass_by_a_fact_only_and_those_behind_it_were_not_asked() {
    let object = letters();
    let why = why(&Object::Endpoint(&object), &Objects::default(), now());
    let deed = |rule: &str| why.rules.iter().find(|link| link.rule == rule).unwrap().deed;
    assert_eq!(deed("Choice"), Deed::Passed);
    assert_eq!(deed("Gate"), Deed::Passed);
    assert_eq!(deed("Approval"), Deed::Decided);
    assert_eq!(deed("Date"), Deed::NotReached);
    assert_eq!(why.rules.len(), Rule::OF_ENDPOINT.len());
    let text = text(&why, Colours(false));
    insta::assert_snapshot!(text);
    assert!(crate::DOCUMENT.contains(&text));
}

#[test]
fn what_goes_away_under_an_object_is_told_beside_what_works() {
    let mut objects = sample::objects();
    let object = letters();
    let path = connection(&object.spec.connection_ref, &object.namespace().unwrap_or_default());
    let (_, name) = path.split_once('/').unwrap();
    let says = |objects: &Objects| {
        let why = why(&Object::Endpoint(&object), objects, now());
        let of = |rule: &str| why.rules.iter().find(|link| link.rule == rule).unwrap().says.clone();
        of("Connection")
    };
    assert!(says(&objects).ends_with(&format!("{name} works")), "{}", says(&objects));
    for one in &mut objects.connections {
        one.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
            Timestamp::UNIX_EPOCH,
        ));
    }
    assert!(says(&objects).contains("but is being deleted"), "{}", says(&objects));
}

#[test]
fn an_object_that_nobody_looked_at_has_no_chain() {
    let mut object = letters();
    object.status = None;
    let why = why(&Object::Endpoint(&object), &Objects::default(), now());
    assert!(why.rules.is_empty());
    assert!(text(&why, Colours(false)).contains("the operator has not looked at it yet"));
}

#[test]
fn a_reason_of_another_version_is_told_without_a_chain() {
    let mut object = letters();
    for condition in &mut object.status.as_mut().unwrap().conditions {
        condition.reason = "FromTheFuture".to_owned();
    }
    let why = why(&Object::Endpoint(&object), &Objects::default(), now());
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
    why(&Object::Endpoint(&object), &Objects::default(), now())
}

fn model(conditions: &[[&str; 4]], status: Value) -> Why {
    let spec = json!({"source": {"training": {"datasets": ["10000000-0000-4000-8000-000000000009"]}}});
    let object: SpeechModel = object("SpeechModel", spec, conditions, status);
    why(&Object::Model(&object), &Objects::default(), now())
}

fn link<'a>(why: &'a Why, rule: &str) -> (Deed, &'a str) {
    let link = why.rules.iter().find(|link| link.rule == rule).unwrap();
    (link.deed, &link.says)
}

const SERVES: [&str; 4] = ["Ready", "True", "Serving", "model old serves"];

#[test]
fn a_gate_that_refused_the_candidate_is_no_rule_that_passed() {
    let gate = json!({"evaluation": {"dataset": "10000000-0000-4000-8000-000000000009", "maxWordErrorRate": 0.15}});
    let judged = json!({
        "candidate": "10000000-0000-4000-8000-000000000002", "active": "10000000-0000-4000-8000-000000000001",
        "dataset": "10000000-0000-4000-8000-000000000009", "verdict": "Fail", "message": "word error rate 0.182",
        "at": "2026-03-01T10:00:00Z",
    });
    let spec = json!({"model": {"base": {}}, "swap": {"gate": gate}});
    let told = endpoint(spec, &[SERVES], json!({"gate": judged}));
    assert_eq!(link(&told, "Gate"), (Deed::Against, "Fail: word error rate 0.182"));
    assert_eq!(link(&told, "Settled").0, Deed::Decided);
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
fn what_has_expired_and_is_only_observed_is_neither_fit_nor_changeable() {
    let observed = ["Ready", "True", "Observed", "model old serves"];
    let expired = ["ModelValid", "False", "BaseModelAnswers", "model old expired"];
    let spec = json!({
        "model": {"base": {}}, "managementPolicy": "Observe", "adopt": {"id": "50000000-0000-4000-8000-000000000001"},
    });
    let told = endpoint(spec, &[observed, expired], json!({}));
    assert_eq!(link(&told, "Fitness"), (Deed::Against, "model old expired"));
    let (deed, says) = link(&told, "Hands");
    assert_eq!(deed, Deed::Decided);
    assert!(says.starts_with("no, managementPolicy is Observe"), "{says}");
    let text = text(&told, Colours(false));
    assert!(
        text.contains("Not valid: BaseModelAnswers: model old expired"),
        "{text}"
    );
}

#[test]
fn what_is_suspended_says_so_and_how_to_go_on() {
    let suspended = ["Ready", "True", "Suspended", "model old serves"];
    let told = endpoint(json!({"model": {"base": {}}, "suspend": true}), &[suspended], json!({}));
    assert_eq!(
        link(&told, "Hands"),
        (Deed::Decided, "no, spec.suspend is true; model old serves")
    );
    assert_eq!(
        told.command.as_deref(),
        Some("kubectl speech resume endpoint/x -n shop")
    );
}

#[test]
fn what_does_not_exist_yet_is_neither_there_nor_fit() {
    let lacks = ["Stalled", "True", "DatasetNotFound", "dataset 1 does not exist"];
    let told = model(&[lacks], json!({}));
    assert_eq!(link(&told, "Entity"), (Deed::Unknown, ""));
    assert_eq!(link(&told, "Fitness"), (Deed::Unknown, ""));
    assert_eq!(link(&told, "Inputs"), (Deed::Decided, "dataset 1 does not exist"));
}

#[test]
fn what_a_training_lacks_is_told_while_the_current_revision_is_well() {
    let plan = json!([{
        "action": "Train", "at": "2026-04-01T00:00:00Z", "reason": "BeforeExpiry",
        "blockedBy": ["the Speech resource has no base model for en-US"],
    }]);
    let told = model(
        &[["Ready", "True", "Synced", "revision 1 is current"]],
        json!({"plan": plan}),
    );
    let lacks = "the Speech resource has no base model for en-US";
    assert_eq!(link(&told, "Inputs"), (Deed::Against, lacks));
}

#[test]
fn a_model_that_serves_though_it_is_excluded_is_told() {
    let spec = json!({"model": {"base": {}, "exclude": ["10000000-0000-4000-8000-000000000001"]}});
    let told = endpoint(spec, &[SERVES], json!({}));
    let (deed, says) = link(&told, "Choice");
    assert_eq!(deed, Deed::Against);
    assert!(
        says.contains("old") && says.ends_with("though spec.model.exclude names it"),
        "{says}"
    );
}
