//! How an object stands, in one answer: for `kubectl speech`, the fleet page, the risks of the plan, and the metrics of what
//! is blocked.
//!
//! It is read from what the operator wrote into the status, and from the time: an operator that is not running cannot say
//! that a model has expired meanwhile.
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use speech_api::{
    Reason, SpeechConnection, SpeechEndpoint, SpeechModel,
    condition::{self, MODEL_VALID, READY, RECONCILING, STALLED},
    planned::{PlannedAction, PlannedStep},
};
use speech_plan::named;
use speech_service::EntityId;

/// How an object is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    /// A base model answers in place of what is declared.
    Expired,
    /// Only a person can help.
    Stalled,
    /// Unless somebody acts, something goes wrong.
    AtRisk,
    /// Nothing is known of the newest spec yet.
    Unknown,
    /// It does not serve yet.
    Pending,
    /// Nothing is changed, by request.
    Suspended,
    /// It serves, and is being changed.
    Working,
    /// It serves as declared; what follows waits for its day, a window or a person.
    Waiting,
    /// As declared.
    Ready,
}

impl State {
    /// Whether somebody should look at it.
    pub fn needs_attention(self) -> bool {
        !matches!(self, Self::Suspended | Self::Working | Self::Waiting | Self::Ready)
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "Expired",
            Self::Stalled => "Stalled",
            Self::AtRisk => "AtRisk",
            Self::Unknown => "Unknown",
            Self::Pending => "Pending",
            Self::Suspended => "Suspended",
            Self::Working => "Working",
            Self::Waiting => "Waiting",
            Self::Ready => "Ready",
        }
    }

    fn of(conditions: &[Condition], seen: Seen) -> Self {
        let says = |kind, truth| condition::find(conditions, kind).is_some_and(|one| one.status == truth);
        let says_why =
            |kind, reason: Reason| condition::find(conditions, kind).is_some_and(|one| one.reason == reason.as_str());
        // An endpoint that does not exist any more serves nothing valid either, but nothing of it expired.
        let gone = says(STALLED, "True") && !says_why(MODEL_VALID, Reason::BaseModelAnswers);
        let is_left_alone = seen.is_suspended || says_why(STALLED, Reason::ObserveOnly);
        let is_at_risk = condition::at_risk(conditions).is_some();
        let is_invalid = says(MODEL_VALID, "False");
        if (is_invalid || seen.is_over) && !(is_invalid && gone) {
            Self::Expired
        } else if is_left_alone && !is_at_risk {
            Self::Suspended
        } else if is_left_alone {
            Self::AtRisk
        } else if says(STALLED, "True") {
            Self::Stalled
        } else if is_at_risk {
            Self::AtRisk
        } else if !seen.is_newest {
            Self::Unknown
        } else if !says(READY, "True") {
            Self::Pending
        } else if says(RECONCILING, "True") {
            Self::Working
        } else if seen.waits {
            Self::Waiting
        } else {
            Self::Ready
        }
    }
}

/// What is known of an object beside its conditions.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Whether the status is of the newest spec.
    is_newest: bool,
    /// Whether another model waits to serve.
    waits: bool,
    /// Whether the spec says so.
    is_suspended: bool,
    /// Whether the model has expired by its date, or a base model is known to answer.
    is_over: bool,
}

/// A reason in one word, and the same as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// One of docs/reasons.md.
    pub reason: String,
    /// For people.
    pub message: String,
}

impl Why {
    fn expired(model: &Serving) -> Self {
        let at = model.expires_at.map_or_else(String::new, |at| at.to_string());
        Self {
            reason: Reason::ModelExpired.as_str().to_owned(),
            message: format!(
                "model {} has expired on {at}: where it is deployed, a base model answers",
                model.label()
            ),
        }
    }

    fn of(condition: &Condition) -> Self {
        Self {
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        }
    }
}

/// The model that serves, or is current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    pub id: EntityId,
    /// Its name in the Speech service.
    pub name: String,
    /// Its revision, where it is one of a SpeechModel.
    pub revision: Option<i32>,
    /// When it expires (UTC).
    pub expires_at: Option<Timestamp>,
}

impl Serving {
    /// The name, and the revision if it has one.
    pub fn label(&self) -> String {
        named(&self.name, self.revision)
    }
}

/// How one object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In one word.
    pub state: State,
    /// Whether its condition Ready is True, be it for an older spec.
    pub is_ready: bool,
    /// Whether the newest spec is served, and nothing is under way or wrong with it now.
    pub is_settled: bool,
    /// Whether only a person can help with the newest spec.
    pub is_stalled: bool,
    /// Whether something is under way: the condition Reconciling is True.
    pub is_working: bool,
    /// Why it is so; none before the operator has looked at it.
    pub why: Option<Why>,
    /// What goes wrong if nobody acts: the condition AtRisk, and nothing else, is a risk.
    pub risk: Option<Why>,
    /// What the next step waits for, once a condition says that it waits for more than its day: nobody can end what is only
    /// foreseen.
    pub blocked: Option<Why>,
    /// What serves, or is current.
    pub serves: Option<Serving>,
    /// What comes next; an expiry only where nothing else does.
    pub next: Option<PlannedStep>,
}

