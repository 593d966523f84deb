//! The next steps for an object, with dates.
use super::reference::is_false;
use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A coming step, if nothing else changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// What happens.
    pub action: PlannedAction,
    /// When, at the earliest (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The model that it leads to, if known: its name, and its revision if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why the step is due, in one word.
    pub reason: String,
    /// What has to happen first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<String>,
    /// What the step leads to if no one acts. It is a risk only while the condition AtRisk is True.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// Whether the operator computed the date from earlier durations, instead of reading it from the service.
    #[serde(default, skip_serializing_if = "is_false")]
    pub forecast: bool,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum PlannedAction {
    /// A revision is trained.
    Train,
    /// A revision is copied from another Speech resource.
    Copy,
    /// A candidate is evaluated.
    Evaluate,
    /// An endpoint moves to another model.
    Swap,
    /// The model expires.
    Expire,
}

impl PlannedAction {
    /// The value in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "Train",
            Self::Copy => "Copy",
            Self::Evaluate => "Evaluate",
            Self::Swap => "Swap",
            Self::Expire => "Expire",
        }
    }
}
