//! Which model an endpoint should serve.
//!
//! Among several, the one that expires last is chosen, the newest of those that expire together, and the id decides
//! between equals: a total order that depends on nothing but the models, so that every replica, every run and a cluster
//! rebuilt from Git choose alike.
use super::{Snapshot, quarantine, record::Record};
use crate::{
    Verdict, model_choice,
    text::{self, day_time},
    view::{ModelFacts, View},
};
use jiff::Timestamp;
use kube::ResourceExt;
use speech_api::{
    Reason, SpeechModel, SpeechModelStatus, condition,
    swap::{OnDeadline, QuarantinedModel},
};
use speech_service::{EntityId, ModelId};

/// The model to serve.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    pub facts: ModelFacts<'a>,
    /// Whether the spec names it by its id, which is the user's own word.
    pub named: bool,
    /// Whether it only stands in until the declared one may serve.
    pub interim: bool,
}

impl Choice<'_> {
    /// Whether no gate and no policy counts: a model that is named by its id is the user's own word, and so is what stands in
    /// for another at the end.
    pub fn is_declared(&self) -> bool {
        self.named || self.interim
    }
}

/// The total order in which models are preferred.
fn rank(facts: &ModelFacts<'_>) -> (Timestamp, Timestamp, EntityId) {
    // What is not known to last is taken to last the shortest.
    let expires = facts.expires_at.unwrap_or(Timestamp::MIN);
    (expires, facts.created_at, facts.model.entity())
}

/// The model that the spec asks for; or why there is none.
pub fn choose<'a>(s: &Snapshot<'a>, view: &'a View, record: &Record) -> Result<Choice<'a>, Verdict> {
    let spec = &s.object.spec;
    let of_choice = |facts| Choice {
        facts,
        named: false,
        interim: false,
    };
    if let Some(reference) = &spec.model.r#ref {
        let facts = referenced(s, view, &reference.name)?;
        permitted(s, record, &facts)?;
        fit(s, record, &facts)?;
        return Ok(of_choice(facts));
    }
    if spec.model.selector.is_some() {
        return selected(s, view, record).map(of_choice);
    }
    let facts = if let Some(id) = &spec.model.id {
        model_choice::custom_model(view, "model.id", id, &spec.locale)?
    } else if let Some(base) = &spec.model.base {
        let barred = |id: ModelId| is_excluded(s, id) || record.barred(id).is_some();
        let facts = model_choice::base_model(view, base, &spec.locale, s.now(), barred)
            .map_err(|verdict| nothing_left(s, record, verdict))?;
        if base.id.is_none() {
            return Ok(of_choice(facts));
        }
        facts
    } else {
        return Err(Verdict::stalled(
            Reason::SpecInvalid,
            "spec.model needs exactly one of ref, selector, id, base",
        ));
    };
    // A failed deployment of a model that is named stays failed until somebody says otherwise.
    if let Some(entry) = record.barred(facts.model) {
        return Err(Verdict::stalled(Reason::DeploymentFailed, barred_words(&facts, entry)));
    }
    Ok(Choice {
        facts,
        named: true,
        interim: false,
    })
}

/// Where all that there was is in quarantine, its reason is told.
fn nothing_left(s: &Snapshot<'_>, record: &Record, verdict: Verdict) -> Verdict {
    match record
        .quarantine
        .first()
        .filter(|_| verdict.reason == Reason::NoBaseModel)
    {
        Some(entry) if super::status::label_of_valid(s, record.active.as_ref()).is_none() => {
            let words = format!(
                "{}; model {} is in quarantine: {}",
                verdict.message, entry.name, entry.message
            );
            Verdict::stalled(quarantine::reason(entry), words)
        }
        Some(_) => kept(s, record, verdict.message),
        None => verdict,
    }
}

