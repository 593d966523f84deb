//! What is said of the future: dated steps, risks, seconds of fallback, and endpoints made anew.
use super::{rollout::newer, *};
use crate::{
    lead_time::{Took, Work},
    testing::Meta,
};
use jiff::SignedDuration;
use speech_api::planned::{PlannedAction, PlannedStep};
use speech_service::Absent;

fn steps(case: &Case) -> Vec<String> {
    let said = |step: &PlannedStep| {
        format!(
            "{} {} {}{}{}{}",
            step.action.as_str(),
            step.at,
            step.to.as_deref().unwrap_or("-"),
            if step.forecast { " forecast" } else { "" },
            if step.blocked_by.is_empty() { "" } else { " blocked" },
            if step.risk.is_some() { " risk" } else { "" },
        )
    };
    case.plan().status.plan.iter().map(said).collect()
}

fn on(case: Case, day: &str) -> Case {
    case.with(|c| {
        c.show();
        c.world.now = at(day);
    })
}

#[test]
fn the_plan_names_date_model_blocks_and_risk() {
    let settled = |swap: &str| newer(swap).with(|c| c.related.model = Some(model_with_current(3)));
    let training = |swap: &str, when: &str| {
        settled(swap).with(|c| {
            let train = PlannedStep {
                action: PlannedAction::Train,
                at: at(when),
                to: None,
                reason: "BeforeExpiry".into(),
                blocked_by: Vec::new(),
                risk: None,
                forecast: false,
            };
            c.related.model.as_mut().unwrap().status.as_mut().unwrap().plan = vec![train];
        })
    };
    let expire = "Expire 2026-04-15T00:00:00Z - risk";
    for (name, case, expected) in [
        ("nothing comes", settled(""), vec![expire]),
        (
            "a training comes",
            training("", "2026-03-10T00:00:00Z"),
            vec!["Swap 2026-03-11T00:00:00Z the next revision of SpeechModel claims forecast"],
        ),
        (
            "a training that took two days before comes",
            training("", "2026-03-10T00:00:00Z").with(|c| {
                let took = Took {
                    work: Work::Training,
                    time: SignedDuration::from_hours(48),
                };
                c.world.agenda.durations.learn("en-US", took);
            }),
            vec!["Swap 2026-03-12T00:00:00Z the next revision of SpeechModel claims forecast"],
        ),
        (
            "a training comes, a person has to agree",
            training("approval: Required", "2026-03-10T00:00:00Z"),
            vec!["Swap 2026-03-11T00:00:00Z the next revision of SpeechModel claims forecast blocked"],
        ),
        (
            "a training comes too late",
            training("", "2026-04-14T12:00:00Z"),
            vec![
                "Swap 2026-04-15T12:00:00Z the next revision of SpeechModel claims forecast",
                expire,
            ],
        ),
        ("it moves", newer(""), vec!["Swap 2026-03-01T10:00:00Z remote-4"]),
        (
            "its day",
            newer("policy: Manual"),
            vec!["Swap 2026-03-01T10:00:00Z remote-4 blocked"],
        ),
        (
            "a window",
            newer("windows: [{kind: Allow, days: [Mon]}]"),
            vec!["Swap 2026-03-02T00:00:00Z remote-4 blocked"],
        ),
        (
            "nobody agreed in time",
            on(newer("approval: Required"), "2026-03-20T00:00:00Z"),
            vec!["Swap 2026-03-01T10:00:00Z remote-4 blocked risk", expire],
        ),
    ] {
        assert_eq!(steps(&case), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_met_is_told_at_once() {
    let slow = newer("policy: BeforeExpiry, before: 1h").with(|c| {
        let took = Took {
            work: Work::Deploying,
            time: SignedDuration::from_hours(3),
        };
        c.world.agenda.durations.learn("en-US", took);
    });
    assert!(slow.line().ends_with("AtRisk=True LeadTimeShort"), "{}", slow.line());
}

#[test]
fn what_was_told_stands_while_nothing_can_be_seen() {
    let mut case = on(newer("approval: Required"), "2026-03-20T00:00:00Z");
    let seen = case.show();
    case.world.link = Link::NotFound;
    let blind = case.plan();
    assert_eq!(blind.status.plan, seen.status.plan);
    assert!(case.line().ends_with("AtRisk=True ApprovalAwaited"), "{}", case.line());
}

#[test]
fn seconds_of_fallback_are_counted_also_those_that_nobody_saw() {
    let expired = "2026-04-15T00:00:00Z";
    let fallback = |case: &Case| {
        let fallback = case.plan().status.fallback.unwrap_or_default();
        (fallback.since, fallback.seconds)
    };
    // Nobody agrees until an hour after the expiry.
    let mut case = on(newer("approval: Required"), expired);
    assert_eq!(fallback(&case), (Some(at(expired)), 0));
    case.show();
    case.world.now = at("2026-04-15T01:00:00Z");
    assert_eq!(fallback(&case), (Some(at(expired)), 0), "no countdown in the status");
    case.remote(10, |e| {
        e.model = Some(custom_id(4));
        e.header.last_action_at = at("2026-04-15T01:00:00Z");
    });
    assert_eq!(fallback(&case), (None, 3600));
    assert_eq!(case.show().status.previous.unwrap().model, id(3));

    let mut unseen = newer("approval: Required");
    unseen.show();
    unseen.world.now = at("2026-04-16T00:00:00Z");
    unseen.remote(10, |e| {
        e.model = Some(custom_id(4));
        e.header.last_action_at = at("2026-04-15T00:10:00Z");
    });
    assert_eq!(fallback(&unseen), (None, 600));
    assert_eq!(fallback(&newer("").with(|c| drop(c.show()))), (None, 0));
}

#[test]
fn an_endpoint_that_was_deleted_is_made_anew_only_on_request() {
    let gone = |recreate: &str| {
        Case::serving().with(|c| {
            c.edit(&format!("model: {{base: {{}}}}\nrecreate: {recreate}"));
            c.world.view.endpoints.removed(&Absent::assumed(id(10)));
        })
    };
    assert!(
        gone("Never").line().contains("RemoteDeleted"),
        "{}",
        gone("Never").line()
    );
    let mut case = gone("WhenDeleted");
    // The old id is written down first: nothing else tells of it once there is another.
    assert_eq!(case.line(), "- | Ready=False Recreating, Reconciling Recreating");
    case.show();
    assert_eq!(
        case.line(),
        "announce 2 | Ready=False Recreating, Reconciling Recreating"
    );
    case.object = case.object.announces(2, NOW);
    case.world.pass.announced = Some(2);
    assert!(
        case.line().starts_with("create with 1 | Ready=False Recreating"),
        "{}",
        case.line()
    );

    // A crash after the request: the new one is found by its mark.
    case.world.pass.announced = None;
    learn(&mut case.world.view.endpoints, owned(remote(11, base_id(1)), 2));
    let plan = case.show();
    assert_eq!(plan.status.id, Some(id(11)));
    assert_eq!(plan.status.former_ids, [id(10)]);
    assert!(
        plan.notices
            .iter()
            .any(|n| n.warning && n.reason.as_str() == "Recreating"),
        "{:?}",
        plan.notices
    );
    assert_eq!(case.line(), "- | Ready=True Serving, ModelValid=True ModelServes");
    assert!(case.show().notices.is_empty());
}
