//! What comes next for an object, with dates; and what goes wrong if nobody acts.
use super::{
    Surroundings, Verdict,
    risk::{self, Deadline},
    text::whole_seconds,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{
    Reason,
    condition::{AT_RISK, Statement, Truth},
    planned::{PlannedAction, PlannedStep},
};

/// The dated plan of an object.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    /// What comes next.
    pub steps: Vec<PlannedStep>,
    /// What goes wrong if nobody acts.
    pub risk: Option<(Reason, String)>,
    /// When time alone changes the risk.
    pub look_again: Option<Timestamp>,
}

impl Forecast {
    /// Nothing can be seen or done now: the steps that were told before stand, and the obstacle is told where the dates in
    /// the status say so.
    pub fn obstructed(
        steps: &[PlannedStep],
        deadline: Option<&Deadline<'_>>,
        obstacle: &Verdict,
        around: &Surroundings<'_>,
        written: &[Condition],
    ) -> Self {
        let (risk, look_again) = risk::unseen(deadline, obstacle, around.connection.broken_since(), written);
        Self {
            steps: steps.to_vec(),
            risk,
            look_again,
        }
    }
}

/// The condition `AtRisk`; what was told before stands where nothing can be said now.
pub fn at_risk(before: &[Condition], forecast: Option<&Forecast>) -> Option<Statement> {
    let (reason, message) = match forecast {
        Some(forecast) => forecast.risk.clone()?,
        None => risk::told(before)?,
    };
    Some(Statement {
        kind: AT_RISK,
        truth: Truth::True,
        reason,
        message,
    })
}

/// A step of which only the kind, the date and the reason are known.
pub fn step(action: PlannedAction, at: Timestamp, reason: &str) -> PlannedStep {
    PlannedStep {
        action,
        at: whole_seconds(at),
        to: None,
        reason: reason.to_owned(),
        blocked_by: Vec::new(),
        risk: None,
        forecast: false,
    }
}
