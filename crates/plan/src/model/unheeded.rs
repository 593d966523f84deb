//! What a SpeechModel says in vain.
use super::{Snapshot, lineage};
use crate::unheeded::{self, Told};
use speech_api::{
    Reason, SpeechModelStatus,
    annotation::{self, TRAIN_REVISION},
    condition::Statement,
};
use speech_service::EntityId;

/// The condition `Unheeded`: all that the spec or an annotation says in vain.
pub fn statement(s: &Snapshot<'_>, status: &mut SpeechModelStatus) -> Option<Statement> {
    unheeded::statement([project(s, status), train_revision(s, status)])
}

/// Only what is trained or copied is put into a project.
fn project(s: &Snapshot<'_>, status: &mut SpeechModelStatus) -> Option<Told> {
    let source = &s.object.spec.source;
    if source.training.is_none() && source.copy.is_none() {
        return None;
    }
    let id = status
        .current
        .as_ref()
        .and_then(|current| current.id.parse::<EntityId>().ok());
    let entry = id
        .zip(s.around.connection.view())
        .and_then(|(id, view)| view.models.get(id));
    let stays = entry.map(|entry| entry.entity.header.project);
    unheeded::project("model", s.object.spec.project.as_deref(), &mut status.project, stays)
}

/// A request for a revision that does not come next. A number that was used is answered.
fn train_revision(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Option<Told> {
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
