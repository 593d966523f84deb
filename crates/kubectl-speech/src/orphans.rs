//! `kubectl speech orphans`: what a Speech resource holds and nobody declares.
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    estate::{Declared, Estate},
    fleet::Fleet,
    options::OrphansArgs,
    print, remote,
    table::{Cell, Colours, Paint, table},
};
use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use speech_api::SpeechConnection;
use speech_fleet::{self as calendar, fleet::Objects};
use speech_service::entity::Header;

/// One entity that nobody declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// The connection, as namespace/name.
    pub connection: String,
    /// endpoint or model.
    pub kind: &'static str,
    pub id: String,
    /// Its name in the portal.
    pub name: String,
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

impl Orphan {
    /// Whether no object of another namespace can be what it was made for.
    fn is_of(&self, namespace: &str) -> bool {
        let home = self.mark.as_deref().and_then(|mark| mark.split_once('/'));
        home.is_none_or(|(home, _)| home == namespace)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    orphans: &'a [Orphan],
}

/// Prints the orphans of one connection, or of all in the namespace.
pub async fn run(cluster: &ClusterArgs, args: &OrphansArgs) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, args.all_namespaces, None).await?;
    let connections = connections(&fleet, args).await?;
    let everywhere = fleet.cluster.objects(None).await;
    if let (Err(_), Some(namespace)) = (&everywhere, &fleet.namespace) {
        print::trouble(&format!(
            "only the objects of namespace {namespace} were compared, for you may not list all: what bears the mark of \
             another namespace is left out, and what another one declares without a mark is told here as well"
        ));
    }
    let objects = everywhere.as_ref().unwrap_or(&fleet.objects);
    let mut found = Vec::new();
    let mut outcome = Outcome::Well;
    for connection in &connections {
        let path = format!(
            "{}/{}",
            connection.namespace().unwrap_or_default(),
            connection.name_any()
        );
        match read(&fleet, connection, objects, args).await {
            Ok(estate) => found.extend(orphans(&estate, objects, &path)),
            Err(error) => {
                print::error(&error);
                outcome = Outcome::Failed;
            }
        }
    }
    if found.is_empty() && outcome == Outcome::Failed {
        return Ok(outcome);
    }
    if let (Err(_), Some(namespace)) = (&everywhere, &fleet.namespace) {
        found.retain(|orphan| orphan.is_of(namespace));
    }
    let now = cluster.now(args.now).await?;
    let names = || {
        found
            .iter()
            .map(|orphan| format!("{}/{}\n", orphan.kind, orphan.id))
            .collect()
    };
    let table = |wide| text(&found, now, Colours::of_stdout(), wide);
    print::document(args.output, &Document { orphans: &found }, names, table)?;
    Ok(outcome.max((args.fail_on_orphans && !found.is_empty()).into()))
}

/// The connections that are asked for.
async fn connections(fleet: &Fleet, args: &OrphansArgs) -> Result<Vec<SpeechConnection>, KubectlError> {
    if let Some(name) = &args.connection {
        return Ok(vec![fleet.connection(name)?.clone()]);
    }
    let (namespace, labels) = (fleet.namespace.as_deref(), args.selector.as_deref());
    let found = fleet.cluster.connections(namespace, labels).await?;
    if found.is_empty() {
        let labels = labels
            .map(|labels| format!(" with labels {labels}"))
            .unwrap_or_default();
        let place = namespace.map(|name| format!(" in namespace {name}; -n names another one, and -A takes all"));
        let place = place.unwrap_or_default();
        return Err(KubectlError::Name(format!("there is no connection{labels}{place}")));
    }
    Ok(found)
}

/// What a resource holds, where its lists can be believed and are complete: how many endpoints serve a model is else unknown,
/// and so is whether everything is declared.
async fn read(
    fleet: &Fleet,
    connection: &SpeechConnection,
    objects: &Objects,
    args: &OrphansArgs,
) -> Result<Estate, KubectlError> {
    let client = remote::connect(fleet, connection, &args.remote, None).await?;
    let mut estate = Estate::read(&client, connection, objects).await?;
    if estate.unreadable > 0 {
        estate.doubts.push(format!(
            "the lists are not complete: {} entities could not be understood",
            estate.unreadable
        ));
    }
    if estate.doubts.is_empty() {
        return Ok(estate);
    }
    Err(KubectlError::Untrusted {
        base: client.base().as_str().to_owned(),
        doubt: estate.doubts.join("; "),
    })
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
        found.extend(orphan(&model.header, "model", Some(estate.users(model.header.id))));
    }
    found.sort_by(|one, other| (one.kind, one.created_at, &one.id).cmp(&(other.kind, other.created_at, &other.id)));
    found
}

fn text(found: &[Orphan], now: Timestamp, colours: Colours, wide: bool) -> String {
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
    table(&header, &lines, colours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use speech_plan::testing::{at, base_id, custom_id, custom_model, owned, remote, with};

    #[test]
    fn what_nobody_declares_is_told_with_its_age_and_whose_it_was() {
        let mut estate = Estate::default();
        let made = |endpoint, name: &str, created: &str| {
            with(endpoint, |one: &mut speech_service::entity::Endpoint| {
                one.header.display_name = name.into();
                one.header.created_at = at(created);
            })
        };
        for endpoint in [
            made(remote(10, custom_id(3)), "by hand", "2026-01-10T10:00:00Z"),
            made(owned(remote(11, base_id(1)), 1), "letters", "2026-02-22T10:00:00Z"),
        ] {
            estate.endpoints.insert(endpoint.header.id, endpoint);
        }
        let model = with(custom_model(3, "2027-01-15T00:00:00Z"), |one| {
            one.header.display_name = "by hand".into();
            one.header.created_at = at("2026-01-10T10:00:00Z");
        });
        estate.models.insert(model.header.id, model);
        let found = orphans(&estate, &Objects::default(), "shop/west");
        let now = at("2026-03-01T10:00:00Z");
        let listed = text(&found, now, Colours(false), false);
        insta::assert_snapshot!(listed);
        assert!(crate::DOCUMENT.contains(&listed), "{listed}");
        let wide = text(&found, now, Colours(false), true);
        assert!(wide.contains("shop/west") && wide.contains("cluster-1"), "{wide}");
        assert_eq!(text(&[], now, Colours(false), false), "Everything is declared.\n");
    }
}
