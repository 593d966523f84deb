//! What the service tells of its entities, parsed. Times are UTC. Kept small: thousands of these stay in memory.
use super::id::{EntityId, ModelId};
use jiff::Timestamp;
use std::sync::Arc;

/// The state of an entity; terminal states are `Succeeded` and `Failed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Accepted, not begun.
    NotStarted,
    /// Being made.
    Running,
    /// Done.
    Succeeded,
    /// Done, and broken.
    Failed,
    /// A word that this version does not know; treated as under way.
    Other(Box<str>),
}

impl Status {
    /// Whether the entity will change by itself no more.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The service's own word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::NotStarted => "NotStarted",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Other(word) => word,
        }
    }
}

/// Why an entity failed, in the service's words; both are free text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityError {
    /// A short word, e.g. `DeployingFailedModel`.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Names and values.
pub type Entries = Box<[(Box<str>, Box<str>)]>;

/// What all entities have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub id: EntityId,
    /// The entity's URI as the service wrote it.
    pub self_uri: Box<str>,
    /// The name shown in the portal; not unique.
    pub display_name: Box<str>,
    /// The description, empty when absent.
    pub description: Box<str>,
    /// The locale, e.g. `en-US`.
    pub locale: Box<str>,
    /// The state.
    pub status: Status,
    /// When the entity was created.
    pub created_at: Timestamp,
    /// When the present state was entered.
    pub last_action_at: Timestamp,
    /// The project, in the versions that have projects.
    pub project: Option<EntityId>,
    /// Who made the entity, when one of us did.
    pub owner: Option<Arc<OwnerTag>>,
    /// The `customProperties` that are not ours, kept so that a PATCH of ours does not lose them.
    pub foreign_properties: Entries,
    /// Present when the entity failed.
    pub error: Option<Box<EntityError>>,
}

/// The mark that the operator leaves in `customProperties` of what it creates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnerTag {
    /// `metadata.uid` of the Kubernetes object.
    pub uid: String,
    /// `namespace/name` of the Kubernetes object.
    pub object: String,
    /// The uid of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// The number of the creation attempt, from 1.
    pub attempt: u32,
    /// The revision of a model, from 1; absent for other kinds.
    pub revision: Option<u32>,
    /// A fingerprint of the training's inputs; absent for other kinds.
    pub inputs: Option<String>,
}

/// A deployed endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What all entities have.
    pub header: Header,
    /// The model that the service reports for it.
    pub model: Option<ModelId>,
    /// Whether audio and transcripts are logged.
    pub logging_enabled: bool,
    /// Where to connect, by link name (`webSocket`, `restConversation`, `logs`, ...).
    pub links: Entries,
}

/// A model trained by the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomModel {
    /// What all entities have.
    pub header: Header,
    /// The base model that it was trained from.
    pub base_model: Option<ModelId>,
    /// The datasets that it was trained with.
    pub datasets: Box<[EntityId]>,
    /// `transcriptionDateTime`: from then on the model answers no more.
    pub expires_at: Option<Timestamp>,
    /// `customModelWeightPercent`, 1 to 100.
    pub weight_percent: Option<i32>,
    /// Whether the model can be deployed; absent means that the service did not say.
    pub supports_endpoints: Option<bool>,
}

/// A model of Microsoft's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseModel {
    /// What all entities have.
    pub header: Header,
    /// `adaptationDateTime`: from then on nothing can be trained from it.
    pub adaptation_until: Option<Timestamp>,
    /// `transcriptionDateTime`: from then on the model answers no more.
    pub expires_at: Option<Timestamp>,
    /// Whether the model can be deployed; absent means that the service did not say.
    pub supports_endpoints: Option<bool>,
    /// The kinds of datasets that it can be trained with.
    pub supports_adaptations_with: Box<[Box<str>]>,
}

/// Data to train or to judge a model with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// What all entities have.
    pub header: Header,
    /// `Language`, `Acoustic`, ...; an open list.
    pub kind: Box<str>,
    /// How many lines were accepted on import, once the service says so.
    pub accepted_lines: Option<i64>,
}

/// One comparison of two models on one dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// What all entities have.
    pub header: Header,
    /// The first model.
    pub model1: ModelId,
    /// The second model.
    pub model2: ModelId,
    pub dataset: EntityId,
    /// The scores of the first model; absent before the evaluation has succeeded.
    pub scores1: Option<Scores>,
    /// The scores of the second model; absent before the evaluation has succeeded.
    pub scores2: Option<Scores>,
}

/// How well a model did. Rates are fractions: 0.065 is 6.5 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// (insertions + deletions + substitutions) / reference words.
    pub word_error_rate: f64,
    /// The same over display tokens, where the service gives it.
    pub token_error_rate: Option<f64>,
    /// Reference words, where the service gives them.
    pub word_count: Option<i64>,
}

/// A project, where the API version has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: EntityId,
    /// The name shown in the portal.
    pub display_name: Box<str>,
    pub locale: Box<str>,
}

/// A file of a dataset, model or evaluation, or a log file of an endpoint.
#[derive(Clone, Debug)]
pub struct File {
    /// The last path segment of `self`; log files have ids that are no UUIDs.
    pub id: Box<str>,
    /// The file's name.
    pub name: Box<str>,
    /// `Audio`, `EvaluationDetails`, ...; an open list.
    pub kind: Box<str>,
    /// When the file was made.
    pub created_at: Option<Timestamp>,
    /// Size in bytes.
    pub size: Option<i64>,
    /// Where the content can be fetched. Carries a signature: a secret, never logged.
    pub content_url: Option<secrecy::SecretString>,
}

/// The files of a model, for a container that serves it.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub model: ModelId,
    pub files: Box<[ManifestFile]>,
}

#[derive(Clone, Debug)]
pub struct ManifestFile {
    /// The file's name.
    pub name: Box<str>,
    /// Where the content can be fetched. Carries a signature: a secret, never logged.
    pub content_url: Option<secrecy::SecretString>,
}

/// Leave to copy a model into a resource: given by the target, sent unchanged to the source. Never logged.
#[derive(Clone)]
pub struct CopyAuthorization(
    #[cfg_attr(not(feature = "client"), expect(dead_code, reason = "only the client sends it"))]
    pub(super)  serde_json::Value,
);

impl std::fmt::Debug for CopyAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CopyAuthorization(..)")
    }
}

/// A copy under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOperation {
    /// The URI to ask for its state, on the source's host.
    pub self_uri: Box<str>,
    /// The state.
    pub status: Status,
    /// The new model on the target, once it has succeeded.
    pub result: Option<Box<str>>,
    /// Present when it failed.
    pub error: Option<Box<EntityError>>,
}

/// What the service has under an id of its own.
pub trait Entity {
    /// What all entities have.
    fn header(&self) -> &Header;

    fn id(&self) -> EntityId {
        self.header().id
    }
}

macro_rules! entities {
    ($($kind:ident)+) => {$(
        impl Entity for $kind {
            fn header(&self) -> &Header {
                &self.header
            }
        }
    )+};
}

entities!(Endpoint CustomModel BaseModel Dataset Evaluation);
