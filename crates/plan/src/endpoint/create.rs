//! There is no remote endpoint: it is created, or was deleted and stays so.
use super::{
    Snapshot, choice, in_flight,
    observed::{Observed, Reach},
    record::Upcoming,
};
use crate::{Action, Verdict, creation::NextRequest, model_choice, queue::Want};
use speech_api::Reason;
use speech_service::{EntityId, request::CreateEndpoint};

/// The endpoint that the status or `adopt` names is not there, and none takes its place.
pub fn missing(s: &Snapshot<'_>, id: EntityId) -> Verdict {
    if s.old_status().is_none_or(|status| status.id.is_none()) {
        return Verdict::stalled(
            Reason::EndpointNotFound,
            format!("the Speech resource has no endpoint {id}; correct spec.adopt.id by creating the object anew"),
        );
    }
    let advice = match s.object.spec.adopt {
        Some(_) => "An adopted endpoint is not created again: delete this object and create one without adopt",
        None => "Write recreate: WhenDeleted, or delete this object and apply it again",
    };
    let message = format!(
        "endpoint {id} was deleted in the Speech service (of a free F0 resource after seven days); applications that name it are answered by a base model. {advice}, to create a new one with another id"
    );
    Verdict::stalled(Reason::RemoteDeleted, message)
}

/// There is no remote endpoint yet: the next step towards one, and the model that it is to serve first; or what keeps it from
/// being made.
pub fn decide(f: &Observed<'_>) -> (Verdict, Upcoming) {
    attempt(f).unwrap_or_else(|verdict| (verdict, Upcoming::default()))
}

fn attempt(f: &Observed<'_>) -> Result<(Verdict, Upcoming), Verdict> {
    let s = &f.s;
    let Reach { view, project } = *f.reach.as_ref().map_err(|obstacle| obstacle.verdict.clone())?;
    let creation = s.creation(&f.status);
    if !s.may_act() {
        return Err(s.untouched("create the endpoint"));
    }
    let listed = view.endpoints.iter().map(|entry| &entry.entity.header);
    if let Some(restored) = s.predecessor().elsewhere(listed) {
        return Err(restored);
    }
    let choice = match (choice::choose(s, view, &f.record), creation.open()) {
        (Ok(choice), _) => choice,
        // A wish that cannot be met now does not end the search for what an earlier request may have made.
        (Err(_), Some(intent)) if !creation.is_void(intent) => return Err(creation.wait(intent)),
        (Err(verdict), _) => return Err(verdict),
    };
    let model = choice.facts;
    model_choice::deployable(&model, s.now())?;
    let upcoming = Upcoming::asked(in_flight::target(f, &model, false));
    let post = |attempt| {
        Action::CreateEndpoint(Box::new(CreateEndpoint {
            display_name: s.display_name(),
            description: s.object.spec.description.clone(),
            locale: s.object.spec.locale.clone(),
            model: model.model,
            project,
            logging_enabled: s.object.spec.logging_enabled,
            owner: s.mark(attempt),
        }))
    };
    let (reason, what) = match f.status.former_ids.first() {
        Some(former) => (
            Reason::Recreating,
            format!("endpoint {former} was deleted in the Speech service; creating another"),
        ),
        None => (Reason::Creating, "creating the endpoint".to_owned()),
    };
    let verdict = Verdict::working(reason, format!("{what} with model {}", choice::named(&model)))
        .wanting(Want::Creation)
        .watching();
    let announcement = match creation.next(post) {
        Ok(NextRequest::Post(action)) => return Ok((verdict.with(action), upcoming)),
        Ok(NextRequest::Announce(announcement)) => announcement,
        Err(waits) => return Ok((waits, upcoming)),
    };
    // The announcement stands for the request: a failed request holds back the next announcement.
    let last = in_flight::last_failure(&upcoming, &f.record.failures);
    let admitted = s.asking(None).admit(last, post(0), verdict);
    let verdict = announcement.through(admitted, last);
    Ok((verdict, upcoming))
}
