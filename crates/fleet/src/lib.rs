//! The dated plan of a fleet as people and programs read it: a table, JSON, YAML, a calendar, a drawing.
//!
//! Pure functions of plain data, but for `account`, `cluster` and `command`: the same rows give the same bytes. What is printed comes
//! from the status of objects and from the portal, so no text is trusted to be free of what would break a terminal, a
//! calendar or a page.
pub mod account;
pub mod cluster;
pub mod command;
mod document;
pub mod fleet;
mod ics;
pub mod proxy;
pub mod standing;
mod svg;
mod table;
#[cfg(test)]
pub mod testing;

pub use document::{json, yaml};
pub use ics::ics;
pub use svg::{PAGE_STYLE as SVG_STYLE, overview, svg, unstyled};
pub use table::table;
pub use table::until;

use jiff::Timestamp;
use serde::Serialize;
use speech_api::planned::{PlannedAction, PlannedStep};
use speech_plan::window::Span;
use standing::Standing;
use std::borrow::Cow;

/// One object, and what lies ahead of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// SpeechModel or SpeechEndpoint.
    pub kind: String,
    /// The object's uid.
    pub uid: String,
    /// The connection, as `namespace/name`.
    pub connection: String,
    pub locale: String,
    /// When models expire: first the one that serves now, then those that follow.
    pub expiries: Vec<Expiry>,
    /// What happens.
    pub steps: Vec<Step>,
    /// When no swap may begin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Span>,
    /// What its connection says, while that does not work: nothing but an expiry happens then.
    #[serde(skip)]
    pub cut_off: Option<String>,
    /// How the object stands; what of it is shown, each form says itself.
    #[serde(skip)]
    pub standing: Standing,
}

/// A model, and when it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expiry {
    /// The model, in the words of [`Step::to`].
    pub model: String,
    /// When it expires (UTC).
    pub at: Timestamp,
}

/// One step to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// When, at the earliest (UTC).
    pub at: Timestamp,
    /// What happens.
    pub action: PlannedAction,
    /// The model that it leads to, or that expires, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why.
    pub reason: String,
    /// What has to happen first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<String>,
    /// What goes wrong if nobody acts, while the object is at risk or its model has expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// What the step leads to, while that is no risk yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consequence: Option<String>,
    /// Whether the date is computed from durations seen before.
    pub forecast: bool,
}

/// How sure it is that a step is taken when it is planned; the least sure last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    /// Nothing but its day is in the way.
    Planned,
    /// Something else has to happen first.
    Uncertain,
    /// It is too late or does not happen at all, unless someone acts.
    AtRisk,
}

impl From<&PlannedStep> for Step {
    fn from(step: &PlannedStep) -> Self {
        Self {
            at: step.at,
            action: step.action,
            to: step.to.clone(),
            reason: step.reason.clone(),
            blocked_by: step.blocked_by.clone(),
            risk: None,
            consequence: step.risk.clone(),
            forecast: step.forecast,
        }
    }
}

impl Row {
    /// By what rows stand in order.
    fn key(&self) -> (&str, &str, &str, &str) {
        (&self.namespace, &self.name, &self.kind, &self.uid)
    }

    /// The kind without the word that all kinds begin with.
    fn short_kind(&self) -> &str {
        self.kind.strip_prefix("Speech").unwrap_or(&self.kind)
    }

    /// Whether a step cannot be taken as things stand, which is more than that something has to happen first.
    fn blocks(&self, step: &Step) -> bool {
        (self.standing.blocked.is_some() || self.cut_off.is_some()) && !step.blocked_by.is_empty()
    }

    /// How sure it is that a step is taken when it is planned. What is only foreseen blocks nothing yet, but a training or a
    /// person may still be in the way of it.
    fn certainty(&self, step: &Step) -> Certainty {
        let is_foreseen = step.forecast && !step.blocked_by.is_empty();
        if step.risk.is_some() {
            Certainty::AtRisk
        } else if self.blocks(step) || is_foreseen {
            Certainty::Uncertain
        } else {
            Certainty::Planned
        }
    }

    /// Namespace and name.
    fn object(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// The rows in order.
fn in_order(rows: &[Row]) -> Vec<&Row> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|one, other| one.key().cmp(&other.key()));
    rows
}

/// All steps by date, then by object.
fn by_date(rows: &[Row]) -> Vec<(&Row, &Step)> {
    let mut steps: Vec<(&Row, &Step)> = rows
        .iter()
        .flat_map(|row| row.steps.iter().map(move |step| (row, step)))
        .collect();
    steps.sort_by(|(row, step), (other_row, other)| {
        let key = |step: &Step| (step.action, step.to.clone());
        step.at
            .cmp(&other.at)
            .then_with(|| row.key().cmp(&other_row.key()))
            .then_with(|| key(step).cmp(&key(other)))
    });
    steps
}

/// A text on one line: names from the portal may hold anything, even what a terminal obeys.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        text.replace(char::is_control, " ").into()
    } else {
        text.into()
    }
}

/// A date as people read it (UTC), to the minute.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}
