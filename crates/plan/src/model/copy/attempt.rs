//! What came of a copy that was ordered: the operation is followed at the source until the new model is listed in the
//! target, and there it gets our mark.
//!
//! The mark cannot travel with the order. So between the order and the mark the copy is known by the result of its
//! operation, which the status names; and when nobody knows the operation (a crash, a lost answer), by its looks: a
//! model that appeared since the announcement, that nobody else has marked, and that equals the source in all that a copy
//! keeps.
use super::{super::Snapshot, Lineage, close, creation, source::are_alike};
use crate::{
    Action, Failure, FailureClass, Verdict,
    creation::{Creation, GRACE},
    model::{Source, lineage::mark},
    retry,
    text::{after, before, day_time, parse, rfc3339},
    view::{CopyStage, CopyState, Entry, View},
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{Reason, SpeechModelStatus, annotation::CreationIntent, model::CopyUnderWay};
use speech_service::{EntityId, entity::CustomModel, request::UpdateModel};

/// How far the clocks of the service and of this cluster may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// The shortest and the longest time between two looks at an operation.
const FASTEST: SignedDuration = SignedDuration::from_secs(1);
const SLOWEST: SignedDuration = SignedDuration::from_secs(60);

/// Brings an attempt that is open to its end; says nothing when there is none, or when it has led to nothing.
pub fn settle(s: &Snapshot<'_>, view: &View, lineage: &Lineage<'_>, status: &mut SpeechModelStatus) -> Option<Verdict> {
    let creation = creation(s, status, None);
    let Some(intent) = creation.open() else {
        status.copying = None;
        return None;
    };
    let state = view.copies.get(s.uid()).filter(|state| state.attempt == intent.attempt);
    if creation.unsent().is_some() && state.is_none() {
        return None;
    }
    record(intent, state, status);
    let open = Open {
        s,
        view,
        creation,
        intent,
        state,
        next_number: lineage.highest.saturating_add(1),
    };
    match (state.map(|state| &state.stage), status.copying.clone()) {
        (Some(CopyStage::Failed(error)), _) => {
            open.fails(error.code.clone(), error.message.clone(), status);
            None
        }
        (Some(CopyStage::Unknown), _) | (None, None) => open.looks_for_it(status),
        (Some(CopyStage::Done(id)), _) => open.arrives(*id, status),
        (Some(CopyStage::Running), _) | (None, Some(_)) => match model_of(status) {
            Some(id) => open.arrives(id, status),
            None => open.follows(status),
        },
    }
}

/// Writes down what is known of the operation, so that a restart forgets nothing.
fn record(intent: CreationIntent, state: Option<&CopyState>, status: &mut SpeechModelStatus) {
    let attempt = i32::try_from(intent.attempt).unwrap_or(i32::MAX);
    let Some(state) = state else {
        status.copying = status.copying.take().filter(|copying| copying.attempt == attempt);
        return;
    };
    let model = match &state.stage {
        CopyStage::Done(id) => Some(id.to_string()),
        CopyStage::Running | CopyStage::Failed(_) | CopyStage::Unknown => None,
    };
    status.copying = Some(CopyUnderWay {
        source: intent.copy_of.map(|id| id.to_string()).unwrap_or_default(),
        attempt,
        operation: state.operation.to_string(),
        model,
        started_at: rfc3339(intent.at),
    });
}

fn model_of(status: &SpeechModelStatus) -> Option<EntityId> {
    status.copying.as_ref()?.model.as_deref()?.parse().ok()
}

/// An attempt of which nobody knows yet what came of it.
struct Open<'a> {
    s: &'a Snapshot<'a>,
    view: &'a View,
    creation: Creation,
    intent: CreationIntent,
    state: Option<&'a CopyState>,
    next_number: u32,
}

