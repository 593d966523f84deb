//! `kubectl speech logs`: the log files of an endpoint.
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    fetch,
    fleet::{Fleet, Kind, Object},
    options::LogsArgs,
    print, remote,
    selection::one_name,
    table::{Cell, Colours, Paint, table},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use speech_fleet::{self as calendar, fleet::connection_of};
use speech_service::{ApiVersion, Client, EntityId, Error, ErrorKind, Lane, entity::File};
use std::{fs, path::Path};

/// How long the service keeps log files in its own storage.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What is deleted within so long is told in colour.
const SOON: SignedDuration = SignedDuration::from_hours(3 * 24);
const RULE: &str =
    "The service keeps log files in its own storage for 30 days and then deletes them; storage of your own keeps them.";

/// One log file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    id: String,
    name: String,
    created_at: Option<Timestamp>,
    /// When the service deletes it, unless the storage is one's own.
    deleted_at: Option<Timestamp>,
    size: Option<i64>,
}

#[derive(Serialize)]
struct Document<'a> {
    logs: &'a [Log],
}

/// Lists, fetches or deletes.
pub async fn run(cluster: &ClusterArgs, args: &LogsArgs) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, false, None).await?;
    let object = fleet.find(&one_name(&args.names)?, &[Kind::Endpoint])?;
    let endpoint = object.endpoint()?;
    let id = endpoint.status.as_ref().and_then(|status| status.id);
    let id = id.ok_or_else(|| KubectlError::NotNow(format!("{object} has no remote endpoint yet")))?;
    let path = connection_of(endpoint);
    let (namespace, name) = path.split_once('/').unwrap_or_default();
    let home = fleet.connection_at(namespace, name)?;
    let client = remote::connect(&fleet, home, &args.remote, Some(ApiVersion::V3_2)).await?;
    match with_logs(&client, &object, cluster, args, id).await {
        Err(KubectlError::Service { source, .. }) if is_absence(&source) => {
            let own = remote::connect(&fleet, home, &args.remote, None).await?;
            Err(absent(&own, id, *source).await)
        }
        done => done,
    }
}

/// What may mean that the service has log files no more, or not of this endpoint.
fn is_absence(error: &Error) -> bool {
    error.speaks_of_version() || matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Misrouted)
}

/// What it means that v3.2 does not find the log files of an endpoint: if the connection's own version finds the endpoint, it
/// is not the endpoint that is missing.
async fn absent(own: &Client, id: EntityId, error: Error) -> KubectlError {
    let is_there = own.get_endpoint(Lane::UserChange, id).await.is_ok();
    let is_other = own.version() != ApiVersion::V3_2;
    if error.speaks_of_version() || (is_there && is_other) {
        return KubectlError::NoLogs(error.to_string());
    }
    remote::failed(own)(error)
}

/// Lists, fetches or deletes by the version that knows log files.
async fn with_logs(
    client: &Client,
    object: &Object<'_>,
    cluster: &ClusterArgs,
    args: &LogsArgs,
    id: EntityId,
) -> Result<Outcome, KubectlError> {
    let failed = remote::failed(client);
    if args.delete_all {
        client
            .delete_endpoint_logs(Lane::UserChange, id)
            .await
            .map_err(failed)?;
        print::text(&format!(
            "{object}: the service deletes all log files, which may take it up to a day\n"
        ))?;
        return Ok(Outcome::Well);
    }
    for log in &args.delete {
        client
            .delete_endpoint_log(Lane::UserChange, id, log)
            .await
            .map_err(&failed)?;
        print::text(&format!("{object}: deleted log file {log}\n"))?;
    }
    if !args.delete.is_empty() {
        return Ok(Outcome::Well);
    }
    let listed = client.list_endpoint_logs(Lane::UserChange, id).await.map_err(&failed)?;
    if let Some(folder) = &args.fetch {
        return fetch_all(&listed.values, folder, args).await;
    }
    let logs: Vec<Log> = listed.values.iter().map(Log::of).collect();
    let now = cluster.now(args.now).await?;
    let names = || logs.iter().map(|log| format!("{}\n", log.id)).collect();
    print::document(args.output, &Document { logs: &logs }, names, |_| {
        text(&logs, now, Colours::of_stdout())
    })?;
    Ok(Outcome::Well)
}

