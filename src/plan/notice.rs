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

/// The notices that follow from the change of the conditions: becoming ready, becoming stalled, losing the model.
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
    notices
}
