//! What the service was asked for and has not shown yet: the documents do not say which model it shows while it deploys.
//! Whoever asks again begins the deployment anew; whoever asks for another model has both in the air, and cannot tell
//! which of them answers.
use super::{
    Snapshot, choice, fields,
    known::{Known, Move},
    observed::Observed,
    record::{Record, Upcoming},
    target::on_its_way,
};
use crate::{
    Action, Verdict, aside,
    failures::Failures,
    lead_time::Work,
    retry,
    text::{after, day_time},
    view::ModelFacts,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{Reason, SpeechEndpointStatus, decision::Decision, endpoint::TargetModel, reference::LastFailure};
use speech_service::{
    EntityId, ModelId,
    entity::{Endpoint, Status},
    request::UpdateEndpoint,
};

/// How long a deployment usually takes at most, by the service's documents.
const USUAL_DEPLOYMENT: SignedDuration = SignedDuration::from_mins(30);

/// Whether the move to the target was asked for already.
fn was_asked(s: &Snapshot<'_>, target: Option<&TargetModel>, reason: Reason) -> bool {
    let target = target.map(|target| target.model);
    s.old_status().is_some_and(|old| {
        target.is_some()
            && old_target(s) == target
            && retry::was_asked(&old.conditions, old.observed_generation, s.generation(), reason)
    })
}

/// Until when a service that accepted another model may go on showing the old one as if nothing happened. None if it
/// should show it by now, or if it is not known to have accepted it.
pub fn shows_old_until(
    s: &Snapshot<'_>,
    endpoint: &Endpoint,
    target: Option<&TargetModel>,
    model: ModelId,
) -> Option<Timestamp> {
    accepted(s, endpoint).filter(|accepted| *accepted == model)?;
    outstanding_until(s, target?)
}

/// The model that was asked for and did not come to be accepted: what was begun is finished, also after failures.
pub fn in_vain(old: &SpeechEndpointStatus) -> Option<&TargetModel> {
    old.candidate.as_ref().filter(|candidate| candidate.requested)
}

/// The model that a written status says was asked for, whether the service accepted it or not.
pub fn asked(old: &SpeechEndpointStatus) -> Option<EntityId> {
    let asked = old.target.as_ref().or_else(|| in_vain(old));
    asked.map(|asked| asked.model)
}

/// The decision by which a move to a model was begun.
pub fn decided<'a>(s: &Snapshot<'a>, facts: &ModelFacts<'_>) -> Option<&'a Decision> {
    let old = s.old_status()?;
    (asked(old) == Some(facts.model.entity())).then_some(&old.decision)
}

/// The model that the service said yes to last.
pub fn accepted(s: &Snapshot<'_>, endpoint: &Endpoint) -> Option<ModelId> {
    let view = s.around.connection.view()?;
    view.accepted.get(&endpoint.header.id).copied()
}

/// The model that was asked for last, in this very pass or before, unless it is known not to come.
fn asked_last(s: &Snapshot<'_>, endpoint: &Endpoint) -> Option<ModelId> {
    s.around.learned.moves_to.or_else(|| accepted(s, endpoint))
}

/// Until when a model that was accepted may go unseen; None once that is over, and where a person asks for an attempt.
fn outstanding_until(s: &Snapshot<'_>, target: &TargetModel) -> Option<Timestamp> {
    let deploying = s
        .around
        .agenda
        .durations
        .expected(&s.object.spec.locale, Work::Deploying);
    let until = after(target.since, deploying.max(Work::Deploying.assumed()));
    (until > s.now() && !s.is_fresh()).then_some(until)
}

/// The model that the service accepted for this very spec and may be deploying, though it shows the old one.
pub fn unseen<'a>(s: &Snapshot<'a>, endpoint: &Endpoint) -> Option<&'a TargetModel> {
    let old = s.old_status()?;
    let target = old.target.as_ref()?;
    let shown = endpoint.model?.entity();
    let shows_old = endpoint.header.status == Status::Succeeded
        && old.active.as_ref().is_some_and(|active| active.model == shown)
        && target.model != shown;
    let accepted = accepted(s, endpoint).is_some_and(|model| model.entity() == target.model)
        && old.observed_generation == s.generation();
    let in_time = outstanding_until(s, target).is_some();
    (shows_old && accepted && in_time && s.around.learned.failure.is_none()).then_some(target)
}

