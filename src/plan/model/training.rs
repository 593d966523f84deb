//! Models that we train: one revision after the other, never two at once.
use super::{
    Snapshot,
    lineage::{self, Lineage},
    renewal::{self, Due},
    revision::{Inputs, Revision},
};
use crate::{
    api::{
        Reason, SpeechModelStatus,
        model::{RenewalTrigger, Training},
    },
    plan::{Action, Verdict, model_choice, text::day_time},
    speech::{entity::BaseModel, request::CreateModel},
    view::View,
};

/// Decides about a model that is trained.
pub fn decide(
    s: &Snapshot<'_>,
    view: &View,
    training: &Training,
    has_projects: bool,
    status: &mut SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let lineage = Lineage::read(s, view);
    lineage.describe(view, status);
    let inputs = Inputs::parse(training, s.object.spec.project.as_deref())?;
    if inputs.project.is_some() && !has_projects {
        return Err(Verdict::stalled(
            Reason::SpecInvalid,
            "spec.project: the connection's API version 2024-11-15 has no projects; remove it or use another apiVersion",
        ));
    }
    let taking_over = Verdict::working(Reason::Training, "taking over the trained revisions");
    if let Some(verdict) = lineage.take_over(s, taking_over) {
        return Ok(verdict);
    }
    if let Some(verdict) = lineage.delete_twin(s, view, status) {
        return Ok(verdict);
    }
    let newest = lineage.newest();
    if let Some(running) = newest.filter(|newest| !newest.failed() && !newest.succeeded()) {
        return Err(under_way(&running));
    }
    let print = inputs.fingerprint();
    let same = |revision: &Revision<'_>| revision.tag.inputs.as_deref() == Some(print.as_str());
    let spec = s.object.spec.renewal.clone().unwrap_or_default();
    status.plan = Vec::new();
    match newest {
        Some(newest) if same(&newest) && newest.failed() => failed(s, view, &lineage, &newest, &inputs, &print, status),
        Some(newest) if same(&newest) || !spec.on.contains(&RenewalTrigger::SpecChange) => {
            match renewal::due(s, view, &spec, &inputs, newest.model()) {
                Due::Now if s.may_act() => train(s, view, &lineage, &inputs, &print, status),
                Due::At(at) if s.may_act() => {
                    status.plan = vec![renewal::next_training(at)];
                    Ok(lineage.keep(s, view, status).until(at))
                }
                Due::Now | Due::At(_) | Due::Never => Ok(lineage.keep(s, view, status)),
            }
        }
        Some(_) | None => train(s, view, &lineage, &inputs, &print, status),
    }
}

fn under_way(revision: &Revision<'_>) -> Verdict {
    let since = day_time(revision.model().header.created_at);
    Verdict::working(
        Reason::Training,
        format!(
            "revision {} is being trained since {since}; minutes for text, up to days for audio",
            revision.number
        ),
    )
    .watching()
}

/// Trains the next revision.
fn train(
    s: &Snapshot<'_>,
    view: &View,
    lineage: &Lineage<'_>,
    inputs: &Inputs,
    print: &str,
    status: &SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let number = lineage.highest.saturating_add(1);
    if !s.may_act() {
        return Err(lineage::hands_off(s, &format!("train revision {number}")));
    }
    let creation = s.creation(status.closed_attempt);
    let base = match (
        model_choice::trainable(view, inputs.base_model, &s.object.spec.locale, s.now()),
        creation.open(),
    ) {
        (Ok(base), _) => base,
        // A wish that cannot be met now does not end the search for what an earlier request may have made.
        (Err(_), Some(intent)) if !creation.is_void(intent) => return Err(creation.wait(intent)),
        (Err(verdict), _) => return Err(verdict),
    };
    let verdict = Verdict::working(
        Reason::Training,
        format!(
            "training revision {number} from base model {}",
            base.header.display_name
        ),
    )
    .watching();
    lineage::order(s, status, &creation, verdict, |attempt| {
        Action::TrainModel(Box::new(request(s, inputs, print, base, number, attempt)))
    })
}

fn request(s: &Snapshot<'_>, inputs: &Inputs, print: &str, base: &BaseModel, number: u32, attempt: u32) -> CreateModel {
    CreateModel {
        display_name: s.display_name(),
        description: s.object.spec.description.clone(),
        locale: s.object.spec.locale.clone(),
        base_model: base.header.id,
        datasets: inputs.datasets.clone(),
        weight_percent: inputs.weight_percent,
        project: inputs.project,
        owner: s.tag(attempt, number, print),
    }
}

/// The newest revision failed: again after a growing delay.
fn failed(
    s: &Snapshot<'_>,
    view: &View,
    lineage: &Lineage<'_>,
    newest: &Revision<'_>,
    inputs: &Inputs,
    print: &str,
    status: &SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let again = lineage.repeat_at(newest, print);
    if again <= s.now() || s.is_fresh() {
        return train(s, view, lineage, inputs, print, status);
    }
    if let Some(verdict) = lineage.discard(s, view, status) {
        return Ok(verdict);
    }
    let message = format!(
        "training of revision {} failed: {}; trained again at {}",
        newest.number,
        newest.cause(),
        day_time(again)
    );
    Err(Verdict::working(Reason::TrainingFailed, message).until(again))
}
