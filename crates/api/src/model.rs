//! SpeechModel: a model and its revisions.
use super::{
    decision::{Decision, DecisionSchema},
    drift::DriftTally,
    lenient,
    planned::PlannedStep,
    reference::{
        BaseModelChoice, ConnectionRef, DeletionPolicy, EntityRef, ExportTo, LastFailure, ManagementPolicy, ModelRef,
        default_force_orphan_after, is_false,
    },
    rule,
    tally::CreationTally,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use speech_service::EntityId;

const ONE_SOURCE: (&str, &str) = (
    "[has(self.training), has(self.base), has(self.existing), has(self.copy)].filter(set, set).size() == 1",
    "source needs exactly one of training, base, existing, copy: for example base: {} for the newest base model of the locale",
);
const SOURCE_KIND_IMMUTABLE: (&str, &str) = (
    "has(self.training) == has(oldSelf.training) && has(self.base) == has(oldSelf.base) && has(self.existing) == has(oldSelf.existing) && has(self.copy) == has(oldSelf.copy)",
    "the kind of source cannot be changed: delete this object and create one with the other source",
);
const COPY_OF_ONE: (&str, &str) = (
    "has(self.modelRef) ? !has(self.connectionRef) && !has(self.id) : has(self.connectionRef) && has(self.id)",
    "source.copy needs either modelRef, or connectionRef together with id",
);
const UNIQUE_DATASETS: (&str, &str) = (
    "self.all(one, self.exists_one(other, other == one))",
    "datasets must name each dataset once: remove the repeated ones",
);

const RENEWAL_OF_TRAINING: (&str, &str) = (
    "!has(self.renewal) || has(self.source.training)",
    "renewal can only be combined with source.training: other kinds of models are not renewed by this object, so remove renewal",
);
const UNIQUE_TRIGGERS: (&str, &str) = (
    "self.all(one, self.exists_one(other, other == one))",
    "renewal.on must name each of BeforeExpiry, SpecChange, NewBaseModel at most once",
);
const BEFORE: (&str, &str) = (
    "self.matches('^([1-9][0-9]?|[1-6][0-9]{2}|7[0-2][0-9]|730)d$|^[1-9][0-9]{0,3}h$')",
    "renewal.before must be whole days or hours between 1h and 730d: write for example 90d or 720h",
);

/// A model, and where it comes from. Each training or copy makes a new revision.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "customspeech.dev",
    version = "v1alpha1",
    kind = "SpeechModel",
    namespaced,
    status = "SpeechModelStatus",
    derive = "PartialEq",
    shortname = "spmodel",
    category = "speech",
    doc = "A SpeechModel offers a model to endpoints: trained from datasets, copied from another Speech resource, or following a base model or an existing custom model. Each training or copy makes a new revision.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Locale", type_ = "string", json_path = ".spec.locale"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".status.current.revision"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.current.expiresAt"),
    printcolumn(name = "Renews", type_ = "string", json_path = ".status.plan[0].at", priority = 1),
    printcolumn(name = "Candidate", type_ = "string", json_path = ".status.candidate.state"),
    printcolumn(name = "Risk", type_ = "string", json_path = ".status.conditions[?(@.type==\"AtRisk\")].reason"),
    printcolumn(name = "Model", type_ = "string", json_path = ".status.current.id", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = rule::NAME
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = RENEWAL_OF_TRAINING)]
pub struct SpeechModelSpec {
    /// The Speech resource that the model belongs to. Cannot be changed.
    #[x_kube(validation = rule::CONNECTION_IMMUTABLE)]
    pub connection_ref: ConnectionRef,
    /// Locale of the model, such as en-US. Cannot be changed.
    #[schemars(length(max = 35))]
    #[x_kube(validation = rule::LOCALE)]
    #[x_kube(validation = rule::LOCALE_IMMUTABLE)]
    pub locale: String,
    /// Name of trained or copied models in the portal; absent means the name of this object. Revisions share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub display_name: Option<String>,
    /// Description of trained or copied models in the portal; absent means no change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,
    /// Project of trained or copied models: a UUID or self URI. API version 2024-11-15 has no projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub project: Option<String>,
    /// Where the model comes from: exactly one of training, base, existing, copy. The kind cannot be changed.
    pub source: ModelSource,
    /// When a new revision is trained. Absent means: before the newest one expires, and when `source.training` changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Renewal>,
    /// How many revisions to keep besides the current and the newest one. A revision that an endpoint uses is always
    /// kept.
    #[serde(default = "default_history")]
    #[schemars(range(min = 0, max = 50))]
    pub revision_history_limit: i32,
    /// Full: train, rename and delete revisions. Observe: only watch and report.
    #[serde(default)]
    pub management_policy: ManagementPolicy,
    /// Delete: deleting this object deletes the revisions that it trained or copied. Retain: they stay.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// With `deletionPolicy: Delete`: how long an obstacle may hold up a deletion (0s to 168h), for example if the
    /// connection or its credential is gone or the service cannot be reached. After that, the operator releases this
    /// object, and the models stay in the service. An event, a log line and a metric report this.
    #[serde(default = "default_force_orphan_after")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = rule::FORCE_ORPHAN_AFTER)]
    pub force_orphan_after: String,
    /// While true, the operator creates, changes and deletes nothing remote, but updates the status.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Publish the current model's URI and expiry, for example for batch transcription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_to: Option<ExportTo>,
}

