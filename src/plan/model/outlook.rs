//! What comes next for a line of models, with dates; and what goes wrong if nobody acts.
use super::{
    Snapshot, dataset,
    lineage::Lineage,
    refusal,
    renewal::{self, Due, Schedule},
    revision::{Inputs, Revision},
    training,
};
use crate::{
    api::{
        Reason, SpeechModelStatus,
        model::{Renewal, RenewalTrigger, Training},
        planned::{PlannedAction, PlannedStep},
    },
    plan::{
        ConnectionState,
        outlook::{Outlook, step},
        text::{after, before, day_time, parse},
        verdict::Phase,
    },
    view::View,
};
use jiff::{SignedDuration, Timestamp};

/// So long ahead of its adaptationDateTime it is told that a pinned base model cannot be trained from at the next renewal.
const PIN_NOTICE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The outlook of a model; none where nothing can be said now, so that what was told before stands.
pub fn of(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Option<Outlook> {
    if s.object.metadata.deletion_timestamp.is_some() {
        return Some(Outlook::default());
    }
    let ConnectionState::Ready { view, .. } = s.around.connection else {
        return None;
    };
    let source = &s.object.spec.source;
    match &source.training {
        _ if !view.is_complete() => None,
        Some(spec) => of_training(s, view, spec, status),
        // The newest base model is followed by a newer one without anybody's doing, and a copy by its source's.
        None if source.copy.is_some() || source.base.as_ref().is_some_and(|base| base.id.is_none()) => Some(Outlook {
            steps: status.plan.clone(),
            ..Outlook::default()
        }),
        None => Some(Outlook {
            steps: expiry(status).map(|at| expires(at, "NotRenewed")).into_iter().collect(),
            ..Outlook::default()
        }),
    }
}

fn expiry(status: &SpeechModelStatus) -> Option<Timestamp> {
    let current = status.current.as_ref()?;
    parse(current.expires_at.as_deref())
}

fn expires(at: Timestamp, reason: &str) -> PlannedStep {
    PlannedStep {
        risk: Some(
            "nothing renews the current revision: from then on the newest base model answers in its place".into(),
        ),
        ..step(PlannedAction::Expire, at, reason)
    }
}

/// The next training of a line.
struct Next {
    at: Timestamp,
    reason: &'static str,
    /// The dates of a renewal ahead of an expiry.
    dates: Option<Schedule>,
    /// Why there has to be another one, in the service's words.
    cause: Option<String>,
}

fn of_training(s: &Snapshot<'_>, view: &View, spec: &Training, status: &SpeechModelStatus) -> Option<Outlook> {
    let inputs = Inputs::parse(spec, s.object.spec.project.as_deref()).ok()?;
    let lineage = Lineage::read(s, view);
    let newest = lineage.newest();
    if let Some(running) = newest.filter(|newest| !newest.failed() && !newest.succeeded()) {
        return Some(running_training(s, status, &running));
    }
    let Some(next) = next(s, view, &lineage, &inputs, newest.as_ref()).filter(|_| s.may_act()) else {
        let reason = match (s.object.spec.suspend, s.may_act()) {
            (true, _) => "Suspended",
            (false, false) => "Observed",
            (false, true) => "NotRenewed",
        };
        return Some(Outlook {
            steps: expiry(status).map(|at| expires(at, reason)).into_iter().collect(),
            ..Outlook::default()
        });
    };
    Some(to_come(s, view, &inputs, &lineage, status, next))
}

/// A training runs: when it will have ended is told by `Reconciling`, and here if that is too late.
fn running_training(s: &Snapshot<'_>, status: &SpeechModelStatus, running: &Revision<'_>) -> Outlook {
    let begun = running.model().header.created_at;
    let lead = renewal::lead(s);
    let ready = after(begun, lead.expected);
    let risk = expiry(status).filter(|expires| ready > *expires).map(|expires| {
        let words = format!(
            "revision {} will not serve before {} as it looks, but the current revision expires on {}",
            running.number,
            day_time(ready),
            day_time(expires)
        );
        (Reason::LeadTimeShort, words)
    });
    let train = PlannedStep {
        to: Some(format!("revision {}", running.number)),
        risk: risk.as_ref().map(|(_, words)| words.clone()),
        ..step(PlannedAction::Train, begun, "Training")
    };
    let late = expiry(status).filter(|_| risk.is_some());
    Outlook {
        steps: std::iter::once(train)
            .chain(late.map(|at| expires(at, "LeadTimeShort")))
            .collect(),
        risk,
        look_again: None,
    }
}

/// When the next training begins, or could have begun, and why.
fn next(
    s: &Snapshot<'_>,
    view: &View,
    lineage: &Lineage<'_>,
    inputs: &Inputs,
    newest: Option<&Revision<'_>>,
) -> Option<Next> {
    let print = inputs.fingerprint();
    let spec: Renewal = s.object.spec.renewal.clone().unwrap_or_default();
    let soon = |reason| Next {
        at: since(s, reason),
        reason,
        dates: None,
        cause: None,
    };
    let Some(newest) = newest else {
        return Some(soon("FirstRevision"));
    };
    let is_same = newest.tag.inputs.as_deref() == Some(print.as_str());
    if is_same && newest.failed() {
        return Some(Next {
            at: lineage.repeat_at(s, newest, &print),
            reason: "Retry",
            dates: None,
            cause: Some(format!(
                "training of revision {} failed: {}",
                newest.number,
                newest.cause()
            )),
        });
    }
    if !is_same && spec.on.contains(&RenewalTrigger::SpecChange) {
        return Some(soon("SpecChange"));
    }
    match renewal::due(s, view, &spec, inputs, newest.model(), lineage.highest) {
        Due::Requested => Some(soon("Requested")),
        Due::NewBaseModel => Some(soon("NewBaseModel")),
        Due::BeforeExpiry(dates) => Some(Next {
            at: dates.start,
            reason: "BeforeExpiry",
            dates: Some(dates),
            cause: None,
        }),
        Due::AfterRefusal(dates) => Some(Next {
            at: dates.start,
            reason: "GateFailed",
            dates: Some(dates),
            cause: refusal::of(s, newest.id()).map(|refused| refused.words),
        }),
        Due::Never => None,
    }
}

/// Since when a training is due whose date no entity tells: the status remembers it.
fn since(s: &Snapshot<'_>, reason: &str) -> Timestamp {
    let told = s.old_status().and_then(|old| old.plan.first());
    let told = told.filter(|step| step.action == PlannedAction::Train && step.reason == reason);
    parse(told.map(|step| step.at.as_str())).unwrap_or(s.now())
}

fn to_come(
    s: &Snapshot<'_>,
    view: &View,
    inputs: &Inputs,
    lineage: &Lineage<'_>,
    status: &SpeechModelStatus,
    next: Next,
) -> Outlook {
    let expiry = next.dates.map(|dates| dates.expires).or(expiry(status));
    let lead = renewal::lead(s);
    let obstacle = obstacle(s, view, inputs, next.at);
    let is_short = next.dates.is_some_and(|dates| dates.is_short);
    let by_itself = |expiry: Timestamp| before(expiry, lead.expected);
    let latest = expiry.map(|expiry| next.dates.map_or(by_itself(expiry), |dates| dates.latest));
    let mut look_again = latest.filter(|latest| *latest > s.now());
    let risk = match (&obstacle, latest) {
        (Some(obstacle), Some(_)) if obstacle.told_from <= s.now() => {
            let words = format!(
                "the next training is due on {} and cannot begin: {}",
                day_time(next.at),
                obstacle.words
            );
            Some((obstacle.reason, words))
        }
        (_, Some(latest)) if latest < s.now() || next.at > latest => {
            Some((Reason::LeadTimeShort, too_late(s, status, &next, latest)))
        }
        _ => None,
    };
    if let Some(obstacle) = obstacle.as_ref().filter(|obstacle| obstacle.told_from > s.now()) {
        look_again = Some(look_again.map_or(obstacle.told_from, |again| again.min(obstacle.told_from)));
    }
    let train = PlannedStep {
        to: Some(format!("revision {}", lineage.highest.saturating_add(1))),
        blocked_by: obstacle.iter().map(|obstacle| obstacle.words.clone()).collect(),
        risk: risk
            .as_ref()
            .map(|(_, words)| words.clone())
            .or(next.cause.clone())
            .or_else(|| is_short.then(|| short_words(s, &next))),
        forecast: is_short,
        ..step(PlannedAction::Train, next.at, next.reason)
    };
    let barred = obstacle.filter(|obstacle| obstacle.lasts);
    let ends = expiry
        .zip(barred)
        .map(|(at, obstacle)| expires(at, obstacle.reason.as_str()));
    Outlook {
        steps: std::iter::once(train).chain(ends).collect(),
        risk,
        look_again,
    }
}

/// The declared lead is too short, and the training begins earlier.
fn short_words(s: &Snapshot<'_>, next: &Next) -> String {
    let lead = renewal::lead(s);
    let before = s.object.spec.renewal.clone().unwrap_or_default().before;
    let grounds = if lead.seen {
        "the longest seen"
    } else {
        "what is assumed, not all having been seen"
    };
    format!(
        "spec.renewal.before is {before}, but training and deploying here have to be given {} (twice {grounds}), so the training begins on {}",
        hours(lead.needed),
        day_time(next.at)
    )
}

fn too_late(s: &Snapshot<'_>, status: &SpeechModelStatus, next: &Next, latest: Timestamp) -> String {
    let expires = next
        .dates
        .map(|dates| dates.expires)
        .or(expiry(status))
        .unwrap_or(latest);
    let takes = renewal::lead(s).expected;
    let when = if next.at > latest {
        let ready = after(next.at, takes);
        format!(
            "begins on {} and would not serve before {}",
            day_time(next.at),
            day_time(ready)
        )
    } else {
        format!("should have begun by {}", day_time(latest))
    };
    format!(
        "{} expires on {}; the next revision, which takes {} here, {when}",
        if next.cause.is_some() {
            "what serves"
        } else {
            "the current revision"
        },
        day_time(expires),
        hours(takes)
    )
}

/// For a person: `26h30m`.
fn hours(span: SignedDuration) -> String {
    match (span.as_hours(), span.as_mins() % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    }
}

/// What will keep the next training from beginning.
struct Obstacle {
    reason: Reason,
    words: String,
    /// From when on it is told as a risk.
    told_from: Timestamp,
    /// Whether it ends by a person only.
    lasts: bool,
}

fn obstacle(s: &Snapshot<'_>, view: &View, inputs: &Inputs, at: Timestamp) -> Option<Obstacle> {
    if !view.datasets.is_known() {
        return None;
    }
    let kinds = dataset::kinds(s, view, inputs).map(drop);
    if let Err(verdict) = kinds.and_then(|()| training::base(s, view, inputs).map(drop)) {
        // An import may end and a newer base model may appear before the training is due.
        let passes = verdict.phase == Phase::Working || verdict.reason == Reason::NoBaseModel;
        return Some(Obstacle {
            reason: verdict.reason,
            words: verdict.message,
            told_from: if passes { at } else { Timestamp::MIN },
            lasts: !passes,
        });
    }
    let pinned = view.base_models.get(inputs.base_model?)?;
    let until = pinned.entity.adaptation_until.filter(|until| *until <= at)?;
    Some(Obstacle {
        reason: Reason::BaseModelNotTrainable,
        words: format!(
            "base model {} can be trained from until {}; choose a newer one in spec.source.training.baseModel, or none",
            pinned.entity.header.display_name,
            day_time(until)
        ),
        told_from: before(until, PIN_NOTICE),
        lasts: true,
    })
}
