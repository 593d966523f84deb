//! What is done to revisions that exist: they keep their names, get our mark, and are cut when there are too many.
use super::{
    Snapshot,
    facts::{Facts, Made},
    revision::Revision,
};
use crate::{
    Action, Verdict, aside, drift::Correction, failures::Failures, retry, text::after, verdict::Phase, view::Entry,
};
use jiff::SignedDuration;
use speech_api::Reason;
use speech_service::{EntityId, entity::CustomModel, request::UpdateModel};

/// Deletes a model that an earlier request made as well, once nothing uses it.
pub fn delete_twin(f: &Facts<'_>, made: &Made<'_>, failures: &Failures) -> Option<Verdict> {
    let twins = made.lineage.own_twins(f.s);
    let twin = twins.iter().find(|twin| f.s.may_act() && !twin.in_use(made.view))?;
    let verdict = Verdict::working(
        Reason::Updating,
        format!("deleting model {}, which an earlier request made as well", twin.id()),
    );
    let verdict = f.admit(failures, Action::DeleteModel(twin.id()), verdict);
    // One that cannot be deleted now keeps nothing else back.
    verdict.action.is_some().then_some(verdict)
}

/// The newest revision is what is declared: keep its names, discard what is too old.
pub fn keep(f: &Facts<'_>, made: &Made<'_>, failures: Failures) -> (Verdict, Failures) {
    let (s, lineage) = (f.s, &made.lineage);
    let Some(newest) = lineage.newest() else {
        return (Verdict::done(Reason::Synced, ""), failures);
    };
    let changes = if s.may_act() {
        differences(s, newest.model())
    } else {
        Vec::new()
    };
    let mut failures = without_settled(f, made, &newest, &changes, failures);
    let mut soon: Option<Verdict> = None;
    for change in changes {
        failures = with_ignored(f, newest.entry, &change, change.field(), failures);
        match rename(f, newest.entry, change, &failures) {
            Ok(verdict) => return (verdict, failures),
            // What is refused is told beside; what is tried again soon is under way.
            Err(verdict) if verdict.phase == Phase::Working => soon = soon.or(Some(verdict)),
            Err(_) => {}
        }
    }
    let verdict = discard(f, made, &failures).or(soon);
    let verdict = verdict.unwrap_or_else(|| Verdict::done(Reason::Synced, lineage.is_current(&newest)));
    (verdict, failures)
}

/// Without the failures of steps that nothing asks for any more.
fn without_settled(
    f: &Facts<'_>,
    made: &Made<'_>,
    newest: &Revision<'_>,
    changes: &[UpdateModel],
    mut failures: Failures,
) -> Failures {
    let wanted: Vec<_> = changes
        .iter()
        .map(|change| step(newest.entry, change.clone()).operation())
        .collect();
    let has_twin = !made.lineage.own_twins(f.s).is_empty();
    let deletes = has_twin || made.lineage.surplus(f.s, made.view).is_some();
    failures.aside.retain(|failure| {
        wanted.contains(&failure.operation.as_str()) || failure.operation == Action::DELETE && deletes
    });
    failures
}

/// Deletes the oldest revision beyond the limit that no endpoint uses. The current one and the newest are never touched.
pub fn discard(f: &Facts<'_>, made: &Made<'_>, failures: &Failures) -> Option<Verdict> {
    // An endpoint that moves tells where to, while what it leaves still answers and may have to be returned to.
    if !f.s.may_act() || made.view.is_moving(&f.s.object.spec.locale) {
        return None;
    }
    let victim = made.lineage.surplus(f.s, made.view)?;
    let verdict = Verdict::working(
        Reason::Updating,
        format!("deleting revision {}, beyond revisionHistoryLimit", victim.number),
    );
    // Endpoints follow the written status: it has to name the new revision before the old one goes.
    if f.told.current.as_ref().map(|current| current.id) == Some(victim.id()) {
        return Some(verdict.until(after(f.s.now(), SignedDuration::from_secs(1))));
    }
    Some(f.admit(failures, Action::DeleteModel(victim.id()), verdict))
}

/// With a failure where the service accepted this very change and a read shows that it did not make it. `what` names it.
fn with_ignored(
    f: &Facts<'_>,
    entry: &Entry<CustomModel>,
    change: &UpdateModel,
    what: &str,
    failures: Failures,
) -> Failures {
    let action = step(entry, change.clone());
    let accepted = Action::field(action.operation()).is_some_and(|field| aside::was_accepted(f.s, field));
    if !accepted || !entry.confirmed || f.s.around.learned.failure.is_some() {
        return failures;
    }
    failures.with(f.s, &retry::not_applied(&action, what))
}

/// Changes one thing of a model; `Err` says that it has to wait for a failure.
fn rename(
    f: &Facts<'_>,
    entry: &Entry<CustomModel>,
    change: UpdateModel,
    failures: &Failures,
) -> Result<Verdict, Verdict> {
    let s = f.s;
    let what = format!("model {}", entry.entity.header.id);
    if let Some(held) = Correction::of_model(&change).hold(&f.base.drift, &what, s.asking(None)) {
        return Err(held);
    }
    let verdict = Verdict::working(Reason::Updating, format!("changing {}", change.field())).watching();
    let admitted = f.admit(failures, step(entry, change), verdict);
    if admitted.action.is_none() {
        return Err(admitted);
    }
    if entry.confirmed {
        return Ok(admitted);
    }
    // The answer to a change may show the old state; only a read tells whether it is still lacking.
    Ok(aside::answered(s).watching())
}

/// Puts our mark on a model, ever more rarely when the service accepts it and does not show it.
pub fn mark(
    f: &Facts<'_>,
    entry: &Entry<CustomModel>,
    mark: UpdateModel,
    verdict: Verdict,
    failures: Failures,
) -> (Verdict, Failures) {
    let failures = with_ignored(f, entry, &mark, "the mark of a copy", failures);
    let admitted = f.admit(&failures, step(entry, mark), verdict);
    let waits = !entry.confirmed || f.s.around.learned.asked.is_some();
    let accepted =
        aside::accepted(f.s).filter(|field| *field == Action::MARK_FIELD && waits && admitted.action.is_some());
    let admitted = admitted.accepting(accepted);
    // The answer to a change may show the old state; only a read tells whether it is still lacking.
    let action = admitted.action.clone().filter(|_| entry.confirmed);
    (Verdict { action, ..admitted }, failures)
}

/// What of names and project a model lacks.
fn differences(s: &Snapshot<'_>, model: &CustomModel) -> Vec<UpdateModel> {
    let (header, spec) = (&model.header, &s.object.spec);
    let name = s.display_name();
    let description = spec.description.clone().filter(|text| **text != *header.description);
    let project: Option<EntityId> = spec.project.as_deref().and_then(|project| project.parse().ok());
    let project = project.filter(|project| s.has_projects() && header.project != Some(*project));
    let changes = [
        (*header.display_name != *name).then_some(UpdateModel::DisplayName(name)),
        description.map(UpdateModel::Description),
        project.map(UpdateModel::Project),
    ];
    changes.into_iter().flatten().collect()
}

fn step(entry: &Entry<CustomModel>, change: UpdateModel) -> Action {
    Action::UpdateModel {
        id: entry.entity.header.id,
        change: Box::new(change),
    }
}
