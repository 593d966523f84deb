//! What is sent to the service. Fields that are absent are not sent, so that a PATCH changes only what it names.
use super::{
    entity::{Entries, OwnerTag},
    id::{EntityId, ModelId},
};

/// Why a request is made; earlier lanes go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// What must happen before a date, e.g. a swap ahead of an expiry.
    Deadline,
    /// What a user asked for and waits for.
    UserChange,
    /// Looking around.
    Sweep,
}

/// POST `/endpoints`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateEndpoint {
    /// The name shown in the portal.
    pub display_name: String,
    pub description: Option<String>,
    /// The locale, which never changes.
    pub locale: String,
    /// The model to serve.
    pub model: ModelId,
    /// The project; sent only where the API version has projects.
    pub project: Option<EntityId>,
    /// Whether audio and transcripts are logged; absent leaves it to the service (off).
    pub logging_enabled: Option<bool>,
    /// Our mark.
    pub owner: OwnerTag,
}

/// PATCH `/endpoints/{id}`: one thing at a time. The service refuses a request as a whole, so what travels together falls
/// together: a project that is gone must not keep an endpoint from its next model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateEndpoint {
    /// The model to serve from now on.
    Model(ModelId),
    DisplayName(String),
    Description(String),
    /// The project; sent only where the API version has projects.
    Project(EntityId),
    /// Written as `contentLoggingEnabled`, though it reads back as `loggingEnabled`.
    LoggingEnabled(bool),
    /// Our mark, with the foreign `customProperties` that stay beside it.
    Owner(OwnerTag, Entries),
}

impl UpdateEndpoint {
    /// The model, where that changes.
    pub fn model(&self) -> Option<ModelId> {
        match self {
            Self::Model(model) => Some(*model),
            Self::DisplayName(_)
            | Self::Description(_)
            | Self::Project(_)
            | Self::LoggingEnabled(_)
            | Self::Owner(..) => None,
        }
    }

    /// The name of what changes, as the spec has it.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::DisplayName(_) => "displayName",
            Self::Description(_) => "description",
            Self::Project(_) => "project",
            Self::LoggingEnabled(_) => "loggingEnabled",
            Self::Owner(..) => "owner mark",
        }
    }
}

/// POST `/models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateModel {
    /// The name shown in the portal.
    pub display_name: String,
    pub description: Option<String>,
    /// The locale, which never changes.
    pub locale: String,
    /// The base model to train from.
    pub base_model: EntityId,
    /// The datasets to train with.
    pub datasets: Vec<EntityId>,
    /// `customModelWeightPercent`, 1 to 100.
    pub weight_percent: Option<i32>,
    /// The project; sent only where the API version has projects.
    pub project: Option<EntityId>,
    /// Our mark.
    pub owner: OwnerTag,
}

/// PATCH `/models/{id}`: one thing at a time, as for endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateModel {
    DisplayName(String),
    Description(String),
    /// The project; sent only where the API version has projects.
    Project(EntityId),
    /// Our mark, with the foreign `customProperties` that stay beside it.
    Owner(OwnerTag, Entries),
}

impl UpdateModel {
    /// The name of what changes, as the spec has it.
    pub fn field(&self) -> &'static str {
        match self {
            Self::DisplayName(_) => "displayName",
            Self::Description(_) => "description",
            Self::Project(_) => "project",
            Self::Owner(..) => "owner mark",
        }
    }
}

/// POST `/evaluations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateEvaluation {
    /// The name shown in the portal.
    pub display_name: String,
    /// The locale of both models.
    pub locale: String,
    /// The first model.
    pub model1: ModelId,
    /// The second model.
    pub model2: ModelId,
    pub dataset: EntityId,
    /// The project; sent only where the API version has projects.
    pub project: Option<EntityId>,
    /// Our mark.
    pub owner: OwnerTag,
}

/// POST `/datasets`.
#[derive(Clone, Debug)]
pub struct CreateDataset {
    /// The name shown in the portal.
    pub display_name: String,
    pub description: Option<String>,
    /// The locale, which never changes.
    pub locale: String,
    /// `Language`, `Acoustic`, ...
    pub kind: String,
    /// Where the service fetches the data. May carry a signature: a secret.
    pub content_url: Option<secrecy::SecretString>,
    /// The project; sent only where the API version has projects.
    pub project: Option<EntityId>,
    /// Our mark.
    pub owner: OwnerTag,
}

/// PATCH `/datasets/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateDataset {
    pub display_name: Option<String>,
    pub description: Option<String>,
}
