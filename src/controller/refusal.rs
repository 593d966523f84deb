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
use speech_api::{
    Reason,
    decision::{Decision, RuleName, Saw},
};
use speech_plan::cluster_refused;
use std::{fmt::Debug, sync::Arc};

/// Tells what was refused: in the status, which a policy often leaves alone, and where that is refused as well by an event.
/// Whatever happens, the object counts as refused until a pass ends well. Returns what was written. `decided`
/// are the conditions and the decision of a status.
pub async fn tell<K, S>(
    context: &Context,
    object: &K,
    status: Option<&S>,
    decided: fn(&mut S) -> (&mut Vec<Condition>, &mut Decision),
    refused: &Status,
) -> Option<Arc<K>>
where
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    S: Clone + Default + Debug + Serialize,
{
    let meta = object.meta();
    let (namespace, name) = (
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
    );
    let is_new = context.metrics.refused(&K::kind(&()), namespace, name);
    let mut status = status.cloned().unwrap_or_default();
    let (written, decision) = decided(&mut status);
    let generation = meta.generation.unwrap_or_default();
    let (told, notice) = cluster_refused(written, &refused.message, generation, context.clock.now());
    if is_new {
        context.events.publish(object, &[notice]);
    }
    if told == *written {
        return None;
    }
    *written = told;
    *decision = Decision::of(
        RuleName::Hands,
        [(RuleName::Hands, Saw::Reason(Reason::ClusterRefused))],
    );
    match write::status(context, object, &status).await {
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
