//! What comes next for an endpoint.
use super::{
    Snapshot,
    candidate::Candidate,
    choice,
    dates::Dates,
    facts::Facts,
    identity::Identity,
    known::{Known, NextModel},
    observed::Observed,
    record::{Record, Upcoming},
    rules::{Ahead, Ruling},
    successor,
    timing::{By, Timing},
};
use crate::{
    Verdict, ending,
    forecast::{Forecast, step},
    lead_time::Work,
    retry,
    risk::{self, Risk, Told, Way},
    rule::Obstacle,
    text::{day_time, named},
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    Reason, condition,
    decision::RuleName,
    endpoint::TargetModel,
    planned::{PlannedAction, PlannedStep},
    swap::{GateVerdict, OnDeadline, SwapPolicy},
};

/// What lies ahead after a decision; none where what was told before stands.
pub fn after(f: &Facts<'_>, ruling: &Ruling) -> Option<Forecast> {
    let found = match (ruling.ahead, &f.known) {
        (Ahead::Stands, _) => return None,
        (Ahead::Obstructed, _) => obstructed(f, &ruling.verdict),
        (Ahead::Served, Some(known)) => unserved(f, &ruling.verdict, of(f, known, ruling)),
        (Ahead::Served | Ahead::Unserved, _) => unserved(f, &ruling.verdict, Forecast::default()),
    };
    Some(with_ending(f, found))
}

/// The forecast of an endpoint that is there.
fn of(f: &Facts<'_>, k: &Known<'_>, ruling: &Ruling) -> Forecast {
    let s = &f.s;
    if s.around.connection.view().is_none() || f.record.active.is_none() {
        return Forecast::default();
    }
    if let Some(target) = ruling.upcoming.target.as_ref().filter(|_| s.may_act()) {
        // One whose answer was lost may be on its way, or in vain again.
        return match ruling.failed_swap() {
            Some(_) => asking(s, &f.dates, &named(&target.name, target.revision), ruling),
            None => moving(s, &f.dates, target),
        };
    }
    let forecast = match (&k.next, k.moves(), k.waits()) {
        (_, Some(next), _) => asking(s, &f.dates, &choice::named(&next.facts), ruling),
        (_, None, Some(candidate)) => held(f, k, candidate),
        (NextModel::None(obstacle), ..) => without_successor(f, Some(&obstacle.verdict)),
        (NextModel::Stay | NextModel::Begun(_) | NextModel::Candidate(_), ..) => without_successor(f, None),
    };
    busy(f, k, forecast)
}

/// Nothing can be seen or done now: what was told before stands, and the obstacle is told where the dates in the status
/// say so.
fn obstructed(f: &Observed<'_>, obstacle: &Verdict) -> Forecast {
    let s = &f.s;
    let deadline = f.dates.deadline(s.now());
    Forecast::obstructed(&f.status.plan, deadline.as_ref(), obstacle, &s.around, s.written())
}

/// What served once and serves nothing now: it is gone, or its successor has not served yet since that was told.
fn unserved(f: &Observed<'_>, verdict: &Verdict, forecast: Forecast) -> Forecast {
    let s = &f.s;
    let served = !f.status.former_ids.is_empty() || s.old_status().is_some_and(|old| old.id.is_some());
    let is_gone = match f.identity {
        Identity::Missing(_) | Identity::Lost(_) | Identity::Left(_) | Identity::None => true,
        Identity::Known(_) => f.record.active.is_none() && condition::at_risk(s.written()).is_some(),
        Identity::Unseen => false,
    };
    if !(served && is_gone) {
        return forecast;
    }
    let obstacle = (verdict.reason, verdict.message.clone());
    let (risk, look_again) = risk::unserved(s.now(), s.written(), obstacle);
    Forecast {
        risk,
        look_again,
        ..forecast
    }
}

