//! Whether the datasets of a training are there and ready, told before anything is trained.
use super::{Snapshot, revision::Inputs};
use crate::{List, Verdict, view::View};
use speech_api::Reason;
use speech_service::entity::Status;

/// The kinds of the datasets, each once; or what is wrong with one of them.
pub fn kinds<'a>(s: &Snapshot<'_>, view: &'a View, inputs: &Inputs) -> Result<Vec<&'a str>, Verdict> {
    if !view.datasets.is_known() {
        let message = "waiting for the first look at the datasets of the Speech resource";
        return Err(Verdict::working(Reason::Connecting, message).watching_list(List::Datasets));
    }
    let locale = &s.object.spec.locale;
    let mut kinds = Vec::new();
    for id in &inputs.datasets {
        let Some(entry) = view.datasets.get(*id) else {
            if view.datasets.is_unseen(*id) {
                let message = format!("no list shows dataset {id}; the service is asked whether it exists");
                return Err(Verdict::working(Reason::DatasetNotReady, message).watching_list(List::Datasets));
            }
            let message = format!("the Speech resource has no dataset {id}; it is used as soon as it appears");
            return Err(Verdict::stalled(Reason::DatasetNotFound, message).watching_list(List::Datasets));
        };
        let (header, kind) = (&entry.entity.header, &*entry.entity.kind);
        let name = &header.display_name;
        if *header.locale != **locale {
            let message = format!("dataset {name} ({id}) is of locale {}, not {locale}", header.locale);
            return Err(Verdict::stalled(Reason::DatasetUnsuitable, message));
        }
        match &header.status {
            Status::Succeeded => {}
            Status::Failed => {
                let cause = header.error.as_ref();
                let cause = cause.map_or("no reason given", |error| &error.message);
                let message = format!("dataset {name} ({id}) could not be imported: {cause}");
                return Err(Verdict::stalled(Reason::DatasetNotReady, message));
            }
            Status::NotStarted | Status::Running | Status::Other(_) => {
                let message = format!("dataset {name} ({id}) is {}", header.status.as_str());
                return Err(Verdict::working(Reason::DatasetNotReady, message).watching_list(List::Datasets));
            }
        }
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}