impl Standing {
    /// How an endpoint stands at a time (UTC).
    pub fn of_endpoint(endpoint: &SpeechEndpoint, now: Timestamp) -> Self {
        let Some(status) = &endpoint.status else {
            return Self::unknown();
        };
        let serves = status.active.as_ref().map(|active| Serving {
            id: active.model,
            name: active.name.clone(),
            revision: active.revision,
            expires_at: active.expires_at,
        });
        let answers = (status.fallback.as_ref()).is_some_and(|fallback| fallback.since.is_some());
        let seen = Seen {
            is_newest: endpoint.metadata.generation == Some(status.observed_generation),
            waits: status.candidate.is_some(),
            is_suspended: endpoint.spec.suspend,
            is_over: answers || is_over(serves.as_ref(), now),
        };
        Self::read(&status.conditions, &status.plan, serves, seen)
    }

    /// How a model stands at a time (UTC).
    pub fn of_model(model: &SpeechModel, now: Timestamp) -> Self {
        let Some(status) = &model.status else {
            return Self::unknown();
        };
        let serves = status.current.as_ref().map(|current| Serving {
            id: current.id,
            name: current.name.clone(),
            revision: current.revision,
            expires_at: current.expires_at,
        });
        let seen = Seen {
            is_newest: model.metadata.generation == Some(status.observed_generation),
            waits: false,
            is_suspended: model.spec.suspend,
            is_over: is_over(serves.as_ref(), now),
        };
        Self::read(&status.conditions, &status.plan, serves, seen)
    }

    /// How a connection stands.
    pub fn of_connection(connection: &SpeechConnection) -> Self {
        let Some(status) = &connection.status else {
            return Self::unknown();
        };
        let seen = Seen {
            is_newest: connection.metadata.generation == Some(status.observed_generation),
            ..Seen::default()
        };
        Self::read(&status.conditions, &[], None, seen)
    }

    /// An object at which nobody has looked yet.
    pub(crate) fn unknown() -> Self {
        Self::read(&[], &[], None, Seen::default())
    }

    fn read(conditions: &[Condition], plan: &[PlannedStep], serves: Option<Serving>, seen: Seen) -> Self {
        let says = |kind, truth| condition::find(conditions, kind).is_some_and(|one| one.status == truth);
        let is_ready = says(READY, "True");
        let is_working = says(RECONCILING, "True");
        let is_stalled = seen.is_newest && says(STALLED, "True");
        let is_valid = !says(MODEL_VALID, "False");
        let is_served = seen.is_newest && is_ready && is_valid && !seen.is_over;
        // An operator that is not running says nothing of an expiry.
        let state = State::of(conditions, seen);
        let unsaid = (serves.as_ref()).filter(|_| state == State::Expired && is_ready && is_valid);
        let acts = |step: &&PlannedStep| step.action != PlannedAction::Expire;
        Self {
            state,
            is_ready,
            is_settled: is_served && !is_working && !is_stalled,
            is_stalled,
            is_working,
            why: unsaid
                .map(Why::expired)
                .or_else(|| condition::verdict(conditions).map(Why::of)),
            risk: condition::at_risk(conditions).map(Why::of),
            blocked: blocked(plan, conditions),
            serves,
            next: plan.iter().find(acts).or(plan.first()).cloned(),
        }
    }

    /// Why it stands so, in one word.
    pub fn reason(&self) -> Option<&str> {
        let at_risk = self.risk.as_ref().filter(|_| self.state == State::AtRisk);
        at_risk.or(self.why.as_ref()).map(|why| why.reason.as_str())
    }

    /// By what objects stand in order: the worst state first; what waits for a person goes before what goes on by itself.
    pub fn urgency(&self) -> (State, bool) {
        let reason = self.why.as_ref().map(|why| why.reason.as_str());
        let waits_for_a_person = reason == Some(Reason::ApprovalAwaited.as_str());
        if self.state == State::Waiting && waits_for_a_person {
            (State::Suspended, false)
        } else {
            (self.state, true)
        }
    }
}

fn is_over(serves: Option<&Serving>, now: Timestamp) -> bool {
    serves.and_then(|model| model.expires_at).is_some_and(|at| at <= now)
}

/// What keeps the next step from being taken, once a condition says that something does: its reason, and what the plan says
/// has to happen first. That a swap waits for its day is no obstacle, and a forecast speaks of a model that does not exist.
pub fn blocked(plan: &[PlannedStep], conditions: &[Condition]) -> Option<Why> {
    let at_risk = condition::at_risk(conditions);
    let waits = |step: &&PlannedStep| !step.blocked_by.is_empty() && (at_risk.is_some() || !step.forecast);
    let step = plan.iter().find(waits)?;
    let is_rest = |verdict: &Condition| {
        matches!(
            condition::reason(verdict),
            Some(Reason::Serving | Reason::Synced | Reason::DriftCorrected | Reason::SwapScheduled)
        )
    };
    let stated = at_risk.or_else(|| condition::verdict(conditions).filter(|verdict| !is_rest(verdict)))?;
    Some(Why {
        reason: stated.reason.clone(),
        message: step.blocked_by.join("; "),
    })
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
