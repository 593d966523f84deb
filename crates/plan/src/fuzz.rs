//! Bad input from people: manifests, annotations and statuses, and windows, time zones and durations within them.
use super::{
    connection::{self, Contact},
    evaluation::Unneeded,
    lead_time::Durations,
    model,
    skew::Skew,
    testing::*,
};
use crate::FailureClass;
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use speech_api::{Reason, SpeechConnection, SpeechEndpoint, SpeechModel, SubjectStatus, annotation};
use speech_fuzz::{Garble, feed};
use speech_service::entity::Status;
use std::sync::LazyLock;

/// What etcd takes, less what else an object holds.
const LARGEST_STATUS: usize = 1 << 20;

/// Manifests that use every part of the API: the shipped samples, and what they lack.
static MANIFESTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let files = [
        include_str!("../../../deploy/samples/connection.yaml"),
        include_str!("../../../deploy/samples/endpoint-base.yaml"),
        include_str!("../../../deploy/samples/endpoint-observe.yaml"),
        include_str!("../../../deploy/samples/endpoint.yaml"),
        include_str!("../../../deploy/samples/model-base.yaml"),
        include_str!("../../../deploy/samples/model-trained.yaml"),
        include_str!("../../../deploy/demo/endpoint.yaml"),
        include_str!("../../../deploy/demo/model.yaml"),
    ];
    let mut all: Vec<Value> = files
        .into_iter()
        .flat_map(|text| serde_saphyr::from_multiple::<Value>(text).unwrap())
        .collect();
    let windows = json!([
        {"kind": "Allow", "days": ["Sat", "Sun"], "start": "01:00", "duration": "4h", "timeZone": "Europe/Berlin"},
        {"kind": "Deny", "from": "2026-12-20", "until": "2027-01-06", "timeZone": "America/New_York"},
        {"kind": "Allow", "start": "23:59", "duration": "7d", "from": "2028-02-29"},
    ]);
    let gate = json!({"evaluation": {"dataset": id(5).to_string(), "maxWordErrorRate": 0.2, "maxRegression": 0.1, "minWords": 10}, "onDeadline": "NewestBase"});
    for choice in [
        json!({"base": {}}),
        json!({"id": id(20).to_string()}),
        json!({"ref": {"name": "claims"}}),
        json!({"selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}]}}),
    ] {
        all.push(json!({"apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint", "metadata": {"name": "claims"}, "spec": {
            "connectionRef": {"name": "west"}, "locale": "en-US", "model": choice, "adopt": {"id": id(10).to_string()},
            "exportTo": {"configMap": {"name": "out"}}, "recreate": "WhenDeleted",
            "swap": {"policy": "BeforeExpiry", "before": "30d", "windows": windows, "gate": gate, "approval": "Required", "deadlineOverride": "24h"},
        }}));
    }
    all
});

/// The manifest of a kind with mistakes, as an object of the cluster: what the apiserver would not let pass comes through
/// here as well, for CRDs change and rules may be turned off.
fn manifest(kind: &str, garble: &mut Garble) -> Value {
    let of_kind: Vec<&Value> = MANIFESTS.iter().filter(|manifest| manifest["kind"] == kind).collect();
    let mut object = (*garble.pick(&of_kind)).clone();
    if garble.hits(0.8) {
        garble.lie(&mut object["spec"]);
    }
    for (key, value) in [
        ("namespace", json!("team")),
        ("uid", json!(UID)),
        ("generation", json!(1)),
    ] {
        object["metadata"][key] = value;
    }
    if garble.hits(0.5) {
        object["metadata"]["finalizers"] = json!(["customspeech.dev/remote-entity"]);
    }
    if garble.hits(0.15) {
        let when = *garble.pick(&["2026-03-01T09:50:00Z", "0001-01-01T00:00:00Z", "9999-12-30T22:00:00Z"]);
        object["metadata"]["deletionTimestamp"] = json!(when);
    }
    if garble.hits(0.6) {
        object["metadata"]["annotations"] = annotations(garble);
    }
    object
}

