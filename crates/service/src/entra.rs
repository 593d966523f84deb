//! Tokens of Entra ID, by the library that Azure makes for it. What it sends travels over our own network ([`wire`]).
mod refusal;
mod wire;

use super::{
    allowed_hosts::{AllowedHosts, HostPattern},
    authority::{App, Authority},
    error::BoxError,
    key::ClientSecret,
    token::{AccessToken, Assertions, Fetched, TokenError, TokenSource, TokenTrouble},
    transport::{ReqwestTransport, Transport},
};
use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    credentials::{Secret, TokenCredential},
    http::{ClientMethodOptions, ClientOptions, RetryOptions},
    time::OffsetDateTime,
};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use futures::future::BoxFuture;
use secrecy::ExposeSecret;
use std::{error::Error, fmt, sync::Arc};
use url::Url;
use uuid::Uuid;
use wire::Wire;

/// Where the managed identities of a node or pod are asked for, unless somebody says otherwise.
pub const IMDS: &str = "http://169.254.169.254";
/// What a condition calls it.
const IMDS_NAME: &str = "the instance metadata service";

/// The network towards those who issue tokens. Cheap to clone.
#[derive(Clone)]
pub struct Issuers {
    authorities: Arc<dyn Transport>,
    imds: Arc<dyn Transport>,
    imds_address: Url,
}

impl Issuers {
    /// A network that calls Azure's own authorities, these, and the metadata service at an address; nobody else gets a
    /// secret or an assertion. The metadata service is on the node: no proxy leads there.
    pub fn new(user_agent: &str, more: &[Authority], imds_address: Url) -> Result<Self, BoxError> {
        let known: Vec<_> = Authority::known().collect();
        let authorities = known.iter().chain(more);
        let host = |host: url::Host<String>| HostPattern::Exactly(host);
        let hosts = AllowedHosts::new(authorities.map(|authority| host(authority.host().clone())));
        let imds = imds_address.host().map(|named| host(named.to_owned()));
        Ok(Self {
            authorities: Arc::new(ReqwestTransport::of(user_agent, hosts)?),
            imds: Arc::new(ReqwestTransport::direct(user_agent, AllowedHosts::new(imds))?),
            imds_address,
        })
    }

    /// The same for tests: one network for all.
    #[cfg(test)]
    fn over(transport: Arc<dyn Transport>, imds_address: Url) -> Self {
        Self {
            authorities: Arc::clone(&transport),
            imds: transport,
            imds_address,
        }
    }
}

/// Whom a token is issued to, and how it is proved.
#[derive(Clone)]
pub enum Identity {
    /// An application, by its secret.
    Secret(App, ClientSecret),
    /// An application or managed identity that trusts whoever gives these assertions.
    Federated(App, Arc<dyn Assertions>),
    /// The managed identity of the node or pod; without a client id, its system-assigned one.
    Managed(Option<Uuid>),
}

/// The tokens of one identity for Speech resources.
pub struct EntraTokens {
    issuers: Issuers,
    identity: Identity,
    scope: &'static str,
}

impl EntraTokens {
    pub fn new(issuers: Issuers, identity: Identity, scope: &'static str) -> Self {
        Self {
            issuers,
            identity,
            scope,
        }
    }

    /// A credential for one fetch. The library's own keeps its token until its end whatever the service says of it.
    fn credential(&self) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(match &self.identity {
            Identity::Secret(app, secret) => ClientSecretCredential::new(
                &app.tenant.to_string(),
                app.client.to_string(),
                Secret::new(secret.expose().to_owned()),
                Some(ClientSecretCredentialOptions {
                    client_options: self.at(&app.authority),
                }),
            )?,
            Identity::Federated(app, assertions) => ClientAssertionCredential::new(
                app.tenant.to_string(),
                app.client.to_string(),
                Asserted(Arc::clone(assertions)),
                Some(ClientAssertionCredentialOptions {
                    client_options: self.at(&app.authority),
                }),
            )?,
            Identity::Managed(client) => ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                user_assigned_id: client.map(|id| UserAssignedId::ClientId(id.to_string())),
                client_options: self.of_node(),
            }))?,
        })
    }

    fn at(&self, authority: &Authority) -> ClientOptions {
        let mut custom = CustomConfiguration::default();
        custom.authority_host = authority.to_string();
        let network = Arc::clone(&self.issuers.authorities);
        ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
            ..over(Wire::new(network, authority.to_string(), None))
        }
    }

    fn of_node(&self) -> ClientOptions {
        let network = Arc::clone(&self.issuers.imds);
        let address = self.issuers.imds_address.clone();
        over(Wire::new(network, IMDS_NAME.to_owned(), Some(address)))
    }

    /// Whoever issues the tokens, for people.
    fn place(&self) -> String {
        match &self.identity {
            Identity::Secret(app, _) | Identity::Federated(app, _) => app.authority.to_string(),
            Identity::Managed(_) => IMDS_NAME.to_owned(),
        }
    }

    async fn ask(&self) -> Result<Fetched, TokenError> {
        let asked = async { self.credential()?.get_token(&[self.scope], None).await };
        let found = asked.await.map_err(|error| self.told(&error))?;
        let lives = found.expires_on - OffsetDateTime::now_utc();
        let ended = || {
            TokenError::new(
                TokenTrouble::Unavailable,
                format!("{} gave a token that has ended; check the clocks", self.place()),
            )
        };
        Ok(Fetched {
            token: AccessToken::parse(found.token.secret())?,
            lives: lives.try_into().map_err(|_| ended())?,
        })
    }

    /// Our own word of what went wrong is somewhere below the library's. What it says itself may quote an answer.
    fn told(&self, error: &azure_core::Error) -> TokenError {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(told) = error.downcast_ref::<TokenError>() {
                return told.clone();
            }
            cause = error.source();
        }
        let message = format!(
            "{} answers with something that is no token; check what stands before it",
            self.place()
        );
        TokenError::new(TokenTrouble::Unavailable, message)
    }
}

impl TokenSource for EntraTokens {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, TokenError>> {
        Box::pin(self.ask())
    }
}

/// Repeats nothing: the keeper of the token does.
fn over(wire: Wire) -> ClientOptions {
    ClientOptions {
        transport: Some(wire.into()),
        retry: RetryOptions::none(),
        ..ClientOptions::default()
    }
}

/// Assertions as the library asks for them.
struct Asserted(Arc<dyn Assertions>);

impl fmt::Debug for Asserted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asserted")
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Asserted {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let assertion = self.0.assertion().await;
        let assertion =
            assertion.map_err(|error| azure_core::Error::new(azure_core::error::ErrorKind::Credential, error))?;
        Ok(assertion.expose_secret().to_owned())
    }
}

#[cfg(test)]
mod tests;
