//! From a verdict to conditions.
use super::{
    Notice,
    verdict::{Phase, Verdict},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{
    Reason,
    condition::{self, READY, RECONCILING, STALLED, Statement, Truth},
};

/// What an object's `Ready` says while work is under way; an endpoint that swaps still serves.
#[derive(Clone, Debug)]
pub struct Meanwhile {
    /// Whether the object does its job.
    pub ready: bool,
    /// Why.
    pub reason: Reason,
    /// The same for a person.
    pub message: String,
}

/// The conditions `Ready`, `Reconciling` and `Stalled` of an object.
pub fn statements(verdict: &Verdict, meanwhile: Option<Meanwhile>) -> Vec<Statement> {
    let own = |kind, truth| Statement {
        kind,
        truth,
        reason: verdict.reason,
        message: verdict.message.clone(),
    };
    let serves = || match meanwhile {
        Some(Meanwhile { ready, reason, message }) => Statement {
            kind: READY,
            truth: ready.into(),
            reason,
            message,
        },
        None => own(READY, Truth::False),
    };
    match verdict.phase {
        Phase::Done => vec![own(READY, Truth::True)],
        // A process that only observes takes nothing away from what serves.
        Phase::Stalled if verdict.reason == Reason::ObserveOnly => vec![serves(), own(STALLED, Truth::True)],
        Phase::Stalled => vec![own(READY, Truth::False), own(STALLED, Truth::True)],
        Phase::Working => vec![serves(), own(RECONCILING, Truth::True)],
    }
}

/// The conditions of an object that the cluster lets nobody write as it has to be written, and what is told of it. What is known
/// of its model stays true.
pub fn cluster_refused(before: &[Condition], words: &str, generation: i64, now: Timestamp) -> (Vec<Condition>, Notice) {
    let message =
        format!("the cluster refuses what the operator has to write of this object, so nothing goes on: {words}");
    let verdict = Verdict::stalled(Reason::ClusterRefused, message.clone());
    let mut conditions = condition::stamp(before, statements(&verdict, None), generation, now);
    let replaced = [READY, RECONCILING, STALLED];
    let others = before.iter().filter(|one| !replaced.contains(&one.type_.as_str()));
    conditions.extend(others.cloned());
    let notice = Notice {
        warning: true,
        reason: Reason::ClusterRefused,
        note: message,
    };
    (conditions, notice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, at, said};

    #[test]
    fn a_refusal_of_the_cluster_is_told_once_and_leaves_what_is_known_of_the_model() {
        let valid = Statement {
            kind: condition::MODEL_VALID,
            truth: Truth::True,
            reason: Reason::ModelServes,
            message: String::new(),
        };
        let mut before = statements(&Verdict::done(Reason::Serving, "serves"), None);
        before.push(valid);
        let before = condition::stamp(&[], before, 1, at(NOW));
        let (first, notice) = cluster_refused(&before, "policy 'x' denied it", 1, at(NOW));
        assert_eq!(
            said(&first),
            "Ready=False ClusterRefused, Stalled ClusterRefused, ModelValid=True ModelServes"
        );
        assert!(notice.note.ends_with("policy 'x' denied it") && notice.warning);
        let (again, _) = cluster_refused(&first, "policy 'x' denied it", 1, at("2026-03-02T00:00:00Z"));
        assert_eq!(again, first, "the same refusal costs no write");
    }
}
