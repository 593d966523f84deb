//! Which failures are worth repeating, and when.
use super::*;
use crate::testing::{NOW, at, custom_id, id};
use speech_service::request::UpdateEndpoint;

#[test]
fn delays_double_up_to_a_quarter_of_an_hour() {
    let seconds: Vec<_> = [1, 2, 3, 8, 9, 1000]
        .iter()
        .map(|count| delay(*count).as_secs())
        .collect();
    assert_eq!(seconds, [5, 10, 20, 640, 900, 900]);
    let minutes: Vec<_> = [1, 2, 8, 9, 1000]
        .iter()
        .map(|count| work_delay(*count).as_secs() / 60)
        .collect();
    assert_eq!(minutes, [10, 20, 1280, 1440, 1440]);
}

fn failure(class: FailureClass) -> Failure {
    Failure {
        operation: "Swap",
        code: if class == FailureClass::Quota {
            "QuotaViolation"
        } else {
            "Code"
        }
        .into(),
        message: "words".into(),
        class,
    }
}

fn update() -> Action {
    Action::UpdateEndpoint {
        id: id(1),
        change: Box::new(UpdateEndpoint::Model(custom_id(1))),
        urgent: false,
    }
}

#[test]
fn failures_count_while_the_step_and_the_spec_are_the_same() {
    let now = at(NOW);
    let transient = failure(FailureClass::Transient { retry_after: None });
    let first = remember(None, &transient, 1, now);
    let count = |before: &LastFailure, generation| remember(Some(before), &transient, generation, now).count;
    assert_eq!((first.count, first.terminal, first.at), (1, false, now));
    assert_eq!(count(&first, 1), 2);
    assert_eq!(count(&first, 2), 1, "another spec");
    let create = LastFailure {
        operation: "Create".into(),
        ..first.clone()
    };
    assert_eq!(count(&create, 1), 1, "another step");
    let many = LastFailure {
        count: i32::MAX,
        ..first
    };
    assert_eq!(count(&many, 1), i32::MAX);
}

fn admit(
    last: Option<&LastFailure>,
    action: Action,
    verdict: Verdict,
    generation: i64,
    fresh: bool,
    now: Timestamp,
) -> Verdict {
    let asking = Asking {
        generation,
        fresh,
        need: None,
        now,
    };
    asking.admit(last, action, verdict)
}

/// The minutes after the first refusal at which a step is asked for that is always refused.
fn asked_at(need: Option<Need>, hours: i64) -> Vec<i64> {
    tried_at(&failure(FailureClass::Refused), Reason::Refused, need, hours)
}

/// The minutes at which a step is tried that always comes to this.
fn tried_at(failure: &Failure, reason: Reason, need: Option<Need>, hours: i64) -> Vec<i64> {
    let begun = at(NOW);
    let mut last: Option<LastFailure> = None;
    let mut asked = Vec::new();
    for minute in 0..=hours * 60 {
        let now = begun + SignedDuration::from_mins(minute);
        let asking = Asking {
            generation: 1,
            fresh: false,
            need,
            now,
        };
        let verdict = asking.admit(last.as_ref(), update(), Verdict::working(Reason::Swapping, ""));
        if verdict.action.is_some() {
            asked.push(minute);
            last = Some(remember(last.as_ref(), failure, 1, now));
        } else {
            assert_eq!(verdict.reason, reason);
        }
    }
    asked
}

#[test]
fn what_is_refused_is_asked_for_ever_more_rarely_and_never_given_up() {
    assert_eq!(
        asked_at(None, 100),
        [0, 15, 45, 105, 225, 465, 945, 1905, 3345, 4785],
        "a quarter of an hour, doubled up to a day"
    );
}

#[test]
fn what_is_needed_soon_is_asked_for_at_its_latest_start_and_often_from_then_on() {
    let hour = |hours| at(NOW) + SignedDuration::from_hours(hours);
    let need = Need {
        latest: hour(10),
        expires_at: hour(11),
    };
    assert_eq!(
        asked_at(Some(need), 14),
        [0, 15, 45, 105, 225, 465, 600, 615, 630, 645, 660, 720, 780, 840],
        "at the latest start, four times an hour up to the expiry, then hourly"
    );
}

#[test]
fn what_is_accepted_and_never_done_is_asked_for_as_slowly_as_what_is_refused() {
    let tried = |need, hours| tried_at(&not_applied(&update(), "the model"), Reason::Retrying, need, hours);
    let freely = tried(None, 24 * 30);
    assert!(freely.len() < 45, "{freely:?}");
    let last = freely.windows(2).last().map(|pair| pair[1] - pair[0]);
    assert_eq!(last, Some(24 * 60), "a day at the longest");
    let hour = |hours| at(NOW) + SignedDuration::from_hours(hours);
    let (latest, by) = (hour(48), hour(50));
    let near = tried(Some(Need { latest, expires_at: by }), 51);
    let near: Vec<_> = near.into_iter().filter(|minute| *minute >= 48 * 60).collect();
    assert_eq!(near, [2880, 2895, 2910, 2925, 2940, 2955, 2970, 2985, 3000, 3060]);
}

