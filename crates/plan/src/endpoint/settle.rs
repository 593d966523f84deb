//! An endpoint at which nothing is under way: which model it moves to, if any, and what else differs from the spec.
use super::{
    Snapshot, asked,
    choice::{self, Choice},
    contest,
    course::{self, Course, Dates},
    fields, gate, quarantine,
    target::{Move, note_target, on_its_way},
};
use crate::{
    Action, Failure, FailureClass, Verdict, model_choice, retry,
    text::{cause, parse},
    view::{ModelFacts, View},
};
use speech_api::{
    Reason, SpeechEndpointStatus,
    endpoint::TargetModel,
    swap::{GateVerdict, OnDeadline},
};
use speech_service::{
    EntityId, ModelId,
    entity::{Endpoint, Status},
    request::UpdateEndpoint,
};

/// Decides about the endpoint's model.
pub fn next_model<'a>(
    s: &Snapshot<'a>,
    view: &'a View,
    endpoint: &Endpoint,
    dates: &Dates<'_>,
    status: &mut SpeechEndpointStatus,
) -> Result<Move<'a>, Verdict> {
    let failed = endpoint.header.status == Status::Failed;
    let serves = endpoint.model;
    let at_once = |facts| Move::To {
        facts,
        interim: false,
        urgent: dates.is_urgent(s.now()),
    };
    // A swap that failed goes back to what served last, before anything else is tried.
    if failed && let Some(back) = last_good(s, view, status).filter(|back| !is(serves, back)) {
        return Ok(at_once(back));
    }
    let resumed = |facts: ModelFacts<'a>| Move::To {
        facts,
        interim: asked::stands_in(s, &facts),
        urgent: dates.is_urgent(s.now()),
    };
    // While one that was asked for may still come, another would only begin everything anew.
    let unseen = asked::unseen(s, endpoint).filter(|_| !failed);
    if let Some(facts) = unseen.and_then(|target| usable(s, view, status, &target.model)) {
        // What waits behind it goes on waiting.
        status.candidate = s.old_status().and_then(|old| old.candidate.clone());
        return Ok(resumed(facts));
    }
    let choice = match choice::choose(s, view, status) {
        Ok(choice) => choice,
        Err(verdict) => return instead(s, view, endpoint, dates, status, None).ok_or(verdict),
    };
    if is(serves, &choice.facts) {
        return match failed {
            false => Ok(Move::Stay),
            true if was_cleared(endpoint, status) => {
                model_choice::deployable(&choice.facts, s.now()).map(|()| at_once(choice.facts))
            }
            true => Err(deployment_failed(endpoint)),
        };
    }
    let begun = |chosen: Option<ModelFacts<'a>>| chosen.filter(|facts| !is(serves, facts));
    let unfinished = begun(recorded(s, view, status, |old| {
        let asked = old.target.as_ref().or_else(|| asked::in_vain(old));
        asked.map(|asked| &asked.model)
    }));
    let by_hand = serves.is_some() && old_target(s) != serves.map(|model| model.to_string()).as_deref();
    let moved_away = begun(recorded(s, view, status, |old| {
        old.active.as_ref().map(|active| &active.model)
    }))
    .filter(|_| by_hand && !failed);
    let decided = |facts: &Option<ModelFacts<'a>>| facts.is_some_and(|facts| facts.model == choice.facts.model);
    model_choice::deployable(&choice.facts, s.now())?;
    // What was chosen before is put back even where a person put something that expires later in its place.
    if decided(&unfinished) || decided(&moved_away) || status.active.is_none() || failed {
        return Ok(at_once(choice.facts));
    }
    if !choice.named {
        choice::expires_no_earlier(s, status, &choice.facts)?;
    }
    let course = approach(s, view, endpoint, &choice, dates, status);
    if course.is_clear() {
        return Ok(by(choice, course));
    }
    if judged_unfit(s, &choice, status) {
        // Out of the choice from now on; the next look chooses without it.
        return next_model(s, view, endpoint, dates, status);
    }
    // A move that was begun is finished, and one that somebody made by hand is undone, while the next has to wait.
    if let Some(facts) = unfinished.or(moved_away) {
        return Ok(resumed(facts));
    }
    Ok(instead(s, view, endpoint, dates, status, Some(&course)).unwrap_or_else(|| by(choice, course)))
}