/// Beside it, what the endpoint rests on that is being deleted.
fn with_ending(f: &Observed<'_>, forecast: Forecast) -> Forecast {
    let (s, record) = (&f.s, &f.record);
    let deadline = f.dates.deadline(s.now());
    let (gone, look_again) = model_gone(s, record);
    let followed = s.related.models.iter().copied().filter(|_| record.active.is_some());
    let ending = ending::together([
        ending::of_connection(s.connection_name(), s.around.agenda),
        ending::of_models(followed),
        gone,
    ]);
    Forecast {
        risk: risk::with_ending(deadline.as_ref(), forecast.risk, ending),
        look_again: forecast.look_again.into_iter().chain(look_again).min(),
        ..forecast
    }
}

/// The SpeechModel that the spec names is not there, though something serves. One that is applied anew is soon back.
fn model_gone(s: &Snapshot<'_>, record: &Record) -> (Option<Risk>, Option<Timestamp>) {
    let named = s.object.spec.model.r#ref.as_ref();
    let Some(named) = named.filter(|_| s.related.models.is_empty() && record.active.is_some()) else {
        return (None, None);
    };
    let (lasts, look_again) = risk::lasting(s.now(), s.written());
    let words = format!("SpeechModel {} does not exist: nothing newer comes of it", named.name);
    (lasts.then_some((Reason::ModelEnds, words)), look_again)
}

/// The forecast that follows from how it stands with the next model.
fn forecast(s: &Snapshot<'_>, dates: &Dates<'_>, steps: Vec<PlannedStep>, way: &Way) -> Forecast {
    let deadline = dates.deadline(s.now());
    Forecast {
        steps,
        risk: deadline.as_ref().and_then(|deadline| risk::risk(deadline, way)),
        look_again: deadline.and_then(|deadline| deadline.look_again(way)),
    }
}

/// The service accepted the move.
fn moving(s: &Snapshot<'_>, dates: &Dates<'_>, target: &TargetModel) -> Forecast {
    let name = named(&target.name, target.revision);
    let step = PlannedStep {
        to: Some(name.clone()),
        ..step(PlannedAction::Swap, target.since, "Deploying")
    };
    let way = Way::Under {
        since: target.since,
        expected: deployment(s),
        words: format!("model {name} is being deployed"),
    };
    told_by_steps(dates, forecast(s, dates, vec![step], &way))
}

/// The move is asked for now, or was in vain.
fn asking(s: &Snapshot<'_>, dates: &Dates<'_>, name: &str, ruling: &Ruling) -> Forecast {
    let verdict = &ruling.verdict;
    let way = if !s.may_act() {
        untouchable(s)
    } else if let Some(last) = ruling.failed_swap() {
        let reason = match verdict.action {
            None => verdict.reason,
            Some(_) => Reason::Retrying,
        };
        let words = retry::words(last);
        Way::kept(
            reason,
            format!("model {name} cannot follow it: {words}, {} times so far", last.count),
        )
    } else if verdict.action.is_none()
        && matches!(
            verdict.reason,
            Reason::Refused | Reason::Retrying | Reason::DriftRepeated
        )
    {
        Way::kept(
            verdict.reason,
            format!("model {name} cannot follow it: {}", verdict.message),
        )
    } else {
        Way::Open
    };
    let Upcoming { candidate, target } = &ruling.upcoming;
    let wanted = candidate.as_ref().or(target.as_ref());
    let told = s.old_status().and_then(|old| old.plan.first());
    let told = told.filter(|told| told.action == PlannedAction::Swap && told.reason == "Due");
    let since = wanted.map(|wanted| wanted.since).or(told.map(|told| told.at));
    let since = since.unwrap_or(s.now());
    let step = PlannedStep {
        to: Some(name.to_owned()),
        ..step(PlannedAction::Swap, since, "Due")
    };
    told_by_steps(dates, forecast(s, dates, vec![step], &way))
}

/// How long a deployment takes here.
fn deployment(s: &Snapshot<'_>) -> SignedDuration {
    let durations = &s.around.agenda.durations;
    durations.expected(&s.object.spec.locale, Work::Deploying)
}

/// What is left alone stays as it is.
fn untouchable(s: &Snapshot<'_>) -> Way {
    Way::kept(s.why_not().0, "nothing is changed")
}

