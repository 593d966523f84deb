//! Entra ID as far as a client of the Speech service meets it: applications, what they prove themselves by, and tokens.
//!
//! Its times are real ones: clients compare the life of a token with the clock of their machine.

mod application;
mod assertion;
mod authority;
mod certificate;
mod exchange;
mod imds;
mod listener;
mod refusal;

pub use application::{Application, Role};
pub use assertion::Issuer;
pub use authority::router;
pub use certificate::{CertificateError, Credentials};
pub use imds::token as imds_token;
pub use listener::TlsListener;

use application::Identity;
use assertion::Assertion;
use jiff::{SignedDuration, Timestamp};
use refusal::Refusal;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How every token begins, so that tests can look for tokens where none may be.
const TOKEN_PREFIX: &str = "emulated-token.";

/// By what an application proves itself.
#[derive(Clone, Copy)]
enum Proof<'a> {
    Secret(&'a str),
    /// A token of an issuer that the application trusts.
    Assertion(&'a str),
}

/// A token that was given out.
struct Grant {
    token: String,
    client: Uuid,
    until: Timestamp,
    /// How long it lives from now on.
    seconds: u32,
}

/// To whom a token belongs, and until when.
#[derive(Debug)]
struct Holder {
    client: Uuid,
    until: Timestamp,
}

/// What Entra ID knows.
#[derive(Debug, Default)]
pub struct Entra {
    applications: BTreeMap<Uuid, Application>,
    /// The issuer whose keys are known.
    issuer: Option<Issuer>,
    tokens: BTreeMap<String, Holder>,
}

impl Entra {
    /// Declares an application, or replaces one.
    pub fn declare(&mut self, application: Application) {
        self.applications.insert(application.client_id, application);
    }

    /// Forgets an application; false if there is none.
    pub fn remove(&mut self, client: Uuid) -> bool {
        self.applications.remove(&client).is_some()
    }

    /// Ends all tokens of an application before their time.
    pub fn revoke(&mut self, client: Uuid) {
        self.tokens.retain(|_, holder| holder.client != client);
    }

    /// Knows the keys of an issuer from now on.
    pub fn trust(&mut self, issuer: Issuer) {
        self.issuer = Some(issuer);
    }

    /// Whose token this is; none for an unknown token and for one that has ended.
    pub fn holder_of(&self, token: &str, now: Timestamp) -> Option<Uuid> {
        let holder = self.tokens.get(token).filter(|holder| now < holder.until);
        holder.map(|holder| holder.client)
    }

    /// What an application may do at a Speech resource.
    pub fn role_of(&self, client: Uuid, resource: &str) -> Option<Role> {
        self.applications.get(&client)?.roles.get(resource).copied()
    }

    fn has_tenant(&self, tenant: &str) -> bool {
        let tenant = Uuid::parse_str(tenant).ok();
        let mut applications = self.applications.values();
        applications.any(|application| Some(application.tenant_id) == tenant)
    }

    /// A token for an application of a tenant, if it proves itself.
    fn grant(&mut self, tenant: &str, client: &str, proof: Proof<'_>, now: Timestamp) -> Result<Grant, Refusal> {
        if !self.has_tenant(tenant) {
            return Err(Refusal::tenant(tenant));
        }
        let found = Uuid::parse_str(client)
            .ok()
            .and_then(|client| self.applications.get(&client))
            .filter(|application| Uuid::parse_str(tenant) == Ok(application.tenant_id))
            .ok_or_else(|| Refusal::application(client, tenant))?;
        match proof {
            Proof::Secret(secret) if found.secret.as_deref() == Some(secret) => {}
            Proof::Secret(_) => return Err(Refusal::secret(client)),
            Proof::Assertion(text) => {
                let assertion = Assertion::parse(text).ok_or_else(Refusal::malformed)?;
                found.check_trust(&assertion)?;
                let is_signed = self.issuer.as_ref().is_some_and(|issuer| issuer.has_signed(&assertion));
                if !is_signed {
                    return Err(Refusal::signature());
                }
                assertion.check_time(now)?;
            }
        }
        let (client, seconds) = (found.client_id, found.token_seconds);
        Ok(self.issue(client, seconds, now))
    }

    /// A token for a managed identity of the machine; without a client, for the one that the machine itself has.
    fn grant_managed(&mut self, client: Option<&str>, now: Timestamp) -> Option<Grant> {
        let is_meant = |application: &&Application| match client {
            Some(client) => {
                application.managed_identity.is_some() && Uuid::parse_str(client) == Ok(application.client_id)
            }
            None => application.managed_identity == Some(Identity::SystemAssigned),
        };
        let found = self.applications.values().find(is_meant)?;
        let (client, seconds) = (found.client_id, found.token_seconds);
        Some(self.issue(client, seconds, now))
    }

    fn issue(&mut self, client: Uuid, seconds: u32, now: Timestamp) -> Grant {
        self.tokens.retain(|_, holder| now < holder.until);
        let token = format!("{TOKEN_PREFIX}{}", Uuid::new_v4().simple());
        let life = SignedDuration::from_secs(i64::from(seconds));
        let until = now.saturating_add(life).unwrap_or(now);
        self.tokens.insert(token.clone(), Holder { client, until });
        Grant {
            token,
            client,
            until,
            seconds,
        }
    }
}