/// A candidate that failed its gate goes into quarantine with the numbers.
fn judged_unfit(s: &Snapshot<'_>, choice: &Choice<'_>, status: &mut SpeechEndpointStatus) -> bool {
    let id = choice.facts.model.to_string();
    let failed = |gate: &&speech_api::swap::Judgement| gate.candidate == id && gate.verdict == GateVerdict::Fail;
    let Some(message) = status.gate.as_ref().filter(failed).map(|gate| gate.message.clone()) else {
        return false;
    };
    let name = choice.facts.name;
    quarantine::add(status, choice.facts.model, name, Reason::GateFailed, message, s.now());
    status.candidate = None;
    true
}

/// The newest base model, where the spec wants it at the end and the gate still keeps everything else back.
fn instead<'a>(
    s: &Snapshot<'a>,
    view: &'a View,
    endpoint: &Endpoint,
    dates: &Dates<'_>,
    status: &mut SpeechEndpointStatus,
    held: Option<&Course>,
) -> Option<Move<'a>> {
    let gate = s.object.spec.swap.gate.as_ref()?;
    let by_gate = held.is_none_or(|course| course.blocks.iter().any(|block| gate::gives(block.reason)));
    if gate.on_deadline != OnDeadline::NewestBase || !by_gate || dates.gate_deadline()? > s.now() {
        return None;
    }
    let choice = choice::stand_in(s, view, status)?;
    let later = choice
        .facts
        .expires_at
        .is_none_or(|at| dates.expiry.is_none_or(|expiry| at > expiry));
    if is(endpoint.model, &choice.facts) || !later {
        return None;
    }
    let course = approach(s, view, endpoint, &choice, dates, status);
    Some(by(choice, course))
}

/// Notes a candidate and plots the course to it; what moves now is a candidate no more.
fn approach(
    s: &Snapshot<'_>,
    view: &View,
    endpoint: &Endpoint,
    choice: &Choice<'_>,
    dates: &Dates<'_>,
    status: &mut SpeechEndpointStatus,
) -> Course {
    note_candidate(s, status, choice);
    let course = course::plot(s, view, endpoint, choice, dates, status);
    if course.is_clear() {
        status.candidate = None;
    }
    course
}

/// The move that a course allows.
fn by<'a>(choice: Choice<'a>, course: Course) -> Move<'a> {
    if course.is_clear() {
        return Move::To {
            facts: choice.facts,
            interim: choice.interim,
            urgent: course.urgent,
        };
    }
    Move::Held {
        choice,
        course: Box::new(course),
    }
}

fn is(serves: Option<ModelId>, facts: &ModelFacts<'_>) -> bool {
    serves.is_some_and(|serves| serves.entity() == facts.model.entity())
}

/// What served last, while it can still serve.
fn last_good<'a>(s: &Snapshot<'a>, view: &'a View, status: &SpeechEndpointStatus) -> Option<ModelFacts<'a>> {
    usable(s, view, status, &status.active.as_ref()?.model)
}

/// A model that the written status names, while it can serve.
fn recorded<'a>(
    s: &Snapshot<'a>,
    view: &'a View,
    status: &SpeechEndpointStatus,
    which: impl Fn(&SpeechEndpointStatus) -> Option<&String>,
) -> Option<ModelFacts<'a>> {
    usable(s, view, status, s.old_status().and_then(which)?)
}

fn usable<'a>(s: &Snapshot<'_>, view: &'a View, status: &SpeechEndpointStatus, id: &str) -> Option<ModelFacts<'a>> {
    let id: EntityId = id.parse().ok()?;
    let facts = view.model_by_id(id)?;
    let fits = model_choice::deployable(&facts, s.now()).is_ok() && quarantine::find(status, facts.model).is_none();
    fits.then_some(facts)
}

