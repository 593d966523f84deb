//! Evaluations that fail, and requests for them.
use super::*;
use crate::Step;

#[test]
fn an_evaluation_that_fails_is_made_anew_ever_more_rarely() {
    let mut case = finding(in_state(30, Status::Failed, NOW));
    assert_eq!(said(&case), format!("- | Error 1 | {AGAIN}"));
    assert_eq!(case.show().look_again, Some(at(NOW) + minutes(10)));
    case.world.view.evaluations = Default::default();
    case.world.sweep();
    assert_eq!(
        said(&case),
        format!("- | Error 1 | {AGAIN}"),
        "remembered without the evaluation"
    );
    case.world.now = at(NOW) + minutes(10);
    assert_eq!(said(&case), format!("announce 3 | Error 1 | {BEGINS}"));
    case.show();
    learn(
        &mut case.world.view.evaluations,
        in_state(31, Status::Running, "2026-03-01T10:10:00Z"),
    );
    assert_eq!(gate(&case).errors, 1);
    case.show();
    learn(
        &mut case.world.view.evaluations,
        in_state(31, Status::Failed, "2026-03-01T10:20:00Z"),
    );
    assert_eq!((gate(&case).verdict, gate(&case).errors), (GateVerdict::Error, 2));
    assert_eq!(
        case.show().look_again,
        Some(at("2026-03-01T10:40:00Z")),
        "twice as long"
    );
    assert_eq!(gate(&case).errors, 2, "counted once");
    learn(&mut case.world.view.evaluations, ended([0.1, 0.1]));
    assert_eq!((gate(&case).verdict, gate(&case).errors), (GateVerdict::Pass, 2));
}

#[test]
fn a_request_for_reconciliation_does_not_wait_for_the_delay() {
    let case = finding(in_state(30, Status::Failed, NOW)).with(|c| {
        c.show();
        c.object.annotate("reconcile.fluxcd.io/requestedAt", "now");
    });
    assert_eq!(said(&case), format!("announce 3 | Error 1 | {BEGINS}"));
}

#[test]
fn a_request_that_fails_is_repeated_and_one_that_is_refused_counts_as_an_error() {
    let failed = |class| {
        gated().with(|c| {
            c.object.announce(intent());
            c.world.pass.announced = Some(2);
            c.world.pass.failure = Some(Failure {
                operation: "Evaluate",
                code: "Code".into(),
                message: "words".into(),
                class,
            });
        })
    };
    let transient = failed(FailureClass::Transient { retry_after: None });
    assert_eq!(
        said(&transient),
        "- | Pending | its evaluation; words (Code); tried 1 times, next at 2026-03-01 10:00 UTC"
    );
    assert_eq!(
        transient.plan().status.closed_attempt,
        Some(2),
        "it certainly made none"
    );
    let uncertain = failed(FailureClass::Uncertain);
    assert!(said(&uncertain).contains("request 2 of 2026-03-01 10:00 UTC may still take effect"));
    assert_eq!(uncertain.plan().status.closed_attempt, Some(1));
    let mut refused = failed(FailureClass::Refused);
    let words = "- | Error 1 | another request for an evaluation at 2026-03-01 10:10 UTC, because the service refused the last one: words (Code)";
    check_gates(vec![("refused", failed(FailureClass::Refused), words.into())]);
    refused.show();
    refused.world.pass.failure = None;
    refused.world.pass.announced = None;
    refused.world.now = at(NOW) + minutes(10);
    assert_eq!(said(&refused), format!("announce 3 | Error 1 | {BEGINS}"));
}

/// Others may delete the evaluation in the moment in which the request is answered that it let go.
#[test]
fn what_was_asked_for_stays_on_its_way_when_the_evaluation_that_let_it_go_is_gone() {
    for (class, on_its_way) in [
        (None, true),
        (Some(FailureClass::Uncertain), true),
        (Some(FailureClass::Refused), false),
        (Some(FailureClass::Transient { retry_after: None }), false),
    ] {
        let mut case = finding(ended([0.09, 0.12]));
        let Step::Request(action, asked) = case.world.pass.next(&case.plan()) else {
            panic!("the gate is open")
        };
        assert_eq!(action.moves_to(), Some(custom_id(21)));
        let failed = class.map(|class| failure(action.operation(), class));
        case.world.pass.answered(asked, failed);
        case.world.view.evaluations = Default::default();
        case.world.sweep();
        case.world.unconfirm(10);
        let target = case.show().status.target.map(|target| target.model);
        assert_eq!(target, on_its_way.then_some(id(21)), "{class:?}");
    }
}