/// Annotations: everybody who may edit an object may write anything there.
fn annotations(garble: &mut Garble) -> Value {
    let intent = format!(r#"{{"attempt":1,"at":"2026-03-01T10:00:00Z","copyOf":"{}"}}"#, id(20));
    let ids = format!("{},{}", id(20), id(21));
    let mut written = serde_json::Map::new();
    for (key, usual) in [
        (annotation::CREATION_INTENT, intent.as_str()),
        (annotation::APPROVED_MODEL, &ids[..36]),
        (annotation::SWAP_NOW, &ids[37..]),
        (annotation::TRAIN_REVISION, "2"),
        (annotation::CLEAR_QUARANTINE, &ids),
        (annotation::RECONCILE_REQUESTED, "2026-03-01"),
        (annotation::RECONCILE_REQUESTED_FLUX, "now"),
    ] {
        match garble.below(4) {
            0 => drop(written.insert(key.to_owned(), json!(usual))),
            1 => drop(written.insert(key.to_owned(), json!(garble.mistake(usual)))),
            2 if garble.hits(0.3) => drop(written.insert(key.to_owned(), json!(garble.text()))),
            _ => {}
        }
    }
    Value::Object(written)
}

/// A world in which there is something to choose, and something wrong now and then.
fn world(garble: &mut Garble) -> World {
    let mut world = World::new()
        .base(base_model(2, "2026-07-15T00:00:00Z"))
        .custom(custom_model(20, "2026-04-15T00:00:00Z"))
        .custom(custom_model(
            21,
            garble.pick::<&str>(&[LATER, "9999-12-30T22:00:00Z", "0001-01-01T00:00:00Z", ""]),
        ))
        .custom(revision(22, 1, "f00d", Status::Succeeded))
        .custom(revision(
            23,
            2,
            "beef",
            garble
                .pick(&[Status::Running, Status::Failed, Status::Succeeded])
                .clone(),
        ))
        .dataset(dataset(5));
    if garble.hits(0.7) {
        let status = garble
            .pick(&[Status::Succeeded, Status::Running, Status::Failed])
            .clone();
        let endpoint = remote(10, *garble.pick(&[base_id(1), custom_id(20), custom_id(99)]));
        world = world.remote(in_state(
            if garble.hits(0.7) { owned(endpoint, 1) } else { endpoint },
            status,
        ));
    }
    if garble.hits(0.5) {
        world = world.evaluation(evaluation(30, [custom_id(21), custom_id(20)], 5, [0.1, 0.3]));
    }
    if garble.hits(0.8) {
        world.sweep();
    }
    if garble.hits(0.2) {
        world = world.link(*garble.pick(&[
            Link::NotFound,
            Link::NotAllowed,
            Link::NotReady {
                seen: true,
                usable: false,
            },
            Link::NotReady {
                seen: true,
                usable: true,
            },
        ]));
    }
    if garble.hits(0.2) {
        world = world.now(garble.pick::<&str>(&[
            "0001-01-01T00:00:00Z",
            "9999-12-30T20:00:00Z",
            "2026-04-14T23:59:59Z",
            "2028-02-29T00:00:00Z",
        ]));
    }
    if garble.hits(0.2) {
        let class = *garble.pick(&[FailureClass::Refused, FailureClass::Quota, FailureClass::Uncertain]);
        world = world.failed(garble.pick::<&str>(&["Create", "Update", "Train", "Export"]), class);
    }
    world
}

fn assert_status<S: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    status: &S,
    conditions: &[Condition],
    before: &[Condition],
    observed: i64,
) {
    let text = serde_json::to_string(status).unwrap();
    assert!(text.len() < LARGEST_STATUS, "a status of {} bytes", text.len());
    let again: S = serde_json::from_str(&text).unwrap();
    assert_eq!(
        serde_json::to_string(&again).unwrap(),
        text,
        "what is read back is what was written"
    );
    assert!(conditions.iter().all(|condition| condition.message.len() <= 5000));
    assert!(
        conditions
            .iter()
            .all(|condition| Reason::ALL.iter().any(|reason| reason.as_str() == condition.reason))
    );
    assert_lawful(before, conditions, 1, observed);
}

/// Plans an object; with what it said, and with mistakes in that, once more.
fn plan<K>(garble: &mut Garble, kind: &str, related: impl Fn(&mut Garble) -> K::Related)
where
    K: Kind<Status: Serialize + DeserializeOwned> + DeserializeOwned,
{
    let mut object = manifest(kind, garble);
    let world = world(garble);
    for _ in 0..3 {
        let Ok(parsed) = serde_json::from_value::<K>(object.clone()) else {
            return;
        };
        let mut plan = parsed.plan(&related(garble), world.around());
        let observed = *plan.status.fields_mut().observed_generation;
        let conditions = plan.status.conditions();
        assert_status(&plan.status, conditions, parsed.conditions(), observed);
        let again = plan.look_again;
        assert!(again.is_none_or(|again| again > world.now), "{again:?}");
        object["status"] = serde_json::to_value(&plan.status).unwrap();
        if garble.hits(0.5) {
            garble.lie(&mut object["status"]);
            // The apiserver keeps conditions whole.
            if let Some(status) = object["status"].as_object_mut() {
                status.insert("conditions".to_owned(), json!(conditions));
            }
        }
    }
}

