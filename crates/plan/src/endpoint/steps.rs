//! The ordered rules for an endpoint that is wanted: the first that has something to say decides.
use super::{
    Snapshot, asked, choice,
    course::Dates,
    fields, identity,
    identity::Identity,
    outlook, quarantine, settle,
    target::{Move, note_target},
};
use crate::{
    Action, ConnectionState, Verdict,
    creation::Next,
    former,
    line::Want,
    model_choice::{self, parse_id},
    outlook::Outlook,
    retry,
    text::{after, day_time},
    verdict::Phase,
    view::{Entry, View},
    window::Calendar,
};
use jiff::SignedDuration;
use speech_api::{Reason, SpeechEndpointStatus};
use speech_service::{
    EntityId, ModelId,
    entity::{Endpoint, Status},
    request::{CreateEndpoint, UpdateEndpoint},
};

/// How long a deployment takes at most as a rule, by the service's documents.
const USUAL_DEPLOYMENT: SignedDuration = SignedDuration::from_mins(30);

/// Decides about an endpoint that is not being deleted, and says what lies ahead.
pub fn decide(s: &Snapshot<'_>, identity: &Identity<'_>, status: &mut SpeechEndpointStatus) -> (Verdict, Outlook) {
    let (verdict, outlook) = by_rules(s, identity, status);
    let outlook = outlook::with_ending(s, status, outlook);
    (verdict, outlook)
}

fn by_rules(s: &Snapshot<'_>, identity: &Identity<'_>, status: &mut SpeechEndpointStatus) -> (Verdict, Outlook) {
    let windows = Calendar::parse(&s.object.spec.swap.windows);
    // Windows that cannot be read are shut: what is not allowed for certain waits, but not past the deadline.
    let calendar = windows.clone().unwrap_or_else(|_| Calendar::shut());
    let (view, project) = match preconditions(s) {
        Ok(found) => found,
        Err(verdict) => {
            let outlook = outlook::obstructed(s, status, &Dates::of(s, status, &calendar), &verdict);
            return (verdict, outlook);
        }
    };
    // What is not known now keeps its place above; from here on these follow from what is there.
    if !matches!(identity, Identity::Unseen) {
        (status.target, status.candidate) = (None, None);
    }
    let mut outlook = Outlook::default();
    let verdict = match identity {
        Identity::Unseen => {
            let verdict = Verdict::working(Reason::Connecting, "waiting for the first look at the Speech resource");
            outlook = outlook::obstructed(s, status, &Dates::of(s, status, &calendar), &verdict);
            verdict
        }
        Identity::Known(entry) => {
            known(s, view, project, &calendar, entry, status, &mut outlook).unwrap_or_else(|verdict| verdict)
        }
        Identity::Missing(id) => unlisted_yet(s).unwrap_or_else(|| missing(s, *id)),
        Identity::Lost(id) => unlisted_yet(s).unwrap_or_else(|| {
            super::status::forget(status, id.to_string());
            create(s, view, project, status).unwrap_or_else(|verdict| verdict)
        }),
        Identity::Left(id) => former::wait(&format!("endpoint {id}"), s.written(), s.now()),
        Identity::None => create(s, view, project, status).unwrap_or_else(|verdict| verdict),
    };
    outlook::unserved(s, status, identity, &verdict, &mut outlook);
    let verdict = match windows {
        Err(error) if verdict.phase == Phase::Done => Verdict {
            phase: Phase::Stalled,
            reason: Reason::SpecInvalid,
            message: error.to_string(),
            ..verdict
        },
        Ok(_) | Err(_) => verdict,
    };
    (verdict, outlook)
}

/// What must hold before anything can be said of the remote endpoint.
fn preconditions<'a>(s: &Snapshot<'a>) -> Result<(&'a View, Option<EntityId>), Verdict> {
    if let Some(obstacle) = s.around.connection.obstacle(s.connection_name()) {
        return Err(obstacle);
    }
    let ConnectionState::Ready { view, has_projects } = s.around.connection else {
        return Err(Verdict::working(Reason::Connecting, "waiting for the connection"));
    };
    let project = s
        .object
        .spec
        .project
        .as_deref()
        .map(|text| parse_id("project", text))
        .transpose()?;
    if let Some(adopt) = &s.object.spec.adopt {
        parse_id("adopt.id", &adopt.id)?;
    }
    if let Some(holder) = s.related.holder {
        return Err(Verdict::stalled(
            Reason::OwnedByAnother,
            format!("SpeechEndpoint {holder} holds this remote endpoint already; delete one of the two"),
        ));
    }
    // What the API version does not have is told beside, and holds nothing back.
    Ok((view, project.filter(|_| has_projects)))
}