/// Whether a model that the written status names was only to stand in for another, or does.
pub fn stands_in(s: &Snapshot<'_>, facts: &ModelFacts<'_>) -> bool {
    let id = facts.model.entity();
    s.old_status().is_some_and(|old| {
        let mut ways = old.target.iter().chain(&old.candidate);
        let active = old.active.as_ref().filter(|active| active.model == id);
        ways.any(|way| way.model == id && way.interim) || active.is_some_and(|active| active.interim)
    })
}

/// The last failure, unless another model was wanted then: what the service said of that one says nothing of this one.
pub fn last_failure<'f>(upcoming: &Upcoming, failures: &'f Failures) -> Option<&'f LastFailure> {
    let since = upcoming.first().map(|wanted| wanted.since);
    let last = failures.last.as_ref();
    last.filter(|last| since.is_none_or(|since| since <= last.at))
}

/// The last failure of the move that is wanted.
pub fn failed_swap<'f>(upcoming: &Upcoming, failures: &'f Failures) -> Option<&'f LastFailure> {
    last_failure(upcoming, failures).filter(|last| last.operation == Action::SWAP)
}

/// Accepted is not serving: wait for a read that began after our request.
pub fn until_reported(f: &Observed<'_>, target: Option<&TargetModel>) -> Verdict {
    match (&f.record.active, target) {
        (Some(_), Some(target)) => Verdict::working(
            Reason::Swapping,
            format!(
                "the service accepted model {}; waiting until it reports it",
                target.name
            ),
        ),
        (Some(_), None) => aside::answered(&f.s),
        (None, _) => Verdict::working(
            Reason::Deploying,
            "the service accepted the endpoint; waiting until it reports it",
        ),
    }
    .watching()
}

/// The model that was on its way when the status was written.
pub fn old_target(s: &Snapshot<'_>) -> Option<EntityId> {
    s.old_status()?.target.as_ref().map(|target| target.model)
}

/// What is on its way while the service has not reported it: the model that the service names, else the one that was asked
/// for last, else the one that is wanted.
pub fn deploying(f: &Observed<'_>, k: &Known<'_>) -> Upcoming {
    let (s, record, endpoint) = (&f.s, &f.record, k.endpoint());
    let next = k.moves();
    // What was asked for is on its way whatever is found by now: what let it go, such as an evaluation, may be gone.
    let mut named = endpoint.model.into_iter().chain(asked_last(s, endpoint));
    let named = named.find(|model| !record.serves(*model));
    let before = s.old_status().and_then(|old| old.target.clone());
    let active = record.active.as_ref().map(|active| &active.model);
    match (named.and_then(|model| k.view.model(model)), before, next) {
        (Some(facts), _, _) => {
            let is_next = |next: Move<'_>| next.interim && next.facts.model == facts.model;
            let interim = stands_in(s, &facts) || next.is_some_and(is_next);
            Upcoming::asked(target(f, &facts, interim))
        }
        (None, Some(before), _) if active != Some(&before.model) => Upcoming::asked(Some(before)),
        (None, _, Some(next)) => match asked_for(f, k, &next) {
            Upcoming {
                target: None,
                candidate,
            } => Upcoming::waiting(candidate),
            Upcoming { target, .. } => Upcoming::asked(target),
        },
        (None, _, None) => Upcoming::waiting(k.waiting.clone()),
    }
}

/// What is being deployed stands apart from what serves.
pub fn target(f: &Observed<'_>, facts: &ModelFacts<'_>, interim: bool) -> Option<TargetModel> {
    let before = f.s.old_status().and_then(|old| old.target.as_ref());
    (!f.record.serves(facts.model)).then(|| on_its_way(&f.s, facts, interim, before))
}

