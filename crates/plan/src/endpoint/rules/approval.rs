//! Has a person agreed, where that is wanted? A person agrees to one model, by its id.
use super::{Answer, Candidate, Facts, Known, Ruling};
use crate::{
    Verdict,
    endpoint::choice::named,
    view::{ModelFacts, View},
};
use speech_api::{
    Reason,
    annotation::{self, APPROVED_MODEL},
    decision::{Fact, RuleName},
    swap::{Approval, SwapPolicy},
};
use speech_service::EntityId;

pub fn ask(f: &Facts<'_>) -> Answer<Ruling> {
    f.of_candidate(RuleName::Approval, of)
}

fn of(f: &Facts<'_>, k: &Known<'_>, candidate: &Candidate<'_>) -> Answer<Ruling> {
    if candidate.is_asked_for {
        return Answer::Passed(Fact::Given);
    }
    let is_required = f.s.object.spec.swap.approval == Approval::Required || candidate.policy == SwapPolicy::Manual;
    if candidate.choice.named || !is_required {
        return Answer::Passed(Fact::NotAsked);
    }
    let id = candidate.choice.facts.model.entity();
    let name = named(&candidate.choice.facts);
    let approved = annotation::value(f.s.object, APPROVED_MODEL).map(str::parse::<EntityId>);
    // What serves was approved once.
    let serves = |id| f.record.active.as_ref().is_some_and(|active| active.model == id);
    let (reason, words) = match approved {
        Some(Ok(approved)) if approved == id => return Answer::Passed(Fact::Given),
        Some(Ok(other)) if !serves(other) => {
            let other = described(k.view, other);
            let words = format!("approval of {name} ({id}); the annotation {APPROVED_MODEL} names {other}");
            (Reason::ApprovalOfOther, words)
        }
        Some(Err(_)) => {
            let words = format!("approval of {name} ({id}); the annotation {APPROVED_MODEL} holds no id");
            (Reason::ApprovalOfOther, words)
        }
        Some(Ok(_)) | None => {
            let words = format!("approval of {name}: annotation {APPROVED_MODEL}={id}");
            (Reason::ApprovalAwaited, words)
        }
    };
    Answer::holds(Verdict::working(reason, words))
}

/// A model for a person.
fn described(view: &View, id: EntityId) -> String {
    view.model_by_id(id).map_or_else(
        || format!("{id}, which the Speech resource does not have"),
        |facts: ModelFacts<'_>| format!("{} ({id})", named(&facts)),
    )
}
