//! References between objects, and small values that several kinds share.
use super::rule;
use jiff::Timestamp;
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

/// Names an object in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalRef {
    /// Name of the object.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::OBJECT_NAME)]
    pub name: String,
}

/// Names one key of a Secret in the same namespace.
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

/// Where to publish what applications need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportTo {
    /// The ConfigMap to write, in the namespace of this object. This object owns it, so it is deleted with the object.
    pub config_map: LocalRef,
}

/// What the operator may do.
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

/// How long an obstacle may hold up a deletion, unless the spec sets another time.
pub(super) fn default_force_orphan_after() -> String {
    "15m".to_owned()
}

/// Whether a flag is off, so that it can be left out.
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// A failed request. It is stored so that the retry backoff survives restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastFailure {
    /// The operation that failed: Create, Swap, Train, Copy, Follow (a copy), Evaluate, Mark, Delete, Export, or Update
    /// and a field.
    pub operation: String,
    /// When it failed, or later if the service asked to wait (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Failures in a row.
    pub count: i32,
    /// The service's error code, or the kind of transport error.
    pub code: String,
    /// The service's message.
    pub message: String,
    /// Whether the service refused it, so that the operator retries slowly.
    #[serde(default, skip_serializing_if = "is_false")]
    pub terminal: bool,
    /// The generation of the spec that was tried.
    pub generation: i64,
}
