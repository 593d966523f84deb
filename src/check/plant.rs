//! Bugs planted between the snapshot and the planner, to show that the checker finds such bugs. They distort what the
//! production planner is shown, or what becomes of a write; the planner itself has no switch.
use crate::{
    api::{SpeechEndpoint, SpeechModel, annotation::CREATION_INTENT},
    simulate::cluster::Kind,
};
use kube::ResourceExt;
use std::borrow::Cow;

/// A bug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plant {
    /// None.
    #[default]
    Nothing,
    /// On return an open announcement is not looked at, so that what it led to is not waited for and not adopted.
    NoAdoption,
    /// It is forgotten when the active model expires, so that every other seems to last longer.
    EarlierExpiry,
    /// A deletion does not wait for what was announced.
    HastyDeletion,
    /// Writes to the cluster do not carry the `resourceVersion`.
    UnguardedWrites,
}

/// An object of which something can be withheld.
pub trait Blind: Kind {
    /// Forgets when the model that serves expires.
    fn forget_expiry(&mut self);
}

impl Blind for SpeechModel {
    fn forget_expiry(&mut self) {}
}

impl Blind for SpeechEndpoint {
    fn forget_expiry(&mut self) {
        let active = self.status.as_mut().and_then(|status| status.active.as_mut());
        active.into_iter().for_each(|active| active.expires_at = None);
    }
}

impl Plant {
    /// The object as the planner is shown it, by a pass that has announced this attempt.
    pub fn blind<K: Blind>(self, object: &K, announced: Option<u32>) -> Cow<'_, K> {
        if self == Self::Nothing {
            return Cow::Borrowed(object);
        }
        let mut object = object.clone();
        let deleted = object.meta().deletion_timestamp.is_some();
        match self {
            Self::EarlierExpiry => object.forget_expiry(),
            Self::HastyDeletion if deleted => drop(object.annotations_mut().remove(CREATION_INTENT)),
            Self::NoAdoption if announced.is_none() => drop(object.annotations_mut().remove(CREATION_INTENT)),
            Self::Nothing | Self::UnguardedWrites | Self::HastyDeletion | Self::NoAdoption => {}
        }
        Cow::Owned(object)
    }
}
