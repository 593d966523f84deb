//! What is reported as an event: transitions only.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{Reason, condition};

/// One event to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether it needs attention.
    pub warning: bool,
    /// A reason of the closed list.
    pub reason: Reason,
    /// A sentence.
    pub note: String,
}

/// What needs attention although the operator continues by itself.
const TROUBLES: [Reason; 7] = [
    Reason::RecreationDelayed,
    Reason::TrainingFailed,
    Reason::CopyFailed,
    Reason::QuotaExceeded,
    Reason::Orphaned,
    Reason::Released,
    Reason::ObserveOnly,
];

/// A change of a condition that is reported.
struct Transition {
    condition: &'static str,
    status: &'static str,
    warning: bool,
    about: &'static str,
}

/// The changes of conditions that are reported. The event has the reason of the condition.
const TRANSITIONS: [Transition; 13] = [
    Transition {
        condition: condition::READY,
        status: "True",
        warning: false,
        about: "the object is ready",
    },
    Transition {
        condition: condition::STALLED,
        status: "True",
        warning: true,
        about: "the operator cannot continue until you change the spec or something around the object",
    },
    Transition {
        condition: condition::MODEL_VALID,
        status: "False",
        warning: true,
        about: "the active model is no longer valid",
    },
    Transition {
        condition: condition::AT_RISK,
        status: "True",
        warning: true,
        about: "the active model will expire before another one follows, unless someone acts",
    },
    Transition {
        condition: condition::FIELDS_REFUSED,
        status: "True",
        warning: true,
        about: "the Speech service refuses some fields, and everything else continues without them; the event names the fields and quotes the service",
    },
    Transition {
        condition: condition::CLOCK_SKEW,
        status: "True",
        warning: true,
        about: "the clocks of the Speech service and of the operator differ",
    },
    Transition {
        condition: condition::THROTTLED,
        status: "True",
        warning: true,
        about: "the Speech service throttles a connection",
    },
    Transition {
        condition: condition::RETIRING_VERSION,
        status: "True",
        warning: true,
        about: "the retirement of the API version that a connection uses has been announced",
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
        about: "something in the spec or in an annotation has no effect",
    },
    Transition {
        condition: condition::DELETIONS_HELD,
        status: "True",
        warning: true,
        about: "more deletions were requested at once than the connection allows; the event has the command that confirms them",
    },
    Transition {
        condition: condition::CONTESTED,
        status: "True",
        warning: true,
        about: "someone else keeps changing what the operator corrects; the event names it",
    },
    Transition {
        condition: condition::OBSERVE_ONLY,
        status: "True",
        warning: true,
        about: "the operator only observes: it reads the Speech resource of a connection and changes nothing in it",
    },
];

/// What is reported besides the changes of conditions: the reason, whether it is a warning, and when.
const HAPPENINGS: [(Reason, bool, &str); 10] = [
    (
        Reason::Serving,
        false,
        "an endpoint serves another model; the event names both models",
    ),
    (
        Reason::Synced,
        false,
        "another revision of a model is current; the event names both revisions",
    ),
    (
        Reason::DriftCorrected,
        true,
        "someone changed the entity in the Speech service, and the operator reverts the change",
    ),
    (
        Reason::GateFailed,
        true,
        "a candidate failed its gate and is in quarantine; the event has the numbers",
    ),
    (
        Reason::DeploymentFailed,
        true,
        "a deployment failed and its model is in quarantine; the event quotes the Speech service",
    ),
    (
        Reason::QuarantineCleared,
        false,
        "the operator took models out of quarantine on request",
    ),
    (
        Reason::Recreating,
        true,
        "the endpoint was deleted in the Speech service, and the operator created it again; the event has both ids",
    ),
    (
        Reason::RemoteDeleted,
        true,
        "someone deleted a revision of a model in the Speech service; the event names it",
    ),
    (
        Reason::Orphaned,
        true,
        "the operator releases the object, and its entities in the Speech service stay; if the namespace is being deleted, the namespace gets the event too",
    ),
    (
        Reason::Released,
        true,
        "the operator or its definitions are being removed: the operator lets the object go, and its entities in the Speech service stay",
    ),
];

