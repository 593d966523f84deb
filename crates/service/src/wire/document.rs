//! An entity of any kind as it is on the wire: all members are optional here, what a kind needs is asked for on parsing.
use super::properties::Properties;
use crate::entity::{Entries, Status};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use std::{borrow::Cow, fmt};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Document<'a> {
    #[serde(rename = "self")]
    pub self_uri: Option<Box<str>>,
    pub display_name: Option<Box<str>>,
    pub description: Option<Box<str>>,
    pub locale: Option<Box<str>>,
    pub status: Option<Word<Status>>,
    pub created_date_time: Option<Word<Timestamp>>,
    pub last_action_date_time: Option<Word<Timestamp>>,
    pub custom_properties: Option<Properties>,
    #[serde(borrow)]
    pub project: Option<Link<'a>>,
    #[serde(borrow)]
    pub model: Option<Link<'a>>,
    #[serde(borrow)]
    pub base_model: Option<Link<'a>>,
    #[serde(borrow)]
    pub datasets: Option<Vec<Link<'a>>>,
    #[serde(borrow)]
    pub dataset: Option<Link<'a>>,
    #[serde(borrow)]
    pub model1: Option<Link<'a>>,
    #[serde(borrow)]
    pub model2: Option<Link<'a>>,
    pub kind: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub links: Option<Links>,
    pub properties: Option<Details>,
    /// Operations carry these outside of `properties`.
    pub error: Option<Fault>,
    pub result: Option<OperationResult>,
    pub model_files: Option<Vec<ModelFile>>,
}

/// An EntityReference.
#[derive(Deserialize)]
pub(crate) struct Link<'a> {
    #[serde(rename = "self", borrow)]
    pub uri: Cow<'a, str>,
}

/// The members below `properties` that we know; v3.2 names the ones we use alike.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Details {
    pub logging_enabled: Option<bool>,
    pub error: Option<Fault>,
    pub deprecation_dates: Option<DeprecationDates>,
    pub custom_model_weight_percent: Option<i32>,
    pub features: Option<Features>,
    pub word_error_rate1: Option<f64>,
    pub word_error_rate2: Option<f64>,
    pub token_error_rate1: Option<f64>,
    pub token_error_rate2: Option<f64>,
    pub word_count1: Option<i64>,
    pub word_count2: Option<i64>,
    pub accepted_line_count: Option<i64>,
    pub size: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeprecationDates {
    pub adaptation_date_time: Option<Word<Timestamp>>,
    pub transcription_date_time: Option<Word<Timestamp>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Features {
    pub supports_endpoints: Option<bool>,
    pub supports_adaptations_with: Option<Box<[Box<str>]>>,
}

/// An EntityError.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    pub code: Option<String>,
    pub message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct OperationResult {
    pub link: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ModelFile {
    pub name: Option<Box<str>>,
    pub content_url: Option<String>,
}

/// A string that means something, parsed without a copy.
pub(crate) struct Word<T>(pub T);

/// What can be read from one string.
pub(crate) trait FromWord: Sized {
    const EXPECTED: &'static str;
    fn from_word(word: &str) -> Option<Self>;
}

impl FromWord for Status {
    const EXPECTED: &'static str = "a status";

    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "NotStarted" => Self::NotStarted,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            other => Self::Other(other.into()),
        })
    }
}

impl FromWord for Timestamp {
    const EXPECTED: &'static str = "a time in ISO 8601";

    /// A time without an offset is UTC, as all times of this service.
    fn from_word(word: &str) -> Option<Self> {
        let with_offset = word.parse::<Timestamp>();
        let at = with_offset
            .or_else(|_| {
                word.parse::<DateTime>()?
                    .to_zoned(TimeZone::UTC)
                    .map(|time| time.timestamp())
            })
            .ok()?;
        // The API server takes no earlier year in a status.
        (at.to_zoned(TimeZone::UTC).year() > 0).then_some(at)
    }
}

impl<'de, T: FromWord> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor<T>(std::marker::PhantomData<T>);
        impl<T: FromWord> Visitor<'_> for WordVisitor<T> {
            type Value = Word<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                let value = T::from_word(word);
                value
                    .map(Word)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
            }
        }
        deserializer.deserialize_str(WordVisitor(std::marker::PhantomData))
    }
}

/// Links by name; a link that is no string is left out.
pub(crate) struct Links(pub Entries);

impl Links {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| **key == *name).map(|(_, uri)| &**uri)
    }
}

impl<'de> Deserialize<'de> for Links {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LinksVisitor;
        impl<'de> Visitor<'de> for LinksVisitor {
            type Value = Links;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of links")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Links, A::Error> {
                let mut links = Vec::new();
                while let Some(name) = map.next_key::<Box<str>>()? {
                    if let serde_json::Value::String(uri) = map.next_value()? {
                        links.push((name, uri.into_boxed_str()));
                    }
                }
                Ok(Links(links.into_boxed_slice()))
            }
        }
        deserializer.deserialize_map(LinksVisitor)
    }
}
