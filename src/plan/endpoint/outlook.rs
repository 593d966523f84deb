//! What comes next for an endpoint.
use super::{
    Snapshot, choice,
    course::{Course, Dates},
    settle::{Move, is_of_gate},
    timing::By,
};
use crate::{
    api::{
        Reason, SpeechEndpointStatus, SpeechModel,
        planned::{PlannedAction, PlannedStep},
        swap::{Approval, GateVerdict, OnDeadline, SwapPolicy},
    },
    plan::{
        Verdict,
        lead_time::Work,
        outlook::{Outlook, step},
        text::{after, day_time, named, parse},
    },
};
use jiff::Timestamp;
use kube::ResourceExt;

/// The outlook of an endpoint that serves.
pub fn of(
    s: &Snapshot<'_>,
    status: &SpeechEndpointStatus,
    dates: &Dates<'_>,
    next: Result<&Move<'_>, &Verdict>,
) -> Outlook {
    if status.active.is_none() {
        return Outlook::default();
    }
    match next {
        Ok(Move::To { .. }) => moving(status),
        Ok(Move::Held { choice, course }) => held(s, status, dates, &choice::named(&choice.facts), course),
        Ok(Move::Stay) => without_successor(s, status, dates, None),
        Err(verdict) => without_successor(s, status, dates, Some(verdict)),
    }
}

/// The swap has begun.
pub fn moving(status: &SpeechEndpointStatus) -> Outlook {
    let steps = status.target.as_ref().map(|target| PlannedStep {
        to: Some(named(&target.name, target.revision)),
        at: target.since.clone(),
        ..step(PlannedAction::Swap, Timestamp::UNIX_EPOCH, "Deploying")
    });
    Outlook {
        steps: steps.into_iter().collect(),
        ..Default::default()
    }
}

/// A candidate waits.
fn held(s: &Snapshot<'_>, status: &SpeechEndpointStatus, dates: &Dates<'_>, name: &str, course: &Course) -> Outlook {
    let mut steps = Vec::new();
    if let Some(gate) = status.gate.as_ref().filter(|gate| gate.verdict == GateVerdict::Pending)
        && course.blocks.iter().any(|block| block.reason == Reason::Evaluating)
    {
        steps.push(PlannedStep {
            at: gate.at.clone(),
            to: Some(name.to_owned()),
            ..step(PlannedAction::Evaluate, s.now(), "Gate")
        });
    }
    let risk = risk_of_wait(s, dates, name, course);
    let at = course.at.or(dates.expiry);
    if let Some(at) = at {
        steps.push(PlannedStep {
            to: Some(name.to_owned()),
            blocked_by: course.blocks.iter().map(|block| block.words.clone()).collect(),
            risk: risk.as_ref().map(|(_, words)| words.clone()),
            ..step(PlannedAction::Swap, at, cause(s, course))
        });
    }
    if let (Some(expiry), true) = (dates.expiry, risk.is_some()) {
        steps.push(expires(expiry));
    }
    with_lead_time(
        s,
        dates,
        Outlook {
            steps,
            risk,
            look_again: alarm_to_come(s, dates),
        },
    )
}

