//! What a swap waits for: its day, a window, a person, its turn.
use super::*;
use crate::{queue::Want, testing::Meta};
use speech_api::annotation::{APPROVED_MODEL, SWAP_NOW};
use speech_service::entity::Status;

const SOON: &str = "2026-04-15T00:00:00Z";
/// It goes on serving, and this is why.
fn stays(reason: &str) -> String {
    format!("- | Ready=True {reason}, ModelValid=True ModelServes")
}

const MOVES: &str = "update 10 model | Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes";
const AWAITS_TURN: &str = "- | Ready=True Serving, Reconciling AwaitingTurn, ModelValid=True ModelServes";

/// Endpoint 10 serves custom model 3 of SpeechModel m, which expires soon; custom model 4 is current now.
pub(super) fn newer(swap: &str) -> Case {
    let world = World::new()
        .custom(custom_model(3, SOON))
        .custom(custom_model(4, LATER))
        .remote(owned(remote(10, custom_id(3)), 1));
    let spec = format!("model: {{ref: {{name: m}}}}\nswap: {{{swap}}}");
    let object = endpoint(&spec).announces(1, "2026-02-01T00:00:00Z");
    let mut case = Case::new(world, object).with(|c| c.related.model = Some(model_with_current(3)));
    case.show();
    case.with(|c| c.related.model = Some(model_with_current(4)))
}

fn on(case: Case, day: &str) -> Case {
    case.with(|c| {
        // What was seen on the day on which the model came stands in the status.
        c.show();
        c.world.now = at(day);
    })
}

fn ready(case: &Case) -> String {
    let status = case.plan().status;
    speech_api::condition::find(&status.conditions, "Ready")
        .unwrap()
        .message
        .clone()
}

#[test]
fn a_policy_gives_the_day() {
    let share = |swap| on(newer(swap), "2026-03-17T00:00:00Z");
    check(vec![
        ("at once", newer(""), MOVES),
        ("on its day", share("policy: BeforeExpiry"), &stays("SwapScheduled")),
        (
            "past its day",
            on(newer("policy: BeforeExpiry"), "2026-04-14T00:00:00Z"),
            &urgently(MOVES),
        ),
        ("by hand", newer("policy: Manual"), &stays("ApprovalAwaited")),
        (
            "by hand, the day before",
            on(newer("policy: Manual"), "2026-04-14T12:00:00Z"),
            &at_risk("ApprovalAwaited"),
        ),
    ]);
    let waits = share("policy: BeforeExpiry");
    let plan = waits.plan();
    let candidate = plan.status.candidate.unwrap();
    assert_eq!((candidate.model, candidate.since), (id(4), at(NOW)));
    assert_eq!(
        plan.look_again.unwrap(),
        plan.status.plan[0].at,
        "it looks again on the day that it tells"
    );
    assert!(
        ready(&waits).contains("model remote-4 waits for its day"),
        "{}",
        ready(&waits)
    );
}

fn urgently(line: &str) -> String {
    line.replace("update 10 model", "update 10 model urgently")
}

fn at_risk(reason: &str) -> String {
    format!("{}, AtRisk=True {reason}", stays(reason))
}

/// The same where windows never open, which is told beside.
fn in_vain(line: &str) -> String {
    format!("{line}, Unheeded=True WindowNeverOpens")
}

#[test]
fn a_window_holds_a_swap_but_not_past_the_last_day() {
    // Sunday, 1 March 2026, 10:00 is "now".
    let sundays = "windows: [{kind: Allow, days: [Sun], start: \"10:00\", duration: 1h}]";
    let mondays = "windows: [{kind: Allow, days: [Mon], start: \"01:00\", duration: 4h}]";
    let frozen = "windows: [{kind: Deny}]";
    let for_ever = "deadlineOverride: 0s, windows: [{kind: Deny}]";
    check(vec![
        ("open", newer(sundays), MOVES),
        ("shut", newer(mondays), &stays("WindowClosed")),
        ("open again", on(newer(mondays), "2026-03-02T01:00:00Z"), MOVES),
        (
            "shut again",
            on(newer(mondays), "2026-03-02T05:00:00Z"),
            &stays("WindowClosed"),
        ),
        ("never opens", newer(frozen), &in_vain(&at_risk("WindowNeverOpens"))),
        (
            "overridden",
            on(newer(frozen), "2026-04-14T00:00:00Z"),
            &in_vain(&urgently(MOVES)),
        ),
        (
            "never overridden",
            on(newer(for_ever), "2026-04-14T23:00:00Z"),
            &in_vain(&at_risk("WindowNeverOpens")),
        ),
        (
            "expired",
            on(newer(for_ever), SOON),
            &in_vain(
                "update 10 model urgently | Ready=False BaseModelAnswers, Reconciling Swapping, ModelValid=False BaseModelAnswers, AtRisk=True BaseModelAnswers",
            ),
        ),
        (
            "an unknown zone",
            newer("windows: [{kind: Deny, timeZone: Europe/Atlantis}]"),
            "- | Ready=False SpecInvalid, Stalled SpecInvalid, ModelValid=True ModelServes, AtRisk=True WindowNeverOpens",
        ),
        (
            "an unknown zone, on the last day",
            on(
                newer("windows: [{kind: Deny, timeZone: Europe/Atlantis}]"),
                "2026-04-14T00:00:00Z",
            ),
            &urgently(MOVES),
        ),
    ]);
    assert_eq!(newer(mondays).plan().look_again, Some(at("2026-03-02T01:00:00Z")));
    assert!(ready(&newer(mondays)).contains("WindowClosed") || ready(&newer(mondays)).contains("the next window"));
}

