//! What the objects hold about a rule of the planner, for `kubectl speech why`.
//!
//! That a rule did not decide is no fact about what it asks: an answer is given only where a spec, a status or a condition
//! holds one.
use super::{fleet::Object, status::named};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use speech_api::{
    SpeechConnection, SpeechEndpoint, SpeechModel,
    condition::{self, MODEL_VALID},
    planned::PlannedStep,
    reference::{ConnectionRef, ManagementPolicy},
    swap::{Approval, GateVerdict, SwapPolicy},
};
use speech_fleet::fleet::{Objects, connection};
use speech_plan::rules::Rule;
use speech_service::EntityId;

/// What is known about what a rule asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// As the object would have it.
    For(String),
    /// Something that holds it back, or will.
    Against(String),
}

/// What is known; nothing where no fact is.
pub fn of(rule: Rule, object: &Object<'_>, others: &Objects) -> Option<Answer> {
    match object {
        Object::Endpoint(endpoint) => of_endpoint(rule, endpoint, others),
        Object::Model(model) => of_model(rule, model, others),
        Object::Connection(_) => None,
    }
}

fn of_endpoint(rule: Rule, endpoint: &SpeechEndpoint, others: &Objects) -> Option<Answer> {
    let (spec, status) = (&endpoint.spec, endpoint.status.as_ref()?);
    let candidate = status.candidate.as_ref();
    match rule {
        Rule::Deletion => Some(deletion(endpoint)),
        Rule::Connection => Some(works(&spec.connection_ref, endpoint.namespace(), others)),
        Rule::Entity => status.id.as_ref().map(|id| Answer::For(format!("endpoint {id}"))),
        Rule::Work => status.target.as_ref().map(|target| {
            let model = speech_plan::named(&target.name, target.revision);
            Answer::Against(format!(
                "the service has been moving it to {model} since {}",
                target.since
            ))
        }),
        Rule::Choice => choice(endpoint, others),
        Rule::Fitness => fitness(&status.conditions),
        Rule::Gate => match (&spec.swap.gate, &status.gate) {
            (None, _) => Some(Answer::For("there is no gate".to_owned())),
            (Some(_), Some(judged)) => {
                let words = format!("{}: {}", judged.verdict.as_str(), judged.message);
                Some(match judged.verdict {
                    GateVerdict::Pass => Answer::For(words),
                    GateVerdict::Pending | GateVerdict::Fail | GateVerdict::Inconclusive | GateVerdict::Error => {
                        Answer::Against(words)
                    }
                })
            }
            (Some(_), None) => None,
        },
        Rule::Approval if spec.swap.approval == Approval::None && spec.swap.policy != SwapPolicy::Manual => {
            Some(Answer::For("no approval is wanted".to_owned()))
        }
        Rule::Date if candidate.is_none() && status.target.is_none() => Some(Answer::For("nothing waits".to_owned())),
        Rule::Hands => Some(hands(spec.suspend, spec.management_policy)),
        Rule::Spec
        | Rule::Owner
        | Rule::Inputs
        | Rule::Approval
        | Rule::Date
        | Rule::Clocks
        | Rule::Turn
        | Rule::Settled => None,
    }
}

fn of_model(rule: Rule, model: &SpeechModel, others: &Objects) -> Option<Answer> {
    let (spec, status) = (&model.spec, model.status.as_ref()?);
    let current = status.current.as_ref();
    match rule {
        Rule::Deletion => Some(deletion(model)),
        Rule::Connection => Some(works(&spec.connection_ref, model.namespace(), others)),
        Rule::Entity | Rule::Choice => {
            current.map(|current| Answer::For(named(&current.name, current.revision, &current.id)))
        }
        Rule::Work => status
            .candidate
            .as_ref()
            .map(|candidate| Answer::Against(format!("revision {} is {}", candidate.revision, candidate.state))),
        Rule::Fitness => fitness(&status.conditions),
        Rule::Inputs => blocked(&status.plan).map(Answer::Against),
        Rule::Hands => Some(hands(spec.suspend, spec.management_policy)),
        Rule::Spec
        | Rule::Owner
        | Rule::Gate
        | Rule::Approval
        | Rule::Date
        | Rule::Clocks
        | Rule::Turn
        | Rule::Settled => None,
    }
}

