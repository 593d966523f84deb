//! Words of a spec or an annotation that nothing follows from: the condition `Unheeded`. They are told as soon as they can be
//! known, not only when somebody needs them.
use speech_api::{
    Reason,
    condition::{Statement, Truth, UNHEEDED},
};
use speech_service::EntityId;

/// Why nothing follows, and what to do, in a sentence.
pub type Told = (Reason, String);

/// All that is said in vain; the first gives the reason.
pub fn statement(all: impl IntoIterator<Item = Option<Told>>) -> Option<Statement> {
    let mut all = all.into_iter().flatten();
    let (reason, mut message) = all.next()?;
    for (_, words) in all {
        message.push_str("; ");
        message.push_str(&words);
    }
    Some(Statement {
        kind: UNHEEDED,
        truth: Truth::True,
        reason,
        message,
    })
}

/// An entity that stays in the project which the spec has named before; `before` is where that is kept, and `stays` the
/// project of the entity, absent while it is not seen. One that somebody else put into a project is left there.
pub fn project(
    what: &str,
    spec: Option<&str>,
    before: &mut Option<String>,
    stays: Option<Option<EntityId>>,
) -> Option<Told> {
    if let Some(named) = spec {
        *before = named.parse::<EntityId>().ok().map(|id| id.to_string());
        return None;
    }
    let named = before.clone()?;
    if stays?.is_none_or(|project| project.to_string() != named) {
        *before = None;
        return None;
    }
    let message = format!(
        "spec.project names none, but the {what} stays in project {named}: the service takes nothing out of a project. Name that \
         one or another"
    );
    Some((Reason::ProjectKept, message))
}
