//! The API server's audit log: who wrote what, and how often.
use super::error::HarnessError;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

/// Logs every write once, when it is answered, and no reads; what is written to the statuses of our kinds is logged whole.
pub(super) const WHOLE: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Request
  verbs: [update, patch]
  resources: [{group: customspeech.dev, resources: ["*/status"]}]
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
"#;

/// The same without what was written: the log costs the API server the same for every operator.
pub(super) const COUNTED: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
"#;

/// One write that the API server has answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditEntry {
    /// The user, `system:serviceaccount:<namespace>:<name>` for service accounts.
    pub user: String,
    /// The verb: create, update, patch, delete or deletecollection.
    pub verb: String,
    /// The resource's plural name; empty for what is none, such as a URL path.
    pub resource: String,
    /// The subresource, such as `status`; empty for the object itself.
    pub subresource: String,
    /// The namespace; empty for cluster-wide resources.
    pub namespace: String,
    /// The object's name; empty when the server chose it.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// When the request arrived.
    pub time: jiff::Timestamp,
    /// What the writer calls itself; operators name their pod in it.
    pub agent: String,
    /// What was sent, for statuses of our kinds; null for all else.
    pub body: serde_json::Value,
}

/// The fields of an `audit.k8s.io/v1` Event that are used here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    user: User,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
    request_received_timestamp: jiff::Timestamp,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    request_object: serde_json::Value,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResponseStatus {
    code: u16,
}

/// Reads the log; a line that is still being written is left out.
pub(super) fn read(path: &Path) -> Result<Vec<AuditEntry>, HarnessError> {
    let text = std::fs::read_to_string(path).map_err(HarnessError::file(path))?;
    let complete = text.rfind('\n').and_then(|last| text.get(..last)).unwrap_or_default();
    complete.lines().map(parse).collect()
}

/// Reads the log from a place on, in bytes; returns the place behind its last complete line too.
pub(super) fn read_after(path: &Path, start: u64) -> Result<(Vec<AuditEntry>, u64), HarnessError> {
    let mut file = std::fs::File::open(path).map_err(HarnessError::file(path))?;
    let mut text = String::new();
    let read = file
        .seek(SeekFrom::Start(start))
        .and_then(|_| file.read_to_string(&mut text));
    read.map_err(HarnessError::file(path))?;
    let complete = text.rfind('\n').and_then(|last| text.get(..=last)).unwrap_or_default();
    let entries: Result<Vec<_>, _> = complete.lines().map(parse).collect();
    Ok((entries?, start + complete.len() as u64))
}

fn parse(line: &str) -> Result<AuditEntry, HarnessError> {
    let event: Event = serde_json::from_str(line).map_err(|error| HarnessError::NotUnderstood {
        what: format!("a line of the audit log ({error})"),
        got: line.to_owned(),
    })?;
    Ok(AuditEntry {
        user: event.user.username,
        verb: event.verb,
        resource: event.object_ref.resource,
        subresource: event.object_ref.subresource,
        namespace: event.object_ref.namespace,
        name: event.object_ref.name,
        code: event.response_status.code,
        time: event.request_received_timestamp,
        agent: event.user_agent,
        body: event.request_object,
    })
}

/// Counts entries by user, verb and `resource` or `resource/subresource`.
pub fn count_writes(entries: &[AuditEntry]) -> BTreeMap<(String, String, String), usize> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        let resource = match entry.subresource.as_str() {
            "" => entry.resource.clone(),
            subresource => format!("{}/{subresource}", entry.resource),
        };
        *counts
            .entry((entry.user.clone(), entry.verb.clone(), resource))
            .or_default() += 1;
    }
    counts
}
