//! How a status is read that another version, or a person, may have written: what cannot be read is absent, so that the
//! object itself can always be read. A planner finds again what is absent.
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};

/// A value, or something that is none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Read<T> {
    Value(T),
    Other(IgnoredAny),
}

impl<T> Read<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Other(IgnoredAny) => None,
        }
    }
}

/// Reads a field that may be absent.
pub(crate) fn option<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Read::deserialize(deserializer)?.value())
}

/// Reads a list without the elements that cannot be read.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let all = Vec::<Read<T>>::deserialize(deserializer)?;
    Ok(all.into_iter().filter_map(Read::value).collect())
}

/// Writes a field that the schema requires.
pub(crate) fn or_empty<S: Serializer, T: Serialize>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_str(""),
    }
}

#[cfg(test)]
mod tests {
    use crate::{SpeechEndpointStatus, model::CopyUnderWay};
    use serde_json::{Value, json};

    const NOW: &str = "2026-03-01T10:00:00Z";
    const MODEL: &str = "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11";

    /// A status in which all is well.
    fn status() -> Value {
        json!({
            "observedGeneration": 3,
            "id": MODEL,
            "formerIds": [MODEL, MODEL],
            "active": {"model": MODEL, "name": "claims", "expiresAt": "2027-01-15T00:00:00Z", "since": NOW},
            "quarantine": [
                {"model": MODEL, "name": "newer", "reason": "GateFailed", "message": "worse", "at": NOW},
                {"model": MODEL, "name": "older", "reason": "GateFailed", "message": "worse", "at": NOW},
            ],
            "plan": [
                {"action": "Swap", "at": NOW, "reason": "Due"},
                {"action": "Expire", "at": NOW, "reason": "NoSuccessor"},
            ],
            "creations": {"made": 1, "lastAt": "2026-03-01T10:00:00.123456789Z", "generation": 3},
        })
    }

    #[test]
    fn what_can_be_read_is_written_again_as_it_was() {
        let read: SpeechEndpointStatus = serde_json::from_value(status()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), status());
    }

    #[test]
    fn what_cannot_be_read_is_absent_and_the_rest_is_read() {
        for (place, value, absent) in [
            ("/active/expiresAt", json!("never"), "/active/expiresAt"),
            ("/active/since", json!("yesterday"), "/active"),
            ("/active/since", json!(null), "/active"),
            ("/active/model", json!("the newest"), "/active"),
            ("/id", json!("hotline"), "/id"),
            ("/formerIds/0", json!(""), "/formerIds/0"),
            ("/quarantine/0/model", json!("older"), "/quarantine/0"),
            ("/active", json!([]), "/active"),
            ("/quarantine/1/at", json!("soon"), "/quarantine/1"),
            ("/plan/1/action", json!("Rehearse"), "/plan/1"),
            ("/plan/1/at", json!("2026-13-01"), "/plan/1"),
            ("/creations/lastAt", json!(7), "/creations"),
        ] {
            let mut broken = status();
            *broken.pointer_mut(place).unwrap() = value;
            let read: SpeechEndpointStatus = serde_json::from_value(broken).unwrap();
            let mut expected = status();
            remove(&mut expected, absent);
            assert_eq!(serde_json::to_value(&read).unwrap(), expected, "{place}");
        }
    }

    #[test]
    fn a_copy_whose_source_is_not_known_is_still_followed() {
        let copy = json!({"source": "", "attempt": 2, "operation": "https://x.example/operations/1", "startedAt": NOW});
        let read: CopyUnderWay = serde_json::from_value(copy.clone()).unwrap();
        assert_eq!((read.source, read.attempt), (None, 2));
        assert_eq!(serde_json::to_value(&read).unwrap(), copy);
    }

    fn remove(value: &mut Value, place: &str) {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = value.pointer_mut(parent).unwrap();
        if parent.is_array() {
            parent.as_array_mut().unwrap().remove(name.parse().unwrap());
        } else {
            parent.as_object_mut().unwrap().remove(name);
        }
    }
}
