//! Models that we train: one revision after the other, never two at once.
mod order;

pub use order::{Order, took, under_way};

use super::{
    Snapshot, dataset,
    lineage::{Lineage, NextRevision},
    renewal::{self, Due},
    revision::{Inputs, Revision},
};
use crate::{Verdict, model_choice, view::View};
use speech_api::{
    Reason,
    model::{RenewalTrigger, Training},
};
use speech_service::{ModelId, entity::BaseModel};

/// What the spec says of a training, read once.
pub struct Trained {
    pub inputs: Inputs,
    /// The fingerprint of the inputs.
    pub print: String,
    /// What comes next.
    pub next: NextRevision,
}

impl Trained {
    /// Reads the spec.
    pub fn read(s: &Snapshot<'_>, view: &View, lineage: &Lineage<'_>, training: &Training) -> Result<Self, Verdict> {
        let inputs = Inputs::parse(training, s.object.spec.project.as_deref())?;
        let print = inputs.fingerprint();
        let next = match s.object.metadata.deletion_timestamp.is_some() {
            true => NextRevision::Keep { until: None },
            false => next(s, view, lineage, &inputs, &print),
        };
        Ok(Self { inputs, print, next })
    }
}

/// Whether another revision is trained now.
fn next(s: &Snapshot<'_>, view: &View, lineage: &Lineage<'_>, inputs: &Inputs, print: &str) -> NextRevision {
    let Some(newest) = lineage.newest() else {
        return NextRevision::Order { requested: false };
    };
    let is_same = newest.tag.inputs.as_deref() == Some(print);
    let spec = s.object.spec.renewal.clone().unwrap_or_default();
    if is_same && newest.failed() {
        return lineage.repeat(s, &newest, print);
    }
    if !is_same && spec.on.contains(&RenewalTrigger::SpecChange) {
        return NextRevision::Order { requested: false };
    }
    let renewed = lineage.undeployable().and(lineage.best()).unwrap_or(&newest);
    match renewal::due(s, view, &spec, inputs, renewed.model(), lineage.highest) {
        Due::Requested | Due::NewBaseModel | Due::BeforeExpiry(_) | Due::AfterRefusal(_) if !s.may_act() => {
            NextRevision::Keep { until: None }
        }
        Due::Requested => NextRevision::Order { requested: true },
        Due::NewBaseModel => NextRevision::Order { requested: false },
        Due::BeforeExpiry(dates) | Due::AfterRefusal(dates) if dates.is_due(s) => {
            NextRevision::Order { requested: false }
        }
        Due::BeforeExpiry(dates) | Due::AfterRefusal(dates) => NextRevision::Keep {
            until: Some(dates.look_again(s)),
        },
        Due::Never => NextRevision::Keep { until: None },
    }
}

/// The base model to train from, once the datasets are found to be in order. From that of a newest revision that cannot
/// be deployed though it should, another such revision would only be bought again.
pub fn base<'a>(
    s: &Snapshot<'_>,
    view: &'a View,
    inputs: &Inputs,
    undeployable: Option<&Revision<'_>>,
) -> Result<&'a BaseModel, Verdict> {
    let kinds = dataset::kinds(s, view, inputs)?;
    let base = model_choice::trainable(view, inputs.base_model, &kinds, &s.object.spec.locale, s.now())?;
    let name = &base.header.display_name;
    if let Some(follower) = s.related.follower.filter(|_| !model_choice::makes_deployable(base)) {
        let message = format!(
            "models that are trained from base model {name} cannot be deployed, but SpeechEndpoint {follower} is to serve them; nothing is trained. Choose another base model in spec.source.training.baseModel, or none"
        );
        return Err(Verdict::stalled(Reason::ModelNotDeployable, message));
    }
    let of_base = |revision: &&Revision<'_>| revision.model().base_model.map(ModelId::entity) == Some(base.header.id);
    if let Some(revision) = undeployable.filter(of_base) {
        let message = format!(
            "revision {}, which was trained from base model {name}, cannot be deployed; the next one is trained from another base model, when spec.source.training changes, or on request",
            revision.number
        );
        return Err(Verdict::stalled(Reason::ModelNotDeployable, message));
    }
    Ok(base)
}
