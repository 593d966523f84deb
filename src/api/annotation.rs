//! The annotations that we read, and the one that we write.
use super::tally::Tally;
use jiff::Timestamp;
use kube::Resource;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Asks for a reconcile now; any new value counts.
pub const RECONCILE_REQUESTED: &str = "customspeech.dev/reconcile-requested-at";
/// The same, as Flux's command line writes it.
pub const RECONCILE_REQUESTED_FLUX: &str = "reconcile.fluxcd.io/requestedAt";
/// Written before a create: "from now on there may be a remote entity of mine".
pub const CREATION_INTENT: &str = "customspeech.dev/creation-intent";
/// Agrees to one model: its id, as a UUID or self URI. It agrees to that model only.
pub const APPROVED_MODEL: &str = "customspeech.dev/approved-model";
/// Has an endpoint move to its candidate now, without waiting for its day or a window: the id of the candidate, as a UUID or
/// self URI. It speaks of that model only, counts as approval, and does not open a gate.
pub const SWAP_NOW: &str = "customspeech.dev/swap-now";
/// Has a SpeechModel train its next revision now: the number of that revision. Once there is one of this number it says
/// nothing more.
pub const TRAIN_REVISION: &str = "customspeech.dev/train-revision";
/// Takes models out of quarantine: ids with commas between, or `all`; any new value counts.
pub const CLEAR_QUARANTINE: &str = "customspeech.dev/clear-quarantine";
/// Says from which cluster an object was restored: the uid of that cluster's `kube-system` namespace. What carries the
/// mark of that cluster and of the object's namespace and name is then its own. `none` says that there is nothing to take
/// over.
pub const RESTORED_FROM: &str = "customspeech.dev/restored-from";
/// On a SpeechConnection: the host of another Speech resource, in which its objects are to begin anew. Counts once for each
/// value; a number behind the host makes another.
pub const ACCEPT_RESOURCE: &str = "customspeech.dev/accept-resource";

/// On a SpeechConnection: agrees to deletions that `deletionGuard` holds. A time as in RFC 3339, at most an hour ahead: what was
/// deleted up to then may go, what is deleted later is guarded anew.
pub const ALLOW_DELETIONS: &str = "customspeech.dev/allow-deletions";

/// On a SpeechModel or SpeechEndpoint: `Retain` has its deletion delete nothing remote, whatever `spec.deletionPolicy` says. It is
/// no business of who applies the spec; `kubectl speech release` writes it.
pub const DELETION_POLICY: &str = "customspeech.dev/deletion-policy";

/// Bytes of an annotation that are read.
const LONGEST_VALUE: usize = 8192;
/// Bytes of a request for a reconcile that are read.
const LONGEST_REQUEST: usize = 256;

/// The announcement of one attempt to create a remote entity.
///
/// It stands on the object before the request leaves, so that whoever comes after a crash knows that an entity may exist.
/// It is closed when the status names its attempt; nothing has to clear it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationIntent {
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When it was announced (UTC).
    pub at: Timestamp,
    /// The model that is to be copied; absent for everything that carries our mark from its first moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<Uuid>,
    /// The number of the revision that is to be trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// How often in a row an endpoint or model was asked for, this time included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creations: Option<Tally>,
    /// How often in a row an evaluation was asked for, this time included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<Tally>,
}

impl CreationIntent {
    /// Reads the announcement of an object; text that is none (someone edited it) counts as an attempt of unknown time.
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
        // The least that it has to say, should the rest ever not be writable.
        serde_json::to_string(&self).unwrap_or_else(|_| format!(r#"{{"attempt":{attempt},"at":"{at}"}}"#))
    }
}

/// The value of an annotation.
pub fn value<'a>(object: &'a impl Resource, key: &str) -> Option<&'a str> {
    let text = object.meta().annotations.as_ref()?.get(key)?;
    Some(shortened(text, LONGEST_VALUE))
}

/// Whether the annotation says that a deletion deletes nothing remote.
pub fn retains(object: &impl Resource) -> bool {
    value(object, DELETION_POLICY).is_some_and(|word| word.trim() == "Retain")
}

/// An annotation may be as long as all annotations together, and what was handled is repeated in the status.
fn shortened(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// The latest request for a reconcile, in the words of whoever asked.
pub fn reconcile_requested(object: &impl Resource) -> Option<&str> {
    let annotations = object.meta().annotations.as_ref()?;
    [RECONCILE_REQUESTED, RECONCILE_REQUESTED_FLUX]
        .iter()
        .filter_map(|key| annotations.get(*key))
        .map(|text| shortened(text, LONGEST_REQUEST))
        .max()
}

/// Whether somebody asked for a reconcile since the request that the status says was handled.
pub fn reconcile_requested_anew(object: &impl Resource, handled: Option<&str>) -> bool {
    reconcile_requested(object).is_some_and(|asked| Some(asked) != handled)
}