/// While the service is at work on the endpoint without end, nothing else comes to it.
fn busy(f: &Facts<'_>, k: &Known<'_>, found: Forecast) -> Forecast {
    if !k.under_way {
        return found;
    }
    let header = &k.entry.entity.header;
    let since = header.last_action_at.max(header.created_at);
    let way = Way::Under {
        since,
        expected: deployment(&f.s),
        words: "the service is at work on the endpoint".to_owned(),
    };
    let work = forecast(&f.s, &f.dates, Vec::new(), &way);
    let soonest = [found.look_again, work.look_again].into_iter().flatten().min();
    Forecast {
        risk: found.risk.or(work.risk),
        look_again: soonest,
        ..found
    }
}

/// Puts a risk at the step that it is about, and the expiry behind it.
fn told_by_steps(dates: &Dates<'_>, mut forecast: Forecast) -> Forecast {
    let Some((_, words)) = &forecast.risk else {
        return forecast;
    };
    if let Some(step) = forecast.steps.last_mut() {
        step.risk = Some(words.clone());
    }
    forecast.steps.extend(dates.expires_at.map(expires));
    forecast
}

/// A candidate waits.
fn held(f: &Facts<'_>, k: &Known<'_>, candidate: &Candidate<'_>) -> Forecast {
    let (s, dates, name) = (&f.s, &f.dates, choice::named(&candidate.choice.facts));
    let mut steps = Vec::new();
    if let Some(gate) = f
        .record
        .gate
        .as_ref()
        .filter(|gate| gate.verdict == GateVerdict::Pending)
        && k.held.iter().any(|held| held.verdict.reason == Reason::Evaluating)
    {
        steps.push(PlannedStep {
            to: Some(name.clone()),
            ..step(PlannedAction::Evaluate, gate.at, "Gate")
        });
    }
    if let Some(at) = candidate.timing.at.or(dates.expires_at) {
        steps.push(PlannedStep {
            to: Some(name.clone()),
            blocked_by: k.held.iter().map(|held| held.verdict.message.clone()).collect(),
            ..step(PlannedAction::Swap, at, cause(s, &candidate.timing))
        });
    }
    let way = way_of_wait(f, k, &name, &candidate.timing);
    with_lead_time(s, dates, told_by_steps(dates, forecast(s, dates, steps, &way)))
}