fn cause(s: &Snapshot<'_>, course: &Course) -> &'static str {
    match (course.by, s.object.spec.swap.policy) {
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
fn risk_of_wait(s: &Snapshot<'_>, dates: &Dates<'_>, name: &str, course: &Course) -> Option<(Reason, String)> {
    let expiry = dates.expiry?;
    let late = dates.alarm().is_some_and(|alarm| alarm <= s.now());
    if !s.may_act() && late {
        let reason = if s.object.spec.suspend {
            Reason::Suspended
        } else {
            Reason::Observed
        };
        return Some((
            reason,
            format!(
                "the active model expires on {}, and nothing is changed",
                day_time(expiry)
            ),
        ));
    }
    if course.never_opens {
        let end = match course.at {
            Some(at) => format!("the swap begins on {} all the same", day_time(at)),
            None => format!(
                "model {name} never follows the active one, which expires on {}",
                day_time(expiry)
            ),
        };
        return Some((
            Reason::WindowNeverOpens,
            format!("the windows of spec.swap.windows never open: {end}"),
        ));
    }
    let resolved = |reason: Reason| {
        is_of_gate(reason)
            && s.object
                .spec
                .swap
                .gate
                .as_ref()
                .is_some_and(|gate| gate.on_deadline != OnDeadline::Hold)
    };
    let judged = |reason| {
        matches!(
            reason,
            Reason::GateInconclusive | Reason::DatasetNotFound | Reason::DatasetUnsuitable
        )
    };
    let told = |block: &&super::course::Block| {
        !resolved(block.reason)
            && (late && block.reason != Reason::AwaitingTurn && block.reason != Reason::SwapScheduled
                || block.reason == Reason::WindowNeverOpens
                || judged(block.reason))
            // A window that opens in time needs nobody.
            && (block.reason != Reason::WindowClosed || course.at.is_none_or(|at| dates.latest() < Some(at)))
    };
    let block = course.blocks.iter().find(told)?;
    let words = format!(
        "the active model expires on {}; model {name} waits for {}",
        day_time(expiry),
        block.words
    );
    Some((block.reason, words))
}

/// Nothing newer is at hand.
fn without_successor(
    s: &Snapshot<'_>,
    status: &SpeechEndpointStatus,
    dates: &Dates<'_>,
    trouble: Option<&Verdict>,
) -> Outlook {
    let Some(expiry) = dates.expiry else {
        return Outlook::default();
    };
    let mut steps: Vec<PlannedStep> = Vec::new();
    if let Some(forecast) = forecast(s, dates) {
        steps.push(forecast);
    }
    let in_time = steps
        .first()
        .is_some_and(|step| parse(Some(&step.at)).is_some_and(|at| at < expiry));
    if !in_time {
        steps.push(expires(expiry));
    }
    let barred = status.quarantine.first().filter(|_| trouble.is_some() && !in_time);
    let late = dates.alarm().is_some_and(|alarm| alarm <= s.now());
    let risk = match barred {
        Some(entry) => Some((
            super::quarantine::reason(entry),
            format!(
                "the active model expires on {}, and model {} cannot follow it: {}",
                day_time(expiry),
                entry.name,
                entry.message
            ),
        )),
        None if late && expiry > s.now() => Some((
            Reason::NoSuccessor,
            match trouble {
                Some(verdict) => format!(
                    "nothing follows the active model, which expires on {}: {}",
                    day_time(expiry),
                    verdict.message
                ),
                None => format!(
                    "nothing newer follows the active model, which expires on {}",
                    day_time(expiry)
                ),
            },
        ))
        .filter(|_| !in_time),
        None => None,
    };
    with_lead_time(
        s,
        dates,
        Outlook {
            steps,
            risk,
            look_again: alarm_to_come(s, dates),
        },
    )
}

/// The swap that follows from the next training of a SpeechModel that the spec means.
fn forecast(s: &Snapshot<'_>, dates: &Dates<'_>) -> Option<PlannedStep> {
    let swap = &s.object.spec.swap;
    let takes = s
        .around
        .agenda
        .durations
        .expected(&s.object.spec.locale, Work::Training);
    let ready = |model: &&SpeechModel| {
        let plan = &model.status.as_ref()?.plan;
        let makes = plan
            .iter()
            .find(|step| matches!(step.action, PlannedAction::Train | PlannedAction::Copy))?;
        Some((after(parse(Some(&makes.at))?, takes), model.name_any()))
    };
    let (ready, name) = s.models.iter().filter_map(ready).min()?;
    let at = dates.expected(s, ready)?;
    let mut blocked_by = Vec::new();
    if swap.gate.is_some() {
        blocked_by.push("its evaluation".to_owned());
    }
    if swap.approval == Approval::Required || swap.policy == SwapPolicy::Manual {
        blocked_by.push("approval".to_owned());
    }
    Some(PlannedStep {
        to: Some(format!("the next revision of SpeechModel {name}")),
        blocked_by,
        forecast: true,
        ..step(
            PlannedAction::Swap,
            at,
            if swap.policy == SwapPolicy::BeforeExpiry {
                "BeforeExpiry"
            } else {
                "NewModel"
            },
        )
    })
}

/// Tells at once where `swap.before` is shorter than a deployment takes here.
fn with_lead_time(s: &Snapshot<'_>, dates: &Dates<'_>, outlook: Outlook) -> Outlook {
    let swap = &s.object.spec.swap;
    if outlook.risk.is_some() || swap.policy != SwapPolicy::BeforeExpiry || dates.before >= dates.lead {
        return outlook;
    }
    let words = format!(
        "spec.swap.before is {}, but a deployment here has to be given {} minutes: the swap begins so long before the expiry",
        swap.before,
        dates.lead.as_secs() / 60
    );
    Outlook {
        risk: Some((Reason::LeadTimeShort, words)),
        ..outlook
    }
}

fn alarm_to_come(s: &Snapshot<'_>, dates: &Dates<'_>) -> Option<Timestamp> {
    dates.alarm().filter(|alarm| *alarm > s.now())
}
