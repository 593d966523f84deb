//! What a model's status says, apart from the verdict.
use super::Snapshot;
use crate::{
    Action, Notice, Verdict, creation,
    drift::{self, Correction},
    notice,
    report::Meanwhile,
    retry,
    text::{self, day_time, parse, rfc3339},
    verdict::Phase,
    view::{ModelFacts, View},
};
use speech_api::{
    Reason, SpeechModelStatus, Subject,
    annotation::CreationIntent,
    condition::Statement,
    model::{BaseModelDates, CurrentModel},
};
use speech_service::ModelId;

/// Keeps a failure of this pass, and closes the attempt of a training or copy that certainly led to nothing.
pub fn remember_failure(s: &Snapshot<'_>, status: &mut SpeechModelStatus) {
    let makes = if s.object.spec.source.copy.is_some() {
        "Copy"
    } else {
        "Train"
    };
    retry::note(s.object, &s.around, makes, status);
    status.creations = creation::tallied(
        status.creations.as_ref(),
        CreationIntent::of(s.object).and_then(|intent| intent.creations),
        s.around.learned.failure.filter(|failure| failure.operation == makes),
        s.is_fresh(),
    );
}

/// The model that endpoints should serve, with both its dates and its base model's.
pub fn current(view: &View, facts: &ModelFacts<'_>) -> CurrentModel {
    let base = match facts.model {
        ModelId::Base(id) => Some(id),
        ModelId::Custom(id) => view
            .models
            .get(id)
            .and_then(|entry| entry.entity.base_model)
            .map(ModelId::entity),
    };
    CurrentModel {
        revision: facts.revision.and_then(|revision| i32::try_from(revision).ok()),
        id: facts.model.to_string(),
        self_uri: facts.self_uri.to_owned(),
        name: facts.name.to_owned(),
        created_at: rfc3339(facts.created_at),
        expires_at: facts.expires_at.map(rfc3339),
        base_model: base.map(|id| {
            let base = view.base_models.get(id).map(|entry| &*entry.entity);
            BaseModelDates {
                id: id.to_string(),
                name: base.map(|base| base.header.display_name.to_string()),
                adaptation_until: base.and_then(|base| base.adaptation_until).map(rfc3339),
                expires_at: base.and_then(|base| base.expires_at).map(rfc3339),
            }
        }),
        supports_endpoints: facts.supports_endpoints,
    }
}

/// The moment of expiry is a reason to look again; past it, the user has to act.
pub fn with_expiry(s: &Snapshot<'_>, status: &SpeechModelStatus, verdict: Verdict) -> Verdict {
    let expiry = parse(
        status
            .current
            .as_ref()
            .and_then(|current| current.expires_at.as_deref()),
    );
    match expiry {
        Some(at) if at > s.now() => verdict.until(at),
        Some(at) if verdict.phase == Phase::Done => {
            let message = format!(
                "the current model expired on {}; train or choose a newer one",
                day_time(at)
            );
            let look_again = verdict.look_again;
            Verdict {
                look_again,
                ..Verdict::stalled(Reason::ModelExpired, message)
            }
        }
        Some(_) | None => verdict,
    }
}

/// What `Ready` says while a newer revision is made.
pub fn meanwhile(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Option<Meanwhile> {
    if s.object.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let current = status.current.as_ref()?;
    Some(match parse(current.expires_at.as_deref()) {
        Some(at) if at <= s.now() => Meanwhile {
            ready: false,
            reason: Reason::ModelExpired,
            message: format!("the current model expired on {}", day_time(at)),
        },
        Some(_) | None => Meanwhile {
            ready: true,
            reason: Reason::Synced,
            message: format!("model {} is current", text::model(&current.name, current.revision)),
        },
    })
}

/// Tells that another model is current.
pub fn revision_notice(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Option<Notice> {
    let before = s.old_status()?.current.as_ref()?;
    let after = status.current.as_ref()?;
    (before.id != after.id).then(|| Notice {
        warning: false,
        reason: Reason::Synced,
        note: format!(
            "model {} ({}) is current in place of {}",
            after.name, after.id, before.id
        ),
    })
}

/// Tells which revisions somebody deleted in the Speech service.
pub fn vanished_notices(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Vec<Notice> {
    let (Some(old), Some(view)) = (s.old_status(), s.around.connection.view()) else {
        return Vec::new();
    };
    if !s.object.makes_remote() || s.object.metadata.deletion_timestamp.is_some() {
        return Vec::new();
    }
    let vanished = |id: &&str| status.ids().all(|now| now != *id) && id.parse().is_ok_and(|id| view.models.is_lost(id));
    let notice = |id: &str| Notice {
        warning: true,
        reason: Reason::RemoteDeleted,
        note: format!("model {id} was deleted in the Speech service by someone else"),
    };
    old.ids().filter(vanished).map(notice).collect()
}

/// What a step puts back of the current revision: name, description or project.
pub fn correction(s: &Snapshot<'_>, action: Option<&Action>) -> Option<Correction> {
    let action = action?;
    let Action::UpdateModel { change, .. } = action else {
        return None;
    };
    let old = s.old_status().filter(|old| old.observed_generation == s.generation())?;
    let correction = Correction::of_model(change);
    let settled = notice::was_settled(&old.conditions, old.observed_generation, s.generation());
    let repeated = correction.is_repeated(&old.drift, s.generation(), s.now());
    let told = old
        .side_failures
        .iter()
        .any(|failure| failure.operation == action.operation());
    ((settled || repeated) && !told).then_some(correction)
}

/// Tells that it is put back.
pub fn drift_notice(corrects: Option<&Action>) -> Option<Notice> {
    let Some(Action::UpdateModel { id, change }) = corrects else {
        return None;
    };
    Some(notice::drift(&format!("{} of model {id}", change.field())))
}

/// The condition `Contested`.
pub fn contested(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Option<Statement> {
    let lives = s.object.metadata.deletion_timestamp.is_none();
    drift::statement(&status.drift, "the newest revision").filter(|_| lives)
}
