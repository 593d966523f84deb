//! What the page tells, as plain data: one line for each object, the most urgent first.
//!
//! Everything is read from the objects and from the rows of the plan; nothing is decided here.
use super::{
    query::Query,
    risk::Risk,
    state::{self, State},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde::Serialize;
use speech_api::{
    SpeechEndpoint, SpeechModel, condition,
    planned::{PlannedAction, PlannedStep},
};
use speech_fleet::{
    Row, Step,
    fleet::{self, Filter, Objects, connection},
};
use std::collections::{BTreeSet, HashMap};

/// How far ahead the page looks: the four quarters to come.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 366);

/// One object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What lies ahead of it, as `speech-operator plan` tells it.
    #[serde(flatten)]
    pub row: Row,
    /// How it stands.
    pub state: State,
    /// Whether its condition Ready is True.
    pub ready: bool,
    /// The reason of its condition Ready, in one word.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The message of that condition.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Id of the remote endpoint, or of the current model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name of the model that serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its revision, where it is one of a SpeechModel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i32>,
    /// When that model expires (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What may go wrong.
    pub risk: Risk,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_message: Option<String>,
    /// The step that comes next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Step>,
    /// Where to connect, by the service's names of the links.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    pub urls: Vec<(String, String)>,
}

fn as_map<S: serde::Serializer>(urls: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(urls.iter().map(|(name, url)| (name, url)))
}

/// How many there are of what, among the objects that are told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Endpoints.
    pub endpoints: usize,
    /// Models.
    pub models: usize,
    /// Objects whose condition Ready is not True.
    pub not_ready: usize,
    /// Objects whose model has expired.
    pub expired: usize,
    /// Objects at risk.
    pub at_risk: usize,
    /// Objects of which a step is blocked.
    pub blocked: usize,
    /// Objects whose model expires within 90 days.
    pub expiring: usize,
    /// Swaps that are planned within 30 days.
    pub swaps: usize,
}

/// A connection that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Down {
    /// `namespace/name`.
    pub connection: String,
    /// Why.
    pub message: String,
}

/// The values that filters can have, over the whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Namespaces of objects.
    pub namespaces: BTreeSet<String>,
    /// Connections that objects name, as `namespace/name`.
    pub connections: BTreeSet<String>,
    /// Locales.
    pub locales: BTreeSet<String>,
}

/// All that the page tells.
#[derive(Clone, Debug)]
pub struct View {
    /// The present.
    pub now: Timestamp,
    /// Until when it looks ahead (UTC).
    pub until: Timestamp,
    /// The filters.
    pub query: Query,
    /// What they can be.
    pub choices: Choices,
    /// How many objects there are without filters.
    pub all: usize,
    /// How many of what the filters admit.
    pub counts: Counts,
    /// The endpoints, the most urgent first.
    pub endpoints: Vec<Line>,
    /// The models, the most urgent first.
    pub models: Vec<Line>,
    /// Connections of these objects that do not work.
    pub down: Vec<Down>,
    /// What could not be told, one sentence each.
    pub trouble: Vec<String>,
}

impl View {
    /// What the objects of a cluster look like at `now`.
    pub fn new(objects: &Objects, now: Timestamp, query: Query) -> Self {
        let until = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let filter = Filter {
            namespace: query.namespace.clone(),
            connection: query.connection.clone(),
            ..Filter::default()
        };
        let ahead = fleet::rows(objects, now, until, &filter);
        let models: HashMap<_, _> = objects.models.iter().map(|model| (place(model), model)).collect();
        let endpoints: HashMap<_, _> = objects.endpoints.iter().map(|e| (place(e), e)).collect();
        let (mut of_endpoints, mut of_models) = (Vec::new(), Vec::new());
        for row in ahead.rows {
            let at = (row.namespace.clone(), row.name.clone());
            if row.kind == "SpeechModel" {
                of_models.extend(models.get(&at).map(|model| Line::of_model(row, model, now)));
            } else {
                of_endpoints.extend(endpoints.get(&at).map(|endpoint| Line::of_endpoint(row, endpoint, now)));
            }
        }
        for lines in [&mut of_endpoints, &mut of_models] {
            lines.retain(|line| query.admits(&line.row.locale, line.risk));
            lines.sort_by(|one, other| one.urgency().cmp(&other.urgency()));
        }
        let mut view = Self {
            now,
            until,
            query,
            choices: choices(objects),
            all: objects.endpoints.len() + objects.models.len(),
            counts: Counts::default(),
            endpoints: of_endpoints,
            models: of_models,
            down: Vec::new(),
            trouble: ahead.trouble,
        };
        view.counts = view.count();
        view.down = view.connections_down(objects);
        view
    }