#[test]
fn a_person_agrees_to_one_model_only() {
    let approved = |value: &str| newer("approval: Required").with(|c| c.object.annotate(APPROVED_MODEL, value));
    let told = |case: Case, word: &str| {
        assert!(ready(&case).contains(word), "{}", ready(&case));
        case
    };
    let other = "00000000-0000-0000-0000-000000000009";
    let late = |case: Case| on(case, "2026-03-16T00:00:00Z");
    check(vec![
        (
            "nobody",
            told(
                newer("approval: Required"),
                "annotation customspeech.dev/approved-model=",
            ),
            &stays("ApprovalAwaited"),
        ),
        ("this one", approved(&id(4).to_string()), MOVES),
        (
            "this one by its URI",
            approved(&format!("https://x.example/speechtotext/models/{}", id(4))),
            MOVES,
        ),
        (
            "the active one",
            told(approved(&id(3).to_string()), "waits for approval"),
            &stays("ApprovalAwaited"),
        ),
        (
            "an unknown one",
            told(approved(other), "which the Speech resource does not have"),
            &stays("ApprovalOfOther"),
        ),
        ("no id", told(approved("yes"), "holds no id"), &stays("ApprovalOfOther")),
        (
            "nobody for too long",
            late(newer("approval: Required")),
            &at_risk("ApprovalAwaited"),
        ),
        (
            "another one for too long",
            late(approved(other)),
            &at_risk("ApprovalOfOther"),
        ),
        (
            "manual and approved",
            newer("policy: Manual").with(|c| c.object.annotate(APPROVED_MODEL, &id(4).to_string())),
            MOVES,
        ),
    ]);
}

#[test]
fn a_person_who_asks_for_a_swap_waits_for_no_day_no_window_and_no_approval() {
    let asked = |case: Case, value: &str| case.with(|c| c.object.annotate(SWAP_NOW, value));
    let (this, that) = (id(4).to_string(), id(3).to_string());
    let shut = "windows: [{kind: Allow, days: [Mon], start: \"01:00\", duration: 4h}]";
    check(vec![
        ("the day", asked(newer("policy: BeforeExpiry"), &this), MOVES),
        ("a window", asked(newer(shut), &this), MOVES),
        (
            "windows that never open",
            asked(newer("windows: [{kind: Deny}]"), &this),
            &in_vain(MOVES),
        ),
        ("approval", asked(newer("approval: Required"), &this), MOVES),
        ("policy Manual", asked(newer("policy: Manual"), &this), MOVES),
        (
            "by its URI",
            asked(newer(shut), &format!("https://x.example/speechtotext/models/{this}")),
            MOVES,
        ),
        ("the one that serves", asked(newer(shut), &that), &stays("WindowClosed")),
        (
            "no id",
            asked(newer(shut), "now"),
            &format!("{}, Unheeded=True NotTheCandidate", stays("WindowClosed")),
        ),
        (
            "an object that is suspended",
            asked(newer(shut), &this).with(|c| c.object.spec.suspend = true),
            "- | Ready=False Suspended, Stalled Suspended, ModelValid=True ModelServes",
        ),
    ]);
    let gate = "gate: {evaluation: {dataset: 00000000-0000-0000-0000-000000000032, maxWordErrorRate: 0.1}}";
    let gated = asked(newer(gate), &this).line();
    assert!(!gated.contains("update 10 model"), "a gate is not opened: {gated}");
}