/// When a new revision is trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Renewal {
    /// BeforeExpiry: `before` ahead of the expiry of the newest revision. SpecChange: when `source.training` changes.
    /// NewBaseModel: when a newer base model of the locale can be used for training.
    #[serde(default = "default_triggers")]
    #[schemars(length(min = 1, max = 3))]
    #[x_kube(validation = UNIQUE_TRIGGERS)]
    pub on: Vec<RenewalTrigger>,
    /// How long before the expiry, in whole days or hours (1h to 730d). `BeforeExpiry` never renews a revision in the
    /// first half of its life.
    #[serde(default = "default_before")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = BEFORE)]
    pub before: String,
}

impl Default for Renewal {
    fn default() -> Self {
        Self {
            on: default_triggers(),
            before: default_before(),
        }
    }
}

fn default_triggers() -> Vec<RenewalTrigger> {
    vec![RenewalTrigger::BeforeExpiry, RenewalTrigger::SpecChange]
}

fn default_before() -> String {
    "90d".to_owned()
}

/// Why a new revision is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RenewalTrigger {
    /// The newest revision expires soon.
    BeforeExpiry,
    /// The inputs of the training have changed.
    SpecChange,
    /// There is a newer base model.
    NewBaseModel,
}

fn default_history() -> i32 {
    2
}

/// Where a model comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ONE_SOURCE)]
#[x_kube(validation = SOURCE_KIND_IMMUTABLE)]
pub struct ModelSource {
    /// Train a custom model. A change here trains a new revision, unless `renewal.on` omits `SpecChange`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// Use a base model: a fixed one, or with `{}` the newest of the locale that can be deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseModelChoice>,
    /// Use a custom model that someone else trained. The operator never changes or deletes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<EntityRef>,
    /// Copy a custom model from another Speech resource, and copy it again when the source is renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<CopySource>,
}

/// What to copy: the current revision of a SpeechModel, or one custom model by its id. The connection of the source
/// must allow the namespace of this object in its `allowedNamespaces`, and set its `resourceId`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = COPY_OF_ONE)]
pub struct CopySource {
    /// The SpeechModel whose current revision is copied. Each of its new revisions becomes a new revision of this
    /// object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_ref: Option<ModelRef>,
    /// The connection of the Speech resource that holds the model `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_ref: Option<ConnectionRef>,
    /// A custom model of that resource: a UUID, or its full `self` URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule::ID)]
    pub id: Option<String>,
}

/// What to train with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Training {
    /// Datasets of the same Speech resource and locale: UUIDs or self URIs.
    #[schemars(length(min = 1, max = 100), inner(length(max = 512)))]
    #[x_kube(validation = rule::IDS)]
    #[x_kube(validation = UNIQUE_DATASETS)]
    pub datasets: Vec<String>,
    /// The base model to train from; absent means the newest one of the locale that can be used at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<EntityRef>,
    /// Weight of the custom language model against the base model, in percent (1 to 100). If absent, the service
    /// chooses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub custom_model_weight_percent: Option<i32>,
}

