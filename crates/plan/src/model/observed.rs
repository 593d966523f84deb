//! What a pass has learned of its own requests, before anything is decided.
use super::Snapshot;
use crate::{creation, drift, retry};
use speech_api::{SpeechModelStatus, annotation::CreationIntent};

/// The written status with what came of the requests of this pass: a failure is kept, which closes the attempt of a training
/// or copy that certainly led to nothing; requests and corrections are counted.
pub fn status(s: &Snapshot<'_>) -> SpeechModelStatus {
    let mut status = s.object.status.clone().unwrap_or_default();
    let makes = if s.object.spec.source.copy.is_some() {
        "Copy"
    } else {
        "Train"
    };
    retry::note(s.object, &s.around, makes, &mut status);
    let learned = s.around.learned;
    status.creations = creation::tallied(
        status.creations.as_ref(),
        CreationIntent::of(s.object).and_then(|intent| intent.creations),
        learned.failure.filter(|failure| failure.operation == makes),
        s.is_fresh(),
    );
    let (generation, now) = (s.generation(), s.now());
    drift::forget(&mut status.drift, generation, now);
    if learned.failure.is_none() {
        drift::count(&mut status.drift, learned.asked, learned.corrected, generation, now);
    }
    status
}
