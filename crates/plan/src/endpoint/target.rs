//! A model on its way, as the status has it.
use super::Snapshot;
use crate::{text::whole_seconds, view::ModelFacts};
use speech_api::endpoint::TargetModel;

/// A model on its way, with the time since when it is if it was so before.
pub fn on_its_way(
    s: &Snapshot<'_>,
    facts: &ModelFacts<'_>,
    interim: bool,
    before: Option<&TargetModel>,
) -> TargetModel {
    let id = facts.model.entity();
    // What seems to come to pass only was written by a clock that was ahead then, and would be waited for.
    let has_begun = |before: &&TargetModel| before.since <= s.now();
    let before = before.filter(|before| before.model == id).filter(has_begun);
    TargetModel {
        since: before.map_or_else(|| whole_seconds(s.now()), |before| before.since),
        base: facts.model.is_base(),
        name: facts.name.to_owned(),
        revision: facts.revision.and_then(|revision| i32::try_from(revision).ok()),
        interim,
        requested: false,
        model: id,
    }
}