fn cause(s: &Snapshot<'_>, timing: &Timing) -> &'static str {
    match (timing.by, s.object.spec.swap.policy) {
        (By::Expired, _) => "Expired",
        (By::Share, _) | (By::Window | By::Override, SwapPolicy::BeforeExpiry) => "BeforeExpiry",
        (By::NewModel | By::Window | By::Override, SwapPolicy::OnNewModel | SwapPolicy::BeforeExpiry) => "NewModel",
        (By::NewModel | By::Window | By::Override, SwapPolicy::Manual) => "Manual",
    }
}

fn expires(at: Timestamp) -> PlannedStep {
    PlannedStep {
        risk: Some("from then on the newest base model answers in place of the active model".to_owned()),
        ..step(PlannedAction::Expire, at, "NoSuccessor")
    }
}

/// What is told at once can only be ended by a person; the rest is told when the swap should have begun.
fn way_of_wait(f: &Facts<'_>, k: &Known<'_>, name: &str, timing: &Timing) -> Way {
    let (s, dates) = (&f.s, &f.dates);
    if !s.may_act() {
        return untouchable(s);
    }
    if timing.never_opens {
        let end = match timing.at {
            Some(at) => format!("the swap begins on {} all the same", day_time(at)),
            None => format!("model {name} never follows it"),
        };
        return Way::Kept {
            told: Told::AtOnce,
            reason: Reason::WindowNeverOpens,
            words: format!("the windows of spec.swap.windows never open: {end}"),
        };
    }
    let by_gate = ends_by_deadline(f, k);
    let judged = |reason| {
        matches!(
            reason,
            Reason::GateInconclusive | Reason::DatasetNotFound | Reason::DatasetUnsuitable
        )
    };
    let told = |held: &&Obstacle| {
        let reason = held.verdict.reason;
        !(held.rule == RuleName::Gate && by_gate)
            // Its day comes by itself, and so does a window that opens in time.
            && reason != Reason::SwapScheduled
            && (reason != Reason::WindowClosed || timing.at.is_none_or(|at| dates.latest() < Some(at)))
    };
    let at_once = |held: &&Obstacle| {
        let reason = held.verdict.reason;
        told(held) && (judged(reason) || reason == Reason::WindowNeverOpens)
    };
    let of = |when, held: &Obstacle| Way::Kept {
        told: when,
        reason: held.verdict.reason,
        words: format!("model {name} waits for {}", held.verdict.message),
    };
    let deadline = dates.deadline(s.now());
    if deadline.is_some_and(|deadline| deadline.is_late())
        && let Some(held) = k.held.iter().find(told)
    {
        return of(Told::WhenLate, held);
    }
    let held = k.held.iter().find(at_once);
    held.map_or(Way::Open, |held| of(Told::AtOnce, held))
}

/// Whether the gate's deadline ends the wait by itself: by promoting the candidate, or by a base model in its place.
fn ends_by_deadline(f: &Facts<'_>, k: &Known<'_>) -> bool {
    let (s, dates) = (&f.s, &f.dates);
    let Some(gate) = &s.object.spec.swap.gate else {
        return false;
    };
    let to_come = dates.gate_deadline().is_some_and(|deadline| s.now() < deadline);
    to_come
        && match gate.on_deadline {
            OnDeadline::Hold => false,
            OnDeadline::Promote => true,
            OnDeadline::NewestBase => choice::stand_in(s, k.view, &f.record)
                .is_some_and(|base| base.facts.expires_at.is_none_or(|at| Some(at) > dates.expires_at)),
        }
}

/// Nothing newer is at hand.
fn without_successor(f: &Facts<'_>, trouble: Option<&Verdict>) -> Forecast {
    let (s, dates) = (&f.s, &f.dates);
    let Some(expires_at) = dates.expires_at else {
        return Forecast::default();
    };
    let successor = successor::of(s, dates);
    let mut steps: Vec<PlannedStep> = Vec::new();
    steps.extend(successor.forecast);
    let in_time = successor.obstacle.is_none() && steps.first().is_some_and(|step| step.at < expires_at);
    if !in_time {
        steps.push(expires(expires_at));
    }
    let barred = f.record.quarantine.first().filter(|_| trouble.is_some() && !in_time);
    let way = if let Some(entry) = barred {
        Way::Kept {
            told: Told::AtOnce,
            reason: super::quarantine::reason(entry),
            words: format!("model {} cannot follow it: {}", entry.name, entry.message),
        }
    } else if in_time {
        Way::Open
    } else if let Some(obstacle) = successor.obstacle {
        Way::Kept {
            told: if successor.at_risk {
                Told::AtOnce
            } else {
                Told::WhenLate
            },
            reason: Reason::NoSuccessor,
            words: format!("nothing follows it: {obstacle}"),
        }
    } else {
        let words = match trouble {
            Some(verdict) => format!("nothing follows it: {}", verdict.message),
            None => "nothing newer follows it".to_owned(),
        };
        Way::kept(Reason::NoSuccessor, words)
    };
    with_lead_time(s, dates, forecast(s, dates, steps, &way))
}

/// Tells at once where `swap.before` is shorter than a deployment takes here.
fn with_lead_time(s: &Snapshot<'_>, dates: &Dates<'_>, forecast: Forecast) -> Forecast {
    let swap = &s.object.spec.swap;
    if forecast.risk.is_some() || swap.policy != SwapPolicy::BeforeExpiry || dates.before >= dates.lead {
        return forecast;
    }
    let words = format!(
        "spec.swap.before is {}, but a deployment here has to be given {} minutes: the swap begins so long before the expiry",
        swap.before,
        dates.lead.as_secs() / 60
    );
    Forecast {
        risk: Some((Reason::LeadTimeShort, words)),
        ..forecast
    }
}