#[test]
fn so_many_move_at_a_time_and_first_those_that_expire_first() {
    let full = |limit: usize, moving: u128| {
        newer("").with(|c| {
            c.world.agenda.limits.swaps = limit;
            for n in 0..moving {
                let other = with(remote(20 + n, custom_id(4)), |e| {
                    e.header.owner = Some(std::sync::Arc::new(tag(&format!("other-{n}"), 1)));
                });
                learn(&mut c.world.view.endpoints, in_state(other, Status::Running));
            }
        })
    };
    let ahead =
        |when: &str| full(2, 1).with(|c| assert!(c.world.agenda.queue.set("other", Some(Want::Swap(at(when))))));
    check(vec![
        ("room", full(2, 1), MOVES),
        ("no room", full(2, 2), AWAITS_TURN),
        (
            "another one expires earlier",
            ahead("2026-03-15T00:00:00Z"),
            AWAITS_TURN,
        ),
        ("another one expires later", ahead("2026-05-15T00:00:00Z"), MOVES),
        (
            "the others are only being made",
            full(2, 2).with(|c| {
                for n in 0..2 {
                    c.world.agenda.queue.set(&format!("other-{n}"), Some(Want::Creation));
                }
            }),
            MOVES,
        ),
        (
            "what never ends takes no turn",
            full(2, 2).with(|c| c.remote(20, |e| e.header.last_action_at = at("2026-03-01T08:30:00Z"))),
            MOVES,
        ),
        (
            "what is left of an object that is gone takes none either",
            full(2, 2).with(|c| {
                c.world.agenda.queue.leave("other-0");
            }),
            MOVES,
        ),
    ]);
    let plan = full(2, 2).plan();
    assert_eq!(plan.wants, Some(Want::Swap(at(SOON))));
    assert_eq!(full(2, 1).plan().wants, None, "who begins waits no more");
}

#[test]
fn a_swap_that_waits_for_its_turn_is_a_risk_and_waits_no_longer_than_its_latest_start() {
    let waiting = |day: &str| on(newer("").with(|c| c.world.agenda.limits.swaps = 0), day);
    let late = format!("{AWAITS_TURN}, AtRisk=True AwaitingTurn");
    check(vec![
        ("ahead of `before`", waiting("2026-03-15T23:59:59Z"), AWAITS_TURN),
        ("inside `before`", waiting("2026-03-16T00:00:00Z"), &late),
        (
            "a moment before its latest start",
            waiting("2026-04-14T22:59:59Z"),
            &late,
        ),
        ("its latest start", waiting("2026-04-14T23:00:00Z"), &urgently(MOVES)),
        (
            "expired",
            waiting(SOON),
            "update 10 model urgently | Ready=False BaseModelAnswers, Reconciling Swapping, ModelValid=False BaseModelAnswers, AtRisk=True BaseModelAnswers",
        ),
    ]);
    let latest = at("2026-04-14T23:00:00Z");
    assert_eq!(waiting("2026-04-14T22:59:30Z").plan().look_again, Some(latest));
}

#[test]
fn what_a_user_names_by_its_id_waits_for_windows_only() {
    let named = |swap: &str| {
        newer(swap).with(|c| {
            c.edit(&format!("model: {{id: {}}}\nswap: {{{swap}}}", id(4)));
        })
    };
    check(vec![
        ("manual", named("policy: Manual"), MOVES),
        ("approval", named("approval: Required"), MOVES),
        (
            "window",
            named("windows: [{kind: Allow, days: [Mon]}]"),
            "- | Ready=True Serving, Reconciling WindowClosed, ModelValid=True ModelServes",
        ),
    ]);
}

#[test]
fn a_move_by_hand_is_undone_while_the_next_model_has_to_wait() {
    let mut case = newer("approval: Required");
    case.show();
    learn(&mut case.world.view.models, custom_model(5, LATER));
    case.remote(10, |e| e.model = Some(custom_id(5)));
    assert_eq!(
        case.line(),
        "update 10 model | Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes"
    );
    let Some(crate::Action::UpdateEndpoint { change, .. }) = case.plan().action else {
        panic!("{}", case.line());
    };
    assert_eq!(
        change.model(),
        Some(custom_id(3)),
        "back to what served, not on to what nobody approved"
    );
}

#[test]
fn a_wait_costs_no_write() {
    for swap in [
        "policy: BeforeExpiry",
        "approval: Required",
        "windows: [{kind: Allow, days: [Mon]}]",
        "policy: Manual",
    ] {
        let mut case = newer(swap);
        let first = case.show();
        case.world.now = at("2026-03-01T22:00:00Z");
        assert_eq!(case.plan().status, first.status, "{swap}");
    }
}
