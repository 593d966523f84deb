//! SpeechEndpoint: one endpoint whose id never changes.
use super::{
    Reason, condition,
    decision::{Decision, DecisionSchema},
    drift::DriftTally,
    lenient,
    links::Links,
    planned::PlannedStep,
    reference::{
        BaseModelChoice, ConnectionRef, DeletionPolicy, EntityRef, ExportTo, LastFailure, LocalRef, ManagementPolicy,
        default_force_orphan_after, is_false,
    },
    rule,
    swap::{Judgement, QuarantinedModel, Swap},
    tally::CreationTally,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use speech_service::EntityId;
use std::collections::BTreeMap;

const ONE_MODEL: (&str, &str) = (
    "[has(self.ref), has(self.selector), has(self.id), has(self.base)].filter(set, set).size() == 1",
    "model needs exactly one of ref, selector, id, base: for example base: {} for the newest base model of the locale",
);
const SELECTS_SOMETHING: (&str, &str) = (
    "has(self.matchLabels) && self.matchLabels.size() > 0 || has(self.matchExpressions) && self.matchExpressions.size() > 0",
    "model.selector must name at least one label: an empty selector would choose among all SpeechModels",
);
const NO_EXCLUDED_ID: (&str, &str) = (
    "!has(self.exclude) || !(has(self.id) || has(self.base) && has(self.base.id))",
    "model.exclude can only be combined with ref, selector or base: {}: a model that is named by its id cannot be excluded",
);
const GATE_OF_CHOICE: (&str, &str) = (
    "!has(self.swap) || !has(self.swap.gate) || !(has(self.model.id) || has(self.model.base) && has(self.model.base.id))",
    "swap.gate can only be combined with model.ref, model.selector or model.base: {}: a model that is named by its id is served as it is",
);
const NO_RECREATION_OF_ADOPTED: (&str, &str) = (
    "self.recreate != 'WhenDeleted' || !has(self.adopt)",
    "recreate: WhenDeleted cannot be combined with adopt: an adopted endpoint is never created again",
);
const ADOPT_IMMUTABLE: (&str, &str) = (
    "has(self.adopt) == has(oldSelf.adopt) && (!has(self.adopt) || self.adopt == oldSelf.adopt)",
    "adopt cannot be added, changed or removed later: delete this object (with deletionPolicy: Retain) and create one that adopts",
);
const OBSERVE_ADOPTED: (&str, &str) = (
    "self.managementPolicy != 'Observe' || has(self.adopt)",
    "managementPolicy: Observe needs adopt: name the endpoint to watch in adopt.id, or write suspend: true to stop all changes",
);

/// An endpoint, and the model that it serves.
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
    printcolumn(name = "Revision", type_ = "integer", json_path = ".status.active.revision", priority = 1),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.active.expiresAt"),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.plan[0].action"),
    printcolumn(name = "At", type_ = "string", json_path = ".status.plan[0].at"),
    printcolumn(name = "Risk", type_ = "string", json_path = ".status.conditions[?(@.type==\"AtRisk\")].reason"),
    printcolumn(name = "Locale", type_ = "string", json_path = ".spec.locale", priority = 1),
    printcolumn(name = "Id", type_ = "string", json_path = ".status.id", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = rule::NAME
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ADOPT_IMMUTABLE)]
#[x_kube(validation = OBSERVE_ADOPTED)]
#[x_kube(validation = GATE_OF_CHOICE)]
#[x_kube(validation = NO_RECREATION_OF_ADOPTED)]
pub struct SpeechEndpointSpec {
    /// The Speech resource that the endpoint belongs to. Cannot be changed.
    #[x_kube(validation = rule::CONNECTION_IMMUTABLE)]
    pub connection_ref: ConnectionRef,
    /// Locale of the endpoint and its models, such as en-US. Cannot be changed.
    #[schemars(length(max = 35))]
    #[x_kube(validation = rule::LOCALE)]
    #[x_kube(validation = rule::LOCALE_IMMUTABLE)]
    pub locale: String,
    /// Name in the portal; absent means this object's name, or no change with `adopt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub display_name: Option<String>,
    /// Description in the portal; absent means no change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,
    /// Project: a UUID or self URI. API version 2024-11-15 has no projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub project: Option<String>,
    /// Whether the service keeps audio and transcripts; absent means no change. Since API version 2024-11-15, only
    /// resources with their own storage support it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_enabled: Option<bool>,
    /// The model to serve: exactly one of ref, selector, id, base.
    pub model: ModelChoice,
    /// When the endpoint moves to another model. After a change of `model.id` or `model.base.id`, only windows and
    /// `maxConcurrentSwaps` can delay the swap.
    #[serde(default)]
    pub swap: Swap,
    /// Adopt an existing endpoint instead of creating one. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<EntityRef>,
    /// Whether the operator creates the endpoint again after someone deleted it in the Speech service. Never: it only
    /// reports the deletion, because a new endpoint would have another id. WhenDeleted: it creates one, and reports the
    /// new id in a condition, an event and `exportTo`.
    #[serde(default)]
    pub recreate: Recreate,
    /// Full: create, change and delete the remote endpoint. Observe: only watch and report; needs `adopt`.
    #[serde(default)]
    pub management_policy: ManagementPolicy,
    /// Delete: deleting this object deletes the remote endpoint. Retain: it stays.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// With `deletionPolicy: Delete`: how long an obstacle may hold up a deletion (0s to 168h), for example if the
    /// connection or its credential is gone or the service cannot be reached. After that, the operator releases this
    /// object, and the endpoint stays in the service. An event, a log line and a metric report this.
    #[serde(default = "default_force_orphan_after")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = rule::FORCE_ORPHAN_AFTER)]
    pub force_orphan_after: String,
    /// While true, the operator creates, changes and deletes nothing remote, but updates the status.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Publish the endpoint's id, URLs, model and expiry for applications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_to: Option<ExportTo>,
}

