//! `kubectl speech orphans`: what a Speech resource holds and nobody declares.
use super::{
    KubectlError, Outcome,
    args::{ClusterArgs, OrphansArgs},
    estate::{Declared, Estate},
    fleet::{Fleet, Kind, Object},
    print, remote,
    table::{Cell, Colours, Paint, table},
};
use crate::{
    calendar::{self, fleet::Objects},
    speech::{ModelId, entity::Header},
};
use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

/// One entity that nobody declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// The connection, as namespace/name.
    pub connection: String,
    /// endpoint or model.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name in the portal.
    pub name: String,
    /// Its locale.
    pub locale: String,
    /// When it was made (UTC).
    pub created_at: Timestamp,
    /// The service's word.
    pub status: String,
    /// The object whose mark it bears, as namespace/name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// The cluster of that object: the uid of its kube-system namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// How many endpoints serve it, where it is a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_by: Option<usize>,
}

#[derive(Serialize)]
struct Document<'a> {
    orphans: &'a [Orphan],
}

/// Prints the orphans of one connection, or of all in the namespace.
pub async fn run(cluster: &ClusterArgs, args: &OrphansArgs) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, false, None).await?;
    let connections = match &args.connection {
        Some(name) => vec![fleet.connection(name)?],
        None => {
            let all = fleet.all(&[Kind::Connection]);
            let found = all.iter().filter_map(|object| match object {
                Object::Connection(connection) => Some(*connection),
                Object::Model(_) | Object::Endpoint(_) => None,
            });
            found.collect()
        }
    };
    if connections.is_empty() {
        return Err(KubectlError::Name(format!(
            "there is no SpeechConnection in namespace {}; name another one with -n",
            fleet.namespace.as_deref().unwrap_or_default()
        )));
    }
    let everywhere = fleet.cluster.objects(None).await;
    if everywhere.is_err() {
        eprintln!(
            "kubectl speech: only objects of namespace {} were compared; what other namespaces declare is told as well",
            fleet.namespace.as_deref().unwrap_or_default()
        );
    }
    let objects = everywhere.as_ref().unwrap_or(&fleet.objects);
    let mut found = Vec::new();
    for connection in connections {
        let client = remote::connect(&fleet, connection, &args.remote, None).await?;
        let estate = Estate::read(&client).await?;
        let path = format!(
            "{}/{}",
            connection.namespace().unwrap_or_default(),
            connection.name_any()
        );
        found.extend(orphans(&estate, objects, &path));
    }
    let now = args.now.unwrap_or_else(Timestamp::now);
    let names = || {
        found
            .iter()
            .map(|orphan| format!("{}/{}\n", orphan.kind, orphan.id))
            .collect()
    };
    let table = |wide| text(&found, now, wide);
    print::document(args.output, &Document { orphans: &found }, names, table)?;
    Ok((args.fail_on_orphans && !found.is_empty()).into())
}

/// What an estate holds that no object declares: endpoints, then models, the oldest first.
pub fn orphans(estate: &Estate, objects: &Objects, path: &str) -> Vec<Orphan> {
    let declared = Declared::of(objects, path);
    let orphan = |header: &Header, kind, used_by| {
        let is_declared = declared.holds(header.id, header.owner.as_deref());
        (!is_declared).then(|| Orphan {
            connection: path.to_owned(),
            kind,
            id: header.id.to_string(),
            name: header.display_name.to_string(),
            locale: header.locale.to_string(),
            created_at: header.created_at,
            status: header.status.as_str().to_owned(),
            mark: header.owner.as_ref().map(|tag| tag.object.clone()),
            cluster: header.owner.as_ref().map(|tag| tag.cluster.clone()),
            used_by,
        })
    };
    let endpoints = estate
        .endpoints
        .values()
        .filter_map(|one| orphan(&one.header, "endpoint", None));
    let mut found: Vec<Orphan> = endpoints.collect();
    for model in estate.models.values() {
        let id = ModelId::Custom(model.header.id);
        let users = estate
            .endpoints
            .values()
            .filter(|endpoint| endpoint.model == Some(id))
            .count();
        found.extend(orphan(&model.header, "model", Some(users)));
    }
    found.sort_by(|one, other| (one.kind, one.created_at, &one.id).cmp(&(other.kind, other.created_at, &other.id)));
    found
}

fn text(found: &[Orphan], now: Timestamp, wide: bool) -> String {
    if found.is_empty() {
        return "Everything is declared.\n".to_owned();
    }
    let mut header = vec!["KIND", "ID", "NAME", "LOCALE", "AGE", "USED BY", "MARK"];
    if wide {
        header.extend(["STATUS", "CONNECTION", "CLUSTER"]);
    }
    let line = |orphan: &Orphan| {
        let used_by = match orphan.used_by {
            Some(0) => "nothing".to_owned(),
            Some(1) => "1 endpoint".to_owned(),
            Some(number) => format!("{number} endpoints"),
            None => String::new(),
        };
        let mut line = vec![
            Cell::plain(orphan.kind),
            Cell::plain(&orphan.id),
            Cell::plain(&orphan.name),
            Cell::plain(&orphan.locale),
            Cell::plain(calendar::until(orphan.created_at, now)),
            Cell::plain(used_by),
            Cell::of(orphan.mark.as_deref().unwrap_or_default(), Paint::Yellow),
        ];
        if wide {
            line.push(Cell::plain(&orphan.status));
            line.push(Cell::plain(&orphan.connection));
            line.push(Cell::plain(orphan.cluster.as_deref().unwrap_or_default()));
        }
        line
    };
    let lines: Vec<Vec<Cell>> = found.iter().map(line).collect();
    table(&header, &lines, Colours::of_stdout())
}
