//! The annotations that the operator reads, and the one that it writes.
use super::tally::Tally;
use jiff::Timestamp;
use kube::Resource;
use serde::{Deserialize, Serialize};
use speech_service::EntityId;

/// Requests a reconciliation now. Any new value counts.
pub const RECONCILE_REQUESTED: &str = "customspeech.dev/reconcile-requested-at";
/// The same, as Flux's command line writes it.
pub const RECONCILE_REQUESTED_FLUX: &str = "reconcile.fluxcd.io/requestedAt";
/// Written before a creation request: from now on, a remote entity of this object may exist.
pub const CREATION_INTENT: &str = "customspeech.dev/creation-intent";
/// Approves one model: its id, as a UUID or self URI. It approves no other model.
pub const APPROVED_MODEL: &str = "customspeech.dev/approved-model";
/// Makes an endpoint swap to its candidate now, without waiting for its day or a window: the id of the candidate, as a
/// UUID or self URI. It applies to that model only and counts as approval. The gate still applies.
pub const SWAP_NOW: &str = "customspeech.dev/swap-now";
/// Makes a SpeechModel train its next revision now: the number of that revision. Once a revision with this number
/// exists, the annotation has no effect.
pub const TRAIN_REVISION: &str = "customspeech.dev/train-revision";
/// Clears models from quarantine: ids separated by commas, or `all`. Any new value counts.
pub const CLEAR_QUARANTINE: &str = "customspeech.dev/clear-quarantine";
/// Says from which cluster an object was restored: the uid of that cluster's `kube-system` namespace. The object then
/// owns the remote entities with the mark of that cluster and of its own namespace and name. `none` means that there is
/// nothing to take over.
pub const RESTORED_FROM: &str = "customspeech.dev/restored-from";
/// On a SpeechConnection: the host of another Speech resource, in which its objects start over. Each value works once;
/// a number after the host makes a new value.
pub const ACCEPT_RESOURCE: &str = "customspeech.dev/accept-resource";

/// On a SpeechConnection: confirms deletions that `deletionGuard` holds. The value is a time (RFC 3339), at most an
/// hour ahead. The operator may delete what was deleted up to then, and guards again what is deleted later.
pub const ALLOW_DELETIONS: &str = "customspeech.dev/allow-deletions";

/// On a SpeechModel or SpeechEndpoint: with `Retain`, deleting the object deletes nothing remote, whatever
/// `spec.deletionPolicy` says. `kubectl speech release` sets it; it is independent of whatever applies the spec.
pub const DELETION_POLICY: &str = "customspeech.dev/deletion-policy";

/// Maximum number of bytes read from an annotation.
const LONGEST_VALUE: usize = 8192;
/// Maximum number of bytes read from a request for a reconciliation.
const LONGEST_REQUEST: usize = 256;

/// The announcement of one attempt to create a remote entity.
///
/// The operator writes it to the object before it sends the request. After a crash, the next process therefore knows
/// that an entity may exist. The announcement is closed when the status names its attempt; nothing has to clear it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationIntent {
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When it was announced (UTC).
    pub at: Timestamp,
    /// The model to copy; absent for entities that have our mark from their creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<EntityId>,
    /// The number of the revision to train.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// How often in a row the operator requested an endpoint or model, including this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creations: Option<Tally>,
    /// How often in a row the operator requested an evaluation, including this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<Tally>,
}

impl CreationIntent {
    /// Reads the announcement of an object. Text that cannot be parsed (someone edited it) counts as an attempt at an
    /// unknown time.
    pub fn of(object: &impl Resource) -> Option<Self> {
        let text = object.meta().annotations.as_ref()?.get(CREATION_INTENT)?;
        Some(serde_json::from_str(text).unwrap_or(Self {
            attempt: 1,
            ..Self::default()
        }))
    }

    /// The value of the annotation.
    pub fn to_value(self) -> String {
        let Self { attempt, at, .. } = self;
        // The minimum that it has to contain, in case the rest ever cannot be serialized.
        serde_json::to_string(&self).unwrap_or_else(|_| format!(r#"{{"attempt":{attempt},"at":"{at}"}}"#))
    }
}

/// The value of an annotation.
pub fn value<'a>(object: &'a impl Resource, key: &str) -> Option<&'a str> {
    let text = object.meta().annotations.as_ref()?.get(key)?;
    Some(shortened(text, LONGEST_VALUE))
}

/// Whether the annotation says that deleting the object deletes nothing remote.
pub fn retains(object: &impl Resource) -> bool {
    value(object, DELETION_POLICY).is_some_and(|word| word.trim() == "Retain")
}

/// Shortens a value: an annotation may be as long as all annotations together may be, and the status repeats handled
/// values.
fn shortened(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// The latest request for a reconciliation, as it was written.
pub fn reconcile_requested(object: &impl Resource) -> Option<&str> {
    let annotations = object.meta().annotations.as_ref()?;
    [RECONCILE_REQUESTED, RECONCILE_REQUESTED_FLUX]
        .iter()
        .filter_map(|key| annotations.get(*key))
        .map(|text| shortened(text, LONGEST_REQUEST))
        .max()
}

/// Whether someone requested a reconciliation after the last request that the status shows as handled.
pub fn reconcile_requested_anew(object: &impl Resource, handled: Option<&str>) -> bool {
    reconcile_requested(object).is_some_and(|asked| Some(asked) != handled)
}
