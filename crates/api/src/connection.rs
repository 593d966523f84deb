//! SpeechConnection: how to reach one Speech resource.
use super::{
    auth::Auth,
    condition,
    decision::{Decision, DecisionSchema},
    rule,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use speech_service::ApiVersion;

const ENDPOINT_URL: (&str, &str) = (
    "isURL(self) && url(self).getScheme() in ['https', 'http'] && url(self).getHost() != ''",
    "endpoint must be a URL such as https://westeurope.api.cognitive.microsoft.com or https://my-name.cognitiveservices.azure.com",
);
/// One expression over the whole text: parsing the URL costs more than the API server allows.
const ENDPOINT_HTTPS: (&str, &str) = (
    "!self.matches('^[hH][tT][tT][pP]:') || self.matches('^http://(localhost|127[.]0[.]0[.]1|[[]::1[]]|[a-z0-9.-]+[.]svc([.]cluster[.]local)?)(:[0-9]+)?(/.*)?$')",
    "endpoint must use https: plain http is for an emulator on localhost or on a Service of the cluster only (host name ending in .svc)",
);
const ENDPOINT_BARE: (&str, &str) = (
    "!self.contains('?') && !self.contains('#') && !self.contains('@')",
    "endpoint must have no user, query or fragment: give only scheme, host, and a path if a gateway needs one",
);
const ENDPOINT_BASE: (&str, &str) = (
    "!self.matches('(?i)/(speechtotext|sts)(/|$)')",
    "endpoint must not contain /speechtotext or /sts: give only the part before it",
);
/// An ARM id as Azure's portal and CLI show it. Azure ignores its case.
const RESOURCE_ID: (&str, &str) = (
    "self.matches('(?i)^/subscriptions/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/resourceGroups/[^/ ]+/providers/Microsoft[.]CognitiveServices/accounts/[^/ ]+$')",
    "resourceId must be the ARM id of the Speech resource: /subscriptions/<uuid>/resourceGroups/<group>/providers/Microsoft.CognitiveServices/accounts/<name>",
);
const SELECTOR: (&str, &str) = (
    "(self.from == 'Selector') == has(self.selector)",
    "allowedNamespaces.selector must be set if, and only if, from is Selector",
);
/// The service knows no tokens at the hosts of regions.
const ENTRA_HOST: (&str, &str) = (
    "!(has(self.auth.workloadIdentity) || has(self.auth.managedIdentity) || has(self.auth.clientSecretRef)) || !self.endpoint.matches('(?i)^https?://[^/]*[.]api[.]cognitive[.](microsoft[.](com|us)|azure[.]cn)[.]?(:[0-9]+)?(/.*)?$')",
    "Entra ID does not work at the host of a region: give the custom subdomain of the Speech resource as endpoint, such as https://NAME.cognitiveservices.azure.com, or set auth.keySecretRef",
);

/// One Azure Speech resource, and how to reach it.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "customspeech.dev",
    version = "v1alpha1",
    kind = "SpeechConnection",
    namespaced,
    status = "SpeechConnectionStatus",
    derive = "PartialEq",
    shortname = "spconn",
    category = "speech",
    doc = "A SpeechConnection defines how to reach one Azure Speech resource. Models and endpoints refer to it.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Endpoints", type_ = "integer", json_path = ".status.endpoints"),
    printcolumn(name = "Models", type_ = "integer", json_path = ".status.models"),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".spec.endpoint", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = rule::NAME
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ENTRA_HOST)]
pub struct SpeechConnectionSpec {
    /// Base URL of the Speech resource, without `/speechtotext`: the regional host, a custom domain, or an emulator.
    /// Use https. Plain http is for an emulator only, and only if the operator was started with --allow-http.
    #[schemars(length(max = 512))]
    #[x_kube(validation = ENDPOINT_URL)]
    #[x_kube(validation = ENDPOINT_HTTPS)]
    #[x_kube(validation = ENDPOINT_BARE)]
    #[x_kube(validation = ENDPOINT_BASE)]
    pub endpoint: String,
    /// ARM id of the Speech resource, as `az cognitiveservices account show --query id` prints it. Needed only if
    /// models are copied from this resource: the other resource authorizes this id to copy into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = RESOURCE_ID)]
    pub resource_id: Option<String>,
    /// Version of the REST API. v3.2 has the version in the path and can list the log files of endpoints. v3.2 and
    /// 2025-10-15 have projects. v3.2 was announced to retire on 31 March 2026: use 2025-10-15.
    #[serde(default)]
    pub api_version: ApiVersionName,
    /// How to authenticate.
    pub auth: Auth,
    /// Which namespaces may refer to this connection, and copy models from its Speech resource.
    #[serde(default)]
    pub allowed_namespaces: AllowedNamespaces,
    /// How often the operator reads the remote lists when nothing is in progress (5s to 1h).
    #[serde(default = "default_poll_interval")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = rule::POLL_INTERVAL)]
    pub poll_interval: String,
    /// How many requests the operator may send in any window of time. The service allows 100 per 10 s and resource, for
    /// all clients together.
    #[serde(default)]
    pub request_budget: RequestBudget,
    /// How many remote entities of deleted objects the operator may delete at once before someone has to confirm.
    #[serde(default)]
    pub deletion_guard: DeletionGuard,
    /// How many endpoints of the resource may move to another model at a time. Those that expire first go first.
    #[serde(default = "default_swaps")]
    #[schemars(range(min = 1, max = 50))]
    pub max_concurrent_swaps: i32,
    /// How many models may be trained at a time. Those that are needed first go first.
    #[serde(default = "default_trainings")]
    #[schemars(range(min = 1, max = 50))]
    pub max_concurrent_trainings: i32,
}

