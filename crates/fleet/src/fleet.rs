//! What lies ahead of a fleet, read from the status of its objects.
//!
//! The steps are those that the planners wrote into `status.plan`; nothing is planned anew here. Added to them are the
//! expiry of the model that is in use, the times that are closed for swaps, and a risk that no step tells. Nothing is
//! told beyond the first training and the swap that follows from it: when a model that does not exist yet will expire
//! is known to nobody but the service.
use super::{
    Expiry, Row, Step,
    standing::{Standing, State},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use speech_api::{
    SpeechConnection, SpeechEndpoint, SpeechModel, Subject, condition, endpoint::TargetModel, planned::PlannedAction,
    reference::ConnectionRef, window::Window,
};
use speech_plan::{
    named,
    window::{Calendar, Span},
};
use speech_service::EntityId;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What has come of an expiry that is over.
const EXPIRED_ENDPOINT: &str = "expired: the newest base model answers in place of the active model";
const EXPIRED_MODEL: &str = "expired: where this model is deployed, the newest base model answers in its place";

/// The objects of a fleet.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// The connections, as far as they may be read.
    pub connections: Vec<SpeechConnection>,
    pub models: Vec<SpeechModel>,
    pub endpoints: Vec<SpeechEndpoint>,
}

/// Which objects are told of; the default is all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only those of this connection, wherever they are: `name`, or `namespace/name`.
    pub connection: Option<String>,
    /// Only those with these uids.
    pub uids: Option<HashSet<String>>,
}

/// What lies ahead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// One row for each object, by namespace, name and kind.
    pub rows: Vec<Row>,
    /// What could not be told, one sentence each, in the same order.
    pub trouble: Vec<String>,
    /// Whether there is a risk that no step can tell, because nothing has a date; it is among the trouble.
    pub undated_risk: bool,
}

impl Ahead {
    /// Whether there is any risk.
    pub fn has_risk(&self) -> bool {
        let mut steps = self.rows.iter().flat_map(|row| &row.steps);
        self.undated_risk || steps.any(|step| step.risk.is_some())
    }
}

/// What lies ahead of a fleet until a date (UTC), which is told as well.
pub fn rows(objects: &Objects, now: Timestamp, until: Timestamp, filter: &Filter) -> Ahead {
    let mut reader = Reader {
        now,
        until,
        connections: objects.connections.iter().map(|c| (path(c), c)).collect(),
        expiries: known_expiries(&objects.models),
        closed: BTreeMap::new(),
        trouble: Vec::new(),
        undated_risk: false,
    };
    let models = objects.models.iter().filter(|model| filter.admits(*model));
    let mut rows: Vec<Row> = models.map(|model| reader.model(model)).collect();
    let endpoints = objects.endpoints.iter().filter(|endpoint| filter.admits(*endpoint));
    rows.extend(endpoints.map(|endpoint| reader.endpoint(endpoint)));
    rows.sort_by(|one, other| one.key().cmp(&other.key()));
    reader.trouble.sort();
    Ahead {
        rows,
        trouble: reader.trouble,
        undated_risk: reader.undated_risk,
    }
}

impl Filter {
    fn admits(&self, object: &impl Subject) -> bool {
        let connection = connection_of(object);
        let named = |wanted: &String| {
            if wanted.contains('/') {
                *wanted == connection
            } else {
                connection.split_once('/').is_some_and(|(_, name)| name == wanted)
            }
        };
        let meta = object.meta();
        let chosen = |uids: &HashSet<String>| meta.uid.as_ref().is_some_and(|uid| uids.contains(uid));
        let is_here = |wanted: &String| *wanted == meta.namespace.clone().unwrap_or_default();
        self.namespace.as_ref().is_none_or(is_here)
            && self.connection.as_ref().is_none_or(named)
            && self.uids.as_ref().is_none_or(chosen)
    }
}

/// `namespace/name` of the connection that an object of a namespace names.
pub fn connection(reference: &ConnectionRef, home: &str) -> String {
    format!("{}/{}", reference.namespace.as_deref().unwrap_or(home), reference.name)
}

/// The connection that an object refers to, as a path.
pub fn connection_of(object: &impl Subject) -> String {
    let home = object.meta().namespace.as_deref().unwrap_or_default();
    connection(object.declared().connection_ref, home)
}

fn path(object: &impl ResourceExt) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

/// When the models expire that SpeechModels know of, by id.
fn known_expiries(models: &[SpeechModel]) -> HashMap<EntityId, Timestamp> {
    let currents = models.iter().filter_map(|model| {
        let current = model.status.as_ref()?.current.as_ref()?;
        Some((current.id, current.expires_at?))
    });
    currents.collect()
}

struct Reader<'a> {
    now: Timestamp,
    until: Timestamp,
    connections: HashMap<String, &'a SpeechConnection>,
    expiries: HashMap<EntityId, Timestamp>,
    /// The closed times by windows: those of a fleet are few and alike.
    closed: BTreeMap<String, Vec<Span>>,
    trouble: Vec<String>,
    undated_risk: bool,
}