#[test]
fn what_an_earlier_version_took_for_final_is_asked_again() {
    let old: LastFailure = serde_json::from_value(serde_json::json!({
        "operation": "Train", "at": "2026-02-01T10:00:00Z", "count": 1, "code": "422", "message": "words",
        "terminal": true, "generation": 1,
    }))
    .unwrap();
    assert_eq!(refused_until(&old, None), Some(at("2026-02-01T10:15:00Z")));
}

#[test]
fn each_step_aside_has_its_own_memory() {
    let (mut last, mut aside) = (None, Vec::new());
    let mut fail = |operation, class, leaves| {
        let failure = Failure {
            operation,
            ..failure(class)
        };
        let memory = Memory {
            last: &mut last,
            aside: &mut aside,
        };
        memory.keep(&failure, 1, leaves, at(NOW));
        let words = |known: &LastFailure| format!("{} {}", known.operation, known.count);
        (last.as_ref().map(words), aside.iter().map(words).collect::<Vec<_>>())
    };
    let transient = FailureClass::Transient { retry_after: None };
    fail(Action::SWAP, transient, false);
    fail("Update project", FailureClass::Refused, false);
    fail(Action::DELETE, transient, false);
    let (main, beside) = fail("Update project", FailureClass::Refused, false);
    assert_eq!(main.unwrap(), "Swap 1", "it waits for its own failure");
    assert_eq!(beside, ["Update project 2", "Delete 1"]);
    let (main, _) = fail(Action::DELETE, transient, true);
    assert_eq!(main.unwrap(), "Delete 1", "what an object needs that leaves");
}

#[test]
fn the_service_s_wish_to_wait_is_obeyed() {
    for (wish, count, wait) in [(0, 1, 5), (3, 1, 5), (60, 1, 60), (60, 2, 65), (86_400, 1, 900)] {
        let now = at(NOW);
        let wish = Some(SignedDuration::from_secs(wish));
        let transient = failure(FailureClass::Transient { retry_after: wish });
        let before = (count > 1).then(|| remember(None, &transient, 1, now));
        let last = remember(before.as_ref(), &transient, 1, now);
        let verdict = admit(
            Some(&last),
            update(),
            Verdict::working(Reason::Updating, ""),
            1,
            false,
            now,
        );
        assert_eq!(
            verdict.look_again,
            Some(now + SignedDuration::from_secs(wait)),
            "{wish:?} {count}"
        );
    }
}

#[test]
fn a_failure_holds_back_its_own_step_only() {
    let now = at(NOW);
    let of = |class| remember(None, &failure(class), 1, now);
    let transient = of(FailureClass::Transient { retry_after: None });
    let (refused, full, unknown) = (
        of(FailureClass::Refused),
        of(FailureClass::Quota),
        of(FailureClass::Uncertain),
    );
    let late = now + SignedDuration::from_secs(5);
    let end = LastFailure {
        at: at("9999-12-30T21:59:59Z"),
        ..transient.clone()
    };
    let set = of(FailureClass::Transient {
        retry_after: Some(LONGEST_DELAY),
    });
    let delete = Action::DeleteEndpoint(id(1));
    for (name, last, action, generation, fresh, now, expected) in [
        ("nothing failed", None, update(), 1, false, now, "act"),
        ("too early", Some(&transient), update(), 1, false, now, "Retrying"),
        ("in time", Some(&transient), update(), 1, false, late, "act"),
        ("perhaps", Some(&unknown), update(), 1, false, now, "Retrying"),
        ("no room", Some(&full), update(), 1, false, now, "QuotaExceeded"),
        ("refused", Some(&refused), update(), 1, false, late, "Refused"),
        ("another spec", Some(&refused), update(), 2, false, now, "act"),
        ("asked for", Some(&refused), update(), 1, true, now, "act"),
        ("another step", Some(&refused), delete.clone(), 1, false, now, "act"),
        ("a wait that is set", Some(&set), update(), 1, false, now, "Retrying"),
        ("the end of time", Some(&end), update(), 1, false, now, "act"),
    ] {
        let verdict = admit(
            last,
            action,
            Verdict::working(Reason::Updating, ""),
            generation,
            fresh,
            now,
        );
        let word = if verdict.action.is_some() {
            "act"
        } else {
            verdict.reason.as_str()
        };
        assert_eq!(word, expected, "{name}");
        assert!(verdict.look_again.is_none_or(|again| again > now), "{name}");
    }
    let refused = LastFailure {
        operation: "Delete".into(),
        ..refused
    };
    let admitted = |now| {
        admit(
            Some(&refused),
            delete.clone(),
            Verdict::working(Reason::Deleting, ""),
            1,
            false,
            now,
        )
    };
    assert_eq!(
        (admitted(now).reason, admitted(now).look_again),
        (Reason::Retrying, Some(late))
    );
    assert!(admitted(late).action.is_some(), "a deletion is never given up");
}
