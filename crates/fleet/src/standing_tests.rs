use super::*;
use argo_cd::health;
use serde_json::{Value, json};
use speech_plan::testing::{at, endpoint};

#[path = "../../../tests/harness/argo_cd.rs"]
mod argo_cd;

const NOW: &str = "2026-03-01T10:00:00Z";

/// How an endpoint stands whose conditions are these: type, status, reason.
fn standing(conditions: &[(&str, &str, &str)], more: &Value) -> Standing {
    Standing::of_endpoint(&object(conditions, more), at(NOW))
}

fn object(conditions: &[(&str, &str, &str)], more: &Value) -> SpeechEndpoint {
    let mut object = endpoint("model: {base: {}}");
    object.metadata.generation = Some(1);
    object.spec.suspend = more["suspend"] == true;
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status, reason)| {
            json!({"type": kind, "status": status, "reason": reason, "message": format!("{reason} of {kind}"), "lastTransitionTime": NOW})
        })
        .collect();
    let mut status = json!({"observedGeneration": 1, "conditions": conditions});
    let more = more["status"].as_object().cloned().unwrap_or_default();
    status.as_object_mut().unwrap().extend(more);
    object.status = Some(serde_json::from_value(status).unwrap());
    object
}

fn active(expires: &str) -> Value {
    json!({"model": "00000000-0000-0000-0000-000000000001", "name": "claims", "since": NOW, "expiresAt": expires})
}

const READY: (&str, &str, &str) = ("Ready", "True", "Serving");
const WORKING: (&str, &str, &str) = ("Reconciling", "True", "Deploying");
const STALLED: (&str, &str, &str) = ("Stalled", "True", "ModelNotFound");
const RISK: (&str, &str, &str) = ("AtRisk", "True", "NoSuccessor");

type Case = (&'static [(&'static str, &'static str, &'static str)], Value, State);

fn cases() -> Vec<Case> {
    let candidate = json!({"status": {"candidate": {"model": "00000000-0000-0000-0000-000000000002", "name": "newer", "since": NOW}}});
    vec![
        (&[READY][..], json!({}), State::Ready),
        (&[READY, WORKING], json!({}), State::Working),
        (&[READY], candidate.clone(), State::Waiting),
        (&[("Ready", "False", "Creating"), WORKING], json!({}), State::Pending),
        (&[], json!({}), State::Pending),
        (&[READY], json!({"status": {"observedGeneration": 0}}), State::Unknown),
        (&[READY, RISK], candidate, State::AtRisk),
        (&[READY, STALLED, RISK], json!({}), State::Stalled),
        (&[READY], json!({"suspend": true}), State::Suspended),
        (
            &[READY, ("Stalled", "True", "ObserveOnly")],
            json!({}),
            State::Suspended,
        ),
        (&[READY, RISK], json!({"suspend": true}), State::AtRisk),
        (
            &[READY, ("ModelValid", "False", "BaseModelAnswers")],
            json!({}),
            State::Expired,
        ),
        (
            &[STALLED, ("ModelValid", "False", "EndpointGone")],
            json!({}),
            State::Stalled,
        ),
    ]
}

#[test]
fn the_worst_of_what_is_known_is_the_state() {
    for (conditions, more, state) in cases() {
        assert_eq!(standing(conditions, &more).state, state, "{conditions:?} {more}");
    }
}

#[test]
fn the_health_script_of_argo_cd_agrees() {
    for (conditions, more, state) in cases() {
        let (word, message) = health(&serde_json::to_value(object(conditions, &more)).unwrap());
        let expected = match state {
            State::Expired | State::Stalled => "Degraded",
            State::Unknown | State::Pending => "Progressing",
            State::Suspended => "Suspended",
            State::AtRisk if more["suspend"] == true => "Suspended",
            State::AtRisk | State::Working | State::Waiting | State::Ready => "Healthy",
        };
        assert_eq!(word, expected, "{state:?}: {conditions:?} {more}");
        assert_eq!(message.contains("at risk"), conditions.contains(&RISK), "{message}");
    }
}

