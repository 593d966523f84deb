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
    table::{Cell, Colours, Paint, table, wrapped},
};
use crate::{
    api::{
        Reason, SpeechConnection, SpeechEndpoint, SpeechEndpointStatus, SpeechModel, condition,
        planned::PlannedStep,
        reference::ConnectionRef,
        swap::{Approval, SwapPolicy},
    },
    calendar::{
        fleet::{Objects, connection},
        one_line,
    },
    plan::rules::{self, Rule},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde::Serialize;

/// The longest line of what is no table, and of an answer within the table.
const WIDTH: usize = 118;
const ANSWER: usize = 80;

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
    /// What goes wrong if nobody acts, with its reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
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
    let (objects, outcome) = args.selection.of(&fleet, &Kind::ALL)?;
    let whys: Vec<Why> = objects.iter().map(|object| why(object, &fleet.objects)).collect();
    let names = objects.iter().map(|object| format!("{object}\n")).collect();
    let needs_attention = objects.iter().any(|object| status::row(object).state.needs_attention());
    let texts = |_| {
        let texts: Vec<String> = whys.iter().map(|why| text(why, Colours::of_stdout())).collect();
        texts.join("\n\n")
    };
    match whys.as_slice() {
        [] => {}
        [one] if args.selection.names.len() == 1 => print::document(args.output, one, || names, texts)?,
        objects => print::document(args.output, &Document { objects }, || names, texts)?,
    }
    Ok(outcome.max(needs_attention.into()))
}

