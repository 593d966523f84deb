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
const TROUBLES: [Reason; 7] = [
    Reason::RecreationDelayed,
    Reason::TrainingFailed,
    Reason::CopyFailed,
    Reason::QuotaExceeded,
    Reason::Orphaned,
    Reason::Released,
    Reason::ObserveOnly,
];

/// A change of a condition that is told.
struct Transition {
    condition: &'static str,
    status: &'static str,
    warning: bool,
    about: &'static str,
}

/// The changes of conditions that are told, with the reason of the condition as the reason of the event.
const TRANSITIONS: [Transition; 13] = [
    Transition {
        condition: condition::READY,
        status: "True",
        warning: false,
        about: "the object became ready",
    },
    Transition {
        condition: condition::STALLED,
        status: "True",
        warning: true,
        about: "it does not go on without a change of the spec or of the world around it",
    },
    Transition {
        condition: condition::MODEL_VALID,
        status: "False",
        warning: true,
        about: "the model that serves is valid no more",
    },
    Transition {
        condition: condition::AT_RISK,
        status: "True",
        warning: true,
        about: "unless somebody acts, the model expires before another one follows",
    },
    Transition {
        condition: condition::FIELDS_REFUSED,
        status: "True",
        warning: true,
        about: "the service refuses fields that hold nothing else back; names them, with its words",
    },
    Transition {
        condition: condition::CLOCK_SKEW,
        status: "True",
        warning: true,
        about: "the clocks of the service and of the operator differ",
    },
    Transition {
        condition: condition::THROTTLED,
        status: "True",
        warning: true,
        about: "the service slows a connection down",
    },
    Transition {
        condition: condition::RETIRING_VERSION,
        status: "True",
        warning: true,
        about: "the API version that a connection speaks is retired by an announced date",
    },
    Transition {
        condition: condition::SHARED_RESOURCE,
        status: "True",
        warning: true,
        about: "another connection leads to the same Speech resource",
    },
    Transition {
        condition: condition::UNHEEDED,
        status: "True",
        warning: true,
        about: "something that the spec or an annotation says has no effect",
    },
    Transition {
        condition: condition::DELETIONS_HELD,
        status: "True",
        warning: true,
        about: "more deletions were asked for at once than the connection allows; has the command that agrees",
    },
    Transition {
        condition: condition::CONTESTED,
        status: "True",
        warning: true,
        about: "what is put back is changed by somebody else again and again; names it",
    },
    Transition {
        condition: condition::OBSERVE_ONLY,
        status: "True",
        warning: true,
        about: "the operator's process reads the Speech resource of a connection and changes nothing in it",
    },
];

/// What is told beside the changes of conditions: the reason, whether it is a warning, and when.
const HAPPENINGS: [(Reason, bool, &str); 10] = [
    (
        Reason::Serving,
        false,
        "another model serves at an endpoint; names both",
    ),
    (
        Reason::Synced,
        false,
        "another revision of a model is current; names both",
    ),
    (
        Reason::DriftCorrected,
        true,
        "somebody changed the entity in the Speech service, and it is put back",
    ),
    (
        Reason::GateFailed,
        true,
        "a candidate failed its gate and is in quarantine; has the numbers",
    ),
    (
        Reason::DeploymentFailed,
        true,
        "a deployment failed and its model is in quarantine; has the service's words",
    ),
    (
        Reason::QuarantineCleared,
        false,
        "models were taken out of quarantine on request",
    ),
    (
        Reason::Recreating,
        true,
        "the endpoint was deleted in the Speech service and made anew; names both ids",
    ),
    (
        Reason::RemoteDeleted,
        true,
        "somebody deleted a revision of a model in the Speech service; names it",
    ),
    (
        Reason::Orphaned,
        true,
        "the object is released, and what it has in the Speech service stays behind; told of the namespace too when that ends",
    ),
    (
        Reason::Released,
        true,
        "the operator or its kinds are being removed: the object is let go, and what it has in the Speech service stays",
    ),
];

/// `docs/events.md`.
pub fn document() -> String {
    let kind = |warning: bool| if warning { "Warning" } else { "Normal" };
    let mut text = String::from(
        "# Events\n\n<!-- Generated by `speech-operator crds --write`; do not edit. -->\n\n\
         Events of `events.k8s.io/v1` about SpeechConnections, SpeechModels and SpeechEndpoints, by the reporting controller\n\
         `customspeech.dev/speech-operator`. They are told on transitions only, once: an object at rest tells nothing, and the\n\
         passing of time alone tells nothing. The same reason does not come again while the condition stays as it is. Every\n\
         `reason` is one of [reasons.md](reasons.md), a closed list whose words do not change their meaning. Events are best effort\n\
         and kept by the apiserver for an hour as a rule: conditions and [metrics](metrics.md) are what to rely on.\n\n\
         ## Changes of conditions\n\nThe reason of the event is that of the condition.\n\n\
         | Condition | becomes | Type | Meaning |\n| --- | --- | --- | --- |\n",
    );
    for told in TRANSITIONS {
        let (condition, status, kind) = (told.condition, told.status, kind(told.warning));
        text.push_str(&format!("| `{condition}` | {status} | {kind} | {} |\n", told.about));
    }
    let troubles = TROUBLES.map(|reason| format!("`{}`", reason.as_str())).join(", ");
    text.push_str(&format!(
        "| `Reconciling` | True | Warning | trouble on the way, though the operator goes on: only for {troubles} |\n\n\
         A warning is told again when the reason changes. Nothing is told when a condition ends; `Ready` tells that.\n\n\
         ## Happenings\n\n| Reason | Type | Meaning |\n| --- | --- | --- |\n"
    ));
    for (reason, warning, about) in HAPPENINGS {
        text.push_str(&format!("| `{}` | {} | {about} |\n", reason.as_str(), kind(warning)));
    }
    text.push_str(RECIPES);
    text
}

const RECIPES: &str = include_str!("notice.md");

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
    for told in TRANSITIONS {
        transition(told.condition, told.status, told.warning);
    }
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