fn deletion(object: &impl ResourceExt) -> Answer {
    match object.meta().deletion_timestamp {
        None => Answer::For("no".to_owned()),
        Some(_) => Answer::Against("yes".to_owned()),
    }
}

/// The connection, as the other objects show it; that it works is known of one whose objects were planned beyond this rule.
fn works(reference: &ConnectionRef, home: Option<String>, others: &Objects) -> Answer {
    let path = connection(reference, &home.unwrap_or_default());
    let name = &reference.name;
    let is_it = |one: &&SpeechConnection| format!("{}/{}", one.namespace().unwrap_or_default(), one.name_any()) == path;
    let found = others.connections.iter().find(is_it);
    let ready = found
        .and_then(|found| condition::find(&found.status.as_ref()?.conditions, condition::READY))
        .filter(|ready| ready.status == "False");
    match (found, ready) {
        (Some(found), _) if found.metadata.deletion_timestamp.is_some() => Answer::Against(format!(
            "SpeechConnection {name} works, but is being deleted and kept only while objects use it"
        )),
        (_, Some(ready)) => Answer::Against(format!("SpeechConnection {name}: {}: {}", ready.reason, ready.message)),
        (_, None) => Answer::For(format!("SpeechConnection {name} works")),
    }
}

/// Which model is to serve, and whether the spec still wants it.
fn choice(endpoint: &SpeechEndpoint, others: &Objects) -> Option<Answer> {
    let (spec, status) = (&endpoint.spec, endpoint.status.as_ref()?);
    let next = status.candidate.as_ref().or(status.target.as_ref());
    let next = next.map(|next| (named(&next.name, next.revision, &next.model), &next.model));
    let active = status.active.as_ref();
    let active = active.map(|active| (named(&active.name, active.revision, &active.model), &active.model));
    let (chosen, id) = next.or(active)?;
    let id: Option<EntityId> = id.parse().ok();
    let mut excluded = spec
        .model
        .exclude
        .iter()
        .filter_map(|text| text.parse::<EntityId>().ok());
    if excluded.any(|excluded| Some(excluded) == id) {
        return Some(Answer::Against(format!(
            "{chosen} serves, though spec.model.exclude names it"
        )));
    }
    let followed = spec.model.r#ref.as_ref();
    let goes = followed.is_some_and(|followed| is_going(&followed.name, endpoint.namespace(), others));
    Some(match followed {
        Some(followed) if goes => Answer::Against(format!("{chosen}; SpeechModel {} is being deleted", followed.name)),
        Some(_) | None => Answer::For(chosen),
    })
}

fn is_going(name: &str, home: Option<String>, others: &Objects) -> bool {
    let is_it = |one: &&SpeechModel| one.namespace() == home && one.name_any() == name;
    let model = others.models.iter().find(is_it);
    model.is_some_and(|model| model.metadata.deletion_timestamp.is_some())
}

/// Whether what serves, or is current, is valid.
fn fitness(conditions: &[Condition]) -> Option<Answer> {
    let valid = condition::find(conditions, MODEL_VALID)?;
    match valid.status.as_str() {
        "True" => Some(Answer::For(valid.message.clone())),
        "False" => Some(Answer::Against(valid.message.clone())),
        _ => None,
    }
}

fn hands(is_suspended: bool, policy: ManagementPolicy) -> Answer {
    if is_suspended {
        return Answer::Against("no, spec.suspend is true".to_owned());
    }
    match policy {
        ManagementPolicy::Full => Answer::For("yes".to_owned()),
        ManagementPolicy::Observe => Answer::Against("no, managementPolicy is Observe".to_owned()),
    }
}

/// What the next step of a plan has to wait for.
fn blocked(plan: &[PlannedStep]) -> Option<String> {
    let step = plan.iter().find(|step| !step.blocked_by.is_empty())?;
    Some(step.blocked_by.join("; "))
}
