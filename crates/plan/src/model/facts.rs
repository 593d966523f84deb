//! What a decision about a model goes by: a snapshot, read once. No rule parses a string of the status.
use super::{
    Snapshot,
    copy::Copied,
    lineage::{Lineage, NextRevision},
    observed, renewal,
    told::{Current, Told},
    training::Trained,
};
use crate::{
    Action, ConnectionState, Verdict,
    creation::{self, Creation, Tallies},
    failures::Failures,
    model_choice,
    retry::Need,
    text::before,
    view::{ModelFacts, View},
};
use speech_api::{SpeechModelStatus, Subject, model::ModelSource};

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

impl Made<'_> {
    /// What comes next; nothing while it is not known what to make it from.
    pub fn next(&self) -> Option<NextRevision> {
        match &self.from {
            Material::Datasets(trained) => trained.as_ref().ok().map(|trained| trained.next),
            Material::Model(copied) => copied.wanted.as_ref().ok().map(|wanted| wanted.next),
        }
    }
}

impl<'a> Facts<'a> {
    /// Reads a snapshot.
    pub fn read(s: &'a Snapshot<'a>) -> Self {
        let told = Told::read(s.old_status());
        let base = observed::status(s);
        let view = view_of(s);
        let made = view.filter(|_| s.object.makes_remote());
        let lineage = made.map(|view| Lineage::read(s, view, &told));
        let closed = lineage
            .as_ref()
            .and_then(Lineage::closed_attempt)
            .max(base.closed_attempt);
        let facts = Self {
            creation: creation_of(s, &base, &told, closed),
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
            ) => Material::Datasets(Trained::read(self.s, view, lineage, training)),
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
                Material::Model(Copied::read(self.s, view, lineage, (&self.told, self.creation), copy))
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

    /// Lets a step through, or says why not yet.
    pub fn admit(&self, failures: &Failures, action: Action, verdict: Verdict) -> Verdict {
        let makes = matches!(action, Action::TrainModel(_) | Action::CopyModel(_));
        let asking = self.s.asking(makes.then(|| self.need()).flatten());
        asking.admit(failures.recall(action.operation()), action, verdict)
    }

    /// Orders another revision: the announcement, then the request that `post` makes from the number of the attempt.
    pub fn order(
        &self,
        failures: &Failures,
        creation: &Creation,
        verdict: Verdict,
        post: impl Fn(u32) -> Action,
    ) -> Result<Verdict, Verdict> {
        let announcement = match creation.next(&post)? {
            creation::NextRequest::Post(action) => return Ok(verdict.with(action)),
            creation::NextRequest::Announce(announcement) => announcement,
        };
        // The announcement stands for the request: a failed request holds back the next announcement.
        let admitted = self.admit(failures, post(0), verdict);
        Ok(announcement.through(admitted, failures.last.as_ref()))
    }

    /// The dates for which another revision is needed.
    fn need(&self) -> Option<Need> {
        let expires_at = self.current.as_ref()?.expires_at?;
        let latest = before(expires_at, renewal::lead(self.s).needed);
        Some(Need { latest, expires_at })
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

fn creation_of(s: &Snapshot<'_>, base: &SpeechModelStatus, told: &Told, closed: Option<i32>) -> Creation {
    let view = s.around.connection.view();
    let swept_at = view.and_then(|view| view.models.swept_at());
    let tallies = Tallies::of(base.creations.as_ref(), None);
    // The status names a revision that the view does not have, though nobody here deleted it.
    let is_unseen = |view: &View| told.ids.iter().any(|id| view.models.is_unseen(*id));
    let unlisted = s.object.spec.source.training.is_some() && view.is_some_and(is_unseen);
    Creation::of(s.object, &s.around, closed, swept_at, tallies).lacking(unlisted)
}
