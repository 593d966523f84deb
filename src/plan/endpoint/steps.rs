//! The ordered rules for an endpoint that is wanted: the first that has something to say decides.
use super::{Snapshot, desired, identity, identity::Identity, untouched};
use crate::{
    api::{
        Reason, SpeechEndpointStatus,
        endpoint::TargetModel,
        reference::{LastFailure, ManagementPolicy},
    },
    plan::{
        Action, ConnectionState, Verdict,
        model_choice::{self, parse_id},
        retry,
        text::{after, day_time, parse, rfc3339},
    },
    speech::{
        EntityId,
        entity::{Endpoint, Status},
        request::{CreateEndpoint, UpdateEndpoint},
    },
    view::{Entry, ModelFacts, View},
};
use jiff::{SignedDuration, Timestamp};

/// How long a deployment takes at most as a rule, by the service's documents.
const USUAL_DEPLOYMENT: SignedDuration = SignedDuration::from_mins(30);
/// So close to the expiry of what serves, a swap goes before all other requests.
const URGENT: SignedDuration = SignedDuration::from_hours(24);

/// Decides about an endpoint that is not being deleted.
pub fn decide(s: &Snapshot<'_>, identity: &Identity<'_>, status: &mut SpeechEndpointStatus) -> Verdict {
    let (view, project) = match preconditions(s) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    // What is not known now keeps its place above; from here on the target follows from what is there.
    if !matches!(identity, Identity::Unseen) {
        status.target = None;
    }
    match identity {
        Identity::Unseen => Verdict::working(Reason::Connecting, "waiting for the first look at the Speech resource"),
        Identity::Known(entry) => known(s, view, project, entry, status).unwrap_or_else(|verdict| verdict),
        Identity::Missing(id) => missing(s, *id),
        Identity::None => create(s, view, project, status).unwrap_or_else(|verdict| verdict),
    }
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
    if project.is_some() && !has_projects {
        return Err(Verdict::stalled(
            Reason::SpecInvalid,
            "spec.project: the connection's API version 2024-11-15 has no projects; remove it or use another apiVersion",
        ));
    }
    if let Some(adopt) = &s.object.spec.adopt {
        parse_id("adopt.id", &adopt.id)?;
    }
    if let Some(holder) = s.holder {
        return Err(Verdict::stalled(
            Reason::OwnedByAnother,
            format!("SpeechEndpoint {holder} holds this remote endpoint already; delete one of the two"),
        ));
    }
    Ok((view, project))
}

