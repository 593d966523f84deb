//! Tells that the cluster refuses what the operator has to write: a policy, a webhook, a right that is missing.
use super::{
    Context,
    watch::Kept,
    write::{self, WriteError},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Resource,
    core::{NamespaceResourceScope, Status},
};
use serde::{Serialize, de::DeserializeOwned};
use speech_api::{Reason, SpeechConnectionStatus, SpeechEndpointStatus, SpeechModelStatus};
use speech_plan::{Notice, cluster_refused};
use std::{fmt::Debug, sync::Arc};

/// A status that has conditions.
pub trait Conditions: Clone + Default + Debug + Serialize {
    /// Those that are written.
    fn conditions(&self) -> &[Condition];
    /// The same status with others.
    fn with(self, conditions: Vec<Condition>) -> Self;
}

macro_rules! conditions {
    ($($status:ident),+) => {$(
        impl Conditions for $status {
            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            fn with(self, conditions: Vec<Condition>) -> Self {
                Self { conditions, ..self }
            }
        }
    )+};
}

conditions!(SpeechConnectionStatus, SpeechModelStatus, SpeechEndpointStatus);

/// Tells what was refused: in the status, which a policy often leaves alone, and where that is refused as well by an event.
/// Whatever happens, the object counts as refused until a pass ends well. Returns what was written.
pub async fn tell<K, S>(context: &Context, object: &K, status: Option<&S>, refused: &Status) -> Option<Arc<K>>
where
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    S: Conditions,
{
    let meta = object.meta();
    let (namespace, name) = (
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
    );
    let is_new = context.metrics.refused(&K::kind(&()), namespace, name);
    let status = status.cloned().unwrap_or_default();
    let generation = meta.generation.unwrap_or_default();
    let told = cluster_refused(status.conditions(), &refused.message, generation, context.clock.now());
    let (conditions, notice): (Vec<Condition>, Notice) = told;
    if is_new {
        context.events.publish(object, &[notice]);
    }
    if conditions == status.conditions() {
        return None;
    }
    match write::status(context, object, &status.with(conditions)).await {
        Ok(written) => Some(written),
        Err(WriteError::Conflict | WriteError::Gone) => None,
        Err(error @ (WriteError::Refused(_) | WriteError::Api(_))) => {
            let kind = K::kind(&());
            let error = speech_service::error::chain(&error);
            let reason = Reason::ClusterRefused.as_str();
            tracing::error!(%kind, object = %format!("{namespace}/{name}"), error, reason, "the status cannot be written either");
            None
        }
    }
}
