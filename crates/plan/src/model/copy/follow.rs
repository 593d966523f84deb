//! A copy that is under way is followed until the model has our mark.
use super::{
    super::{facts::Facts, record::Record, upkeep::mark},
    attempt::{Attempt, FASTEST, Open, Stage},
    source::Source,
};
use crate::{
    Action, Verdict,
    failures::Failures,
    text::{after, day_time},
    view::Entry,
};
use jiff::SignedDuration;
use speech_api::Reason;
use speech_service::{entity::CustomModel, request::UpdateModel};

/// The longest time between two looks at an operation.
const SLOWEST: SignedDuration = SignedDuration::from_secs(60);

/// Brings a copy that is open to its end; says nothing when it is over.
pub fn follow(attempt: &Attempt<'_>, f: &Facts<'_>, record: Record) -> Option<(Verdict, Record)> {
    let Attempt::Open(open) = attempt else { return None };
    Some(match open.stage {
        Stage::Runs => (follows(open, f, &record.failures), record),
        Stage::Made(id, again) => {
            let made = format!("the service made {id}; it is not listed yet");
            let verdict = Verdict::working(Reason::Copying, made).watching();
            (again.into_iter().fold(verdict, Verdict::until), record)
        }
        Stage::Listed(entry) => {
            let (verdict, failures) = marks(open, f, entry, record.failures.clone());
            (verdict, record.failing(failures))
        }
        Stage::Sought => (open.creation.wait(open.intent), record),
    })
}

/// Asks for the state of the operation, not too often.
fn follows(open: &Open<'_>, f: &Facts<'_>, failures: &Failures) -> Verdict {
    let ready = f.s.related.source.and_then(Source::ready);
    let (Some(found), Some(copying)) = (ready, &open.copying) else {
        let message = "a copy is under way, and the connection of its source does not work";
        return Verdict::working(Reason::ConnectionNotReady, message);
    };
    let verdict = Verdict::working(
        Reason::Copying,
        format!(
            "the service is copying a model of SpeechConnection {} since {}",
            found.connection,
            day_time(open.intent.at)
        ),
    );
    let again = open.state.map(|state| {
        let pause = state.looked_at.duration_since(open.intent.at) / 10;
        let pause = pause.clamp(FASTEST, SLOWEST);
        let rest = state.rest.map_or(pause, |rest| rest.clamp(pause, SLOWEST));
        after(state.looked_at, rest)
    });
    if let Some(again) = again.filter(|again| *again > f.s.now()) {
        return verdict.until(again);
    }
    let action = Action::FollowCopy {
        attempt: open.intent.attempt,
        operation: copying.operation.clone(),
    };
    f.admit(failures, action, verdict)
}

/// Puts our mark on the copy; its names follow.
fn marks(open: &Open<'_>, f: &Facts<'_>, entry: &Entry<CustomModel>, failures: Failures) -> (Verdict, Failures) {
    let header = &entry.entity.header;
    let source = open.source().map(|id| id.to_string()).unwrap_or_default();
    let number = open.number;
    let tag = f.s.tag(open.intent.attempt, number, &source);
    let update = UpdateModel::Owner(tag, header.foreign_properties.clone());
    let message = format!(
        "marking model {}, the copy of {source}, as revision {number}",
        header.id
    );
    let verdict = Verdict::working(Reason::Copying, message).watching();
    mark(f, entry, update, verdict, failures)
}
