//! `kubectl speech status`: what serves, until when, what comes next, and why.
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    fleet::{Kind, Object},
    options::StatusArgs,
    print,
    table::{Cell, Colours, Paint, table},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use speech_api::{
    Reason,
    condition::{self, MODEL_VALID, READY, RECONCILING, STALLED},
    planned::{PlannedAction, PlannedStep},
    reference::ConnectionRef,
};
use speech_fleet::{self as calendar, fleet::connection};
use speech_plan::rules;

/// How an object is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    /// A base model answers in place of what is declared.
    Expired,
    /// Only a person can help.
    Stalled,
    /// Unless somebody acts, something goes wrong.
    AtRisk,
    /// Nothing is known of the newest spec yet.
    Unknown,
    /// It does not serve yet.
    Pending,
    /// Nothing is changed, by request.
    Suspended,
    /// It serves, and is being changed.
    Working,
    /// It serves as declared; what follows waits for its day, a window or a person.
    Waiting,
    /// As declared.
    Ready,
}

impl State {
    /// Whether somebody should look at it.
    pub fn needs_attention(self) -> bool {
        !matches!(self, Self::Suspended | Self::Working | Self::Waiting | Self::Ready)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "Expired",
            Self::Stalled => "Stalled",
            Self::AtRisk => "AtRisk",
            Self::Unknown => "Unknown",
            Self::Pending => "Pending",
            Self::Suspended => "Suspended",
            Self::Working => "Working",
            Self::Waiting => "Waiting",
            Self::Ready => "Ready",
        }
    }

    fn paint(self) -> Paint {
        match self {
            Self::Expired | Self::Stalled => Paint::Red,
            Self::AtRisk | Self::Unknown | Self::Pending | Self::Suspended => Paint::Yellow,
            Self::Working | Self::Waiting => Paint::Plain,
            Self::Ready => Paint::Green,
        }
    }

    /// Reads the conditions.
    fn of(
        conditions: &[Condition],
        Seen {
            is_newest,
            waits,
            is_suspended,
        }: Seen,
    ) -> Self {
        let says = |kind, truth| condition::find(conditions, kind).is_some_and(|one| one.status == truth);
        let says_why =
            |kind, reason: Reason| condition::find(conditions, kind).is_some_and(|one| one.reason == reason.as_str());
        let serves = says(READY, "True");
        // An endpoint that does not exist any more serves nothing valid either, but nothing of it expired.
        let gone = says(STALLED, "True") && !says_why(MODEL_VALID, Reason::BaseModelAnswers);
        let is_left_alone = is_suspended || says_why(STALLED, Reason::ObserveOnly);
        if says(MODEL_VALID, "False") && !gone {
            Self::Expired
        } else if is_left_alone && condition::at_risk(conditions).is_none() {
            Self::Suspended
        } else if is_left_alone {
            Self::AtRisk
        } else if says(STALLED, "True") {
            Self::Stalled
        } else if condition::at_risk(conditions).is_some() {
            Self::AtRisk
        } else if !is_newest {
            Self::Unknown
        } else if !serves {
            Self::Pending
        } else if says(RECONCILING, "True") {
            Self::Working
        } else if waits {
            Self::Waiting
        } else {
            Self::Ready
        }
    }
}

/// What is known of an object beside its conditions.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Whether the status is of the newest spec.
    is_newest: bool,
    /// Whether another model waits to serve.
    waits: bool,
    /// Whether the spec says so.
    is_suspended: bool,
}

/// One object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// endpoint, model or connection.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: State,
    /// What serves, or is current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serves: Option<String>,
    /// The id of that model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When that model expires (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What comes next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<PlannedStep>,
    /// Why it is so, in one word.
    pub reason: String,
    /// The same as a sentence.
    pub message: String,
    /// What goes wrong if nobody acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// The connection, as namespace/name; absent for a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The locale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The id of the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where to connect, by the service's own link names.
    #[serde(skip_serializing_if = "speech_api::links::Links::is_empty")]
    pub links: speech_api::links::Links,
    #[serde(skip)]
    resource: &'static str,
    /// Whether the newest spec is served, and nothing is under way or wrong with it now.
    #[serde(skip)]
    pub is_settled: bool,
    /// Whether only a person can help with the newest spec.
    #[serde(skip)]
    pub is_stalled: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    objects: &'a [Row],
}

/// Prints the fleet or one object.
pub async fn run(cluster: &ClusterArgs, args: &StatusArgs) -> Result<Outcome, KubectlError> {
    let selection = &args.selection;
    let fleet = selection.read(cluster).await?;
    let now = cluster.now(args.now).await?;
    let colours = Colours::of_stdout();
    let (objects, outcome) = if selection.is_open() {
        // The fleet may be empty, and connections belong to it.
        (fleet.all(&Kind::ALL), Outcome::Well)
    } else {
        selection.of(&fleet, &Kind::ALL)?
    };
    let mut rows: Vec<Row> = objects.iter().map(row).collect();
    if rows.is_empty() && outcome == Outcome::Failed {
        return Ok(outcome);
    }
    sort(&mut rows);
    let names = || {
        rows.iter()
            .map(|row| format!("{}/{}\n", row.resource, row.name))
            .collect()
    };
    let table = |wide| match rows.as_slice() {
        [row] if selection.is_by_name() => detail(row, now, colours),
        [] => nothing(fleet.namespace.as_deref()),
        rows => overview(rows, now, colours, selection.all_namespaces, wide),
    };
    print::document(args.output, &Document { objects: &rows }, names, table)?;
    Ok(outcome.max(rows.iter().any(|row| row.state.needs_attention()).into()))
}

