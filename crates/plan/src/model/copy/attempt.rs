//! What came of a copy that was ordered: the operation is followed at the source until the new model is listed in the
//! target, and there it gets our mark.
//!
//! The mark cannot travel with the order. So between the order and the mark the copy is known by the result of its
//! operation, which the status names; and when nobody knows the operation (a crash, a lost answer), by its looks: a
//! model that appeared since the announcement, that nobody else has marked, and that equals the source in all that a copy
//! keeps.
use super::{
    super::{Snapshot, lineage::Lineage, told::Told},
    source::{Source, are_alike},
};
use crate::{
    Failure, FailureClass,
    creation::{Creation, GRACE},
    text::{after, before, whole_seconds},
    view::{CopyStage, CopyState, Entry, View},
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{annotation::CreationIntent, model::CopyUnderWay};
use speech_service::{EntityId, entity::CustomModel};

/// How far the clocks of the service and of this cluster may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// The shortest time between two looks at an operation.
pub const FASTEST: SignedDuration = SignedDuration::from_secs(1);

/// What came of the copy that was announced last.
pub enum Attempt<'a> {
    /// None is open, or nothing can come of it any more.
    Over,
    /// It was announced in this very pass, and nothing was sent.
    Unsent,
    /// The service gave up, or what it made is gone: the next one waits.
    Failed { attempt: u32, failure: Failure },
    /// Nobody knows yet.
    Open(Box<Open<'a>>),
}

/// An attempt of which nobody knows yet what came of it.
pub struct Open<'a> {
    pub creation: Creation,
    pub intent: CreationIntent,
    pub state: Option<&'a CopyState>,
    pub copying: Option<CopyUnderWay>,
    /// The number of the revision that it makes.
    pub number: u32,
    pub stage: Stage<'a>,
}

impl Open<'_> {
    /// The model that was to be copied.
    pub fn source(&self) -> Option<EntityId> {
        source_of(self.intent, self.copying.as_ref())
    }
}

/// How far it is.
pub enum Stage<'a> {
    /// Its operation runs at the source.
    Runs,
    /// The service made this model, which is not listed yet; when to look again, if time alone tells.
    Made(EntityId, Option<Timestamp>),
    /// The model is listed and has to get our mark.
    Listed(&'a Entry<CustomModel>),
    /// Nobody knows the operation, and nothing looks like the copy.
    Sought,
}

impl<'a> Attempt<'a> {
    /// Looks for what came of it.
    pub fn read(s: &'a Snapshot<'a>, view: &'a View, lineage: &Lineage<'a>, told: &Told, creation: Creation) -> Self {
        let creation = creation.copying(None);
        let Some(intent) = creation.open() else {
            return Self::Over;
        };
        let state = view.copies.get(s.uid()).filter(|state| state.attempt == intent.attempt);
        if creation.unsent().is_some() && state.is_none() {
            return Self::Unsent;
        }
        let copying = match state {
            Some(state) => Some(known(intent, state)),
            None => told.copying.clone().filter(|copying| is_of(copying, intent)),
        };
        let reader = Reader {
            s,
            view,
            creation,
            intent,
            state,
            copying,
            number: lineage.highest.saturating_add(1),
        };
        match state.map(|state| &state.stage) {
            Some(CopyStage::Failed(error)) => reader.failed(error.code.clone(), error.message.clone()),
            Some(CopyStage::Unknown) => reader.sought(),
            Some(CopyStage::Done(id)) => reader.arrived(*id),
            Some(CopyStage::Running) => reader.running(),
            None if reader.copying.is_none() => reader.sought(),
            None => reader.running(),
        }
    }
}

/// What is known of the operation, so that a restart forgets nothing.
fn known(intent: CreationIntent, state: &CopyState) -> CopyUnderWay {
    let model = match &state.stage {
        CopyStage::Done(id) => Some(*id),
        CopyStage::Running | CopyStage::Failed(_) | CopyStage::Unknown => None,
    };
    CopyUnderWay {
        source: intent.copy_of,
        attempt: number_of(intent),
        operation: state.operation.to_string(),
        model,
        started_at: whole_seconds(intent.at),
    }
}

fn is_of(copying: &CopyUnderWay, intent: CreationIntent) -> bool {
    copying.attempt == number_of(intent)
}

fn number_of(intent: CreationIntent) -> i32 {
    i32::try_from(intent.attempt).unwrap_or(i32::MAX)
}

