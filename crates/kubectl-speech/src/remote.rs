//! The Speech service, asked with the credential of a connection, as far as the caller may use it.
use super::{KubectlError, fleet::Fleet, options::RemoteArgs};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use speech_api::{SpeechConnection, reference::SecretKeyRef};
use speech_fleet::account::AccountTokens;
use speech_plan::connection::identity::{Lending, Proof, SecretVersion, proof};
use speech_service::{
    AllowedHosts, ApiVersion, BaseUrl, Budget, Client, ClientSecret, Cloud, Credential, Error, InvalidKey,
    ReqwestTransport, SubscriptionKey, TokenKeeper, Transport,
    entra::{EntraTokens, IMDS, Identity, Issuers},
};
use std::{sync::Arc, time::Duration};

/// A person takes little of what the service allows to all clients together; the operator needs the rest.
const REQUESTS: (u32, Duration) = (20, Duration::from_secs(10));
/// How the service sees us.
const USER_AGENT: &str = concat!("kubectl-speech/", env!("CARGO_PKG_VERSION"));

/// A client of the connection's Speech resource; `version` in place of the connection's own.
pub async fn connect(
    fleet: &Fleet,
    connection: &SpeechConnection,
    args: &RemoteArgs,
    version: Option<ApiVersion>,
) -> Result<Client, KubectlError> {
    let name = format!(
        "{}/{}",
        connection.namespace().unwrap_or_default(),
        connection.name_any()
    );
    let unusable = |words: String| KubectlError::Key(format!("SpeechConnection {name}: {words}"));
    let base = BaseUrl::parse(&connection.spec.endpoint, args.allow_http)
        .map_err(|error| unusable(format!("spec.endpoint: {error}")))?;
    let hosts = AllowedHosts::new(args.allowed_hosts.iter().cloned());
    hosts
        .check(&base)
        .map_err(|refusal| unusable(format!("spec.endpoint: {refusal}")))?;
    let credential = credential(fleet, connection, &base, args).await?;
    let transport = ReqwestTransport::of(USER_AGENT, hosts).map_err(|error| unusable(error.to_string()))?;
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let version = version.unwrap_or(connection.spec.api_version.into());
    let budget = Arc::new(Budget::new(REQUESTS.0, REQUESTS.1));
    Ok(Client::new(transport, base, version, credential, budget, Arc::new(())).patient())
}

/// What an error of the service is to whoever called.
pub fn failed(client: &Client) -> impl Fn(Error) -> KubectlError {
    let base = client.base().as_str().to_owned();
    move |source| KubectlError::Service {
        base: base.clone(),
        source: Box::new(source),
    }
}

/// What the connection proves with, from what the caller may read or request.
async fn credential(
    fleet: &Fleet,
    connection: &SpeechConnection,
    base: &BaseUrl,
    args: &RemoteArgs,
) -> Result<Credential, KubectlError> {
    let namespace = connection.namespace().unwrap_or_default();
    // Whether the operator lends what it is does not matter: nobody else has it.
    let lending = Lending {
        namespaces: [namespace.clone()].into(),
        has_own_token: true,
        authorities: args.allowed_authorities.clone(),
    };
    // Whatever the state of a Secret is, it is read just now.
    let version = Some(SecretVersion::default());
    let proof = proof(connection, base.as_str(), version, &lending);
    let proof = proof.map_err(|obstacle| KubectlError::Key(obstacle.message))?;
    let identity = match proof {
        Proof::Key(entry) => {
            let key = secret(fleet, &namespace, &entry.reference, SubscriptionKey::parse).await?;
            return Ok(key.into());
        }
        Proof::ClientSecret(app, entry) => {
            let secret = secret(fleet, &namespace, &entry.reference, ClientSecret::parse).await?;
            Identity::Secret(app, secret)
        }
        Proof::ServiceAccount(app, name) => {
            let client = fleet.cluster.client().clone();
            Identity::Federated(app, Arc::new(AccountTokens::new(client, namespace, name)))
        }
        Proof::OwnToken(_) | Proof::Managed(_) => {
            return Err(KubectlError::Key(format!(
                "SpeechConnection {namespace}/{} uses the operator's own identity, which nobody else can use: give the connection a \
                 ServiceAccount of its own (spec.auth.workloadIdentity.serviceAccountRef), or ask in Azure",
                connection.name_any()
            )));
        }
    };
    let unusable = |error: String| KubectlError::Key(format!("no client for Entra ID: {error}"));
    let imds = IMDS
        .parse()
        .map_err(|error: url::ParseError| unusable(error.to_string()))?;
    let issuers = Issuers::new(USER_AGENT, &args.allowed_authorities, imds);
    let issuers = issuers.map_err(|error| unusable(error.to_string()))?;
    let tokens = EntraTokens::new(issuers, identity, Cloud::of_endpoint(base.as_str()).scope());
    Ok(TokenKeeper::new(tokens).into())
}

async fn secret<T>(
    fleet: &Fleet,
    namespace: &str,
    reference: &SecretKeyRef,
    parse: fn(&[u8]) -> Result<T, InvalidKey>,
) -> Result<T, KubectlError> {
    let path = format!("{namespace}/{}", reference.name);
    let secrets: Api<Secret> = Api::namespaced(fleet.cluster.client().clone(), namespace);
    let secret = secrets
        .get_opt(&reference.name)
        .await
        .map_err(|error| KubectlError::secret(path.clone(), error))?;
    let secret = secret.ok_or_else(|| KubectlError::Key(format!("the Secret {path} does not exist")))?;
    let value = secret.data.as_ref().and_then(|data| data.get(&reference.key));
    let ByteString(value) =
        value.ok_or_else(|| KubectlError::Key(format!("the Secret {path} has no key {}", reference.key)))?;
    // What cannot be a key is not told: it may nearly be one.
    parse(value).map_err(|error| KubectlError::Key(format!("the Secret {path}, key {}: {error}", reference.key)))
}
