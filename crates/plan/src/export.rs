//! What is published for applications.
use super::{EXPORT, Export, Failure, Verdict, retry, text::after, verdict::Phase};
use jiff::Timestamp;
use speech_api::{
    Reason, SpeechEndpoint, SpeechEndpointStatus, SpeechModel, SpeechModelStatus, reference::LastFailure,
};
use std::collections::BTreeMap;

/// The endpoint's id, URLs, model and expiry; nothing before the endpoint exists.
pub fn of_endpoint(object: &SpeechEndpoint, status: &SpeechEndpointStatus) -> Option<Export> {
    let export = object.spec.export_to.as_ref()?;
    let mut data = BTreeMap::from([
        ("endpointId".to_owned(), status.id?.to_string()),
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
        data.insert("modelId".into(), active.model.to_string());
        data.insert("modelName".into(), active.name.clone());
        data.extend(
            active
                .expires_at
                .map(|at| ("modelExpiresAt".to_owned(), at.to_string())),
        );
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
        ("modelId".to_owned(), current.id.to_string()),
        ("modelUri".to_owned(), current.self_uri.clone()),
        ("modelName".to_owned(), current.name.clone()),
        ("locale".to_owned(), object.spec.locale.clone()),
    ]);
    data.extend(
        current
            .expires_at
            .map(|at| ("modelExpiresAt".to_owned(), at.to_string())),
    );
    Some(Export {
        name: export.config_map.name.clone(),
        data,
    })
}

/// Tells of a publication that failed in this pass, where nothing else is to be told. What belongs to somebody else, or is
/// refused, stays so until a person decides; anything else passes.
pub fn trouble(failure: Option<&Failure>, last: Option<&LastFailure>, verdict: Verdict, now: Timestamp) -> Verdict {
    let Some(failure) = failure.filter(|failure| failure.operation == EXPORT && verdict.phase == Phase::Done) else {
        return verdict;
    };
    let lasts = [Reason::ExportConflict, Reason::ExportRefused];
    let told = match lasts.into_iter().find(|reason| failure.code == reason.as_str()) {
        Some(reason) => Verdict::stalled(reason, failure.message.clone()),
        None => Verdict::working(Reason::ExportFailed, failure.message.clone()),
    };
    let again = after(now, retry::delay(last.map_or(1, |last| last.count)));
    told.until(verdict.look_again.map_or(again, |at| at.min(again)))
}
