//! What came of the last contact with a Speech resource, and whom a change of it concerns.
use speech_api::Reason;

/// What came of the last contact with the Speech resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// The first look has not ended.
    Pending,
    /// The lists were read.
    Established(Counts),
    /// The service is not even asked.
    Blocked(Obstacle),
    /// Something is wrong.
    Broken {
        /// What.
        reason: Reason,
        /// The same for a person, without any secret.
        message: String,
        /// Whether it may heal without anyone doing anything.
        transient: bool,
        /// The last counts, if there ever were some.
        counts: Option<Counts>,
    },
}

/// How many entities the Speech resource holds, whoever made them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub endpoints: usize,
    /// Custom models.
    pub models: usize,
    pub base_models: usize,
}

/// Why the service is not asked: there is no address or no credential to ask with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub cause: Cause,
    /// The same for a person, without any secret.
    pub message: String,
}

/// What is wrong with what a client is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    EndpointInvalid,
    HostNotAllowed,
    SecretNotFound,
    SecretKeyInvalid,
    /// What the schema does not let pass, and an older one did.
    SpecInvalid,
    AuthorityNotAllowed,
    IdentityNotAllowed,
}

impl Cause {
    /// The same as conditions have it.
    pub fn reason(self) -> Reason {
        match self {
            Self::EndpointInvalid => Reason::EndpointInvalid,
            Self::HostNotAllowed => Reason::HostNotAllowed,
            Self::SecretNotFound => Reason::SecretNotFound,
            Self::SecretKeyInvalid => Reason::SecretKeyInvalid,
            Self::SpecInvalid => Reason::SpecInvalid,
            Self::AuthorityNotAllowed => Reason::AuthorityNotAllowed,
            Self::IdentityNotAllowed => Reason::IdentityNotAllowed,
        }
    }
}

/// Which objects of a connection have to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerned {
    /// All that refer to it.
    Everyone,
    /// Those that are being deleted.
    Leaving,
    Nobody,
}

impl Contact {
    /// How many entities there were at the last look, if there was one.
    pub fn counts(&self) -> Option<Counts> {
        match self {
            Self::Established(counts) => Some(*counts),
            Self::Broken { counts, .. } => *counts,
            Self::Pending | Self::Blocked(_) => None,
        }
    }

    /// Whom it concerns that this contact is followed by another. Who could not be looked at before can be now. An object
    /// at rest is not disturbed when a working connection breaks; one that is being deleted is, because from then on its
    /// deletion is held up.
    pub fn concerns(&self, next: &Self) -> Concerned {
        match (self, next) {
            (Self::Pending, _) => Concerned::Everyone,
            (Self::Established(_), Self::Established(_)) => Concerned::Nobody,
            (_, Self::Established(_)) => Concerned::Everyone,
            (Self::Established(_), _) => Concerned::Leaving,
            (Self::Blocked(_) | Self::Broken { .. }, Self::Pending | Self::Blocked(_) | Self::Broken { .. }) => {
                Concerned::Nobody
            }
        }
    }

    /// Whether the trouble was found without asking the service, so that it is over, without asking it, with a client of
    /// another address or credential.
    pub fn ends_with_another_client(&self) -> bool {
        match self {
            Self::Blocked(_) => true,
            // The name of the host stands for an address that is never called.
            Self::Broken { reason, .. } => *reason == Reason::HostNotAllowed,
            Self::Pending | Self::Established(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked() -> Contact {
        Contact::Blocked(Obstacle {
            cause: Cause::SecretNotFound,
            message: "words".into(),
        })
    }

    fn broken(reason: Reason) -> Contact {
        Contact::Broken {
            reason,
            message: "words".into(),
            transient: true,
            counts: None,
        }
    }

    #[test]
    fn a_change_of_contact_concerns_those_whose_decision_it_changes() {
        let works = || Contact::Established(Counts::default());
        let fails = || broken(Reason::Unreachable);
        for (before, after, concerned) in [
            (Contact::Pending, works(), Concerned::Everyone),
            (Contact::Pending, fails(), Concerned::Everyone),
            (Contact::Pending, blocked(), Concerned::Everyone),
            (fails(), works(), Concerned::Everyone),
            (blocked(), works(), Concerned::Everyone),
            (works(), works(), Concerned::Nobody),
            (works(), fails(), Concerned::Leaving),
            (works(), blocked(), Concerned::Leaving),
            (works(), Contact::Pending, Concerned::Leaving),
            (fails(), blocked(), Concerned::Nobody),
            (blocked(), Contact::Pending, Concerned::Nobody),
        ] {
            assert_eq!(before.concerns(&after), concerned, "{before:?} {after:?}");
        }
    }

    #[test]
    fn only_what_was_found_without_the_service_ends_without_it() {
        for (contact, ends) in [
            (blocked(), true),
            (broken(Reason::HostNotAllowed), true),
            (broken(Reason::CredentialInvalid), false),
            (Contact::Pending, false),
            (Contact::Established(Counts::default()), false),
        ] {
            assert_eq!(contact.ends_with_another_client(), ends, "{contact:?}");
        }
    }
}
