//! What a snapshot says of a connection, read once and typed. The rules and the status go by nothing else of these.
use super::{Contact, Snapshot, contact::Cause};
use crate::{ORPHAN_AFTER, text::after};
use jiff::Timestamp;
use speech_api::{Reason, annotation, is_held};

/// What the rules ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub generation: i64,
    /// Whether the finalizer keeps the object.
    pub held: bool,
    pub deletion: Deletion,
    /// How many objects need it.
    pub dependents: usize,
    pub service: Service,
    /// Whether it proves with tokens of Entra ID who it is, and not with a key.
    pub uses_tokens: bool,
    /// Whether what is reached is known to be the resource that is meant.
    pub recognised: bool,
    /// Until when deletions may use the last credential, though it is gone or unusable (UTC).
    pub last_key_until: Option<Timestamp>,
    /// Whether somebody asks for a look by an annotation.
    pub asked_anew: bool,
    /// A restart of the operator is no news of the connection: what an earlier look told stands until the next one ends.
    pub told_before: bool,
}

/// Whether a connection is being deleted, and who keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is not.
    Wanted,
    /// It is kept for those that leave as well, but not for ever.
    Leaving {
        /// When it was deleted (UTC).
        since: Timestamp,
        /// Until when it is kept at most (UTC).
        until: Timestamp,
    },
    /// It is kept for those that live as long as they do, like a volume.
    InUse {
        /// When it was deleted (UTC).
        since: Timestamp,
        /// How many live.
        living: usize,
    },
}

impl Deletion {
    /// Until when the connection is kept at most (UTC).
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Leaving { until, .. } => Some(until),
            Self::Wanted | Self::InUse { .. } => None,
        }
    }
}

/// How it stands with the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// The first look has not ended.
    Pending,
    Troubled(Trouble),
    /// The lists were read.
    Works,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub concern: Concern,
    pub reason: Reason,
    /// The same for a person.
    pub message: String,
    /// Whether it may heal without anyone doing anything.
    pub transient: bool,
}

/// What a trouble is about, in the order in which a contact comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// The addresses that the spec has.
    Spec,
    /// What is to be proved with: a Secret, or an identity for which there is no token. Nothing was asked with it.
    Proof,
    /// Whether anything answers as a Speech resource does.
    Answer,
    /// What the service says to it.
    Credential,
    /// Which resource it is.
    Resource,
}

impl Facts {
    /// Reads a snapshot.
    pub fn read(s: &Snapshot<'_>) -> Self {
        let status = s.object.status.as_ref();
        let generation = s.object.metadata.generation.unwrap_or_default();
        let deletion = deletion(s);
        let handled = status.and_then(|status| status.last_handled_reconcile_at.as_deref());
        let is_described =
            status.is_some_and(|status| status.observed_generation == generation && !status.conditions.is_empty());
        Self {
            generation,
            held: is_held(s.object),
            deletion,
            dependents: s.dependents.count,
            service: service(s.contact),
            uses_tokens: s.object.spec.auth.key_secret_ref.is_none(),
            recognised: s.recognised,
            last_key_until: s.last_key_until,
            asked_anew: annotation::reconcile_requested_anew(s.object, handled),
            told_before: is_described && *s.contact == Contact::Pending && deletion == Deletion::Wanted,
        }
    }
}

fn deletion(s: &Snapshot<'_>) -> Deletion {
    let Some(deleted) = &s.object.metadata.deletion_timestamp else {
        return Deletion::Wanted;
    };
    let since = deleted.0;
    match s.dependents.living {
        0 => Deletion::Leaving {
            since,
            until: after(since, s.dependents.patience.max(ORPHAN_AFTER)),
        },
        living => Deletion::InUse { since, living },
    }
}

fn service(contact: &Contact) -> Service {
    match contact {
        Contact::Pending => Service::Pending,
        Contact::Established(_) => Service::Works,
        Contact::Blocked(obstacle) => Service::Troubled(Trouble {
            concern: match obstacle.cause {
                Cause::EndpointInvalid | Cause::HostNotAllowed | Cause::SpecInvalid | Cause::AuthorityNotAllowed => {
                    Concern::Spec
                }
                Cause::SecretNotFound | Cause::SecretKeyInvalid | Cause::IdentityNotAllowed => Concern::Proof,
            },
            reason: obstacle.cause.reason(),
            message: obstacle.message.clone(),
            transient: false,
        }),
        Contact::Broken {
            reason,
            message,
            transient,
            ..
        } => Service::Troubled(Trouble {
            concern: concern(*reason),
            reason: *reason,
            message: message.clone(),
            transient: *transient,
        }),
    }
}

/// What a failed look is about.
fn concern(reason: Reason) -> Concern {
    const NO_TOKEN: [Reason; 4] = [
        Reason::ServiceAccountNotFound,
        Reason::TokenRequestDenied,
        Reason::TokenRefused,
        Reason::AuthorityUnavailable,
    ];
    if NO_TOKEN.contains(&reason) {
        Concern::Proof
    } else if matches!(reason, Reason::CredentialInvalid | Reason::PermissionDenied) {
        Concern::Credential
    } else if reason == Reason::DifferentResource {
        Concern::Resource
    } else {
        Concern::Answer
    }
}
