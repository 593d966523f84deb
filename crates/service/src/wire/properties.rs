//! `customProperties`: strings of the customer's, among them our mark.
use crate::entity::{Entries, OwnerTag};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use std::fmt;

pub(super) const UID: &str = "customspeech.dev/uid";
pub(super) const OBJECT: &str = "customspeech.dev/object";
pub(super) const CLUSTER: &str = "customspeech.dev/cluster";
pub(super) const ATTEMPT: &str = "customspeech.dev/attempt";
pub(super) const REVISION: &str = "customspeech.dev/revision";
pub(super) const INPUTS: &str = "customspeech.dev/inputs";

type Entry = (Box<str>, Box<str>);

/// Our mark, if it is whole, and all the rest.
#[derive(Default)]
pub(crate) struct Properties {
    pub owner: Option<OwnerTag>,
    pub foreign: Entries,
}

impl Properties {
    /// Takes our mark out of the entries; a mark that lacks something stays where it is and is nobody's.
    fn from_entries(mut entries: Vec<Entry>) -> Self {
        let owner = owner(&entries);
        if let Some(owner) = &owner {
            entries.retain(|(key, _)| !belongs_to(owner, key));
        }
        Self {
            owner,
            foreign: entries.into_boxed_slice(),
        }
    }
}

fn owner(entries: &[Entry]) -> Option<OwnerTag> {
    let get = |name: &str| {
        entries
            .iter()
            .find(|(key, _)| **key == *name)
            .map(|(_, value)| &**value)
    };
    Some(OwnerTag {
        uid: get(UID)?.to_owned(),
        object: get(OBJECT)?.to_owned(),
        cluster: get(CLUSTER)?.to_owned(),
        attempt: get(ATTEMPT)?.parse().ok()?,
        revision: get(REVISION).and_then(|text| text.parse().ok()),
        inputs: get(INPUTS).map(str::to_owned),
    })
}

/// An entry that the mark does not repeat, such as an unreadable revision, must not get lost.
fn belongs_to(owner: &OwnerTag, key: &str) -> bool {
    match key {
        UID | OBJECT | CLUSTER | ATTEMPT => true,
        REVISION => owner.revision.is_some(),
        INPUTS => owner.inputs.is_some(),
        _ => false,
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Properties;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            /// Values were not always strings; what is none is kept as its JSON text, which is what can be sent back.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<Box<str>>()? {
                    let value: Value = map.next_value()?;
                    match value {
                        Value::Null => {}
                        Value::String(text) => entries.push((key, text.into_boxed_str())),
                        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                            entries.push((key, value.to_string().into_boxed_str()));
                        }
                    }
                }
                Ok(Properties::from_entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Properties {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_whole_mark_is_taken_out_and_the_rest_stays() {
        let read = read(
            r#"{"team": "claims", "customspeech.dev/uid": "u", "customspeech.dev/object": "ns/a", "customspeech.dev/cluster": "c",
                "customspeech.dev/attempt": "2", "customspeech.dev/revision": "7", "customspeech.dev/inputs": "f00d",
                "customspeech.dev/later": "x"}"#,
        );
        let owner = read.owner.unwrap();
        assert_eq!(
            (owner.uid.as_str(), owner.object.as_str(), owner.cluster.as_str()),
            ("u", "ns/a", "c")
        );
        assert_eq!(
            (owner.attempt, owner.revision, owner.inputs.as_deref()),
            (2, Some(7), Some("f00d"))
        );
        let keys: Vec<_> = read.foreign.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["team", "customspeech.dev/later"]);
    }

    #[test]
    fn a_mark_that_lacks_something_is_no_mark() {
        for json in [
            r#"{"customspeech.dev/object": "ns/a", "customspeech.dev/cluster": "c", "customspeech.dev/attempt": "1"}"#,
            r#"{"customspeech.dev/uid": "u", "customspeech.dev/cluster": "c", "customspeech.dev/attempt": "1"}"#,
            r#"{"customspeech.dev/uid": "u", "customspeech.dev/object": "ns/a", "customspeech.dev/attempt": "1"}"#,
            r#"{"customspeech.dev/uid": "u", "customspeech.dev/object": "ns/a", "customspeech.dev/cluster": "c"}"#,
        ] {
            let read = read(json);
            assert_eq!(read.owner, None, "{json}");
            assert_eq!(read.foreign.len(), 3, "{json}");
        }
        let read = read(
            r#"{"customspeech.dev/uid": "u", "customspeech.dev/object": "ns/a", "customspeech.dev/cluster": "c", "customspeech.dev/attempt": "one"}"#,
        );
        assert!(read.owner.is_none() && read.foreign.len() == 4);
    }

    #[test]
    fn values_that_are_no_strings_are_kept_as_text() {
        let read = read(r#"{"retries": 3, "gone": null, "on": true}"#);
        assert_eq!(
            *read.foreign,
            [("retries".into(), "3".into()), ("on".into(), "true".into())]
        );
    }
}
