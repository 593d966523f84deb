//! What is told as an event: transitions only.
use crate::api::{Reason, condition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// One event to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether someone should look at it.
    pub warning: bool,
    /// A word of the closed vocabulary.
    pub reason: Reason,
    /// A sentence.
    pub note: String,
}

/// What someone should look at though the operator goes on by itself.
const TROUBLES: [Reason; 4] = [
    Reason::TrainingFailed,
    Reason::CopyFailed,
    Reason::QuotaExceeded,
    Reason::Orphaned,
];

/// The notices that follow from the change of the conditions: becoming ready, becoming stalled, losing the model, being
/// at risk, running into trouble on the way.
pub fn of_conditions(before: &[Condition], after: &[Condition]) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut transition = |kind: &str, status: &str, warning: bool| {
        let was = condition::find(before, kind).filter(|c| c.status == status);
        let Some(is) = condition::find(after, kind).filter(|c| c.status == status) else {
            return;
        };
        if was.is_none_or(|was| warning && was.reason != is.reason)
            && let Some(reason) = Reason::ALL.iter().find(|reason| reason.as_str() == is.reason)
        {
            notices.push(Notice {
                warning,
                reason: *reason,
                note: is.message.clone(),
            });
        }
    };
    transition(condition::READY, "True", false);
    transition(condition::STALLED, "True", true);
    transition(condition::MODEL_VALID, "False", true);
    transition(condition::AT_RISK, "True", true);
    transition(condition::CLOCK_SKEW, "True", true);
    transition(condition::THROTTLED, "True", true);
    if condition::find(after, condition::RECONCILING).is_some_and(|c| is_trouble(&c.reason)) {
        transition(condition::RECONCILING, "True", true);
    }
    notices
}

fn is_trouble(reason: &str) -> bool {
    TROUBLES.iter().any(|trouble| trouble.as_str() == reason)
}

/// Whether all was as declared when last looked at, for this very spec: what differs now was changed by someone else.
pub fn was_settled(before: &[Condition], observed: i64, generation: i64) -> bool {
    observed == generation
        && condition::is_true(before, condition::READY)
        && condition::find(before, condition::RECONCILING).is_none()
}

/// Tells that someone changed the remote entity by hand.
pub fn drift(what: &str) -> Notice {
    Notice {
        warning: true,
        reason: Reason::DriftCorrected,
        note: format!("{what} was changed in the Speech service by someone else; putting it back"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::condition::{AT_RISK, Statement, Truth, stamp};
    use jiff::Timestamp;

    fn at_risk(reason: Reason, message: &str) -> Vec<Condition> {
        let statement = Statement {
            kind: AT_RISK,
            truth: Truth::True,
            reason,
            message: message.to_owned(),
        };
        stamp(&[], vec![statement], 1, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_risk_is_told_once_for_each_reason() {
        let risk = at_risk(Reason::NoSuccessor, "nothing follows");
        let told = of_conditions(&[], &risk);
        assert_eq!(
            told,
            [Notice {
                warning: true,
                reason: Reason::NoSuccessor,
                note: "nothing follows".to_owned(),
            }]
        );
        assert_eq!(of_conditions(&risk, &at_risk(Reason::NoSuccessor, "other words")), []);
        let other = of_conditions(&risk, &at_risk(Reason::WindowNeverOpens, "shut"));
        assert_eq!(other.len(), 1);
        assert_eq!(of_conditions(&risk, &[]), []);
    }
}
