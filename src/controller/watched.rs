//! A kind that is watched, and whose objects can be woken.
use super::{Context, queues::Sleeper, recent::Recent, store::Indexed, watch::Kept};
use kube::{Resource, core::NamespaceResourceScope, runtime::reflector::ObjectRef};
use serde::{Serialize, de::DeserializeOwned};
use speech_api::{SpeechEndpoint, SpeechModel, Subject};
use std::fmt::Debug;

/// A kind that is watched, and whose objects can be woken.
pub trait Watched:
    Kept
    + Indexed
    + Subject<Status: Serialize>
    + Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// An object of the kind as one that can be woken.
    fn sleeper(key: ObjectRef<Self>) -> Sleeper;
    /// Our own writes to the kind.
    fn recent(context: &Context) -> &Recent<Self>;
}

impl Watched for SpeechModel {
    fn sleeper(key: ObjectRef<Self>) -> Sleeper {
        Sleeper::Model(key)
    }

    fn recent(context: &Context) -> &Recent<Self> {
        &context.recent.models
    }
}

impl Watched for SpeechEndpoint {
    fn sleeper(key: ObjectRef<Self>) -> Sleeper {
        Sleeper::Endpoint(key)
    }

    fn recent(context: &Context) -> &Recent<Self> {
        &context.recent.endpoints
    }
}
