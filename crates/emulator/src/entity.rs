//! What a Speech resource holds. The serde form of these types is also the form of seeds and state dumps.

/// What an [`Entity`] has in fields of these names.
macro_rules! fields {
    (header $($more:tt)*) => {
        fn header(&self) -> &Header {
            &self.header
        }

        fn header_mut(&mut self) -> &mut Header {
            &mut self.header
        }

        fields!($($more)*);
    };
    (, lifecycle $($more:tt)*) => {
        fn lifecycle(&self) -> Option<&Lifecycle> {
            Some(&self.lifecycle)
        }

        fields!($($more)*);
    };
    (, project) => {
        const BELONGS_TO_PROJECTS: bool = true;

        fn project(&self) -> Option<Uuid> {
            self.project
        }

        fn project_mut(&mut self) -> Option<&mut Option<Uuid>> {
            Some(&mut self.project)
        }
    };
    () => {};
}

mod base_model;
mod copy;
mod dataset;
mod endpoint;
mod evaluation;
mod file;
mod model;
mod project;

pub use base_model::BaseModel;
pub use copy::{CopyAuthorization, CopyOperation};
pub use dataset::{Block, Dataset, DatasetKind, default_normalization};
pub use endpoint::Endpoint;
pub use evaluation::{Evaluation, Score, ScoreSetting};
pub use file::{FileKind, LogFile, StoredFile};
pub use model::{CustomModel, Features, default_weight};
pub use project::Project;

use super::{
    lifecycle::{Lifecycle, Status},
    link::Links,
    settings::Settings,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What all entities have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The last segment of `self`.
    #[serde(default = "Uuid::new_v4")]
    pub id: Uuid,
    /// Name for people; not unique.
    pub display_name: String,
    /// Text for people.
    #[serde(default)]
    pub description: Option<String>,
    /// Language and country, never changed.
    pub locale: String,
    /// Free markers of the client.
    #[serde(default)]
    pub custom_properties: BTreeMap<String, String>,
    /// When it was created; in a seed, absent = the clock's time at loading.
    #[serde(default)]
    pub created_date_time: Timestamp,
}

/// What rendering needs beside the entity.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Builds the links of the answer.
    pub links: &'a Links,
    /// The Speech resource the entity lives in.
    pub within: &'a dyn Within,
}

/// What entities show of the Speech resource that they live in.
pub trait Within {
    /// How the resource behaves.
    fn settings(&self) -> &Settings;
    /// How many entities belong to a project.
    fn members(&self, project: Uuid) -> Members;
}

/// The entities of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Members {
    pub datasets: usize,
    pub evaluations: usize,
    pub models: usize,
    pub endpoints: usize,
}

/// An entity of one of the lists.
pub trait Entity {
    /// The word for it in messages.
    const KIND: &'static str;

    /// The common part.
    fn header(&self) -> &Header;

    /// The common part, to be changed.
    fn header_mut(&mut self) -> &mut Header;

    /// Status and what is to come; None for what has no status.
    fn lifecycle(&self) -> Option<&Lifecycle>;

    const BELONGS_TO_PROJECTS: bool = false;

    /// The project it belongs to.
    fn project(&self) -> Option<Uuid> {
        None
    }

    fn project_mut(&mut self) -> Option<&mut Option<Uuid>> {
        None
    }

    /// The status as clients see it.
    fn shown_status(&self, _settings: &Settings) -> Option<Status> {
        self.lifecycle().map(|lifecycle| lifecycle.status)
    }

    /// Properties beyond the common ones that lists can be filtered on.
    fn other_property(&self, _name: &str) -> Option<&str> {
        None
    }

    /// The body of an answer.
    fn render(&self, view: View<'_>) -> Value;

    /// When the present status was entered.
    fn last_action(&self) -> Timestamp {
        let created = self.header().created_date_time;
        self.lifecycle()
            .and_then(|lifecycle| lifecycle.last_action_date_time)
            .unwrap_or(created)
    }
}

/// The entry with this id.
pub fn find<T: Entity>(entries: &[T], id: Uuid) -> Option<&T> {
    entries.iter().find(|entry| entry.header().id == id)
}

/// The entry with this id, to be changed.
pub fn find_mut<T: Entity>(entries: &mut [T], id: Uuid) -> Option<&mut T> {
    entries.iter_mut().find(|entry| entry.header().id == id)
}

/// A time as the service writes it: UTC, whole seconds.
pub fn wire_time(time: Timestamp) -> String {
    whole_seconds(time).to_string()
}

/// The time without its fraction of a second, as clients see it.
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The members every answer shares.
fn render_common<T: Entity>(entity: &T, view: View<'_>, path: &str) -> Map<String, Value> {
    let header = entity.header();
    let mut members = Map::new();
    members.insert("self".to_owned(), json!(view.links.to(path)));
    members.insert("displayName".to_owned(), json!(header.display_name));
    if let Some(description) = &header.description {
        members.insert("description".to_owned(), json!(description));
    }
    members.insert("locale".to_owned(), json!(header.locale));
    if !header.custom_properties.is_empty() {
        members.insert("customProperties".to_owned(), json!(header.custom_properties));
    }
    members.insert("createdDateTime".to_owned(), json!(wire_time(header.created_date_time)));
    if let Some(status) = entity.shown_status(view.within.settings()) {
        members.insert("lastActionDateTime".to_owned(), json!(wire_time(entity.last_action())));
        members.insert("status".to_owned(), json!(status.name()));
    }
    if let Some(project) = entity.project()
        && view.links.version().has_projects()
    {
        members.insert(
            "project".to_owned(),
            json!({ "self": view.links.to(&format!("/projects/{project}")) }),
        );
    }
    members
}

/// A number that depends on the ids only, so that repeated runs show the same figures.
pub fn fingerprint(parts: &[&str]) -> u64 {
    // FNV-1a: short, and the same on every platform and in every release.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash ^ (hash >> 32)
}

/// An id that depends on the given parts only.
pub fn derived_id(parts: &[&str]) -> Uuid {
    let high = fingerprint(parts);
    let low = fingerprint(&[&high.to_string(), "low"]);
    uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes()).into_uuid()
}
