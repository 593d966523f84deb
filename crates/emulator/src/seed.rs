//! Seeds and state dumps: one form for both.
use super::{clock::MAX_RATE, entity::Entity, resource::Resource, strict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The seed the emulator starts with when none is given.
const DEFAULT_SEED: &str = include_str!("seed.json");

/// Names that begin other paths.
const TAKEN: [&str; 2] = ["control", "metadata"];

/// Everything the emulator holds, as JSON: the form of a seed file and of a state dump.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Where the clock starts; absent = the present.
    #[serde(default)]
    pub(super) now: Option<Timestamp>,
    /// Clock seconds per real second; absent = 1.
    #[serde(default)]
    pub(super) rate: Option<f64>,
    /// Speech resources by name.
    #[serde(default)]
    pub(super) resources: BTreeMap<String, Resource>,
}

/// What is wrong with a seed.
#[derive(Debug, thiserror::Error)]
#[error("the seed is not valid: {0}")]
pub struct SeedError(String);

impl Seed {
    /// Reads a seed.
    ///
    /// # Errors
    /// Broken JSON, unknown members, settings out of bounds, names unfit for a path, ids given twice.
    pub fn parse(text: &str) -> Result<Self, SeedError> {
        let value: Value = serde_json::from_str(text).map_err(|error| SeedError(error.to_string()))?;
        Self::from_value(value).map_err(SeedError)
    }

    /// The realistic seed that ships with the emulator.
    ///
    /// # Errors
    /// Never, unless the file in the sources was broken.
    pub fn shipped() -> Result<Self, SeedError> {
        Self::parse(DEFAULT_SEED)
    }

    /// A seed without any Speech resource; tests add theirs through the control API.
    pub fn empty() -> Self {
        Self {
            now: None,
            rate: None,
            resources: BTreeMap::new(),
        }
    }

    /// The same seed with the clock starting at another time.
    pub fn starting_at(self, now: Timestamp) -> Self {
        Self { now: Some(now), ..self }
    }

    /// The same seed with the clock running at another rate.
    pub fn running_at(self, rate: f64) -> Self {
        Self {
            rate: Some(rate),
            ..self
        }
    }

    /// Names of the Speech resources.
    pub fn resource_names(&self) -> impl Iterator<Item = &str> {
        self.resources.keys().map(String::as_str)
    }

    pub(super) fn from_value(value: Value) -> Result<Self, String> {
        let seed: Self = strict::read(value)?;
        if seed.rate.is_some_and(|rate| !(0.0..=MAX_RATE).contains(&rate)) {
            return Err(format!("rate must lie between 0 and {MAX_RATE:e}"));
        }
        for (name, resource) in &seed.resources {
            check_resource(name, resource)?;
        }
        Ok(seed)
    }
}

/// Says what is wrong with a Speech resource given from outside.
pub(super) fn check_resource(name: &str, resource: &Resource) -> Result<(), String> {
    let fits_path = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if name.is_empty() || !fits_path || TAKEN.contains(&name) {
        return Err(format!(
            "a resource is named with small letters, digits and dashes, not '{name}'"
        ));
    }
    resource
        .settings
        .check()
        .map_err(|reason| format!("{name}: {reason}"))?;
    let ids = (ids(&resource.base_models).chain(ids(&resource.projects)))
        .chain(ids(&resource.datasets))
        .chain(ids(&resource.models))
        .chain(ids(&resource.endpoints))
        .chain(ids(&resource.evaluations));
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("{name}: the id {id} is given twice"));
        }
    }
    Ok(())
}

fn ids<T: Entity>(entries: &[T]) -> impl Iterator<Item = Uuid> {
    entries.iter().map(|entry| entry.header().id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_seed_is_valid() {
        let seed = Seed::shipped().unwrap();
        assert_eq!(
            seed.resource_names().collect::<Vec<_>>(),
            ["free", "northeurope", "westeurope"]
        );
    }

    #[test]
    fn a_member_nobody_knows_is_named() {
        let text =
            r#"{"resources":{"west":{"key1":"k","models":[{"displayName":"a","locale":"en-US","colour":"red"}]}}}"#;
        let error = Seed::parse(text).unwrap_err().to_string();
        assert!(error.contains("$.resources.west.models[0].colour"), "{error}");
    }

    #[test]
    fn bad_names_settings_and_ids_are_refused() {
        for text in [
            "",
            "[]",
            r#"{"rate":-1}"#,
            r#"{"resources":{"control":{"key1":"k"}}}"#,
            r#"{"resources":{"West":{"key1":"k"}}}"#,
            r#"{"resources":{"west":{}}}"#,
            r#"{"resources":{"west":{"key1":"k","timings":{"training":-1}}}}"#,
            r#"{"resources":{"west":{"key1":"k","tier":"S1"}}}"#,
            r#"{"resources":{"west":{"key1":"k","projects":[
                {"id":"0d9c4f6a-7b7e-4f1b-8a8e-9f0f3a2d5c01","displayName":"a","locale":"en-US"},
                {"id":"0d9c4f6a-7b7e-4f1b-8a8e-9f0f3a2d5c01","displayName":"b","locale":"en-US"}]}}}"#,
        ] {
            assert!(Seed::parse(text).is_err(), "{text}");
        }
    }
}