/// Observed state of a SpeechModel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpeechModelStatus {
    /// Generation of the spec that this status describes; -1 before the first reconciliation.
    #[serde(default)]
    pub observed_generation: i64,
    /// Ready, Reconciling, Stalled, AtRisk, FieldsRefused, Unheeded, Contested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The rule that decided, and what each rule saw: names, of which `kubectl speech why` makes sentences.
    #[serde(default, skip_serializing_if = "Decision::is_empty")]
    #[schemars(with = "Option<DecisionSchema>")]
    pub decision: Decision,
    /// The model that endpoints should serve.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub current: Option<CurrentModel>,
    /// The newest revision, if it is being made or failed.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub candidate: Option<CandidateModel>,
    /// The copy that is in progress.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub copying: Option<CopyUnderWay>,
    /// Other revisions that still exist, newest first.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PastModel>,
    /// What happens next, if nothing else changes.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub plan: Vec<PlannedStep>,
    /// Number of the last finished attempt to create a remote model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_attempt: Option<i32>,
    /// How often in a row the operator requested a model.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub creations: Option<CreationTally>,
    /// The highest number that any revision has had; absent while a revision in this status has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_revision: Option<i32>,
    /// The last failed request, while the operator retries it.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_failure: Option<LastFailure>,
    /// Failed requests that hold nothing else back, while the operator retries them: changes of the name, description,
    /// project and the like, and deletions of what is no longer needed.
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
    /// The last project that the spec named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The last handled value of a reconcile-requested annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

impl SpeechModelStatus {
    /// The ids of the revisions: the candidate, the current one, the others.
    pub fn ids(&self) -> impl Iterator<Item = EntityId> {
        let candidate = self.candidate.iter().map(|candidate| candidate.id);
        let current = self.current.iter().map(|current| current.id);
        let past = self.history.iter().map(|past| past.id);
        candidate.chain(current).chain(past)
    }
}

/// The model that endpoints should serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CurrentModel {
    /// Number of the revision, from 1; absent for models without one, such as base models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i32>,
    /// Id of the model.
    #[schemars(with = "String")]
    pub id: EntityId,
    /// URI of the model; its path shows whether it is a base model.
    #[serde(rename = "self")]
    pub self_uri: String,
    /// Name in the portal.
    pub name: String,
    /// When the model was created (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// The model's transcriptionDateTime (RFC 3339, UTC). From then on, the newest base model answers in its place.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// The base model that it was trained from, or the model itself if it is a base model.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub base_model: Option<BaseModelDates>,
    /// Whether the model can be deployed to an endpoint.
    #[serde(default)]
    pub supports_endpoints: bool,
}

/// A base model and both its dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaseModelDates {
    /// Id of the base model.
    #[schemars(with = "String")]
    pub id: EntityId,
    /// Name of the base model, a date such as 20251112.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The base model's adaptationDateTime (RFC 3339, UTC). From then on, no model can be trained from it.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub adaptation_until: Option<Timestamp>,
    /// The base model's transcriptionDateTime (RFC 3339, UTC).
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}

/// A revision that is being made, or that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateModel {
    /// Number of the revision.
    pub revision: i32,
    /// Id of the model.
    #[schemars(with = "String")]
    pub id: EntityId,
    /// State in the service: NotStarted, Running or Failed.
    pub state: String,
    /// When the revision was requested (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub started_at: Timestamp,
}

/// A copy that is in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyUnderWay {
    /// Id of the model being copied.
    #[serde(deserialize_with = "lenient::option", serialize_with = "lenient::or_empty")]
    #[schemars(with = "String")]
    pub source: Option<EntityId>,
    /// Number of the attempt, as announced on this object.
    pub attempt: i32,
    /// URI of the operation in the source's Speech resource.
    pub operation: String,
    /// Id of the new model, once the operation has succeeded.
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub model: Option<EntityId>,
    /// When the copy was requested (RFC 3339, UTC).
    #[schemars(with = "String")]
    pub started_at: Timestamp,
}

/// A revision other than the current one and the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastModel {
    /// Number of the revision.
    pub revision: i32,
    /// Id of the model.
    #[schemars(with = "String")]
    pub id: EntityId,
    /// State in the service: Succeeded or Failed.
    pub state: String,
    /// The model's transcriptionDateTime (RFC 3339, UTC).
    #[serde(
        default,
        deserialize_with = "lenient::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}
