//! `kubectl speech why`: the chain of rules, with the one that decided.
//!
//! Nothing is decided here. The planner of the operator decided, and its verdict stands in the conditions; the chain and
//! which rule gives which reason stand beside the planners ([`crate::plan::rules`]).
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    fleet::{Kind, Object},
    options::WhyArgs,
    print,
    status::{self, named},
    table::{Cell, Colours, Paint, table},
};
use crate::{
    api::{
        Reason, SpeechEndpoint, SpeechEndpointStatus, SpeechModel,
        planned::PlannedStep,
        reference::ConnectionRef,
        swap::{Approval, SwapPolicy},
    },
    calendar::one_line,
    plan::rules::{self, Rule},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;

/// What a rule did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Deed {
    /// It had nothing to say.
    Passed,
    /// It decided.
    Decided,
    /// It was not asked any more.
    NotReached,
}

/// One rule of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Its name.
    pub rule: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// What it did.
    pub deed: Deed,
    /// What is known of it.
    pub says: String,
}

/// Why an object is as it is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// endpoint or model.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The reason of the verdict.
    pub reason: String,
    /// The verdict.
    pub message: String,
    /// What the reason means, and what to do.
    pub meaning: String,
    /// The rules in their order; empty where nothing has been decided yet.
    pub rules: Vec<Link>,
    /// What comes next.
    pub plan: Vec<PlannedStep>,
    /// Models that are not chosen until somebody clears them, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quarantine: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    objects: &'a [Why],
}

/// Prints the chains of objects: one that was named by itself, else one after the other.
pub async fn run(cluster: &ClusterArgs, args: &WhyArgs) -> Result<Outcome, KubectlError> {
    let fleet = args.selection.read(cluster).await?;
    let (mut whys, mut names, mut outcome) = (Vec::new(), String::new(), Outcome::Well);
    for found in args.selection.of(&fleet, &Kind::ALL)? {
        match found {
            Ok(object) => {
                whys.push(why(&object));
                names.push_str(&format!("{object}\n"));
                outcome = outcome.max(status::row(&object).state.needs_attention().into());
            }
            Err(error) => {
                print::error(&error);
                outcome = Outcome::Failed;
            }
        }
    }
    let texts = |_| {
        let texts: Vec<String> = whys.iter().map(|why| text(why, Colours::of_stdout())).collect();
        texts.join("\n\n")
    };
    match whys.as_slice() {
        [] => {}
        [one] if args.selection.names.len() == 1 => print::document(args.output, one, || names, texts)?,
        objects => print::document(args.output, &Document { objects }, || names, texts)?,
    }
    Ok(outcome)
}

/// Reads the decision from the status.
pub fn why(object: &Object<'_>) -> Why {
    let row = status::row(object);
    let (conditions, plan): (&[Condition], &[PlannedStep]) = match object {
        Object::Endpoint(endpoint) => match &endpoint.status {
            Some(status) => (&status.conditions, &status.plan),
            None => (&[], &[]),
        },
        Object::Model(model) => match &model.status {
            Some(status) => (&status.conditions, &status.plan),
            None => (&[], &[]),
        },
        Object::Connection(connection) => match &connection.status {
            Some(status) => (&status.conditions, &[]),
            None => (&[], &[]),
        },
    };
    let reason = rules::verdict(conditions).and_then(rules::reason);
    let chain: &[Rule] = match object.kind() {
        Kind::Endpoint => Rule::OF_ENDPOINT,
        Kind::Model => Rule::OF_MODEL,
        Kind::Connection => &[],
    };
    let decided = reason.and_then(|reason| Rule::in_chain(reason, chain));
    let says = |rule: Rule| match object {
        Object::Endpoint(endpoint) => of_endpoint(rule, endpoint),
        Object::Model(model) => of_model(rule, model),
        Object::Connection(_) => None,
    };
    let quarantine = match object {
        Object::Endpoint(endpoint) => quarantine(endpoint.status.as_ref()),
        Object::Model(_) | Object::Connection(_) => Vec::new(),
    };
    Why {
        kind: row.kind,
        namespace: row.namespace,
        name: row.name,
        reason: row_reason(conditions),
        meaning: reason.map(Reason::meaning).unwrap_or_default().to_owned(),
        rules: decided.map_or_else(Vec::new, |decided| links(chain, decided, &row.message, says)),
        message: row.message,
        plan: plan.to_vec(),
        quarantine,
    }
}

