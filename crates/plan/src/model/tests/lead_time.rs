//! Lead times: learned from what ended, used for what is to begin, told when they do not suffice.
use super::*;
use crate::{
    FailureClass,
    lead_time::{Took, Work},
};
use jiff::SignedDuration;
use speech_api::condition;
use speech_service::entity::{CustomModel, Status};

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

fn made(n: u128, number: u32, created: &str, expires: &str, state: Status) -> CustomModel {
    with(revision(n, number, &print_of(TRAINING), state), |m| {
        m.header.created_at = at(created);
        m.expires_at = Some(at(expires));
    })
}

const EXPIRES: &str = "2027-01-15T00:00:00Z";

fn line(now: &str, before: &str) -> Case {
    let text = format!("{TRAINING}\nrenewal: {{before: {before}}}");
    Case::declared(
        World::new()
            .base(with(base_model(1, LATER), |m| m.adaptation_until = None))
            .custom(made(20, 1, "2025-01-01T00:00:00Z", EXPIRES, Status::Succeeded)),
        &text,
    )
    .with(|c| c.world.now = at(now))
}

fn seen(case: &mut Case, training: i64) {
    let learned = &mut case.world.agenda.durations;
    learned.learn(
        "en-US",
        Took {
            work: Work::Training,
            time: hours(training),
        },
    );
    learned.learn(
        "en-US",
        Took {
            work: Work::Deploying,
            time: hours(1),
        },
    );
}

#[test]
fn the_end_of_a_training_that_was_seen_to_run_is_told_once() {
    let mut case = Case::declared(
        World::new().custom(made(20, 1, "2026-03-01T08:00:00Z", EXPIRES, Status::Running)),
        TRAINING,
    );
    assert!(case.show().took.is_empty());
    learn(
        &mut case.world.view.models,
        made(20, 1, "2026-03-01T08:00:00Z", EXPIRES, Status::Succeeded),
    );
    let took = Took {
        work: Work::Training,
        time: hours(2),
    };
    assert_eq!(case.plan().took, [took], "from its creation to its last action");
    assert_eq!(
        case.plan().took,
        [took],
        "until the status is written, so that no restart loses it"
    );
    case.show();
    assert!(case.plan().took.is_empty());
}

#[test]
fn a_lead_that_is_too_short_is_told_at_once_and_the_training_begins_earlier() {
    for (training, start, forecast) in [
        (None, "2027-01-12T23:00:00Z", true),
        (Some(26), "2027-01-12T18:00:00Z", true),
    ] {
        let mut case = line("2026-03-01T00:00:00Z", "1h");
        training.into_iter().for_each(|hours| seen(&mut case, hours));
        let plan = case.show();
        let step = &plan.status.plan[0];
        assert_eq!((step.at, step.forecast), (at(start), forecast));
        assert!(
            step.risk.as_ref().unwrap().contains("spec.renewal.before is 1h"),
            "{step:?}"
        );
        assert_eq!(plan.look_again, Some(at(start)));
        assert_eq!(case.line(), "- | Ready=True Synced", "it is no risk");
        case.world.now = at(start);
        assert_eq!(case.line(), "announce 2 | Ready=True Synced, Reconciling Training");
    }
}

#[test]
fn a_training_that_will_end_too_late_is_told_with_its_date() {
    let mut case = line("2027-01-14T23:00:00Z", "1h");
    seen(&mut case, 26);
    learn(
        &mut case.world.view.models,
        made(21, 2, "2027-01-14T22:00:00Z", "2029-01-15T00:00:00Z", Status::Running),
    );
    assert_eq!(
        case.line(),
        "- | Ready=True Synced, Reconciling Training, AtRisk=True LeadTimeShort"
    );
    let conditions = case.plan().status.conditions;
    let told = condition::find(&conditions, condition::AT_RISK).unwrap();
    assert_eq!(
        told.message,
        "revision 2 will not serve before 2027-01-16 01:00 UTC as it looks, but the current revision expires on 2027-01-15 00:00 UTC"
    );
}

#[test]
fn a_renewal_that_waits_for_its_turn_is_a_risk_and_waits_no_longer_than_its_latest_start() {
    let waiting = |now: &str| {
        line(now, "30d").with(|c| {
            c.world.agenda.limits.trainings = 0;
            seen(c, 26);
        })
    };
    assert_eq!(
        waiting("2027-01-12T17:59:59Z").line(),
        "- | Ready=True AwaitingTurn, AtRisk=True AwaitingTurn",
        "inside `before`"
    );
    let begins = waiting("2027-01-12T18:00:01Z").line();
    assert!(
        begins.starts_with("announce 2 | "),
        "no turn holds up the latest start: {begins}"
    );
}

