//! One look at the lists of a Speech resource.
use super::{
    Resource,
    reader::{News, Reader},
};
use jiff::Timestamp;
use speech_plan::{relations::Recorded, view::Changes};
use speech_service::{Client, Error};
use std::time::Duration;

/// What a sweep reads.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    pub endpoints: bool,
    pub models: bool,
    pub base_models: bool,
    pub datasets: bool,
    pub evaluations: bool,
}

/// What a sweep brought.
#[derive(Default)]
pub struct Seen {
    pub changes: Changes,
    pub retry_after: Option<Duration>,
    pub has_datasets: bool,
    pub has_evaluations: bool,
    /// Whether the list of evaluations was empty.
    pub lacks_evaluations: bool,
}

/// Reads the lists side by side. What was learned before an error is told beside it, because the view keeps it.
pub async fn read(
    resource: &Resource,
    client: &Client,
    scope: Scope,
    recorded: &Recorded,
    now: Timestamp,
) -> (Seen, Result<(), Error>) {
    let reader = Reader { resource, client, now };
    let endpoints = reader.list(scope.endpoints, &recorded.endpoints, |view| &mut view.endpoints);
    let models = reader.list(scope.models, &recorded.models, |view| &mut view.models);
    let base_models = reader.list(scope.base_models, &[], |view| &mut view.base_models);
    let datasets = async {
        let (mut news, outcome) = reader.list(scope.datasets, &[], |view| &mut view.datasets).await;
        if scope.datasets && outcome.is_ok() {
            reader
                .prove(&recorded.datasets, |view| &mut view.datasets, &mut news)
                .await;
        }
        (news, outcome)
    };
    let evaluations = reader.list(scope.evaluations, &recorded.evaluations, |view| &mut view.evaluations);
    let (endpoints, models, base_models, datasets, evaluations) =
        futures::join!(endpoints, models, base_models, datasets, evaluations);
    let unheard = conclude(
        reader,
        [&endpoints.0, &models.0, &base_models.0, &datasets.0, &evaluations.0],
    )
    .await;
    let is_heard = unheard.is_ok();
    resource.view_mut().note_served();
    let seen = Seen {
        retry_after: (endpoints.0.retry_after)
            .max(models.0.retry_after)
            .max(datasets.0.retry_after)
            .max(evaluations.0.retry_after),
        has_datasets: scope.datasets && is_read("datasets", datasets.1) && is_heard,
        has_evaluations: scope.evaluations && is_read("evaluations", evaluations.1) && is_heard,
        lacks_evaluations: resource.view().evaluations.empty_at() == Some(now),
        changes: Changes {
            endpoints: endpoints.0.ids,
            models: models.0.ids,
            base_models: base_models.0.ids,
            datasets: datasets.0.ids,
            evaluations: evaluations.0.ids,
        },
    };
    (seen, endpoints.1.and(models.1).and(base_models.1).and(unheard))
}

/// Takes the lists that were read for whole, once it is certain that it was the service which answered: one of them shows
/// something, or the service does when it is asked for what it always has.
async fn conclude(
    reader: Reader<'_>,
    [endpoints, models, base_models, datasets, evaluations]: [&News; 5],
) -> Result<(), Error> {
    let lists = [endpoints, models, base_models, datasets, evaluations];
    if !lists.iter().any(|list| list.is_whole) {
        return Ok(());
    }
    let heard = match lists.iter().find_map(|list| list.heard) {
        Some(heard) => heard,
        None => reader.hear().await?,
    };
    let view = &mut *reader.resource.view_mut();
    endpoints.complete(&mut view.endpoints, heard);
    models.complete(&mut view.models, heard);
    base_models.complete(&mut view.base_models, heard);
    datasets.complete(&mut view.datasets, heard);
    evaluations.complete(&mut view.evaluations, heard);
    Ok(())
}

/// A list that only some objects need: that it cannot be read is no trouble of the connection.
fn is_read(kind: &'static str, outcome: Result<(), Error>) -> bool {
    outcome
        .inspect_err(|error| tracing::warn!(kind, %error, "a list of the Speech resource cannot be read"))
        .is_ok()
}
