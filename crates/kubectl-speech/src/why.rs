//! `kubectl speech why`: the planner's list of rules, with what each of them saw and the one that decided.
//!
//! Nothing is decided here. The operator's planner decided, and wrote into the status which rule did and what each rule
//! saw; the lists are those that the planners decide by.
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    fleet::{Kind, Object},
    options::WhyArgs,
    print,
    status::{self, named},
    table::{Cell, Colours, Paint, table, wrapped},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use speech_api::{
    Reason, SpeechEndpointStatus, SubjectStatus, condition,
    decision::{Decision, RuleName, Saw},
    planned::PlannedStep,
};
use speech_fleet::one_line;
use speech_plan::{connection, endpoint, model};
use std::cmp::Ordering;

/// The longest line of what is no table, and of an answer within the table.
const WIDTH: usize = 118;
const ANSWER: usize = 80;

/// What a rule did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Deed {
    /// It had nothing to say, as a fact shows.
    Passed,
    /// It did not decide, but a fact speaks against the object.
    Against,
    /// It did not decide, and no fact is known.
    Unknown,
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
    /// The fact, or the verdict; empty where neither is known.
    pub says: String,
}

/// Why an object is as it is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// endpoint or model.
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
    /// What goes wrong if nobody acts, with its reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// What that reason means, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Why the model that serves is not valid, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// The command that lets it go on, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
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
    let now = cluster.now(None).await?;
    let (objects, outcome) = args.selection.of(&fleet, &Kind::ALL)?;
    let whys: Vec<Why> = objects.iter().map(|object| why(object, now)).collect();
    let names = objects.iter().map(|object| format!("{object}\n")).collect();
    let needs_attention = objects
        .iter()
        .any(|object| status::row(object, now).state.needs_attention());
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

/// Reads the decision from the status.
pub fn why(object: &Object<'_>, now: Timestamp) -> Why {
    let row = status::row(object, now);
    let Decided {
        conditions,
        plan,
        decision,
        chain,
    } = decided(object);
    let reason = condition::verdict(conditions).and_then(condition::reason);
    let quarantine = match object {
        Object::Endpoint(endpoint) => quarantine(endpoint.status.as_ref()),
        Object::Model(_) | Object::Connection(_) => Vec::new(),
    };
    let risk = condition::at_risk(conditions);
    let invalid = condition::find(conditions, condition::MODEL_VALID).filter(|valid| valid.status == "False");
    let worded = |told: &Condition| format!("{}: {}", told.reason, told.message);
    Why {
        kind: row.kind,
        command: reason.and_then(|reason| command(reason, object)),
        namespace: row.namespace,
        name: row.name,
        risk: risk.map(worded),
        remedy: risk
            .or(invalid)
            .and_then(condition::reason)
            .map(|reason| reason.meaning().to_owned()),
        invalid: invalid.map(worded),
        reason: row_reason(conditions),
        meaning: reason.map(Reason::meaning).unwrap_or_default().to_owned(),
        rules: decision.map_or_else(Vec::new, |decision| links(&chain, decision, &row.message, object)),
        message: row.message,
        plan: plan.to_vec(),
        quarantine,
    }
}

/// What a status says of the decision.
struct Decided<'a> {
    conditions: &'a [Condition],
    plan: &'a [PlannedStep],
    /// None if nothing has been decided yet, or an operator decided that did not write how.
    decision: Option<&'a Decision>,
    /// The rules of the kind, in their order.
    chain: Vec<RuleName>,
}

fn decided<'a>(object: &'a Object<'_>) -> Decided<'a> {
    match object {
        Object::Endpoint(object) => Decided::of(object.status.as_ref(), endpoint::chain()),
        Object::Model(object) => Decided::of(object.status.as_ref(), model::chain()),
        Object::Connection(object) => {
            let status = object.status.as_ref();
            Decided {
                conditions: status.map(|status| status.conditions.as_slice()).unwrap_or_default(),
                plan: &[],
                decision: status
                    .map(|status| &status.decision)
                    .filter(|decision| decision.rule.is_some()),
                chain: connection::chain(),
            }
        }
    }
}

impl<'a> Decided<'a> {
    fn of(status: Option<&'a impl SubjectStatus>, chain: Vec<RuleName>) -> Self {
        Self {
            conditions: status.map(SubjectStatus::conditions).unwrap_or_default(),
            plan: status.map(SubjectStatus::plan).unwrap_or_default(),
            decision: status
                .map(SubjectStatus::decision)
                .filter(|decision| decision.rule.is_some()),
            chain,
        }
    }
}

fn row_reason(conditions: &[Condition]) -> String {
    condition::verdict(conditions)
        .map(|verdict| verdict.reason.clone())
        .unwrap_or_default()
}

/// The command that lets an object go on, where one does.
fn command(reason: Reason, object: &Object<'_>) -> Option<String> {
    let verb = if reason == Reason::ApprovalAwaited {
        "approve"
    } else if reason == Reason::Suspended {
        "resume"
    } else {
        return None;
    };
    let (kind, name, namespace) = (object.kind().word(), object.name(), object.namespace());
    Some(format!("kubectl speech {verb} {kind}/{name} -n {namespace}"))
}