fn row_reason(conditions: &[Condition]) -> String {
    rules::verdict(conditions)
        .map(|verdict| verdict.reason.clone())
        .unwrap_or_default()
}

/// The chain, cut in three at the rule that decided.
fn links(chain: &[Rule], decided: Rule, message: &str, says: impl Fn(Rule) -> Option<String>) -> Vec<Link> {
    let mut deed = Deed::Passed;
    let mut links = Vec::with_capacity(chain.len());
    for rule in chain {
        if *rule == decided {
            deed = Deed::Decided;
        }
        let says = match deed {
            Deed::Passed => {
                says(*rule).unwrap_or_else(|| if *rule == Rule::Deletion { "no" } else { "yes" }.to_owned())
            }
            Deed::Decided => message.to_owned(),
            Deed::NotReached => String::new(),
        };
        links.push(Link {
            rule: rule.as_str(),
            question: rule.question(),
            deed,
            says,
        });
        if deed == Deed::Decided {
            deed = Deed::NotReached;
        }
    }
    links
}

fn quarantine(status: Option<&SpeechEndpointStatus>) -> Vec<String> {
    let entries = status.map(|status| status.quarantine.as_slice()).unwrap_or_default();
    let words = entries.iter().map(|entry| {
        let (name, model, reason, at) = (&entry.name, &entry.model, &entry.reason, &entry.at);
        format!("{name} ({model}), {reason} since {at}: {}", entry.message)
    });
    words.collect()
}

/// What the status of an endpoint holds about a rule that let it pass.
fn of_endpoint(rule: Rule, endpoint: &SpeechEndpoint) -> Option<String> {
    let (spec, status) = (&endpoint.spec, endpoint.status.as_ref()?);
    match rule {
        Rule::Connection => Some(works(&spec.connection_ref)),
        Rule::Entity => status.id.as_ref().map(|id| format!("endpoint {id}")),
        Rule::Choice => {
            let next = status.candidate.as_ref().or(status.target.as_ref());
            let next = next.map(|next| named(&next.name, next.revision, &next.model));
            let active = status.active.as_ref();
            next.or_else(|| active.map(|active| named(&active.name, active.revision, &active.model)))
        }
        Rule::Gate => match (&spec.swap.gate, &status.gate) {
            (None, _) => Some("there is no gate".to_owned()),
            (Some(_), Some(judged)) => Some(format!("{}: {}", judged.verdict.as_str(), judged.message)),
            (Some(_), None) => None,
        },
        Rule::Approval if spec.swap.approval == Approval::None && spec.swap.policy != SwapPolicy::Manual => {
            Some("no approval is wanted".to_owned())
        }
        Rule::Date if status.candidate.is_none() && status.target.is_none() => Some("nothing waits".to_owned()),
        Rule::Date => Some(format!("yes, by policy {:?}", spec.swap.policy)),
        Rule::Deletion
        | Rule::Spec
        | Rule::Owner
        | Rule::Work
        | Rule::Fitness
        | Rule::Inputs
        | Rule::Approval
        | Rule::Clocks
        | Rule::Turn
        | Rule::Hands
        | Rule::Settled => None,
    }
}

fn works(reference: &ConnectionRef) -> String {
    format!("SpeechConnection {} works", reference.name)
}

fn of_model(rule: Rule, model: &SpeechModel) -> Option<String> {
    let status = model.status.as_ref()?;
    let current = status.current.as_ref();
    match rule {
        Rule::Connection => Some(works(&model.spec.connection_ref)),
        Rule::Entity | Rule::Choice => current.map(|current| named(&current.name, current.revision, &current.id)),
        Rule::Deletion
        | Rule::Spec
        | Rule::Owner
        | Rule::Work
        | Rule::Fitness
        | Rule::Inputs
        | Rule::Gate
        | Rule::Approval
        | Rule::Date
        | Rule::Clocks
        | Rule::Turn
        | Rule::Hands
        | Rule::Settled => None,
    }
}

