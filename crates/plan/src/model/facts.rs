//! What a decision about a model goes by: a snapshot, read once. No rule parses a string of the status.
use super::{
    Snapshot,
    copy::Copied,
    lineage::Lineage,
    record::{Failures, Record},
    renewal, status,
    training::Trained,
};
use crate::{
    Action, ConnectionState, Verdict,
    creation::{Creation, Tallies},
    model_choice,
    retry::Need,
    text::{before, parse, whole_seconds},
    view::{ModelFacts, View},
};
use jiff::Timestamp;
use speech_api::{
    SpeechModelStatus, Subject,
    model::{CopyUnderWay, CurrentModel, ModelSource},
    planned::PlannedAction,
};
use speech_service::EntityId;

/// What a decision goes by.
pub struct Facts<'a> {
    pub s: &'a Snapshot<'a>,
    /// The status to begin with: the written one, and what came of the requests of this pass.
    pub base: SpeechModelStatus,
    /// What the written status says.
    pub told: Told,
    /// What is listed as the current revision; absent while nothing can be seen, or if there is none.
    pub current: Option<Current>,
    /// Whether a request may leave that makes a model.
    pub creation: Creation,
    /// What the view has of the model; absent while nothing can be seen.
    pub seen: Option<Origin<'a>>,
}

/// What the view has, by the kind of the source.
pub enum Origin<'a> {
    /// Revisions that this object has trained or copied.
    Made(Made<'a>),
    /// A model that somebody else makes, if there is one as the spec says.
    Followed(Result<ModelFacts<'a>, Verdict>),
    /// The spec names no source.
    Unnamed,
}

/// The revisions that the object has made, and what the next one is made from.
pub struct Made<'a> {
    pub view: &'a View,
    pub lineage: Lineage<'a>,
    pub from: Material<'a>,
}

/// What revisions are made from.
pub enum Material<'a> {
    /// Datasets; or what is wrong with the spec.
    Datasets(Result<Trained, Verdict>),
    /// A model of another Speech resource.
    Model(Copied<'a>),
}

/// What comes next for a line of revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing before this date, if any.
    Keep { until: Option<Timestamp> },
    /// The newest revision failed; the same again at this date.
    Repeat { at: Timestamp },
    /// Another revision now; perhaps because a person asked for it.
    Order { requested: bool },
}

impl Made<'_> {
    /// What comes next; nothing while it is not known what to make it from.
    pub fn next(&self) -> Option<Next> {
        match &self.from {
            Material::Datasets(trained) => trained.as_ref().ok().map(|trained| trained.next),
            Material::Model(copied) => copied.wanted.as_ref().ok().map(|wanted| wanted.next),
        }
    }
}

/// What the written status says, its ids and dates read once. What cannot be read is absent.
#[derive(Default)]
pub struct Told {
    pub current: Option<Current>,
    pub candidate: Option<EntityId>,
    /// The ids of the revisions: the candidate, the current one, the others.
    pub ids: Vec<EntityId>,
    pub copying: Option<Copying>,
    /// The training that comes first in the plan: why, and when.
    pub training: Option<(String, Timestamp)>,
}

impl Told {
    /// Reads a status.
    pub fn read(status: Option<&SpeechModelStatus>) -> Self {
        let Some(status) = status else { return Self::default() };
        let first = status.plan.first();
        let training = first.filter(|step| step.action == PlannedAction::Train);
        Self {
            current: status.current.as_ref().map(Current::read),
            candidate: status
                .candidate
                .as_ref()
                .and_then(|candidate| candidate.id.parse().ok()),
            ids: status.ids().filter_map(|id| id.parse().ok()).collect(),
            copying: status.copying.clone().map(Copying::read),
            training: training.and_then(|step| Some((step.reason.clone(), parse(Some(&step.at))?))),
        }
    }

    /// Whether a revision is the current one or the candidate.
    pub fn is_named(&self, id: EntityId) -> bool {
        self.current.as_ref().and_then(|current| current.id) == Some(id) || self.candidate == Some(id)
    }
}

/// The model that endpoints should serve, as a status says it.
pub struct Current {
    pub id: Option<EntityId>,
    pub revision: Option<i32>,
    /// The name in the portal.
    pub name: String,
    /// When it was created (UTC).
    pub created_at: Option<Timestamp>,
    /// Its `transcriptionDateTime` (UTC).
    pub expires_at: Option<Timestamp>,
}

impl Current {
    fn read(current: &CurrentModel) -> Self {
        Self {
            id: current.id.parse().ok(),
            revision: current.revision,
            name: current.name.clone(),
            created_at: parse(Some(&current.created_at)),
            expires_at: parse(current.expires_at.as_deref()),
        }
    }

    fn of(model: &ModelFacts<'_>) -> Self {
        Self {
            id: Some(model.model.entity()),
            revision: model.revision.and_then(|revision| i32::try_from(revision).ok()),
            name: model.name.to_owned(),
            created_at: Some(whole_seconds(model.created_at)),
            expires_at: model.expires_at.map(whole_seconds),
        }
    }
}