impl Open<'_> {
    /// The model that was to be copied.
    fn source(&self, status: &SpeechModelStatus) -> Option<EntityId> {
        let recorded = status.copying.as_ref().and_then(|copying| copying.source.parse().ok());
        self.intent.copy_of.map(EntityId::from_uuid).or(recorded)
    }

    /// Asks for the state of the operation, not too often.
    fn follows(&self, status: &SpeechModelStatus) -> Option<Verdict> {
        let ready = self.s.related.source.and_then(Source::ready);
        if ready.is_none() && self.s.object.metadata.deletion_timestamp.is_some() {
            return self.looks_for_it(&mut status.clone());
        }
        let Some(found) = ready else {
            let message = "a copy is under way, and the connection of its source does not work";
            return Some(Verdict::working(Reason::ConnectionNotReady, message));
        };
        let verdict = Verdict::working(
            Reason::Copying,
            format!(
                "the service is copying a model of SpeechConnection {} since {}",
                found.connection,
                day_time(self.intent.at)
            ),
        );
        let again = self.state.map(|state| {
            let pause = state.looked_at.duration_since(self.intent.at) / 10;
            let pause = pause.clamp(FASTEST, SLOWEST);
            let rest = state.rest.map_or(pause, |rest| rest.clamp(pause, SLOWEST));
            after(state.looked_at, rest)
        });
        if let Some(again) = again.filter(|again| *again > self.s.now()) {
            return Some(verdict.until(again));
        }
        let action = Action::FollowCopy {
            attempt: self.intent.attempt,
            operation: status.copying.as_ref()?.operation.clone(),
        };
        Some(self.s.gate(status, action, verdict))
    }

    /// The service gave up: the attempt is over, and the next one waits.
    fn fails(&self, code: String, message: String, status: &mut SpeechModelStatus) {
        let failure = Failure {
            operation: "Copy",
            code,
            message,
            class: FailureClass::Transient { retry_after: None },
        };
        let (generation, now) = (self.s.generation(), self.s.now());
        status.last_failure = Some(retry::remember(status.last_failure.as_ref(), &failure, generation, now));
        close(self.intent, status);
    }

    /// The operation has made this model: it gets our mark as soon as it is listed.
    fn arrives(&self, id: EntityId, status: &mut SpeechModelStatus) -> Option<Verdict> {
        let told_at = self.state.map(|state| state.looked_at);
        // One look later, so that the end of the operation is written down before anything else happens.
        let next = told_at.map(|at| after(at, FASTEST)).filter(|next| *next > self.s.now());
        let listed =
            Verdict::working(Reason::Copying, format!("the service made {id}; it is not listed yet")).watching();
        if let Some(next) = next {
            return Some(listed.until(next));
        }
        if let Some(entry) = self.view.models.get(id) {
            if !self.is_anothers_copy(&entry.entity, status) {
                return Some(self.marks(entry, status));
            }
        } else {
            let started = parse(status.copying.as_ref().map(|copying| copying.started_at.as_str()));
            let known = told_at.or(started).unwrap_or(self.intent.at);
            if self.view.models.swept_at().is_none_or(|at| at < after(known, GRACE)) {
                return Some(listed.until(after(self.s.now(), GRACE)));
            }
        }
        let message = format!("the copy {id} is gone");
        self.fails("CopyGone".to_owned(), message, status);
        None
    }

    /// Whether another object took a model as its own copy of the same source.
    fn is_anothers_copy(&self, model: &CustomModel, status: &SpeechModelStatus) -> bool {
        let source = self.source(status).map(|id| id.to_string());
        let owner = model.header.owner.as_deref();
        owner.is_some_and(|tag| {
            tag.uid != self.s.uid() && !self.s.former().bore(tag) && tag.inputs.is_some() && tag.inputs == source
        })
    }

    /// Nobody knows the operation: the copy is known by its looks, or it never appears.
    fn looks_for_it(&self, status: &mut SpeechModelStatus) -> Option<Verdict> {
        let found = self.s.related.source.and_then(Source::ready);
        let source = self
            .source(status)
            .and_then(|id| found.and_then(|found| found.model(id)));
        // The announcement bears our time, the copy the service's.
        let since = before(self.intent.at, SKEW + self.s.around.agenda.skew.ahead.abs());
        let arrival = source.and_then(|source| {
            let candidates = self.view.models.iter();
            candidates
                .filter(|entry| looks_like_copy(&entry.entity, source, since))
                .min_by_key(|entry| (entry.entity.header.created_at, entry.entity.header.id))
        });
        match arrival.filter(|_| found.is_none_or(|found| found.rival.is_none())) {
            Some(entry) => Some(self.marks(entry, status)),
            None if self.creation.is_void(self.intent) => {
                status.copying = None;
                None
            }
            None => Some(self.creation.wait(self.intent)),
        }
    }

    /// Puts our mark on the copy; its names follow.
    fn marks(&self, entry: &Entry<CustomModel>, status: &mut SpeechModelStatus) -> Verdict {
        let header = &entry.entity.header;
        let source = self.source(status).map(|id| id.to_string()).unwrap_or_default();
        let number = self.next_number;
        let tag = self.s.tag(self.intent.attempt, number, &source);
        let update = UpdateModel::Owner(tag, header.foreign_properties.clone());
        let message = format!(
            "marking model {}, the copy of {source}, as revision {number}",
            header.id
        );
        let verdict = Verdict::working(Reason::Copying, message).watching();
        mark(self.s, entry, update, verdict, status)
    }
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