impl Reader<'_> {
    fn model(&mut self, model: &SpeechModel) -> Row {
        let mut row = row(model, Standing::of_model(model, self.now));
        let Some(status) = &model.status else { return row };
        row.steps = status.plan.iter().map(Step::from).collect();
        for step in &mut row.steps {
            if matches!(step.action, PlannedAction::Train | PlannedAction::Copy) {
                step.to.get_or_insert_with(|| "the next revision".to_owned());
            }
        }
        if let Some(current) = &status.current {
            let model = named(&current.name, current.revision);
            expire(&mut row, model, current.expires_at);
        }
        self.end(row, &status.conditions)
    }

    fn endpoint(&mut self, endpoint: &SpeechEndpoint) -> Row {
        let mut row = row(endpoint, Standing::of_endpoint(endpoint, self.now));
        row.closed = self.closed(&row, &endpoint.spec.swap.windows);
        let Some(status) = &endpoint.status else { return row };
        row.steps = status.plan.iter().map(Step::from).collect();
        if let Some(active) = &status.active {
            expire(&mut row, named(&active.name, active.revision), active.expires_at);
        }
        for TargetModel {
            model, name, revision, ..
        } in status.target.iter().chain(&status.candidate)
        {
            if let Some(at) = self.expiries.get(model).copied() {
                let model = named(name, *revision);
                row.expiries.push(Expiry { model, at });
            }
        }
        row.expiries.dedup();
        self.end(row, &status.conditions)
    }

    fn tell(&mut self, row: &Row, words: String) {
        self.trouble
            .push(format!("{} {}: {words}", row.kind, super::one_line(&row.object())));
    }

    /// The times until the last date at which no swap may begin.
    fn closed(&mut self, row: &Row, windows: &[Window]) -> Vec<Span> {
        if windows.is_empty() {
            return Vec::new();
        }
        let key = serde_json::to_string(windows).unwrap_or_default();
        if let Some(known) = self.closed.get(&key) {
            return known.clone();
        }
        match Calendar::parse(windows) {
            Ok(calendar) => {
                let spans = calendar.closed_spans(self.now, self.until);
                self.closed.insert(key, spans.clone());
                spans
            }
            Err(error) => {
                self.tell(row, format!("the closed times are left out: {error}"));
                Vec::new()
            }
        }
    }

    /// Adds what stands against all steps, and cuts off what is too far away; what the condition AtRisk tells stays. What a
    /// step leads to is a risk only while that condition says so: it is told at the step that it speaks of, else at the
    /// nearest.
    fn end(&mut self, mut row: Row, conditions: &[Condition]) -> Row {
        row.steps.sort_by(|one, other| order(one).cmp(&order(other)));
        self.block_by_connection(&mut row);
        let at_risk = condition::at_risk(conditions).map(|found| found.message.as_str());
        if let Some(risk) = at_risk {
            let speaks_of = |step: &Step| step.consequence.as_deref() == Some(risk);
            let place = row.steps.iter().position(speaks_of).unwrap_or(0);
            if let Some(step) = row.steps.get_mut(place) {
                step.consequence.take_if(|told| told == risk);
                step.risk = Some(risk.to_owned());
            } else {
                self.undated_risk = true;
                self.tell(&row, format!("at risk, without a date: {risk}"));
            }
        }
        let until = self.until;
        let tells = |step: &Step| at_risk.is_some() && step.risk.as_deref() == at_risk;
        row.steps.retain(|step| step.at <= until || tells(step));
        row
    }

    /// Through a connection that does not work, nothing but expiry happens.
    fn block_by_connection(&self, row: &mut Row) {
        let Some(known) = self.connections.get(&row.connection) else {
            return;
        };
        let conditions = known
            .status
            .as_ref()
            .map(|status| status.conditions.as_slice())
            .unwrap_or_default();
        let down = condition::find(conditions, condition::READY).filter(|ready| ready.status == "False");
        let Some(down) = down else { return };
        let words = format!("SpeechConnection {} works again: {}", row.connection, down.message);
        for step in &mut row.steps {
            if step.action != PlannedAction::Expire {
                step.blocked_by.push(words.clone());
            }
        }
        row.cut_off = Some(words);
    }
}

/// The expiry of the model that is in use, once: as the service dates it.
fn expire(row: &mut Row, model: String, at: Option<Timestamp>) {
    let Some(at) = at else { return };
    let leads_on = |step: &&Step| step.action != PlannedAction::Evaluate && step.action != PlannedAction::Expire;
    let follower = row.steps.iter().filter(leads_on).map(|step| step.at).min();
    let of_plan = |step: &&mut Step| step.action == PlannedAction::Expire;
    let words = if row.kind == "SpeechModel" {
        EXPIRED_MODEL
    } else {
        EXPIRED_ENDPOINT
    };
    let over = (row.standing.state == State::Expired).then(|| words.to_owned());
    if let Some(step) = row.steps.iter_mut().find(of_plan) {
        step.at = at;
        if over.is_some() {
            step.risk = over;
            step.consequence = None;
        }
        step.to.get_or_insert_with(|| model.clone());
    } else {
        let is_followed = follower.is_some_and(|follower| follower < at);
        row.steps.push(Step {
            at,
            action: PlannedAction::Expire,
            to: Some(model.clone()),
            reason: if is_followed { "Followed" } else { "NoSuccessor" }.to_owned(),
            blocked_by: Vec::new(),
            risk: over,
            consequence: None,
            forecast: false,
        });
    }
    row.expiries.push(Expiry { model, at });
}

fn order(step: &Step) -> (Timestamp, PlannedAction, Option<&str>) {
    (step.at, step.action, step.to.as_deref())
}

fn row<K: Subject>(object: &K, standing: Standing) -> Row {
    Row {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        kind: K::kind(&()).into_owned(),
        uid: object.uid().unwrap_or_default(),
        connection: connection_of(object),
        locale: object.declared().locale.to_owned(),
        expiries: Vec::new(),
        steps: Vec::new(),
        closed: Vec::new(),
        cut_off: None,
        standing,
    }
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
