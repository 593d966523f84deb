//! What came to an end between two statuses of an object.
use speech_api::{Reason, SpeechEndpointStatus, SpeechModelStatus, swap::GateVerdict};

/// Something that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A swap, and whether the endpoint serves the other model now.
    Swap(bool),
    /// A training, and whether it led to a revision.
    Training(bool),
    /// The judgement of a candidate.
    Gate(GateVerdict),
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Sent,
    /// The receiver was told the same of the object a moment ago.
    Duplicate,
    /// The receiver does not want it, or is none.
    Refused,
    /// No attempt was answered, or only with a report of trouble.
    Failed,
    /// Too many waited.
    Dropped,
}

impl Delivery {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sent, Self::Duplicate, Self::Refused, Self::Failed, Self::Dropped];

    /// The word in the metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "Sent",
            Self::Duplicate => "Duplicate",
            Self::Refused => "Refused",
            Self::Failed => "Failed",
            Self::Dropped => "Dropped",
        }
    }
}

pub fn of_endpoint(before: Option<&SpeechEndpointStatus>, after: &SpeechEndpointStatus) -> Vec<Ended> {
    let Some(before) = before else { return Vec::new() };
    let mut ended = Vec::new();
    let failed = |status: &SpeechEndpointStatus| {
        let reason = Reason::DeploymentFailed.as_str();
        status.quarantine.iter().filter(|entry| entry.reason == reason).count()
    };
    if failed(after) > failed(before) {
        ended.push(Ended::Swap(false));
    } else if let (Some(old), Some(new)) = (&before.active, &after.active)
        && old.model != new.model
    {
        ended.push(Ended::Swap(true));
    }
    if let Some(gate) = after.gate.as_ref().filter(|gate| gate.verdict != GateVerdict::Pending)
        && before
            .gate
            .as_ref()
            .is_none_or(|old| (old.verdict, &old.at) != (gate.verdict, &gate.at))
    {
        ended.push(Ended::Gate(gate.verdict));
    }
    ended
}

pub fn of_model(before: Option<&SpeechModelStatus>, after: &SpeechModelStatus) -> Vec<Ended> {
    let Some(candidate) = before.and_then(|before| before.candidate.as_ref()) else {
        return Vec::new();
    };
    let is_current = after.current.as_ref().is_some_and(|current| current.id == candidate.id);
    let now = after.candidate.as_ref().filter(|now| now.id == candidate.id);
    let failed = now.is_some_and(|now| now.state == "Failed" && candidate.state != "Failed");
    if is_current && now.is_none() {
        vec![Ended::Training(true)]
    } else if failed {
        vec![Ended::Training(false)]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn endpoint(status: Value) -> SpeechEndpointStatus {
        serde_json::from_value(status).unwrap()
    }

    const OLD: &str = "00000000-0000-0000-0000-000000000001";
    const NEW: &str = "00000000-0000-0000-0000-000000000002";
    const AT: &str = "2026-01-15T00:00:00Z";

    fn active(model: &str) -> Value {
        json!({"model": model, "name": model, "since": AT})
    }

    #[test]
    fn a_swap_ends_when_another_model_serves_or_one_more_failed() {
        let (old, new) = (
            endpoint(json!({"active": active(OLD)})),
            endpoint(json!({"active": active(NEW)})),
        );
        assert_eq!(of_endpoint(Some(&old), &new), [Ended::Swap(true)]);
        assert_eq!(of_endpoint(Some(&old), &old), []);
        assert_eq!(of_endpoint(None, &new), []);
        assert_eq!(
            of_endpoint(Some(&endpoint(json!({}))), &new),
            [],
            "the first deployment is no swap"
        );
        let entry = json!({"model": NEW, "name": "b", "reason": "DeploymentFailed", "message": "", "at": AT});
        let undone = endpoint(json!({"active": active(OLD), "quarantine": [entry]}));
        assert_eq!(of_endpoint(Some(&new), &undone), [Ended::Swap(false)]);
        assert_eq!(of_endpoint(Some(&undone), &undone), []);
    }

    #[test]
    fn a_verdict_counts_once_and_not_while_it_is_open() {
        let gate = |verdict: &str, at: &str| {
            endpoint(json!({"gate": {"candidate": NEW, "active": OLD, "dataset": OLD, "verdict": verdict, "at": at}}))
        };
        let (open, failed) = (
            gate("Pending", "2026-01-15T00:00:00Z"),
            gate("Fail", "2026-01-16T00:00:00Z"),
        );
        assert_eq!(of_endpoint(Some(&open), &failed), [Ended::Gate(GateVerdict::Fail)]);
        assert_eq!(of_endpoint(Some(&failed), &failed), []);
        assert_eq!(of_endpoint(Some(&failed), &open), []);
        assert_eq!(
            of_endpoint(Some(&failed), &gate("Fail", "2026-01-17T00:00:00Z")),
            [Ended::Gate(GateVerdict::Fail)]
        );
    }

    #[test]
    fn a_training_ends_when_its_revision_is_current_or_failed() {
        let candidate = |state: &str| json!({"revision": 2, "id": NEW, "state": state, "startedAt": AT});
        let model = |status: Value| serde_json::from_value::<SpeechModelStatus>(status).unwrap();
        let running = model(json!({"candidate": candidate("Running")}));
        let current = json!({"id": NEW, "self": "s", "name": "n", "createdAt": AT});
        assert_eq!(
            of_model(Some(&running), &model(json!({"current": current}))),
            [Ended::Training(true)]
        );
        let failed = model(json!({"candidate": candidate("Failed")}));
        assert_eq!(of_model(Some(&running), &failed), [Ended::Training(false)]);
        assert_eq!(of_model(Some(&failed), &failed), []);
        assert_eq!(of_model(None, &failed), []);
    }
}