fn missing(s: &Snapshot<'_>, id: EntityId) -> Verdict {
    if s.old_status().is_none_or(|status| status.id.is_none()) {
        return Verdict::stalled(
            Reason::EndpointNotFound,
            format!("the Speech resource has no endpoint {id}; correct spec.adopt.id by creating the object anew"),
        );
    }
    let message = format!(
        "endpoint {id} was deleted in the Speech service; applications that name it are answered by a base model. Delete this object and apply it again to create a new one"
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
    let creation = s.creation(status.closed_attempt);
    if !s.may_act() {
        return Err(untouched(s, "create the endpoint"));
    }
    let model = match (desired::model(s, view), creation.open()) {
        (Ok(model), _) => model,
        // A wish that cannot be met now does not end the search for what an earlier request may have made.
        (Err(_), Some(intent)) if !creation.is_void(intent) => return Err(creation.wait(intent)),
        (Err(verdict), _) => return Err(verdict),
    };
    model_choice::deployable(&model, s.now())?;
    note_target(s, status, &model);
    let post = |attempt| {
        Action::CreateEndpoint(Box::new(CreateEndpoint {
            display_name: s.display_name(),
            description: s.object.spec.description.clone(),
            locale: s.object.spec.locale.clone(),
            model: model.model,
            project,
            logging_enabled: s.object.spec.logging_enabled,
            owner: s.tag(attempt),
        }))
    };
    let verdict = Verdict::working(
        Reason::Creating,
        format!("creating the endpoint with model {}", model.name),
    )
    .watching();
    let action = creation.next(post)?;
    if action.is_remote() {
        return Ok(verdict.with(action));
    }
    // The announcement stands for the request: a failed request holds back the next announcement.
    let gated = retry::gate(
        failure_of(status),
        post(0),
        verdict.clone(),
        s.generation(),
        s.is_fresh(),
        s.now(),
    );
    Ok(if gated.action.is_some() {
        verdict.with(action)
    } else {
        gated
    })
}

/// The remote endpoint is there.
fn known(
    s: &Snapshot<'_>,
    view: &View,
    project: Option<EntityId>,
    entry: &Entry<Endpoint>,
    status: &mut SpeechEndpointStatus,
) -> Result<Verdict, Verdict> {
    let endpoint = &*entry.entity;
    ours_to_manage(s, endpoint)?;
    if s.may_act() && !s.has_finalizer() {
        return Ok(Verdict::working(Reason::Creating, "taking over the endpoint").with(Action::Claim(None)));
    }
    if let Some(twin) = identity::twin(s, endpoint.header.id).filter(|_| s.may_act()) {
        let verdict = Verdict::working(
            Reason::Updating,
            format!("deleting endpoint {twin}, which an earlier request made as well"),
        );
        let action = Action::DeleteEndpoint(twin);
        return Ok(retry::gate(
            status.last_failure.as_ref(),
            action,
            verdict,
            s.generation(),
            s.is_fresh(),
            s.now(),
        ));
    }
    let model = desired::model(s, view);
    if let Ok(model) = &model {
        note_target(s, status, model);
    }
    match &endpoint.header.status {
        Status::NotStarted | Status::Running | Status::Other(_) => Err(deploying(s, endpoint, status)),
        Status::Succeeded | Status::Failed if !entry.confirmed => Err(unconfirmed(s, endpoint, status)),
        Status::Succeeded | Status::Failed => settle(s, endpoint, model, project, status),
    }
}

/// Another owner's mark is told and never fought.
pub(super) fn ours_to_manage(s: &Snapshot<'_>, endpoint: &Endpoint) -> Result<(), Verdict> {
    if &*endpoint.header.locale != s.object.spec.locale.as_str() {
        let (id, found, want) = (endpoint.header.id, &endpoint.header.locale, &s.object.spec.locale);
        return Err(Verdict::stalled(
            Reason::LocaleMismatch,
            format!("endpoint {id} is of locale {found}, not {want}"),
        ));
    }
    match &endpoint.header.owner {
        Some(tag)
            if tag.uid != s.uid() && !s.abandoned && s.object.spec.management_policy == ManagementPolicy::Full =>
        {
            Err(Verdict::stalled(
                Reason::OwnedByAnother,
                format!(
                    "endpoint {} carries the mark of {} (uid {}) of cluster {}; it is left to that one",
                    endpoint.header.id, tag.object, tag.uid, tag.cluster
                ),
            ))
        }
        Some(_) | None => Ok(()),
    }
}

/// What is being deployed stands apart from what serves.
fn note_target(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus, model: &ModelFacts<'_>) {
    let id = model.model.to_string();
    if status.active.as_ref().is_some_and(|active| active.model == id) {
        return;
    }
    let before = s
        .old_status()
        .and_then(|old| old.target.as_ref())
        .filter(|target| target.model == id);
    let since = before.map_or_else(|| rfc3339(s.now()), |target| target.since.clone());
    status.target = Some(TargetModel {
        model: id,
        base: model.model.is_base(),
        name: model.name.to_owned(),
        revision: model.revision.and_then(|revision| i32::try_from(revision).ok()),
        since,
    });
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

/// The last failure, unless another model was wanted then: what the service said of that one says nothing of this one.
fn failure_of(status: &SpeechEndpointStatus) -> Option<&LastFailure> {
    let since = status.target.as_ref().and_then(|target| parse(Some(&target.since)));
    status
        .last_failure
        .as_ref()
        .filter(|last| since.is_none_or(|since| parse(Some(&last.at)).is_some_and(|at| since <= at)))
}

/// A change is on its way, or failed; nothing more is sent before a read tells what came of it.
fn unconfirmed(s: &Snapshot<'_>, endpoint: &Endpoint, status: &SpeechEndpointStatus) -> Verdict {
    let action = Action::UpdateEndpoint {
        id: endpoint.header.id,
        change: Box::default(),
        urgent: false,
    };
    let accepted = accepted(status);
    let gated = retry::gate(
        failure_of(status),
        action,
        accepted,
        s.generation(),
        s.is_fresh(),
        s.now(),
    );
    Verdict { action: None, ..gated }.watching()
}

/// Accepted is not serving: wait for a read that began after our request.
fn accepted(status: &SpeechEndpointStatus) -> Verdict {
    match (&status.active, &status.target) {
        (Some(_), Some(target)) => Verdict::working(
            Reason::Swapping,
            format!(
                "the service accepted model {}; waiting until it reports it",
                target.name
            ),
        ),
        (Some(_), None) => Verdict::working(
            Reason::Updating,
            "the service accepted the change; waiting until it reports it",
        ),
        (None, _) => Verdict::working(
            Reason::Deploying,
            "the service accepted the endpoint; waiting until it reports it",
        ),
    }
    .watching()
}

/// Nothing is under way at the service: compare with the spec.
fn settle(
    s: &Snapshot<'_>,
    endpoint: &Endpoint,
    model: Result<ModelFacts<'_>, Verdict>,
    project: Option<EntityId>,
    status: &mut SpeechEndpointStatus,
) -> Result<Verdict, Verdict> {
    let failed = endpoint.header.status == Status::Failed;
    let model = match model {
        Ok(model)
            if endpoint
                .model
                .is_some_and(|serves| serves.entity() == model.model.entity()) =>
        {
            None
        }
        Ok(model) => {
            let active = status
                .active
                .as_ref()
                .filter(|_| !failed)
                .and_then(|active| parse(active.expires_at.as_deref()));
            // What was chosen before is put back even where a person put something that expires later in its place.
            let active = active.filter(|_| !was_chosen(s, &model));
            if let Err(refusal) = desired::swappable(s, active, &model) {
                status.target = None;
                return Err(refusal);
            }
            Some(model)
        }
        Err(verdict) => return Err(verdict),
    };
    if failed && model.is_none() {
        return Err(deployment_failed(endpoint));
    }
    let change = difference(s, endpoint, model.as_ref(), project);
    if change.is_empty() {
        let name = status.active.as_ref().map_or_else(String::new, super::status::label);
        return Ok(Verdict::done(
            if s.may_act() { Reason::Serving } else { resting(s) },
            format!("model {name} serves"),
        ));
    }
    let fields = changed_fields(&change);
    if !s.may_act() {
        return Ok(untouched(s, &format!("change {fields}")));
    }
    let verdict = match &model {
        Some(model) if status.active.is_none() => {
            Verdict::working(Reason::Deploying, format!("deploying model {}", model.name))
        }
        // What served last is wanted again after a deployment of another model failed.
        Some(model) if status.target.is_none() => {
            Verdict::working(Reason::Updating, format!("moving back to model {}", model.name))
        }
        Some(model) => Verdict::working(Reason::Swapping, format!("moving to model {}", model.name)),
        None => Verdict::working(Reason::Updating, format!("changing {fields}")),
    };
    if s.around.failure.is_none() && was_asked(s, status, verdict.reason) {
        let failure = retry::not_applied(&fields);
        let last = retry::remember(failure_of(status), &failure, s.generation(), s.now());
        status.last_failure = Some(last);
    }
    let urgent = model.is_some() && expires_within(status, s.now(), URGENT);
    let action = Action::UpdateEndpoint {
        id: endpoint.header.id,
        change: Box::new(change),
        urgent,
    };
    Ok(retry::gate(
        failure_of(status),
        action,
        verdict.watching(),
        s.generation(),
        s.is_fresh(),
        s.now(),
    ))
}

/// Whether this change was sent already, to the same model if it is a swap.
fn was_asked(s: &Snapshot<'_>, status: &SpeechEndpointStatus, reason: Reason) -> bool {
    let target = |status: &SpeechEndpointStatus| status.target.as_ref().map(|target| target.model.clone());
    s.old_status().is_some_and(|old| {
        target(old) == target(status)
            && retry::was_asked(&old.conditions, old.observed_generation, s.generation(), reason)
    })
}

/// Whether the model served before, or was on its way, by our own decision.
fn was_chosen(s: &Snapshot<'_>, model: &ModelFacts<'_>) -> bool {
    let id = model.model.to_string();
    s.old_status().is_some_and(|old| {
        old.active.as_ref().is_some_and(|active| active.model == id)
            || old.target.as_ref().is_some_and(|target| target.model == id)
    })
}

fn resting(s: &Snapshot<'_>) -> Reason {
    if s.object.spec.suspend {
        Reason::Suspended
    } else {
        Reason::Observed
    }
}

fn deployment_failed(endpoint: &Endpoint) -> Verdict {
    let words = endpoint.header.error.as_ref().map_or_else(
        || "no reason given".to_owned(),
        |error| format!("{} ({})", error.message, error.code),
    );
    Verdict::stalled(
        Reason::DeploymentFailed,
        format!("the service could not deploy the endpoint: {words}"),
    )
}

fn expires_within(status: &SpeechEndpointStatus, now: Timestamp, span: SignedDuration) -> bool {
    let expiry = status
        .active
        .as_ref()
        .and_then(|active| parse(active.expires_at.as_deref()));
    expiry.is_some_and(|at| at <= after(now, span))
}

/// What the remote endpoint lacks. What the spec leaves out is left alone.
fn difference(
    s: &Snapshot<'_>,
    endpoint: &Endpoint,
    model: Option<&ModelFacts<'_>>,
    project: Option<EntityId>,
) -> UpdateEndpoint {
    let spec = &s.object.spec;
    let header = &endpoint.header;
    let name = s.display_name();
    let adopts_name = spec.display_name.is_some() || spec.adopt.is_none();
    UpdateEndpoint {
        model: model.map(|model| model.model),
        display_name: (adopts_name && *header.display_name != *name).then_some(name),
        description: spec.description.clone().filter(|text| **text != *header.description),
        project: project.filter(|project| header.project != Some(*project)),
        logging_enabled: spec
            .logging_enabled
            .filter(|enabled| *enabled != endpoint.logging_enabled),
        owner: (header.owner.as_ref().is_none_or(|tag| tag.uid != s.uid()) && s.may_act())
            .then(|| (s.tag(0), header.foreign_properties.clone())),
    }
}

/// The names of what changes, for a message.
pub(in crate::plan) fn changed_fields(change: &UpdateEndpoint) -> String {
    let UpdateEndpoint {
        model,
        display_name,
        description,
        project,
        logging_enabled,
        owner,
    } = change;
    let fields = [
        ("model", model.is_some()),
        ("displayName", display_name.is_some()),
        ("description", description.is_some()),
        ("project", project.is_some()),
        ("loggingEnabled", logging_enabled.is_some()),
        ("owner mark", owner.is_some()),
    ];
    fields
        .iter()
        .filter(|(_, changed)| *changed)
        .map(|(field, _)| *field)
        .collect::<Vec<_>>()
        .join(", ")
}
