//! Renewal by the calendar: in time, once, and never in a circle.
use super::*;
use crate::{
    model::{Refusal, refusals},
    skew::Skew,
};
use jiff::SignedDuration;
use speech_api::annotation::TRAIN_REVISION;
use speech_service::entity::{CustomModel, Status};

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
    Case::declared(
        World::new().custom(made(20, 1, MADE, EXPIRES, Status::Succeeded)),
        &text,
    )
    .with(|c| c.world.now = at(now))
}

const TRAINS: &str = "announce 2 | Ready=True Synced, Reconciling Training";
const RESTS: &str = "- | Ready=True Synced";
const UNHEEDED: &str = "- | Ready=True Synced, Unheeded=True AnnotationInvalid";

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
        (next.action.as_str(), next.at, next.reason.as_str()),
        ("Train", at("2026-10-22T10:53:26Z"), "BeforeExpiry")
    );
}

#[test]
fn a_person_can_ask_for_the_very_next_revision_and_gets_one() {
    let asked = |number: &str, renewal: &str| {
        line("2026-03-01T00:00:00Z", renewal).with(|c| c.object.annotate(TRAIN_REVISION, number))
    };
    check(vec![
        ("the next", asked("2", ""), TRAINS),
        (
            "the next, never renewed by itself",
            asked("2", "renewal: {on: [SpecChange]}"),
            TRAINS,
        ),
        ("the one there is", asked("1", ""), RESTS),
        ("one that is further away", asked("3", ""), UNHEEDED),
        ("no number", asked("next", ""), UNHEEDED),
        ("suspended", asked("2", "suspend: true"), RESTS),
        ("observed", asked("2", "managementPolicy: Observe"), RESTS),
    ]);
    let step = asked("2", "").plan().status.plan.first().unwrap().clone();
    assert_eq!(
        (step.reason.as_str(), step.to.as_deref()),
        ("Requested", Some("revision 2"))
    );
    let made = asked("2", "").with(|c| {
        c.world.view = World::new()
            .custom(made(20, 1, MADE, EXPIRES, Status::Succeeded))
            .custom(made(21, 2, "2026-03-01T00:00:00Z", EXPIRES, Status::Succeeded))
            .view;
    });
    assert_eq!(made.line(), RESTS, "the number is used");
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
    assert_eq!(
        case.line(),
        "- | Ready=True Synced, Reconciling TrainingFailed, AtRisk=True TrainingFailed"
    );
}

/// Revision 2 was made in time, and a gate refused it on 1 November; what serves expires on 15 January.
fn refused(now: &str, how_many: u128) -> Case {
    line(now, "").with(|c| {
        c.world.view = World::new()
            .custom(made(20, 1, MADE, EXPIRES, Status::Succeeded))
            .custom(made(
                21,
                2,
                "2026-10-25T00:00:00Z",
                "2028-10-15T00:00:00Z",
                Status::Succeeded,
            ))
            .view;
        c.related.refusals = (0..how_many)
            .map(|n| Refusal {
                model: id(21 + n),
                endpoint: "phone".into(),
                at: at("2026-11-01T00:00:00Z"),
                serves_until: at(EXPIRES),
            })
            .collect();
    })
}

const TRAINS_ANEW: &str = "announce 3 | Ready=True Synced, Reconciling Training";

#[test]
fn what_a_gate_refused_is_trained_again_for_the_day_on_which_what_serves_expires() {
    check(vec![
        ("not refused", refused("2026-11-02T00:00:00Z", 0), RESTS),
        ("at once it rests", refused("2026-11-01T00:59:59Z", 1), RESTS),
        ("then it is trained", refused("2026-11-01T01:00:00Z", 1), TRAINS_ANEW),
        ("two in a row", refused("2026-11-01T23:59:59Z", 2), RESTS),
        (
            "two in a row, a day later",
            refused("2026-11-02T00:00:00Z", 2),
            TRAINS_ANEW,
        ),
        ("three in a row", refused("2026-11-03T23:59:59Z", 3), RESTS),
        (
            "three in a row, three days later",
            refused("2026-11-04T00:00:00Z", 3),
            TRAINS_ANEW,
        ),
        ("more are for a person", refused("2026-12-01T00:00:00Z", 4), RESTS),
        (
            "another revision was refused",
            refused("2026-11-02T00:00:00Z", 1).with(|c| c.related.refusals[0].model = id(20)),
            RESTS,
        ),
        (
            "what serves is good for long",
            refused("2026-11-02T00:00:00Z", 1)
                .with(|c| c.related.refusals[0].serves_until = at("2028-01-15T00:00:00Z")),
            RESTS,
        ),
        (
            "nobody wants renewals",
            refused("2026-11-02T00:00:00Z", 1).with(|c| c.edit(&format!("{TRAINING}\nrenewal: {{on: [SpecChange]}}"))),
            RESTS,
        ),
    ]);
    let plan = refused("2026-11-01T00:30:00Z", 1).plan();
    assert_eq!(plan.look_again, Some(at("2026-11-01T01:00:00Z")));
    let next = plan.status.plan.first().unwrap().clone();
    assert_eq!(
        (next.reason.as_str(), next.at),
        ("GateFailed", at("2026-11-01T01:00:00Z"))
    );
    assert!(
        next.risk
            .unwrap()
            .contains("the gate of SpeechEndpoint phone refused model")
    );
}

