//! What the page tells, as plain data: one line for each object, the most urgent first.
//!
//! Everything is read from the objects and from the rows of the plan; nothing is decided here.
use super::{
    query::Query,
    risk::Risk,
    words::{self, spaced},
};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use serde::Serialize;
use speech_api::{SpeechEndpoint, SpeechModel, condition, planned::PlannedAction};
use speech_fleet::{
    Row, Step,
    fleet::{self, Filter, Objects, connection},
    standing::State,
};
use speech_service::EntityId;
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
    /// Why it stands so, in one word.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The same as a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Id of the remote endpoint, or of the current model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<EntityId>,
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
    /// Why.
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
    pub endpoints: usize,
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
                of_models.extend(models.get(&at).map(|model| Line::of_model(row, model)));
            } else {
                of_endpoints.extend(endpoints.get(&at).map(|endpoint| Line::of_endpoint(row, endpoint)));
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

    fn count(&self) -> Counts {
        // What is overdue counts as well.
        let within = |at: Timestamp, days: i64| at.duration_since(self.now) <= SignedDuration::from_hours(24 * days);
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
                .filter(|line| line.expires_at.is_some_and(|at| at > self.now && within(at, 90)))
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
                let message = format!("{}: {}", spaced(&ready.reason), ready.message);
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
    fn of_endpoint(row: Row, endpoint: &SpeechEndpoint) -> Self {
        let mut line = Self::of(row);
        let Some(status) = &endpoint.status else { return line };
        line.id = status.id;
        let links = status.links.iter();
        line.urls = links.map(|(name, url)| (name.to_owned(), url.to_owned())).collect();
        line.urls
            .extend(status.self_uri.clone().map(|uri| ("self".to_owned(), uri)));
        line
    }

    fn of_model(row: Row, model: &SpeechModel) -> Self {
        let mut line = Self::of(row);
        if let Some(current) = model.status.as_ref().and_then(|status| status.current.as_ref()) {
            line.id = Some(current.id);
            line.urls = vec![("self".to_owned(), current.self_uri.clone())];
        }
        line
    }

    fn of(row: Row) -> Self {
        let standing = &row.standing;
        let (risk, risk_message) = Risk::of(&row);
        let serves = standing.serves.as_ref();
        let why = standing.why.as_ref();
        // A step that lies beyond what the rows tell is still the next one.
        let later: Option<Step> = standing.next.as_ref().map(Step::from);
        let acts = |step: &&Step| step.action != PlannedAction::Expire;
        let next = (row.steps.iter().find(acts))
            .or(later.iter().find(acts))
            .or(row.steps.first())
            .or(later.as_ref())
            .cloned();
        Self {
            state: standing.state,
            ready: standing.is_ready,
            reason: standing.reason().unwrap_or_default().to_owned(),
            message: why.map(|why| why.message.clone()).unwrap_or_default(),
            id: None,
            model: serves.map(|model| model.name.clone()),
            revision: serves.and_then(|model| model.revision),
            expires_at: serves.and_then(|model| model.expires_at),
            risk,
            risk_message,
            next,
            urls: Vec::new(),
            row,
        }
    }

    /// The class of its state in the style sheet.
    pub fn class(&self) -> &'static str {
        words::class(&self.row.standing)
    }

    /// How it stands, in the words of people.
    pub fn words(&self) -> &'static str {
        match (self.state, self.ready) {
            (State::AtRisk, true) => "Ready, at risk",
            (State::AtRisk, false) => "At risk",
            (state, _) => state.as_str(),
        }
    }

    /// By what lines stand in order: how they stand, the nearest date, the name. Through a connection that does not work,
    /// nothing goes on by itself.
    pub fn urgency(&self) -> impl Ord + '_ {
        let next = self.next.as_ref().map(|step| step.at);
        let nearest = next.into_iter().chain(self.expires_at).min().unwrap_or(Timestamp::MAX);
        let standing = match self.row.cut_off {
            Some(_) => self.row.standing.urgency().min((State::Suspended, false)),
            None => self.row.standing.urgency(),
        };
        (standing, nearest, self.row.namespace.as_str(), self.row.name.as_str())
    }
}

fn place(object: &impl ResourceExt) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
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