/// Reads the decision from the status. The other objects tell what it rests on.
pub fn why(object: &Object<'_>, others: &Objects) -> Why {
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
        Object::Endpoint(endpoint) => of_endpoint(rule, endpoint, others),
        Object::Model(model) => of_model(rule, model, others),
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
        risk: condition::at_risk(conditions).map(|told| format!("{}: {}", told.reason, told.message)),
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
fn of_endpoint(rule: Rule, endpoint: &SpeechEndpoint, others: &Objects) -> Option<String> {
    let (spec, status) = (&endpoint.spec, endpoint.status.as_ref()?);
    match rule {
        Rule::Connection => Some(works(&spec.connection_ref, endpoint.namespace(), others)),
        Rule::Entity => status.id.as_ref().map(|id| format!("endpoint {id}")),
        Rule::Choice => {
            let next = status.candidate.as_ref().or(status.target.as_ref());
            let next = next.map(|next| named(&next.name, next.revision, &next.model));
            let active = status.active.as_ref();
            let active = || active.map(|active| named(&active.name, active.revision, &active.model));
            let followed = spec.model.r#ref.as_ref();
            let ends = followed.and_then(|followed| ends(followed.name.as_str(), endpoint.namespace(), others));
            next.or_else(active).map(|chosen| chosen + &ends.unwrap_or_default())
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

fn works(reference: &ConnectionRef, home: Option<String>, others: &Objects) -> String {
    let path = connection(reference, &home.unwrap_or_default());
    let is_it = |one: &&SpeechConnection| {
        format!("{}/{}", one.namespace().unwrap_or_default(), one.name_any()) == path
            && one.metadata.deletion_timestamp.is_some()
    };
    let ends = match others.connections.iter().find(is_it) {
        Some(_) => ", but is being deleted and kept only while objects use it",
        None => "",
    };
    format!("SpeechConnection {} works{ends}", reference.name)
}

/// What follows the name of a model whose SpeechModel goes.
fn ends(name: &str, home: Option<String>, others: &Objects) -> Option<String> {
    let is_it = |one: &&SpeechModel| one.namespace() == home && one.name_any() == name;
    let model = others.models.iter().find(is_it)?;
    let goes = model.metadata.deletion_timestamp.is_some();
    goes.then(|| format!("; SpeechModel {name} is being deleted"))
}

fn of_model(rule: Rule, model: &SpeechModel, others: &Objects) -> Option<String> {
    let status = model.status.as_ref()?;
    if rule == Rule::Connection {
        return Some(works(&model.spec.connection_ref, model.namespace(), others));
    }
    let current = status.current.as_ref()?;
    matches!(rule, Rule::Entity | Rule::Choice).then(|| named(&current.name, current.revision, &current.id))
}

/// What `why` prints of one object.
pub fn text(why: &Why, colours: Colours) -> String {
    let title = format!("{}/{}/{}: {}", why.namespace, why.kind, why.name, why.message);
    let mut text = paragraph(&title, "", |line| colours.show(line, Paint::Bold));
    if !why.rules.is_empty() {
        let rows: Vec<Vec<Cell>> = why.rules.iter().flat_map(lines).collect();
        text.push('\n');
        text.push_str(&table(&["", "RULE", "ASKS", "ANSWER"], &rows, colours));
    }
    let plain = |line: &str| line.to_owned();
    if !why.meaning.is_empty() {
        text.push('\n');
        text.push_str(&paragraph(&format!("{}: {}", why.reason, why.meaning), "", plain));
    }
    if let Some(risk) = &why.risk {
        text.push('\n');
        text.push_str(&paragraph(&format!("At risk: {risk}"), "", plain));
    }
    let plan: Vec<String> = why.plan.iter().map(sentence).collect();
    for (heading, sentences) in [("What comes next", &plan), ("In quarantine", &why.quarantine)] {
        if !sentences.is_empty() {
            text.push_str(&format!("\n{heading}:\n"));
        }
        for sentence in sentences {
            text.push_str(&paragraph(sentence, "  ", plain));
        }
    }
    text
}

/// A text on as many lines as it takes; those after the first stand further right.
fn paragraph(text: &str, indent: &str, show: impl Fn(&str) -> String) -> String {
    let lines = wrapped(&one_line(text), WIDTH);
    let line = |(number, line): (usize, &String)| {
        let hang = if number > 0 { "  " } else { "" };
        format!("{indent}{hang}{}\n", show(line))
    };
    lines.iter().enumerate().map(line).collect()
}

/// A rule with its answer, which may take several lines.
fn lines(link: &Link) -> Vec<Vec<Cell>> {
    let (mark, paint, rest) = match link.deed {
        Deed::Passed => ("ok", Paint::Green, Paint::Plain),
        Deed::Decided => ("=>", Paint::Yellow, Paint::Bold),
        Deed::NotReached => (".", Paint::Dim, Paint::Dim),
    };
    let answers = wrapped(&one_line(&link.says), ANSWER);
    let line = |(number, answer): (usize, &String)| {
        let answer = Cell::of(answer, rest);
        if number > 0 {
            return vec![Cell::blank(), Cell::blank(), Cell::blank(), answer];
        }
        vec![
            Cell::of(mark, paint),
            Cell::of(link.rule, rest),
            Cell::of(link.question, rest),
            answer,
        ]
    };
    answers.iter().enumerate().map(line).collect()
}

fn sentence(step: &PlannedStep) -> String {
    let to = step.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
    let about = if step.forecast { "about " } else { "" };
    let at = step.at.parse::<Timestamp>();
    let at = at.map_or_else(|_| step.at.clone(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let mut text = format!(
        "{}{to} on {about}{at}, because of {}",
        step.action.as_str(),
        step.reason
    );
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
    use crate::kubectl::sample;

    fn letters() -> SpeechEndpoint {
        let sample = sample::objects().unwrap();
        let is_it = |one: &SpeechEndpoint| one.metadata.name.as_deref() == Some("letters");
        sample.endpoints.into_iter().find(is_it).unwrap()
    }

    #[test]
    fn the_rules_before_the_one_that_decided_have_passed_and_those_behind_it_were_not_asked() {
        let object = letters();
        let why = why(&Object::Endpoint(&object), &Objects::default());
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
    fn what_goes_away_under_an_object_is_told_beside_what_works() {
        let mut objects = sample::objects().unwrap();
        let object = letters();
        let path = connection(&object.spec.connection_ref, &object.namespace().unwrap_or_default());
        let (_, name) = path.split_once('/').unwrap();
        let says = |objects: &Objects| {
            let why = why(&Object::Endpoint(&object), objects);
            let of = |rule: &str| why.rules.iter().find(|link| link.rule == rule).unwrap().says.clone();
            of("Connection")
        };
        assert!(says(&objects).ends_with(&format!("{name} works")), "{}", says(&objects));
        for one in &mut objects.connections {
            one.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
                Timestamp::UNIX_EPOCH,
            ));
        }
        assert!(says(&objects).contains("but is being deleted"), "{}", says(&objects));
    }

    #[test]
    fn an_object_that_nobody_looked_at_has_no_chain() {
        let mut object = letters();
        object.status = None;
        let why = why(&Object::Endpoint(&object), &Objects::default());
        assert!(why.rules.is_empty());
        assert!(text(&why, Colours(false)).contains("the operator has not looked at it yet"));
    }

    #[test]
    fn a_reason_of_another_version_is_told_without_a_chain() {
        let mut object = letters();
        for condition in &mut object.status.as_mut().unwrap().conditions {
            condition.reason = "FromTheFuture".to_owned();
        }
        let why = why(&Object::Endpoint(&object), &Objects::default());
        assert!(why.rules.is_empty());
        assert_eq!(why.reason, "FromTheFuture");
    }
}
