//! Answers that are not the service's own, refusals that pass, and people who delete what is ours.
use super::{planted::PlantedBug, service::Answer, state::State};
use crate::cluster::Key;
use speech_api::endpoint::Recreate;
use speech_plan::{Action, FailureClass};
use speech_service::EntityId;
use std::sync::Arc;

/// A gateway answers a request: it says 404, or that all is done.
pub fn gateway(bug: PlantedBug, s: &mut State, number: usize) {
    let request = &mut s.requests[number];
    let deletes = matches!(request.action, Action::DeleteEndpoint(_) | Action::DeleteModel(_));
    request.answer = Some(match bug == PlantedBug::BelievedGateway && deletes {
        true => Answer::Deleted,
        false => Answer::Refused(FailureClass::Transient { retry_after: None }),
    });
}

/// The service refuses a request that may be good later.
pub fn refuse(s: &mut State, number: usize) {
    s.requests[number].answer = Some(Answer::Refused(FailureClass::Refused));
}

/// What would be made anew if somebody deleted it: all models, and the endpoints of which the spec says so.
pub fn replaceable(s: &State) -> impl Iterator<Item = EntityId> {
    s.service.ours().filter(|id| {
        let Some(endpoint) = s.service.endpoints.get(id) else {
            return true;
        };
        let key = endpoint
            .header
            .owner
            .as_ref()
            .and_then(|tag| s.cluster.by_uid.get(&tag.uid));
        let Some(Key::Endpoint(index)) = key else { return false };
        let object = s.cluster.endpoints[*index].as_ref();
        object.is_some_and(|object| object.spec.recreate == Recreate::WhenDeleted)
    })
}

/// Somebody deletes an entity: what named it will name another.
pub fn vanish(s: &mut State, id: EntityId) {
    let service = Arc::make_mut(&mut s.service);
    service.endpoints.remove(&id);
    service.models.remove(&id);
    s.ids.retain(|_, named| *named != id);
}