#[test]
fn a_fleet_of_one_day_is_spread_over_a_week_and_the_dates_stand() {
    let start = |uid: &str, before: &str| {
        let mut case = line("2026-03-01T00:00:00Z", before);
        case.object.metadata.uid = Some(uid.to_owned());
        let model = made(20, 1, "2025-01-01T00:00:00Z", EXPIRES, Status::Succeeded);
        let owner = with(tag(uid, 1), |t| {
            (t.revision, t.inputs) = (Some(1), Some(print_of(TRAINING)));
        });
        let model = with(model, |m| m.header.owner = Some(std::sync::Arc::new(owner)));
        learn(&mut case.world.view.models, model);
        let plan = case.plan();
        let start = plan.status.plan[0].at;
        case.world.now = at("2026-04-01T00:00:00Z");
        assert_eq!(case.plan().status.plan[0].at, start, "no date moves with the time");
        start
    };
    let (first, last) = (at("2026-12-16T00:00:00Z"), at("2026-12-23T00:00:00Z"));
    let mut days = std::collections::BTreeMap::<i64, u32>::new();
    for n in 0..140 {
        let begins = start(&format!("uid-{n}"), "30d");
        assert!(first <= begins && begins < last);
        *days.entry(begins.duration_since(first).as_hours() / 24).or_default() += 1;
    }
    assert!(
        days.len() == 7 && days.values().all(|count| (8..=35).contains(count)),
        "{days:?}"
    );
    // 72 h declared and 49 h needed leave 23 h, of which the first half is used.
    let narrow = start("uid-1", "72h");
    assert!(at("2027-01-12T00:00:00Z") <= narrow && narrow < at("2027-01-12T11:30:00Z"));
}

#[test]
fn what_nobody_renews_is_shown_to_expire() {
    for (text, reason) in [
        ("renewal: {on: [SpecChange]}", "NotRenewed"),
        ("suspend: true", "Suspended"),
        ("managementPolicy: Observe", "Observed"),
    ] {
        let world = World::new().custom(made(20, 1, "2025-01-01T00:00:00Z", EXPIRES, Status::Succeeded));
        let plan = Case::declared(world, &format!("{TRAINING}\n{text}")).plan().status.plan;
        let steps: Vec<_> = plan
            .iter()
            .map(|step| (step.action.as_str(), step.at, step.reason.as_str()))
            .collect();
        assert_eq!(steps, [("Expire", at(EXPIRES), reason)]);
        assert!(plan[0].risk.is_some());
    }
}

#[test]
fn a_failed_training_shows_its_cause_and_its_next_attempt() {
    let failed = with(made(21, 2, "2026-12-17T00:00:00Z", EXPIRES, Status::Failed), |m| {
        m.header.last_action_at = at("2026-12-17T01:00:00Z");
    });
    let case = line("2026-12-17T01:05:00Z", "30d").with(|c| learn(&mut c.world.view.models, failed));
    let step = case.plan().status.plan[0].clone();
    assert_eq!((step.at, step.reason.as_str()), (at("2026-12-17T01:10:00Z"), "Retry"));
    assert_eq!(
        step.risk.as_deref(),
        Some("training of revision 2 failed: it did not work (DeployingFailedModel)")
    );
}

#[test]
fn a_training_that_is_due_and_fails_stays_due_since_its_date() {
    let tally = serde_json::json!({"made": 2, "lastAt": "2026-12-22T00:00:00Z", "generation": 1});
    let mut case = line("2026-12-22T00:01:00Z", "30d");
    case.object.status.as_mut().unwrap().creations = serde_json::from_value(tally).unwrap();
    let waits = case.plan().status.plan[0].at;
    assert_eq!(waits, at("2026-12-22T00:10:00Z"), "what waits for its pace begins then");
    let world = std::mem::replace(&mut case.world, World::new());
    case.world = world.failed("Train", FailureClass::Uncertain);
    let due = case.plan().status.plan[0].at;
    assert_eq!(due, at("2026-12-21T10:53:26Z"), "what fails is overdue");
}