/// The copy that is in progress.
#[derive(Clone)]
pub struct Copying {
    /// As a status says it.
    pub wire: CopyUnderWay,
    /// The model that is copied.
    pub source: Option<EntityId>,
    /// The new model, once the operation has succeeded.
    pub model: Option<EntityId>,
    /// When it was requested (UTC).
    pub started_at: Option<Timestamp>,
}

impl Copying {
    /// Reads it.
    pub fn read(wire: CopyUnderWay) -> Self {
        Self {
            source: wire.source.parse().ok(),
            model: wire.model.as_deref().and_then(|id| id.parse().ok()),
            started_at: parse(Some(&wire.started_at)),
            wire,
        }
    }
}

impl<'a> Facts<'a> {
    /// Reads a snapshot.
    pub fn read(s: &'a Snapshot<'a>) -> Self {
        let told = Told::read(s.old_status());
        let base = status::base(s);
        let view = view_of(s);
        let made = view.filter(|_| s.object.makes_remote());
        let lineage = made.map(|view| Lineage::read(s, view, &told));
        let closed = lineage
            .as_ref()
            .and_then(Lineage::closed_attempt)
            .max(base.closed_attempt);
        let facts = Self {
            creation: creation(s, &base, &told, closed),
            s,
            base,
            told,
            current: None,
            seen: None,
        };
        let seen = view.map(|view| facts.look(view, lineage));
        let current = match &seen {
            Some(Origin::Made(made)) => made.lineage.best().map(|best| Current::of(&best.model().into())),
            Some(Origin::Followed(model)) => model.as_ref().ok().map(Current::of),
            Some(Origin::Unnamed) | None => None,
        };
        Self { current, seen, ..facts }
    }

    fn look(&self, view: &'a View, lineage: Option<Lineage<'a>>) -> Origin<'a> {
        let spec = &self.s.object.spec;
        let source = &spec.source;
        let from = match (source, &lineage) {
            (
                ModelSource {
                    training: Some(training),
                    ..
                },
                Some(lineage),
            ) => Material::Datasets(Trained::read(self, view, lineage, training)),
            (ModelSource { base: Some(base), .. }, _) => {
                let barred = |_| false;
                return Origin::Followed(model_choice::base_model(view, base, &spec.locale, self.s.now(), barred));
            }
            (
                ModelSource {
                    existing: Some(existing),
                    ..
                },
                _,
            ) => {
                let field = "source.existing.id";
                return Origin::Followed(model_choice::custom_model(view, field, &existing.id, &spec.locale));
            }
            (ModelSource { copy: Some(copy), .. }, Some(lineage)) => {
                Material::Model(Copied::read(self, view, lineage, copy))
            }
            (_, _) => return Origin::Unnamed,
        };
        lineage.map_or(Origin::Unnamed, |lineage| Origin::Made(Made { view, lineage, from }))
    }

    /// Whether the object is being deleted.
    pub fn is_deleted(&self) -> bool {
        self.s.object.metadata.deletion_timestamp.is_some()
    }

    /// The revisions that the object has made, while they can be seen.
    pub fn made(&self) -> Option<&Made<'a>> {
        match &self.seen {
            Some(Origin::Made(made)) => Some(made),
            Some(Origin::Followed(_) | Origin::Unnamed) | None => None,
        }
    }

    /// Whether a request may leave after what is remembered.
    pub fn creation_after(&self, record: &Record) -> Creation {
        Creation {
            closed_attempt: record.closed_attempt,
            ..self.creation
        }
    }

    /// Lets a step through, or says why not yet.
    pub fn gate(&self, failures: &Failures, action: Action, verdict: Verdict) -> Verdict {
        let makes = matches!(action, Action::TrainModel(_) | Action::CopyModel(_));
        let asking = self.s.asking(makes.then(|| self.need()).flatten());
        asking.gate(failures.recall(action.operation()), action, verdict)
    }

    /// The dates for which another revision is needed.
    fn need(&self) -> Option<Need> {
        let by = self.current.as_ref()?.expires_at?;
        let latest = before(by, renewal::lead(self.s).needed);
        Some(Need { latest, by })
    }
}

/// The view that the decision goes by: nothing can be said of what was never listed.
fn view_of<'a>(s: &Snapshot<'a>) -> Option<&'a View> {
    if s.object.metadata.deletion_timestamp.is_some() {
        return s.around.connection.view_to_delete();
    }
    match s.around.connection {
        ConnectionState::Ready { .. } => s.around.connection.view(),
        ConnectionState::NotFound { .. } | ConnectionState::NotAllowed | ConnectionState::NotReady { .. } => None,
    }
}

fn creation(s: &Snapshot<'_>, base: &SpeechModelStatus, told: &Told, closed: Option<i32>) -> Creation {
    let view = s.around.connection.view();
    let swept_at = view.and_then(|view| view.models.swept_at());
    let tallies = Tallies::of(base.creations.as_ref(), None);
    // The status names a revision that the view does not have, though nobody here deleted it.
    let is_unseen = |view: &View| told.ids.iter().any(|id| view.models.is_unseen(*id));
    let unlisted = s.object.spec.source.training.is_some() && view.is_some_and(is_unseen);
    Creation::of(s.object, &s.around, closed, swept_at, tallies).lacking(unlisted)
}
