//! What is measured of one endpoint.
use super::planned::{Exposed, Facts, seconds};
use crate::metrics::series::Row;
use jiff::Timestamp;
use speech_api::{
    SpeechEndpoint, condition,
    endpoint::{ActiveModel, Fallback},
    swap::SwapPolicy,
};
use speech_plan::lead_time::Work;
use std::{collections::BTreeMap, time::Duration};

impl Exposed for SpeechEndpoint {
    const CHAIN: &'static [Work] = &[Work::Deploying];

    fn expires(&self) -> Option<Timestamp> {
        self.status.as_ref()?.active.as_ref()?.expires_at
    }

    fn info(&self) -> [&str; 3] {
        let policy = match self.spec.swap.policy {
            SwapPolicy::OnNewModel => "OnNewModel",
            SwapPolicy::BeforeExpiry => "BeforeExpiry",
            SwapPolicy::Manual => "Manual",
        };
        [&self.spec.connection_ref.name, &self.spec.locale, policy]
    }
}

impl Facts<'_, SpeechEndpoint> {
    fn active(&self) -> Option<&ActiveModel> {
        self.object.status.as_ref()?.active.as_ref()
    }

    fn fallback(&self) -> Option<&Fallback> {
        self.object.status.as_ref()?.fallback.as_ref()
    }

    /// Whether the intended model answers.
    pub fn intended(&self) -> Option<Row> {
        let active = self.active()?;
        // What does not exist any more serves nothing, whatever its model's date.
        let stated = condition::find(self.planned.conditions, condition::MODEL_VALID);
        let valid = self.planned.expiry? > self.planned.now && stated.is_none_or(|stated| stated.status != "False");
        let intended = valid && !active.interim && self.since().is_none();
        Some(self.planned.row(None, f64::from(u8::from(intended))))
    }

    fn since(&self) -> Option<Timestamp> {
        self.fallback()?.since
    }

    /// Since when a base model has answered in place of the active one.
    pub fn fallback_since(&self) -> Option<Row> {
        Some(self.planned.row(None, seconds(self.since()?)))
    }

    /// How long a base model has answered: the times that are over, and the one that runs now.
    pub fn fallback_seconds(&self) -> Option<Row> {
        let fallback = self.fallback()?;
        let running = self.since();
        let running = running.map_or(0, |since| self.planned.now.duration_since(since).as_secs().max(0));
        let all = u64::try_from(fallback.seconds.saturating_add(running)).unwrap_or(0);
        Some(self.planned.row(None, Duration::from_secs(all).as_secs_f64()))
    }

    /// The verdict on the last candidate.
    pub fn gate(&self) -> Option<Row> {
        let gate = self.object.status.as_ref()?.gate.as_ref()?;
        Some(self.planned.row(Some(gate.verdict.as_str()), 1.0))
    }

    /// How many models are in quarantine, by reason.
    pub fn quarantined(&self) -> Vec<Row> {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for entry in self.object.status.iter().flat_map(|status| &status.quarantine) {
            *counts.entry(&entry.reason).or_default() += 1;
        }
        let row = |(reason, count)| self.planned.row(Some(reason), f64::from(count));
        counts.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use speech_plan::lead_time::Durations;

    fn endpoint(status: Value) -> SpeechEndpoint {
        serde_json::from_value(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
            "metadata": {"name": "hotline", "namespace": "shop"},
            "spec": {"connectionRef": {"name": "west"}, "locale": "en-US", "model": {"base": {}}}, "status": status,
        }))
        .unwrap()
    }

    /// The labels behind namespace and name, and the value.
    fn told(row: Option<Row>) -> Option<(Vec<String>, f64)> {
        row.map(|(labels, value)| (labels.get(2..).unwrap().to_vec(), value))
    }

    fn word(word: &str, value: f64) -> Option<(Vec<String>, f64)> {
        Some((vec![word.to_owned()], value))
    }

    fn now() -> Timestamp {
        "2027-01-15T00:10:00Z".parse().unwrap()
    }

    fn conditions(kind: &str, status: &str, reason: &str) -> Value {
        json!([{"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": "2026-12-16T00:00:00Z"}])
    }

    fn active(expiry: &str) -> Value {
        json!({"model": "00000000-0000-0000-0000-000000000001", "name": "claims", "since": "2026-01-15T00:00:00Z", "expiresAt": expiry})
    }

    #[test]
    fn a_step_that_is_due_and_blocked_a_risk_and_a_fallback_are_told() {
        let object = endpoint(json!({
            "active": active("2027-01-15T00:00:00Z"),
            "plan": [
                {"action": "Swap", "at": "2027-01-15T00:00:00Z", "reason": "Expired", "blockedBy": ["approval"]},
                {"action": "Expire", "at": "2028-01-15T00:00:00Z", "reason": "NoSuccessor"},
            ],
            "conditions": conditions("AtRisk", "True", "ApprovalAwaited"),
            "fallback": {"since": "2027-01-15T00:00:00Z", "seconds": 42},
        }));
        let durations = Durations::default();
        let facts = Facts::of(&object, now(), Some(&durations));
        assert_eq!(facts.planned.steps().len(), 2);
        assert_eq!(told(facts.planned.overdue()), word("Swap", 600.0));
        assert_eq!(told(facts.planned.blocked()), word("ApprovalAwaited", 1.0));
        assert_eq!(told(facts.planned.at_risk()), word("ApprovalAwaited", 1.0));
        // Ten minutes after the expiry, and a deployment is given an hour.
        assert_eq!(told(facts.planned.budget()), Some((vec![], -4200.0)));
        assert_eq!(told(facts.fallback_seconds()), Some((vec![], 642.0)));
        assert_eq!(told(facts.intended()), Some((vec![], 0.0)));
    }

    #[test]
    fn what_is_not_known_or_not_true_has_no_series() {
        let plan = json!([{"action": "Swap", "at": "soon", "reason": "Expired"}]);
        for status in [
            json!({}),
            json!({"plan": plan, "conditions": conditions("AtRisk", "False", "ApprovalAwaited")}),
            json!({"active": {"model": "00000000-0000-0000-0000-000000000001", "name": "claims", "since": "2026-01-15T00:00:00Z"}}),
        ] {
            let object = endpoint(status.clone());
            let facts = Facts::of(&object, now(), None);
            let planned = &facts.planned;
            let rows = [
                planned.next(),
                planned.overdue(),
                planned.blocked(),
                planned.budget(),
                planned.at_risk(),
                planned.ready(),
                planned.expires(),
                facts.intended(),
                facts.fallback_since(),
                facts.fallback_seconds(),
                facts.gate(),
            ];
            assert!(rows.iter().all(Option::is_none), "{status}: {rows:?}");
            assert!(planned.steps().is_empty() && facts.quarantined().is_empty());
        }
    }

    #[test]
    fn a_swap_that_runs_is_overdue_beyond_its_time_and_an_expiry_is_no_step() {
        // A deployment is given an hour.
        let durations = Durations::default();
        for (action, reason, at, expected) in [
            ("Swap", "Deploying", "2027-01-14T23:11:00Z", None),
            ("Swap", "Deploying", "2027-01-14T23:00:00Z", word("Swap", 600.0)),
            ("Expire", "NoSuccessor", "2027-01-14T00:00:00Z", None),
            ("Evaluate", "Gate", "2027-01-14T00:00:00Z", None),
        ] {
            let object = endpoint(json!({"plan": [{"action": action, "at": at, "reason": reason}]}));
            let facts = Facts::of(&object, now(), Some(&durations));
            assert_eq!(told(facts.planned.overdue()), expected, "{action} {at}");
        }
    }

    #[test]
    fn seconds_of_fallback_stay_when_it_is_over_and_never_fall() {
        for (fallback, seconds) in [
            (json!({"seconds": 42}), 42.0),
            (json!({"since": "2027-01-15T00:11:00Z", "seconds": 7}), 7.0),
        ] {
            let object = endpoint(json!({"fallback": fallback}));
            let facts = Facts::of(&object, now(), None);
            assert_eq!(told(facts.fallback_seconds()), Some((vec![], seconds)));
        }
    }

    #[test]
    fn a_stand_in_is_not_the_intended_model() {
        for (interim, value) in [(false, 1.0), (true, 0.0)] {
            let mut active = active("2027-06-15T00:00:00Z");
            active["interim"] = json!(interim);
            let object = endpoint(json!({"active": active}));
            assert_eq!(told(Facts::of(&object, now(), None).intended()), Some((vec![], value)));
        }
    }
}
