//! What is kept of an object: not more than somebody reads here.
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Resource, core::PartialObjectMeta};
use speech_api::{
    SpeechConnection, SpeechEndpoint, SpeechModel,
    annotation::{
        ACCEPT_RESOURCE, ALLOW_DELETIONS, APPROVED_MODEL, CLEAR_QUARANTINE, CREATION_INTENT, CreationIntent,
        DELETION_POLICY, RECONCILE_REQUESTED, RECONCILE_REQUESTED_FLUX, RESTORED_FROM, SWAP_NOW, TRAIN_REVISION,
    },
};
use speech_service::clock::Clock;

/// The annotations that mean something to us.
const READ_HERE: [&str; 11] = [
    ACCEPT_RESOURCE,
    RECONCILE_REQUESTED,
    RECONCILE_REQUESTED_FLUX,
    CREATION_INTENT,
    APPROVED_MODEL,
    SWAP_NOW,
    TRAIN_REVISION,
    CLEAR_QUARANTINE,
    RESTORED_FROM,
    ALLOW_DELETIONS,
    DELETION_POLICY,
];

/// An object that is kept in memory.
pub trait Kept: Resource {
    /// Drops what was needed once and is needed no more.
    fn forget_settled(&mut self) {}
}

impl Kept for SpeechConnection {}
impl Kept for SpeechModel {}
impl Kept for ConfigMap {}
impl<K> Kept for PartialObjectMeta<K> where PartialObjectMeta<K>: Resource {}

impl Kept for SpeechEndpoint {
    /// A creation announcement that the status has closed: to the planner it is the same as none.
    fn forget_settled(&mut self) {
        let closed = self.status.as_ref().and_then(|status| status.closed_attempt);
        let closed = closed.and_then(|attempt| u32::try_from(attempt).ok());
        if CreationIntent::of(self).is_some_and(|intent| Some(intent.attempt) <= closed)
            && let Some(annotations) = &mut self.metadata.annotations
        {
            annotations.remove(CREATION_INTENT);
        }
    }
}

/// Takes an object as it comes from the apiserver: without what nobody here reads (managed fields, and others' annotations
/// such as the last applied manifest), which is most of its size, and with the cluster's stamp placed on our clock.
pub fn receive<K: Kept>(clock: &Clock, object: &mut K) {
    object.meta_mut().managed_fields = None;
    object.forget_settled();
    if let Some(annotations) = &mut object.meta_mut().annotations {
        annotations.retain(|name, _| READ_HERE.contains(&name.as_str()));
        if annotations.is_empty() {
            object.meta_mut().annotations = None;
        }
    }
    if let Some(deleted) = &mut object.meta_mut().deletion_timestamp {
        deleted.0 = clock.place(deleted.0);
    }
}
