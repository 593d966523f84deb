use super::*;
use crate::status::Row;
use serde_json::{Value, json};

fn there() -> Seen {
    Seen::There("a is ready".into())
}

fn not_yet(stalled: bool) -> Seen {
    Seen::NotYet {
        called: "b".into(),
        message: "moves".into(),
        share: None,
        stalled,
    }
}

#[test]
fn all_count_at_one_moment_and_a_stall_ends_the_wait_unless_it_may_pass() {
    use Stalled::{Ends, MayPass};
    let gone = || Seen::Gone("c was deleted meanwhile".into());
    for (seen, stalled, is_late, expected) in [
        (vec![there(), there()], Ends, false, Some(Outcome::Well)),
        (vec![there(), there()], Ends, true, Some(Outcome::Well)),
        (vec![there(), not_yet(false)], Ends, false, None),
        (vec![there(), not_yet(false)], Ends, true, Some(Outcome::Attention)),
        (vec![there(), not_yet(true)], Ends, false, Some(Outcome::Attention)),
        (vec![there(), not_yet(true)], MayPass, false, None),
        (vec![there(), not_yet(true)], MayPass, true, Some(Outcome::Attention)),
        (vec![gone(), not_yet(false)], MayPass, false, Some(Outcome::Failed)),
    ] {
        assert_eq!(
            judge(&seen, stalled, is_late),
            expected,
            "{seen:?} {stalled:?} {is_late}"
        );
    }
}

/// How an endpoint counts whose newest generation is 2.
fn counts(observed: i64, conditions: &[(&str, &str)]) -> (bool, bool) {
    let condition = |(kind, status): &(&str, &str)| json!({"type": kind, "status": status, "reason": "R", "message": "m", "lastTransitionTime": "2026-03-01T10:00:00Z"});
    let conditions: Vec<Value> = conditions.iter().map(condition).collect();
    let endpoint = json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
        "metadata": {"name": "line", "namespace": "shop", "generation": 2},
        "spec": {"connectionRef": {"name": "speech"}, "locale": "en-US", "model": {"base": {}}},
        "status": {"observedGeneration": observed, "conditions": conditions},
    });
    let endpoint = serde_json::from_value(endpoint).unwrap();
    let row: Row = status::row(&Object::Endpoint(&endpoint), Timestamp::UNIX_EPOCH);
    (row.standing().is_settled, row.standing().is_stalled)
}

#[test]
fn what_is_said_of_an_older_spec_counts_neither_as_ready_nor_as_stalled() {
    let (ready, moves) = (("Ready", "True"), ("Reconciling", "True"));
    let (stalled, risk) = (("Stalled", "True"), ("AtRisk", "True"));
    for (observed, conditions, expected) in [
        (2, vec![ready], (true, false)),
        (1, vec![ready], (false, false)),
        (2, vec![ready, risk], (true, false)),
        (2, vec![ready, moves, risk], (false, false)),
        (1, vec![ready, risk], (false, false)),
        (2, vec![ready, moves], (false, false)),
        (2, vec![("Ready", "False"), stalled], (false, true)),
        (2, vec![ready, stalled], (false, true)),
        (1, vec![stalled], (false, false)),
        (2, vec![ready, ("ModelValid", "False")], (false, false)),
    ] {
        assert_eq!(counts(observed, &conditions), expected, "{observed} {conditions:?}");
    }
}
