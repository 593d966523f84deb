//! Which model an endpoint should serve.
use super::Snapshot;
use crate::{
    api::{Reason, SpeechModel, SpeechModelStatus},
    plan::{Verdict, model_choice, text::day_time},
    speech::ModelId,
    view::{ModelFacts, View},
};
use jiff::Timestamp;
use kube::ResourceExt;

/// The model that the spec asks for, ready to be deployed; or why there is none.
pub fn model<'a>(s: &Snapshot<'a>, view: &'a View) -> Result<ModelFacts<'a>, Verdict> {
    let spec = &s.object.spec;
    let facts = if let Some(reference) = &spec.model.r#ref {
        referenced(s, view, &reference.name)?
    } else if let Some(id) = &spec.model.id {
        model_choice::custom_model(view, "model.id", id, &spec.locale)?
    } else if let Some(base) = &spec.model.base {
        model_choice::base_model(view, base, &spec.locale, s.now())?
    } else {
        return Err(Verdict::stalled(
            Reason::SpecInvalid,
            "spec.model needs exactly one of ref, id, base",
        ));
    };
    Ok(facts)
}

/// The current revision of the SpeechModel.
fn referenced<'a>(s: &Snapshot<'a>, view: &'a View, name: &str) -> Result<ModelFacts<'a>, Verdict> {
    let model = s.model.ok_or_else(|| {
        Verdict::stalled(
            Reason::ModelNotFound,
            format!("SpeechModel {name} does not exist in this namespace; it is used as soon as it appears"),
        )
    })?;
    belongs_together(s, model)?;
    let current = model.status.as_ref().and_then(|status| status.current.as_ref());
    let id = current.and_then(|current| ModelId::from_self_uri(&current.self_uri).ok());
    let id = id.ok_or_else(|| Verdict::working(Reason::ModelNotReady, not_ready(name, model.status.as_ref())))?;
    let facts = view.model(id).ok_or_else(|| {
        Verdict::working(
            Reason::ModelNotReady,
            format!("SpeechModel {name} names model {id}, which the Speech resource does not list yet"),
        )
        .watching()
    })?;
    if facts.locale != s.object.spec.locale {
        return Err(Verdict::stalled(
            Reason::LocaleMismatch,
            format!(
                "model {id} of SpeechModel {name} is of locale {}, not {}",
                facts.locale, s.object.spec.locale
            ),
        ));
    }
    Ok(facts)
}

fn belongs_together(s: &Snapshot<'_>, model: &SpeechModel) -> Result<(), Verdict> {
    let name = model.name_any();
    let home = |reference: &crate::api::reference::ConnectionRef, namespace: Option<String>| {
        (reference.name.clone(), reference.namespace.clone().or(namespace))
    };
    if home(&s.object.spec.connection_ref, s.object.namespace()) != home(&model.spec.connection_ref, model.namespace())
    {
        return Err(Verdict::stalled(
            Reason::ModelOfOtherConnection,
            format!(
                "SpeechModel {name} uses SpeechConnection {}; an endpoint can only serve models of its own Speech resource",
                model.spec.connection_ref.name
            ),
        ));
    }
    if s.object.spec.locale != model.spec.locale {
        let (ours, theirs) = (&s.object.spec.locale, &model.spec.locale);
        return Err(Verdict::stalled(
            Reason::LocaleMismatch,
            format!("SpeechModel {name} is of locale {theirs}, not {ours}"),
        ));
    }
    Ok(())
}

fn not_ready(name: &str, status: Option<&SpeechModelStatus>) -> String {
    let ready = status.and_then(|status| crate::api::condition::find(&status.conditions, crate::api::condition::READY));
    match ready {
        Some(condition) => format!("SpeechModel {name} has no current model yet: {}", condition.message),
        None => format!("SpeechModel {name} has no current model yet"),
    }
}

/// Refuses a swap that makes things worse: a model that cannot serve, or serves for a shorter time than the active one.
///
/// A model that the spec names by id is the user's own word and may expire earlier.
pub fn swappable(s: &Snapshot<'_>, active: Option<Timestamp>, facts: &ModelFacts<'_>) -> Result<(), Verdict> {
    model_choice::deployable(facts, s.now())?;
    let named =
        s.object.spec.model.id.is_some() || s.object.spec.model.base.as_ref().is_some_and(|base| base.id.is_some());
    match (active, facts.expires_at) {
        (Some(active), Some(next)) if active > s.now() && next < active && !named => Err(Verdict::stalled(
            Reason::ModelExpiresEarlier,
            format!(
                "model {} ({}) expires on {}, before the active one ({}); the endpoint keeps the active one",
                facts.name,
                facts.model,
                day_time(next),
                day_time(active)
            ),
        )),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}
