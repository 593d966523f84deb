//! What is published for applications.
use super::Export;
use crate::api::{SpeechEndpoint, SpeechEndpointStatus, SpeechModel, SpeechModelStatus};
use std::collections::BTreeMap;

/// The endpoint's id, URLs, model and expiry; nothing before the endpoint exists.
pub fn of_endpoint(object: &SpeechEndpoint, status: &SpeechEndpointStatus) -> Option<Export> {
    let export = object.spec.export_to.as_ref()?;
    let mut data = BTreeMap::from([
        ("endpointId".to_owned(), status.id.clone()?),
        ("locale".to_owned(), object.spec.locale.clone()),
    ]);
    data.extend(status.self_uri.clone().map(|uri| ("endpointUri".to_owned(), uri)));
    data.extend(
        status
            .links
            .iter()
            .map(|(name, link)| (format!("{name}Url"), link.to_owned())),
    );
    if let Some(active) = &status.active {
        data.insert("modelId".into(), active.model.clone());
        data.insert("modelName".into(), active.name.clone());
        data.extend(active.expires_at.clone().map(|at| ("modelExpiresAt".to_owned(), at)));
    }
    Some(Export {
        name: export.config_map.name.clone(),
        data,
    })
}

/// The current model's URI and expiry; nothing before there is one.
pub fn of_model(object: &SpeechModel, status: &SpeechModelStatus) -> Option<Export> {
    let export = object.spec.export_to.as_ref()?;
    let current = status.current.as_ref()?;
    let mut data = BTreeMap::from([
        ("modelId".to_owned(), current.id.clone()),
        ("modelUri".to_owned(), current.self_uri.clone()),
        ("modelName".to_owned(), current.name.clone()),
        ("locale".to_owned(), object.spec.locale.clone()),
    ]);
    data.extend(current.expires_at.clone().map(|at| ("modelExpiresAt".to_owned(), at)));
    Some(Export {
        name: export.config_map.name.clone(),
        data,
    })
}