#[test]
fn a_model_whose_date_is_over_has_expired_though_no_operator_says_so() {
    let over = |expires: &str| standing(&[READY], &json!({"status": {"active": active(expires)}})).state;
    assert_eq!(over("2026-03-01T10:00:00Z"), State::Expired);
    assert_eq!(over("2026-03-01T10:00:01Z"), State::Ready);
    assert_eq!(over("soon"), State::Ready, "what cannot be read is told elsewhere");
    let expired = standing(&[READY], &json!({"status": {"active": active(NOW)}}));
    assert_eq!(expired.reason(), Some("ModelExpired"));
    assert!(!expired.is_settled, "nobody may wait for this");
    // Of what was deleted by others, nothing expired.
    let gone = [STALLED, ("ModelValid", "False", "EndpointGone")];
    assert_eq!(
        standing(&gone, &json!({"status": {"active": active(NOW)}})).state,
        State::Stalled
    );
}

#[test]
fn a_step_is_blocked_once_a_condition_says_so_and_not_a_year_ahead() {
    let plan = json!({"status": {"plan": [
        {"action": "Swap", "at": "2027-01-15T00:00:00Z", "reason": "BeforeExpiry", "blockedBy": ["approval"]},
    ]}});
    assert_eq!(standing(&[READY], &plan).blocked, None);
    let scheduled = ("Ready", "True", "SwapScheduled");
    assert_eq!(standing(&[scheduled], &plan).blocked, None, "its day is no obstacle");
    let blocked = standing(&[("Ready", "True", "ApprovalAwaited")], &plan)
        .blocked
        .unwrap();
    assert_eq!((&*blocked.reason, &*blocked.message), ("ApprovalAwaited", "approval"));
    assert_eq!(standing(&[READY, RISK], &plan).blocked.unwrap().reason, "NoSuccessor");
    assert_eq!(standing(&[READY, RISK], &json!({})).blocked, None, "nothing is named");
    let observed = standing(&[READY, ("Stalled", "True", "ObserveOnly")], &plan)
        .blocked
        .unwrap();
    assert_eq!(observed.reason, "ObserveOnly");
    let mut foreseen = plan;
    foreseen["status"]["plan"][0]["forecast"] = true.into();
    assert_eq!(
        standing(&[("Ready", "True", "ApprovalAwaited")], &foreseen).blocked,
        None
    );
}

#[test]
fn what_waits_for_a_person_goes_before_what_goes_on_by_itself() {
    let candidate = json!({"status": {"candidate": {"model": "00000000-0000-0000-0000-000000000002", "name": "newer", "since": NOW}}});
    let person = standing(&[("Ready", "True", "ApprovalAwaited")], &candidate);
    let date = standing(&[("Ready", "True", "WindowClosed")], &candidate);
    let working = standing(&[READY, WORKING], &json!({}));
    let pending = standing(&[WORKING], &json!({}));
    let mut all = [&date, &working, &person, &pending];
    all.sort_by_key(|one| one.urgency());
    let states = all.map(|one| (one.state, one.why.as_ref().unwrap().reason.as_str()));
    assert_eq!(states[0].0, State::Pending);
    assert_eq!(states[1], (State::Waiting, "ApprovalAwaited"));
    assert_eq!(states[2].0, State::Working);
    assert_eq!(states[3].0, State::Waiting);
}

#[test]
fn an_expiry_is_next_only_where_nothing_else_is() {
    let expire = json!({"action": "Expire", "at": "2026-06-01T00:00:00Z", "reason": "NoSuccessor"});
    let swap = json!({"action": "Swap", "at": "2026-07-01T00:00:00Z", "reason": "Forecast"});
    let next = |plan: Value| {
        standing(&[READY], &json!({"status": {"plan": plan}}))
            .next
            .map(|step| step.action)
    };
    assert_eq!(next(json!([expire, swap])), Some(PlannedAction::Swap));
    assert_eq!(next(json!([expire])), Some(PlannedAction::Expire));
    assert_eq!(next(json!([])), None);
}
