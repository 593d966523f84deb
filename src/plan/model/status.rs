//! What a model's status says, apart from the verdict.
use super::Snapshot;
use crate::{
    api::{
        Reason, SpeechModelStatus,
        model::{BaseModelDates, CurrentModel},
    },
    plan::{
        Action, Notice, Verdict, notice,
        report::Meanwhile,
        retry,
        text::{self, day_time, parse, rfc3339},
        verdict::Phase,
    },
    speech::ModelId,
    view::{ModelFacts, View},
};

/// Keeps a failure of this pass, and closes the attempt of a training or copy that certainly led to nothing.
pub fn remember_failure(s: &Snapshot<'_>, status: &mut SpeechModelStatus) {
    retry::note(
        s.object,
        &s.around,
        if s.object.spec.source.copy.is_some() {
            "Copy"
        } else {
            "Train"
        },
        &mut status.last_failure,
        &mut status.closed_attempt,
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

/// Tells that the name or description of the current revision is put back.
pub fn drift_notice(s: &Snapshot<'_>, action: Option<&Action>) -> Option<Notice> {
    let Some(Action::UpdateModel { id, .. }) = action else {
        return None;
    };
    let old = s.old_status()?;
    notice::was_settled(&old.conditions, old.observed_generation, s.generation())
        .then(|| notice::drift(&format!("name or description of model {id}")))
}
