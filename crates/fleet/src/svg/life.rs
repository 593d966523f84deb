//! Which model serves when, and which stands by until it expires.
use crate::{Certainty, Row, Step};
use jiff::Timestamp;
use speech_api::planned::PlannedAction;
use speech_plan::window::Span;

/// One model in the course of a plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Life<'a> {
    pub model: &'a str,
    /// How sure it is that it comes to serve.
    pub certainty: Certainty,
    /// While it serves and is valid.
    pub serves: Option<Span>,
    /// While it is asked for but has expired, so that a base model answers.
    pub over: Option<Span>,
    /// From when the next model serves until it expires.
    pub kept: Option<Span>,
}

/// The models of an object one after another, the first from `from` on. The first expiry belongs to the model that
/// serves; each step that leads to another model ends the one before. What makes one step uncertain makes those behind it so.
pub fn lives(row: &Row, from: Timestamp, until: Timestamp) -> Vec<Life<'_>> {
    let mut moves: Vec<(Timestamp, &str, Certainty)> = Vec::new();
    let serving = row.expiries.first();
    moves.extend(serving.map(|first| (from, first.model.as_str(), Certainty::Planned)));
    let mut steps: Vec<&Step> = row.steps.iter().collect();
    steps.sort_by_key(|step| (step.at, step.action));
    let mut certainty = Certainty::Planned;
    for step in steps {
        certainty = certainty.max(row.certainty(step));
        if let Some(to) = step.to.as_deref().filter(|_| leads_on(step.action)) {
            moves.push((step.at.max(from), to, certainty));
        }
    }
    let ends = moves.iter().skip(1).map(|(at, ..)| *at).chain([until]);
    let lives = moves.iter().zip(ends).map(|((start, model, certainty), end)| {
        let end = end.min(until);
        let expiry = row
            .expiries
            .iter()
            .find(|expiry| expiry.model == *model)
            .map(|expiry| expiry.at);
        let expires = expiry.unwrap_or(until);
        Life {
            model,
            certainty: *certainty,
            serves: Span::between(*start, end.min(expires)),
            over: Span::between((*start).max(expires), end),
            kept: expiry.and_then(|expiry| Span::between(end, expiry.min(until))),
        }
    });
    lives.collect()
}

fn leads_on(action: PlannedAction) -> bool {
    match action {
        PlannedAction::Train | PlannedAction::Copy | PlannedAction::Swap => true,
        PlannedAction::Evaluate | PlannedAction::Expire => false,
    }
}