fn text(why: &Why, colours: Colours) -> String {
    let said = |text: &str| one_line(text).into_owned();
    let mut text = format!(
        "{}/{}/{}: {}\n",
        why.namespace,
        why.kind,
        why.name,
        colours.show(&said(&why.message), Paint::Bold)
    );
    if !why.rules.is_empty() {
        let rows: Vec<Vec<Cell>> = why.rules.iter().map(cells).collect();
        text.push('\n');
        text.push_str(&table(&["", "RULE", "ASKS", "ANSWER"], &rows, colours));
    }
    if !why.meaning.is_empty() {
        text.push_str(&format!("\n{}: {}\n", why.reason, why.meaning));
    }
    for (number, step) in why.plan.iter().enumerate() {
        if number == 0 {
            text.push_str("\nWhat comes next:\n");
        }
        text.push_str(&format!("  {}\n", said(&sentence(step))));
    }
    for (number, entry) in why.quarantine.iter().enumerate() {
        if number == 0 {
            text.push_str("\nIn quarantine:\n");
        }
        text.push_str(&format!("  {}\n", said(entry)));
    }
    text
}

fn cells(link: &Link) -> Vec<Cell> {
    let (mark, paint) = match link.deed {
        Deed::Passed => ("ok", Paint::Green),
        Deed::Decided => ("=>", Paint::Yellow),
        Deed::NotReached => (".", Paint::Dim),
    };
    let rest = if link.deed == Deed::Decided {
        Paint::Bold
    } else {
        Paint::Plain
    };
    let dim = if link.deed == Deed::NotReached {
        Paint::Dim
    } else {
        rest
    };
    vec![
        Cell::of(mark, paint),
        Cell::of(link.rule, dim),
        Cell::of(link.question, dim),
        Cell::of(&link.says, dim),
    ]
}

fn sentence(step: &PlannedStep) -> String {
    let mut text = format!("{} {}", step.at, step.action.as_str());
    if let Some(to) = &step.to {
        text.push_str(&format!(" {to}"));
    }
    text.push_str(&format!(", because of {}", step.reason));
    if !step.blocked_by.is_empty() {
        text.push_str(&format!("; waits for {}", step.blocked_by.join("; and for ")));
    }
    if let Some(risk) = &step.risk {
        text.push_str(&format!("; risk: {risk}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::swap::Swap;
    use crate::plan::testing::endpoint;
    use serde_json::json;

    fn waiting(reason: &str, message: &str) -> SpeechEndpoint {
        let mut object = endpoint("model: {base: {}}");
        object.metadata.name = Some("letters".to_owned());
        object.metadata.namespace = Some("shop".to_owned());
        let status = json!({
            "observedGeneration": 1, "id": "50000000-0000-4000-8000-000000000001",
            "conditions": [{
                "type": "Ready", "status": "True", "reason": reason, "message": message,
                "lastTransitionTime": "2026-03-01T10:00:00Z", "observedGeneration": 1,
            }],
            "candidate": {"model": "10000000-0000-4000-8000-000000000002", "name": "new base", "since": "2026-03-01T10:00:00Z"},
            "plan": [{"action": "Swap", "at": "2026-03-01T10:00:00Z", "to": "new base", "reason": "NewModel", "blockedBy": ["approval of new base"]}],
        });
        object.status = Some(serde_json::from_value(status).unwrap());
        object.spec.swap = Swap {
            approval: Approval::Required,
            ..Swap::default()
        };
        object
    }

    #[test]
    fn the_rules_before_the_one_that_decided_have_passed_and_those_behind_it_were_not_asked() {
        let object = waiting("ApprovalAwaited", "model old serves; model new base waits for approval");
        let why = why(&Object::Endpoint(&object));
        let deed = |rule: &str| why.rules.iter().find(|link| link.rule == rule).unwrap().deed;
        assert_eq!(deed("Choice"), Deed::Passed);
        assert_eq!(deed("Gate"), Deed::Passed);
        assert_eq!(deed("Approval"), Deed::Decided);
        assert_eq!(deed("Date"), Deed::NotReached);
        assert_eq!(why.rules.len(), Rule::OF_ENDPOINT.len());
        let text = text(&why, Colours(false));
        insta::assert_snapshot!(text);
        assert!(crate::kubectl::DOCUMENT.contains(&text));
    }

    #[test]
    fn an_object_that_nobody_looked_at_has_no_chain() {
        let mut object = waiting("Serving", "");
        object.status = None;
        let why = why(&Object::Endpoint(&object));
        assert!(why.rules.is_empty());
        assert!(text(&why, Colours(false)).contains("the operator has not looked at it yet"));
    }

    #[test]
    fn a_reason_of_another_version_is_told_without_a_chain() {
        let object = waiting("FromTheFuture", "something new");
        let why = why(&Object::Endpoint(&object));
        assert!(why.rules.is_empty());
        assert_eq!(why.reason, "FromTheFuture");
    }
}
