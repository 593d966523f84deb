//! What holds of every plan and every step, whatever happened before.
use super::*;

/// While what serves is valid, a swap leaves the endpoint ready, and what comes is told apart.
pub fn judge_swap(status: &SpeechEndpointStatus) {
    let said = said(&status.conditions);
    let target = status.target.as_ref().or(status.candidate.as_ref());
    if said.contains("Reconciling Swapping") {
        let valid = !said.contains("ModelValid=False");
        assert!(said.contains("Ready=True") == valid, "{said}");
        assert_ne!(status.active.as_ref().unwrap().model, target.unwrap().model);
    }
}

/// What no step may ever do.
pub fn judge(case: &Case, action: &Action) {
    let endpoint = |id: EntityId| case.world.view.endpoints.get(id).unwrap();
    match action {
        Action::CreateEndpoint(create) => judge_post(case, create.owner.attempt),
        Action::CreateEvaluation(create) => judge_post(case, create.owner.attempt),
        Action::UpdateEndpoint { id, change, urgent } => {
            assert!(endpoint(*id).confirmed, "on what nobody has read");
            judge_urgency(case, *urgent);
            judge_model(case, change);
        }
        Action::DeleteEndpoint(id) => {
            let tag = endpoint(*id).entity.header.owner.clone();
            let deleting = case.object.metadata.deletion_timestamp.is_some();
            assert!(tag.map_or(deleting, |tag| tag.uid == UID), "another's endpoint {id}");
        }
        Action::Claim(_) | Action::Release => {}
        other => panic!("no step of an endpoint: {other:?}"),
    }
}

/// A request leaves only for the attempt that this very pass announced.
fn judge_post(case: &Case, attempt: u32) {
    let open = CreationIntent::of(&case.object).unwrap();
    assert_eq!((case.world.pass.announced, attempt), (Some(open.attempt), open.attempt));
}

/// What goes before all other requests was counted, as far as the status tells: room is kept for it.
fn judge_urgency(case: &Case, urgent: bool) {
    let object = SpeechEndpoint {
        status: Some(case.plan().status),
        ..case.object.clone()
    };
    let counted = super::super::super::may_be_urgent(&object, &case.world.agenda.durations, case.world.now);
    assert!(counted || !urgent, "nobody kept room for it");
}

fn judge_model(case: &Case, change: &UpdateEndpoint) {
    let (now, view) = (case.world.now, &case.world.view);
    let Some(model) = change.model() else { return };
    let facts = view.model(model).unwrap();
    assert!(model_choice::deployable(&facts, now).is_ok());
    assert_eq!(facts.locale, "en-US");
    let choice = &case.object.spec.model;
    let named = choice.id.is_some() || choice.base.as_ref().is_some_and(|base| base.id.is_some());
    let serves = view
        .endpoints
        .iter()
        .find(|e| e.is_owned_by(UID) && e.entity.header.status == Status::Succeeded);
    let active = serves.and_then(|e| view.model(e.entity.model?)?.expires_at);
    // What was chosen before is put back, whatever a person put in its place.
    let status = case.object.status.as_ref();
    let served = status.and_then(|status| Some(&status.active.as_ref()?.model));
    let chosen = status.and_then(|status| Some(&status.target.as_ref()?.model));
    let candidate = status.and_then(|status| status.candidate.as_ref());
    let begun = candidate
        .filter(|candidate| candidate.requested)
        .map(|candidate| &candidate.model);
    let put_back = [served, chosen, begun].contains(&Some(&model.entity()));
    // What stands in for a candidate makes room for it.
    let interim = status.is_some_and(|status| status.active.as_ref().is_some_and(|active| active.interim));
    if let (Some(active), Some(next), false) = (active, facts.expires_at, named || put_back || interim) {
        assert!(active <= now || next >= active, "swapped to what expires earlier");
    }
}
