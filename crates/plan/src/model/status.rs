//! What a model's status says, apart from the verdict.
use super::{
    Snapshot,
    facts::{Facts, Made, Origin},
    lineage::highest_named,
    record::Ruling,
    told::Current,
};
use crate::{
    Action, Notice,
    drift::{self, Correction},
    notice,
    report::Meanwhile,
    text::{self, day_time, whole_seconds},
    view::{ModelFacts, View},
};
use speech_api::{
    Reason, SpeechModelStatus, Subject,
    condition::Statement,
    model::{BaseModelDates, CandidateModel, CurrentModel, PastModel},
};
use speech_service::ModelId;

/// How many past revisions a status names, whatever the limit of the history and whatever the service holds.
const MOST_PAST: usize = 50;

/// Writes down what the view has.
pub fn describe(f: &Facts<'_>, status: &mut SpeechModelStatus) {
    match &f.seen {
        Some(Origin::Made(made)) => describe_revisions(made, status),
        Some(Origin::Followed(Ok(model))) => {
            if let Some(view) = f.s.around.connection.view() {
                status.candidate = None;
                status.current = Some(current(view, model));
            }
        }
        Some(Origin::Followed(Err(_)) | Origin::Unnamed) | None => {}
    }
}

/// The best revision is current, a newer one under way is the candidate, the others are history.
fn describe_revisions(made: &Made<'_>, status: &mut SpeechModelStatus) {
    let lineage = &made.lineage;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let best = lineage.best();
    let candidate = lineage.revisions.last().filter(|newest| !newest.succeeded());
    status.current = best.map(|revision| current(made.view, &revision.model().into()));
    status.candidate = candidate.map(|revision| CandidateModel {
        revision: number(revision.number),
        id: revision.id(),
        state: revision.model().header.status.as_str().to_owned(),
        started_at: whole_seconds(revision.model().header.created_at),
    });
    let apart = [best, candidate].map(|revision| revision.map(|revision| revision.id()));
    let past = lineage.revisions.iter().rev();
    status.history = past
        .filter(|revision| !apart.contains(&Some(revision.id())))
        .map(|revision| PastModel {
            revision: number(revision.number),
            id: revision.id(),
            state: revision.model().header.status.as_str().to_owned(),
            expires_at: revision.model().expires_at.map(whole_seconds),
        })
        .take(MOST_PAST)
        .collect();
    let highest = number(lineage.highest);
    status.highest_revision = (highest > highest_named(status)).then_some(highest);
}

/// The model that endpoints should serve, with both its dates and its base model's.
fn current(view: &View, facts: &ModelFacts<'_>) -> CurrentModel {
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
        id: facts.model.entity(),
        self_uri: facts.self_uri.to_owned(),
        name: facts.name.to_owned(),
        created_at: whole_seconds(facts.created_at),
        expires_at: facts.expires_at.map(whole_seconds),
        base_model: base.map(|id| {
            let base = view.base_models.get(id).map(|entry| &*entry.entity);
            BaseModelDates {
                id,
                name: base.map(|base| base.header.display_name.to_string()),
                adaptation_until: base.and_then(|base| base.adaptation_until).map(whole_seconds),
                expires_at: base.and_then(|base| base.expires_at).map(whole_seconds),
            }
        }),
        supports_endpoints: facts.supports_endpoints,
    }
}

/// What `Ready` says while a newer revision is made.
pub fn meanwhile(f: &Facts<'_>, ruling: &Ruling) -> Option<Meanwhile> {
    let current = ruling.current(f).filter(|_| !f.is_deleted())?;
    Some(match current.expires_at {
        Some(at) if at <= f.s.now() => Meanwhile {
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
pub fn revision_notice(f: &Facts<'_>, current: Option<&Current>) -> Option<Notice> {
    let (before, after) = (f.told.current.as_ref()?.id, current?);
    let id = after.id;
    (id != before).then(|| Notice {
        warning: false,
        reason: Reason::Synced,
        note: format!("model {} ({id}) is current in place of {before}", after.name),
    })
}

/// Tells which revisions somebody deleted in the Speech service.
pub fn vanished_notices(f: &Facts<'_>, status: &SpeechModelStatus) -> Vec<Notice> {
    let view = f.s.around.connection.view();
    let Some(view) = view.filter(|_| f.s.object.makes_remote() && !f.is_deleted()) else {
        return Vec::new();
    };
    let notice = |id| Notice {
        warning: true,
        reason: Reason::RemoteDeleted,
        note: format!("model {id} was deleted in the Speech service by someone else"),
    };
    let lost = f.told.ids.iter().filter(|id| view.models.is_lost(**id));
    lost.filter(|id| status.ids().all(|now| now != **id))
        .map(notice)
        .collect()
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
pub fn contested(f: &Facts<'_>) -> Option<Statement> {
    drift::statement(&f.base.drift, "the newest revision").filter(|_| !f.is_deleted())
}
