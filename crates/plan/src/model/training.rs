//! Models that we train: one revision after the other, never two at once.
use super::{
    Snapshot, dataset,
    lineage::{self, Lineage},
    renewal::{self, Due},
    revision::{Inputs, Revision},
    turn,
};
use crate::{
    Action, Verdict,
    lead_time::{Took, Work},
    model_choice,
    text::{after, day_time},
    verdict::Phase,
    view::View,
};
use speech_api::{
    Reason, SpeechModelStatus,
    model::{RenewalTrigger, Training},
};
use speech_service::{ModelId, entity::BaseModel, request::CreateModel};

/// Decides about a model that is trained.
pub fn decide(
    s: &Snapshot<'_>,
    view: &View,
    training: &Training,
    status: &mut SpeechModelStatus,
) -> Result<Verdict, Verdict> {
    let lineage = Lineage::read(s, view);
    lineage.describe(view, status);
    let inputs = Inputs::parse(training, s.object.spec.project.as_deref())?;
    let taking_over = Verdict::working(Reason::Training, "taking over the trained revisions");
    if let Some(verdict) = lineage.take_over(s, taking_over) {
        return Ok(verdict);
    }
    if let Some(verdict) = lineage.delete_twin(s, view, status) {
        return Ok(verdict);
    }
    let newest = lineage.newest();
    if let Some(running) = newest.filter(|newest| !newest.failed() && !newest.succeeded()) {
        return Err(under_way(s, &running));
    }
    let print = inputs.fingerprint();
    let same = |revision: &Revision<'_>| revision.tag.inputs.as_deref() == Some(print.as_str());
    let spec = s.object.spec.renewal.clone().unwrap_or_default();
    match newest {
        Some(newest) if same(&newest) && newest.failed() => failed(s, view, &lineage, &newest, &inputs, &print, status),
        Some(newest) if same(&newest) || !spec.on.contains(&RenewalTrigger::SpecChange) => {
            let renewed = lineage.undeployable().and(lineage.best()).unwrap_or(&newest);
            match renewal::due(s, view, &spec, &inputs, renewed.model(), lineage.highest) {
                Due::Requested if s.may_act() => train(s, view, &lineage, &inputs, &print, status, true),
                Due::NewBaseModel if s.may_act() => train(s, view, &lineage, &inputs, &print, status, false),
                Due::BeforeExpiry(dates) | Due::AfterRefusal(dates) if s.may_act() && dates.is_due(s) => {
                    train(s, view, &lineage, &inputs, &print, status, false)
                }
                Due::BeforeExpiry(dates) | Due::AfterRefusal(dates) if s.may_act() => {
                    Ok(lineage.keep(s, view, status).until(dates.look_again(s)))
                }
                Due::Requested | Due::NewBaseModel | Due::BeforeExpiry(_) | Due::AfterRefusal(_) | Due::Never => {
                    Ok(lineage.keep(s, view, status))
                }
            }
        }
        Some(_) | None => train(s, view, &lineage, &inputs, &print, status, false),
    }
}

/// The training that was seen to run and has succeeded.
pub fn took(s: &Snapshot<'_>, status: &SpeechModelStatus) -> Option<Took> {
    s.object.spec.source.training.as_ref()?;
    let ran = s.old_status()?.candidate.as_ref()?;
    let made = status.current.as_ref().filter(|made| made.id == ran.id)?;
    let header = &s
        .around
        .connection
        .view()?
        .models
        .get(made.id.parse().ok()?)?
        .entity
        .header;
    Some(Took {
        work: Work::Training,
        time: header.last_action_at.duration_since(header.created_at),
    })
}

/// Whether the newest good revision is what is declared, so that the object does its job without another.
pub fn is_satisfied(s: &Snapshot<'_>, lineage: &Lineage<'_>, print: &str) -> bool {
    let on = s.object.spec.renewal.clone().unwrap_or_default().on;
    lineage.best().is_some_and(|current| {
        current.tag.inputs.as_deref() == Some(print) || !on.contains(&RenewalTrigger::SpecChange)
    })
}

