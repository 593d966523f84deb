//! What an evaluation says of a candidate, and how there comes to be one.
use super::*;
use crate::{
    Failure, FailureClass, List,
    endpoint::{
        facts::Facts,
        gate::{Assessment, judge},
        observed::Windows,
    },
    queue::{Pair, Want},
};
use speech_api::{
    Reason,
    annotation::CreationIntent,
    swap::{GateVerdict, Judgement},
};
use speech_service::entity::{Evaluation, Status};
use std::sync::Arc;

mod dataset;
mod deadline;
mod failures;

const THRESHOLDS: &str = "maxWordErrorRate: 0.15, maxRegression: 0.02, minWords: 1000";
const BEGINS: &str = "its evaluation against the active model, which begins";
const AGAIN: &str =
    "another evaluation at 2026-03-01 10:10 UTC, because the last one failed: it did not work (DeployingFailedModel)";
const PAIR: fn() -> Pair = || Pair {
    candidate: custom_id(21),
    active: custom_id(20),
    dataset: id(5),
};

fn intent() -> CreationIntent {
    CreationIntent {
        attempt: 2,
        at: at(NOW),
        ..CreationIntent::default()
    }
}

fn spec(thresholds: &str) -> String {
    let dataset = id(5);
    format!("model: {{ref: {{name: m}}}}\nswap: {{gate: {{evaluation: {{dataset: {dataset}, {thresholds}}}}}}}")
}

/// Endpoint 10 serves custom model 20; model 21 is to follow, if dataset 5 lets it.
pub(super) fn gated() -> Case {
    let world = World::new()
        .custom(custom_model(20, "2026-09-01T00:00:00Z"))
        .custom(custom_model(21, LATER))
        .dataset(dataset(5))
        .remote(owned(remote(10, custom_id(20)), 1))
        .swept(NOW);
    let mut case =
        Case::of(world, endpoint(&spec(THRESHOLDS))).with(|c| c.related.model = Some(model_with_current(20)));
    case.show();
    case.with(|c| c.related.model = Some(model_with_current(21)))
}

/// Evaluation 30 of the pair, made by this object's attempt 2.
pub(super) fn ended(rates: [f64; 2]) -> Evaluation {
    with(evaluation(30, [custom_id(21), custom_id(20)], 5, rates), |e| {
        e.header.owner = Some(Arc::new(tag(UID, 2)));
    })
}

fn in_state(n: u128, status: Status, when: &str) -> Evaluation {
    with(ended([0.1, 0.1]), |e| {
        e.header.id = id(n);
        e.header.created_at = at(when);
        (e.scores1, e.scores2) = (None, None);
        put_state(&mut e.header, status, at(when));
    })
}

pub(super) fn finding(evaluation: Evaluation) -> Case {
    gated().with(|c| learn(&mut c.world.view.evaluations, evaluation))
}

fn gate(case: &Case) -> Judgement {
    case.plan().status.gate.unwrap()
}

/// The step, the verdict with the number of errors, and the message.
fn said(case: &Case) -> String {
    let _lawful = case.line();
    let plan = case.plan();
    let gate = plan.status.gate.unwrap();
    let errors = if gate.errors > 0 {
        format!(" {}", gate.errors)
    } else {
        String::new()
    };
    format!(
        "{} | {}{errors} | {}",
        step(plan.action.as_ref()),
        gate.verdict.as_str(),
        gate.message
    )
}

fn check_gates(cases: Vec<(&str, Case, String)>) {
    for (name, mut case, expected) in cases {
        assert_eq!(said(&case), expected, "{name}");
        let first = case.show();
        case.world.pass.failure = None;
        case.world.now += jiff::SignedDuration::from_secs(1);
        let second = case.plan();
        assert_eq!(first.status.gate, second.status.gate, "{name}: nothing new is written");
    }
}

