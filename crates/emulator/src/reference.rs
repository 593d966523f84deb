//! References between entities, as kept inside and as written in bodies.
use super::{link::Links, version::is_path_version};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A custom or a base model of the same Speech resource; written `models/{id}` or `models/base/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ModelRef {
    /// A custom model.
    Custom(Uuid),
    /// A base model.
    Base(Uuid),
}

impl ModelRef {
    /// The self link of the model.
    pub fn link(self, links: &Links) -> String {
        links.to(&format!("/{self}"))
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(id) => write!(formatter, "models/{id}"),
            Self::Base(id) => write!(formatter, "models/base/{id}"),
        }
    }
}

impl From<ModelRef> for String {
    fn from(reference: ModelRef) -> Self {
        reference.to_string()
    }
}

impl FromStr for ModelRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let segments: Vec<&str> = text.split('/').collect();
        from_segments(&segments).ok_or_else(|| format!("{text} is neither models/ID nor models/base/ID"))
    }
}

impl TryFrom<String> for ModelRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

fn from_segments(segments: &[&str]) -> Option<ModelRef> {
    match segments {
        ["models", id] => Uuid::parse_str(id).ok().map(ModelRef::Custom),
        ["models", "base", id] => Uuid::parse_str(id).ok().map(ModelRef::Base),
        _ => None,
    }
}

/// The path segments behind `/speechtotext` of a reference URI that points into resource `name`.
///
/// Host name and API version are not compared: one resource has several host names, and versions see the same
/// entities. A URI without a resource in its path, as on the real hosts, is taken to mean this resource.
fn entity_segments(uri: &str, name: &str) -> Option<Vec<String>> {
    let url = url::Url::parse(uri).ok()?;
    let mut segments = url.path_segments()?.map(str::to_owned).collect::<Vec<_>>();
    let service = segments.iter().position(|segment| segment == "speechtotext")?;
    let prefix: Vec<String> = segments.drain(..=service).collect();
    let here = match prefix.as_slice() {
        [_] => true,
        [resource, _] => resource == name,
        _ => false,
    };
    if segments.first().is_some_and(|segment| is_path_version(segment)) {
        segments.remove(0);
    }
    here.then_some(segments)
}

/// The model that a URI in a body means.
pub fn model_of(uri: &str, name: &str) -> Option<ModelRef> {
    let segments = entity_segments(uri, name)?;
    from_segments(&segments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The id of the entity of a collection (`datasets`, `projects`) that a URI in a body means.
pub fn entity_of(uri: &str, name: &str, collection: &str) -> Option<Uuid> {
    let segments = entity_segments(uri, name)?;
    match segments.as_slice() {
        [found, id] if found == collection => Uuid::parse_str(id).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0d9c4f6a-7b7e-4f1b-8a8e-9f0f3a2d5c01";

    #[test]
    fn references_of_any_version_and_host_are_understood() {
        let custom = ModelRef::Custom(Uuid::parse_str(ID).unwrap());
        for uri in [
            format!("http://127.0.0.1:1/west/speechtotext/models/{ID}?api-version=2024-11-15"),
            format!("http://127.0.0.1:1/west/speechtotext/v3.2/models/{ID}"),
            format!(
                "https://northeurope.api.cognitive.microsoft.com/speechtotext/models/{}",
                ID.to_uppercase()
            ),
        ] {
            assert_eq!(model_of(&uri, "west"), Some(custom), "{uri}");
        }
    }

    #[test]
    fn references_into_another_resource_or_to_nothing_are_none() {
        for uri in [
            format!("http://127.0.0.1:1/north/speechtotext/models/{ID}"),
            format!("http://127.0.0.1:1/west/speechtotext/datasets/{ID}"),
            "http://127.0.0.1:1/west/speechtotext/models/7".to_owned(),
            "models".to_owned(),
        ] {
            assert_eq!(model_of(&uri, "west"), None, "{uri}");
        }
    }

    #[test]
    fn the_kept_form_survives_a_round_trip() {
        for text in [format!("models/{ID}"), format!("models/base/{ID}")] {
            assert_eq!(text.parse::<ModelRef>().unwrap().to_string(), text);
        }
    }
}
