//! The Speech service, asked with the key of a connection that the caller may read.
use super::{KubectlError, fleet::Fleet, options::RemoteArgs};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use speech_api::{SpeechConnection, connection::ApiVersionName};
use speech_service::{
    AllowedHosts, ApiVersion, BaseUrl, Budget, Client, Error, ReqwestTransport, SubscriptionKey, Transport,
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
    let key = key(fleet, connection).await?;
    let transport = ReqwestTransport::of(USER_AGENT, hosts).map_err(|error| unusable(error.to_string()))?;
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let version = version.unwrap_or(match connection.spec.api_version {
        ApiVersionName::V2025_10_15 => ApiVersion::V2025_10_15,
        ApiVersionName::V2024_11_15 => ApiVersion::V2024_11_15,
        ApiVersionName::V3_2 => ApiVersion::V3_2,
    });
    let budget = Arc::new(Budget::new(REQUESTS.0, REQUESTS.1));
    let client = Client::new(transport, base, version, key, budget, Arc::new(()));
    let client = client.map_err(|error| unusable(error.to_string()))?;
    Ok(client.patient())
}

/// What an error of the service is to whoever called.
pub fn failed(client: &Client) -> impl Fn(Error) -> KubectlError {
    let base = client.base().as_str().to_owned();
    move |source| KubectlError::Service {
        base: base.clone(),
        source: Box::new(source),
    }
}

async fn key(fleet: &Fleet, connection: &SpeechConnection) -> Result<SubscriptionKey, KubectlError> {
    let namespace = connection.namespace().unwrap_or_default();
    let reference = connection.spec.auth.key_secret_ref.as_ref();
    let reference = reference.ok_or_else(|| KubectlError::Key("spec.auth needs keySecretRef".to_owned()))?;
    let path = format!("{namespace}/{}", reference.name);
    let secrets: Api<Secret> = Api::namespaced(fleet.cluster.client().clone(), &namespace);
    let secret = secrets
        .get_opt(&reference.name)
        .await
        .map_err(|error| KubectlError::secret(path.clone(), error))?;
    let secret = secret.ok_or_else(|| KubectlError::Key(format!("the Secret {path} does not exist")))?;
    let value = secret.data.as_ref().and_then(|data| data.get(&reference.key));
    let value = value.ok_or_else(|| KubectlError::Key(format!("the Secret {path} has no key {}", reference.key)))?;
    // What cannot be a key is not told: it may nearly be one.
    SubscriptionKey::parse(&value.0)
        .map_err(|error| KubectlError::Key(format!("the Secret {path}, key {}: {error}", reference.key)))
}