#[test]
fn one_evaluation_is_made_and_waited_for() {
    let other = |case: Case| {
        case.with(|c| {
            assert!(c.world.agenda.queue.set("other", Some(Want::Evaluation(PAIR()))));
        })
    };
    let marked = |uid: &str, cluster: &str| {
        with(ended([0.1, 0.1]), |e| {
            let mut mark = tag(uid, 7);
            mark.cluster = cluster.into();
            e.header.owner = Some(Arc::new(mark));
        })
    };
    let runs = "its evaluation against the active model, which runs since 2026-03-01 10:00 UTC";
    check_gates(vec![
        ("there is none", gated(), format!("announce 2 | Pending | {BEGINS}")),
        (
            "announced in this pass",
            gated().with(|c| {
                c.object.announce(intent());
                c.world.pass.announced = Some(2);
            }),
            format!("evaluate 21 against 20 with 5 | Pending | {BEGINS}"),
        ),
        (
            "announced before a crash",
            gated().with(|c| c.object.announce(intent())),
            "- | Pending | its evaluation; request 2 of 2026-03-01 10:00 UTC may still take effect; looking for its result until 2026-03-01 10:02 UTC".into(),
        ),
        (
            "announced before a crash, and it led to nothing",
            gated().with(|c| {
                c.object.announce(intent());
                c.world.now = at("2026-03-01T10:02:00Z");
                c.world.sweep();
            }),
            format!("announce 3 | Pending | {BEGINS}"),
        ),
        ("under way", finding(in_state(30, Status::Running, NOW)), format!("- | Pending | {runs}")),
        (
            "made by another object",
            finding(with(in_state(30, Status::NotStarted, NOW), |e| e.header.owner = Some(Arc::new(tag("other", 4))))),
            format!("- | Pending | {runs}"),
        ),
        (
            "being made by another object",
            other(gated()),
            "- | Pending | its evaluation, which another endpoint has made".into(),
        ),
        ("of another cluster", finding(marked("other", "cluster-2")), format!("announce 2 | Pending | {BEGINS}")),
        (
            "of nobody",
            finding(with(ended([0.1, 0.1]), |e| e.header.owner = None)),
            format!("announce 2 | Pending | {BEGINS}"),
        ),
        (
            "with another dataset",
            finding(with(marked("other", "cluster-1"), |e| e.dataset = id(6))),
            format!("announce 2 | Pending | {BEGINS}"),
        ),
        (
            "of other models",
            finding(with(marked("other", "cluster-1"), |e| e.model2 = custom_id(22))),
            format!("announce 2 | Pending | {BEGINS}"),
        ),
        (
            "evaluations not read yet",
            gated().with(|c| c.world.view.evaluations = Default::default()),
            "- | Pending | the first look at the evaluations of the Speech resource".into(),
        ),
        (
            "datasets not read yet",
            gated().with(|c| c.world.view.datasets = Default::default()),
            "- | Pending | the first look at the datasets of the Speech resource".into(),
        ),
    ]);
}

#[test]
fn the_line_knows_who_has_a_pair_evaluated() {
    let announcing = gated().plan();
    assert_eq!(announcing.wants, Some(Want::Evaluation(PAIR())));
    assert_eq!(announcing.awaits, Some(List::Evaluations));
    let found = finding(in_state(30, Status::Running, NOW)).plan();
    assert_eq!((found.wants, found.awaits), (None, Some(List::Evaluations)));
    assert_eq!(found.status.closed_attempt, Some(2), "the attempt made it");
}

#[test]
fn the_numbers_decide() {
    let inconclusive = "an evaluation that decides; the last one";
    let missing = |change: fn(&mut Evaluation)| finding(with(ended([0.1, 0.1]), change));
    let better =
        "word error rate 0.112, at most 0.150 allowed; active has 0.121, at most 0.020 more allowed; 2000 words";
    check_gates(vec![
        ("better", finding(ended([0.112, 0.121])), format!("update 10 model | Pass | {better}")),
        (
            "the other way round",
            finding(with(ended([0.121, 0.112]), |e| (e.model1, e.model2) = (e.model2, e.model1))),
            format!("update 10 model | Pass | {better}"),
        ),
        (
            "too high",
            finding(ended([0.182, 0.179])),
            "- | Fail | word error rate 0.182, at most 0.150 allowed; active has 0.179, at most 0.020 more allowed; 2000 words".into(),
        ),
        (
            "too much worse",
            finding(ended([0.1411, 0.121])),
            "- | Fail | word error rate 0.1411, at most 0.150 allowed; active has 0.121, at most 0.020 more allowed; 2000 words".into(),
        ),
        (
            "just as much worse as allowed",
            finding(ended([0.141, 0.121])),
            "update 10 model | Pass | word error rate 0.141, at most 0.150 allowed; active has 0.121, at most 0.020 more allowed; 2000 words".into(),
        ),
        (
            "too few words, and bad ones",
            missing(|e| {
                e.scores1.as_mut().unwrap().word_error_rate = 0.9;
                e.scores1.as_mut().unwrap().word_count = Some(120);
            }),
            format!("- | Inconclusive | {inconclusive}: word error rate 0.900, at most 0.150 allowed; active has 0.100, at most 0.020 more allowed; 120 words, at least 1000 needed"),
        ),
        (
            "nobody knows how many words",
            missing(|e| e.scores1.as_mut().unwrap().word_count = None),
            format!("- | Inconclusive | {inconclusive}: word error rate 0.100, at most 0.150 allowed; active has 0.100, at most 0.020 more allowed; the service does not say of how many words, at least 1000 needed"),
        ),
        (
            "no scores though it succeeded",
            missing(|e| e.scores1 = None),
            format!("- | Inconclusive | {inconclusive} ended without a word error rate"),
        ),
        (
            "a score that is none",
            missing(|e| e.scores2.as_mut().unwrap().word_error_rate = f64::NAN),
            format!("- | Inconclusive | {inconclusive} ended without a word error rate"),
        ),
        (
            "a score from before the end",
            missing(|e| e.scores1.as_mut().unwrap().word_error_rate = -1.0),
            format!("- | Inconclusive | {inconclusive} ended without a word error rate"),
        ),
    ]);
}

