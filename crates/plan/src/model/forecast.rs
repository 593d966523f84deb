//! What comes next for a line of models, with dates; and what goes wrong if nobody acts.
use super::{
    Source,
    facts::{Facts, Material, Origin},
    record::Ruling,
    renewal,
};
use crate::{
    Verdict, ending,
    forecast::{Forecast, step},
    lead_time::Work,
    risk::{self, Deadline, Way, alarm_from},
    text::before,
    verdict::Phase,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    Reason, duration,
    model::RenewalTrigger,
    planned::{PlannedAction, PlannedStep},
};

mod training;
use training::of_training;

/// So long ahead of its adaptationDateTime it is told that a pinned base model cannot be trained from at the next renewal.
const PIN_NOTICE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The forecast of a model, which hangs on what was decided as well; none where nothing can be said now, so that what was
/// told before stands.
pub fn of(f: &Facts<'_>, ruling: &Ruling) -> Option<Forecast> {
    if f.is_deleted() {
        return Some(Forecast::default());
    }
    let Some(seen) = &f.seen else {
        return Some(obstructed(f, ruling));
    };
    let source = &f.s.object.spec.source;
    match seen {
        Origin::Made(made) => match &made.from {
            Material::Datasets(trained) => of_training(f, made, trained.as_ref().ok()?, ruling),
            Material::Model(_) => Some(of_copy(f, ruling)),
        },
        // The newest base model is followed by a newer one without anybody's doing.
        Origin::Followed(_) if source.base.as_ref().is_some_and(|base| base.id.is_none()) => Some(Forecast {
            steps: f.base.plan.clone(),
            ..Forecast::default()
        }),
        Origin::Followed(_) | Origin::Unnamed => Some(Forecast {
            steps: expiry(f, ruling)
                .map(|at| expires(at, "NotRenewed"))
                .into_iter()
                .collect(),
            ..Forecast::default()
        }),
    }
}

/// Beside it, what the model rests on that is being deleted.
pub fn with_ending(f: &Facts<'_>, ruling: &Ruling, forecast: Forecast) -> Forecast {
    let s = f.s;
    if f.is_deleted() {
        return forecast;
    }
    let copied = match s.related.source {
        Some(Source::Found(found)) => found.object.as_deref(),
        Some(Source::NotFound(_) | Source::NotAllowed(_) | Source::Cycle(_)) | None => None,
    };
    let ending = ending::together([
        ending::of_connection(s.connection_name(), s.around.agenda),
        ending::of_models(copied),
    ]);
    Forecast {
        risk: risk::with_ending(deadline(f, ruling).as_ref(), forecast.risk, ending),
        ..forecast
    }
}

/// What the expiry of the current revision asks for, where the object makes another by itself.
fn deadline(f: &Facts<'_>, ruling: &Ruling) -> Option<Deadline<'static>> {
    let (s, expires) = (f.s, expiry(f, ruling)?);
    let source = &s.object.spec.source;
    let renewal = s.object.spec.renewal.clone().unwrap_or_default();
    let (declared, lead) = if source.copy.is_some() {
        let durations = &s.around.agenda.durations;
        let chain = [Work::Copying, Work::Deploying];
        (
            SignedDuration::ZERO,
            durations.lead(&s.object.spec.locale, &chain).needed,
        )
    } else if source.training.is_some() && renewal.on.contains(&RenewalTrigger::BeforeExpiry) {
        let declared = duration::parse(&renewal.before).ok();
        let declared = declared.and_then(|span| SignedDuration::try_from(span).ok());
        (declared.unwrap_or_default(), renewal::lead(s).needed)
    } else {
        return None;
    };
    // With a `before` longer than a life, each revision would be at risk on the day on which it was made.
    let made = ruling.current(f).map(|current| current.created_at);
    let half = made.map_or(SignedDuration::MAX, |made| expires.duration_since(made) / 2);
    Some(Deadline {
        subject: "the current revision",
        now: s.now(),
        expires_at: expires,
        alarm: alarm_from(expires, declared.min(half), lead.min(half)),
        latest: before(expires, lead.min(half)),
    })
}

/// Nothing can be seen or done now.
fn obstructed(f: &Facts<'_>, ruling: &Ruling) -> Forecast {
    let deadline = deadline(f, ruling);
    let (around, written) = (&f.s.around, f.s.written());
    Forecast::obstructed(&f.base.plan, deadline.as_ref(), &ruling.verdict, around, written)
}

/// A copy is followed by that of its source's next model; what goes wrong on the way is told when it is late.
fn of_copy(f: &Facts<'_>, ruling: &Ruling) -> Forecast {
    let way = match trouble(&ruling.verdict) {
        Some(words) => Way::kept(ruling.verdict.reason, words),
        None => Way::Open,
    };
    let deadline = deadline(f, ruling);
    // Whether anything newer is to be copied, only the source knows.
    let risk = deadline
        .filter(|_| !matches!(way, Way::Open))
        .and_then(|deadline| risk::risk(&deadline, &way));
    Forecast {
        steps: match ruling.record.seen {
            true => Vec::new(),
            false => f.base.plan.clone(),
        },
        risk,
        look_again: deadline.and_then(|deadline| deadline.look_again(&way)),
    }
}

/// What keeps the next revision from being made, by what was decided.
fn trouble(verdict: &Verdict) -> Option<String> {
    let fails = matches!(
        verdict.reason,
        Reason::Refused
            | Reason::Retrying
            | Reason::QuotaExceeded
            | Reason::TrainingFailed
            | Reason::CopyFailed
            | Reason::CopyRefused
            | Reason::AwaitingTurn
    );
    let stalled = verdict.phase == Phase::Stalled && verdict.reason != Reason::ModelExpired;
    (fails || stalled).then(|| verdict.message.clone())
}

fn expiry(f: &Facts<'_>, ruling: &Ruling) -> Option<Timestamp> {
    ruling.current(f)?.expires_at
}

fn expires(at: Timestamp, reason: &str) -> PlannedStep {
    PlannedStep {
        risk: Some(
            "nothing renews the current revision: from then on the newest base model answers in its place".into(),
        ),
        ..step(PlannedAction::Expire, at, reason)
    }
}