/// `docs/events.md`.
pub fn document() -> String {
    let kind = |warning: bool| if warning { "Warning" } else { "Normal" };
    let mut text = String::from(
        "# Events\n\n<!-- Generated by `make crds`; do not edit. -->\n\n\
         This page is for anyone who watches the operator through Kubernetes events. It lists the events about the operator's\n\
         objects, and shows how Flux' notification-controller forwards them. What Argo CD and Flux show of the objects\n\
         themselves is in [GitOps](gitops.md).\n\n\
         The operator publishes `events.k8s.io/v1` events about SpeechConnections, SpeechModels and SpeechEndpoints. The reporting\n\
         controller is `customspeech.dev/speech-operator`.\n\n\
         - The operator publishes an event once for each transition. While nothing changes, it publishes none, however much time\n  \
         passes. The same reason does not come again while the condition stays as it is.\n\
         - Every `reason` is one of [reasons.md](reasons.md). That list is closed, and its words do not change their meaning. The\n  \
         only other reason is `LeaderElection`: a replica that becomes the leader publishes it about the Lease.\n\
         - Events are best effort, and the API server usually keeps them for an hour. Rely on conditions and\n  \
         [metrics](metrics.md) instead. The log of the operator has the same events, as lines with the message `event`.\n\n\
         ## Changes of conditions\n\nThe event has the reason of the condition.\n\n\
         | Condition | Becomes | Type | Meaning |\n| --- | --- | --- | --- |\n",
    );
    for told in TRANSITIONS {
        let (condition, status, kind) = (told.condition, told.status, kind(told.warning));
        text.push_str(&format!("| `{condition}` | {status} | {kind} | {} |\n", told.about));
    }
    let troubles = TROUBLES.map(|reason| format!("`{}`", reason.as_str())).join(", ");
    text.push_str(&format!(
        "| `Reconciling` | True | Warning | something went wrong, but the operator continues; only for {troubles} |\n\n\
         The operator publishes a Warning again when its reason changes. It publishes nothing when a condition ends; the event\n\
         for `Ready` shows that.\n\n\
         ## Other events\n\n| Reason | Type | Meaning |\n| --- | --- | --- |\n"
    ));
    for (reason, warning, about) in HAPPENINGS {
        text.push_str(&format!("| `{}` | {} | {about} |\n", reason.as_str(), kind(warning)));
    }
    text.push_str(RECIPES);
    text
}

const RECIPES: &str = include_str!("notice.md");

/// The notices that follow from the change of the conditions: becoming ready, becoming stalled, losing the model, being
/// at risk, running into trouble.
pub fn of_conditions(before: &[Condition], after: &[Condition]) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut transition = |kind: &str, status: &str, warning: bool| {
        let was = condition::find(before, kind).filter(|c| c.status == status);
        let Some(is) = condition::find(after, kind).filter(|c| c.status == status) else {
            return;
        };
        if was.is_none_or(|was| warning && was.reason != is.reason)
            && let Some(reason) = condition::reason(is)
        {
            notices.push(Notice {
                warning,
                reason,
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

/// Whether all was as declared at the last check of this spec: what differs now was changed by someone else.
pub fn was_settled(before: &[Condition], observed: i64, generation: i64) -> bool {
    observed == generation
        && condition::is_true(before, condition::READY)
        && condition::find(before, condition::RECONCILING).is_none()
}

/// Reports that someone changed the remote entity by hand.
pub fn drift(what: &str) -> Notice {
    Notice {
        warning: true,
        reason: Reason::DriftCorrected,
        note: format!("someone else changed {what} in the Speech service; the operator reverts the change"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use speech_api::condition::{AT_RISK, Statement, Truth, stamp};

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