async fn fetch_all(files: &[File], folder: &Path, args: &LogsArgs) -> Result<Outcome, KubectlError> {
    let (mut fetched, mut left) = (0, 0);
    for (number, file) in files.iter().enumerate() {
        let target = fetch::place(folder, &file.name)?;
        let size = fs::metadata(&target)
            .ok()
            .and_then(|known| i64::try_from(known.len()).ok());
        if size.is_some() && size == file.size {
            left += 1;
            continue;
        }
        let Some(url) = &file.content_url else {
            return Err(KubectlError::Fetch {
                file: file.name.to_string(),
                why: "the service names no place of it".to_owned(),
            });
        };
        let title = format!("{}/{} {}", number + 1, files.len(), file.name);
        fetch::fetch(url, &file.name, &target, &title, args.remote.allow_http).await?;
        fetched += 1;
    }
    print::text(&told(fetched, left, folder))?;
    Ok(Outcome::Well)
}

/// What is told in the end.
pub fn told(fetched: usize, left: usize, folder: &Path) -> String {
    let files = if fetched == 1 {
        "1 log file".to_owned()
    } else {
        format!("{fetched} log files")
    };
    let left = match left {
        0 => String::new(),
        1 => "; 1 was there already".to_owned(),
        left => format!("; {left} were there already"),
    };
    format!("{files} fetched into {}{left}\n", folder.display())
}

impl Log {
    fn of(file: &File) -> Self {
        Self {
            id: file.id.to_string(),
            name: file.name.to_string(),
            created_at: file.created_at,
            deleted_at: file.created_at.and_then(|at| at.checked_add(KEPT).ok()),
            size: file.size,
        }
    }
}

fn text(logs: &[Log], now: Timestamp, colours: Colours) -> String {
    if logs.is_empty() {
        return format!("No log files. Logging may be off (spec.loggingEnabled), or the files were deleted.\n{RULE}\n");
    }
    let date = |at: Option<Timestamp>| {
        at.map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
            .unwrap_or_default()
    };
    let line = |log: &Log| {
        let left = log.deleted_at.map(|at| calendar::until(now, at)).unwrap_or_default();
        let soon = log.deleted_at.is_some_and(|at| at.duration_since(now) < SOON);
        vec![
            Cell::plain(&log.id),
            Cell::plain(date(log.created_at)),
            Cell::plain(log.size.map(|size| size.to_string()).unwrap_or_default()),
            Cell::of(left, if soon { Paint::Yellow } else { Paint::Plain }),
        ]
    };
    let lines: Vec<Vec<Cell>> = logs.iter().map(line).collect();
    let mut text = table(&["ID", "RECORDED (UTC)", "BYTES", "DELETED IN"], &lines, colours);
    text.push_str(&format!("\n{RULE}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_tells_when_the_service_deletes_it() {
        let log = |id: &str, created: &str| {
            Log::of(&File {
                id: id.into(),
                name: format!("{id}.wav").into(),
                kind: "Audio".into(),
                created_at: Some(created.parse().unwrap()),
                size: Some(64_000),
                content_url: None,
            })
        };
        let logs = [
            log("2026-03-01_a", "2026-03-01T10:00:00Z"),
            log("2026-02-02_b", "2026-02-02T10:00:00Z"),
        ];
        let now = "2026-03-02T10:00:00Z".parse().unwrap();
        let listed = text(&logs, now, Colours(false));
        insta::assert_snapshot!(listed);
        assert!(crate::DOCUMENT.contains(&listed));
        assert!(text(&logs, now, Colours(true)).contains("\u{1b}[33m2d"));
        assert!(text(&[], now, Colours(false)).contains("30 days"));
    }
}
