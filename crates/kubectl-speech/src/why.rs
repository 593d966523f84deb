//! `kubectl speech why`: the chain of rules, with the one that decided.
//!
//! Nothing is decided here. The planner of the operator decided, and its verdict stands in the conditions; the chain and
//! which rule gives which reason stand beside the planners ([`speech_plan::rules`]).
use super::{
    KubectlError, Outcome,
    answer::{self, Answer},
    args::ClusterArgs,
    fleet::{Kind, Object},
    options::WhyArgs,
    print, status,
    table::{Cell, Colours, Paint, table, wrapped},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use speech_api::{Reason, SpeechEndpointStatus, condition, planned::PlannedStep};
use speech_fleet::{fleet::Objects, one_line};
use speech_plan::rules::{self, Rule};
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
    let whys: Vec<Why> = objects.iter().map(|object| why(object, &fleet.objects, now)).collect();
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

/// Reads the decision from the status. The other objects tell what it rests on.
pub fn why(object: &Object<'_>, others: &Objects, now: Timestamp) -> Why {
    let row = status::row(object, now);
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
    let answer = |rule: Rule| answer::of(rule, object, others);
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
            .and_then(rules::reason)
            .map(|reason| reason.meaning().to_owned()),
        invalid: invalid.map(worded),
        reason: row_reason(conditions),
        meaning: reason.map(Reason::meaning).unwrap_or_default().to_owned(),
        rules: decided.map_or_else(Vec::new, |decided| links(chain, decided, &row.message, answer)),
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

/// The chain, cut in three at the rule that decided.
fn links(chain: &[Rule], decided: Rule, message: &str, answer: impl Fn(Rule) -> Option<Answer>) -> Vec<Link> {
    let place = chain.iter().position(|rule| *rule == decided).unwrap_or(chain.len());
    let link = |(number, rule): (usize, &Rule)| {
        let (deed, says) = match (number.cmp(&place), answer(*rule)) {
            (Ordering::Less, Some(Answer::For(fact))) => (Deed::Passed, fact),
            (Ordering::Less, Some(Answer::Against(fact))) => (Deed::Against, fact),
            (Ordering::Less, None) => (Deed::Unknown, String::new()),
            // The verdict tells what serves, and not what forbids all changes.
            (Ordering::Equal, Some(Answer::Against(fact))) if *rule == Rule::Hands => {
                (Deed::Decided, format!("{fact}; {message}"))
            }
            (Ordering::Equal, _) => (Deed::Decided, message.to_owned()),
            // What speaks against the object is worth a line though the rule was not asked.
            (Ordering::Greater, Some(Answer::Against(fact))) => (Deed::Against, fact),
            (Ordering::Greater, _) => (Deed::NotReached, String::new()),
        };
        Link {
            rule: rule.as_str(),
            question: rule.question(),
            deed,
            says,
        }
    };
    chain.iter().enumerate().map(link).collect()
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
    // Whether it is a risk by now is told above.
    if let Some(consequence) = &step.risk {
        text.push_str(&format!("; it leads to this: {consequence}"));
    }
    text
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
