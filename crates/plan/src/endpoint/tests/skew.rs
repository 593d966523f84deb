//! What an endpoint does while the clocks of the service and of the operator differ. `now` is the later of both.
use super::*;
use crate::skew::Skew;
use jiff::SignedDuration;

const EXPIRES: &str = "2026-04-15T00:00:00Z";
const HELD: &str = "- | Ready=True ClocksDifferWidely, ModelValid=True ModelServes";
const AT_RISK: &str = "- | Ready=True ClocksDifferWidely, ModelValid=True ModelServes, AtRisk=True ClocksDifferWidely";
const SWAPS: &str = "update 10 model | Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes";
const URGENT: &str = "update 10 model urgently | Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes";

/// Endpoint 10 serves custom model 3, and model 4 is to follow; the clocks differ by so much.
pub(super) fn differing(seconds: i64, now: &str, spec: &str) -> Case {
    let world = World::new()
        .custom(custom_model(3, EXPIRES))
        .custom(custom_model(4, LATER))
        .remote(owned(remote(10, custom_id(3)), 1));
    let object = endpoint("model: {ref: {name: m}}").announces(1, "2026-02-01T00:00:00Z");
    let mut case = Case::new(world, object).with(|c| c.related.model = Some(model_with_current(3)));
    case.show();
    case.with(|c| {
        c.related.model = Some(model_with_current(4));
        c.edit(spec);
        c.world.now = at(now);
        c.world.sweep();
        c.world.agenda.skew = Skew::default().measured(SignedDuration::from_secs(seconds));
    })
}

#[test]
fn a_swap_waits_for_clocks_that_agree_until_its_deadline_is_near() {
    const REF: &str = "model: {ref: {name: m}}";
    const BY_ID: &str = "model: {id: 00000000-0000-0000-0000-000000000004}";
    const LAST_DAY: &str = "2026-04-14T00:00:00Z";
    check(vec![
        ("no difference", differing(0, NOW, REF), SWAPS),
        ("half a minute", differing(29, NOW, REF), SWAPS),
        ("ten minutes", differing(600, NOW, REF), SWAPS),
        ("more, ahead", differing(601, NOW, REF), HELD),
        ("more, behind", differing(-601, NOW, REF), HELD),
        ("two days", differing(172_800, NOW, REF), HELD),
        ("named by its id", differing(601, NOW, BY_ID), SWAPS),
        (
            "a second before the last day",
            differing(601, "2026-04-13T23:59:59Z", REF),
            AT_RISK,
        ),
        ("on the last day", differing(601, LAST_DAY, REF), URGENT),
        ("on the last day, behind", differing(-172_800, LAST_DAY, REF), URGENT),
    ]);
}

#[test]
fn a_wait_for_the_clocks_ends_by_itself_at_the_deadline_and_is_a_risk_when_it_is_late() {
    let plan = differing(3600, NOW, "model: {ref: {name: m}}").plan();
    assert_eq!(
        plan.look_again,
        Some(at("2026-03-16T00:00:00Z")),
        "when the risk is told"
    );
    let late = differing(3600, "2026-04-01T00:00:00Z", "model: {ref: {name: m}}").plan();
    assert_eq!(late.look_again, Some(at("2026-04-14T00:00:00Z")));
    assert!(
        said(&late.status.conditions).contains("AtRisk"),
        "{}",
        said(&late.status.conditions)
    );
}

#[test]
fn what_the_later_clock_takes_for_expired_is_never_promoted() {
    for seconds in [0, 601, -601, 172_800, -172_800] {
        let case = differing(seconds, LATER, "model: {ref: {name: m}}");
        assert!(!case.line().contains("update"), "{seconds}: {}", case.line());
    }
}

#[test]
fn what_a_clock_wrote_that_was_ahead_is_not_waited_for_once_it_is_right() {
    let held = differing(172_800, "2026-03-03T10:00:00Z", "model: {ref: {name: m}}").with(|c| drop(c.show()));
    assert_eq!(held.line(), HELD);
    let right = held.with(|c| {
        c.world.now = at(NOW);
        c.world.sweep();
        c.world.agenda.skew = Skew::default();
    });
    assert_eq!(right.line(), SWAPS);
}
