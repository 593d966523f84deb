//! Tokens of ServiceAccounts for Entra ID, requested with the rights of whoever runs this process.
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, Client, api::PostParams};
use secrecy::SecretString;
use speech_service::token::{Assertions, TokenError, TokenTrouble};
use std::pin::Pin;

/// For whom Entra ID takes tokens of clusters.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The shortest life that the cluster gives; a token is used once, and at once.
const LIFE_SECONDS: i64 = 600;

/// The tokens of one ServiceAccount.
pub struct AccountTokens {
    client: Client,
    namespace: String,
    name: String,
}

impl AccountTokens {
    pub fn new(client: Client, namespace: String, name: String) -> Self {
        Self {
            client,
            namespace,
            name,
        }
    }

    async fn request(&self) -> Result<SecretString, TokenError> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: vec![AUDIENCE.to_owned()],
                expiration_seconds: Some(LIFE_SECONDS),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let created = accounts
            .create_token_request(&self.name, &PostParams::default(), &request)
            .await;
        let token = created.map_err(|error| self.told(&error))?.status;
        token.map(|status| status.token.into()).ok_or_else(|| {
            let message = format!(
                "the cluster gave no token for ServiceAccount {}/{}",
                self.namespace, self.name
            );
            TokenError::new(TokenTrouble::Unavailable, message)
        })
    }

    fn told(&self, error: &kube::Error) -> TokenError {
        let account = format!("ServiceAccount {} of namespace {}", self.name, self.namespace);
        let code = if let kube::Error::Api(status) = error {
            Some(status.code)
        } else {
            None
        };
        match code {
            Some(404) => TokenError::new(
                TokenTrouble::NoServiceAccount,
                format!("{account} does not exist, so there is no token for Entra ID; create it"),
            ),
            Some(401 | 403) => TokenError::new(
                TokenTrouble::Denied,
                format!(
                    "the cluster does not allow to request tokens for {account}: bind the ClusterRole speech-operator-tokens in that \
                     namespace, or whatever allows to create serviceaccounts/token there"
                ),
            ),
            Some(_) | None => TokenError::new(
                TokenTrouble::Unavailable,
                format!(
                    "the cluster gives no token for {account} now: {}",
                    speech_service::error::chain(error)
                ),
            ),
        }
    }
}

impl Assertions for AccountTokens {
    fn assertion(&self) -> Pin<Box<dyn Future<Output = Result<SecretString, TokenError>> + Send + '_>> {
        Box::pin(self.request())
    }
}
