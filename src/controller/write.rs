//! Our writes to the cluster. Each carries the resourceVersion that the decision saw, so that a stale cache gets a
//! conflict instead of acting twice.
use super::{
    Context,
    managed::Managed,
    watch::{Kept, receive},
};
use crate::api::{
    FIELD_MANAGER, FINALIZER,
    annotation::{CREATION_INTENT, CreationIntent},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
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
    /// The apiserver refused or did not answer.
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
        } else {
            Self::Api(Box::new(error))
        }
    }
}

/// The API of an object's own namespace.
fn api<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(context: &Context, object: &K) -> Api<K> {
    Api::namespaced(
        context.client.clone(),
        object.meta().namespace.as_deref().unwrap_or_default(),
    )
}

/// Puts the finalizer on and, before a creation, the announcement: one write.
pub async fn claim<K: Managed>(
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
    let mut finalizers: Vec<_> = object
        .finalizers()
        .iter()
        .filter(|finalizer| *finalizer != FINALIZER)
        .cloned()
        .collect();
    if on {
        finalizers.push(FINALIZER.to_owned());
    }
    merge(
        context,
        object,
        json!({ "metadata": { "resourceVersion": object.resource_version(), "finalizers": finalizers } }),
    )
    .await
}

async fn merge<
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
>(
    context: &Context,
    object: &K,
    patch: Value,
) -> Result<Arc<K>, WriteError> {
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let mut written = api(context, object)
        .patch(&object.name_any(), &params, &Patch::Merge(patch))
        .await?;
    receive(&context.clock, &mut written);
    Ok(Arc::new(written))
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
    let mut written = api(context, object)
        .patch_status(&object.name_any(), &params, &Patch::Apply(apply))
        .await?;
    receive(&context.clock, &mut written);
    Ok(Arc::new(written))
}
