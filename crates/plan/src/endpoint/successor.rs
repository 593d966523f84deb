//! What follows from the next training or copy of the SpeechModels that an endpoint's spec means.
use super::{Snapshot, dates::Dates};
use crate::{
    forecast::step,
    lead_time::Work,
    risk::overdue_from,
    text::{after, day_time},
};
use jiff::Timestamp;
use kube::ResourceExt;
use speech_api::{
    Reason, SpeechModel,
    condition::{self, RECONCILING, STALLED},
    planned::{PlannedAction, PlannedStep},
    swap::{Approval, SwapPolicy},
};

/// The next model that is made, and what keeps it from being made.
#[derive(Debug, Default)]
pub struct Successor {
    /// The swap that follows, if any is to be expected; with an obstacle it is not promised.
    pub forecast: Option<PlannedStep>,
    /// What keeps it back, by name.
    pub obstacle: Option<String>,
    /// Whether the SpeechModel itself is at risk.
    pub at_risk: bool,
}

/// One SpeechModel, as far as an endpoint has to know.
struct Line {
    ready: Option<Timestamp>,
    name: String,
    obstacle: Option<String>,
    at_risk: bool,
}

/// The successor that comes first; one that nothing keeps back before all others.
pub fn of(s: &Snapshot<'_>, dates: &Dates<'_>) -> Successor {
    let lines = s.related.models.iter().filter_map(|model| line(s, model));
    let key = |line: &Line| {
        (
            line.obstacle.is_some(),
            line.ready.is_none(),
            line.ready,
            line.name.clone(),
        )
    };
    let Some(line) = lines.min_by_key(key) else {
        return Successor::default();
    };
    let at = line.ready.and_then(|ready| dates.expected(s, ready));
    let mut blocked_by: Vec<String> = line.obstacle.iter().cloned().collect();
    let swap = &s.object.spec.swap;
    if swap.gate.is_some() {
        blocked_by.push("its evaluation".to_owned());
    }
    if swap.approval == Approval::Required || swap.policy == SwapPolicy::Manual {
        blocked_by.push("approval".to_owned());
    }
    let reason = if swap.policy == SwapPolicy::BeforeExpiry {
        "BeforeExpiry"
    } else {
        "NewModel"
    };
    // What should have come by now comes now at the earliest.
    let forecast = at.map(|at| PlannedStep {
        to: Some(format!("the next revision of SpeechModel {}", line.name)),
        blocked_by,
        forecast: true,
        ..step(PlannedAction::Swap, at.max(s.now()), reason)
    });
    Successor {
        forecast,
        obstacle: line.obstacle,
        at_risk: line.at_risk,
    }
}

fn line(s: &Snapshot<'_>, model: &SpeechModel) -> Option<Line> {
    let status = model.status.as_ref()?;
    let makes = status
        .plan
        .iter()
        .find(|step| matches!(step.action, PlannedAction::Train | PlannedAction::Copy));
    let begins = makes.map(|step| step.at);
    let durations = &s.around.agenda.durations;
    let takes = durations.expected(&s.object.spec.locale, Work::Training);
    let at_risk = condition::at_risk(&status.conditions);
    let told = |kind| condition::find(&status.conditions, kind);
    let trouble = told(STALLED).or_else(|| told(RECONCILING).filter(|told| is_trouble(&told.reason)));
    let running = makes.is_some_and(|step| step.reason == "Training");
    let endless = begins.filter(|begun| running && overdue_from(*begun, takes) <= s.now());
    let name = model.name_any();
    let blocks = makes.filter(|step| !step.blocked_by.is_empty());
    let words = at_risk
        .or(trouble)
        .map(|told| told.message.clone())
        .or_else(|| blocks.map(|step| format!("the next training waits for {}", step.blocked_by.join("; "))))
        .or_else(|| endless.map(|since| format!("its training, which runs since {}, does not end", day_time(since))));
    // One that makes nothing and says nothing leads nowhere.
    if makes.is_none() && words.is_none() {
        return None;
    }
    Some(Line {
        ready: begins.map(|begins| after(begins, takes).max(s.now())),
        obstacle: words.map(|words| format!("SpeechModel {name}: {words}")),
        at_risk: at_risk.is_some(),
        name,
    })
}

/// Whether what a model is doing may lead nowhere.
fn is_trouble(reason: &str) -> bool {
    [
        Reason::TrainingFailed,
        Reason::CopyFailed,
        Reason::Retrying,
        Reason::QuotaExceeded,
        Reason::ConnectionNotReady,
        Reason::AwaitingTurn,
    ]
    .iter()
    .any(|trouble| trouble.as_str() == reason)
}