#[test]
fn other_thresholds_ask_for_other_numbers() {
    let of = |thresholds: &str, tokens: Option<f64>| {
        finding(with(ended([0.16, 0.16]), |e| {
            e.scores1.as_mut().unwrap().token_error_rate = tokens;
            e.scores2.as_mut().unwrap().token_error_rate = tokens;
        }))
        .with(|c| c.edit(&spec(thresholds)))
    };
    check_gates(vec![
        (
            "tokens",
            of("maxTokenErrorRate: 0.3", Some(0.25)),
            "update 10 model | Pass | token error rate 0.250, at most 0.300 allowed; active has 0.250; 2000 words".into(),
        ),
        (
            "tokens that the service does not give",
            of("maxTokenErrorRate: 0.3", None),
            "- | Inconclusive | an evaluation that decides; the last one ended without a token error rate".into(),
        ),
        (
            "only against the active model",
            of("maxRegression: 0", None),
            "update 10 model | Pass | word error rate 0.160; active has 0.160, at most 0.000 more allowed; 2000 words".into(),
        ),
        (
            "nothing was said",
            of("maxRegression: 0", None).with(|c| {
                let silent = with(ended([0.0, 0.0]), |e| e.scores1.as_mut().unwrap().word_count = Some(0));
                learn(&mut c.world.view.evaluations, silent);
            }),
            "- | Inconclusive | an evaluation that decides; the last one: word error rate 0.000; active has 0.000, at most 0.000 more allowed; 0 words".into(),
        ),
    ]);
}

#[test]
fn a_candidate_that_fails_is_put_into_quarantine_with_the_numbers() {
    let mut case = finding(ended([0.182, 0.121]));
    let status = case.show().status;
    let judged = status.gate.unwrap();
    assert_eq!(
        (
            judged.candidate_error_rate,
            judged.active_error_rate,
            judged.words,
            judged.metric.as_str()
        ),
        (Some(0.182), Some(0.121), Some(2000), "WordErrorRate")
    );
    let entry = &status.quarantine[0];
    assert_eq!((entry.model, entry.reason.as_str()), (id(21), "GateFailed"));
    assert!(
        entry
            .message
            .starts_with("word error rate 0.182, at most 0.150 allowed"),
        "{}",
        entry.message
    );
    assert_eq!(case.plan().action, None, "the endpoint keeps what it serves");
}

#[test]
fn a_verdict_stands_without_its_evaluation_and_follows_the_thresholds() {
    let judged = |thresholds: &str, rates, change: fn(&mut Case)| {
        let mut case = finding(ended(rates)).with(|c| c.edit(&spec("maxWordErrorRate: 0.15")));
        let gate = case.plan().status.gate;
        case.world.view.evaluations = Default::default();
        case.world.sweep();
        case.object.status.as_mut().unwrap().gate = gate;
        case.with(change).with(|c| c.edit(&spec(thresholds)))
    };
    let still = |c: &mut Case| c.world.view.datasets = Default::default();
    check_gates(vec![
        (
            "as it was",
            judged("maxWordErrorRate: 0.15", [0.11, 0.1], still),
            "update 10 model | Pass | word error rate 0.110, at most 0.150 allowed; active has 0.100; 2000 words".into(),
        ),
        (
            "stricter",
            judged("maxWordErrorRate: 0.1", [0.11, 0.1], still),
            "- | Fail | word error rate 0.110, at most 0.100 allowed; active has 0.100; 2000 words".into(),
        ),
        (
            "milder",
            judged("maxWordErrorRate: 0.2", [0.182, 0.1], still),
            "update 10 model | Pass | word error rate 0.182, at most 0.200 allowed; active has 0.100; 2000 words".into(),
        ),
        (
            "more words",
            judged("maxWordErrorRate: 0.2, minWords: 3000", [0.182, 0.1], still),
            "- | Inconclusive | an evaluation that decides; the last one: word error rate 0.182, at most 0.200 allowed; active has 0.100; 2000 words, at least 3000 needed".into(),
        ),
        (
            "another rate",
            judged("maxTokenErrorRate: 0.2", [0.182, 0.1], |_| {}),
            format!("announce 2 | Pending | {BEGINS}"),
        ),
        (
            "another active model",
            judged("maxWordErrorRate: 0.15", [0.11, 0.1], |c| {
                c.object.status.as_mut().unwrap().gate.as_mut().unwrap().active = id(19);
            }),
            format!("announce 2 | Pending | {BEGINS}"),
        ),
    ]);
}

