//! Models that somebody else makes.
use super::*;
use speech_service::entity::Status;

const NEWEST: &str = "source: {base: {}}";
const EXISTING: &str = "source: {existing: {id: 00000000-0000-0000-0000-000000000003}}";

fn existing(change: impl FnOnce(&mut speech_service::entity::CustomModel)) -> Case {
    Case::new(
        World::new().custom(with(custom_model(3, LATER), change)),
        model(EXISTING),
    )
}

#[test]
fn a_model_of_somebody_else_is_followed_and_never_changed() {
    let stalled = |reason: &str| format!("- | Ready=False {reason}, Stalled {reason}");
    check(vec![
        (
            "newest base model",
            Case::new(World::new(), model(NEWEST)),
            "- | Ready=True Synced",
        ),
        ("existing", existing(|_| ()), "- | Ready=True Synced"),
        (
            "existing, for batches",
            existing(|m| m.supports_endpoints = Some(false)),
            "- | Ready=True Synced",
        ),
        (
            "existing, expired",
            existing(|m| m.expires_at = Some(at(NOW))),
            &stalled("ModelExpired"),
        ),
        (
            "existing, failed",
            existing(|m| m.header.status = Status::Failed),
            &stalled("ModelFailed"),
        ),
        (
            "existing, of another locale",
            existing(|m| m.header.locale = "de-DE".into()),
            &stalled("LocaleMismatch"),
        ),
        (
            "existing, missing",
            Case::new(World::new(), model(EXISTING)),
            &stalled("ModelNotFound"),
        ),
        (
            "existing, running",
            existing(|m| m.header.status = Status::Running),
            "- | Ready=False ModelNotReady, Reconciling ModelNotReady",
        ),
        (
            "nothing",
            existing(|_| ()).with(|c| c.object.spec.source.existing = None),
            &stalled("SpecInvalid"),
        ),
        (
            "suspended",
            existing(|_| ()).with(|c| c.object.spec.suspend = true),
            "- | Ready=True Synced",
        ),
        (
            "no connection",
            existing(|_| ()).with(|c| c.world.link = Link::NotFound),
            &stalled("ConnectionNotFound"),
        ),
        (
            "lists not read yet",
            existing(|_| ()).with(|c| c.world.view = Default::default()),
            "- | Ready=False Connecting, Reconciling Connecting",
        ),
        (
            "no base model",
            Case::new(
                World::new().base(with(base_model(1, LATER), |m| m.supports_endpoints = Some(false))),
                model(NEWEST),
            ),
            &stalled("NoBaseModel"),
        ),
        (
            "no such base model",
            Case::new(
                World::new(),
                model("source: {base: {id: 00000000-0000-0000-0000-000000000009}}"),
            ),
            &stalled("BaseModelNotFound"),
        ),
    ]);
}

#[test]
fn a_newer_base_model_becomes_current_and_is_told() {
    let mut case = Case::new(World::new(), model(NEWEST));
    let first = case.show();
    let current = first.status.current.unwrap();
    assert_eq!((current.id, current.expires_at), (id(1), Some(at(LATER))));
    let dates = current.base_model.unwrap();
    assert_eq!(dates.adaptation_until, Some(at("2026-12-31T00:00:00Z")));
    assert_eq!(first.look_again, Some(at(LATER)));
    learn(&mut case.world.view.base_models, base_model(2, "2028-01-15T00:00:00Z"));
    let second = case.show();
    assert_eq!(second.status.current.unwrap().id, id(2));
    assert_eq!(second.notices.len(), 1);
    assert!(case.plan().notices.is_empty());
}

#[test]
fn an_expired_current_model_is_told() {
    let mut case = Case::new(
        World::new(),
        model("source: {base: {id: 00000000-0000-0000-0000-000000000001}}"),
    );
    case.show();
    case.world.now = at(LATER);
    assert_eq!(case.line(), "- | Ready=False ModelExpired, Stalled ModelExpired");
}
