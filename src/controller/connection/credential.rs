//! Makes what a client proves with who it is: reads the Secret, or names the identity whose tokens are kept.
use crate::controller::{Context, guard::ReconcileError};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use secrecy::SecretString;
use speech_api::{SpeechConnection, reference::SecretKeyRef};
use speech_fleet::account::AccountTokens;
use speech_plan::connection::{
    Obstacle,
    identity::Proof,
    link::{self, LinkSource},
};
use speech_service::{
    App, ClientSecret, Cloud, Credential, InvalidKey, SubscriptionKey, TokenKeeper,
    entra::{EntraTokens, Identity},
    token::{Assertions, TokenError, TokenTrouble},
};
use std::{fs, path::PathBuf, pin::Pin, sync::Arc};

/// Why there is no client.
pub(super) enum Unlinked {
    /// Spec or Secret are in the way.
    Blocked(Obstacle),
    /// The cluster did not answer.
    Unread(ReconcileError),
}

impl From<Obstacle> for Unlinked {
    fn from(obstacle: Obstacle) -> Self {
        Self::Blocked(obstacle)
    }
}

/// The credential that a source names.
pub(super) async fn make(
    context: &Context,
    connection: &SpeechConnection,
    source: &LinkSource,
) -> Result<Credential, Unlinked> {
    let namespace = connection.namespace().unwrap_or_default();
    let federated = |app: &App, assertions: Arc<dyn Assertions>| Identity::Federated(app.clone(), assertions);
    let identity = match &source.proof {
        Proof::Key(entry) => {
            let key = read(context, connection, &entry.reference, SubscriptionKey::parse).await?;
            return Ok(key.into());
        }
        Proof::ClientSecret(app, entry) => {
            let secret = read(context, connection, &entry.reference, ClientSecret::parse).await?;
            Identity::Secret(app.clone(), secret)
        }
        Proof::ServiceAccount(app, name) => {
            let tokens = AccountTokens::new(context.client.clone(), namespace, name.clone());
            federated(app, Arc::new(tokens))
        }
        Proof::OwnToken(app) => federated(app, Arc::new(OwnToken(context.own_token.clone()))),
        Proof::Managed(client) => Identity::Managed(*client),
    };
    let scope = Cloud::of_endpoint(&source.endpoint).scope();
    let tokens = EntraTokens::new(context.issuers.clone(), identity, scope);
    Ok(TokenKeeper::new(tokens).into())
}

/// Reads the secret itself.
async fn read<T>(
    context: &Context,
    connection: &SpeechConnection,
    reference: &SecretKeyRef,
    parse: fn(&[u8]) -> Result<T, InvalidKey>,
) -> Result<T, Unlinked> {
    let namespace = connection.namespace().unwrap_or_default();
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &namespace);
    let read = api.get_opt(&reference.name).await;
    let secret = read.map_err(|error| Unlinked::Unread(ReconcileError::Read(Box::new(error))))?;
    let entries = secret.map(|secret| secret.data.unwrap_or_default());
    let value = link::entry(connection, reference, entries.as_ref())?;
    parse(&value.0).map_err(|error| link::no_key(reference, &error).into())
}

/// The token of the operator's own ServiceAccount, which the kubelet renews in a file.
struct OwnToken(Option<PathBuf>);

impl Assertions for OwnToken {
    fn assertion(&self) -> Pin<Box<dyn Future<Output = Result<SecretString, TokenError>> + Send + '_>> {
        // A few bytes in the memory of the node: no reason to leave the thread.
        let read = self.0.as_ref().map(fs::read_to_string);
        let token = match read {
            Some(Ok(text)) => Ok(text.trim().into()),
            Some(Err(error)) => Err(format!(
                "the file of AZURE_FEDERATED_TOKEN_FILE cannot be read: {error}"
            )),
            None => Err("AZURE_FEDERATED_TOKEN_FILE is not set".to_owned()),
        };
        let token = token.map_err(|message| TokenError::new(TokenTrouble::Unavailable, message));
        Box::pin(std::future::ready(token))
    }
}
