//! Datasets that are not there, not ready or not fit are told before anything is trained.
use super::Snapshot;
use crate::{
    api::Reason,
    plan::{List, Verdict},
    speech::{
        EntityId,
        entity::{BaseModel, Dataset, Status},
    },
    view::View,
};

/// The datasets to train with, all of them imported and of the right locale.
pub fn ready<'a>(s: &Snapshot<'_>, view: &'a View, ids: &[EntityId]) -> Result<Vec<&'a Dataset>, Verdict> {
    if !view.datasets.is_known() {
        let message = "waiting for the first look at the datasets of the Speech resource";
        return Err(Verdict::working(Reason::Connecting, message).watching_list(List::Datasets));
    }
    // The first that lacks something is told; the order of the ids is fixed.
    ids.iter().map(|id| one(s, view, *id)).collect()
}

fn one<'a>(s: &Snapshot<'_>, view: &'a View, id: EntityId) -> Result<&'a Dataset, Verdict> {
    let dataset = view.datasets.get(id).map(|entry| &*entry.entity).ok_or_else(|| {
        let message =
            format!("the Speech resource has no dataset {id}; upload it there, or correct source.training.datasets");
        Verdict::stalled(Reason::DatasetNotFound, message).watching_list(List::Datasets)
    })?;
    let (header, locale) = (&dataset.header, &s.object.spec.locale);
    let name = &header.display_name;
    if *header.locale != **locale {
        let message = format!("dataset {name} ({id}) is of locale {}, not {locale}", header.locale);
        return Err(Verdict::stalled(Reason::DatasetUnsuitable, message));
    }
    match &header.status {
        Status::Succeeded => Ok(dataset),
        Status::Failed => {
            let words = header.error.as_ref().map_or_else(
                || "no reason given".to_owned(),
                |error| format!("{} ({})", error.message, error.code),
            );
            let message = format!("the import of dataset {name} ({id}) failed: {words}");
            Err(Verdict::stalled(Reason::DatasetNotReady, message).watching_list(List::Datasets))
        }
        Status::NotStarted | Status::Running | Status::Other(_) => {
            let message = format!("dataset {name} ({id}) is {}", header.status.as_str());
            Err(Verdict::working(Reason::DatasetNotReady, message).watching_list(List::Datasets))
        }
    }
}

/// Whether a base model can be trained with all of these datasets.
pub fn serves(base: &BaseModel, datasets: &[&Dataset]) -> bool {
    datasets.iter().all(|dataset| supports(base, dataset))
}

fn supports(base: &BaseModel, dataset: &Dataset) -> bool {
    base.supports_adaptations_with.iter().any(|kind| *kind == dataset.kind)
}

/// What is said where no base model, or not the pinned one, can be trained with all of the datasets.
pub fn unsuitable(base: &BaseModel, datasets: &[&Dataset]) -> Verdict {
    let kinds: Vec<&str> = base.supports_adaptations_with.iter().map(|kind| &**kind).collect();
    let name = &base.header.display_name;
    let message = match datasets.iter().find(|dataset| !supports(base, dataset)) {
        Some(dataset) => format!(
            "dataset {} ({}) is of kind {}; base model {name} can be trained with {}",
            dataset.header.display_name,
            dataset.header.id,
            dataset.kind,
            kinds.join(", ")
        ),
        None => format!("base model {name} can be trained with {}", kinds.join(", ")),
    };
    Verdict::stalled(Reason::DatasetUnsuitable, message)
}
