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
use serde::Serialize;
use speech_api::{
    planned::{PlannedAction, PlannedStep},
    reference::ConnectionRef,
};
pub use speech_fleet::standing::State;
use speech_fleet::{
    self as calendar,
    fleet::connection,
    standing::{Serving, Standing},
};
use speech_service::EntityId;

fn paint(state: State) -> Paint {
    match state {
        State::Expired | State::Stalled => Paint::Red,
        State::AtRisk | State::Unknown | State::Pending | State::Suspended => Paint::Yellow,
        State::Working | State::Waiting => Paint::Plain,
        State::Ready => Paint::Green,
    }
}

/// One object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// endpoint, model or connection.
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
    /// How it is.
    pub state: State,
    /// What serves, or is current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serves: Option<String>,
    /// The id of that model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<EntityId>,
    /// When that model expires (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The id of the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<EntityId>,
    /// Where to connect, by the service's own link names.
    #[serde(skip_serializing_if = "speech_api::links::Links::is_empty")]
    pub links: speech_api::links::Links,
    #[serde(skip)]
    resource: &'static str,
    #[serde(skip)]
    standing: Standing,
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
    let mut rows: Vec<Row> = objects.iter().map(|object| row(object, now)).collect();
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
    let mut rows: Vec<Row> = objects.iter().map(|object| row(object, now)).collect();
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

/// The worst first, then what expires first.
fn sort(rows: &mut [Row]) {
    let key = |row: &Row| {
        (
            row.standing.urgency(),
            row.expires_at.unwrap_or(Timestamp::MAX),
            row.namespace.clone(),
            row.kind,
            row.name.clone(),
        )
    };
    rows.sort_by_cached_key(key);
}

/// What the status of an object says at a time.
pub fn row(object: &Object<'_>, now: Timestamp) -> Row {
    let standing = match object {
        Object::Endpoint(endpoint) => Standing::of_endpoint(endpoint, now),
        Object::Model(model) => Standing::of_model(model, now),
        Object::Connection(connection) => Standing::of_connection(connection),
    };
    let mut row = Row::of(object, standing);
    let at = |reference: &ConnectionRef| Some(connection(reference, &object.namespace()));
    match object {
        Object::Endpoint(endpoint) => {
            row.connection = at(&endpoint.spec.connection_ref);
            row.locale = Some(endpoint.spec.locale.clone());
            if let Some(status) = &endpoint.status {
                row.id = status.id;
                row.links = status.links.clone();
            }
        }
        Object::Model(model) => {
            row.connection = at(&model.spec.connection_ref);
            row.locale = Some(model.spec.locale.clone());
        }
        Object::Connection(connection) => {
            let counts = connection
                .status
                .as_ref()
                .map(|status| (status.endpoints, status.models));
            let counts = counts.and_then(|(endpoints, models)| endpoints.zip(models));
            row.serves = counts
                .map(|(endpoints, models)| format!("{}, {}", count(endpoints, "endpoint"), count(models, "model")));
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

/// A model in the words of people and of the service.
pub fn named(name: &str, revision: Option<i32>, id: EntityId) -> String {
    format!("{} ({id})", speech_plan::named(name, revision))
}

impl Row {
    fn of(object: &Object<'_>, standing: Standing) -> Self {
        let serves = standing.serves.as_ref();
        let risk = standing.risk.as_ref();
        let why = standing.why.as_ref();
        Self {
            kind: object.kind().word(),
            namespace: object.namespace(),
            name: object.name(),
            state: standing.state,
            serves: serves.map(Serving::label),
            model: serves.map(|model| model.id),
            expires_at: serves.and_then(|model| model.expires_at),
            next: standing.next.clone(),
            reason: standing.reason().unwrap_or_default().to_owned(),
            message: why.map_or_else(
                || "the operator has not looked at it yet".to_owned(),
                |why| why.message.clone(),
            ),
            risk: risk.map(|risk| risk.message.clone()),
            connection: None,
            locale: None,
            id: None,
            links: Default::default(),
            resource: object.kind().resource(),
            standing,
        }
    }

    /// How it stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    fn object(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

fn day(at: Timestamp, now: Timestamp) -> String {
    let day = at.strftime("%Y-%m-%d");
    if at <= now {
        return day.to_string();
    }
    format!("{day} ({})", calendar::until(now, at))
}

fn next(step: &PlannedStep, now: Timestamp) -> String {
    let forecast = if step.forecast { "~" } else { "" };
    format!("{} {forecast}{}", step.action.as_str(), day(step.at, now))
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
            let until = row.expires_at.map(|at| day(at, now)).unwrap_or_default();
            // The expiry stands in the column before already.
            let acts = row.next.as_ref().filter(|step| step.action != PlannedAction::Expire);
            let next = acts.map(|step| next(step, now)).unwrap_or_default();
            let mut line = vec![
                Cell::plain(row.object()),
                Cell::of(row.state.as_str(), paint(row.state)),
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
                    Cell::plain(row.id.map_or_else(String::new, |id| id.to_string())),
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
    let blocked = row.standing.blocked.as_ref().map(|blocked| blocked.message.clone());
    let lines = [
        (
            "Object",
            Some(format!("{}/{}", row.namespace, row.object())),
            Paint::Bold,
        ),
        ("State", Some(row.state.as_str().to_owned()), paint(row.state)),
        (serving, model, Paint::Plain),
        ("Until", row.expires_at.map(|at| day(at, now)), Paint::Plain),
        ("Next", step, Paint::Plain),
        ("Blocked by", blocked, Paint::Yellow),
        ("Why", Some(format!("{}: {}", row.reason, row.message)), Paint::Plain),
        ("Risk", row.risk.clone(), Paint::Yellow),
        ("Connection", row.connection.clone(), Paint::Plain),
        ("Locale", row.locale.clone(), Paint::Plain),
        ("Id", row.id.map(|id| id.to_string()), Paint::Plain),
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
mod tests;
