//! Publishes what applications need in a ConfigMap, and only when it differs.
//!
//! Of several objects that name one ConfigMap, who has it keeps it; where nobody has it yet, the oldest may make it. It is made
//! by a request that fails where it exists, and changed only as it was read, so that nothing of others is ever taken over.
use super::{Context, failpoint::Failpoint, managed::Managed, store::name_of};
use k8s_openapi::{
    api::core::v1::ConfigMap,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::{Value, json};
use speech_api::{FIELD_MANAGER, Reason};
use speech_plan::{Export, Failure, FailureClass};
use std::{collections::BTreeMap, sync::Arc};

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
            .map_err(|error| trouble(&old.name_any(), error))?;
    }
    let Some(export) = export else { return Ok(()) };
    let found = owned.iter().find(|map| map.name_any() == export.name);
    if found.is_some_and(|map| map.data.as_ref() == Some(&export.data)) {
        return Ok(());
    }
    write(context, object, export).await
}

fn owned_by<K: Managed>(context: &Context, object: &K) -> Vec<Arc<ConfigMap>> {
    let meta = object.meta();
    let (namespace, uid) = (meta.namespace.as_deref(), meta.uid.as_deref());
    let exports = &context.stores.exports;
    exports.owned_by(namespace.unwrap_or_default(), uid.unwrap_or_default())
}

fn is_owner(owners: &[OwnerReference], uid: &str) -> bool {
    owners.iter().any(|owner| owner.uid == uid)
}

async fn write<K: Managed>(context: &Context, object: &K, export: &Export) -> Result<(), Failure> {
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &namespace);
    let found = api.get_opt(&export.name).await;
    let found = found.map_err(|error| trouble(&export.name, error))?;
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    let name = || format!("{namespace}/{}", object.name_any());
    let written = match found {
        Some(found) if !is_owner(found.owner_references(), uid) => return Err(taken(&export.name, &found)),
        Some(found) => {
            let params = PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            };
            Failpoint::BeforeExport.reached(name);
            api.patch(&export.name, &params, &Patch::Merge(change(&found, export)))
                .await
        }
        None => {
            if let Some(older) = older_rival(context, object, &export.name) {
                let why = format!("{older} exports to it as well, and is older; choose another name");
                return Err(failed(Reason::ExportConflict, &export.name, &why));
            }
            let params = PostParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PostParams::default()
            };
            Failpoint::BeforeExport.reached(name);
            api.create(&params, &new(object, export)).await
        }
    };
    written.map_err(|error| trouble(&export.name, error))?;
    Failpoint::AfterExport.reached(name);
    Ok(())
}

fn new<K: Managed>(object: &K, export: &Export) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(export.name.clone()),
            labels: Some(BTreeMap::from([(LABEL.0.to_owned(), LABEL.1.to_owned())])),
            owner_references: object.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(export.data.clone()),
        ..ConfigMap::default()
    }
}

/// What makes a ConfigMap of ours say what it should, and nothing else; only as it was read.
fn change(found: &ConfigMap, export: &Export) -> Value {
    let stale = found.data.iter().flat_map(BTreeMap::keys);
    let stale = stale.filter(|key| !export.data.contains_key(*key));
    let mut data: serde_json::Map<String, Value> = stale.map(|key| (key.clone(), Value::Null)).collect();
    data.extend(export.data.iter().map(|(key, value)| (key.clone(), json!(value))));
    json!({
        "metadata": { "resourceVersion": found.resource_version(), "uid": found.uid(), "labels": { LABEL.0: LABEL.1 } },
        "data": data,
    })
}

/// An object that names the same ConfigMap and is older: it makes it.
fn older_rival<K: Managed>(context: &Context, object: &K, name: &str) -> Option<String> {
    let (namespace, _) = name_of(object);
    let endpoints = context.stores.endpoints.exporting_to(namespace, name);
    let models = context.stores.models.exporting_to(namespace, name);
    let endpoint = endpoints.iter().find(|rival| comes_first(&***rival, object, name));
    let model = models.iter().find(|rival| comes_first(&***rival, object, name));
    endpoint
        .map(|rival| called(&**rival))
        .or(model.map(|rival| called(&**rival)))
}

fn called<K: Managed>(rival: &K) -> String {
    format!("{} {}", K::kind(&()), rival.name_any())
}

fn comes_first<R: Managed, K: Managed>(rival: &R, object: &K, name: &str) -> bool {
    let exports = |map: &str| rival.meta().namespace == object.meta().namespace && map == name;
    let age = |meta: &ObjectMeta| (meta.creation_timestamp.as_ref().map(|at| at.0), meta.uid.clone());
    rival.meta().deletion_timestamp.is_none()
        && rival
            .declared()
            .export_to
            .is_some_and(|to| exports(&to.config_map.name))
        && age(rival.meta()) < age(object.meta())
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

/// Whose it is.
fn taken(name: &str, found: &ConfigMap) -> Failure {
    let owner = found.owner_references().first();
    let whose = owner.map_or("no object that exports".to_owned(), |owner| {
        format!("{} {}", owner.kind, owner.name)
    });
    let why = format!("it exists and belongs to {whose}; choose another name, or delete it");
    failed(Reason::ExportConflict, name, &why)
}

/// What an answer of the apiserver means, in its own words. What it refuses is refused until somebody changes something; that
/// another was faster, or that it is busy, passes.
fn trouble(name: &str, error: kube::Error) -> Failure {
    let kube::Error::Api(status) = error else {
        return failed(Reason::ExportFailed, name, &speech_service::error::chain(&error));
    };
    let passes = status.code >= 500 || matches!(status.code, 404 | 408 | 409 | 429);
    let reason = if passes {
        Reason::ExportFailed
    } else {
        Reason::ExportRefused
    };
    failed(reason, name, &status.message)
}

fn failed(reason: Reason, name: &str, why: &str) -> Failure {
    Failure {
        operation: speech_plan::EXPORT,
        code: reason.as_str().to_owned(),
        message: format!("ConfigMap {name}: {why}"),
        class: FailureClass::Transient { retry_after: None },
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
