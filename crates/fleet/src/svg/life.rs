//! Which model serves when, and which stands by until it expires.
use super::Row;
use jiff::Timestamp;
use speech_api::planned::PlannedAction;
use speech_plan::window::Span;

/// One model in the course of a plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Life<'a> {
    pub model: &'a str,
    /// While it serves and is valid.
    pub serves: Option<Span>,
    /// While it is asked for but has expired, so that a base model answers.
    pub over: Option<Span>,
    /// From when the next model serves until it expires.
    pub kept: Option<Span>,
}

/// The models of an object one after another, the first from `from` on. The first expiry belongs to the model that
/// serves; each step that leads to another model ends the one before.
pub fn lives(row: &Row, from: Timestamp, until: Timestamp) -> Vec<Life<'_>> {
    let mut moves: Vec<(Timestamp, &str)> = Vec::new();
    moves.extend(row.expiries.first().map(|first| (from, first.model.as_str())));
    let mut steps: Vec<_> = row.steps.iter().filter(|step| leads_on(step.action)).collect();
    steps.sort_by_key(|step| (step.at, step.action));
    moves.extend(
        steps
            .into_iter()
            .filter_map(|step| Some((step.at.max(from), step.to.as_deref()?))),
    );
    let ends = moves.iter().skip(1).map(|(at, _)| *at).chain([until]);
    let lives = moves.iter().zip(ends).map(|((start, model), end)| {
        let end = end.min(until);
        let expiry = row
            .expiries
            .iter()
            .find(|expiry| expiry.model == *model)
            .map(|expiry| expiry.at);
        let expires = expiry.unwrap_or(until);
        Life {
            model,
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