/// The newest base model, which stands in at the end for a candidate that its gate keeps back.
pub fn stand_in<'a>(s: &Snapshot<'a>, view: &'a View, record: &Record) -> Option<Choice<'a>> {
    let gate = s.object.spec.swap.gate.as_ref()?;
    if gate.on_deadline != OnDeadline::NewestBase {
        return None;
    }
    let barred = |id: ModelId| is_excluded(s, id) || record.barred(id).is_some();
    let facts = model_choice::base_model(view, &Default::default(), &s.object.spec.locale, s.now(), barred).ok()?;
    Some(Choice {
        facts,
        named: false,
        interim: true,
    })
}

/// Whether the spec excludes a model. Ids that cannot be read exclude nothing; the schema refuses them.
fn is_excluded(s: &Snapshot<'_>, model: ModelId) -> bool {
    let excluded = &s.object.spec.model.exclude;
    excluded
        .iter()
        .any(|text| text.parse::<EntityId>().is_ok_and(|id| id == model.entity()))
}

/// Refuses what the spec excludes or the quarantine holds. An endpoint that serves something valid goes on with it.
fn permitted(s: &Snapshot<'_>, record: &Record, facts: &ModelFacts<'_>) -> Result<(), Verdict> {
    let serves = super::status::label_of_valid(s, record.active.as_ref());
    let (reason, words) = match record.barred(facts.model) {
        Some(entry) => (quarantine::reason(entry), barred_words(facts, entry)),
        None if is_excluded(s, facts.model) => (
            Reason::ModelExcluded,
            format!("model {} is excluded by spec.model.exclude", named(facts)),
        ),
        None => return Ok(()),
    };
    Err(match serves {
        Some(active) if record.serves(facts.model) => {
            Verdict::done(Reason::Serving, format!("model {active} serves, though {words}"))
        }
        Some(active) => Verdict::done(Reason::Serving, format!("model {active} serves; {words}")),
        None => Verdict::stalled(reason, words),
    })
}

/// Refuses what cannot be deployed at all, where something valid serves: that goes on.
fn fit(s: &Snapshot<'_>, record: &Record, facts: &ModelFacts<'_>) -> Result<(), Verdict> {
    let Some(active) = super::status::label_of_valid(s, record.active.as_ref()) else {
        return Ok(());
    };
    let serves = record.serves(facts.model);
    match model_choice::deployable(facts, s.now()) {
        Err(verdict) if verdict.reason == Reason::ModelNotDeployable && !serves => Err(Verdict::done(
            Reason::Serving,
            format!("model {active} serves; {}", verdict.message),
        )),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn barred_words(facts: &ModelFacts<'_>, entry: &QuarantinedModel) -> String {
    format!(
        "model {} is in quarantine: {}; the annotation customspeech.dev/clear-quarantine clears it",
        named(facts),
        entry.message
    )
}

/// The model for a person.
pub fn named(facts: &ModelFacts<'_>) -> String {
    text::named(facts.name, facts.revision)
}

/// What a model that the selector meets lacks to be chosen.
struct Lack {
    model: String,
    words: String,
    rank: Option<(Timestamp, Timestamp, EntityId)>,
}

/// The best eligible current revision among the SpeechModels that the selector meets.
fn selected<'a>(s: &Snapshot<'a>, view: &'a View, record: &Record) -> Result<ModelFacts<'a>, Verdict> {
    if s.related.models.is_empty() {
        return Err(kept(
            s,
            record,
            "spec.model.selector meets no SpeechModel of this namespace".to_owned(),
        ));
    }
    let mut best: Option<ModelFacts<'a>> = None;
    let mut lacks: Vec<Lack> = Vec::new();
    for model in s.related.models {
        match eligible(s, view, record, model) {
            Ok(facts) if best.is_none_or(|best| rank(&best) < rank(&facts)) => best = Some(facts),
            Ok(_) => {}
            Err(lack) => lacks.push(lack),
        }
    }
    best.ok_or_else(|| {
        lacks.sort_by(|a, b| b.rank.cmp(&a.rank).then_with(|| a.model.cmp(&b.model)));
        let nearest = lacks.first().map_or_else(String::new, |lack| {
            format!(": SpeechModel {} is nearest, but {}", lack.model, lack.words)
        });
        kept(
            s,
            record,
            format!(
                "none of {} selected SpeechModels is eligible{nearest}",
                s.related.models.len()
            ),
        )
    })
}

/// Nothing can be chosen: what serves goes on serving.
fn kept(s: &Snapshot<'_>, record: &Record, words: String) -> Verdict {
    match super::status::label_of_valid(s, record.active.as_ref()) {
        Some(active) => Verdict::done(Reason::Serving, format!("model {active} serves; {words}")),
        None => Verdict::stalled(Reason::NoEligibleModel, words),
    }
}

fn eligible<'a>(
    s: &Snapshot<'a>,
    view: &'a View,
    record: &Record,
    model: &SpeechModel,
) -> Result<ModelFacts<'a>, Lack> {
    let lack = |verdict: Verdict| Lack {
        model: model.name_any(),
        words: verdict.message,
        rank: None,
    };
    let facts = current_of(s, view, model).map_err(lack)?;
    let lacks = |words: String| Lack {
        model: model.name_any(),
        words,
        rank: Some(rank(&facts)),
    };
    model_choice::deployable(&facts, s.now()).map_err(|verdict| lacks(verdict.message))?;
    if is_excluded(s, facts.model) {
        return Err(lacks(format!(
            "model {} is excluded by spec.model.exclude",
            named(&facts)
        )));
    }
    if let Some(entry) = record.barred(facts.model) {
        return Err(lacks(barred_words(&facts, entry)));
    }
    match expires_no_earlier(s, record, &facts) {
        Ok(()) => Ok(facts),
        Err(verdict) => Err(lacks(verdict.message)),
    }
}

