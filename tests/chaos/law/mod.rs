//! The invariants, each a function of the evidence alone. I6, convergence, is measured by `Trial::converge`.

mod budget;
mod condition;
mod deletion;
mod entity;
mod identity;
pub mod making;
mod risk;
mod service;

use crate::evidence::{Evidence, Known};
use jiff::SignedDuration;
use serde_json::Value;
use std::collections::BTreeSet;

/// A law that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The object or entity concerned.
    pub object: String,
    /// The law and what was found.
    pub what: String,
}

impl Finding {
    fn new(object: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            what: what.into(),
        }
    }
}

/// What a row does on purpose.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Objects, `namespace/name`, whose remote entities stay after them.
    pub retained: BTreeSet<String>,
    /// Ids of models and endpoints without our mark that the row makes behind our back.
    pub strangers: BTreeSet<String>,
    /// Whether users name models that expire earlier, or deployments fail, so that an endpoint may go back.
    pub may_go_back: bool,
    /// Whether endpoints may be made anew, with another id, and trainings ordered again.
    pub may_be_recreated: bool,
    /// How often an object's Ready may change within one generation beyond the one change to its final value.
    pub more_changes: usize,
    /// Whether the objects have come to rest, so that I1 and the final conditions can be asked for. `false` asks only
    /// for what must hold at any moment.
    pub is_under_way: bool,
    /// Whether deletions may be held until their time is over: what then stays has to have been told as an orphan.
    pub may_be_orphaned: bool,
    /// Whether users edit specs again and again: each edit is a new declaration, which begins anew with the bounds.
    pub specs_are_edited: bool,
    /// How many orders of one kind beyond the bound users ask for themselves, of one object, by their edits.
    pub more_orders: usize,
    /// So long before its expiry an endpoint that has not moved has to say that it is at risk; not asked for where `None`.
    pub alarm_ahead: Option<SignedDuration>,
}

/// Every law but I6. `known` is what was known before; it has learned the models of this evidence already.
pub fn check(evidence: &Evidence, known: &mut Known, expected: &Expected) -> Vec<Finding> {
    let mut findings = service::i2_nothing_worse(evidence, known, expected);
    findings.extend(identity::i3_ids_stay(evidence, known, expected));
    findings.extend(entity::i1_no_twins(evidence, known, expected));
    findings.extend(budget::i4_within_budget(evidence));
    findings.extend(condition::i5_lawful_changes(evidence, known, expected));
    findings.extend(deletion::i7_nothing_unasked(evidence, known));
    findings.extend(making::i8_bounded(evidence, known, expected));
    findings.extend(risk::i9_told_in_time(evidence, expected));
    if !expected.is_under_way {
        findings.extend(entity::i1_as_declared(evidence, expected));
        findings.extend(condition::i5_lawful_at_rest(evidence));
    }
    findings
}

/// `namespace/name` of an object.
pub fn name_of(object: &Value) -> String {
    let metadata = &object["metadata"];
    let part = |member: &str| metadata[member].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", part("namespace"), part("name"))
}

/// The last segment of a `self` URI: the id.
fn id_in(uri: &Value) -> Option<String> {
    let path = uri.as_str()?.split('?').next()?;
    path.rsplit('/').next().map(str::to_owned)
}

fn list<'a>(of: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    of[member].as_array().into_iter().flatten()
}
