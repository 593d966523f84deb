//! The revisions of a trained or copied model, as found in the Speech service by our mark.
use super::{Snapshot, told::Told};
use crate::{
    Verdict,
    model_choice::parse_id,
    predecessor, text,
    view::{Entry, View},
};
use speech_api::model::Training;
use speech_service::{
    EntityId, ModelId,
    entity::{CustomModel, OwnerTag, Status},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One training or copy, and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Revision<'a> {
    /// The number, from 1.
    pub number: u32,
    /// How we know of it.
    pub entry: &'a Entry<CustomModel>,
    /// Our mark on it.
    pub tag: &'a OwnerTag,
}

impl<'a> Revision<'a> {
    pub fn model(&self) -> &'a CustomModel {
        &self.entry.entity
    }

    /// The model's id.
    pub fn id(&self) -> EntityId {
        self.model().header.id
    }

    /// Whether it was made well, which is final: the answer to a renaming says it as well as a read.
    pub fn succeeded(&self) -> bool {
        self.model().header.status == Status::Succeeded
    }

    /// Whether it was made well and endpoints can serve it.
    pub fn is_deployable(&self) -> bool {
        self.succeeded() && self.model().supports_endpoints.unwrap_or(true)
    }

    /// Whether it was made and failed.
    pub fn failed(&self) -> bool {
        self.model().header.status == Status::Failed
    }

    /// Why it failed, in the service's words.
    pub fn cause(&self) -> String {
        text::cause(&self.model().header)
    }

    /// Whether any endpoint, ours or anybody's, serves it.
    pub fn in_use(&self, view: &View) -> bool {
        view.users_of(ModelId::Custom(self.id())).next().is_some()
    }
}

/// The revisions, oldest first, one for each number.
///
/// When an attempt took effect that was thought lost, two models bear one number: the one that the status names counts,
/// else the later attempt, which was made from the later spec. The others are [`twins`].
pub fn line<'a>(all: &[Revision<'a>], told: &Told) -> Vec<Revision<'a>> {
    let mut line: Vec<Revision<'a>> = Vec::new();
    for revision in all {
        match line.last_mut().filter(|last| last.number == revision.number) {
            Some(last) if told.is_named(last.id()) => {}
            Some(last) => *last = *revision,
            None => line.push(*revision),
        }
    }
    line
}

/// The models with our mark that are not of the line.
pub fn twins<'a>(all: &[Revision<'a>], line: &[Revision<'a>]) -> Vec<Revision<'a>> {
    let is_kept = |revision: &&Revision<'a>| line.iter().any(|kept| kept.id() == revision.id());
    all.iter().filter(|revision| !is_kept(revision)).copied().collect()
}

/// All models with our mark, and what was taken over of a former object of our name, oldest first.
pub fn all<'a>(s: &Snapshot<'a>, view: &'a View, told: &Told) -> Vec<Revision<'a>> {
    let owned = view.models.owned_by(s.uid()).into_iter();
    let mut all: Vec<_> = owned.filter_map(of_entry).collect();
    let deleting = s.object.metadata.deletion_timestamp.is_some();
    let certain = || predecessor::is_certain(s.written(), view.models.swept_at(), s.now());
    let left = match told.ids.is_empty() {
        false => taken_over(s, view, told),
        true if !deleting && certain() => left(s, view, told),
        true => Vec::new(),
    };
    let unknown = |left: &Revision<'_>| all.iter().all(|own| own.number != left.number);
    let left: Vec<_> = left.into_iter().filter(unknown).collect();
    all.extend(left);
    all.sort_by_key(|revision| {
        let header = &revision.model().header;
        (revision.number, revision.tag.attempt, header.created_at, header.id)
    });
    all
}

fn of_entry(entry: &Entry<CustomModel>) -> Option<Revision<'_>> {
    let tag = entry.entity.header.owner.as_deref()?;
    Some(Revision {
        number: tag.revision.unwrap_or(0),
        entry,
        tag,
    })
}

fn of_former<'a>(s: &Snapshot<'a>, view: &'a View) -> impl Iterator<Item = Revision<'a>> {
    let predecessor = s.predecessor();
    let entries = view
        .models
        .iter()
        .filter(move |entry| predecessor.left(&entry.entity.header));
    entries.filter_map(of_entry)
}

/// What the status names of a former object's revisions.
fn taken_over<'a>(s: &Snapshot<'a>, view: &'a View, told: &Told) -> Vec<Revision<'a>> {
    of_former(s, view)
        .filter(|revision| told.ids.contains(&revision.id()))
        .collect()
}

/// The revisions that a former object of our name left behind, oldest first, one for each number: the newest, which
/// belonged to its last life. Nothing where the status names revisions: then it is known which are ours.
pub fn left<'a>(s: &Snapshot<'a>, view: &'a View, told: &Told) -> Vec<Revision<'a>> {
    if !told.ids.is_empty() {
        return Vec::new();
    }
    let age = |revision: &Revision<'_>| (revision.model().header.created_at, revision.id());
    let mut found: BTreeMap<u32, Revision<'a>> = BTreeMap::new();
    for revision in of_former(s, view) {
        let newest = found.entry(revision.number).or_insert(revision);
        if age(newest) < age(&revision) {
            *newest = revision;
        }
    }
    found.into_values().collect()
}

/// What a model is trained from, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The datasets, in a fixed order.
    pub datasets: Vec<EntityId>,
    /// The pinned base model.
    pub base_model: Option<EntityId>,
    /// The weight in percent.
    pub weight_percent: Option<i32>,
    pub project: Option<EntityId>,
}

impl Inputs {
    /// Reads the spec.
    pub fn parse(training: &Training, project: Option<&str>) -> Result<Self, Verdict> {
        let mut datasets = training
            .datasets
            .iter()
            .map(|text| parse_id("source.training.datasets", text))
            .collect::<Result<Vec<_>, _>>()?;
        datasets.sort_unstable();
        datasets.dedup();
        Ok(Self {
            datasets,
            base_model: training
                .base_model
                .as_ref()
                .map(|base| parse_id("source.training.baseModel.id", &base.id))
                .transpose()?,
            weight_percent: training.custom_model_weight_percent,
            project: project.map(|text| parse_id("project", text)).transpose()?,
        })
    }

    /// A fingerprint that says whether a revision was trained from the same. Stable across versions of the operator: it
    /// stands in the mark on the remote model. The project is no part of it, nor is the base model unless pinned.
    pub fn fingerprint(&self) -> String {
        let text = format!("{:?} {:?} {:?}", self.datasets, self.base_model, self.weight_percent);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string()
    }
}
