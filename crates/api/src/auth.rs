//! How a SpeechConnection authenticates: with a key of the Speech resource, or as an identity of Entra ID.
use super::reference::{LocalRef, SecretKeyRef};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

const ONE_AUTH: (&str, &str) = (
    "[has(self.keySecretRef), has(self.workloadIdentity), has(self.managedIdentity), has(self.clientSecretRef)].filter(is_set, is_set).size() == 1",
    "auth needs exactly one way to authenticate: set one of keySecretRef, workloadIdentity, managedIdentity and clientSecretRef",
);
const UUID: (&str, &str) = (
    "self.matches('^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$')",
    "give a UUID, such as 5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11",
);
const AUTHORITY: (&str, &str) = (
    "self.matches('^https://[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?/?$')",
    "authorityHost must be https, a host and perhaps a port, such as https://login.microsoftonline.com",
);

/// How to authenticate: exactly one method. All but `keySecretRef` use Entra ID, which works only at the custom subdomain of
/// a Speech resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ONE_AUTH)]
pub struct Auth {
    /// A resource key (key 1 or key 2 of the Speech resource) in a Secret in this namespace. The operator uses a
    /// changed Secret at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_secret_ref: Option<SecretKeyRef>,
    /// An application or managed identity of Entra ID that trusts a ServiceAccount of the cluster. No secret is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<WorkloadIdentity>,
    /// The managed identity of the node or pod that the operator runs on. Only in the operator's own namespace, and in those
    /// of `--identity-namespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<ManagedIdentity>,
    /// A client secret of an application of Entra ID, in a Secret in this namespace. The operator uses a changed Secret at
    /// once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_ref: Option<ClientSecretRef>,
}

impl Auth {
    /// The Secret that has to be read, if any.
    pub fn secret(&self) -> Option<&SecretKeyRef> {
        let of_client = self.client_secret_ref.as_ref().map(|reference| &reference.secret);
        self.key_secret_ref.as_ref().or(of_client)
    }
}

/// An identity that trusts a ServiceAccount, by a federated credential with the cluster's issuer, the subject
/// `system:serviceaccount:NAMESPACE:NAME` and the audience `api://AzureADTokenExchange`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadIdentity {
    /// Client id of the application or managed identity.
    #[schemars(length(max = 36))]
    #[x_kube(validation = UUID)]
    pub client_id: String,
    /// Id of its tenant.
    #[schemars(length(max = 36))]
    #[x_kube(validation = UUID)]
    pub tenant_id: String,
    /// The ServiceAccount that it trusts, in this namespace. The operator needs a RoleBinding to the ClusterRole
    /// speech-operator-tokens there. Absent means the operator's own ServiceAccount: only in the operator's own namespace, and
    /// in those of `--identity-namespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<LocalRef>,
    /// Who issues tokens; absent means the authority of the endpoint's cloud. Others have to be named in
    /// `--allowed-authorities`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = AUTHORITY)]
    pub authority_host: Option<String>,
}

/// A managed identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedIdentity {
    /// Client id of a user-assigned identity; absent means the system-assigned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36))]
    #[x_kube(validation = UUID)]
    pub client_id: Option<String>,
}

/// An application with a client secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientSecretRef {
    /// Id of the tenant.
    #[schemars(length(max = 36))]
    #[x_kube(validation = UUID)]
    pub tenant_id: String,
    /// Client id of the application.
    #[schemars(length(max = 36))]
    #[x_kube(validation = UUID)]
    pub client_id: String,
    /// The Secret with the client secret.
    #[serde(flatten)]
    pub secret: SecretKeyRef,
    /// Who issues tokens; absent means the authority of the endpoint's cloud. Others have to be named in
    /// `--allowed-authorities`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = AUTHORITY)]
    pub authority_host: Option<String>,
}