/// What is told of the objects of one namespace.
pub fn fleet(objects: &[Object<'_>], now: Timestamp, colours: Colours) -> String {
    let mut rows: Vec<Row> = objects.iter().map(row).collect();
    sort(&mut rows);
    overview(&rows, now, colours, false, false)
}

/// What is told where there is nothing.
fn nothing(namespace: Option<&str>) -> String {
    match namespace {
        Some(name) => format!("There are no objects in namespace {name}; -n names another one, and -A takes all.\n"),
        None => "There are no objects in any namespace.\n".to_owned(),
    }
}

/// The worst first, then what expires first. What waits for a person goes before what goes on by itself.
fn sort(rows: &mut [Row]) {
    let key = |row: &Row| {
        let rank = if row.state == State::Waiting && row.reason == Reason::ApprovalAwaited.as_str() {
            (State::Suspended, false)
        } else {
            (row.state, true)
        };
        let expiry = row.expires_at.clone().unwrap_or_else(|| "~".to_owned());
        (rank, expiry, row.namespace.clone(), row.kind, row.name.clone())
    };
    rows.sort_by_cached_key(key);
}

/// What the status of an object says.
pub fn row(object: &Object<'_>) -> Row {
    let mut row = Row {
        kind: object.kind().word(),
        namespace: object.namespace(),
        name: object.name(),
        state: State::Unknown,
        serves: None,
        model: None,
        expires_at: None,
        next: None,
        reason: String::new(),
        message: "the operator has not looked at it yet".to_owned(),
        risk: None,
        connection: None,
        locale: None,
        id: None,
        links: Default::default(),
        resource: object.kind().resource(),
        is_settled: false,
        is_stalled: false,
    };
    let at = |reference: &ConnectionRef| Some(connection(reference, &object.namespace()));
    match object {
        Object::Endpoint(endpoint) => {
            row.connection = at(&endpoint.spec.connection_ref);
            row.locale = Some(endpoint.spec.locale.clone());
            let Some(status) = &endpoint.status else { return row };
            row.id = status.id.clone();
            row.links = status.links.clone();
            if let Some(active) = &status.active {
                row.serves = Some(label(&active.name, active.revision));
                row.model = Some(active.model.clone());
                row.expires_at = active.expires_at.clone();
            }
            row.next = status.plan.first().cloned();
            let seen = Seen {
                is_newest: endpoint.metadata.generation == Some(status.observed_generation),
                waits: status.candidate.is_some(),
                is_suspended: endpoint.spec.suspend,
            };
            row.read(&status.conditions, seen);
        }
        Object::Model(model) => {
            row.connection = at(&model.spec.connection_ref);
            row.locale = Some(model.spec.locale.clone());
            let Some(status) = &model.status else { return row };
            if let Some(current) = &status.current {
                row.serves = Some(label(&current.name, current.revision));
                row.model = Some(current.id.clone());
                row.expires_at = current.expires_at.clone();
            }
            row.next = status.plan.first().cloned();
            let seen = Seen {
                is_newest: model.metadata.generation == Some(status.observed_generation),
                waits: false,
                is_suspended: model.spec.suspend,
            };
            row.read(&status.conditions, seen);
        }
        Object::Connection(connection) => {
            let Some(status) = &connection.status else { return row };
            row.serves = status
                .endpoints
                .zip(status.models)
                .map(|(endpoints, models)| format!("{}, {}", count(endpoints, "endpoint"), count(models, "model")));
            let seen = Seen {
                is_newest: connection.metadata.generation == Some(status.observed_generation),
                waits: false,
                is_suspended: false,
            };
            row.read(&status.conditions, seen);
        }
    }
    row
}

/// A number with its noun.
pub fn count(number: impl Into<i64>, of: &str) -> String {
    match number.into() {
        1 => format!("1 {of}"),
        number => format!("{number} {of}s"),
    }
}

/// A model as the planners name it.
pub fn label(name: &str, revision: Option<i32>) -> String {
    revision.map_or_else(|| name.to_owned(), |revision| format!("{name}, revision {revision}"))
}

/// A model in the words of people and of the service.
pub fn named(name: &str, revision: Option<i32>, id: &str) -> String {
    format!("{} ({id})", label(name, revision))
}

impl Row {
    fn read(&mut self, conditions: &[Condition], seen: Seen) {
        let is_newest = seen.is_newest;
        self.state = State::of(conditions, seen);
        let says = |kind, truth| condition::find(conditions, kind).is_some_and(|one| one.status == truth);
        self.is_stalled = is_newest && says(STALLED, "True");
        let is_served = is_newest && says(READY, "True") && !says(MODEL_VALID, "False");
        self.is_settled = is_served && !says(RECONCILING, "True") && !self.is_stalled;
        if let Some(verdict) = rules::verdict(conditions) {
            self.reason = verdict.reason.clone();
            self.message = verdict.message.clone();
        }
        let risk = condition::at_risk(conditions);
        self.risk = risk.map(|risk| risk.message.clone());
        if let Some(risk) = risk.filter(|_| self.state == State::AtRisk) {
            self.reason = risk.reason.clone();
        }
    }

    fn object(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

fn day(at: &str, now: Timestamp) -> String {
    match at.parse::<Timestamp>() {
        Ok(when) if when <= now => at.get(..10).unwrap_or(at).to_owned(),
        Ok(when) => format!("{} ({})", at.get(..10).unwrap_or(at), calendar::until(now, when)),
        Err(_) => at.to_owned(),
    }
}

fn next(step: &PlannedStep, now: Timestamp) -> String {
    let forecast = if step.forecast { "~" } else { "" };
    format!("{} {forecast}{}", step.action.as_str(), day(&step.at, now))
}

fn overview(rows: &[Row], now: Timestamp, colours: Colours, with_namespace: bool, wide: bool) -> String {
    let mut header = vec!["OBJECT", "STATE", "SERVES", "UNTIL", "NEXT", "WHY"];
    if with_namespace {
        header.insert(0, "NAMESPACE");
    }
    if wide {
        header.extend(["CONNECTION", "LOCALE", "ID", "MESSAGE"]);
    }
    let lines: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let plain = |text: &Option<String>| Cell::plain(text.as_deref().unwrap_or_default());
            let until = row.expires_at.as_deref().map(|at| day(at, now)).unwrap_or_default();
            // The expiry stands in the column before already.
            let acts = row.next.as_ref().filter(|step| step.action != PlannedAction::Expire);
            let next = acts.map(|step| next(step, now)).unwrap_or_default();
            let mut line = vec![
                Cell::plain(row.object()),
                Cell::of(row.state.as_str(), row.state.paint()),
                plain(&row.serves),
                Cell::plain(until),
                Cell::plain(next),
                Cell::of(&row.reason, Paint::Dim),
            ];
            if with_namespace {
                line.insert(0, Cell::plain(&row.namespace));
            }
            if wide {
                let message = row.risk.as_ref().unwrap_or(&row.message);
                line.extend([
                    plain(&row.connection),
                    plain(&row.locale),
                    plain(&row.id),
                    Cell::plain(message),
                ]);
            }
            line
        })
        .collect();
    let mut text = table(&header, &lines, colours);
    text.push_str(&format!("\n{}\n", summary(rows)));
    text
}

fn summary(rows: &[Row]) -> String {
    let attention = rows.iter().filter(|row| row.state.needs_attention()).count();
    let objects = match rows.len() {
        1 => "1 object".to_owned(),
        number => format!("{number} objects"),
    };
    match attention {
        0 => format!("{objects}: all is well"),
        1 => format!("{objects}: 1 needs attention; `kubectl speech why NAME` tells more"),
        number => format!("{objects}: {number} need attention; `kubectl speech why NAME` tells more"),
    }
}

/// All that is known of one object, line by line.
pub fn detail(row: &Row, now: Timestamp, colours: Colours) -> String {
    let serving = if row.kind == "model" { "Current" } else { "Serves" };
    let model = row.serves.as_ref().map(|name| match &row.model {
        Some(id) => format!("{name} ({id})"),
        None => name.clone(),
    });
    let step = row.next.as_ref().map(|step| {
        let to = step.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
        format!("{}{to}, because of {}", next(step, now), step.reason)
    });
    let blocked = row.next.as_ref().map(|step| step.blocked_by.join("; "));
    let lines = [
        (
            "Object",
            Some(format!("{}/{}", row.namespace, row.object())),
            Paint::Bold,
        ),
        ("State", Some(row.state.as_str().to_owned()), row.state.paint()),
        (serving, model, Paint::Plain),
        ("Until", row.expires_at.as_deref().map(|at| day(at, now)), Paint::Plain),
        ("Next", step, Paint::Plain),
        ("Blocked by", blocked, Paint::Yellow),
        ("Why", Some(format!("{}: {}", row.reason, row.message)), Paint::Plain),
        ("Risk", row.risk.clone(), Paint::Yellow),
        ("Connection", row.connection.clone(), Paint::Plain),
        ("Locale", row.locale.clone(), Paint::Plain),
        ("Id", row.id.clone(), Paint::Plain),
    ];
    let mut text = String::new();
    for (name, value, paint) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let value = calendar::one_line(&value).into_owned();
            text.push_str(&format!("{name:<12}{}\n", colours.show(&value, paint)));
        }
    }
    for (name, url) in row.links.iter().filter(|(name, _)| *name != "logs") {
        text.push_str(&format!(
            "{:<12}{}\n",
            calendar::one_line(name),
            calendar::one_line(url)
        ));
    }
    text
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