fn under_way(s: &Snapshot<'_>, revision: &Revision<'_>) -> Verdict {
    let since = revision.model().header.created_at;
    let longest = s.around.agenda.durations.longest(&s.object.spec.locale, Work::Training);
    let takes = match longest {
        Some(longest) => format!(
            "as long as the longest before, until {}",
            day_time(after(since, longest))
        ),
        None => "minutes for text, up to days for audio".to_owned(),
    };
    Verdict::working(
        Reason::Training,
        format!(
            "revision {} is being trained since {}; {takes}",
            revision.number,
            day_time(since)
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
    requested: bool,
) -> Result<Verdict, Verdict> {
    let creation = s.creation(status);
    let number = lineage.next_number(&creation);
    if !s.may_act() {
        return Err(s.untouched(&format!("train revision {number}")));
    }
    let creation = creation.training(number).requested(requested);
    let satisfied = is_satisfied(s, lineage, print);
    let undeployable = lineage.undeployable().filter(|_| !requested);
    let base = match (base(s, view, inputs, undeployable.as_ref()), creation.open()) {
        (Ok(base), _) => base,
        // A wish that cannot be met now does not end the search for what an earlier request may have made.
        (Err(_), Some(intent)) if !creation.is_void(intent) => {
            return Err(creation.wait(intent).wanting(turn::UNDER_WAY));
        }
        (Err(verdict), _) if satisfied => return Ok(kept_without(verdict)),
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
    let ordered = lineage::order(s, status, &creation, verdict, |attempt| {
        Action::TrainModel(Box::new(request(s, inputs, print, base, number, attempt)))
    });
    match ordered {
        Ok(order) => Ok(turn::take(s, view, status, satisfied, order)),
        Err(waits) => Err(waits.wanting(turn::UNDER_WAY)),
    }
}

/// The base model to train from, once the datasets are found to be in order. From that of a newest revision that cannot
/// be deployed though it should, another such revision would only be bought again.
pub fn base<'a>(
    s: &Snapshot<'_>,
    view: &'a View,
    inputs: &Inputs,
    undeployable: Option<&Revision<'_>>,
) -> Result<&'a BaseModel, Verdict> {
    let kinds = dataset::kinds(s, view, inputs)?;
    let base = model_choice::trainable(view, inputs.base_model, &kinds, &s.object.spec.locale, s.now())?;
    let name = &base.header.display_name;
    if let Some(follower) = s.related.follower.filter(|_| !model_choice::makes_deployable(base)) {
        let message = format!(
            "models that are trained from base model {name} cannot be deployed, but SpeechEndpoint {follower} is to serve them; nothing is trained. Choose another base model in spec.source.training.baseModel, or none"
        );
        return Err(Verdict::stalled(Reason::ModelNotDeployable, message));
    }
    let of_base = |revision: &&Revision<'_>| revision.model().base_model.map(ModelId::entity) == Some(base.header.id);
    if let Some(revision) = undeployable.filter(of_base) {
        let message = format!(
            "revision {}, which was trained from base model {name}, cannot be deployed; the next one is trained from another base model, when spec.source.training changes, or on request",
            revision.number
        );
        return Err(Verdict::stalled(Reason::ModelNotDeployable, message));
    }
    Ok(base)
}

/// A renewal that cannot begin takes nothing from what is current; the risk is told by `AtRisk`.
fn kept_without(obstacle: Verdict) -> Verdict {
    Verdict {
        phase: Phase::Done,
        reason: Reason::Synced,
        message: format!(
            "the current revision is as declared, but the next training cannot begin: {}",
            obstacle.message
        ),
        ..obstacle
    }
}

fn request(s: &Snapshot<'_>, inputs: &Inputs, print: &str, base: &BaseModel, number: u32, attempt: u32) -> CreateModel {
    CreateModel {
        display_name: s.display_name(),
        description: s.object.spec.description.clone(),
        locale: s.object.spec.locale.clone(),
        base_model: base.header.id,
        datasets: inputs.datasets.clone(),
        weight_percent: inputs.weight_percent,
        project: inputs.project.filter(|_| s.has_projects()),
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
    let again = lineage.repeat_at(s, newest, print);
    if again <= s.now() || s.is_fresh() {
        return train(s, view, lineage, inputs, print, status, false);
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