/// Looks for what came of an open attempt.
struct Reader<'a> {
    s: &'a Snapshot<'a>,
    view: &'a View,
    creation: Creation,
    intent: CreationIntent,
    state: Option<&'a CopyState>,
    copying: Option<CopyUnderWay>,
    number: u32,
}

impl<'a> Reader<'a> {
    fn open(self, stage: Stage<'a>) -> Attempt<'a> {
        Attempt::Open(Box::new(Open {
            creation: self.creation,
            intent: self.intent,
            state: self.state,
            copying: self.copying,
            number: self.number,
            stage,
        }))
    }

    /// The service gave up.
    fn failed(self, code: String, message: String) -> Attempt<'a> {
        let failure = Failure {
            operation: "Copy",
            code,
            message,
            class: FailureClass::Transient { retry_after: None },
        };
        Attempt::Failed {
            attempt: self.intent.attempt,
            failure,
        }
    }

    /// The operation runs, or has made a model that the status names.
    fn running(self) -> Attempt<'a> {
        if let Some(id) = self.copying.as_ref().and_then(|copying| copying.model) {
            return self.arrived(id);
        }
        let ready = self.s.related.source.and_then(Source::ready);
        match ready.is_none() && self.s.object.metadata.deletion_timestamp.is_some() {
            true => self.sought(),
            false => self.open(Stage::Runs),
        }
    }

    /// The operation has made this model: it gets our mark as soon as it is listed.
    fn arrived(self, id: EntityId) -> Attempt<'a> {
        let now = self.s.now();
        let told_at = self.state.map(|state| state.looked_at);
        // One look later, so that the end of the operation is written down before anything else happens.
        let next = told_at.map(|at| after(at, FASTEST)).filter(|next| *next > now);
        if next.is_some() {
            return self.open(Stage::Made(id, next));
        }
        if let Some(entry) = self.view.models.get(id) {
            if !self.is_anothers_copy(&entry.entity) {
                return self.open(Stage::Listed(entry));
            }
        } else {
            let started = self.copying.as_ref().map(|copying| copying.started_at);
            let known = told_at.or(started).unwrap_or(self.intent.at);
            if self.view.models.swept_at().is_none_or(|at| at < after(known, GRACE)) {
                return self.open(Stage::Made(id, Some(after(now, GRACE))));
            }
        }
        self.failed("CopyGone".to_owned(), format!("the copy {id} is gone"))
    }

    /// Whether another object took a model as its own copy of the same source.
    fn is_anothers_copy(&self, model: &CustomModel) -> bool {
        let source = source_of(self.intent, self.copying.as_ref()).map(|id| id.to_string());
        let owner = model.header.owner.as_deref();
        owner.is_some_and(|tag| {
            tag.uid != self.s.uid() && !self.s.predecessor().bore(tag) && tag.inputs.is_some() && tag.inputs == source
        })
    }

    /// Nobody knows the operation: the copy is known by its looks, or it never appears.
    fn sought(self) -> Attempt<'a> {
        let found = self.s.related.source.and_then(Source::ready);
        let source = source_of(self.intent, self.copying.as_ref());
        let source = source.and_then(|id| found.and_then(|found| found.model(id)));
        // The announcement bears our time, the copy the service's.
        let since = before(self.intent.at, SKEW + self.s.around.agenda.skew.ahead.abs());
        let arrival = source.and_then(|source| {
            let candidates = self.view.models.iter();
            candidates
                .filter(|entry| looks_like_copy(&entry.entity, source, since))
                .min_by_key(|entry| (entry.entity.header.created_at, entry.entity.header.id))
        });
        match arrival.filter(|_| found.is_none_or(|found| found.rival.is_none())) {
            Some(entry) => self.open(Stage::Listed(entry)),
            None if self.creation.is_void(self.intent) => Attempt::Over,
            None => self.open(Stage::Sought),
        }
    }
}

/// The model that was to be copied.
fn source_of(intent: CreationIntent, copying: Option<&CopyUnderWay>) -> Option<EntityId> {
    let recorded = copying.and_then(|copying| copying.source);
    intent.copy_of.or(recorded)
}

/// Whether a model of the target appeared since then, and equals the source in all that a copy keeps.
/// The mark is the source's (the copy keeps the source's properties) or none (it does not); anybody else's is respected.
fn looks_like_copy(model: &CustomModel, source: &CustomModel, since: Timestamp) -> bool {
    let (copy, original) = (&model.header, &source.header);
    copy.created_at >= since
        && copy.id != original.id
        && are_alike(model, source)
        && (copy.owner.is_none() || copy.owner == original.owner)
        && (model.weight_percent.is_none() || model.weight_percent == source.weight_percent)
}
