//! Which model of the Speech resource is meant.
use super::{List, Verdict, near, text::day_time};
use crate::view::{ModelFacts, View};
use jiff::Timestamp;
use speech_api::{Reason, reference::BaseModelChoice};
use speech_service::{
    EntityId, ModelId,
    entity::{BaseModel, Status},
};

/// Reads an id from the spec. The schema has refused what this refuses, unless the object is older than the schema.
pub fn parse_id(field: &str, text: &str) -> Result<EntityId, Verdict> {
    text.parse()
        .map_err(|error| Verdict::stalled(Reason::SpecInvalid, format!("spec.{field}: {error}")))
}

/// Base models of a locale, best first: newest by creation, then by id so that everyone agrees.
fn newest<'a>(view: &'a View, locale: &str, fits: impl Fn(&BaseModel) -> bool) -> Option<&'a BaseModel> {
    view.base_models
        .iter()
        .map(|entry| &*entry.entity)
        .filter(|model| &*model.header.locale == locale && fits(model))
        .max_by_key(|model| (model.header.created_at, model.header.id))
}

/// The base model that a choice means: the named one, or the newest of the locale that can be deployed, has not expired
/// and is not barred.
pub fn base_model<'a>(
    view: &'a View,
    choice: &BaseModelChoice,
    locale: &str,
    now: Timestamp,
    barred: impl Fn(ModelId) -> bool,
) -> Result<ModelFacts<'a>, Verdict> {
    if let Some(text) = &choice.id {
        return named_base_model(view, parse_id("base.id", text)?, locale).map(ModelFacts::from);
    }
    let fits = |model: &BaseModel| {
        makes_deployable(model)
            && model.expires_at.is_none_or(|at| at > now)
            && model.header.status == Status::Succeeded
            && !barred(ModelId::Base(model.header.id))
    };
    newest(view, locale, fits).map(ModelFacts::from).ok_or_else(|| {
        Verdict::stalled(
            Reason::NoBaseModel,
            format!(
                "the Speech resource has no base model for {locale} that can be deployed{}",
                meant(view, locale)
            ),
        )
    })
}

fn named_base_model<'a>(view: &'a View, id: EntityId, locale: &str) -> Result<&'a BaseModel, Verdict> {
    let model = view.base_models.get(id).map(|entry| &*entry.entity).ok_or_else(|| {
        let mut message = format!("the Speech resource has no base model {id}");
        if let Some(custom) = view.model(ModelId::Custom(id)) {
            message.push_str(&format!("; {} is a custom model: name it outside of base", custom.name));
        }
        Verdict::stalled(Reason::BaseModelNotFound, message)
    })?;
    if &*model.header.locale != locale {
        let found = &model.header.locale;
        return Err(Verdict::stalled(
            Reason::LocaleMismatch,
            format!("base model {id} is of locale {found}, not {locale}"),
        ));
    }
    Ok(model)
}

/// Whether what is trained from a base model can be deployed, as far as the service tells.
pub fn makes_deployable(model: &BaseModel) -> bool {
    model.supports_endpoints.unwrap_or(true)
}

/// The base model to train from: the named one, or the newest of the locale that can still be trained from with datasets
/// of all these kinds, and whose models can be deployed.
pub fn trainable<'a>(
    view: &'a View,
    pinned: Option<EntityId>,
    kinds: &[&str],
    locale: &str,
    now: Timestamp,
) -> Result<&'a BaseModel, Verdict> {
    let open = |model: &BaseModel| model.adaptation_until.is_none_or(|until| until > now);
    let Some(id) = pinned else {
        let trains = |model: &BaseModel| {
            open(model) && !model.supports_adaptations_with.is_empty() && model.header.status == Status::Succeeded
        };
        let usable = |model: &BaseModel| trains(model) && makes_deployable(model);
        let fits = |model: &BaseModel| usable(model) && unsupported(model, kinds).is_empty();
        return newest(view, locale, fits).ok_or_else(|| match newest(view, locale, usable) {
            Some(model) => unsuitable(model, kinds),
            None => Verdict::stalled(
                Reason::NoBaseModel,
                none_to_train_from(newest(view, locale, trains), locale) + &meant(view, locale),
            ),
        });
    };
    let model = named_base_model(view, id, locale)?;
    match model.adaptation_until {
        Some(until) if until <= now => Err(Verdict::stalled(
            Reason::BaseModelNotTrainable,
            format!(
                "base model {id} could be trained from until {}; choose a newer one, or none",
                day_time(until)
            ),
        )),
        Some(_) | None if !unsupported(model, kinds).is_empty() => Err(unsuitable(model, kinds)),
        Some(_) | None => Ok(model),
    }
}

