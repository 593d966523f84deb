//! By what a connection proves who it is, and whether it may: its own secret or ServiceAccount, or what the operator lends.
//!
//! Whoever may create a connection must not thereby act as the operator, nor have a secret or an assertion sent wherever
//! they like.
use super::contact::{Cause, Obstacle};
use kube::ResourceExt;
use speech_api::{SpeechConnection, reference::SecretKeyRef};
use speech_service::{App, Authority, Cloud};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What whoever runs the operator lends to connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lending {
    /// The namespaces whose connections may use the operator's own identities.
    pub namespaces: BTreeSet<String>,
    /// Whether the operator has a token of its own ServiceAccount for Entra ID.
    pub has_own_token: bool,
    /// Authorities besides those of Azure.
    pub authorities: Vec<Authority>,
}

/// By what a connection proves who it is. Another value asks for another credential. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A key of the Speech resource.
    Key(SecretEntry),
    /// An application's secret.
    ClientSecret(App, SecretEntry),
    /// An identity that trusts this ServiceAccount of the connection's namespace.
    ServiceAccount(App, String),
    /// An identity that trusts the operator's own ServiceAccount.
    OwnToken(App),
    /// A managed identity of the operator's node or pod; without a client id, the system-assigned one.
    Managed(Option<Uuid>),
}

/// One entry of a Secret, in a state of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretEntry {
    pub reference: SecretKeyRef,
    pub version: SecretVersion,
}

/// A state of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretVersion {
    pub uid: String,
    pub resource_version: String,
}

impl Proof {
    /// What stands for it in the status. A key may lead to another resource than the key before it. An identity is the same
    /// with whatever secret.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Key(SecretEntry { reference, version }) => {
                format!("{}/{}/{}", version.uid, version.resource_version, reference.key)
            }
            Self::ClientSecret(app, _) | Self::ServiceAccount(app, _) | Self::OwnToken(app) => {
                format!("entra/{}/{}", app.tenant, app.client)
            }
            Self::Managed(client) => {
                client.map_or_else(|| "managed/system".to_owned(), |client| format!("managed/{client}"))
            }
        }
    }
}

/// What a spec asks for, if it may have it. `endpoint` is its address, and `secret` the state of the Secret that it names, if
/// that exists.
pub fn proof(
    connection: &SpeechConnection,
    endpoint: &str,
    secret: Option<SecretVersion>,
    lending: &Lending,
) -> Result<Proof, Obstacle> {
    let auth = &connection.spec.auth;
    let entry = |reference: &SecretKeyRef| -> Result<SecretEntry, Obstacle> {
        let version = secret.ok_or_else(|| not_found(connection, reference))?;
        let reference = reference.clone();
        Ok(SecretEntry { reference, version })
    };
    let app = |tenant: &str, client: &str, authority: Option<&str>| -> Result<App, Obstacle> {
        let of_cloud = || Ok(Authority::of(Cloud::of_endpoint(endpoint)));
        Ok(App {
            tenant: uuid("tenantId", tenant)?,
            client: uuid("clientId", client)?,
            authority: authority.map_or_else(of_cloud, |text| allowed(text, lending))?,
        })
    };
    if let Some(reference) = &auth.key_secret_ref {
        return entry(reference).map(Proof::Key);
    }
    if let Some(one) = &auth.client_secret_ref {
        let app = app(&one.tenant_id, &one.client_id, one.authority_host.as_deref())?;
        return Ok(Proof::ClientSecret(app, entry(&one.secret)?));
    }
    if let Some(one) = &auth.workload_identity {
        let app = app(&one.tenant_id, &one.client_id, one.authority_host.as_deref())?;
        if let Some(account) = &one.service_account_ref {
            return Ok(Proof::ServiceAccount(app, account.name.clone()));
        }
        lent(connection, lending)?;
        return match lending.has_own_token {
            true => Ok(Proof::OwnToken(app)),
            false => Err(not_lent(
                "the operator has no token of its own for Entra ID (AZURE_FEDERATED_TOKEN_FILE is not set): set \
                 spec.auth.workloadIdentity.serviceAccountRef, or enable workload identity for the operator"
                    .to_owned(),
            )),
        };
    }
    if let Some(one) = &auth.managed_identity {
        lent(connection, lending)?;
        let client = one.client_id.as_deref().map(|text| uuid("clientId", text));
        return Ok(Proof::Managed(client.transpose()?));
    }
    Err(unusable(
        "spec.auth needs keySecretRef, workloadIdentity, managedIdentity or clientSecretRef".to_owned(),
    ))
}

/// An authority that may be sent a secret or an assertion.
fn allowed(text: &str, lending: &Lending) -> Result<Authority, Obstacle> {
    let refused = |message: String| Obstacle {
        cause: Cause::AuthorityNotAllowed,
        message: format!("spec.auth: authorityHost: {message}"),
    };
    let authority: Authority = text.parse().map_err(|error| refused(format!("{error}")))?;
    let is_known = Authority::known().any(|known| known == authority) || lending.authorities.contains(&authority);
    match is_known {
        true => Ok(authority),
        false => Err(refused(format!(
            "{authority} is not an authority of Azure; whoever runs the operator allows others with --allowed-authorities"
        ))),
    }
}

/// Whether the namespace of a connection may use what the operator is.
fn lent(connection: &SpeechConnection, lending: &Lending) -> Result<(), Obstacle> {
    let namespace = connection.namespace().unwrap_or_default();
    if lending.namespaces.contains(&namespace) {
        return Ok(());
    }
    Err(not_lent(format!(
        "connections of namespace {namespace} may not use the operator's own identity: set \
         spec.auth.workloadIdentity.serviceAccountRef; whoever runs the operator lends it with --identity-namespaces"
    )))
}

fn not_lent(message: String) -> Obstacle {
    let cause = Cause::IdentityNotAllowed;
    Obstacle { cause, message }
}

fn uuid(field: &str, text: &str) -> Result<Uuid, Obstacle> {
    text.parse()
        .map_err(|_| unusable(format!("spec.auth: {field} is not a UUID")))
}

fn unusable(message: String) -> Obstacle {
    let cause = Cause::SpecInvalid;
    Obstacle { cause, message }
}

/// The Secret that a spec names does not exist.
pub(super) fn not_found(connection: &SpeechConnection, reference: &SecretKeyRef) -> Obstacle {
    Obstacle {
        cause: Cause::SecretNotFound,
        message: format!(
            "Secret {} does not exist in namespace {}; it is used as soon as it appears",
            reference.name,
            connection.namespace().unwrap_or_default()
        ),
    }
}
