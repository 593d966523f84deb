//! What is sent. Absent members are not written at all.
use super::properties::{ATTEMPT, CLUSTER, INPUTS, OBJECT, REVISION, UID};
use crate::entity::OwnerTag;
use serde::{Serialize, Serializer};
use std::{borrow::Cow, collections::BTreeMap};

/// The service's bounds of `customProperties`: entries, characters of a key, characters of a value.
const ENTRIES: usize = 10;
const KEY_LENGTH: usize = 64;
const VALUE_LENGTH: usize = 256;

/// A body of any create or update.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_model: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasets: Option<Vec<Reference>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model1: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model2: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_resource_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<PayloadProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_properties: Option<BTreeMap<&'a str, Cow<'a, str>>>,
}

/// The writable members of `properties`. Logging is written under one name on create and under another on update.
#[derive(Serialize)]
pub(crate) enum PayloadProperties {
    #[serde(rename = "loggingEnabled")]
    LoggingEnabled(bool),
    #[serde(rename = "contentLoggingEnabled")]
    ContentLoggingEnabled(bool),
    #[serde(rename = "customModelWeightPercent")]
    CustomModelWeightPercent(i32),
}

/// `{"self": uri}`
pub(crate) struct Reference(pub String);

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("self", &self.0)])
    }
}

/// Our mark beside the entries that stay; refuses what the service would refuse or cut.
pub(crate) fn custom_properties<'a>(
    owner: &'a OwnerTag,
    foreign: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<BTreeMap<&'a str, Cow<'a, str>>, String> {
    let mut entries: BTreeMap<_, _> = foreign
        .into_iter()
        .map(|(key, value)| (key, Cow::Borrowed(value)))
        .collect();
    entries.insert(UID, Cow::Borrowed(&*owner.uid));
    entries.insert(OBJECT, Cow::Borrowed(&*owner.object));
    entries.insert(CLUSTER, Cow::Borrowed(&*owner.cluster));
    entries.insert(ATTEMPT, Cow::Owned(owner.attempt.to_string()));
    if let Some(revision) = owner.revision {
        entries.insert(REVISION, Cow::Owned(revision.to_string()));
    }
    if let Some(inputs) = &owner.inputs {
        entries.insert(INPUTS, Cow::Borrowed(&**inputs));
    }
    if entries.len() > ENTRIES {
        return Err(format!(
            "customProperties would have {} entries, and {ENTRIES} are allowed",
            entries.len()
        ));
    }
    for (key, value) in &entries {
        if key.chars().count() > KEY_LENGTH || value.chars().count() > VALUE_LENGTH {
            return Err(format!(
                "customProperties[{key:?}] is too long ({KEY_LENGTH} and {VALUE_LENGTH} characters)"
            ));
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> OwnerTag {
        OwnerTag {
            uid: "u".into(),
            object: "ns/a".into(),
            cluster: "c".into(),
            attempt: 3,
            revision: Some(2),
            inputs: Some("f00d".into()),
        }
    }

    #[test]
    fn all_values_are_strings_and_foreign_entries_stay() {
        let owner = owner();
        let written = serde_json::to_value(custom_properties(&owner, [("team", "claims")]).unwrap()).unwrap();
        assert_eq!(
            written,
            serde_json::json!({
                "team": "claims", "customspeech.dev/uid": "u", "customspeech.dev/object": "ns/a", "customspeech.dev/cluster": "c",
                "customspeech.dev/attempt": "3", "customspeech.dev/revision": "2", "customspeech.dev/inputs": "f00d"
            })
        );
    }

    #[test]
    fn more_than_the_service_takes_is_refused_here() {
        let owner = owner();
        let five = ["a", "b", "c", "d", "e"].map(|key| (key, ""));
        assert!(custom_properties(&owner, five).unwrap_err().contains("11 entries"));
        assert!(custom_properties(&owner, five[..4].iter().copied()).is_ok());
        let long = OwnerTag {
            object: "x".repeat(257),
            ..owner
        };
        assert!(
            custom_properties(&long, [])
                .unwrap_err()
                .contains("customspeech.dev/object")
        );
    }
}
