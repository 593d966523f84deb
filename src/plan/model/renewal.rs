//! When the next revision is due though the spec has not changed.
use super::{Snapshot, dataset, revision::Inputs};
use crate::{
    api::{
        duration,
        model::{Renewal, RenewalTrigger},
        planned::{PlannedAction, PlannedStep},
    },
    plan::{model_choice, text::rfc3339},
    speech::{ModelId, entity::CustomModel},
    view::View,
};
use jiff::{SignedDuration, Timestamp};

/// When the next training is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// At once.
    Now,
    /// On a date to come.
    At(Timestamp),
    /// Not by the calendar.
    Never,
}

/// When the newest revision has to be followed by another.
pub fn due(s: &Snapshot<'_>, view: &View, renewal: &Renewal, inputs: &Inputs, newest: &CustomModel) -> Due {
    if renewal.on.contains(&RenewalTrigger::NewBaseModel) && has_newer_base(s, view, inputs, newest) {
        return Due::Now;
    }
    match before_expiry(renewal, newest) {
        Some(at) if at <= s.now() => Due::Now,
        Some(at) => Due::At(at),
        None => Due::Never,
    }
}

/// `before` ahead of the expiry, but never in the first half of the revision's life: with a `before` longer than a life,
/// each revision would be due on the day on which it was made.
fn before_expiry(renewal: &Renewal, newest: &CustomModel) -> Option<Timestamp> {
    if !renewal.on.contains(&RenewalTrigger::BeforeExpiry) {
        return None;
    }
    let expires = newest.expires_at?;
    let before = SignedDuration::try_from(duration::parse(&renewal.before).ok()?).ok()?;
    let half = expires.duration_since(newest.header.created_at) / 2;
    Some(expires.saturating_sub(before.min(half)).unwrap_or(expires))
}

/// Whether a newer base model than the revision's own can be trained from. A pinned one is the user's own word.
fn has_newer_base(s: &Snapshot<'_>, view: &View, inputs: &Inputs, newest: &CustomModel) -> bool {
    let own = newest
        .base_model
        .map(ModelId::entity)
        .and_then(|id| view.base_models.get(id));
    let datasets = dataset::ready(s, view, &inputs.datasets).unwrap_or_default();
    let best = model_choice::trainable(view, inputs.base_model, &s.object.spec.locale, s.now(), |base| {
        dataset::serves(base, &datasets)
    });
    inputs.base_model.is_none()
        && best.is_ok_and(|best| own.is_some_and(|own| own.entity.header.created_at < best.header.created_at))
}

/// The next training, for the status.
pub fn next_training(at: Timestamp) -> PlannedStep {
    PlannedStep {
        action: PlannedAction::Train,
        at: rfc3339(at),
        to: None,
        reason: "BeforeExpiry".into(),
        blocked_by: Vec::new(),
        risk: None,
        forecast: false,
    }
}
