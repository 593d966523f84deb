//! What the plan and the conditions of one object say in numbers; the same for models and endpoints.
use crate::metrics::series::Row;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use speech_api::{
    Subject, SubjectStatus, condition,
    planned::{PlannedAction, PlannedStep},
};
use speech_fleet::standing;
use speech_plan::lead_time::{Durations, Work};

/// One object, as far as its dates go.
#[derive(Clone, Debug)]
pub struct Planned<'a> {
    /// Namespace and name.
    pub key: [String; 2],
    pub plan: &'a [PlannedStep],
    pub conditions: &'a [Condition],
    /// When what serves expires.
    pub expiry: Option<Timestamp>,
    /// How long the work of the next step has to be given; unknown without a connection.
    pub lead: Option<SignedDuration>,
    /// The present: the later of the service's clock and ours.
    pub now: Timestamp,
}

/// Whether a step has begun already; its date tells since when.
fn is_under_way(step: &PlannedStep) -> bool {
    matches!(
        (step.action, step.reason.as_str()),
        (PlannedAction::Swap, "Deploying") | (PlannedAction::Train, "Training")
    )
}

/// A kind whose objects have a plan.
pub trait Exposed: Subject {
    /// The work that a step has to be given time for.
    const CHAIN: &'static [Work];

    /// When what serves, or is current, expires.
    fn expires(&self) -> Option<Timestamp>;
    /// What it is declared as: the labels behind namespace and name.
    fn info(&self) -> [&str; 3];
}

/// One object at a time.
#[derive(Clone, Debug)]
pub struct Facts<'a, K> {
    /// What plan and conditions say.
    pub planned: Planned<'a>,
    pub object: &'a K,
}

impl<'a, K: Exposed> Facts<'a, K> {
    /// What is known of an object, and of how long work takes at its connection.
    pub fn of(object: &'a K, now: Timestamp, durations: Option<&Durations>) -> Self {
        let locale = object.declared().locale;
        let planned = Planned {
            key: key_of(object),
            plan: object.status().map_or(&[], SubjectStatus::plan),
            conditions: object.conditions(),
            expiry: object.expires(),
            lead: durations.map(|durations| durations.lead(locale, K::CHAIN).needed),
            now,
        };
        Self { planned, object }
    }

    /// What it is declared as.
    pub fn info(&self) -> Row {
        let labels = self.planned.key.iter().cloned();
        (labels.chain(self.object.info().map(str::to_owned)).collect(), 1.0)
    }
}

impl Planned<'_> {
    /// A row of this object.
    pub fn row(&self, more: Option<&str>, value: f64) -> Row {
        let labels = self.key.iter().cloned().chain(more.map(str::to_owned));
        (labels.collect(), value)
    }

    /// When what serves expires.
    pub fn expires(&self) -> Option<Row> {
        Some(self.row(None, seconds(self.expiry?)))
    }

    /// When the next step is due, by its kind.
    pub fn next(&self) -> Option<Row> {
        let step = self.plan.first()?;
        Some(self.row(Some(step.action.as_str()), seconds(step.at)))
    }

    /// When the first step of each kind is due.
    pub fn steps(&self) -> Vec<Row> {
        let mut told = Vec::new();
        let mut rows = Vec::new();
        for step in self.plan {
            if !told.contains(&step.action) {
                told.push(step.action);
                rows.push(self.row(Some(step.action.as_str()), seconds(step.at)));
            }
        }
        rows
    }

    /// For how long the next step has been due, or has run beyond the time that it was given.
    pub fn overdue(&self) -> Option<Row> {
        let step = self.plan.first()?;
        let since = self.now.duration_since(step.at);
        let late = if is_under_way(step) {
            since.saturating_sub(self.lead?)
        } else {
            since
        };
        // An expiry is no step that anybody takes, and an evaluation ends by its gate: other metrics tell of both.
        let is_taken = !matches!(step.action, PlannedAction::Expire | PlannedAction::Evaluate);
        let is_due = is_taken && !step.forecast && late.is_positive();
        is_due.then(|| self.row(Some(step.action.as_str()), late.as_secs_f64()))
    }

    /// Why the next step waits.
    pub fn blocked(&self) -> Option<Row> {
        let blocked = standing::blocked(self.plan, self.conditions)?;
        Some(self.row(Some(&blocked.reason), 1.0))
    }

    /// How much time would be left if the next step began when it is planned.
    pub fn budget(&self) -> Option<Row> {
        let makes = |step: &&PlannedStep| matches!(step.action, PlannedAction::Swap | PlannedAction::Train);
        let step = self.plan.iter().find(makes)?;
        let (begins, expiry, lead) = (step.at, self.expiry?, self.lead?);
        let left = |begins: Timestamp| expiry.duration_since(begins).saturating_sub(lead);
        let left = if is_under_way(step) {
            // What runs beyond its time ends now at the earliest.
            left(begins).min(expiry.duration_since(self.now))
        } else {
            left(begins.max(self.now))
        };
        Some(self.row(None, left.as_secs_f64()))
    }

    /// The condition AtRisk with its reason, while it is true.
    pub fn at_risk(&self) -> Option<Row> {
        condition::at_risk(self.conditions).map(|told| self.row(Some(&told.reason), 1.0))
    }

    /// Whether it is Ready, once that is known.
    pub fn ready(&self) -> Option<Row> {
        ready(&self.key, self.conditions)
    }
}

/// Whether an object is Ready, once that is known.
pub fn ready(key: &[String; 2], conditions: &[Condition]) -> Option<Row> {
    let condition = condition::find(conditions, condition::READY)?;
    Some((key.to_vec(), f64::from(u8::from(condition.status == "True"))))
}

/// Namespace and name.
pub fn key_of(object: &impl ResourceExt) -> [String; 2] {
    [object.namespace().unwrap_or_default(), object.name_any()]
}

/// Unix time.
pub fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