fn old_target<'a>(s: &Snapshot<'a>) -> Option<&'a str> {
    s.old_status()?.target.as_ref().map(|target| target.model.as_str())
}

/// Whether the quarantine was cleared since the deployment failed.
fn was_cleared(endpoint: &Endpoint, status: &SpeechEndpointStatus) -> bool {
    let cleared = parse(status.quarantine_cleared_at.as_deref());
    cleared.is_some_and(|cleared| endpoint.header.last_action_at <= cleared)
}

/// The model that is to follow, and since when that is known.
fn note_candidate(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus, choice: &Choice<'_>) {
    let before = s.old_status().and_then(|old| old.candidate.as_ref());
    status.candidate = Some(on_its_way(s, &choice.facts, choice.interim, before));
}

/// Compares with the spec. The mark comes first, so that others see whose endpoint it is; then the model, which nothing
/// else may keep back; then the rest.
pub fn settle(
    s: &Snapshot<'_>,
    endpoint: &Endpoint,
    next: &Move<'_>,
    project: Option<EntityId>,
    dates: &Dates<'_>,
    status: &mut SpeechEndpointStatus,
) -> Verdict {
    let mut changes = fields::differences(s, endpoint, project);
    fields::forget_settled(&changes, endpoint, status);
    if !s.may_act() {
        let model = match next {
            Move::To { facts, interim, .. } => {
                note_asked(s, endpoint, facts, *interim, status);
                Some(UpdateEndpoint::Model(facts.model))
            }
            Move::Stay | Move::Held { .. } => None,
        };
        let names = fields::names(model.iter().chain(&changes));
        return if names.is_empty() {
            at_rest(s, next, status)
        } else {
            s.untouched(&format!("change {names}"))
        };
    }
    let unmarked = changes
        .first()
        .filter(|change| matches!(change, UpdateEndpoint::Owner(..)));
    let mut waits = None;
    if let Some(mark) = unmarked.cloned() {
        changes.remove(0);
        match fields::mark(s, endpoint, mark, status) {
            Ok(verdict) => return verdict,
            Err(verdict) => waits = Some(verdict),
        }
    }
    match (next, waits) {
        // Whose it is has to be said first, but not at the price of an expiry; and what we made is ours without a mark.
        (Move::To { facts, interim, urgent }, waits) if *urgent || waits.is_none() || s.object.spec.adopt.is_none() => {
            note_asked(s, endpoint, facts, *interim, status);
            match asked::shows_old_until(s, endpoint, status, facts.model) {
                Some(until) => {
                    let rest = asked::until_reported(s, status).until(until);
                    fields::change(s, endpoint, changes, next, status, rest)
                }
                None => match contest::hold(s, endpoint, (facts, *interim), dates, status) {
                    Some(held) => fields::change(s, endpoint, changes, next, status, held),
                    None => swap(s, endpoint, facts, *interim, *urgent, dates, status),
                },
            }
        }
        (Move::To { .. } | Move::Stay | Move::Held { .. }, Some(waits)) => waits,
        (Move::To { .. } | Move::Stay | Move::Held { .. }, None) => {
            let rest = at_rest(s, next, status);
            fields::change(s, endpoint, changes, next, status, rest)
        }
    }
}

