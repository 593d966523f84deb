//! Models that somebody else makes: a base model, or an existing custom model. Nothing remote is ever changed for them.
use super::{Snapshot, status};
use crate::{
    Verdict, model_choice,
    view::{ModelFacts, View},
};
use speech_api::{Reason, SpeechModelStatus, reference::BaseModelChoice};

/// Follows a base model: the named one, or the newest of the locale.
pub fn base(
    s: &Snapshot<'_>,
    view: &View,
    choice: &BaseModelChoice,
    status: &mut SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    settle(
        s,
        view,
        model_choice::base_model(view, choice, &s.object.spec.locale, s.now(), |_| false)?,
        status,
    )
}

/// Follows a custom model by its id.
pub fn existing(s: &Snapshot<'_>, view: &View, id: &str, status: &mut SpeechModelStatus) -> Result<Verdict, Verdict> {
    settle(
        s,
        view,
        model_choice::custom_model(view, "source.existing.id", id, &s.object.spec.locale)?,
        status,
    )
}

fn settle(
    s: &Snapshot<'_>,
    view: &View,
    facts: ModelFacts<'_>,
    status: &mut SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    match model_choice::deployable(&facts, s.now()) {
        // An expired model, or one for batch transcription only, is still what the user named.
        Err(verdict) if !matches!(verdict.reason, Reason::ModelExpired | Reason::ModelNotDeployable) => {
            return Err(verdict);
        }
        Ok(()) | Err(_) => {}
    }
    status.candidate = None;
    status.current = Some(status::current(view, &facts));
    Ok(Verdict::done(
        Reason::Synced,
        format!("model {} is current", facts.name),
    ))
}