fn plan_endpoint(garble: &mut Garble) {
    plan::<SpeechEndpoint>(garble, "SpeechEndpoint", |garble| {
        with(<SpeechEndpoint as Kind>::Related::default(), |related| {
            let chosen = garble.below(3);
            related.model = (chosen > 0).then(|| model_with_current(20));
            related.others.extend((chosen > 1).then(|| model_with_current(21)));
            related.holder = garble.hits(0.1).then_some("other/one");
            related.abandoned = garble.hits(0.1);
        })
    });
}

fn plan_model(garble: &mut Garble) {
    plan::<SpeechModel>(garble, "SpeechModel", |garble| {
        with(<SpeechModel as Kind>::Related::default(), |related| {
            related.source = match garble.below(4) {
                0 => Some(model::Source::NotFound("a/b".to_owned())),
                1 => Some(model::Source::NotAllowed("a/b".to_owned())),
                _ => None,
            };
        })
    });
}

fn plan_connection(garble: &mut Garble) {
    let object = manifest("SpeechConnection", garble);
    let Ok(object) = serde_json::from_value::<SpeechConnection>(object) else {
        return;
    };
    let contact = match garble.below(4) {
        0 => Contact::Pending,
        1 => Contact::Established(connection::Counts::default()),
        2 => Contact::Blocked(connection::Obstacle {
            cause: connection::Cause::SecretKeyInvalid,
            message: garble.text(),
        }),
        _ => Contact::Broken {
            reason: *garble.pick(Reason::ALL),
            message: garble.text(),
            transient: garble.hits(0.5),
            counts: None,
        },
    };
    let plan = connection::plan(&connection::Snapshot {
        object: &object,
        contact: &contact,
        recognised: garble.hits(0.5),
        dependents: connection::Dependents {
            count: garble.below(3),
            ..connection::Dependents::default()
        },
        last_key_until: garble.hits(0.5).then(|| world(garble).now),
        durations: &Durations::default(),
        skew: Skew::default().measured(SignedDuration::from_secs(
            i64::try_from(garble.below(1_000_000)).unwrap_or(0) - 500_000,
        )),
        throttled: garble.hits(0.5),
        sharing: &crate::connection::Sharing::default(),
        unneeded: Unneeded::default(),
        collect_from: None,
        held: None,
        resource: None,
        hands: super::Hands::Free,
        now: world(garble).now,
    });
    assert_status(
        &plan.status,
        &plan.status.conditions,
        &[],
        plan.status.observed_generation,
    );
    // Whether it may be used is asked with whatever stands there.
    let labels = [("a".to_owned(), garble.text())].into();
    let allowed = &object.spec.allowed_namespaces;
    connection::allows(allowed, "home", "guest", Some(&labels));
    assert!(!connection::allows(&Default::default(), "home", "guest", Some(&labels)));
    let _ = connection::Settings::of(&object.spec);
}

#[test]
fn no_manifest_of_an_endpoint_makes_the_planner_panic() {
    feed(
        "manifests of endpoints",
        4_000,
        || (),
        |(), garble| plan_endpoint(garble),
    );
}

#[test]
fn no_manifest_of_a_model_makes_the_planner_panic() {
    feed("manifests of models", 4_000, || (), |(), garble| plan_model(garble));
}

#[test]
fn no_manifest_of_a_connection_makes_the_planner_panic() {
    feed(
        "manifests of connections",
        10_000,
        || (),
        |(), garble| plan_connection(garble),
    );
}

#[test]
fn no_yaml_makes_the_parser_panic() {
    feed(
        "yaml",
        5_000,
        || (),
        |(), garble| {
            let manifest = serde_saphyr::to_string(garble.pick(&MANIFESTS)).unwrap();
            let text = if garble.hits(0.1) {
                garble.text()
            } else {
                garble.mistake(&manifest)
            };
            let _ = serde_saphyr::from_str::<SpeechEndpoint>(&text);
            let _ = serde_saphyr::from_str::<SpeechModel>(&text);
        },
    );
}