    /// All lines: endpoints, then models.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.endpoints.iter().chain(&self.models)
    }

    /// The rows of the plan, for calendars and drawings.
    pub fn rows(&self) -> Vec<Row> {
        self.lines().map(|line| line.row.clone()).collect()
    }

    /// The same without the risks of objects that are at none yet.
    pub fn judged_rows(&self) -> Vec<Row> {
        let judged = |line: &Line| {
            let mut row = line.row.clone();
            if line.risk < Risk::AtRisk {
                row.steps.iter_mut().for_each(|step| step.risk = None);
            }
            row
        };
        self.lines().map(judged).collect()
    }

    fn count(&self) -> Counts {
        let within = |at: Timestamp, days: i64| {
            let away = at.duration_since(self.now);
            !away.is_negative() && away <= SignedDuration::from_hours(24 * days)
        };
        let at = |risk: Risk| self.lines().filter(|line| line.risk == risk).count();
        let steps = self.endpoints.iter().flat_map(|line| &line.row.steps);
        Counts {
            endpoints: self.endpoints.len(),
            models: self.models.len(),
            not_ready: self.lines().filter(|line| !line.ready).count(),
            expired: at(Risk::Expired),
            at_risk: at(Risk::AtRisk),
            blocked: at(Risk::Blocked),
            expiring: self
                .lines()
                .filter(|line| line.expires_at.is_some_and(|at| within(at, 90)))
                .count(),
            swaps: steps
                .filter(|step| step.action == PlannedAction::Swap && within(step.at, 30))
                .count(),
        }
    }

    fn connections_down(&self, objects: &Objects) -> Vec<Down> {
        let used: BTreeSet<&str> = self.lines().map(|line| line.row.connection.as_str()).collect();
        let mut down: Vec<Down> = Vec::new();
        for connection in &objects.connections {
            let (home, name) = place(connection);
            let path = format!("{home}/{name}");
            let conditions = connection.status.as_ref().map_or(&[][..], |status| &status.conditions);
            let ready = condition::find(conditions, condition::READY).filter(|ready| ready.status == "False");
            if let Some(ready) = ready.filter(|_| used.contains(path.as_str())) {
                let message = format!("{}: {}", state::spaced(&ready.reason), ready.message);
                down.push(Down {
                    connection: path,
                    message,
                });
            }
        }
        down.sort_by(|one, other| one.connection.cmp(&other.connection));
        down
    }
}

impl Line {
    fn of_endpoint(row: Row, endpoint: &SpeechEndpoint, now: Timestamp) -> Self {
        let Some(status) = &endpoint.status else {
            return Self::unknown(row);
        };
        let mut line = Self::with_conditions(row, &status.conditions, &status.plan, endpoint.spec.suspend);
        line.id.clone_from(&status.id);
        if let Some(active) = &status.active {
            line.model = Some(active.name.clone());
            line.revision = active.revision;
            line.expires_at = date(active.expires_at.as_deref());
        }
        let answers = status
            .fallback
            .as_ref()
            .is_some_and(|fallback| fallback.since.is_some());
        if answers || line.expires_at.is_some_and(|at| at <= now) {
            line.risk = Risk::Expired;
            line.risk_message
                .get_or_insert_with(|| "a base model answers in place of the active model".to_owned());
        }
        line.urls = status
            .links
            .iter()
            .map(|(name, url)| (name.to_owned(), url.to_owned()))
            .collect();
        line.urls
            .extend(status.self_uri.clone().map(|uri| ("self".to_owned(), uri)));
        line
    }

