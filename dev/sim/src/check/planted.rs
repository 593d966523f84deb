//! Bugs planted between the snapshot and the planner, to show that the checker finds such bugs. They distort what the
//! production planner is shown, or what becomes of a write; the planner itself has no switch.
use crate::cluster::Kind;
use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::Value;
use speech_api::annotation::CREATION_INTENT;
use speech_plan::{
    testing::{learn, with},
    view::View,
};
use std::{borrow::Cow, sync::Arc};

/// A bug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlantedBug {
    /// None.
    #[default]
    Nothing,
    /// On return an open announcement is not looked at, so that what it led to is not waited for and not adopted.
    NoAdoption,
    /// It is not known when models expire, so that none seems to last shorter than another.
    EarlierExpiry,
    /// A deletion does not wait for what was announced.
    HastyDeletion,
    /// Writes to the cluster do not carry the `resourceVersion`.
    UnguardedWrites,
    /// Whatever answers is the service: what it does not know is gone, and what it says to have deleted as well.
    BelievedGateway,
    /// A list that a gateway answered counts as read to its end.
    BelievedList,
    /// One list that shows something proves that the service answered all of them.
    BelievedNeighbour,
    /// What was refused once is never asked for again.
    FinalRefusal,
    /// It is forgotten how often something was made.
    NoBound,
    /// The gate of an endpoint is not looked at.
    NoGate,
    /// Evaluations that nobody needs stay.
    NoCollection,
    /// Wherever the connection leads, that is the Speech resource that is known.
    BlindTrust,
    /// Where another address leads is found out by the next look, and not before the next request.
    HastyTrust,
    /// It is forgotten which models the service accepted.
    NoMemory,
    /// What the service accepted is waited for without end.
    EndlessMemory,
}

impl PlantedBug {
    /// The object as the planner is shown it, by a pass that has announced this attempt.
    pub fn object<K: Kind>(self, object: &K, announced: Option<u32>, now: Timestamp) -> Cow<'_, K> {
        if self == Self::Nothing {
            return Cow::Borrowed(object);
        }
        let mut object = object.clone();
        let deleted = object.meta().deletion_timestamp.is_some();
        match self {
            Self::HastyDeletion if deleted => drop(object.annotations_mut().remove(CREATION_INTENT)),
            Self::NoAdoption if announced.is_none() => drop(object.annotations_mut().remove(CREATION_INTENT)),
            Self::NoBound => object.forget_count(),
            Self::NoGate => object.distort(|whole| {
                let swap = whole.pointer_mut("/spec/swap").and_then(Value::as_object_mut);
                swap.map(|swap| swap.remove("gate"));
            }),
            Self::EndlessMemory => object.distort(|whole| {
                let since = whole.pointer_mut("/status/target/since");
                since.into_iter().for_each(|since| *since = now.to_string().into());
            }),
            Self::Nothing
            | Self::UnguardedWrites
            | Self::EarlierExpiry
            | Self::HastyDeletion
            | Self::NoAdoption
            | Self::BelievedGateway
            | Self::BelievedList
            | Self::BelievedNeighbour
            | Self::FinalRefusal
            | Self::NoCollection
            | Self::BlindTrust
            | Self::HastyTrust
            | Self::NoMemory => {}
        }
        Cow::Owned(object)
    }

    /// Whether nothing more is done for an object.
    pub fn gives_up<K: Kind>(self, object: Option<&K>) -> bool {
        self == Self::FinalRefusal && object.is_some_and(K::was_refused)
    }

    /// The view as the planner is shown it.
    pub fn view(self, view: &Arc<View>) -> Arc<View> {
        let mut view = Arc::clone(view);
        if self == Self::NoMemory {
            Arc::make_mut(&mut view).accepted.clear();
        }
        if self == Self::EarlierExpiry {
            let view = Arc::make_mut(&mut view);
            let models: Vec<_> = view.base_models.iter().map(|entry| (*entry.entity).clone()).collect();
            for model in models {
                learn(&mut view.base_models, with(model, |model| model.expires_at = None));
            }
        }
        view
    }
}