/// Waits where the endpoint that the status names is missing from a list that may be older than it.
fn unlisted_yet(s: &Snapshot<'_>) -> Option<Verdict> {
    let creation = s.creation(&s.old_status().cloned().unwrap_or_default());
    let intent = creation
        .open()
        .filter(|intent| creation.unlisted && !creation.is_void(*intent))?;
    Some(creation.wait(intent))
}

fn missing(s: &Snapshot<'_>, id: EntityId) -> Verdict {
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

/// There is no remote endpoint yet.
fn create(
    s: &Snapshot<'_>,
    view: &View,
    project: Option<EntityId>,
    status: &mut SpeechEndpointStatus,
) -> Result<Verdict, Verdict> {
    let creation = s.creation(status);
    if !s.may_act() {
        return Err(s.untouched("create the endpoint"));
    }
    let listed = view.endpoints.iter().map(|entry| &entry.entity.header);
    if let Some(restored) = s.former().elsewhere(listed) {
        return Err(restored);
    }
    let choice = match (choice::choose(s, view, status), creation.open()) {
        (Ok(choice), _) => choice,
        // A wish that cannot be met now does not end the search for what an earlier request may have made.
        (Err(_), Some(intent)) if !creation.is_void(intent) => return Err(creation.wait(intent)),
        (Err(verdict), _) => return Err(verdict),
    };
    let model = choice.facts;
    model_choice::deployable(&model, s.now())?;
    note_target(s, status, &model, false);
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
    let (reason, what) = match status.former_ids.first() {
        Some(former) => (
            Reason::Recreating,
            format!("endpoint {former} was deleted in the Speech service; creating another"),
        ),
        None => (Reason::Creating, "creating the endpoint".to_owned()),
    };
    let verdict = Verdict::working(reason, format!("{what} with model {}", choice::named(&model)))
        .wanting(Want::Creation)
        .watching();
    let announcement = match creation.next(post)? {
        Next::Post(action) => return Ok(verdict.with(action)),
        Next::Announce(announcement) => announcement,
    };
    // The announcement stands for the request: a failed request holds back the next announcement.
    let last = asked::last_failure(status);
    let gated = s.asking(None).gate(last, post(0), verdict);
    Ok(announcement.through(gated, last))
}

/// The remote endpoint is there.
fn known(
    s: &Snapshot<'_>,
    view: &View,
    project: Option<EntityId>,
    calendar: &Calendar,
    entry: &Entry<Endpoint>,
    status: &mut SpeechEndpointStatus,
    outlook: &mut Outlook,
) -> Result<Verdict, Verdict> {
    let endpoint = &*entry.entity;
    identity::ours_to_manage(s, endpoint)?;
    if s.may_act() && !s.has_finalizer() {
        return Ok(Verdict::working(Reason::Creating, "taking over the endpoint").with(Action::Claim(None)));
    }
    let mut twin_waits = None;
    if let Some(twin) = identity::twin(s, endpoint.header.id).filter(|_| s.may_act()) {
        let verdict = Verdict::working(
            Reason::Updating,
            format!("deleting endpoint {twin}, which an earlier request made as well"),
        );
        let last = retry::recall(status, Action::DELETE);
        let verdict = s.asking(None).gate(last, Action::DeleteEndpoint(twin), verdict);
        if verdict.action.is_some() {
            return Ok(verdict);
        }
        // One that cannot be deleted now keeps nothing else back.
        twin_waits = verdict.look_again;
    } else {
        status
            .side_failures
            .retain(|failure| failure.operation != Action::DELETE);
    }
    quarantine::take_back(s, view, endpoint, status);
    quarantine::note_failed_deployment(s, endpoint, status);
    let dates = Dates::of(s, status, calendar);
    let judged = status.gate.clone();
    let next = settle::next_model(s, view, endpoint, &dates, status);
    let under_way = !(entry.confirmed && endpoint.header.status.is_terminal());
    if under_way {
        // Whom the next candidate has to be compared with is known at the end.
        status.gate = judged;
        note_deployment(s, view, endpoint, next.as_ref().ok(), status);
    }
    let verdict = match (&endpoint.header.status, &next) {
        (Status::NotStarted | Status::Running | Status::Other(_), _) => deploying(s, endpoint, status),
        (Status::Succeeded | Status::Failed, _) if !entry.confirmed => unconfirmed(s, endpoint, &dates, status),
        (Status::Succeeded | Status::Failed, Ok(next)) => settle::settle(s, endpoint, next, project, &dates, status),
        (Status::Succeeded | Status::Failed, Err(verdict)) => verdict.clone(),
    };
    let seen = outlook::Seen {
        view,
        work_since: under_way.then(|| endpoint.header.last_action_at.max(endpoint.header.created_at)),
        next: next.as_ref(),
        verdict: &verdict,
    };
    *outlook = outlook::of(s, status, &dates, &seen);
    let verdict = twin_waits.into_iter().fold(verdict, Verdict::until);
    let creates = under_way && status.active.is_none();
    Ok(if creates {
        verdict.wanting(Want::Creation)
    } else {
        verdict
    })
}

/// What is on its way while the service has not reported it: the model that the service names, else the one that was
/// asked for.
fn note_deployment(
    s: &Snapshot<'_>,
    view: &View,
    endpoint: &Endpoint,
    next: Option<&Move<'_>>,
    status: &mut SpeechEndpointStatus,
) {
    let active = status.active.as_ref().map(|active| active.model.clone());
    let named = endpoint.model.filter(|model| active != Some(model.to_string()));
    let before = s.old_status().and_then(|old| old.target.clone());
    match (named.and_then(|model| view.model(model)), before, next) {
        (Some(facts), _, _) => {
            let interim = asked::stands_in(s, &facts)
                || matches!(next, Some(Move::To { facts: to, interim: true, .. }) if to.model == facts.model);
            note_target(s, status, &facts, interim);
        }
        (None, Some(before), _) if active.as_ref() != Some(&before.model) => status.target = Some(before),
        (None, _, Some(Move::To { facts, interim, .. })) => settle::note_asked(s, endpoint, facts, *interim, status),
        (None, _, Some(Move::Stay | Move::Held { .. }) | None) => {}
    }
    if status.target.is_some() {
        status.candidate = None;
    }
}

/// The service is at work: say so honestly, also when it takes longer than usual.
fn deploying(s: &Snapshot<'_>, endpoint: &Endpoint, status: &SpeechEndpointStatus) -> Verdict {
    let since = endpoint.header.last_action_at.max(endpoint.header.created_at);
    let late = after(since, USUAL_DEPLOYMENT);
    let pace = if s.now() < late {
        "this takes up to 30 minutes as a rule"
    } else {
        "this is longer than the usual 30 minutes"
    };
    let (reason, what) = match (&status.active, &status.target) {
        (Some(_), Some(target)) => (Reason::Swapping, format!("moving to model {}", target.name)),
        (Some(_), None) => (Reason::Updating, "changing".to_owned()),
        (None, _) => (Reason::Deploying, "deploying".to_owned()),
    };
    let verdict = Verdict::working(
        reason,
        format!("the service is {what} since {}; {pace}", day_time(since)),
    )
    .watching();
    if s.now() < late { verdict.until(late) } else { verdict }
}

/// A change is on its way, or failed; nothing more is sent before a read tells what came of it.
fn unconfirmed(s: &Snapshot<'_>, endpoint: &Endpoint, dates: &Dates<'_>, status: &SpeechEndpointStatus) -> Verdict {
    let model = endpoint.model.unwrap_or(ModelId::Base(endpoint.header.id));
    let action = fields::step(endpoint, UpdateEndpoint::Model(model), false);
    let gated = s
        .asking(dates.need())
        .gate(asked::failed_swap(status), action, asked::until_reported(s, status));
    Verdict { action: None, ..gated }.watching()
}
