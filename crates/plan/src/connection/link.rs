//! How the Speech resource of a connection is reached: from spec and Secret to a client.
//!
//! The driver reports what it sees ([`look_up`]), reads the Secret if the answer asks for it, and reports the outcome
//! ([`entry`], [`change`]). The key itself is never seen here.
use super::{
    contact::{Cause, Contact, Obstacle},
    identity::{Lending, Proof, SecretVersion, not_found, proof},
};
use crate::text::after;
use jiff::{SignedDuration, Timestamp};
use speech_api::{SpeechConnection, connection::KnownResource, reference::SecretKeyRef};
use speech_service::ApiVersion;
use std::{collections::BTreeMap, fmt::Display};

/// How long deletions may use a credential that is gone or unusable.
///
/// When a namespace is deleted its Secret goes first, and without the key all that the namespace has in the Speech
/// service would stay behind. Whoever deletes only the Secret finds the time in the connection's condition; a key that
/// must not be used any more has to be regenerated in the service.
const LAST_KEY_FOR: SignedDuration = SignedDuration::from_mins(15);

/// So many entries of a Secret are named in place of one that it lacks.
const NAMED_ENTRIES: usize = 5;

/// What a client is made from; another value asks for another client, or for another credential in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSource {
    /// The address of the Speech resource.
    pub endpoint: String,
    pub version: ApiVersion,
    pub proof: Proof,
}

impl LinkSource {
    /// Whether a client of the one serves the other with another credential.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint && self.version == other.version
    }

    /// By what the resource is known that is reached so; the API version is no part of it.
    pub fn reaches(&self) -> KnownResource {
        KnownResource {
            endpoint: self.endpoint.clone(),
            secret: self.proof.name(),
            accepted: None,
        }
    }
}

/// The client in use, which only whoever drives it knows.
#[derive(Debug)]
pub struct Current<'a, C> {
    pub client: &'a C,
    pub made_from: &'a LinkSource,
    /// Since when its credential is gone or unusable (UTC).
    pub retired: Option<Timestamp>,
    /// Whether what it reaches is known to be the resource that is meant.
    pub is_trusted: bool,
}

/// What to do about the client.
#[derive(Debug, PartialEq, Eq)]
pub enum LookUp {
    /// Nothing: it was made from the same.
    Keep,
    /// Make a credential from this, which says something new.
    Make(LinkSource),
}

/// Compares what spec and Secret say with what the client was made from. `endpoint` is the address of the spec, which may be
/// called, and `secret` the state of the Secret that the spec names, if it exists.
pub fn look_up<C>(
    connection: &SpeechConnection,
    endpoint: &str,
    secret: Option<SecretVersion>,
    lending: &Lending,
    current: Option<&Current<'_, C>>,
) -> Result<LookUp, Obstacle> {
    let source = LinkSource {
        endpoint: endpoint.to_owned(),
        version: connection.spec.api_version.into(),
        proof: proof(connection, endpoint, secret, lending)?,
    };
    if current.is_some_and(|current| *current.made_from == source && current.retired.is_none()) {
        return Ok(LookUp::Keep);
    }
    Ok(LookUp::Make(source))
}

/// Finds the named entry in what was read of a Secret; none was read if the Secret went meanwhile.
pub fn entry<'a, V>(
    connection: &SpeechConnection,
    reference: &SecretKeyRef,
    read: Option<&'a BTreeMap<String, V>>,
) -> Result<&'a V, Obstacle> {
    let SecretKeyRef { name, key } = reference;
    let entries = read.ok_or_else(|| not_found(connection, reference))?;
    entries.get(key).ok_or_else(|| {
        let others = names(entries.keys());
        invalid(format!(
            "Secret {name} has no entry {key:?}{others}; the operator uses it as soon as it is added"
        ))
    })
}

/// The names of what a Secret has instead; a few, because a message has an end.
fn names<'a>(mut names: impl Iterator<Item = &'a String>) -> String {
    let few: Vec<&str> = names.by_ref().take(NAMED_ENTRIES).map(String::as_str).collect();
    let more = if names.next().is_some() { ", ..." } else { "" };
    if few.is_empty() {
        " and no other".to_owned()
    } else {
        format!(" (it has {}{more})", few.join(", "))
    }
}