/// The rules, each with what it saw.
fn links(chain: &[RuleName], decision: &Decision, message: &str, object: &Object<'_>) -> Vec<Link> {
    let place = decision
        .rule
        .and_then(|decided| chain.iter().position(|rule| *rule == decided));
    let link = |(number, rule): (usize, &RuleName)| {
        let (deed, says) = match decision.saw(*rule) {
            _ if place == Some(number) => (Deed::Decided, message.to_owned()),
            Some(Saw::Fact(fact)) => (Deed::Passed, with_detail(fact.words(), *rule, object)),
            Some(Saw::Reason(reason)) => (Deed::Against, with_detail(reason.as_str(), *rule, object)),
            None => match place.map(|place| number.cmp(&place)) {
                Some(Ordering::Greater) => (Deed::NotReached, String::new()),
                Some(Ordering::Less | Ordering::Equal) | None => (Deed::Unknown, String::new()),
            },
        };
        Link {
            rule: rule.as_str(),
            question: rule.words(),
            deed,
            says,
        }
    };
    chain.iter().enumerate().map(link).collect()
}

/// What a rule saw, with the name of what it looked at where the object has it.
fn with_detail(words: &str, rule: RuleName, object: &Object<'_>) -> String {
    match detail(rule, object) {
        Some(detail) => format!("{words}: {detail}"),
        None => words.to_owned(),
    }
}

fn detail(rule: RuleName, object: &Object<'_>) -> Option<String> {
    let (endpoint, model) = match object {
        Object::Endpoint(endpoint) => (endpoint.status.as_ref(), None),
        Object::Model(model) => (None, model.status.as_ref()),
        Object::Connection(_) => (None, None),
    };
    match rule {
        RuleName::Connection => match object {
            Object::Endpoint(endpoint) => Some(endpoint.spec.connection_ref.name.clone()),
            Object::Model(model) => Some(model.spec.connection_ref.name.clone()),
            Object::Connection(_) => None,
        },
        RuleName::Entity => {
            let current = model.and_then(|model| model.current.as_ref()).map(|current| current.id);
            let id = endpoint.and_then(|endpoint| endpoint.id).or(current);
            id.map(|id| id.to_string())
        }
        RuleName::Choice => {
            let endpoint = endpoint?;
            let next = endpoint.candidate.as_ref().or(endpoint.target.as_ref());
            let next = next.map(|next| named(&next.name, next.revision, next.model));
            let active = endpoint.active.as_ref();
            next.or_else(|| active.map(|active| named(&active.name, active.revision, active.model)))
        }
        RuleName::Gate => {
            let judged = endpoint?.gate.as_ref()?;
            Some(format!("{}: {}", judged.verdict.as_str(), judged.message))
        }
        RuleName::Inputs => {
            let step = model?.plan.iter().find(|step| !step.blocked_by.is_empty())?;
            Some(step.blocked_by.join("; "))
        }
        RuleName::Deletion
        | RuleName::Spec
        | RuleName::Owner
        | RuleName::Finalizer
        | RuleName::Duplicate
        | RuleName::Work
        | RuleName::Failure
        | RuleName::Fitness
        | RuleName::Approval
        | RuleName::Date
        | RuleName::Clocks
        | RuleName::Pace
        | RuleName::Turn
        | RuleName::Hands
        | RuleName::Mark
        | RuleName::Model
        | RuleName::Fields
        | RuleName::Contact
        | RuleName::Credential
        | RuleName::Resource
        | RuleName::Settled => None,
    }
}

fn quarantine(status: Option<&SpeechEndpointStatus>) -> Vec<String> {
    let entries = status.map(|status| status.quarantine.as_slice()).unwrap_or_default();
    let words = entries.iter().map(|entry| {
        let (name, model, reason, at) = (&entry.name, &entry.model, &entry.reason, &entry.at);
        format!("{name} ({model}), {reason} since {at}: {}", entry.message)
    });
    words.collect()
}

/// What `why` prints of one object.
pub fn text(why: &Why, colours: Colours) -> String {
    let title = format!("{}/{}/{}: {}", why.namespace, why.kind, why.name, why.message);
    let mut text = paragraph(&title, "", |line| colours.show(line, Paint::Bold));
    let plain = |line: &str| line.to_owned();
    let urgent = [
        ("At risk", &why.risk),
        ("Not valid", &why.invalid),
        ("What to do", &why.remedy),
        ("Run", &why.command),
    ];
    for (heading, words) in urgent {
        if let Some(words) = words {
            let paint = if heading == "Run" { Paint::Bold } else { Paint::Yellow };
            text.push_str(&paragraph(&format!("{heading}: {words}"), "", |line| {
                colours.show(line, paint)
            }));
        }
    }
    if !why.rules.is_empty() {
        let rows: Vec<Vec<Cell>> = why.rules.iter().flat_map(lines).collect();
        text.push('\n');
        text.push_str(&table(&["", "RULE", "ASKS", "ANSWER"], &rows, colours));
    }
    if !why.meaning.is_empty() {
        text.push('\n');
        text.push_str(&paragraph(&format!("{}: {}", why.reason, why.meaning), "", plain));
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
        Deed::Against => ("!", Paint::Yellow, Paint::Plain),
        Deed::Unknown => ("-", Paint::Dim, Paint::Plain),
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
    let at = step.at.strftime("%Y-%m-%d %H:%M UTC");
    let mut text = format!(
        "{}{to} on {about}{at}, because of {}",
        step.action.as_str(),
        step.reason
    );
    if !step.blocked_by.is_empty() {
        text.push_str(&format!("; waits for {}", step.blocked_by.join("; and for ")));
    }
    // Whether it is a risk by now is told above.
    if let Some(consequence) = &step.risk {
        text.push_str(&format!("; it leads to this: {consequence}"));
    }
    text
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
