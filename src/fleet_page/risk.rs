//! How bad it is.
use serde::Serialize;
use speech_api::planned::PlannedAction;
use speech_fleet::{Row, standing::State};

/// What an expired model means where nothing more is told.
const EXPIRED: &str = "where this model is deployed, a base model answers in its place";

/// What may go wrong with an object, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Nothing that is known.
    None,
    /// The next step waits for something that has to happen first.
    Blocked,
    /// The model that serves expires before another follows, if nobody acts.
    AtRisk,
    /// The model has expired: a base model answers where it is deployed.
    Expired,
}

impl Risk {
    /// How bad it is, and why.
    pub fn of(row: &Row) -> (Self, Option<String>) {
        let standing = &row.standing;
        let told = standing.risk.as_ref().map(|risk| risk.message.clone());
        let acts = row.steps.iter().any(|step| step.action != PlannedAction::Expire);
        let cut_off = row.cut_off.as_ref().filter(|_| acts);
        // Through a connection that does not work nothing happens, whatever else a step waits for.
        let blocked = cut_off.or(standing.blocked.as_ref().map(|blocked| &blocked.message));
        let blocked = blocked.map(|words| format!("waits for {words}"));
        match (standing.state, told, blocked) {
            (State::Expired, told, _) => (Self::Expired, Some(told.unwrap_or_else(|| EXPIRED.to_owned()))),
            (_, Some(told), _) => (Self::AtRisk, Some(told)),
            (_, None, Some(blocked)) => (Self::Blocked, Some(blocked)),
            (_, None, None) => (Self::None, None),
        }
    }

    /// The word in queries and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Blocked => "blocked",
            Self::AtRisk => "at-risk",
            Self::Expired => "expired",
        }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Blocked => "Blocked",
            Self::AtRisk => "At risk",
            Self::Expired => "Expired",
        }
    }
}
