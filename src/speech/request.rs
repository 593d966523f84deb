//! What is sent to the service. Fields that are absent are not sent, so that a PATCH changes only what it names.
use super::{
    entity::{Entries, OwnerTag},
    id::{EntityId, ModelId},
};

/// POST `/endpoints`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateEndpoint {
    /// The name shown in the portal.
    pub display_name: String,
    /// The description.
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

/// PATCH `/endpoints/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateEndpoint {
    /// The model to serve from now on.
    pub model: Option<ModelId>,
    /// The name.
    pub display_name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The project; sent only where the API version has projects.
    pub project: Option<EntityId>,
    /// Written as `contentLoggingEnabled`, though it reads back as `loggingEnabled`.
    pub logging_enabled: Option<bool>,
    /// Our mark, with the foreign `customProperties` that stay beside it.
    pub owner: Option<(OwnerTag, Entries)>,
}

impl UpdateEndpoint {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// POST `/models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateModel {
    /// The name shown in the portal.
    pub display_name: String,
    /// The description.
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

/// PATCH `/models/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateModel {
    /// The name.
    pub display_name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// Our mark, with the foreign `customProperties` that stay beside it.
    pub owner: Option<(OwnerTag, Entries)>,
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
    /// The dataset.
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
    /// The description.
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
    /// The name.
    pub display_name: Option<String>,
    /// The description.
    pub description: Option<String>,
}