#[test]
fn a_training_after_a_refusal_that_will_end_too_late_is_told_with_its_date() {
    let late = refused("2027-01-14T12:00:00Z", 1).with(|c| c.related.refusals[0].at = at("2027-01-14T11:30:00Z"));
    let line = late.line();
    assert!(line.contains("AtRisk=True LeadTimeShort"), "{line}");
    let plan = late.plan();
    let told = speech_api::condition::find(&plan.status.conditions, "AtRisk").unwrap();
    assert!(
        told.message.contains("what serves expires on 2027-01-15"),
        "{}",
        told.message
    );
}

#[test]
fn a_refusal_counts_while_what_was_served_then_still_serves() {
    let endpoint = |active: &str| {
        let status = format!(
            r#"{{"active": {active}, "quarantine": [
                {{"model": "{}", "name": "m", "reason": "GateFailed", "message": "", "at": "2026-11-01T00:00:00Z"}},
                {{"model": "{}", "name": "n", "reason": "DeploymentFailed", "message": "", "at": "2026-11-01T00:00:00Z"}}]}}"#,
            id(21),
            id(22)
        );
        with(crate::testing::endpoint("model: {ref: {name: claims}}"), |e| {
            e.status = Some(serde_json::from_str(&status).unwrap());
        })
    };
    let active = |since: &str, expires: &str| {
        endpoint(&format!(
            r#"{{"model": "{}", "name": "old", "since": "{since}"{expires}}}"#,
            id(20)
        ))
    };
    let expires = format!(r#", "expiresAt": "{EXPIRES}""#);
    let found = refusals([&active("2026-01-01T00:00:00Z", &expires)]);
    let expected = Refusal {
        model: id(21),
        endpoint: "claims".into(),
        at: at("2026-11-01T00:00:00Z"),
        serves_until: at(EXPIRES),
    };
    assert_eq!(found, [expected]);
    assert_eq!(
        refusals([&active("2026-11-02T00:00:00Z", &expires)]),
        [],
        "another one serves since"
    );
    assert_eq!(
        refusals([&active("2026-01-01T00:00:00Z", "")]),
        [],
        "what serves never expires"
    );
    assert_eq!(refusals([&endpoint("null")]), [], "nothing serves");
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
        Case::declared(
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

#[test]
fn while_the_clocks_differ_widely_a_renewal_begins_at_its_latest_start_and_never_in_a_circle() {
    const AT_RISK: &str = "- | Ready=True Synced, AtRisk=True LeadTimeShort";
    const LATE: &str = "announce 2 | Ready=True Synced, Reconciling Training, AtRisk=True LeadTimeShort";
    let hours = |hours| Skew::default().measured(SignedDuration::from_hours(hours));
    let at_latest = |now: &str, skew| line(now, "").with(|c| c.world.agenda.skew = skew);
    let ending = |skew| {
        at_latest("2026-12-14T23:00:00Z", skew).with(|c| {
            let newest = made(20, 1, MADE, "2026-12-15T00:00:00Z", Status::Succeeded);
            c.world.view = World::new().custom(newest).view;
        })
    };
    let young = |skew| {
        at_latest("2026-12-14T23:00:00Z", skew).with(|c| {
            let newest = made(20, 1, "2026-10-01T00:00:00Z", "2026-12-15T00:00:00Z", Status::Succeeded);
            c.world.view = World::new().custom(newest).view;
        })
    };
    let years = 3 * 366 * 24;
    check(vec![
        ("in step, in time", at_latest("2026-10-22T10:53:26Z", hours(0)), TRAINS),
        ("ahead, in time", at_latest("2026-10-22T10:53:26Z", hours(1)), RESTS),
        ("behind, in time", at_latest("2026-10-22T10:53:26Z", hours(-1)), RESTS),
        ("at the latest start", ending(hours(1)), LATE),
        ("at the latest start, behind", ending(hours(-48)), LATE),
        // Whoever is years ahead takes what was just made for expired.
        (
            "the service is years ahead",
            at_latest("2026-12-01T00:00:00Z", hours(years)),
            RESTS,
        ),
        ("we are months ahead of what is young", young(hours(-60 * 24)), AT_RISK),
        ("what is young, an hour ahead", young(hours(-1)), LATE),
    ]);
    let plan = at_latest("2026-10-22T10:53:26Z", hours(1)).plan();
    assert!(plan.look_again.is_some_and(|again| again > at("2026-10-22T10:53:26Z")));
}

#[test]
fn a_failed_training_is_repeated_by_the_clock_that_stamped_it() {
    let failed_at = |skew: i64, now: &str| {
        line(now, "").with(|c| {
            c.world.agenda.skew = Skew::default().measured(SignedDuration::from_hours(skew));
            let failed = with(made(20, 1, MADE, EXPIRES, Status::Failed), |m| {
                m.header.last_action_at = at("2026-03-01T10:00:00Z");
            });
            c.world.view = World::new().custom(failed).view;
        })
    };
    let waits = "- | Ready=False TrainingFailed, Reconciling TrainingFailed";
    let trains = "announce 2 | Ready=False Training, Reconciling Training";
    check(vec![
        ("in step, too early", failed_at(0, "2026-03-01T10:09:59Z"), waits),
        ("in step", failed_at(0, "2026-03-01T10:10:00Z"), trains),
        ("the service is ahead", failed_at(48, "2026-03-01T10:10:00Z"), trains),
        ("we are ahead, too early", failed_at(-48, "2026-03-03T10:09:59Z"), waits),
        ("we are ahead", failed_at(-48, "2026-03-03T10:10:00Z"), trains),
    ]);
}
