//! The journal: every request to a Speech resource, in the order of its end.
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::time::Instant;
use uuid::Uuid;

/// Most entries kept; older ones are dropped.
const CAPACITY: usize = 200_000;

/// One request.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Rises by one with each entry, also after a clear.
    pub seq: u64,
    /// Real time of arrival, before any delay of a fault.
    #[serde(serialize_with = "microseconds")]
    pub at: Timestamp,
    /// The clock's time at the end.
    pub clock: Timestamp,
    /// Name of the Speech resource; of requests for a token, the id of the client.
    pub resource: String,
    /// HTTP method.
    pub method: String,
    /// Path as called.
    pub path: String,
    /// Query as called.
    pub query: String,
    /// The operationId; `Recognize`, `Storage`, `Entra_Token` and `Imds_Token` for what has none; None = no operation.
    pub operation: Option<&'static str>,
    /// Status of the answer, also of a lost one.
    pub status: u16,
    /// The JSON that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<Value>,
    /// What a fault did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Value>,
    /// Which key was sent; never the key.
    pub key_used: Option<u8>,
    /// By which the key that was sent is known again, accepted or not; never the key.
    pub key_digest: Option<String>,
    /// The application whose token was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Uuid>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// Real microseconds from arrival to the answer, or to the effect of a lost one.
    pub duration_micros: u64,
}

/// By which a key is known again, without saying anything of it.
pub fn digest(key: &str) -> String {
    let mut text = Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).simple().to_string();
    text.truncate(12);
    text
}

/// Real microseconds since a request arrived.
pub fn micros_since(arrival: Instant) -> u64 {
    u64::try_from(arrival.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn microseconds<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.6}"))
}

/// A bounded list of entries.
#[derive(Debug, Default)]
pub struct Journal {
    last: u64,
    entries: VecDeque<Entry>,
}

impl Journal {
    /// Adds an entry and gives it its number.
    pub fn record(&mut self, entry: Entry) {
        self.last += 1;
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            seq: self.last,
            ..entry
        });
    }

    /// Entries behind `after`, oldest first, at most `limit`.
    pub fn read(&self, resource: Option<&str>, after: u64, limit: usize) -> Value {
        let start = self.entries.partition_point(|entry| entry.seq <= after);
        let behind = self.entries.range(start..);
        let entries: Vec<&Entry> = behind
            .filter(|entry| resource.is_none_or(|name| entry.resource == name))
            .take(limit)
            .collect();
        json!({ "entries": entries, "last": self.last })
    }

    /// Forgets all entries; numbers go on.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
