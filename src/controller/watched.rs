//! A kind that is watched, and whose objects can be woken.
use super::{Context, mutation_cache::MutationCache, queues::Sleeper, store::Indexed, watch::Kept};
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
    fn mutation_cache(context: &Context) -> &MutationCache<Self>;
}

impl Watched for SpeechModel {
    fn sleeper(key: ObjectRef<Self>) -> Sleeper {
        Sleeper::Model(key)
    }

    fn mutation_cache(context: &Context) -> &MutationCache<Self> {
        &context.written.models
    }
}

impl Watched for SpeechEndpoint {
    fn sleeper(key: ObjectRef<Self>) -> Sleeper {
        Sleeper::Endpoint(key)
    }

    fn mutation_cache(context: &Context) -> &MutationCache<Self> {
        &context.written.endpoints
    }
}
