//! Several objects that claim one remote endpoint: which of them holds it.
//!
//! The one whose mark the endpoint bears comes first, so that nothing that appears later takes it away; where none does,
//! the oldest. The others are told, and when the holder goes the next one follows.
use jiff::Timestamp;
use kube::ResourceExt;
use speech_api::{SpeechEndpoint, is_held, reference::ManagementPolicy};
use speech_service::entity::OwnerTag;

/// Whether a mark names an object, be it in a former life.
pub fn is_named(endpoint: &SpeechEndpoint, mark: &OwnerTag) -> bool {
    let (namespace, name) = (
        endpoint.metadata.namespace.as_deref(),
        endpoint.metadata.name.as_deref(),
    );
    mark.object.split_once('/') == namespace.zip(name)
}

fn bears(endpoint: &SpeechEndpoint, mark: Option<&OwnerTag>) -> bool {
    mark.is_some_and(|mark| endpoint.metadata.uid.as_deref() == Some(&mark.uid) || is_named(endpoint, mark))
}

/// Whether an object need not ask who holds its endpoint: the mark is its own, or it only looks on.
pub fn is_first(endpoint: &SpeechEndpoint, mark: Option<&OwnerTag>) -> bool {
    endpoint.spec.management_policy == ManagementPolicy::Observe || bears(endpoint, mark)
}

/// The holder among `rivals` who claim the same endpoint, unless it is `endpoint` itself. `mark` is the mark of this
/// cluster that the endpoint bears.
pub fn holder<'a>(
    endpoint: &SpeechEndpoint,
    rivals: impl Iterator<Item = &'a SpeechEndpoint>,
    mark: Option<&OwnerTag>,
) -> Option<&'a SpeechEndpoint> {
    rivals
        .min_by_key(|rival| rank(rival, mark))
        .filter(|first| rank(first, mark) < rank(endpoint, mark))
}

/// Who comes first. Of two that were created in the same second the one that has begun already.
fn rank(endpoint: &SpeechEndpoint, mark: Option<&OwnerTag>) -> (bool, Option<Timestamp>, bool, Option<String>) {
    (
        !bears(endpoint, mark),
        endpoint.creation_timestamp().map(|time| time.0),
        !is_held(endpoint),
        endpoint.uid(),
    )
}

#[cfg(test)]
#[path = "claim/tests.rs"]
mod tests;
