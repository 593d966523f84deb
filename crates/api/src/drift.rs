//! How often the operator corrected what someone else had changed in the Speech service.
use super::lenient;
use jiff::Timestamp;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use speech_service::EntityId;

/// How often the operator corrected one field of the remote entity to the same value. The more often, the longer the
/// next correction waits. The count restarts after a change of the spec, and when six hours more than the wait have
/// passed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftTally {
    /// Name of the field, such as `model` or `displayName`.
    pub field: String,
    /// Id of the model that was restored, if the field is `model`.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub model: Option<EntityId>,
    /// Corrections that the service accepted.
    #[serde(default)]
    pub count: i32,
    /// When the last correction was accepted (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub last_at: Timestamp,
    /// Generation of the spec that the last correction was made for.
    #[serde(default)]
    pub generation: i64,
}
