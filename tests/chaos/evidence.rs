//! What the laws look at. Plain data, so that a law can be tested without a world.
use crate::harness::AuditEntry;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of some tenants after a run.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The objects of our kinds, each with its `kind`.
    pub objects: Vec<Value>,
    /// What each Speech resource holds, in the form of a seed, by its name.
    pub remote: BTreeMap<String, Value>,
    /// The requests to those Speech resources, in the order of their answers.
    pub journal: Vec<Value>,
    /// The operator's writes in those namespaces.
    pub audit: Vec<AuditEntry>,
    /// Ids of the models and endpoints that were there at first.
    pub seeded: BTreeSet<String>,
    /// When operators were started, by the name of their pod, in real time.
    pub starts: Vec<(String, Timestamp)>,
    /// Objects, `namespace/name`, of which an event told that they left something behind in the service.
    pub orphaned: BTreeSet<String>,
    /// What the clock of the service shows.
    pub now: Option<Timestamp>,
}

/// What is known of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// When it expires.
    pub expires: Timestamp,
    /// Whether it ended in Failed.
    pub has_failed: bool,
}

/// What was known before, so that each look needs only what is new: of models, also of those that have been deleted
/// since, and of what each object and endpoint said and served last.
#[derive(Debug, Clone, Default)]
pub struct Known {
    models: BTreeMap<String, Fact>,
    /// The model that each endpoint was moved to last, by the endpoint's id.
    pub serving: BTreeMap<String, String>,
    /// How often the service has made something for a purpose.
    pub made: BTreeMap<String, usize>,
    /// The id of the endpoint of each object, by `namespace/name`.
    pub ids: BTreeMap<String, String>,
    /// The objects, `namespace/name`, that have named an endpoint or model as their own, by its id.
    pub named: BTreeMap<String, BTreeSet<String>>,
    /// When something was ordered for a purpose, by the clock.
    pub ordered: BTreeMap<String, Vec<Timestamp>>,
    /// The status that was written last, by resource and `namespace/name`.
    pub told: BTreeMap<String, Told>,
}

/// What an object said last.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The whole status.
    pub status: Option<Value>,
    /// How often Ready has changed within its generation.
    pub changes: usize,
}

impl Known {
    /// Learns what models there are in the Speech resources now.
    pub fn learn(&mut self, evidence: &Evidence) {
        evidence.remote.values().for_each(|remote| self.learn_from(remote));
    }

    /// The same of one Speech resource.
    pub fn learn_from(&mut self, remote: &Value) {
        for kind in ["models", "baseModels"] {
            for model in remote[kind].as_array().into_iter().flatten() {
                if let (Some(id), Some(fact)) = (model["id"].as_str(), fact(model)) {
                    self.models.insert(id.to_owned(), fact);
                }
            }
        }
    }

    /// What is known of the model with this id.
    pub fn model(&self, id: &str) -> Option<Fact> {
        self.models.get(id).copied()
    }
}

fn fact(model: &Value) -> Option<Fact> {
    let time = |member: &str| model[member].as_str()?.parse::<Timestamp>().ok();
    // Without a date of its own a model lasts two years from the end of the quarter of its creation.
    let by_rule = || {
        time("createdDateTime")?
            .checked_add(SignedDuration::from_hours(24 * 730))
            .ok()
    };
    Some(Fact {
        expires: time("transcriptionDateTime").or_else(by_rule)?,
        has_failed: model["status"] == "Failed",
    })
}