/// Which model an endpoint serves: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ONE_MODEL)]
#[x_kube(validation = NO_EXCLUDED_ID)]
pub struct ModelChoice {
    /// The current revision of a SpeechModel in this namespace, which must use the same connection and locale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<LocalRef>,
    /// Among the SpeechModels in this namespace with these labels, the eligible current revision that expires last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = SELECTS_SOMETHING)]
    pub selector: Option<LabelSelector>,
    /// A fixed custom model: a UUID or self URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub id: Option<String>,
    /// A base model: a fixed one, or with `{}` the newest of the locale that can be deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseModelChoice>,
    /// Models that are never chosen: UUIDs or self URIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 512)))]
    #[x_kube(validation = rule::IDS)]
    pub exclude: Vec<String>,
}

/// Whether the operator creates an endpoint again after someone deleted it in the Speech service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Recreate {
    /// No.
    #[default]
    Never,
    /// Yes, with another id.
    WhenDeleted,
}

/// Observed state of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpeechEndpointStatus {
    /// Generation of the spec that this status describes; -1 before the first reconciliation.
    #[serde(default)]
    pub observed_generation: i64,
    /// Ready, Reconciling, Stalled, ModelValid, AtRisk, FieldsRefused, Unheeded, Contested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The rule that decided, and what each rule saw: names, of which `kubectl speech why` makes sentences.
    #[serde(default, skip_serializing_if = "Decision::is_empty")]
    #[schemars(with = "Option<DecisionSchema>")]
    pub decision: Decision,
    /// Id of the endpoint: what an application passes as `cid`.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub id: Option<EntityId>,
    /// URI of the endpoint.
    #[serde(default, rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_uri: Option<String>,
    /// URLs to connect to, by the service's own link names.
    #[serde(default, skip_serializing_if = "Links::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub links: Links,
    /// The model that serves.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub active: Option<ActiveModel>,
    /// The model that is being deployed.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub target: Option<TargetModel>,
    /// The model to swap to next, while something holds it back.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub candidate: Option<TargetModel>,
    /// The model that served before; active again if the active model's deployment fails after all.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub previous: Option<PreviousModel>,
    /// Models that failed a gate or a deployment, newest first. They are not chosen until the annotation
    /// `customspeech.dev/clear-quarantine` clears them.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub quarantine: Vec<QuarantinedModel>,
    /// Result of the last evaluation of a candidate.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub gate: Option<Judgement>,
    /// What happens next, if nothing else changes.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub plan: Vec<PlannedStep>,
    /// How long a base model answered in place of an expired active model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// Ids of this object's earlier endpoints that someone deleted, newest first.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(max = 5))]
    pub former_ids: Vec<EntityId>,
    /// When the quarantine was last cleared on request (RFC 3339, UTC).
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub quarantine_cleared_at: Option<Timestamp>,
    /// The last handled value of the annotation `customspeech.dev/clear-quarantine`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_clear_quarantine: Option<String>,
    /// Number of the last finished attempt to create the endpoint or an evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_attempt: Option<i32>,
    /// How often in a row the operator requested an endpoint.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub creations: Option<CreationTally>,
    /// How often in a row the operator requested an evaluation.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub evaluations: Option<CreationTally>,
    /// The last failed request, while the operator retries it.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_failure: Option<LastFailure>,
    /// Failed requests that hold nothing else back, while the operator retries them: changes of the name, description,
    /// project and the like, evaluations of a candidate, and deletions of what is no longer needed.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub side_failures: Vec<LastFailure>,
    /// The field of the change that the service accepted and no read has shown yet, for `observedGeneration`. If a read
    /// shows that the field is still as before, the service ignores the change, and the operator asks ever more rarely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_change: Option<String>,
    /// Fields that someone else changed in the Speech service and the operator recently corrected, and how often.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub drift: Vec<DriftTally>,
    /// The last handled value of a reconcile-requested annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The last project that the spec named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The model of the last handled swap-now annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_swap_now: Option<String>,
}

