//! Models that are copied from another Speech resource: one revision for each model of the source.
mod attempt;
mod follow;
mod order;
pub mod source;

pub use attempt::Attempt;
pub use follow::follow;
pub use order::{Order, failed, took, under_way};

use super::{
    Snapshot,
    lineage::{Lineage, NextRevision},
    told::Told,
};
use crate::{Verdict, creation::Creation, view::View};
use source::Found;
use speech_api::model::CopySource;
use speech_service::EntityId;

/// What a model is copied from, and what came of the copy that was ordered last.
pub struct Copied<'a> {
    pub attempt: Attempt<'a>,
    /// What is to be copied, or why nothing can be.
    pub wanted: Result<Wanted<'a>, Verdict>,
}

/// The model that is to be copied.
pub struct Wanted<'a> {
    pub id: EntityId,
    /// Where it is.
    pub found: &'a Found,
    /// What comes next.
    pub next: NextRevision,
}

impl<'a> Copied<'a> {
    /// Reads the spec and what was found for it.
    pub fn read(
        s: &'a Snapshot<'a>,
        view: &'a View,
        lineage: &Lineage<'a>,
        (told, creation): (&Told, Creation),
        copy: &CopySource,
    ) -> Self {
        let wanted = source::wanted(s, copy).map(|(id, found)| Wanted {
            id,
            found,
            next: next(s, lineage, id),
        });
        Self {
            attempt: Attempt::read(s, view, lineage, told, creation),
            wanted,
        }
    }
}

/// Whether another revision is copied now.
fn next(s: &Snapshot<'_>, lineage: &Lineage<'_>, id: EntityId) -> NextRevision {
    let inputs = id.to_string();
    let newest = lineage.newest();
    match newest.filter(|newest| newest.tag.inputs.as_deref() == Some(inputs.as_str())) {
        Some(newest) if newest.failed() => lineage.repeat(s, &newest, &inputs),
        Some(_) => NextRevision::Keep { until: None },
        None => NextRevision::Order { requested: false },
    }
}
