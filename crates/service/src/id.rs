//! Ids of remote entities, accepted as a bare UUID or as the entity's full `self` URI.
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};
use uuid::Uuid;

/// The id of an entity of the Speech service; two spellings of one UUID are equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(Uuid);

/// Text that is neither a UUID nor a `self` URI that ends in one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is neither a UUID nor a self URI whose last path segment is a UUID")]
pub struct InvalidId {
    text: String,
}

impl EntityId {
    /// Takes a UUID as it is.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The same as a UUID.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl FromStr for EntityId {
    type Err = InvalidId;

    /// Accepts a bare UUID, or a URI whose last path segment is one (an action such as `:copy` and the query are left aside).
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        path_segments(text)
            .next_back()
            .and_then(parse_segment)
            .map(Self)
            .ok_or_else(|| InvalidId { text: text.to_owned() })
    }
}

/// The segments of a URI's path, or the text itself when it is no URI.
fn path_segments(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    text.get(..end).unwrap_or(text).split('/')
}

/// A UUID in the usual spelling with hyphens; the other spellings that a UUID may have are no ids of this service.
fn parse_segment(segment: &str) -> Option<Uuid> {
    let id = segment.split_once(':').map_or(segment, |(id, _action)| id);
    if id.len() == uuid::fmt::Hyphenated::LENGTH {
        Uuid::try_parse(id).ok()
    } else {
        None
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for EntityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A model: base and custom models live under different paths, so that the id alone does not name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModelId {
    /// `/models/base/{id}`
    Base(EntityId),
    /// `/models/{id}`
    Custom(EntityId),
}

impl ModelId {
    /// The id without its kind.
    pub fn entity(self) -> EntityId {
        match self {
            Self::Base(id) | Self::Custom(id) => id,
        }
    }

    /// Whether this is a base model.
    pub fn is_base(self) -> bool {
        matches!(self, Self::Base(_))
    }

    /// Reads a model's `self` URI, whose path tells the kind.
    pub fn from_self_uri(uri: &str) -> Result<Self, InvalidId> {
        let id = uri.parse()?;
        let is_base = path_segments(uri)
            .rev()
            .nth(1)
            .is_some_and(|parent| parent.eq_ignore_ascii_case("base"));
        Ok(if is_base { Self::Base(id) } else { Self::Custom(id) })
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entity().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11";

    #[test]
    fn an_id_is_the_last_path_segment_whatever_follows_it() {
        for text in [
            ID.to_owned(),
            ID.to_uppercase(),
            format!("https://x.cognitiveservices.azure.com/speechtotext/endpoints/{ID}?api-version=2024-11-15"),
            format!("https://x.example/speechtotext/v3.2/endpoints/{ID}"),
            format!("https://x.example/speechtotext/models/{ID}:copy?api-version=2024-11-15"),
        ] {
            assert_eq!(text.parse::<EntityId>().unwrap().to_string(), ID, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "abc",
            "5b0c7a3e1f0a4a539a552f6f1f0f6b11",
            "https://x.example/endpoints/",
            "{5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11}",
        ] {
            assert!(text.parse::<EntityId>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_path_of_a_model_tells_its_kind() {
        let base = ModelId::from_self_uri(&format!(
            "https://x.example/speechtotext/models/base/{ID}?api-version=2024-11-15"
        ));
        let custom = ModelId::from_self_uri(&format!("https://x.example/speechtotext/v3.2/models/{ID}"));
        assert_eq!(base, Ok(ModelId::Base(ID.parse().unwrap())));
        assert_eq!(custom, Ok(ModelId::Custom(ID.parse().unwrap())));
    }
}
