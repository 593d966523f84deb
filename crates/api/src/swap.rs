//! When an endpoint moves to another model, and which conditions must hold first.
use super::{
    lenient, rule,
    window::{MAX_WINDOWS, Window},
};
use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use speech_service::EntityId;

const BEFORE: (&str, &str) = (
    "self.matches('^([1-9][0-9]?|[1-6][0-9]{2}|7[0-2][0-9]|730)d$|^[1-9][0-9]{0,3}h$')",
    "swap.before must be whole days or hours between 1h and 730d: write for example 30d or 720h",
);
const DEADLINE_OVERRIDE: (&str, &str) = (
    "self.matches('^0s$|^([1-9]|[12][0-9]|30)d$|^([1-9]|[1-9][0-9]|[1-6][0-9]{2}|7[01][0-9]|720)h$')",
    "swap.deadlineOverride must be whole days or hours up to 30d, or 0s for never: write for example 24h",
);
const SOMETHING_TO_JUDGE: (&str, &str) = (
    "has(self.maxWordErrorRate) || has(self.maxTokenErrorRate) || has(self.maxRegression)",
    "gate.evaluation needs at least one of maxWordErrorRate, maxTokenErrorRate, maxRegression",
);
const ONE_RATE: (&str, &str) = (
    "!(has(self.maxWordErrorRate) && has(self.maxTokenErrorRate))",
    "gate.evaluation takes maxWordErrorRate or maxTokenErrorRate, not both",
);

/// When an endpoint moves to another model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Swap {
    /// OnNewModel: as soon as there is a newer eligible model. BeforeExpiry: on the endpoint's own day between `before`
    /// and `deadlineOverride` ahead of the active model's expiry, so that a fleet is spread over that time. Manual:
    /// only to the model that the annotation `customspeech.dev/approved-model` names.
    #[serde(default)]
    pub policy: SwapPolicy,
    /// How long before the expiry of the active model the operator starts to report what blocks a swap and, with
    /// `BeforeExpiry`, may begin the swap (1h to 730d).
    #[serde(default = "default_before")]
    #[schemars(length(max = 32))] // long enough for `3 months` to reach the rule that says what to write
    #[x_kube(validation = BEFORE)]
    pub before: String,
    /// When a swap may begin; absent means at any time. With Allow windows, a swap begins only within one of them.
    /// Within a Deny window, no swap begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_WINDOWS))]
    pub windows: Vec<Window>,
    /// The evaluation that a candidate has to pass before it may serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Required: a swap waits until the annotation `customspeech.dev/approved-model` is set to the id of the candidate.
    #[serde(default)]
    pub approval: Approval,
    /// How long before the expiry of the active model windows stop blocking a swap (up to 30d). With 0s, they block
    /// until the expiry. This does not override approvals; for gates, see `gate.onDeadline`.
    #[serde(default = "default_deadline_override")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = DEADLINE_OVERRIDE)]
    pub deadline_override: String,
}

impl Default for Swap {
    fn default() -> Self {
        Self {
            policy: SwapPolicy::default(),
            before: default_before(),
            windows: Vec::new(),
            gate: None,
            approval: Approval::default(),
            deadline_override: default_deadline_override(),
        }
    }
}

fn default_before() -> String {
    "30d".to_owned()
}

fn default_deadline_override() -> String {
    "24h".to_owned()
}

/// What triggers a swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SwapPolicy {
    /// A newer eligible model.
    #[default]
    OnNewModel,
    /// The coming expiry of the active model, from `before` ahead of it.
    BeforeExpiry,
    /// A person.
    Manual,
}

/// Whether a person has to approve each model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Approval {
    /// No.
    #[default]
    None,
    /// Yes, by the annotation `customspeech.dev/approved-model`.
    Required,
}

/// The evaluation that a candidate has to pass before it may serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// An evaluation of the candidate against the active model.
    pub evaluation: EvaluationGate,
    /// What happens if the gate still blocks the swap `deadlineOverride` ahead of the expiry (24h ahead if that is 0s).
    /// Hold: no swap; the operator reports the expiry. Promote: swap to the candidate anyway, unless it failed.
    /// NewestBase: swap to the newest base model of the locale.
    #[serde(default)]
    pub on_deadline: OnDeadline,
}

/// Which results of an evaluation let a candidate pass. Rates are fractions of 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = SOMETHING_TO_JUDGE)]
#[x_kube(validation = ONE_RATE)]
pub struct EvaluationGate {
    /// Dataset with audio and human-labelled transcripts, of the same Speech resource and locale: a UUID or self URI.
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub dataset: String,
    /// The highest word error rate that the candidate may have (0 to 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub max_word_error_rate: Option<f64>,
    /// The highest token error rate that the candidate may have (0 to 1), if the display form matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub max_token_error_rate: Option<f64>,
    /// By how much the candidate's rate may exceed the active model's (0 to 1): the token error rate if
    /// `maxTokenErrorRate` is set, otherwise the word error rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub max_regression: Option<f64>,
    /// Minimum number of words evaluated. With fewer, the evaluation is inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub min_words: Option<i64>,
}

/// What happens if a gate still blocks at the deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnDeadline {
    /// The endpoint keeps its model, which expires.
    #[default]
    Hold,
    /// The candidate serves, unless it failed.
    Promote,
    /// The newest base model of the locale serves, explicitly instead of silently.
    NewestBase,
}

/// A model that is not chosen again until someone clears it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinedModel {
    /// Id of the model.
    #[schemars(with = "String")]
    pub model: EntityId,
    /// Name of the model in the portal.
    pub name: String,
    /// GateFailed or DeploymentFailed.
    pub reason: String,
    /// The numbers, or the service's message.
    pub message: String,
    /// Since when (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// Result of the evaluation of a candidate against the active model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Id of the candidate.
    #[schemars(with = "String")]
    pub candidate: EntityId,
    /// Id of the model that the candidate was compared with.
    #[schemars(with = "String")]
    pub active: EntityId,
    /// Id of the dataset.
    #[schemars(with = "String")]
    pub dataset: EntityId,
    /// Id of the evaluation, once it is known.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub evaluation: Option<EntityId>,
    /// Pending, Pass, Fail, Inconclusive or Error.
    pub verdict: GateVerdict,
    /// WordErrorRate or TokenErrorRate: the rate that the two numbers measure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metric: String,
    /// The candidate's error rate, as a fraction of 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_error_rate: Option<f64>,
    /// The active model's error rate, as a fraction of 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_error_rate: Option<f64>,
    /// Number of words in the evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<i64>,
    /// The numbers and the thresholds, or the service's message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How many evaluations of this pair ended in an error.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errors: i32,
    /// Since when the verdict has been the same (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub at: Timestamp,
}

fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// The verdict of an evaluation on a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GateVerdict {
    /// The evaluation has not ended.
    #[default]
    Pending,
    /// The candidate may serve.
    Pass,
    /// The candidate is worse than allowed.
    Fail,
    /// The evaluation ended without a decision, for example because of too few words.
    Inconclusive,
    /// The evaluation itself failed; the operator retries it.
    Error,
}

impl GateVerdict {
    /// The value in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Pass => "Pass",
            Self::Fail => "Fail",
            Self::Inconclusive => "Inconclusive",
            Self::Error => "Error",
        }
    }
}