/// What is remembered of a model that is asked for. A target is what the service accepted, or may have; all else still waits.
pub fn asked_for(f: &Observed<'_>, k: &Known<'_>, next: &Move<'_>) -> Upcoming {
    let (s, facts) = (&f.s, &next.facts);
    let id = facts.model.entity();
    let leaves = s.around.learned.asked == Some(Action::SWAP);
    let is_known =
        old_target(s) == Some(id) || asked_last(s, k.endpoint()) == Some(facts.model) || f.record.active.is_none();
    if is_known || f.record.serves(facts.model) {
        return Upcoming {
            target: target(f, facts, next.interim),
            candidate: k.waiting.clone(),
        };
    }
    let old = s.old_status();
    let before = old.and_then(|old| old.candidate.as_ref());
    let before = before.filter(|before| before.model == id);
    // What somebody moved the endpoint away from is put back, also where the request has to wait.
    let served = old
        .and_then(|old| old.active.as_ref())
        .is_some_and(|active| active.model == id);
    Upcoming::waiting(Some(TargetModel {
        requested: leaves || served || before.is_some_and(|before| before.requested),
        ..on_its_way(s, facts, next.interim, before)
    }))
}

/// Moves the endpoint to another model, by a request that names nothing else.
pub fn swap(f: &Observed<'_>, k: &Known<'_>, next: &Move<'_>, asked: Upcoming) -> (Verdict, Upcoming, Failures) {
    let (s, endpoint, facts) = (&f.s, k.endpoint(), &next.facts);
    let mut failures = f.record.failures.clone();
    let verdict = moving(&f.record, endpoint, facts);
    let urgent = f.dates.is_urgent(s.now());
    let action = fields::step(endpoint, UpdateEndpoint::Model(facts.model), urgent);
    if s.around.learned.failure.is_none() && was_asked(s, asked.target.as_ref(), verdict.reason) {
        let failure = retry::not_applied(&action, "the model");
        let last = failed_swap(&asked, &failures);
        failures.last = Some(retry::remember(last, &failure, s.generation(), s.now()));
    }
    let asking = s.asking(f.dates.need());
    let verdict = asking.admit(failed_swap(&asked, &failures), action, verdict.watching());
    // If it leaves now, what this plan says is written only by who knows that it did.
    let leaves = verdict.action.is_some() && s.around.learned.asked.is_none();
    let upcoming = match leaves {
        true => Upcoming::asked(target(f, facts, next.interim)),
        false => asked,
    };
    (verdict, upcoming, failures)
}

fn moving(record: &Record, endpoint: &Endpoint, model: &ModelFacts<'_>) -> Verdict {
    let name = choice::named(model);
    if record.active.is_none() {
        return Verdict::working(Reason::Deploying, format!("deploying model {name}"));
    }
    // What served last is wanted again after a deployment of another model failed.
    if record.serves(model.model) && endpoint.header.status == Status::Failed {
        return Verdict::working(Reason::RolledBack, format!("moving back to model {name}"));
    }
    Verdict::working(Reason::Swapping, format!("moving to model {name}"))
}

/// The service is at work: say so honestly, also when it takes longer than usual.
pub fn progress(f: &Observed<'_>, endpoint: &Endpoint, target: Option<&TargetModel>) -> Verdict {
    let s = &f.s;
    let since = endpoint.header.last_action_at.max(endpoint.header.created_at);
    let late = after(since, USUAL_DEPLOYMENT);
    let pace = if s.now() < late {
        "this takes up to 30 minutes as a rule"
    } else {
        "this is longer than the usual 30 minutes"
    };
    let (reason, what) = match (&f.record.active, target) {
        (Some(_), Some(target)) => (Reason::Swapping, format!("moving to model {}", target.name)),
        (Some(_), None) => (Reason::Updating, "changing".to_owned()),
        (None, _) => (Reason::Deploying, "deploying".to_owned()),
    };
    let message = format!("the service is {what} since {}; {pace}", day_time(since));
    let verdict = Verdict::working(reason, message).watching();
    if s.now() < late { verdict.until(late) } else { verdict }
}

/// A change is on its way, or failed; nothing more is sent before a read tells what came of it.
pub fn unconfirmed(f: &Observed<'_>, k: &Known<'_>, upcoming: &Upcoming) -> Verdict {
    let endpoint = k.endpoint();
    let model = endpoint.model.unwrap_or(ModelId::Base(endpoint.header.id));
    let action = fields::step(endpoint, UpdateEndpoint::Model(model), false);
    let asking = f.s.asking(f.dates.need());
    let reported = until_reported(f, upcoming.target.as_ref());
    let admitted = asking.admit(failed_swap(upcoming, &f.record.failures), action, reported);
    Verdict {
        action: None,
        ..admitted
    }
    .watching()
}
