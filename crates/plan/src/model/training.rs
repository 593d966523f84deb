//! Models that we train: one revision after the other, never two at once.
use super::{
    Snapshot, dataset,
    facts::{Facts, Made, Material, Next},
    lineage::{self, Lineage},
    record::{Record, Ruling},
    renewal::{self, Due},
    revision::{Inputs, Revision},
    turn,
};
use crate::{
    Action, Verdict,
    creation::Creation,
    lead_time::{Took, Work},
    model_choice,
    text::{after, day_time},
    verdict::Phase,
    view::View,
};
use speech_api::{
    Reason,
    model::{RenewalTrigger, Training},
};
use speech_service::{ModelId, entity::BaseModel, request::CreateModel};

/// What the spec says of a training, read once.
pub struct Trained {
    pub inputs: Inputs,
    /// The fingerprint of the inputs.
    pub print: String,
    /// What comes next.
    pub next: Next,
}

impl Trained {
    /// Reads the spec.
    pub fn read(f: &Facts<'_>, view: &View, lineage: &Lineage<'_>, training: &Training) -> Result<Self, Verdict> {
        let inputs = Inputs::parse(training, f.s.object.spec.project.as_deref())?;
        let print = inputs.fingerprint();
        let next = match f.is_deleted() {
            true => Next::Keep { until: None },
            false => next(f.s, view, lineage, &inputs, &print),
        };
        Ok(Self { inputs, print, next })
    }
}

/// Whether another revision is trained now.
fn next(s: &Snapshot<'_>, view: &View, lineage: &Lineage<'_>, inputs: &Inputs, print: &str) -> Next {
    let Some(newest) = lineage.newest() else {
        return Next::Order { requested: false };
    };
    let is_same = newest.tag.inputs.as_deref() == Some(print);
    let spec = s.object.spec.renewal.clone().unwrap_or_default();
    if is_same && newest.failed() {
        return lineage.repeat(s, &newest, print);
    }
    if !is_same && spec.on.contains(&RenewalTrigger::SpecChange) {
        return Next::Order { requested: false };
    }
    let renewed = lineage.undeployable().and(lineage.best()).unwrap_or(&newest);
    match renewal::due(s, view, &spec, inputs, renewed.model(), lineage.highest) {
        Due::Requested | Due::NewBaseModel | Due::BeforeExpiry(_) | Due::AfterRefusal(_) if !s.may_act() => {
            Next::Keep { until: None }
        }
        Due::Requested => Next::Order { requested: true },
        Due::NewBaseModel => Next::Order { requested: false },
        Due::BeforeExpiry(dates) | Due::AfterRefusal(dates) if dates.is_due(s) => Next::Order { requested: false },
        Due::BeforeExpiry(dates) | Due::AfterRefusal(dates) => Next::Keep {
            until: Some(dates.look_again(s)),
        },
        Due::Never => Next::Keep { until: None },
    }
}

/// The training that was seen to run and has succeeded.
pub fn took(f: &Facts<'_>, ruling: &Ruling) -> Option<Took> {
    f.s.object.spec.source.training.as_ref()?;
    let made = ruling.current(f)?.id.filter(|id| f.told.candidate == Some(*id))?;
    let header = &f.s.around.connection.view()?.models.get(made)?.entity.header;
    Some(Took {
        work: Work::Training,
        time: header.last_action_at.duration_since(header.created_at),
    })
}

pub fn under_way(s: &Snapshot<'_>, revision: &Revision<'_>) -> Verdict {
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

/// The order of the next revision, and what there is for it.
pub struct Order<'a> {
    f: &'a Facts<'a>,
    made: &'a Made<'a>,
    trained: &'a Trained,
    pub creation: Creation,
    pub number: u32,
    /// What to train from, or what is missing.
    pub base: Result<&'a BaseModel, Verdict>,
}

impl<'a> Order<'a> {
    /// The order, where one is due.
    pub fn of(f: &'a Facts<'a>) -> Option<Self> {
        let made = f.made()?;
        let Material::Datasets(Ok(trained)) = &made.from else {
            return None;
        };
        let Next::Order { requested } = trained.next else {
            return None;
        };
        let number = made.lineage.next_number(&f.creation);
        let undeployable = made.lineage.undeployable().filter(|_| !requested);
        Some(Self {
            f,
            made,
            trained,
            creation: f.creation.training(number).requested(requested),
            number,
            base: base(f.s, made.view, &trained.inputs, undeployable.as_ref()),
        })
    }

    /// Whether an earlier request may still lead to something. A wish that cannot be met now does not end the search for it.
    pub fn is_sought(&self) -> bool {
        let open = self.creation.open();
        open.is_some_and(|intent| !self.creation.is_void(intent))
    }

    /// Whether the newest good revision is what is declared, so that the object does its job without another.
    pub fn is_satisfied(&self) -> bool {
        let on = self.f.s.object.spec.renewal.clone().unwrap_or_default().on;
        self.made.lineage.best().is_some_and(|current| {
            current.tag.inputs.as_deref() == Some(self.trained.print.as_str())
                || !on.contains(&RenewalTrigger::SpecChange)
        })
    }

    /// What is missing; nothing is missed while an earlier request may have been met.
    pub fn lacks(&self) -> Option<Verdict> {
        let missing = self.base.as_ref().err().filter(|_| !self.is_sought())?.clone();
        Some(match self.is_satisfied() {
            true => kept_without(missing),
            false => missing,
        })
    }

    /// The order, or what waits after those before it; `Err` while an earlier one may have been met.
    pub fn place(&self, record: &Record) -> Result<Verdict, Verdict> {
        let base = match (&self.base, self.creation.open()) {
            (Ok(base), _) => *base,
            (Err(_), Some(intent)) => return Err(self.creation.wait(intent)),
            (Err(missing), None) => return Err(missing.clone()),
        };
        let verdict = Verdict::working(
            Reason::Training,
            format!(
                "training revision {} from base model {}",
                self.number, base.header.display_name
            ),
        )
        .watching();
        lineage::order(self.f, &record.failures, &self.creation, verdict, |attempt| {
            Action::TrainModel(Box::new(self.request(base, attempt)))
        })
    }

    /// The same in its turn.
    pub fn take_turn(&self, record: &Record, order: Verdict) -> Verdict {
        turn::take(self.f, self.made.view, record, self.is_satisfied(), order)
    }

    fn request(&self, base: &BaseModel, attempt: u32) -> CreateModel {
        let (s, inputs) = (self.f.s, &self.trained.inputs);
        CreateModel {
            display_name: s.display_name(),
            description: s.object.spec.description.clone(),
            locale: s.object.spec.locale.clone(),
            base_model: base.header.id,
            datasets: inputs.datasets.clone(),
            weight_percent: inputs.weight_percent,
            project: inputs.project.filter(|_| s.has_projects()),
            owner: s.tag(attempt, self.number, &self.trained.print),
        }
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