#[test]
fn the_reason_tells_the_verdicts_apart() {
    let few = with(ended([0.1, 0.1]), |e| e.scores1.as_mut().unwrap().word_count = Some(1));
    for (case, verdict, reason) in [
        (gated(), GateVerdict::Pending, Reason::Evaluating),
        (finding(ended([0.1, 0.1])), GateVerdict::Pass, Reason::Swapping),
        (finding(ended([0.2, 0.1])), GateVerdict::Fail, Reason::GateFailed),
        (finding(few), GateVerdict::Inconclusive, Reason::GateInconclusive),
        (
            finding(in_state(30, Status::Failed, NOW)),
            GateVerdict::Error,
            Reason::GateError,
        ),
    ] {
        let ruling = ruling(&case);
        assert_eq!((ruling.verdict, ruling.reason), (verdict, reason));
    }
}

/// What the gate itself says, apart from the plan.
fn ruling(case: &Case) -> Assessment {
    let view = &case.world.view;
    let rules = case.object.spec.swap.gate.clone().unwrap().evaluation;
    let candidate = view.model(custom_id(21)).unwrap();
    case.look(|s| {
        let windows = Windows::read(s);
        let facts = Facts::read(s, &windows);
        judge(&facts, view, &rules, &candidate, custom_id(20)).0
    })
}

#[test]
fn nothing_is_evaluated_for_an_object_that_is_left_alone() {
    let suspended = gated().with(|c| c.object.spec.suspend = true);
    assert_eq!(
        said(&suspended),
        "- | Pending | suspended; would evaluate the candidate"
    );
    let expired = gated().with(|c| {
        learn(&mut c.world.view.models, custom_model(20, NOW));
    });
    let ruling = ruling(&expired);
    assert_eq!(
        (ruling.verdict, ruling.reason, ruling.action),
        (GateVerdict::Error, Reason::GateError, None)
    );
}

#[test]
fn the_time_that_an_evaluation_took_is_told_once() {
    let mut case = finding(in_state(30, Status::Running, NOW));
    assert!(case.show().took.is_empty());
    let done = with(ended([0.1, 0.1]), |e| {
        e.header.created_at = at(NOW);
        e.header.last_action_at = at(NOW) + minutes(7);
    });
    learn(&mut case.world.view.evaluations, done);
    let took: Vec<_> = case.show().took.iter().map(|took| took.time).collect();
    assert_eq!(took, [minutes(7)]);
    assert!(case.plan().took.is_empty());
}

#[test]
fn an_endpoint_that_waits_for_its_gate_serves_and_tells_why() {
    let silent = with(ended([0.1, 0.1]), |e| {
        e.scores1.as_mut().unwrap().word_count = Some(120)
    });
    let serves = |reason: &str| format!("Ready=True {reason}, ModelValid=True ModelServes");
    let written = |case: Case| {
        case.with(|c| {
            c.show();
        })
    };
    check(vec![
        (
            "runs",
            finding(in_state(30, Status::Running, NOW)),
            &format!("- | {}", serves("Evaluating")),
        ),
        (
            "decides nothing",
            finding(silent),
            &format!("- | {}, AtRisk=True GateInconclusive", serves("GateInconclusive")),
        ),
        (
            "fails",
            written(finding(ended([0.3, 0.1]))),
            &format!("- | {}, AtRisk=True GateFailed", serves("Serving")),
        ),
        (
            "passes",
            finding(ended([0.1, 0.1])),
            "update 10 model | Ready=True Serving, Reconciling Swapping, ModelValid=True ModelServes",
        ),
    ]);
}

#[test]
fn a_verdict_is_written_down_also_after_the_swap_that_it_allowed_has_begun() {
    let mut case = finding(in_state(30, Status::Running, NOW));
    case.show();
    learn(&mut case.world.view.evaluations, ended([0.1, 0.1]));
    assert_eq!(said(&case).split(" | ").next(), Some("update 10 model"));
    // The step is taken before a status is written; from then on the service is at work.
    case.remote(10, |e| {
        e.model = Some(custom_id(21));
        put_state(&mut e.header, Status::Running, at(NOW));
    });
    assert_eq!(gate(&case).verdict, GateVerdict::Pass);
    assert_eq!(case.plan().took.len(), 1);
}
