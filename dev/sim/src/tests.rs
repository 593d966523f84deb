//! Whole simulations: small ones of every kind, and what the laws notice.
use super::{
    Habits, Setting,
    cluster::{Cluster, Key},
    fleet::{Draft, EndpointDraft, Manifests, ModelDraft, Source, SwapDraft, WINDOWS},
    law::{self, Laws},
    region::{Region, Span},
    report::Report,
    run, world,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use proptest::prelude::*;
use serde_json::{Value, json};
use speech_api::condition;
use speech_emulator::{Emulator, Seed};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_report_on_any_number_of_threads() {
    let report = |seed, threads| run(&Setting::new(60, 1, seed), threads).unwrap();
    let first = report(7, 1);
    assert_eq!(first.violations, []);
    assert_eq!(first.to_string(), report(7, 2).to_string());
    assert_ne!(first.to_string(), report(8, 2).to_string());
    assert!(first.swaps > 0 && first.tally.trainings > 0 && first.tally.failures > 0);
    assert_eq!((first.expired, first.quarter_days, first.endpoints), (0, 4, 60));
}

fn hours(most: i64) -> impl Strategy<Value = SignedDuration> {
    (0..most).prop_map(SignedDuration::from_hours)
}

fn model() -> impl Strategy<Value = ModelDraft> {
    let source = prop_oneof![Just(Source::Training), Just(Source::Base)];
    let edits = prop::collection::vec(hours(9_000), 0..3);
    (0..3_usize, source, 30..400_u32, any::<bool>(), 0..3, hours(500), edits).prop_map(
        |(locale, source, renew_days, on_new_base, history, applied, edits)| ModelDraft {
            locale,
            source,
            renew_days,
            on_new_base,
            history,
            applied,
            edits,
        },
    )
}

fn swap() -> impl Strategy<Value = SwapDraft> {
    let hours = prop_oneof![Just(0_u32), 1..200_u32];
    let gate = prop::option::of(0..3_usize);
    (
        any::<bool>(),
        0..3_usize,
        9..120_u32,
        0..WINDOWS,
        hours,
        gate,
        any::<bool>(),
    )
        .prop_map(
            |(by_label, policy, before_days, windows, override_hours, gate, approval)| SwapDraft {
                by_label,
                policy,
                before_days,
                windows,
                override_hours,
                gate,
                approval,
            },
        )
}

fn endpoint() -> impl Strategy<Value = EndpointDraft> {
    (prop::option::of(0..2_usize), 0..3_usize, hours(2_000), swap()).prop_map(|(model, locale, applied, swap)| {
        EndpointDraft {
            model,
            locale,
            applied,
            swap,
        }
    })
}

fn draft() -> impl Strategy<Value = Draft> {
    let models = prop::collection::vec(model(), 1..3);
    (models, prop::collection::vec(endpoint(), 1..7)).prop_map(|(models, mut endpoints)| {
        for endpoint in &mut endpoints {
            endpoint.model = endpoint.model.map(|model| model % models.len());
        }
        Draft { models, endpoints }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_small_fleet_ever_breaks_a_promise(
        seed in any::<u64>(),
        // Where nothing can be done for years it is tried for years, which a debug build takes minutes for.
        days in 30..400_i64,
        failed_requests in prop_oneof![Just(0.0), 0.0..0.3],
        draft in draft(),
    ) {
        let span = Span { start: at("2027-01-14T00:00:00Z"), days };
        let habits = Habits { failed_requests, ..Habits::default() };
        let report = Region::begin(seed, seed, span, draft, habits).unwrap().run();
        prop_assert_eq!(&report.violations, &vec![], "{}", report);
    }
}

/// A service that holds what is given, and laws that have not seen anything.
fn truth(resource: Value) -> (Emulator, Laws, Report) {
    let mut resource = resource;
    resource["key1"] = json!("k");
    let seed = json!({ "now": "2027-03-01T00:00:00Z", "rate": 0.0, "resources": { "west": resource } });
    let emulator = Emulator::new(Seed::parse(&seed.to_string()).unwrap());
    (emulator, Laws::default(), Report::default())
}

/// A cluster in which nothing is applied.
fn nobody(now: Timestamp) -> Cluster {
    Manifests::new(0, Draft::default()).cluster(now).unwrap()
}

fn id(n: u128) -> String {
    uuid::Uuid::from_u128(n).to_string()
}

fn trained(n: u128, uid: &str, attempt: u32, ends: &str) -> Value {
    json!({
        "id": id(n), "displayName": "m", "locale": "en-US", "transcriptionDateTime": ends,
        "createdDateTime": "2026-01-01T00:00:00Z",
        "customProperties": {
            "customspeech.dev/uid": uid, "customspeech.dev/attempt": attempt.to_string(),
            "customspeech.dev/cluster": super::cluster::UID,
        },
    })
}

fn serving(n: u128, uid: &str, model: u128) -> Value {
    let mut endpoint = trained(n, uid, 1, "");
    endpoint.as_object_mut().unwrap().remove("transcriptionDateTime");
    endpoint["model"] = json!(format!("models/{}", id(model)));
    endpoint
}

fn said(report: &Report) -> Vec<&str> {
    report
        .violations
        .iter()
        .map(|violation| violation.what.as_str())
        .collect()
}

const EARLY: &str = "2027-07-15T00:00:00Z";
const LATE: &str = "2028-01-15T00:00:00Z";

#[test]
fn two_entities_of_one_attempt_are_noticed() {
    let now = at("2027-03-01T00:00:00Z");
    let models = [trained(1, "u", 1, EARLY), trained(2, "u", 2, EARLY)];
    let (emulator, mut laws, mut report) = truth(json!({ "models": models }));
    laws.audit(&mut report, &emulator, &nobody(now), now);
    assert_eq!(said(&report), [""; 0]);
    let models = [trained(1, "u", 1, EARLY), trained(2, "u", 1, EARLY)];
    let (emulator, mut laws, mut report) = truth(json!({ "models": models }));
    laws.audit(&mut report, &emulator, &nobody(now), now);
    assert_eq!(said(&report), ["two remote entities of u by attempt 1"]);
}

#[test]
fn what_only_stood_in_may_make_way_for_what_expires_earlier() {
    let now = at("2027-03-01T00:00:00Z");
    let swap = |gate| SwapDraft {
        gate: Some(gate),
        ..SwapDraft::default()
    };
    let drafted = |gate| EndpointDraft {
        model: None,
        locale: 0,
        applied: SignedDuration::ZERO,
        swap: swap(gate),
    };
    for (gate, interim, broken) in [(2, true, 0), (2, false, 1), (0, true, 1)] {
        let manifests = Manifests::new(
            0,
            Draft {
                models: Vec::new(),
                endpoints: vec![drafted(gate)],
            },
        );
        let mut cluster = manifests.cluster(now).unwrap();
        let mut object = manifests.endpoint(0, now).unwrap();
        let uid = object.metadata.uid.clone().unwrap();
        object.status = serde_json::from_value(json!({ "active": {
            "model": id(2), "name": "base", "base": true, "interim": interim, "since": "2027-02-01T00:00:00Z",
        } }))
        .unwrap();
        cluster.endpoints[0] = Some(object);
        let models = [trained(1, "m", 1, EARLY), trained(2, "m", 2, LATE)];
        let served = |model| truth(json!({ "models": models, "endpoints": [serving(9, &uid, model)] }));
        let (emulator, mut laws, mut report) = served(2);
        laws.audit(&mut report, &emulator, &cluster, now);
        laws.audit(&mut report, &served(1).0, &cluster, now);
        assert_eq!(report.violations.len(), broken, "{gate} {interim}");
    }
}

#[test]
fn a_swap_to_a_model_that_expires_earlier_is_noticed() {
    let now = at("2027-03-01T00:00:00Z");
    let models = [trained(1, "m", 1, EARLY), trained(2, "m", 2, LATE)];
    let served = |model| truth(json!({ "models": models, "endpoints": [serving(9, "e", model)] }));
    for (before, after, swaps, broken) in [(1, 2, 1, 0), (2, 2, 0, 0), (2, 1, 1, 1)] {
        let (emulator, mut laws, mut report) = served(before);
        laws.audit(&mut report, &emulator, &nobody(now), now);
        laws.audit(&mut report, &served(after).0, &nobody(now), now);
        assert_eq!(
            (report.swaps, report.violations.len()),
            (swaps, broken),
            "{before} to {after}"
        );
    }
}

#[test]
fn an_expired_model_that_serves_is_noticed_where_another_could_be_had() {
    let draft = Draft {
        models: vec![ModelDraft {
            locale: 0,
            source: Source::Training,
            renew_days: 90,
            on_new_base: false,
            history: 1,
            applied: SignedDuration::ZERO,
            edits: Vec::new(),
        }],
        endpoints: vec![EndpointDraft {
            model: Some(0),
            locale: 0,
            applied: SignedDuration::ZERO,
            swap: SwapDraft::default(),
        }],
    };
    let start = at("2027-03-01T00:00:00Z");
    let manifests = Manifests::new(1, draft);
    let mut cluster = manifests.cluster(start).unwrap();
    cluster.models[0] = manifests.model(0, start);
    cluster.endpoints[0] = manifests.endpoint(0, start);
    let uid = |key| cluster.by_uid.iter().find(|(_, of)| **of == key).unwrap().0.as_str();
    let (model, endpoint) = (uid(Key::Model(0)), uid(Key::Endpoint(0)));
    let only = vec![trained(1, model, 1, EARLY)];
    let both = vec![trained(1, model, 1, EARLY), trained(2, model, 2, LATE)];
    for (models, when, expired, broken) in [
        (&both, "2027-07-14T23:59:59Z", 0, 0),
        (&only, EARLY, 1, 0),
        (&both, EARLY, 1, 1),
    ] {
        let (emulator, mut laws, mut report) =
            truth(json!({ "models": models, "endpoints": [serving(9, endpoint, 1)] }));
        emulator.stand_at(at(when));
        laws.expire(&mut report, &emulator, &cluster, |_| false, at(when));
        laws.expire(&mut report, &emulator, &cluster, |_| false, at(when));
        assert_eq!((report.expired, report.violations.len()), (expired, broken), "{when}");
    }
}

#[test]
fn what_is_left_in_the_end_is_noticed() {
    let start = at("2027-03-01T00:00:00Z");
    let draft = Draft {
        models: Vec::new(),
        endpoints: vec![EndpointDraft {
            model: None,
            locale: 0,
            applied: SignedDuration::ZERO,
            swap: SwapDraft::default(),
        }],
    };
    let manifests = Manifests::new(1, draft);
    let mut cluster = manifests.cluster(start).unwrap();
    cluster.endpoints[0] = manifests.endpoint(0, start);
    let (emulator, _, mut report) = truth(json!({
        "models": [trained(1, "m", 1, EARLY)], "endpoints": [serving(9, "e", 1)]
    }));
    Laws::default().close(&mut report, &emulator, &cluster, start);
    let expected = [
        "was deleted and never let go".to_owned(),
        format!("endpoint {} is left without an object", id(9)),
        format!("model {} is left without an object", id(1)),
    ];
    assert_eq!(said(&report), expected);
}

#[test]
fn an_object_that_waits_for_nothing_is_noticed() {
    let now = at("2027-03-01T00:00:00Z");
    let condition = |kind: &str, status: &str, reason: &str| Condition {
        type_: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: String::new(),
        last_transition_time: Time(now),
        observed_generation: Some(1),
    };
    let ready = condition(condition::READY, "True", "Serving");
    let unready = condition(condition::READY, "False", "Retrying");
    let working = condition(condition::RECONCILING, "True", "Retrying");
    let waiting = condition(condition::RECONCILING, "True", "ModelNotReady");
    let stalled = condition(condition::STALLED, "True", "Refused");
    for (conditions, look_again, awaits, fine) in [
        (vec![ready.clone()], None, false, true),
        (vec![unready.clone()], Some(now), true, false),
        (vec![unready.clone(), working.clone()], None, false, false),
        (vec![unready.clone(), working.clone()], Some(now), false, true),
        (vec![unready.clone(), working.clone()], None, true, true),
        (vec![unready.clone(), waiting], None, false, true),
        (vec![unready, stalled], None, false, true),
        (vec![ready, working], None, false, false),
    ] {
        let told = law::presentation(&conditions, look_again, awaits);
        assert_eq!(told.is_none(), fine, "{conditions:?} {look_again:?} {awaits}: {told:?}");
    }
}

#[test]
fn a_hot_loop_is_noticed() {
    let (mut laws, mut report) = (Laws::default(), Report::default());
    for minute in 0..200 {
        laws.passed(
            &mut report,
            Key::Model(0),
            at(EARLY) + SignedDuration::from_mins(minute),
        );
    }
    assert_eq!(said(&report), [""; 0]);
    for _ in 0..200 {
        laws.passed(&mut report, Key::Model(0), at(EARLY));
    }
    assert_eq!(said(&report), ["looked at 25 times in one moment"]);
}

#[test]
fn what_fails_again_and_again_without_a_pause_is_noticed() {
    let (mut laws, mut report) = (Laws::default(), Report::default());
    for number in 0..200 {
        let after = SignedDuration::from_mins(15) * number;
        laws.failed(&mut report, Key::Model(0), "Delete", at(EARLY) + after);
    }
    assert_eq!(said(&report), [""; 0]);
    for number in 0..41 {
        let after = SignedDuration::from_hours(100) + SignedDuration::from_secs(number);
        laws.failed(&mut report, Key::Model(0), "Delete", at(EARLY) + after);
    }
    assert_eq!(said(&report), ["Delete failed more than 40 times within an hour"]);
}

#[test]
fn base_models_appear_all_the_time_and_every_locale_can_be_trained() {
    let start = at("2027-01-14T00:00:00Z");
    for seed in 0..50 {
        let world = world::begin(seed, start, 1_100).unwrap();
        assert!(world.appearances.len() >= 3 * 1_100 / 160, "{seed}");
        assert!(world.appearances.is_sorted());
    }
}
