//! What comes next for models that are trained.
use super::{
    super::{
        Snapshot, dataset,
        facts::{Facts, Made},
        lineage::Lineage,
        record::Ruling,
        refusal,
        renewal::{self, Due, Schedule},
        revision::{Inputs, Revision},
        training::{self, Trained},
    },
    PIN_NOTICE, deadline, expires, expiry, trouble,
};
use crate::{
    forecast::{Forecast, step},
    lead_time::Work,
    retry,
    risk::{self, Way},
    text::{after, before, day_time},
    verdict::Phase,
    view::View,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    Reason,
    model::{Renewal, RenewalTrigger},
    planned::{PlannedAction, PlannedStep},
    reference::LastFailure,
};

/// The next training of a line.
struct NextTraining {
    at: Timestamp,
    reason: &'static str,
    /// The dates of a renewal ahead of an expiry.
    dates: Option<Schedule>,
    /// Why there has to be another one, in the service's words.
    cause: Option<String>,
}

pub fn of_training(f: &Facts<'_>, made: &Made<'_>, trained: &Trained, ruling: &Ruling) -> Option<Forecast> {
    let s = f.s;
    if let Some(running) = made.lineage.under_way() {
        return Some(running_training(f, ruling, &running));
    }
    let Some(next) = next(f, made, trained).filter(|_| s.may_act()) else {
        let reason = match (s.object.spec.suspend, s.may_act()) {
            (true, _) => "Suspended",
            (false, false) => "Observed",
            (false, true) => "NotRenewed",
        };
        let ends = expiry(f, ruling).map(|at| expires(at, reason));
        return Some(Forecast {
            steps: ends.into_iter().collect(),
            ..Forecast::default()
        });
    };
    // What is due and fails stays due since its date, as a swap does: only so is it told as overdue.
    let held = f.creation.held_until();
    let held = held.filter(|_| failed_training(ruling).is_none());
    let next = NextTraining {
        at: held.map_or(next.at, |held| held.max(next.at)),
        ..next
    };
    let forecast = to_come(f, made, trained, ruling, next);
    Some(kept_back(f, ruling, forecast))
}

/// How the last order of a training failed.
fn failed_training(ruling: &Ruling) -> Option<&LastFailure> {
    let last = ruling.record.failures.last.as_ref();
    last.filter(|last| last.operation == "Train")
}

/// What keeps an order back that is due: a failure, a refusal, a turn.
fn kept_back(f: &Facts<'_>, ruling: &Ruling, mut forecast: Forecast) -> Forecast {
    let Some(deadline) = deadline(f, ruling) else {
        return forecast;
    };
    let verdict = &ruling.verdict;
    let failed = failed_training(ruling);
    let way = match (trouble(verdict), failed) {
        (Some(words), _) => Way::kept(verdict.reason, format!("the next training waits: {words}")),
        (None, Some(last)) => Way::kept(
            Reason::Retrying,
            format!("the next training fails: {}", retry::words(last)),
        ),
        (None, None) => Way::Open,
    };
    let waits = !matches!(way, Way::Open);
    let kept = risk::risk(&deadline, &way).filter(|_| waits);
    if let (None, Some((reason, words))) = (&forecast.risk, kept) {
        if let Some(train) = forecast.steps.first_mut() {
            train.risk.get_or_insert_with(|| words.clone());
        }
        forecast.risk = Some((reason, words));
    }
    let again = [forecast.look_again, waits.then(|| deadline.look_again(&way)).flatten()];
    forecast.look_again = again.into_iter().flatten().min();
    forecast
}

/// A training runs: when it will have ended is told by `Reconciling`, and here if that is too late.
fn running_training(f: &Facts<'_>, ruling: &Ruling, running: &Revision<'_>) -> Forecast {
    let s = f.s;
    let begun = running.model().header.created_at;
    let lead = renewal::lead(s);
    let ready = after(begun, lead.expected);
    let deadline = deadline(f, ruling);
    let way = Way::Under {
        since: begun,
        expected: s
            .around
            .agenda
            .durations
            .expected(&s.object.spec.locale, Work::Training),
        words: format!("revision {} is being trained", running.number),
    };
    let endless = deadline.and_then(|deadline| risk::risk(&deadline, &way));
    let late = expiry(f, ruling).filter(|expires| ready > *expires).map(|expires| {
        let words = format!(
            "revision {} will not serve before {} as it looks, but the current revision expires on {}",
            running.number,
            day_time(ready),
            day_time(expires)
        );
        (Reason::LeadTimeShort, words)
    });
    let endless = endless.filter(|(reason, _)| *reason == Reason::Overdue);
    let risk = endless.or(late);
    let train = PlannedStep {
        to: Some(format!("revision {}", running.number)),
        risk: risk.as_ref().map(|(_, words)| words.clone()),
        ..step(PlannedAction::Train, begun, "Training")
    };
    let late = expiry(f, ruling).filter(|_| risk.is_some());
    Forecast {
        steps: std::iter::once(train)
            .chain(late.map(|at| expires(at, "LeadTimeShort")))
            .collect(),
        risk,
        look_again: deadline.and_then(|deadline| deadline.look_again(&way)),
    }
}

