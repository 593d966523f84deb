//! When the next revision is due though the spec has not changed.
//!
//! ```text
//!  expiry - before                                  expiry - needed            expiry
//! ────────┼──────────── each at its own share ──────────────┼─────────────────────┼──▶
//!         └─ of the first half, of 7 days at most ─┘        └── the latest start
//! ```
//!
//! What is needed is what training and deploying take here, with a margin (see [`crate::lead_time`]). A `before`
//! that is shorter does not count: the training begins at the latest start.
use super::{Snapshot, dataset, refusal, revision::Inputs};
use crate::{
    lead_time::{Lead, Work},
    model_choice,
    spread::share,
    text::{after, before},
    view::View,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    annotation::{self, TRAIN_REVISION},
    duration,
    model::{Renewal, RenewalTrigger},
};
use speech_service::{ModelId, entity::CustomModel};

/// Over so much time the trainings of a fleet are spread at most.
const LONGEST_SPREAD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What comes between the order of a training and the day on which its model serves.
const CHAIN: [Work; 2] = [Work::Training, Work::Deploying];

/// When the next training is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// At once, because a person asked for it.
    Requested,
    /// At once, for a newer base model.
    NewBaseModel,
    /// On this date, perhaps past, ahead of the expiry.
    BeforeExpiry(Schedule),
    /// On this date, because gates refused the newest revision.
    AfterRefusal(Schedule),
    /// Not by the calendar.
    Never,
}

/// The dates of a renewal ahead of an expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When the training begins.
    pub start: Timestamp,
    /// When it has to have begun.
    pub latest: Timestamp,
    /// When what serves now, or is to serve next, expires.
    pub expires_at: Timestamp,
    /// Whether `before` is shorter than what is needed.
    pub is_short: bool,
    /// When half of the newest revision's life is over.
    half: Timestamp,
}

impl Schedule {
    /// Whether the training begins now. While the clocks differ widely it begins at the latest start by the later clock,
    /// and not before half of the revision's life is over by the earlier one: a clock that is years ahead would take each
    /// new revision for expired and have another one trained.
    pub fn is_due(&self, s: &Snapshot<'_>) -> bool {
        let skew = s.around.agenda.skew;
        if skew.holds() {
            return self.latest.max(self.start) <= s.now() && self.half <= skew.earlier_of_later(s.now());
        }
        self.start <= s.now()
    }

    /// When time alone may begin it.
    pub fn look_again(&self, s: &Snapshot<'_>) -> Timestamp {
        let skew = s.around.agenda.skew;
        if skew.holds() {
            return self.latest.max(self.start).max(after(self.half, skew.ahead.abs()));
        }
        self.start
    }
}

/// When the newest revision, of the number `highest`, has to be followed by another.
pub fn due(
    s: &Snapshot<'_>,
    view: &View,
    renewal: &Renewal,
    inputs: &Inputs,
    newest: &CustomModel,
    highest: u32,
) -> Due {
    if is_requested(s, highest) {
        return Due::Requested;
    }
    if renewal.on.contains(&RenewalTrigger::NewBaseModel) && has_newer_base(s, view, inputs, newest) {
        return Due::NewBaseModel;
    }
    let own = before_expiry(s, renewal, newest);
    let refused = after_refusal(s, renewal, newest);
    match (own, refused) {
        (own, Some(refused)) if own.is_none_or(|own| refused.start < own.start) => Due::AfterRefusal(refused),
        (Some(own), _) => Due::BeforeExpiry(own),
        (None, _) => Due::Never,
    }
}

/// Whether the annotation names the very next revision. A number that was used is answered; one that is further away would
/// train several.
fn is_requested(s: &Snapshot<'_>, highest: u32) -> bool {
    let asked = annotation::value(s.object, TRAIN_REVISION).map(|text| text.trim().parse::<u32>());
    matches!(asked, Some(Ok(number)) if Some(number) == highest.checked_add(1))
}

/// A revision that a gate refused renews nothing there: the next one is trained for the day on which what still serves
/// expires, by the same rule.
fn after_refusal(s: &Snapshot<'_>, renewal: &Renewal, newest: &CustomModel) -> Option<Schedule> {
    let refused = refusal::of(s, newest.header.id)?;
    let dates = schedule(s, renewal, refused.needed_by, None)?;
    Some(Schedule {
        start: dates.start.max(refused.rests_until),
        ..dates
    })
}

/// How long it takes here until a training that is ordered serves.
pub fn lead(s: &Snapshot<'_>) -> Lead {
    s.around.agenda.durations.lead(&s.object.spec.locale, &CHAIN)
}

/// `before` ahead of the expiry, or earlier where more is needed; but never in the first half of the revision's life: with
/// a `before` longer than a life, each revision would be due on the day on which it was made.
fn before_expiry(s: &Snapshot<'_>, renewal: &Renewal, newest: &CustomModel) -> Option<Schedule> {
    let expires_at = newest.expires_at?;
    let half = expires_at.duration_since(newest.header.created_at) / 2;
    schedule(s, renewal, expires_at, Some(half))
}

/// The dates ahead of an expiry, and not earlier than `most` ahead of it.
fn schedule(
    s: &Snapshot<'_>,
    renewal: &Renewal,
    expires_at: Timestamp,
    most: Option<SignedDuration>,
) -> Option<Schedule> {
    if !renewal.on.contains(&RenewalTrigger::BeforeExpiry) {
        return None;
    }
    let declared = SignedDuration::try_from(duration::parse(&renewal.before).ok()?).ok()?;
    let needed = lead(s).needed;
    let ahead = |span: SignedDuration| before(expires_at, most.map_or(span, |most| span.min(most)));
    let (declared, latest) = (ahead(declared), ahead(needed));
    Some(Schedule {
        start: declared.min(latest) + spread(s.uid(), latest.duration_since(declared)),
        latest,
        expires_at,
        is_short: latest < declared,
        half: most.map_or(Timestamp::MIN, |most| before(expires_at, most)),
    })
}

/// The object's own share of the time over which a fleet is spread, in whole seconds.
fn spread(uid: &str, span: SignedDuration) -> SignedDuration {
    let most = (span / 2).min(LONGEST_SPREAD).as_secs();
    let Ok(most) = u128::try_from(most) else {
        return SignedDuration::ZERO;
    };
    let part = (most * u128::from(share(uid))) >> 64;
    SignedDuration::from_secs(i64::try_from(part).unwrap_or(0))
}

/// Whether a newer base model than the revision's own can be trained from. A pinned one is the user's own word.
fn has_newer_base(s: &Snapshot<'_>, view: &View, inputs: &Inputs, newest: &CustomModel) -> bool {
    if inputs.base_model.is_some() {
        return false;
    }
    let own = newest
        .base_model
        .map(ModelId::entity)
        .and_then(|id| view.base_models.get(id));
    let best = dataset::kinds(s, view, inputs)
        .and_then(|kinds| model_choice::trainable(view, None, &kinds, &s.object.spec.locale, s.now()));
    best.is_ok_and(|best| own.is_some_and(|own| own.entity.header.created_at < best.header.created_at))
}