/// The locale that was probably meant, where there is no base model of this one at all.
fn meant(view: &View, locale: &str) -> String {
    let mut there: Vec<&str> = (view.base_models.iter())
        .map(|entry| &*entry.entity.header.locale)
        .collect();
    there.sort_unstable();
    there.dedup();
    if there.contains(&locale) {
        return String::new();
    }
    let near = near::locale(locale, there.into_iter());
    near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

fn none_to_train_from(undeployable: Option<&BaseModel>, locale: &str) -> String {
    let words = format!("the Speech resource has no base model for {locale} that can be trained from");
    match undeployable {
        Some(model) => format!(
            "{words} and whose models can be deployed to endpoints; nothing is trained. Name {} ({}) in spec.source.training.baseModel to train from it for batch transcription only",
            model.header.display_name, model.header.id
        ),
        None => words,
    }
}

/// The kinds of datasets that a base model cannot be trained with.
fn unsupported<'k>(model: &BaseModel, kinds: &[&'k str]) -> Vec<&'k str> {
    let is_supported = |kind: &str| model.supports_adaptations_with.iter().any(|known| &**known == kind);
    kinds.iter().copied().filter(|kind| !is_supported(kind)).collect()
}

fn unsuitable(model: &BaseModel, kinds: &[&str]) -> Verdict {
    let known: Vec<&str> = model.supports_adaptations_with.iter().map(|kind| &**kind).collect();
    Verdict::stalled(
        Reason::DatasetUnsuitable,
        format!(
            "spec.source.training.datasets are of kind {}, but base model {} can be trained with {} only",
            kinds.join(", "),
            model.header.display_name,
            known.join(", ")
        ),
    )
}

/// A custom model by id, of the right locale.
pub fn custom_model<'a>(view: &'a View, field: &str, text: &str, locale: &str) -> Result<ModelFacts<'a>, Verdict> {
    let id = parse_id(field, text)?;
    let facts = view.model(ModelId::Custom(id)).ok_or_else(|| {
        let why = match view.model(ModelId::Base(id)) {
            Some(base) => format!("{} is a base model: name it as base: {{id: {id}}}", base.name),
            None => "an endpoint or model can only use models of its own resource".to_owned(),
        };
        Verdict::stalled(
            Reason::ModelNotFound,
            format!("the Speech resource has no custom model {id}; {why}"),
        )
    })?;
    if facts.locale != locale {
        return Err(Verdict::stalled(
            Reason::LocaleMismatch,
            format!("model {id} is of locale {}, not {locale}", facts.locale),
        ));
    }
    Ok(facts)
}

/// Whether a model can be deployed now; the obstacle if not.
pub fn deployable(facts: &ModelFacts<'_>, now: Timestamp) -> Result<(), Verdict> {
    let (name, id) = (facts.name, facts.model);
    match facts.status {
        Status::Succeeded => {}
        Status::Failed => {
            return Err(Verdict::stalled(
                Reason::ModelFailed,
                format!("model {name} ({id}) has failed and cannot be deployed"),
            ));
        }
        Status::NotStarted | Status::Running | Status::Other(_) => {
            return Err(Verdict::working(
                Reason::ModelNotReady,
                format!("model {name} ({id}) is {}", facts.status.as_str()),
            )
            .watching_list(List::Models));
        }
    }
    if !facts.supports_endpoints {
        return Err(Verdict::stalled(
            Reason::ModelNotDeployable,
            format!("model {name} ({id}) does not support endpoints; choose another one"),
        ));
    }
    if let Some(at) = facts.expires_at.filter(|at| *at <= now) {
        return Err(Verdict::stalled(
            Reason::ModelExpired,
            format!("model {name} ({id}) expired on {}", day_time(at)),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, base_model as base, custom_model as custom, id};

    const LATER: &str = "2027-01-15T00:00:00Z";

    #[test]
    fn an_id_in_the_wrong_place_is_told_where_it_belongs() {
        let view = World::new().base(base(1, LATER)).custom(custom(3, LATER)).view;
        let id = |n| id(n).to_string();
        let told = custom_model(&view, "model.id", &id(1), "en-US").unwrap_err().message;
        assert!(
            told.ends_with(&format!("is a base model: name it as base: {{id: {}}}", id(1))),
            "{told}"
        );
        let choice = BaseModelChoice { id: Some(id(3)) };
        let now = LATER.parse().unwrap();
        let told = base_model(&view, &choice, "en-US", now, |_| false).unwrap_err().message;
        assert!(told.ends_with("is a custom model: name it outside of base"), "{told}");
    }
}
