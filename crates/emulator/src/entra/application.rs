//! Applications, as tests declare them.
use super::{assertion::Assertion, refusal::Refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A role at a Speech resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Cognitive Services Speech Contributor.
    Contributor,
    /// Cognitive Services Speech User: of custom speech, it may only read.
    User,
}

/// How a machine has an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    SystemAssigned,
    UserAssigned,
}

/// Whose tokens count as a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federated {
    pub issuer: String,
    pub subject: String,
    pub audience: String,
}

/// An application, or a managed identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Application {
    pub tenant_id: Uuid,
    pub client_id: Uuid,
    #[serde(default)]
    pub secret: Option<String>,
    #[serde(default)]
    pub federated: Vec<Federated>,
    /// Set if the machine gives out its tokens.
    #[serde(default)]
    pub managed_identity: Option<Identity>,
    /// By name of the Speech resource.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// Life of its tokens, in real seconds.
    #[serde(default = "an_hour")]
    pub token_seconds: u32,
}

/// As Entra ID gives it, which takes off a second.
fn an_hour() -> u32 {
    3_599
}

impl Application {
    /// Compares issuer, then subject, then audience, letter by letter.
    pub fn check_trust(&self, assertion: &Assertion<'_>) -> Result<(), Refusal> {
        let claims = &assertion.claims;
        let mut trusted: Vec<&Federated> = self.federated.iter().collect();
        trusted.retain(|federated| federated.issuer == claims.iss);
        if trusted.is_empty() {
            return Err(Refusal::issuer(&claims.iss));
        }
        trusted.retain(|federated| federated.subject == claims.sub);
        if trusted.is_empty() {
            return Err(Refusal::subject(&claims.sub));
        }
        let audiences = claims.aud.names();
        if trusted.iter().any(|federated| audiences.contains(&federated.audience)) {
            Ok(())
        } else {
            Err(Refusal::audience(&audiences.join(", ")))
        }
    }
}
