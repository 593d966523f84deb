//! The annotations that we read, and the one that we write.
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

/// Bytes of an annotation that are read.
const LONGEST_VALUE: usize = 8192;
/// Bytes of a request for a reconcile that are read.
const LONGEST_REQUEST: usize = 256;

/// The announcement of one attempt to create a remote entity.
///
/// It stands on the object before the request leaves, so that whoever comes after a crash knows that an entity may exist.
/// It is closed when the status names its attempt; nothing has to clear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationIntent {
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When it was announced (UTC).
    pub at: Timestamp,
    /// The model that is to be copied; absent for everything that carries our mark from its first moment.
    #[serde(default, rename = "copyOf")]
    pub copy_of: Option<Uuid>,
}

impl CreationIntent {
    /// Reads the announcement of an object; text that is none (someone edited it) counts as an attempt of unknown time.
    pub fn of(object: &impl Resource) -> Option<Self> {
        let text = object.meta().annotations.as_ref()?.get(CREATION_INTENT)?;
        Some(serde_json::from_str(text).unwrap_or(Self {
            attempt: 1,
            at: Timestamp::UNIX_EPOCH,
            copy_of: None,
        }))
    }

    /// The value of the annotation.
    pub fn to_value(self) -> String {
        let Self { attempt, at, copy_of } = self;
        let copy_of = copy_of.map_or_else(String::new, |model| format!(r#","copyOf":"{model}""#));
        format!(r#"{{"attempt":{attempt},"at":"{at}"{copy_of}}}"#)
    }
}

/// The value of an annotation.
pub fn value<'a>(object: &'a impl Resource, key: &str) -> Option<&'a str> {
    let text = object.meta().annotations.as_ref()?.get(key)?;
    Some(shortened(text, LONGEST_VALUE))
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
