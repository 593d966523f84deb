//! Publishes what applications need in a ConfigMap, and only when it differs.
use super::{Context, managed::Managed, point::Point};
use crate::{
    api::{FIELD_MANAGER, Reason},
    plan::{Export, Failure, FailureClass},
};
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::json;
use std::sync::Arc;

/// The label by which we find what we published.
pub const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "speech-operator");

/// Brings the object's ConfigMaps to what the plan wants: the one, or none.
pub async fn publish<K: Managed>(context: &Context, object: &K, export: Option<&Export>) -> Result<(), Failure> {
    let owned = owned_by(context, object);
    for old in owned
        .iter()
        .filter(|map| export.is_none_or(|export| export.name != map.name_any()))
    {
        delete(context, old)
            .await
            .map_err(|error| failed(Reason::ExportFailed, &old.name_any(), &error.to_string()))?;
    }
    let Some(export) = export else { return Ok(()) };
    let found = owned.iter().find(|map| map.name_any() == export.name);
    if found.is_some_and(|map| map.data.as_ref() == Some(&export.data)) {
        return Ok(());
    }
    write(context, object, export).await
}

fn owned_by<K: Managed>(context: &Context, object: &K) -> Vec<Arc<ConfigMap>> {
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    context
        .stores
        .exports
        // Anybody can write this uid into a ConfigMap of another namespace.
        .state_filter(|map| map.namespace() == object.meta().namespace && is_owner(map.owner_references(), uid))
}

fn is_owner(owners: &[OwnerReference], uid: &str) -> bool {
    owners.iter().any(|owner| owner.uid == uid)
}

async fn write<K: Managed>(context: &Context, object: &K, export: &Export) -> Result<(), Failure> {
    let api: Api<ConfigMap> = Api::namespaced(
        context.client.clone(),
        object.meta().namespace.as_deref().unwrap_or_default(),
    );
    let trouble = |error: kube::Error| failed(Reason::ExportFailed, &export.name, &error.to_string());
    let found = api.get_opt(&export.name).await.map_err(trouble)?;
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    if found.as_ref().is_some_and(|map| !is_owner(map.owner_references(), uid)) {
        return Err(failed(
            Reason::ExportConflict,
            &export.name,
            "it exists and does not belong to this object; choose another name",
        ));
    }
    let apply = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": export.name, "labels": { LABEL.0: LABEL.1 }, "ownerReferences": [object.controller_owner_ref(&())] },
        "data": export.data,
    });
    let name = || format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
    Point::BeforeExport.reached(name);
    api.patch(
        &export.name,
        &PatchParams::apply(FIELD_MANAGER).force(),
        &Patch::Apply(apply),
    )
    .await
    .map_err(trouble)?;
    Point::AfterExport.reached(name);
    Ok(())
}

async fn delete(context: &Context, map: &ConfigMap) -> Result<(), kube::Error> {
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &map.namespace().unwrap_or_default());
    let only_this = DeleteParams {
        preconditions: Some(Preconditions {
            uid: map.uid(),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    match api.delete(&map.name_any(), &only_this).await {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        answer => answer.map(drop),
    }
}

fn failed(reason: Reason, name: &str, why: &str) -> Failure {
    Failure {
        operation: crate::plan::EXPORT,
        code: reason.as_str().to_owned(),
        message: format!("ConfigMap {name}: {why}"),
        class: FailureClass::Transient { retry_after: None },
    }
}
