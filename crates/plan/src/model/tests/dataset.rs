//! What a training needs is told before anything is trained.
use super::*;
use speech_api::{Reason, condition};
use speech_service::{
    Absent,
    entity::{BaseModel, Status},
};

/// Dataset 50 in another state.
fn changed(change: impl FnOnce(&mut speech_service::entity::Dataset)) -> World {
    let text = with(dataset(50), |one| one.kind = "Language".into());
    World::new().dataset(with(text, change))
}

fn without_dataset() -> World {
    let mut world = World::new();
    world.view.datasets.removed(&Absent::assumed(id(50)));
    world
}

fn older_for_audio(n: u128) -> BaseModel {
    with(base_model(n, LATER), |m| {
        m.header.created_at = at("2025-12-01T00:00:00Z");
        m.supports_adaptations_with = Box::from(["Language".into(), "Acoustic".into()]);
    })
}

#[test]
fn a_first_training_waits_for_datasets_that_can_be_used() {
    let first = |world: World| Case::new(world, model(TRAINING));
    let stalled = |reason: &str| format!("- | Ready=False {reason}, Stalled {reason}");
    let working = |reason: &str| format!("- | Ready=False {reason}, Reconciling {reason}");
    check(vec![
        ("gone", first(without_dataset()), &stalled("DatasetNotFound")),
        (
            "in no list, which proves nothing",
            first(World::new()).with(|c| {
                c.world.view.datasets = Default::default();
                c.world.sweep();
            }),
            &working("DatasetNotReady"),
        ),
        (
            "being imported",
            first(changed(|one| one.header.status = Status::Running)),
            &working("DatasetNotReady"),
        ),
        (
            "not imported",
            first(changed(|one| put_state(&mut one.header, Status::Failed, at(NOW)))),
            &stalled("DatasetNotReady"),
        ),
        (
            "of another locale",
            first(changed(|one| one.header.locale = "de-DE".into())),
            &stalled("DatasetUnsuitable"),
        ),
        (
            "of another kind",
            first(changed(|one| one.kind = "Acoustic".into())),
            &stalled("DatasetUnsuitable"),
        ),
        (
            "never read",
            first(World::new()).with(|c| c.world.view.datasets = Default::default()),
            &working("Connecting"),
        ),
        (
            "in order",
            first(World::new()),
            "announce 1 | Ready=False Training, Reconciling Training",
        ),
    ]);
    let told = first(changed(|one| one.kind = "Acoustic".into())).plan();
    assert_eq!(
        told.status.conditions[0].message,
        "spec.source.training.datasets are of kind Acoustic, but base model remote-1 can be trained with Language only"
    );
}

#[test]
fn the_newest_base_model_that_serves_all_kinds_is_trained_from() {
    let audio = || changed(|one| one.kind = "Acoustic".into()).base(older_for_audio(2));
    let case = Case::new(audio(), model(TRAINING).announces(1, NOW)).with(|c| c.world.pass.announced = Some(1));
    assert_eq!(
        case.line(),
        "train 1 from 2 | Ready=False Training, Reconciling Training"
    );
}

#[test]
fn a_dataset_that_vanishes_leaves_the_current_revision_alone_and_is_told_at_once() {
    let mut case = Case::declared(
        World::new().custom(revision(20, 1, &print_of(TRAINING), Status::Succeeded)),
        TRAINING,
    );
    assert_eq!(case.line(), "- | Ready=True Synced");
    case.world.view.datasets.removed(&Absent::assumed(id(50)));
    assert_eq!(case.line(), "- | Ready=True Synced, AtRisk=True DatasetNotFound");
    let plan = case.show().status.plan;
    let steps: Vec<_> = plan
        .iter()
        .map(|step| (step.action.as_str(), step.reason.as_str()))
        .collect();
    assert_eq!(steps, [("Train", "BeforeExpiry"), ("Expire", "DatasetNotFound")]);
    assert_eq!(plan[0].blocked_by.len(), 1);
    case.world.now = at("2027-01-14T00:00:00Z");
    assert_eq!(
        case.line(),
        "- | Ready=True Synced, AtRisk=True DatasetNotFound",
        "also when it is due"
    );
    case.world.view.datasets = World::new().view.datasets;
    case.world.view.base_models = World::new()
        .base(with(base_model(2, LATER), |m| m.adaptation_until = None))
        .view
        .base_models;
    assert_eq!(case.line().split(" | ").next(), Some("announce 2"), "it heals");
}

#[test]
fn a_pinned_base_model_is_told_ninety_days_ahead() {
    let text = format!(
        "source: {{training: {{datasets: [{}], baseModel: {{id: {}}}}}}}",
        id(50),
        id(1)
    );
    let case = |now: &str| {
        let mut case = Case::declared(
            World::new()
                .base(with(base_model(1, LATER), |m| {
                    m.adaptation_until = Some(at("2026-09-01T00:00:00Z"))
                }))
                .custom(revision(20, 1, &print_of(&text), Status::Succeeded)),
            &text,
        );
        case.world.now = at(now);
        case
    };
    let early = case("2026-03-01T00:00:00Z");
    assert_eq!(early.line(), "- | Ready=True Synced");
    let plan = early.plan();
    assert_eq!(plan.look_again, Some(at("2026-06-03T00:00:00Z")));
    assert_eq!(plan.status.plan[1].reason, "BaseModelNotTrainable");
    for now in ["2026-06-03T00:00:00Z", "2026-09-02T00:00:00Z", "2027-01-14T00:00:00Z"] {
        assert_eq!(
            case(now).line(),
            "- | Ready=True Synced, AtRisk=True BaseModelNotTrainable",
            "{now}"
        );
    }
    let risk = case("2026-06-03T00:00:00Z").plan().status;
    let risk = condition::find(&risk.conditions, condition::AT_RISK).unwrap();
    assert!(risk.message.contains("2026-09-01 00:00 UTC"), "{}", risk.message);
    assert_eq!(risk.reason, Reason::BaseModelNotTrainable.as_str());
}
