//! What requests have to be judged for afterwards: who had what made, how often, and what was deleted.
use super::mark;
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use speech_plan::creation::{MOST_PER_DAY, MOST_PER_HOUR, MOST_PER_MINUTE};
use std::collections::{BTreeMap, BTreeSet};
use tokio_util::bytes::Bytes;
use uuid::Uuid;

/// The bounds: so many orders of one kind for one object in so long a time.
const BOUNDS: [(SignedDuration, usize); 3] = [
    (SignedDuration::from_mins(1), MOST_PER_MINUTE),
    (SignedDuration::from_hours(1), MOST_PER_HOUR),
    (SignedDuration::from_hours(24), MOST_PER_DAY),
];

/// What is remembered of requests.
#[derive(Debug, Default)]
pub struct RequestLog {
    /// When each object had something made, by the path and its uid.
    orders: BTreeMap<(String, String), Vec<Timestamp>>,
    /// What was deleted, with the uid in its mark; taken by whoever judges.
    deleted: Vec<(Uuid, String)>,
    /// Endpoints, by id, and objects, by uid, whose work the service refused for days or did not end.
    hampered: BTreeSet<String>,
}

impl RequestLog {
    /// Takes note of an order that reached the service.
    pub fn ordered(&mut self, request: &Request<Bytes>, now: Timestamp) {
        if request.method() != Method::POST {
            return;
        }
        if let Some(uid) = uid_in(request) {
            let path = request.uri().path().to_owned();
            self.orders.entry((path, uid)).or_default().push(now);
        }
    }

    /// The service does not do what an object needs of it, for long.
    pub fn hampered(&mut self, request: &Request<Bytes>) {
        let last = request.uri().path().rsplit('/').next().unwrap_or_default();
        self.hampered.insert(last.to_owned());
        self.hampered.extend(uid_in(request));
    }

    /// Whether the service did not do what this endpoint, by its id, or this object, by its uid, needed.
    pub fn is_hampered(&self, what: &str) -> bool {
        self.hampered.contains(what)
    }

    /// Takes note of a deletion.
    pub fn deleted(&mut self, id: Uuid, owner: String) {
        self.deleted.push((id, owner));
    }

    /// What was deleted since the last question, with the uid of who had it made.
    pub fn take_deleted(&mut self) -> Vec<(Uuid, String)> {
        std::mem::take(&mut self.deleted)
    }

    /// The spec of an object was changed: that is a new declaration.
    pub fn begins_anew(&mut self, uid: &str) {
        self.orders.retain(|(_, owner), _| owner != uid);
    }

    /// Objects, by uid, that had more made than they may, and how.
    pub fn beyond_bounds(&self) -> Vec<(String, String)> {
        let beyond = self.orders.iter().filter_map(|((path, uid), times)| {
            let (span, most) = BOUNDS.iter().find(|(span, most)| {
                times.windows(most + 1).any(|window| match window {
                    [first, .., last] => last.duration_since(*first) < *span,
                    _ => false,
                })
            })?;
            Some((
                uid.clone(),
                format!("more than {most} orders of {path} within {span:#}"),
            ))
        });
        beyond.collect()
    }
}

/// The uid in the mark of what a request asks for.
fn uid_in(request: &Request<Bytes>) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(request.body()).ok()?;
    let uid = body.get("customProperties")?.get(mark::UID)?;
    uid.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(uid: &str) -> Request<Bytes> {
        let body = format!(r#"{{"customProperties":{{"{}":"{uid}"}}}}"#, mark::UID);
        Request::post("/west/speechtotext/models")
            .body(Bytes::from(body))
            .unwrap()
    }

    #[test]
    fn a_third_order_within_a_minute_is_noticed_unless_the_spec_was_changed() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut request_log = RequestLog::default();
        request_log.ordered(&order("a"), at(0));
        request_log.ordered(&order("a"), at(10));
        request_log.ordered(&order("b"), at(20));
        request_log.ordered(&order("a"), at(61));
        assert_eq!(request_log.beyond_bounds(), []);
        request_log.ordered(&order("a"), at(62));
        assert_eq!(request_log.beyond_bounds().len(), 1);
        request_log.begins_anew("a");
        assert_eq!(request_log.beyond_bounds(), []);
    }
}