/// Moves the endpoint to another model, by a request that names nothing else.
fn swap(
    s: &Snapshot<'_>,
    endpoint: &Endpoint,
    facts: &ModelFacts<'_>,
    interim: bool,
    urgent: bool,
    dates: &Dates<'_>,
    status: &mut SpeechEndpointStatus,
) -> Verdict {
    let verdict = moving(status, endpoint, facts);
    let action = fields::step(endpoint, UpdateEndpoint::Model(facts.model), urgent);
    if s.around.learned.failure.is_none() && asked::was_asked(s, status, verdict.reason) {
        let failure = retry::not_applied(&action, "the model");
        let last = retry::remember(asked::failed_swap(status), &failure, s.generation(), s.now());
        status.last_failure = Some(last);
    }
    let asking = s.asking(dates.need());
    let verdict = asking.gate(asked::failed_swap(status), action, verdict.watching());
    if verdict.action.is_some() && s.around.learned.asked.is_none() {
        // It leaves now: what this plan says is written only by who knows that it did.
        note_target(s, status, facts, interim);
        status.candidate = None;
    }
    verdict
}

/// Notes the model that is asked for. A target is what the service accepted, or may have; all else still waits.
pub fn note_asked(
    s: &Snapshot<'_>,
    endpoint: &Endpoint,
    facts: &ModelFacts<'_>,
    interim: bool,
    status: &mut SpeechEndpointStatus,
) {
    let id = facts.model.to_string();
    let refused = |failure: &Failure| failure.class != FailureClass::Uncertain;
    let left = s.around.learned.asked == Some(Action::SWAP) && !s.around.learned.failure.is_some_and(refused);
    let known = old_target(s) == Some(id.as_str())
        || asked::accepted(s, endpoint) == Some(facts.model)
        || left
        || status.active.is_none();
    if known {
        note_target(s, status, facts, interim);
    } else if status.active.as_ref().is_none_or(|active| active.model != id) {
        let before = s.old_status().and_then(|old| old.candidate.as_ref());
        let before = before.filter(|before| before.model == id);
        status.candidate = Some(TargetModel {
            requested: s.around.learned.asked == Some(Action::SWAP) || before.is_some_and(|before| before.requested),
            ..on_its_way(s, facts, interim, before)
        });
    }
}

fn moving(status: &SpeechEndpointStatus, endpoint: &Endpoint, model: &ModelFacts<'_>) -> Verdict {
    let name = choice::named(model);
    let id = model.model.to_string();
    let back = status.active.as_ref().is_some_and(|active| active.model == id);
    if status.active.is_none() {
        return Verdict::working(Reason::Deploying, format!("deploying model {name}"));
    }
    // What served last is wanted again after a deployment of another model failed.
    if back && endpoint.header.status == Status::Failed {
        return Verdict::working(Reason::RolledBack, format!("moving back to model {name}"));
    }
    Verdict::working(Reason::Swapping, format!("moving to model {name}"))
}

/// Nothing differs, or what differs has to wait.
fn at_rest(s: &Snapshot<'_>, next: &Move<'_>, status: &SpeechEndpointStatus) -> Verdict {
    let serves = super::status::serves(s, status);
    let Move::Held { choice, course } = next else {
        return Verdict::done(if s.may_act() { Reason::Serving } else { s.why_not().0 }, serves);
    };
    if !s.may_act() {
        return s.untouched(&format!("move to model {}", choice::named(&choice.facts)));
    }
    let words: Vec<&str> = course.blocks.iter().map(|block| block.words.as_str()).collect();
    let message = format!(
        "{serves}; model {} waits for {}",
        choice::named(&choice.facts),
        words.join("; and for ")
    );
    let first = course.blocks.first().map_or(Reason::Serving, |block| block.reason);
    // What a user named by its id, and what is about to happen, is under way; anything else is as declared until its day.
    let mut verdict = if choice.named || first == Reason::AwaitingTurn {
        Verdict::working(first, message)
    } else {
        Verdict::done(first, message)
    };
    verdict.action = course.action.clone();
    verdict.look_again = course.look_again;
    if let Some(want) = course.wants {
        verdict = verdict.wanting(want);
    }
    match course.awaits {
        Some(list) => verdict.watching_list(list),
        None => verdict,
    }
}

fn deployment_failed(endpoint: &Endpoint) -> Verdict {
    Verdict::stalled(
        Reason::DeploymentFailed,
        format!("the service could not deploy the endpoint: {}", cause(&endpoint.header)),
    )
}
