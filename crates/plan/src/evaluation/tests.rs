use super::*;
use crate::testing::*;
use speech_service::{Absent, ModelId, entity::Evaluation};
use std::sync::Arc;

const PAIR: [fn() -> ModelId; 2] = [|| custom_id(21), || custom_id(20)];

/// Evaluation `n` of model 21 against model 20 with dataset 5, made by object `uid` two minutes ago.
fn made(n: u128, uid: &str, status: Status) -> Evaluation {
    with(evaluation(n, PAIR.map(|model| model()), 5, [0.1, 0.1]), |e| {
        e.header.owner = Some(Arc::new(tag(uid, 2)));
        put_state(&mut e.header, status, at(NOW));
        e.header.created_at = at("2026-03-01T09:58:00Z");
    })
}

fn judging(verdict: GateVerdict) -> SpeechEndpoint {
    let dataset = id(5);
    let spec = format!(
        "model: {{ref: {{name: m}}}}\nswap: {{gate: {{evaluation: {{dataset: {dataset}, maxWordErrorRate: 0.1}}}}}}"
    );
    with(endpoint(&spec), |e| {
        let gate = serde_json::json!({
            "candidate": id(21).to_string(), "active": id(20).to_string(), "dataset": dataset.to_string(),
            "verdict": verdict.as_str(), "at": NOW
        });
        e.status = Some(serde_json::from_value(serde_json::json!({ "gate": gate })).unwrap());
    })
}

/// It serves model 20 and model 21 is to follow, but nothing was judged.
fn about_to_judge(candidate: u128) -> SpeechEndpoint {
    with(judging(GateVerdict::Pending), |e| {
        let status = e.status.as_mut().unwrap();
        status.gate = None;
        let model = |n| serde_json::json!({ "model": id(n).to_string(), "name": "m", "since": NOW });
        status.active = Some(serde_json::from_value(model(20)).unwrap());
        status.candidate = Some(serde_json::from_value(model(candidate)).unwrap());
    })
}

fn told(world: &World, endpoints: &[SpeechEndpoint]) -> Unneeded {
    unneeded(&world.view, CLUSTER, &Scope::default(), endpoints.iter(), world.now)
}

/// Its endpoint may be there, and wait for it: nobody here would see it.
#[test]
fn an_evaluation_of_a_namespace_that_is_not_looked_after_is_left_alone() {
    let world = World::new().evaluation(made(30, UID, Status::Succeeded));
    let owner = world
        .view
        .evaluations
        .iter()
        .find_map(|entry| entry.entity.header.owner.clone());
    let namespace = owner.unwrap().object.split_once('/').unwrap().0.to_owned();
    let goes = |scope: &Scope| {
        unneeded(&world.view, CLUSTER, scope, std::iter::empty(), world.now)
            .id
            .is_some()
    };
    assert!(goes(&Scope::of([namespace])));
    assert!(!goes(&Scope::of(["another".to_owned()])));
}

#[test]
fn an_evaluation_goes_when_it_has_ended_and_nobody_needs_it() {
    let world = |evaluation: Evaluation| World::new().evaluation(evaluation);
    let done = || made(30, UID, Status::Succeeded);
    let with_id = |verdict| {
        with(judging(verdict), |e| {
            e.status.as_mut().unwrap().gate.as_mut().unwrap().evaluation = Some(id(30));
        })
    };
    for (name, world, endpoints, goes) in [
        ("its object is gone", world(done()), vec![], true),
        ("it was judged", world(done()), vec![judging(GateVerdict::Fail)], true),
        (
            "it is waited for",
            world(done()),
            vec![judging(GateVerdict::Pending)],
            false,
        ),
        (
            "one of two still waits for it",
            world(done()),
            vec![judging(GateVerdict::Pass), judging(GateVerdict::Pending)],
            false,
        ),
        (
            "who waits for it is being deleted",
            world(done()),
            vec![judging(GateVerdict::Pending).deleted(NOW)],
            true,
        ),
        (
            "who waits for it has no gate any more",
            world(done()),
            vec![with(judging(GateVerdict::Pending), |e| e.spec.swap.gate = None)],
            true,
        ),
        (
            "it is about to be asked for",
            world(done()),
            vec![about_to_judge(21)],
            false,
        ),
        (
            "another model is to follow",
            world(done()),
            vec![about_to_judge(22)],
            true,
        ),
        (
            "another object shows another model's",
            world(with(done(), |e| e.model1 = custom_id(22))),
            vec![judging(GateVerdict::Pending)],
            true,
        ),
        ("it runs", world(made(30, UID, Status::Running)), vec![], false),
        (
            "it failed and was counted",
            world(made(30, UID, Status::Failed)),
            vec![with_id(GateVerdict::Error)],
            true,
        ),
        (
            "it failed and was not counted",
            world(made(30, UID, Status::Failed)),
            vec![with_id(GateVerdict::Pending)],
            false,
        ),
        (
            "it is another cluster's",
            World::new().evaluation(with(done(), |e| {
                e.header.owner = Some(Arc::new(speech_service::entity::OwnerTag {
                    cluster: "cluster-2".into(),
                    ..tag(UID, 2)
                }));
            })),
            vec![],
            false,
        ),
        (
            "it is a person's",
            world(with(done(), |e| e.header.owner = None)),
            vec![],
            false,
        ),
        (
            "its object is suspended",
            world(done()),
            vec![with(judging(GateVerdict::Pass), |e| e.spec.suspend = true)],
            false,
        ),
        (
            "it is too young",
            world(with(done(), |e| e.header.created_at = at("2026-03-01T09:58:01Z"))),
            vec![],
            false,
        ),
    ] {
        assert_eq!(told(&world, &endpoints).id, goes.then(|| id(30)), "{name}");
    }
}

#[test]
fn only_the_one_that_counts_is_kept_and_the_oldest_goes_first() {
    let world = World::new()
        .evaluation(with(made(30, UID, Status::Failed), |e| {
            e.header.created_at = at("2026-03-01T08:00:00Z")
        }))
        .evaluation(with(made(31, UID, Status::Succeeded), |e| {
            e.header.created_at = at("2026-03-01T09:00:00Z")
        }))
        .evaluation(made(32, "other", Status::Succeeded));
    let pair = Pair {
        candidate: custom_id(21),
        active: custom_id(20),
        dataset: id(5),
    };
    let counts = of_pair(&world.view, CLUSTER, pair).unwrap();
    assert_eq!(counts.entity.header.id, id(31));
    let waits = [judging(GateVerdict::Pending)];
    assert_eq!(told(&world, &waits).id, Some(id(30)));
    let mut world = world;
    world.view.evaluations.removed(&Absent::assumed(id(30)));
    assert_eq!(told(&world, &waits).id, Some(id(32)));
    world.view.evaluations.removed(&Absent::assumed(id(32)));
    assert_eq!(told(&world, &waits).id, None);
}

#[test]
fn when_time_decides_it_is_told_when() {
    let young = World::new().evaluation(with(made(30, UID, Status::Succeeded), |e| {
        e.header.created_at = at("2026-03-01T09:59:00Z");
    }));
    assert_eq!(told(&young, &[]).look_again, Some(at("2026-03-01T10:01:00Z")));
    let needed = told(&young, &[judging(GateVerdict::Pending)]);
    assert_eq!(needed.look_again, Some(at("2026-03-01T10:02:00Z")));
    assert_eq!(told(&World::new(), &[]), Unneeded::default());
}
