//! A model whose object is new while its revisions are not: a restored backup, or a manifest that was applied again.
use super::*;
use speech_service::entity::{CustomModel, Status};
use std::sync::Arc;

/// A revision that a former object of the name has left behind.
fn left(n: u128, number: u32, uid: &str) -> CustomModel {
    with(revision(n, number, &print_of(TRAINING), Status::Succeeded), |m| {
        let owner = (**m.header.owner.as_ref().unwrap()).clone();
        m.header.owner = Some(Arc::new(with(owner, |tag| tag.uid = uid.into())));
    })
}

fn restored(world: World) -> Case {
    Case::new(world, model(TRAINING))
}

/// Shown once, and then two minutes later with lists read anew.
fn later(mut case: Case) -> Case {
    case.show();
    case.world.now = at("2026-03-01T10:02:00Z");
    case.world.sweep();
    case
}

fn two() -> World {
    World::new().custom(left(20, 1, "uid-0")).custom(left(21, 2, "uid-0"))
}

#[test]
fn revisions_of_a_former_object_are_taken_over_without_a_request() {
    let mut case = restored(two());
    assert_eq!(
        case.line(),
        "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation"
    );
    case = later(case);
    assert_eq!(case.line(), "claim | Ready=True Synced, Reconciling Training");
    case.object = case.object.claimed();
    let plan = case.show();
    let status = plan.status;
    assert_eq!(case.line(), "- | Ready=True Synced");
    assert_eq!(status.current.unwrap().id, id(21));
    assert_eq!(status.history[0].id, id(20));
    case.world.now = at("2026-03-02T10:00:00Z");
    assert_eq!(
        case.line(),
        "- | Ready=True Synced",
        "the status tells now what is ours"
    );
    case.edit("source: {training: {datasets: [00000000-0000-0000-0000-000000000033]}}");
    assert_eq!(step(case.plan().action.as_ref()), "announce 3", "numbers go on");
    case.edit(TRAINING);
    case.object = case.object.deleted("2026-03-02T10:00:00Z");
    assert_eq!(step(case.plan().action.as_ref()), "delete 20", "they were taken over");
}

#[test]
fn a_line_may_go_on_over_several_lives() {
    // Two former lives; of the number that both have the later one counts, and the other is nobody's.
    let world = two().custom(left(22, 2, "uid-00"));
    let mut case = later(restored(world));
    case.object = case.object.claimed();
    let status = case.show().status;
    assert_eq!(status.current.unwrap().id, id(22));
    assert_eq!(status.history.iter().map(|past| past.id).collect::<Vec<_>>(), [id(20)]);
    assert_eq!(
        step(case.plan().action.as_ref()),
        "-",
        "what is nobody's is not deleted"
    );
    let own = with(revision(23, 3, &print_of(TRAINING), Status::Succeeded), |m| {
        m.header.created_at = at(NOW);
    });
    learn(&mut case.world.view.models, own);
    let status = case.show().status;
    assert_eq!(status.current.unwrap().id, id(23));
    let past: Vec<_> = status.history.iter().map(|past| past.revision).collect();
    assert_eq!(past, [2, 1]);
}

#[test]
fn only_what_fits_is_taken_over() {
    let change = |change: fn(&mut CustomModel)| World::new().custom(with(left(20, 1, "uid-0"), change));
    for (name, world) in [
        (
            "of another cluster",
            change(|m| {
                let owner = (**m.header.owner.as_ref().unwrap()).clone();
                m.header.owner = Some(Arc::new(with(owner, |tag| tag.cluster = "far".into())));
            }),
        ),
        ("of another locale", change(|m| m.header.locale = "de-DE".into())),
        (
            "of another name",
            change(|m| m.header.owner = Some(Arc::new(with(tag("another", 1), |tag| tag.revision = Some(1))))),
        ),
    ] {
        let case = later(restored(world));
        assert_eq!(step(case.plan().action.as_ref()), "announce 1", "{name}");
    }
    let hands_off = later(restored(two()).with(|c| c.object.spec.suspend = true));
    let plan = hands_off.plan();
    assert_eq!(
        (step(plan.action.as_ref()).as_str(), plan.status.current.is_some()),
        ("-", true)
    );
}

#[test]
fn a_model_restored_into_another_cluster_asks_before_it_trains_again() {
    let far = with(left(20, 1, "uid-0"), |m| {
        let owner = (**m.header.owner.as_ref().unwrap()).clone();
        m.header.owner = Some(Arc::new(with(owner, |tag| tag.cluster = "far".into())));
    });
    let created = far.header.created_at.to_string();
    let mut case = restored(World::new().custom(far)).with(|c| {
        c.object = c.object.clone().announces(1, &created);
        c.object.metadata.creation_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(NOW)));
    });
    assert_eq!(case.line(), "- | Ready=False OwnedByAnother, Stalled OwnedByAnother");
    case.object.annotate("customspeech.dev/restored-from", "far");
    let case = later(case);
    assert_eq!(case.line(), "- | Ready=True Synced");
}
