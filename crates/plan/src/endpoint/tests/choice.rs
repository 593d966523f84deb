//! Which model is meant, and why it may not be had.
use super::*;
use speech_service::entity::{CustomModel, Status};

const BY_ID: &str = "model: {id: 00000000-0000-0000-0000-000000000003}";
const BY_REF: &str = "model: {ref: {name: m}}";

/// Custom model 3 after a change, wanted by its id.
fn by_id(change: impl FnOnce(&mut CustomModel)) -> Case {
    let world = World::new().custom(with(custom_model(3, LATER), change));
    Case::new(world, endpoint(BY_ID))
}

/// SpeechModel m, whose current revision is custom model 3.
fn by_ref() -> Case {
    Case::new(World::new().custom(custom_model(3, LATER)), endpoint(BY_REF))
        .with(|c| c.related.model = Some(model_with_current(3)))
}

fn stalled(reason: &str) -> String {
    format!("- | Ready=False {reason}, Stalled {reason}")
}

fn waits(reason: &str) -> String {
    format!("- | Ready=False {reason}, Reconciling {reason}")
}

const CREATES: &str = "announce 1 | Ready=False Creating, Reconciling Creating";

#[test]
fn a_model_by_id_has_to_be_deployable() {
    check(vec![
        ("good", by_id(|_| ()), CREATES),
        ("expiry unknown", by_id(|m| m.expires_at = None), CREATES),
        (
            "failed",
            by_id(|m| m.header.status = Status::Failed),
            &stalled("ModelFailed"),
        ),
        (
            "running",
            by_id(|m| m.header.status = Status::Running),
            &waits("ModelNotReady"),
        ),
        (
            "expired",
            by_id(|m| m.expires_at = Some(at(NOW))),
            &stalled("ModelExpired"),
        ),
        (
            "for batches only",
            by_id(|m| m.supports_endpoints = Some(false)),
            &stalled("ModelNotDeployable"),
        ),
        (
            "of another locale",
            by_id(|m| m.header.locale = "de-DE".into()),
            &stalled("LocaleMismatch"),
        ),
        ("missing", by_id(|m| m.header.id = id(4)), &stalled("ModelNotFound")),
        (
            "no id",
            by_id(|_| ()).with(|c| c.object.spec.model.id = Some("x".into())),
            &stalled("SpecInvalid"),
        ),
        (
            "nothing",
            by_id(|_| ()).with(|c| c.object.spec.model.id = None),
            &stalled("SpecInvalid"),
        ),
    ]);
}

#[test]
fn a_model_by_reference_has_to_belong_here() {
    check(vec![
        ("good", by_ref(), CREATES),
        (
            "missing",
            by_ref().with(|c| c.related.model = None),
            &stalled("ModelNotFound"),
        ),
        (
            "nothing current",
            by_ref().with(|c| c.related.model = Some(model("source: {base: {}}"))),
            &waits("ModelNotReady"),
        ),
        (
            "not listed",
            by_ref().with(|c| c.related.model = Some(model_with_current(9))),
            &waits("ModelNotReady"),
        ),
        (
            "of another locale",
            by_ref().with(|c| c.related.model.as_mut().unwrap().spec.locale = "de-DE".into()),
            &stalled("LocaleMismatch"),
        ),
        (
            "really of another locale",
            by_ref().with(|c| {
                learn(
                    &mut c.world.view.models,
                    with(custom_model(3, LATER), |m| m.header.locale = "de-DE".into()),
                )
            }),
            &stalled("LocaleMismatch"),
        ),
        (
            "of another connection",
            by_ref().with(|c| c.related.model.as_mut().unwrap().spec.connection_ref.name = "east".into()),
            &stalled("ModelOfOtherConnection"),
        ),
        (
            "of the same connection, spelled with its namespace",
            by_ref().with(|c| c.related.model.as_mut().unwrap().spec.connection_ref.namespace = Some("team".into())),
            CREATES,
        ),
        (
            "of a connection of the same name elsewhere",
            by_ref().with(|c| c.related.model.as_mut().unwrap().spec.connection_ref.namespace = Some("other".into())),
            &stalled("ModelOfOtherConnection"),
        ),
    ]);
}

#[test]
fn the_newest_base_model_is_the_newest_that_can_be_used() {
    let base = |id: &str| format!("model: {{base: {id}}}");
    let newest = |change: fn(&mut speech_service::entity::BaseModel)| {
        Case::new(
            World::new().base(with(base_model(2, LATER), change)),
            endpoint(&base("{}")).announces(1, NOW),
        )
        .with(|c| c.world.pass.announced = Some(1))
    };
    let taken = |n: u128| format!("create with {n} | Ready=False Creating, Reconciling Creating");
    check(vec![
        ("newer", newest(|_| ()), &taken(2)),
        ("newer, expired", newest(|m| m.expires_at = Some(at(NOW))), &taken(1)),
        (
            "newer, for batches",
            newest(|m| m.supports_endpoints = Some(false)),
            &taken(1),
        ),
        (
            "newer, not ready",
            newest(|m| m.header.status = Status::Running),
            &taken(1),
        ),
        (
            "newer, of another locale",
            newest(|m| m.header.locale = "de-DE".into()),
            &taken(1),
        ),
        (
            "older",
            newest(|m| m.header.created_at = at("2020-01-01T00:00:00Z")),
            &taken(1),
        ),
        (
            "none",
            Case::new(World::new(), endpoint(&base("{}"))).with(|c| {
                learn(
                    &mut c.world.view.base_models,
                    with(base_model(1, LATER), |m| m.header.locale = "de-DE".into()),
                );
            }),
            &stalled("NoBaseModel"),
        ),
        (
            "named, missing",
            Case::new(
                World::new(),
                endpoint(&base("{id: 00000000-0000-0000-0000-000000000009}")),
            ),
            &stalled("BaseModelNotFound"),
        ),
        (
            "named, of another locale",
            Case::new(
                World::new().base(with(base_model(2, LATER), |m| m.header.locale = "de-DE".into())),
                endpoint(&base("{id: 00000000-0000-0000-0000-000000000002}")),
            ),
            &stalled("LocaleMismatch"),
        ),
    ]);
}

#[test]
fn what_serves_is_left_for_nothing_while_no_list_says_until_when_it_is_valid() {
    let young = with(owned(remote(10, base_id(7)), 1), |e| e.header.last_action_at = at(NOW));
    let spec = "model: {base: {}}";
    let mut case = Case::of(World::new().remote(young), endpoint(spec));
    let waits = "- | Ready=True Serving, Reconciling ModelNotReady, ModelValid=Unknown ExpiryUnknown";
    assert_eq!(
        case.line(),
        waits,
        "the list of base models may be older than the endpoint"
    );
    let mut listed = Case::of(World::new().remote(owned(remote(10, base_id(7)), 1)), endpoint(spec));
    listed.world = listed.world.base(base_model(7, "2028-01-15T00:00:00Z"));
    assert_eq!(
        step(listed.plan().action.as_ref()),
        "-",
        "it lasts longer than what would follow it"
    );
    case.world.now = at("2026-03-01T10:02:00Z");
    assert_eq!(case.line(), waits, "no other list has come");
    case.world.sweep();
    let moves = case.plan();
    assert_eq!(
        step(moves.action.as_ref()),
        "update 10 model",
        "a younger list lacks it as well"
    );
}