impl SpeechEndpointStatus {
    /// The id of the remote endpoint, unless the conditions say that someone deleted it.
    pub fn standing_id(&self) -> Option<EntityId> {
        let stalled = condition::find(&self.conditions, condition::STALLED);
        let is_gone = stalled.is_some_and(|stalled| stalled.reason == Reason::RemoteDeleted.as_str());
        self.id.filter(|_| !is_gone)
    }
}

/// The model that serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveModel {
    /// Id of the model.
    #[schemars(with = "String")]
    pub model: EntityId,
    /// Whether it is a base model.
    #[serde(default, skip_serializing_if = "is_false")]
    pub base: bool,
    /// Name of the model in the portal.
    pub name: String,
    /// Revision of the SpeechModel, if the model is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i32>,
    /// The model's transcriptionDateTime (RFC 3339, UTC). From then on, the newest base model answers in its place.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// Whether it only replaces a candidate that its gate held back until the deadline.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interim: bool,
    /// Since when it has been serving (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub since: Timestamp,
}

/// The model that served before the active one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviousModel {
    /// Id of the model.
    #[schemars(with = "String")]
    pub model: EntityId,
    /// Whether it is a base model.
    #[serde(default, skip_serializing_if = "is_false")]
    pub base: bool,
    /// Name of the model in the portal.
    pub name: String,
    /// Until when it served (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// How long a base model answered in place of the active model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// Since when a base model has been answering (RFC 3339, UTC); absent while the active model is valid.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// Total seconds of the periods that have ended.
    #[serde(default)]
    pub seconds: i64,
}

/// A model that is being deployed or held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetModel {
    /// Id of the model.
    #[schemars(with = "String")]
    pub model: EntityId,
    /// Whether it is a base model.
    #[serde(default, skip_serializing_if = "is_false")]
    pub base: bool,
    /// Name of the model in the portal.
    pub name: String,
    /// Revision of the SpeechModel, if the model is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i32>,
    /// Whether it only replaces a candidate that its gate held back until the deadline.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interim: bool,
    /// Whether the operator requested the swap to it and the service did not accept it, or someone moved the endpoint away
    /// from it. The operator retries this swap while any other model has to wait.
    #[serde(default, skip_serializing_if = "is_false")]
    pub requested: bool,
    /// Since when it has been deploying or held back (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub since: Timestamp,
}
