//! Renewal by the calendar: in time, once, and never in a circle.
use super::*;
use crate::speech::entity::{CustomModel, Status};

/// A revision of the present spec that was made and expires on given days.
fn made(n: u128, number: u32, created: &str, expires: &str, state: Status) -> CustomModel {
    with(revision(n, number, &print_of(TRAINING), state), |m| {
        m.header.created_at = at(created);
        m.expires_at = Some(at(expires));
        m.base_model = Some(base_id(1));
    })
}

const MADE: &str = "2025-01-01T00:00:00Z";
const EXPIRES: &str = "2027-01-15T00:00:00Z";

fn line(now: &str, renewal: &str) -> Case {
    let text = format!("{TRAINING}\n{renewal}");
    Case::of(
        World::new().custom(made(20, 1, MADE, EXPIRES, Status::Succeeded)),
        &text,
    )
    .with(|c| c.world.now = at(now))
}

const TRAINS: &str = "announce 2 | Ready=True Synced, Reconciling Training";
const RESTS: &str = "- | Ready=True Synced";

#[test]
fn a_revision_is_renewed_ahead_of_its_expiry() {
    check(vec![
        ("a second early", line("2026-10-22T10:53:25Z", ""), RESTS),
        ("in time", line("2026-10-22T10:53:26Z", ""), TRAINS),
        (
            "another lead",
            line("2026-12-21T10:53:25Z", "renewal: {before: 720h}"),
            RESTS,
        ),
        (
            "another lead, in time",
            line("2026-12-21T10:53:26Z", "renewal: {before: 720h}"),
            TRAINS,
        ),
        (
            "not asked for",
            line("2027-01-14T00:00:00Z", "renewal: {on: [SpecChange]}"),
            RESTS,
        ),
        ("suspended", line("2026-12-16T00:00:00Z", "suspend: true"), RESTS),
        (
            "observed",
            line("2026-12-16T00:00:00Z", "managementPolicy: Observe"),
            RESTS,
        ),
    ]);
    let plan = line("2026-03-01T00:00:00Z", "").plan();
    assert_eq!(plan.look_again, Some(at("2026-10-22T10:53:26Z")));
    let next = plan.status.plan.first().unwrap().clone();
    assert_eq!(
        (next.action.as_str(), next.at.as_str(), next.reason.as_str()),
        ("Train", "2026-10-22T10:53:26Z", "BeforeExpiry")
    );
}

#[test]
fn a_lead_longer_than_a_life_does_not_train_in_a_circle() {
    let half = "2026-01-13T10:53:26Z";
    let renewal = "renewal: {before: 730d}";
    assert_eq!(line(half, renewal).line(), TRAINS);
    assert_eq!(line("2026-01-07T00:00:00Z", renewal).line(), RESTS);
    let next = line(half, renewal).with(|c| {
        let expires = "2028-01-15T00:00:00Z";
        c.world.view = World::new()
            .custom(made(20, 1, MADE, EXPIRES, Status::Succeeded))
            .custom(made(21, 2, half, expires, Status::Succeeded))
            .view;
    });
    assert_eq!(next.line(), RESTS);
}

#[test]
fn a_failed_renewal_keeps_what_is_current_and_is_tried_again() {
    let case = line("2026-10-17T00:05:00Z", "").with(|c| {
        let failed = with(
            made(21, 2, "2026-10-17T00:00:00Z", "2028-10-15T00:00:00Z", Status::Failed),
            |m| {
                m.header.last_action_at = at("2026-10-17T00:01:00Z");
            },
        );
        c.world.view = World::new()
            .custom(made(20, 1, MADE, EXPIRES, Status::Succeeded))
            .custom(failed)
            .view;
    });
    assert_eq!(case.line(), "- | Ready=True Synced, Reconciling TrainingFailed");
}

#[test]
fn a_newer_base_model_renews_where_that_is_asked_for() {
    let newer = |case: Case| {
        case.with(|c| {
            let newer = with(base_model(2, LATER), |m| {
                m.header.created_at = at("2026-02-01T00:00:00Z")
            });
            learn(&mut c.world.view.base_models, newer);
        })
    };
    let on_base = "renewal: {on: [NewBaseModel]}";
    check(vec![
        ("a newer one", newer(line("2026-03-01T00:00:00Z", on_base)), TRAINS),
        ("not asked for", newer(line("2026-03-01T00:00:00Z", "")), RESTS),
        ("no newer one", line("2026-03-01T00:00:00Z", on_base), RESTS),
    ]);
}

#[test]
fn a_changed_spec_waits_for_the_date_where_changes_do_not_renew() {
    let other = "source: {training: {datasets: [00000000-0000-0000-0000-000000000033]}}\nrenewal: {on: [BeforeExpiry]}";
    let case = |now: &str| {
        Case::of(
            World::new().custom(made(20, 1, MADE, EXPIRES, Status::Succeeded)),
            other,
        )
        .with(|c| c.world.now = at(now))
    };
    check(vec![
        ("before", case("2026-03-01T00:00:00Z"), RESTS),
        ("on the date", case("2026-10-22T10:53:26Z"), TRAINS),
    ]);
}
