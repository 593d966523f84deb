//! What is measured of one model.
use super::planned::{Exposed, Facts, seconds};
use crate::metrics::series::Row;
use jiff::Timestamp;
use speech_api::SpeechModel;
use speech_plan::lead_time::Work;
use std::collections::BTreeMap;

impl Exposed for SpeechModel {
    const CHAIN: &'static [Work] = &[Work::Training, Work::Deploying];

    fn expires(&self) -> Option<Timestamp> {
        self.status.as_ref()?.current.as_ref()?.expires_at
    }

    fn info(&self) -> [&str; 3] {
        let source = match &self.spec.source {
            source if source.training.is_some() => "training",
            source if source.base.is_some() => "base",
            source if source.copy.is_some() => "copy",
            _ => "existing",
        };
        [&self.spec.connection_ref.name, &self.spec.locale, source]
    }
}

impl Facts<'_, SpeechModel> {
    /// When each revision that is kept expires.
    pub fn revisions(&self) -> Vec<Row> {
        let Some(status) = &self.object.status else {
            return Vec::new();
        };
        let past = status.history.iter();
        let past = past.map(|past| (Some(past.revision), past.expires_at));
        let current = status.current.iter();
        let current = current.map(|current| (current.revision, current.expires_at));
        let dated = |(revision, expires): (Option<i32>, Option<Timestamp>)| revision.zip(expires);
        let dates: BTreeMap<i32, Timestamp> = past.chain(current).filter_map(dated).collect();
        let row = |(revision, at): (i32, Timestamp)| self.planned.row(Some(&revision.to_string()), seconds(at));
        dates.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_revision_with_a_date_is_told_once() {
        let object: SpeechModel = serde_json::from_value(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechModel",
            "metadata": {"name": "claims", "namespace": "shop"},
            "spec": {"connectionRef": {"name": "west"}, "locale": "en-US", "source": {"training": {"datasets": ["d"]}}},
            "status": {
                "current": {"revision": 3, "id": "00000000-0000-0000-0000-000000000001", "self": "s", "name": "claims", "createdAt": "2026-01-15T00:00:00Z", "expiresAt": "1970-01-01T00:00:30Z"},
                "history": [
                    {"revision": 3, "id": "00000000-0000-0000-0000-000000000001", "state": "Succeeded", "expiresAt": "1970-01-01T00:00:29Z"},
                    {"revision": 2, "id": "00000000-0000-0000-0000-000000000002", "state": "Succeeded", "expiresAt": "1970-01-01T00:00:20Z"},
                    {"revision": 1, "id": "00000000-0000-0000-0000-000000000003", "state": "Succeeded"},
                ],
            },
        }))
        .unwrap();
        let facts = Facts::of(&object, Timestamp::UNIX_EPOCH, None);
        let told: Vec<_> = facts
            .revisions()
            .into_iter()
            .map(|(labels, value)| (labels[2].clone(), value))
            .collect();
        assert_eq!(told, [("2".to_owned(), 20.0), ("3".to_owned(), 30.0)]);
        assert_eq!(facts.info().0[2..], ["west", "en-US", "training"]);
    }
}