/// The current revision of the SpeechModel that the spec names.
fn referenced<'a>(s: &Snapshot<'a>, view: &'a View, name: &str) -> Result<ModelFacts<'a>, Verdict> {
    let model = s.related.models.first().copied().ok_or_else(|| {
        Verdict::stalled(
            Reason::ModelNotFound,
            format!("SpeechModel {name} does not exist in this namespace; it is used as soon as it appears"),
        )
    })?;
    current_of(s, view, model)
}

/// The current revision of a SpeechModel that belongs here.
fn current_of<'a>(s: &Snapshot<'a>, view: &'a View, model: &SpeechModel) -> Result<ModelFacts<'a>, Verdict> {
    let name = model.name_any();
    belongs_together(s, model)?;
    let current = model.status.as_ref().and_then(|status| status.current.as_ref());
    let id = current.and_then(|current| ModelId::from_self_uri(&current.self_uri).ok());
    let id = id.ok_or_else(|| Verdict::working(Reason::ModelNotReady, not_ready(&name, model.status.as_ref())))?;
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
    let home = |reference: &speech_api::reference::ConnectionRef, namespace: Option<String>| {
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
    let ready = status.and_then(|status| condition::find(&status.conditions, condition::READY));
    match ready {
        Some(condition) => format!("SpeechModel {name} has no current model yet: {}", condition.message),
        None => format!("SpeechModel {name} has no current model yet"),
    }
}

/// Refuses a swap that makes things worse: to a model that serves for a shorter time than the active one. A model that
/// only stood in makes way for any.
pub fn expires_no_earlier(s: &Snapshot<'_>, record: &Record, facts: &ModelFacts<'_>) -> Result<(), Verdict> {
    let active = record.active.as_ref().filter(|active| !active.interim);
    let active = active.and_then(|active| active.expires_at);
    match (active, facts.expires_at) {
        (Some(active), Some(next)) if active > s.now() && next < active => Err(Verdict::stalled(
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
