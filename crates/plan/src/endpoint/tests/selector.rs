//! The choice among several SpeechModels, exclusions, and what is told when nothing can be chosen.
use super::*;
use crate::testing::Meta;

const SELECTS: &str = "model: {selector: {matchLabels: {team: claims}}}";
const SOON: &str = "2026-07-15T00:00:00Z";

/// A SpeechModel of a name whose current revision is this custom model.
fn named(name: &str, n: u128) -> SpeechModel {
    with(model_with_current(n), |m| m.metadata.name = Some(name.into()))
}

/// The endpoint selects SpeechModels a and b with these expiries; what exists serves model 3.
fn two(a: &str, b: &str) -> Case {
    let world = World::new()
        .custom(custom_model(3, a))
        .custom(custom_model(4, b))
        .remote(owned(remote(10, custom_id(3)), 1));
    let mut case = Case::new(world, endpoint(SELECTS).announces(1, "2026-02-01T00:00:00Z"))
        .with(|c| c.related.others = vec![named("a", 3)]);
    case.show();
    case.with(|c| c.related.others.push(named("b", 4)))
}

const STAYS: &str = "- | Ready=True Serving, ModelValid=True ModelServes";
const MOVES: &str = "update 10 model | Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes";

#[test]
fn the_model_that_expires_last_is_chosen_and_the_newest_of_equals() {
    let relabel = |case: Case, change: fn(&mut speech_service::entity::CustomModel)| {
        case.with(|c| learn(&mut c.world.view.models, with(custom_model(4, LATER), change)))
    };
    check(vec![
        ("later", two(SOON, LATER), MOVES),
        ("earlier", two(LATER, SOON), STAYS),
        ("as late and newer", two(LATER, LATER), MOVES),
        (
            "as late and older",
            relabel(two(LATER, LATER), |m| m.header.created_at = at("2020-01-01T00:00:00Z")),
            STAYS,
        ),
        (
            "later, of another locale",
            relabel(two(SOON, LATER), |m| m.header.locale = "de-DE".into()),
            STAYS,
        ),
        (
            "later, for batches",
            relabel(two(SOON, LATER), |m| m.supports_endpoints = Some(false)),
            STAYS,
        ),
        (
            "later, but excluded",
            two(SOON, LATER).with(|c| c.object.spec.model.exclude = vec![id(4).to_string()]),
            STAYS,
        ),
        (
            "later, but in quarantine",
            two(SOON, LATER).with(|c| {
                let entry = speech_api::swap::QuarantinedModel {
                    model: id(4),
                    name: String::new(),
                    reason: "GateFailed".into(),
                    message: String::new(),
                    at: at(NOW),
                };
                c.object.status.as_mut().unwrap().quarantine = vec![entry];
            }),
            STAYS,
        ),
    ]);
}

#[test]
fn the_order_of_the_objects_says_nothing() {
    for (a, b) in [(SOON, LATER), (LATER, SOON), (LATER, LATER)] {
        let case = two(a, b);
        let turned = two(a, b).with(|c| c.related.others.reverse());
        assert_eq!(case.line(), turned.line());
    }
}

#[test]
fn what_lacks_is_told_of_the_nearest_and_what_serves_goes_on() {
    let message = |case: &Case| {
        let status = case.plan().status;
        speech_api::condition::find(&status.conditions, "Ready")
            .unwrap()
            .message
            .clone()
    };
    let none = two(SOON, LATER).with(|c| c.related.others.clear());
    assert_eq!(none.line(), STAYS);
    assert!(
        message(&none).contains("selector meets no SpeechModel"),
        "{}",
        message(&none)
    );

    let foreign = two(SOON, LATER).with(|c| {
        for other in &mut c.related.others {
            other.spec.locale = "de-DE".into();
        }
    });
    assert_eq!(foreign.line(), STAYS);
    assert!(
        message(&foreign).contains("SpeechModel a is nearest, but"),
        "{}",
        message(&foreign)
    );

    let fresh = Case::new(World::new(), endpoint(SELECTS));
    assert_eq!(fresh.line(), "- | Ready=False NoEligibleModel, Stalled NoEligibleModel");

    let excluded = Case::new(
        World::new().custom(custom_model(3, LATER)),
        endpoint("model: {ref: {name: m}, exclude: [00000000-0000-0000-0000-000000000003]}"),
    )
    .with(|c| c.related.model = Some(model_with_current(3)));
    assert_eq!(excluded.line(), "- | Ready=False ModelExcluded, Stalled ModelExcluded");
}
