//! One request to the Speech service, and what it teaches.
use super::{Resource, is_connection_trouble};
use jiff::SignedDuration;
use speech_plan::{Action, Failure, FailureClass, NOT_SENT, UNPROVEN, is_quota};
use speech_service::{
    Client, EntityId, Error, ErrorKind, Lane,
    request::{UpdateEndpoint, UpdateModel},
};

/// Why a step was not taken, or not as it was meant.
#[derive(Debug)]
pub enum Undone {
    /// Nothing was sent, because this replica must not change anything now: it says nothing about the object.
    Withheld,
    /// It was tried, or could not be.
    Failed(Failure),
}

impl Undone {
    /// What the object has to know of it.
    pub fn failure(self) -> Option<Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Withheld => None,
        }
    }

    /// What an error of a request means for a step.
    pub fn of(action: &Action, error: &Error) -> Self {
        match error {
            Error::Withheld { .. } => Self::Withheld,
            Error::Api(_)
            | Error::Token(_)
            | Error::Transport { .. }
            | Error::Body { .. }
            | Error::ForeignLink { .. }
            | Error::Redirect { .. }
            | Error::Unproven { .. }
            | Error::OtherEntity { .. }
            | Error::Unsendable { .. } => Self::Failed(failure(action, error)),
        }
    }
}

/// Takes a remote step; writes what the answer says into the view.
pub async fn act(resource: &Resource, client: &Client, action: &Action) -> Result<(), Undone> {
    let done = match action {
        Action::CreateEndpoint(create) => client
            .create_endpoint(Lane::UserChange, create)
            .await
            .map(|answer| resource.view_mut().endpoints.answered(answer.value)),
        Action::TrainModel(create) => client
            .create_custom_model(Lane::UserChange, create)
            .await
            .map(|answer| resource.view_mut().models.answered(answer.value)),
        Action::UpdateEndpoint { id, change, .. } => {
            update_endpoint(resource, client, action.lane(), *id, change).await
        }
        Action::UpdateModel { id, change } => update_model(resource, client, *id, change).await,
        Action::DeleteEndpoint(id) => {
            resource.view_mut().endpoints.touch(*id);
            client.remove(Lane::UserChange, *id).await.map(|proof| {
                let mut view = resource.view_mut();
                view.accepted.remove(id);
                view.endpoints.removed(&proof);
            })
        }
        Action::DeleteModel(id) => {
            resource.view_mut().models.touch(*id);
            let gone = client.remove(Lane::UserChange, *id).await;
            gone.map(|proof| resource.view_mut().models.removed(&proof))
        }
        Action::CreateEvaluation(create) => client
            .create_evaluation(Lane::UserChange, create)
            .await
            .map(|answer| resource.view_mut().evaluations.answered(answer.value)),
        Action::DeleteEvaluation(id) => {
            resource.view_mut().evaluations.touch(*id);
            let gone = client.remove(Lane::Sweep, *id).await;
            gone.map(|proof| resource.view_mut().evaluations.removed(&proof))
        }
        // A copy acts through two connections, see `controller/copy.rs` of the operator.
        Action::Claim(_) | Action::Release | Action::CopyModel(_) | Action::FollowCopy { .. } => Ok(()),
    };
    done.map_err(|error| {
        let withheld = matches!(error, Error::Withheld { .. });
        if !withheld && (is_connection_trouble(&error) || error.kind() == ErrorKind::NotFound) {
            resource.look_soon();
        }
        Undone::of(action, &error)
    })
}

async fn update_endpoint(
    resource: &Resource,
    client: &Client,
    lane: Lane,
    id: EntityId,
    change: &UpdateEndpoint,
) -> Result<(), Error> {
    // What was read before the request left says nothing about what comes of it.
    resource.view_mut().endpoints.touch(id);
    let answer = client.update_endpoint(lane, id, change).await;
    let mut view = resource.view_mut();
    match answer {
        Ok(answer) => {
            view.accepted.extend(change.model().map(|model| (id, model)));
            view.endpoints.answered(answer.value);
        }
        Err(error) => {
            // One that was withheld changed nothing; of any other it is not known which model may come now.
            if change.model().is_some() && !matches!(error, Error::Withheld { .. }) {
                view.accepted.remove(&id);
            }
            view.endpoints.touch(id);
            return Err(error);
        }
    }
    Ok(())
}

async fn update_model(resource: &Resource, client: &Client, id: EntityId, change: &UpdateModel) -> Result<(), Error> {
    resource.view_mut().models.touch(id);
    let answer = client.update_custom_model(Lane::UserChange, id, change).await;
    let mut view = resource.view_mut();
    match answer {
        Ok(answer) => view.models.answered(answer.value),
        Err(error) => {
            view.models.touch(id);
            return Err(error);
        }
    }
    Ok(())
}

/// Whether an answer is that of somebody before the service, about what it does not know. Of the key and of the pace the
/// gateway may speak.
fn is_foreign_word(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Misrouted => true,
        ErrorKind::Forbidden | ErrorKind::Rejected | ErrorKind::Conflict => {
            error.failure().is_some_and(|failure| !failure.from_service)
        }
        ErrorKind::Unauthorized
        | ErrorKind::NotFound
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Unintelligible => false,
    }
}

/// What an error means for the next attempt of the same step.
fn failure(action: &Action, error: &Error) -> Failure {
    let code = match error.failure() {
        // Whoever said so, it was not the service.
        Some(_) if action.deletes() && is_foreign_word(error) => UNPROVEN.to_owned(),
        Some(failure) => failure.inner_code.clone().unwrap_or_else(|| failure.code.clone()),
        None => match error {
            Error::Transport { kind, .. } => kind.as_str().to_owned(),
            Error::Api(_) | Error::Body { .. } | Error::ForeignLink { .. } | Error::Redirect { .. } => {
                "unintelligible".to_owned()
            }
            Error::Unsendable { .. } => NOT_SENT.to_owned(),
            Error::Unproven { .. } => UNPROVEN.to_owned(),
            Error::OtherEntity { .. } => "OtherEntity".to_owned(),
            Error::Withheld { .. } => "withheld".to_owned(),
            Error::Token(_) => "token".to_owned(),
        },
    };
    let retry_after = error.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
    let class = match error.kind() {
        _ if error.perhaps_sent() => FailureClass::Uncertain,
        ErrorKind::Rejected | ErrorKind::Conflict | ErrorKind::Forbidden if is_quota(&code) => FailureClass::Quota,
        // A deletion is refused for what passes: a training that still runs, an endpoint that still uses the model.
        ErrorKind::Rejected if !action.deletes() => FailureClass::Refused,
        // Leave to copy is refused until somebody changes who may do what.
        ErrorKind::Unauthorized | ErrorKind::Forbidden if matches!(action, Action::CopyModel(_)) => {
            FailureClass::Refused
        }
        ErrorKind::Rejected
        | ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::Misrouted
        | ErrorKind::Conflict
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Unintelligible => FailureClass::Transient { retry_after },
    };
    let message = error
        .failure()
        .map(|failure| failure.words())
        .filter(|words| !words.is_empty());
    Failure {
        operation: action.operation(),
        code,
        message: message.unwrap_or_else(|| error.to_string()),
        class,
    }
}