/// When the next training begins, or could have begun, and why.
fn next(f: &Facts<'_>, made: &Made<'_>, trained: &Trained) -> Option<NextTraining> {
    let (s, lineage, print) = (f.s, &made.lineage, &trained.print);
    let spec: Renewal = s.object.spec.renewal.clone().unwrap_or_default();
    let soon = |reason| NextTraining {
        at: since(f, reason),
        reason,
        dates: None,
        cause: None,
    };
    let Some(newest) = lineage.newest() else {
        return Some(soon("FirstRevision"));
    };
    let is_same = newest.tag.inputs.as_deref() == Some(print.as_str());
    if is_same && newest.failed() {
        return Some(NextTraining {
            at: lineage.repeat_at(s, &newest, print),
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
    let renewed = lineage.undeployable().and(lineage.best()).unwrap_or(&newest);
    match renewal::due(s, made.view, &spec, &trained.inputs, renewed.model(), lineage.highest) {
        Due::Requested => Some(soon("Requested")),
        Due::NewBaseModel => Some(soon("NewBaseModel")),
        Due::BeforeExpiry(dates) => Some(NextTraining {
            at: dates.start,
            reason: "BeforeExpiry",
            dates: Some(dates),
            cause: None,
        }),
        Due::AfterRefusal(dates) => Some(NextTraining {
            at: dates.start,
            reason: "GateFailed",
            dates: Some(dates),
            cause: refusal::of(s, newest.id()).map(|refused| refused.words),
        }),
        Due::Never => None,
    }
}

/// Since when a training is due whose date no entity tells: the status remembers it.
fn since(f: &Facts<'_>, reason: &str) -> Timestamp {
    let told = f.told.training.as_ref().filter(|(why, _)| why == reason);
    told.map_or(f.s.now(), |(_, since)| *since)
}

fn to_come(f: &Facts<'_>, made: &Made<'_>, trained: &Trained, ruling: &Ruling, next: NextTraining) -> Forecast {
    let s = f.s;
    let expiry = next.dates.map(|dates| dates.expires_at).or(expiry(f, ruling));
    let lead = renewal::lead(s);
    let obstacle = obstacle(s, made.view, &trained.inputs, &made.lineage, next.at);
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
            Some((Reason::LeadTimeShort, too_late(f, ruling, &next, latest)))
        }
        _ => None,
    };
    if let Some(obstacle) = obstacle.as_ref().filter(|obstacle| obstacle.told_from > s.now()) {
        look_again = Some(look_again.map_or(obstacle.told_from, |again| again.min(obstacle.told_from)));
    }
    let train = PlannedStep {
        to: Some(format!("revision {}", made.lineage.next_number(&f.creation))),
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
    Forecast {
        steps: std::iter::once(train).chain(ends).collect(),
        risk,
        look_again,
    }
}

/// The declared lead is too short, and the training begins earlier.
fn short_words(s: &Snapshot<'_>, next: &NextTraining) -> String {
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

fn too_late(f: &Facts<'_>, ruling: &Ruling, next: &NextTraining, latest: Timestamp) -> String {
    let expires = next
        .dates
        .map(|dates| dates.expires_at)
        .or(expiry(f, ruling))
        .unwrap_or(latest);
    let takes = renewal::lead(f.s).expected;
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

fn obstacle(s: &Snapshot<'_>, view: &View, inputs: &Inputs, lineage: &Lineage<'_>, at: Timestamp) -> Option<Obstacle> {
    if !view.datasets.is_known() {
        return None;
    }
    let kinds = dataset::kinds(s, view, inputs).map(drop);
    let undeployable = lineage.undeployable();
    if let Err(verdict) = kinds.and_then(|()| training::base(s, view, inputs, undeployable.as_ref()).map(drop)) {
        // An import may end and a newer base model may appear before the training is due.
        let passes = verdict.phase == Phase::Working
            || verdict.reason == Reason::NoBaseModel
            || (verdict.reason == Reason::ModelNotDeployable && inputs.base_model.is_none());
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
