//! SpeechEndpoint: one endpoint whose id never changes.
use super::{
    links::Links,
    reference::{
        BaseModelChoice, ConnectionRef, DeletionPolicy, EntityRef, ExportTo, LastFailure, LocalRef, ManagementPolicy,
        is_false,
    },
    rule,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const ONE_MODEL: (&str, &str) = (
    "[has(self.ref), has(self.id), has(self.base)].filter(set, set).size() == 1",
    "model needs exactly one of ref, id, base: for example base: {} for the newest base model of the locale",
);
const ADOPT_IMMUTABLE: (&str, &str) = (
    "has(self.adopt) == has(oldSelf.adopt) && (!has(self.adopt) || self.adopt == oldSelf.adopt)",
    "adopt cannot be added, changed or removed later: delete this object (with deletionPolicy: Retain) and create one that adopts",
);
const OBSERVE_ADOPTED: (&str, &str) = (
    "self.managementPolicy != 'Observe' || has(self.adopt)",
    "managementPolicy: Observe needs adopt: name the endpoint to watch in adopt.id, or write suspend: true to stop all changes",
);

/// An endpoint, and which model it serves.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "customspeech.dev",
    version = "v1alpha1",
    kind = "SpeechEndpoint",
    namespaced,
    status = "SpeechEndpointStatus",
    derive = "PartialEq",
    shortname = "spep",
    category = "speech",
    doc = "A SpeechEndpoint is one custom endpoint of a Speech resource. Its id never changes; its model does.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
        printcolumn(name = "Model", type_ = "string", json_path = ".status.active.name"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".status.active.revision"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.active.expiresAt"),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.target.name"),
    printcolumn(name = "Locale", type_ = "string", json_path = ".spec.locale", priority = 1),
    printcolumn(name = "Id", type_ = "string", json_path = ".status.id", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = rule::NAME
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::LOCALE_IMMUTABLE)]
#[x_kube(validation = rule::CONNECTION_IMMUTABLE)]
#[x_kube(validation = ADOPT_IMMUTABLE)]
#[x_kube(validation = OBSERVE_ADOPTED)]
pub struct SpeechEndpointSpec {
    /// The Speech resource that the endpoint belongs to. Cannot be changed.
    pub connection_ref: ConnectionRef,
    /// Locale of the endpoint and its models, such as en-US. Cannot be changed.
    #[schemars(length(max = 35))]
    #[x_kube(validation = rule::LOCALE)]
    pub locale: String,
    /// Name in the portal; absent means the name of this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub display_name: Option<String>,
    /// Description in the portal; absent leaves it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,
    /// Project: a UUID or self URI. API version 2024-11-15 has no projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub project: Option<String>,
    /// Whether the service keeps audio and transcripts; absent leaves it alone. Since 2024-11-15 only for resources
    /// that bring their own storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_enabled: Option<bool>,
    /// The model to serve: exactly one of ref, id, base.
    pub model: ModelChoice,
    /// Take over an endpoint that exists already, instead of creating one. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<EntityRef>,
    /// Full: create, change and delete the remote endpoint. Observe: only watch and report; needs `adopt`.
    #[serde(default)]
    pub management_policy: ManagementPolicy,
    /// Delete: deleting this object deletes the remote endpoint. Retain: it stays.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// While true, nothing is created, changed or deleted; the status is still kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Publish the endpoint's id, URLs, model and expiry for applications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_to: Option<ExportTo>,
}

/// Which model an endpoint serves: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ONE_MODEL)]
pub struct ModelChoice {
    /// The current revision of a SpeechModel of this namespace, which must use the same connection and locale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<LocalRef>,
    /// A fixed custom model: a UUID or self URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub id: Option<String>,
    /// A base model: a fixed one, or with `{}` the newest of the locale that can be deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseModelChoice>,
}

/// What is known of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpeechEndpointStatus {
    /// Generation of the spec that this status speaks of; -1 before the first look.
    #[serde(default)]
    pub observed_generation: i64,
    /// Ready, Reconciling, Stalled, ModelValid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Id of the endpoint: what an application passes as `cid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// URI of the endpoint.
    #[serde(default, rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_uri: Option<String>,
    /// Where to connect, by the service's own link names.
    #[serde(default, skip_serializing_if = "Links::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub links: Links,
    /// The model that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<ActiveModel>,
    /// The model that is being deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetModel>,
    /// Number of the last closed attempt to create the remote endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_attempt: Option<i32>,
    /// The last request that failed, while it is still being retried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// The last value of a reconcile-requested annotation that was acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// The model that serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveModel {
    /// Id of the model.
    pub model: String,
    /// Whether it is a base model.
    #[serde(default, skip_serializing_if = "is_false")]
    pub base: bool,
    /// Name of the model in the portal.
    pub name: String,
    /// Revision of the SpeechModel, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i32>,
    /// The model's transcriptionDateTime (RFC 3339, UTC): from then on the newest base model answers in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Since when it serves (RFC 3339, UTC).
    pub since: String,
}

/// The model that is being deployed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetModel {
    /// Id of the model.
    pub model: String,
    /// Whether it is a base model.
    #[serde(default, skip_serializing_if = "is_false")]
    pub base: bool,
    /// Name of the model in the portal.
    pub name: String,
    /// Since when it is being deployed (RFC 3339, UTC).
    pub since: String,
}
