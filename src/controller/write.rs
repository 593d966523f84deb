//! Our writes to the cluster. Each carries the resourceVersion that the decision saw, so that a stale cache gets a
//! conflict instead of acting twice.
use super::{
    Context,
    watch::{Kept, Readable, receive},
    watched::Watched,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::{NamespaceResourceScope, Status},
};
use serde::{
    Serialize,
    de::{self, DeserializeOwned},
};
use serde_json::{Value, json};
use speech_api::{
    FIELD_MANAGER, FINALIZER,
    annotation::{CREATION_INTENT, CreationIntent},
};
use std::{borrow::Cow, fmt::Debug, sync::Arc};

/// A write that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The object changed meanwhile: decide anew from the newer one.
    #[error("the object changed meanwhile")]
    Conflict,
    /// The object is gone.
    #[error("the object is gone")]
    Gone,
    /// The cluster refuses what we have to write: a policy, a webhook, a right that is missing.
    #[error("the cluster refuses the write: {}", .0.message)]
    Refused(Box<Status>),
    /// The apiserver did not answer, or had trouble of its own.
    #[error("the apiserver did not take the write")]
    Api(#[source] Box<kube::Error>),
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        let status = if let kube::Error::Api(status) = &error {
            Some(status)
        } else {
            None
        };
        if status.is_some_and(|status| status.is_conflict()) {
            Self::Conflict
        } else if status.is_some_and(|status| status.is_not_found()) {
            Self::Gone
        } else if let Some(status) = status.filter(|status| is_refusal(status)) {
            Self::Refused(status.clone())
        } else {
            Self::Api(Box::new(error))
        }
    }
}

/// Whether the cluster understood a write and does not want it. That a webhook cannot be asked is told as trouble of the
/// apiserver, and is somebody's to mend all the same.
fn is_refusal(status: &Status) -> bool {
    let temporary = [401, 404, 409, 429];
    (400..500).contains(&status.code) && !temporary.contains(&status.code)
        || (status.code >= 500 && status.message.contains("webhook"))
}

/// The API of an object's own namespace. Its answers are read as the watch reads objects.
fn api<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(
    context: &Context,
    object: &K,
) -> Api<Readable<K>> {
    Api::namespaced(
        context.client.clone(),
        object.meta().namespace.as_deref().unwrap_or_default(),
    )
}

/// Puts the finalizer on and, before a creation, the announcement: one write.
pub async fn claim<K: Watched>(
    context: &Context,
    object: &K,
    intent: Option<CreationIntent>,
) -> Result<Arc<K>, WriteError> {
    let mut finalizers = object.finalizers().to_vec();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        finalizers.push(FINALIZER.to_owned());
    }
    let mut metadata = json!({ "resourceVersion": object.resource_version(), "finalizers": finalizers });
    if let (Some(intent), Some(metadata)) = (intent, metadata.as_object_mut()) {
        metadata.insert("annotations".into(), json!({ CREATION_INTENT: intent.to_value() }));
    }
    merge(context, object, json!({ "metadata": metadata })).await
}

/// Takes the finalizer off.
pub async fn release<
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
>(
    context: &Context,
    object: &K,
) -> Result<(), WriteError> {
    set_finalizer(context, object, false).await.map(drop)
}

/// Puts the finalizer on or takes it off.
pub async fn set_finalizer<
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
>(
    context: &Context,
    object: &K,
    on: bool,
) -> Result<Arc<K>, WriteError> {
    merge(context, object, finalizers(object, on)).await
}

/// Takes the finalizer off where the operator is removed: by a client of its own, and without a pass.
pub async fn let_go<
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
>(
    client: &Client,
    object: &K,
) -> Result<(), WriteError> {
    let namespace = object.meta().namespace.as_deref().unwrap_or_default();
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let patch = Patch::Merge(finalizers(object, false));
    api.patch(&object.name_any(), &as_manager(), &patch).await?;
    Ok(())
}

/// The change that puts our finalizer on or takes it off.
fn finalizers(object: &impl ResourceExt, on: bool) -> Value {
    let others = object.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER);
    let mut finalizers: Vec<&str> = others.map(String::as_str).collect();
    if on {
        finalizers.push(FINALIZER);
    }
    json!({ "metadata": { "resourceVersion": object.resource_version(), "finalizers": finalizers } })
}

fn as_manager() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

async fn merge<
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
>(
    context: &Context,
    object: &K,
    patch: Value,
) -> Result<Arc<K>, WriteError> {
    let answer = api(context, object)
        .patch(&object.name_any(), &as_manager(), &Patch::Merge(patch))
        .await?;
    received(context, answer)
}

/// The answer to a write, as it is kept.
fn received<K: Kept>(context: &Context, answer: Readable<K>) -> Result<Arc<K>, WriteError> {
    match answer {
        Readable::Whole(mut written) => {
            receive(&context.clock, &mut written);
            Ok(Arc::new(written))
        }
        Readable::Broken { error, .. } => Err(kube::Error::SerdeError(de::Error::custom(error)).into()),
    }
}

/// What an apply of a status says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusApply<'a, S> {
    api_version: Cow<'a, str>,
    kind: Cow<'a, str>,
    metadata: ApplyMeta<'a>,
    status: &'a S,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApplyMeta<'a> {
    name: Option<&'a str>,
    resource_version: Option<&'a str>,
}

/// Writes the whole status. To be called only when it says something new.
pub async fn status<K, S>(context: &Context, object: &K, status: &S) -> Result<Arc<K>, WriteError>
where
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    S: Serialize + Debug,
{
    let apply = StatusApply {
        api_version: K::api_version(&()),
        kind: K::kind(&()),
        metadata: ApplyMeta {
            name: object.meta().name.as_deref(),
            resource_version: object.meta().resource_version.as_deref(),
        },
        status,
    };
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let answer = api(context, object)
        .patch_status(&object.name_any(), &params, &Patch::Apply(apply))
        .await?;
    received(context, answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_policy_denies_is_told_from_what_passes_by_itself() {
        let of = |code, message: &str| Status {
            code,
            message: message.to_owned(),
            ..Status::default()
        };
        for (code, message, refused) in [
            (
                403,
                "ValidatingAdmissionPolicy 'no-finalizers' denied the request",
                true,
            ),
            (
                403,
                "speechendpoints.customspeech.dev is forbidden: User cannot patch",
                true,
            ),
            (422, "status.conditions: Invalid value", true),
            (400, "admission webhook denied the request", true),
            (
                500,
                "Internal error occurred: failed calling webhook \"x\": connection refused",
                true,
            ),
            (500, "etcdserver: request timed out", false),
            (503, "the apiserver is shutting down", false),
            (429, "too many requests", false),
            (401, "Unauthorized", false),
            (409, "the object has been modified", false),
        ] {
            assert_eq!(is_refusal(&of(code, message)), refused, "{code} {message}");
        }
    }
}