fn default_swaps() -> i32 {
    5
}

fn default_trainings() -> i32 {
    4
}

fn default_poll_interval() -> String {
    "60s".to_owned()
}

/// A version of the Speech to text REST API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersionName {
    /// The newest version.
    #[default]
    #[serde(rename = "2025-10-15")]
    V2025_10_15,
    /// The previous version, without projects.
    #[serde(rename = "2024-11-15")]
    V2024_11_15,
    /// The last version with the version in the path; announced to retire on 31 March 2026.
    #[serde(rename = "v3.2")]
    V3_2,
}

impl From<ApiVersionName> for ApiVersion {
    fn from(name: ApiVersionName) -> Self {
        match name {
            ApiVersionName::V2025_10_15 => Self::V2025_10_15,
            ApiVersionName::V2024_11_15 => Self::V2024_11_15,
            ApiVersionName::V3_2 => Self::V3_2,
        }
    }
}

/// Which namespaces may refer to a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = SELECTOR)]
pub struct AllowedNamespaces {
    /// Same: only this namespace. All: every namespace. Selector: this namespace, and those whose labels match
    /// `selector`.
    #[serde(default)]
    pub from: NamespacesFrom,
    /// Labels of the namespaces, with `from: Selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// In which namespaces a connection may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NamespacesFrom {
    /// Only the connection's namespace.
    #[default]
    Same,
    /// Every namespace.
    All,
    /// The connection's namespace, and namespaces with matching labels.
    Selector,
}

/// At most `requests` requests begin in any window of `per`. The minimum is one request in 10 seconds: with fewer,
/// nothing would ever begin and no deletion would end. A smaller budget that was stored earlier counts as this minimum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::BUDGET_RATE)]
pub struct RequestBudget {
    /// Number of requests (1 to 1000).
    #[serde(default = "default_requests")]
    #[schemars(range(min = 1, max = 1000))]
    pub requests: i32,
    /// Length of the window (1s to 1h).
    #[serde(default = "default_per")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = rule::BUDGET_PER)]
    pub per: String,
}

fn default_requests() -> i32 {
    80
}

fn default_per() -> String {
    "10s".to_owned()
}

impl Default for RequestBudget {
    fn default() -> Self {
        Self {
            requests: default_requests(),
            per: default_per(),
        }
    }
}

/// Of the objects that were deleted within `per`, at most `maxDeletions` entities are deleted without confirmation. If
/// there are more, for example because a namespace was deleted by mistake, the deletions wait for the annotation
/// customspeech.dev/allow-deletions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionGuard {
    /// Number of endpoints and models together. 0: every deletion needs confirmation. 100000: none does.
    #[serde(default = "default_deletions")]
    #[schemars(range(min = 0, max = 100_000))]
    pub max_deletions: i32,
    /// Length of the window (1s to 1h).
    #[serde(default = "default_deletions_per")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = rule::GUARD_PER)]
    pub per: String,
}

fn default_deletions() -> i32 {
    10
}

fn default_deletions_per() -> String {
    "1m".to_owned()
}

impl Default for DeletionGuard {
    fn default() -> Self {
        Self {
            max_deletions: default_deletions(),
            per: default_deletions_per(),
        }
    }
}

impl SpeechConnection {
    /// Since when the condition `Ready` has been False (UTC); absent while it has another status or does not exist yet.
    pub fn broken_since(&self) -> Option<Timestamp> {
        let conditions = &self.status.as_ref()?.conditions;
        let ready = condition::find(conditions, condition::READY).filter(|ready| ready.status == "False")?;
        Some(ready.last_transition_time.0)
    }
}

/// Observed state of a Speech resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpeechConnectionStatus {
    /// Generation of the spec that this status describes; -1 before the first reconciliation.
    #[serde(default)]
    pub observed_generation: i64,
    /// Ready, Reconciling, Stalled, ClockSkew, Throttled, RetiringVersion, SharedResource, DeletionsHeld, Unheeded,
    /// ObserveOnly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The rule that decided, and what each rule saw: names, of which `kubectl speech why` makes sentences.
    #[serde(default, skip_serializing_if = "Decision::is_empty")]
    #[schemars(with = "Option<DecisionSchema>")]
    pub decision: Decision,
    /// Number of endpoints in the resource, whoever created them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<i32>,
    /// Number of custom models in the resource, whoever created them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<i32>,
    /// Number of base models that the resource offers, in all locales.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_models: Option<i32>,
    /// The longest times that work took, by locale. The operator computes lead times from them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["locale".into()]))]
    pub durations: Vec<WorkDurations>,
    /// How the operator last reached the Speech resource with the remote entities that the connection's objects name in
    /// their statuses. While they name any, another address or credential is accepted only if one of them is found there, or
    /// with the annotation `customspeech.dev/accept-resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<KnownResource>,
    /// The last handled value of a reconcile-requested annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// How the operator reaches a known Speech resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownResource {
    /// Address of the Speech resource.
    pub endpoint: String,
    /// Uid and version of the Secret, and the name of the key in it; not the key itself. With Entra ID, the identity.
    pub secret: String,
    /// The last value of the annotation `customspeech.dev/accept-resource` that had an effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

impl KnownResource {
    /// Whether both lead to the same place with the same credential.
    pub fn is_reached_as(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint && self.secret == other.secret
    }
}

/// The longest times that work took for one locale, in whole minutes such as 90m.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkDurations {
    /// The locale.
    pub locale: String,
    /// The longest training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<String>,
    /// The longest copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copying: Option<String>,
    /// The longest evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluating: Option<String>,
    /// The longest deployment of a model to an endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploying: Option<String>,
}
