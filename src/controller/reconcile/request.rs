//! What a pass asks of the Speech service.
use super::{
    super::{copy, observe, references::connection_of, residence::Finding, wake},
    Managed, Reconciler,
};
use speech_api::Reason;
use speech_plan::{Action, Failure, FailureClass, Notice};
use speech_resource::{Undone, act};

fn connection_gone(action: &Action) -> Undone {
    Undone::Failed(Failure {
        operation: action.operation(),
        code: "connection".into(),
        message: "the connection is gone".into(),
        class: FailureClass::Transient { retry_after: None },
    })
}

impl<K: Managed> Reconciler<'_, K> {
    /// Deletes what this pass has made for an object that is gone: the apiserver removes one that is deleted in the very
    /// moment in which our finalizer is written, finalizer or not. Nobody else would ever look for it.
    pub(super) async fn undo_creation(&self) {
        let Some(remote) = self
            .around
            .remote
            .as_ref()
            .filter(|_| observe::need(&*self.object, self.context.hands).deletes_remote)
        else {
            return;
        };
        let uid = self.object.meta().uid.as_deref().unwrap_or_default();
        let made: Vec<Action> = {
            let view = remote.view();
            let endpoints = view.endpoints.owned_by(uid).into_iter();
            let models = view.models.owned_by(uid).into_iter();
            endpoints
                .map(|entry| Action::DeleteEndpoint(entry.entity.header.id))
                .chain(models.map(|entry| Action::DeleteModel(entry.entity.header.id)))
                .collect()
        };
        for action in made {
            // Or it went with its kind, which is no deletion that anybody meant.
            let meant = self.context.residence.now().await == Finding::Stays;
            if !meant || self.request(&action).await.is_err() {
                let note = format!("the object was gone before {action:?} could be asked for with success");
                self.tell_orphan(&Notice {
                    warning: true,
                    reason: Reason::Orphaned,
                    note,
                });
            }
        }
    }

    /// Sends a request, and wakes whom its effect concerns.
    pub(super) async fn request(&self, action: &Action) -> Result<(), Undone> {
        let Some((remote, link)) = self
            .around
            .remote
            .as_ref()
            .and_then(|remote| Some((remote, remote.link()?)))
        else {
            // The planner asked for a step through a connection that has gone since: nothing was sent.
            return Err(connection_gone(action));
        };
        let done = if matches!(action, Action::CopyModel(_) | Action::FollowCopy { .. }) {
            let target = copy::Side {
                remote,
                client: &link.client,
            };
            self.act_on_copy(target, action).await
        } else {
            act(&remote.resource, &link.client, action).await
        };
        if done.is_ok() && action.frees_model() {
            wake::on_model_freed(self.context, &connection_of(&*self.object));
        }
        match &done {
            Ok(()) if matches!(action, Action::FollowCopy { .. }) => {}
            Ok(()) => {
                tracing::info!(kind = %K::kind(&()), object = %self.name(), step = action.operation(), "took a step")
            }
            Err(Undone::Withheld) => {
                tracing::warn!(kind = %K::kind(&()), object = %self.name(), step = action.operation(), "a step waits for the lease")
            }
            Err(Undone::Failed(failure)) => {
                tracing::warn!(kind = %K::kind(&()), object = %self.name(), step = failure.operation, code = failure.code, reason = failure.message, "a step failed");
            }
        }
        done
    }

    async fn act_on_copy(&self, target: copy::Side<'_>, action: &Action) -> Result<(), Undone> {
        let found = self.object.source_remote(self.context);
        let Some((remote, link)) = found.as_ref().and_then(|remote| Some((remote, remote.link()?))) else {
            return Err(connection_gone(action));
        };
        let source = copy::Side {
            remote,
            client: &link.client,
        };
        copy::act(self.context, &*self.object, source, target, action).await
    }
}
