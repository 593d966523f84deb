//! Datasets are looked at before anything is trained.
use super::*;
use crate::{plan::List, speech::entity::Status, view::Shelf};

const TRAINS: &str = "announce 1 | Ready=False Training, Reconciling Training";

/// A first training with dataset 50 after a change.
fn first(change: impl FnOnce(&mut Dataset)) -> Case {
    Case::new(World::new(), model(TRAINING)).with(|c| learn(&mut c.world.view.datasets, with(text(50), change)))
}

fn gone(mut case: Case) -> Case {
    case.world.view.datasets.removed(id(50));
    case
}

#[test]
fn a_dataset_has_to_be_there_imported_and_fit() {
    let stalled = |reason: &str| format!("- | Ready=False {reason}, Stalled {reason}");
    let waits = |reason: &str| format!("- | Ready=False {reason}, Reconciling {reason}");
    check(vec![
        ("good", first(|_| ()), TRAINS),
        ("gone", gone(first(|_| ())), &stalled("DatasetNotFound")),
        (
            "being imported",
            first(|d| d.header.status = Status::Running),
            &waits("DatasetNotReady"),
        ),
        (
            "not imported",
            first(|d| put_state(&mut d.header, Status::Failed, at(NOW))),
            &stalled("DatasetNotReady"),
        ),
        (
            "of another locale",
            first(|d| d.header.locale = "de-DE".into()),
            &stalled("DatasetUnsuitable"),
        ),
        (
            "of another kind",
            first(|d| d.kind = "Acoustic".into()),
            &stalled("DatasetUnsuitable"),
        ),
        (
            "never seen",
            first(|_| ()).with(|c| c.world.view.datasets = Shelf::default()),
            &waits("Connecting"),
        ),
    ]);
    assert_eq!(
        gone(first(|_| ())).plan().awaits,
        Some(List::Datasets),
        "it heals when the dataset appears"
    );
}

#[test]
fn the_newest_base_model_that_serves_all_datasets_is_taken() {
    let newer = |kinds: &[&str]| {
        let kinds = kinds.iter().map(|kind| (*kind).into()).collect();
        let base = with(base_model(2, LATER), |m| m.supports_adaptations_with = kinds);
        let world = World::new().base(base).announced(1);
        Case::new(world, model(TRAINING).announces(1, NOW)).line()
    };
    let from = |n: u128| format!("train 1 from {n} | Ready=False Training, Reconciling Training");
    assert_eq!(newer(&["Acoustic", "Language"]), from(2));
    assert_eq!(newer(&["Acoustic"]), from(1), "the newest does not serve text");
}

#[test]
fn a_renewal_that_cannot_begin_leaves_what_is_current_alone() {
    let made = with(revision(20, 1, &print_of(TRAINING), Status::Succeeded), |m| {
        m.header.created_at = at("2025-06-01T00:00:00Z");
        m.expires_at = Some(at("2026-04-15T00:00:00Z"));
    });
    let due = Case::of(World::new().custom(made), TRAINING);
    assert!(due.line().starts_with("announce 2 | "), "{}", due.line());
    assert_eq!(gone(due).line(), "- | Ready=True Synced, AtRisk=True DatasetNotFound");
}