    fn of_model(row: Row, model: &SpeechModel, now: Timestamp) -> Self {
        let Some(status) = &model.status else {
            return Self::unknown(row);
        };
        let mut line = Self::with_conditions(row, &status.conditions, &status.plan, model.spec.suspend);
        if let Some(current) = &status.current {
            line.id = Some(current.id.clone());
            line.model = Some(current.name.clone());
            line.revision = current.revision;
            line.expires_at = date(current.expires_at.as_deref());
            line.urls = vec![("self".to_owned(), current.self_uri.clone())];
            if line.expires_at.is_some_and(|at| at <= now) {
                line.risk = Risk::Expired;
                line.risk_message
                    .get_or_insert_with(|| "where this revision is deployed, a base model answers".to_owned());
            }
        }
        line
    }

    /// An object at which nobody has looked yet.
    fn unknown(row: Row) -> Self {
        Self {
            row,
            state: State::Unknown,
            ready: false,
            reason: String::new(),
            message: String::new(),
            id: None,
            model: None,
            revision: None,
            expires_at: None,
            risk: Risk::None,
            risk_message: None,
            next: None,
            urls: Vec::new(),
        }
    }

    fn with_conditions(row: Row, conditions: &[Condition], plan: &[PlannedStep], suspended: bool) -> Self {
        let ready = condition::find(conditions, condition::READY);
        let at_risk = condition::at_risk(conditions);
        // What an expiry leads to is told of each; whether that is a risk by now, the condition says.
        let mut leads_on = row.steps.iter().filter(|step| step.action != PlannedAction::Expire);
        let told = leads_on.find_map(|step| step.risk.clone());
        let blocked = row.steps.iter().find(|step| !step.blocked_by.is_empty());
        let (risk, risk_message) = match (told.or_else(|| at_risk.map(|found| found.message.clone())), blocked) {
            (Some(message), _) => (Risk::AtRisk, Some(message)),
            (None, Some(step)) => (Risk::Blocked, Some(format!("waits for {}", step.blocked_by.join("; ")))),
            (None, None) => (Risk::None, None),
        };
        let acts = |step: &&Step| step.action != PlannedAction::Expire;
        // A step that lies beyond what the rows tell is still the next one.
        let later: Vec<Step> = plan.iter().filter_map(|step| step.try_into().ok()).collect();
        let next = row
            .steps
            .iter()
            .find(acts)
            .or(later.iter().filter(acts).min_by_key(|step| step.at));
        let next = next.or(row.steps.first()).or(later.first()).cloned();
        Self {
            state: State::of(conditions, suspended),
            ready: ready.is_some_and(|ready| ready.status == "True"),
            reason: ready.map(|ready| ready.reason.clone()).unwrap_or_default(),
            message: ready.map(|ready| ready.message.clone()).unwrap_or_default(),
            risk,
            risk_message,
            next,
            ..Self::unknown(row)
        }
    }

    /// By what lines stand in order: the worst risk, what is not well, the nearest date, the name.
    fn urgency(&self) -> impl Ord + '_ {
        let next = self.next.as_ref().map(|step| step.at);
        let nearest = next.into_iter().chain(self.expires_at).min().unwrap_or(Timestamp::MAX);
        (
            std::cmp::Reverse(self.risk),
            self.ready,
            nearest,
            self.row.namespace.as_str(),
            self.row.name.as_str(),
        )
    }
}

fn place(object: &impl ResourceExt) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
}

/// A date of a status; what cannot be read is told among the trouble of the plan.
fn date(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn choices(objects: &Objects) -> Choices {
    let mut choices = Choices::default();
    let of_models = objects
        .models
        .iter()
        .map(|m| (m.namespace(), &m.spec.connection_ref, &m.spec.locale));
    let of_endpoints = objects
        .endpoints
        .iter()
        .map(|e| (e.namespace(), &e.spec.connection_ref, &e.spec.locale));
    for (namespace, reference, locale) in of_models.chain(of_endpoints) {
        let namespace = namespace.unwrap_or_default();
        choices.connections.insert(connection(reference, &namespace));
        choices.namespaces.insert(namespace);
        choices.locales.insert(locale.clone());
    }
    choices
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
