//! What a SpeechModel says in vain.
use super::{facts::Facts, lineage};
use crate::unheeded::{self, Told};
use speech_api::{
    Reason, SpeechModelStatus, Subject,
    annotation::{self, TRAIN_REVISION},
    condition::Statement,
};
use speech_service::EntityId;

/// The condition `Unheeded`: all that the spec or an annotation says in vain. `current` is the revision that the status shows.
pub fn statement(f: &Facts<'_>, current: Option<EntityId>, status: &mut SpeechModelStatus) -> Option<Statement> {
    let told = [project(f, current, &mut status.project), train_revision(f, status)];
    unheeded::statement(told)
}

/// Only what is trained or copied is put into a project.
fn project(f: &Facts<'_>, current: Option<EntityId>, before: &mut Option<String>) -> Option<Told> {
    let s = f.s;
    if !s.object.makes_remote() {
        return None;
    }
    let entry = current
        .zip(s.around.connection.view())
        .and_then(|(id, view)| view.models.get(id));
    let stays = entry.map(|entry| entry.entity.header.project);
    unheeded::project("model", s.object.spec.project.as_deref(), before, stays)
}

/// A request for a revision that does not come next. A number that was used is answered.
fn train_revision(f: &Facts<'_>, status: &SpeechModelStatus) -> Option<Told> {
    let s = f.s;
    let value = annotation::value(s.object, TRAIN_REVISION)?;
    let next = lineage::highest_recorded(status).saturating_add(1);
    let told = |words: String| {
        Some((
            Reason::AnnotationInvalid,
            format!("annotation {TRAIN_REVISION}: {words}"),
        ))
    };
    if s.object.spec.source.training.is_none() {
        return told("nothing is trained here; only source.training is".to_owned());
    }
    match value.trim().parse::<i32>() {
        Err(_) => told(format!(
            "{value:?} is no number; write {next} to train the next revision"
        )),
        Ok(asked) if asked > next => told(format!("revision {asked} does not come next; write {next}")),
        Ok(_) => None,
    }
}