/// The address of the spec is none that can be used.
pub fn no_address(why: &impl Display) -> Obstacle {
    Obstacle {
        cause: Cause::EndpointInvalid,
        message: format!("spec.endpoint: {why}"),
    }
}

/// The address of the spec is none that may be called.
pub fn not_allowed(why: &impl Display) -> Obstacle {
    Obstacle {
        cause: Cause::HostNotAllowed,
        message: format!("spec.endpoint: {why}"),
    }
}

/// The entry of the Secret holds no key and no client secret.
pub fn no_key(reference: &SecretKeyRef, why: &impl Display) -> Obstacle {
    invalid(format!("Secret {}, key {}: {why}", reference.name, reference.key))
}

fn invalid(message: String) -> Obstacle {
    Obstacle {
        cause: Cause::SecretKeyInvalid,
        message,
    }
}

/// How the Speech resource is reached from now on.
#[derive(Debug, PartialEq, Eq)]
pub struct Change<'a, C> {
    pub client: NextClient<'a, C>,
    pub knowledge: Knowledge,
    /// Whether what is reached is known to be the resource that is meant. While it is not, nothing is changed there.
    pub is_trusted: bool,
    /// Whether the trouble so far is over with it, so that the contact starts over.
    pub ends_trouble: bool,
}

/// The client from now on.
#[derive(Debug, PartialEq, Eq)]
pub enum NextClient<'a, C> {
    /// The one in use, with another credential: what waits for its turn takes it, what is under way ends with the old one.
    Rekeyed(&'a C),
    /// A new one, and there was none.
    First,
    /// A new one for another place. What the objects decided may depend on what the connection was: another API version has
    /// projects.
    Other,
}

/// What becomes of that by which the resource is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// It stays, and whether this leads there is to be found out if it is something else.
    Stays,
    /// It is known by this way from now on, because it was known by none.
    Begins,
    /// It is known by this way from now on: the Secret was written, and holds the same key, so nothing else is reached.
    Moves,
}

/// Decides how a client is made or changed, once there is a credential. `has_same_key` says whether the client in use sends it.
pub fn change<'a, C>(
    source: &LinkSource,
    current: Option<&Current<'a, C>>,
    has_same_key: bool,
    known: Option<&KnownResource>,
    contact: &Contact,
) -> Change<'a, C> {
    let same_place = current.filter(|current| current.made_from.is_same_place(source));
    let knowledge = match (known, same_place) {
        (_, Some(current)) if current.is_trusted && has_same_key => Knowledge::Moves,
        (None, _) => Knowledge::Begins,
        (Some(_), _) => Knowledge::Stays,
    };
    let is_trusted = match knowledge {
        Knowledge::Begins | Knowledge::Moves => true,
        Knowledge::Stays => known.is_some_and(|known| known.is_reached_as(&source.reaches())),
    };
    Change {
        client: match (same_place, current) {
            (Some(current), _) => NextClient::Rekeyed(current.client),
            (None, Some(_)) => NextClient::Other,
            (None, None) => NextClient::First,
        },
        knowledge,
        is_trusted,
        ends_trouble: contact.ends_with_another_client(),
    }
}

/// What deletions may do with the key of a client whose Secret is gone or unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastKey {
    /// There was none.
    None,
    /// They may use it, and nothing else may.
    Usable {
        /// Since when it is the last one (UTC).
        since: Timestamp,
        /// Until when (UTC).
        until: Timestamp,
    },
    /// It is to be forgotten.
    Over,
}

/// What becomes of the client in use when there is no key for another one.
pub fn last_key<C>(current: Option<&Current<'_, C>>, now: Timestamp) -> LastKey {
    let Some(current) = current else { return LastKey::None };
    let since = current.retired.unwrap_or(now);
    let until = after(since, LAST_KEY_FOR);
    if until <= now {
        LastKey::Over
    } else {
        LastKey::Usable { since, until }
    }
}
