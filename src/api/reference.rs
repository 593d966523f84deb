//! References between objects, and small values that several kinds share.
use super::rule;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names a SpeechConnection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionRef {
    /// Name of the SpeechConnection.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::OBJECT_NAME)]
    pub name: String,
    /// Namespace of the SpeechConnection; absent means the namespace of this object. Another namespace must be allowed
    /// by the connection's `allowedNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::OBJECT_NAME)]
    pub namespace: Option<String>,
}

/// Names a SpeechModel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelRef {
    /// Name of the SpeechModel.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::OBJECT_NAME)]
    pub name: String,
    /// Namespace of the SpeechModel; absent means the namespace of this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::OBJECT_NAME)]
    pub namespace: Option<String>,
}

/// Names an object of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalRef {
    /// Name of the object.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::OBJECT_NAME)]
    pub name: String,
}

/// Names one key of a Secret of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(max = 253))]
    #[x_kube(validation = rule::OBJECT_NAME)]
    pub name: String,
    /// Key within the Secret's data.
    #[serde(default = "default_key")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = rule::DATA_KEY)]
    pub key: String,
}

fn default_key() -> String {
    "key".to_owned()
}

/// Names a remote entity by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntityRef {
    /// A UUID, or the entity's full `self` URI.
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub id: String,
}

/// Names a base model, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaseModelChoice {
    /// A UUID, or the base model's full `self` URI. Absent means: follow the newest base model of the locale that can
    /// be deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub id: Option<String>,
}

/// Where to publish what consumers need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportTo {
    /// The ConfigMap to write, in the namespace of this object. It is owned by this object and deleted with it.
    pub config_map: LocalRef,
}

/// How far the operator may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ManagementPolicy {
    /// Create, change and delete the remote entity.
    #[default]
    Full,
    /// Only watch the remote entity and report.
    Observe,
}

/// What happens to the remote entity when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It is deleted as well.
    #[default]
    Delete,
    /// It stays.
    Retain,
}

/// How long a deletion is held up by a connection that does not work, unless the spec says something else.
pub(super) fn default_force_orphan_after() -> String {
    "15m".to_owned()
}

/// Whether a flag is off, so that it need not be written.
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// What the last failed request to the service was about; kept so that the growing delay survives restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastFailure {
    /// What was attempted: Create, Swap, Train, Copy, Follow (of a copy), Evaluate, Mark, Delete, Export, or Update and a
    /// field.
    pub operation: String,
    /// When it failed (RFC 3339, UTC).
    pub at: String,
    /// How often in a row.
    pub count: i32,
    /// The service's code, or the kind of the transport error.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// Whether the service refused it, so that it is asked again slowly.
    #[serde(default, skip_serializing_if = "is_false")]
    pub terminal: bool,
    /// The generation of the spec that was tried.
    pub generation: i64,
}
