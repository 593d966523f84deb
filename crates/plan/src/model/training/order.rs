//! The order of the next training.
use super::{
    super::{
        Snapshot,
        facts::{Facts, Made, Material},
        lineage::NextRevision,
        record::{Record, Ruling},
        revision::Revision,
        turn,
    },
    Trained,
};
use crate::{
    Action, Verdict,
    creation::Creation,
    lead_time::{Took, Work},
    text::{after, day_time},
    verdict::Phase,
};
use speech_api::{Reason, model::RenewalTrigger};
use speech_service::{entity::BaseModel, request::CreateModel};

/// The training that was seen to run and has succeeded.
pub fn took(f: &Facts<'_>, ruling: &Ruling) -> Option<Took> {
    f.s.object.spec.source.training.as_ref()?;
    let made = f
        .told
        .candidate
        .filter(|id| ruling.current(f).is_some_and(|current| current.id == *id))?;
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
        let NextRevision::Order { requested } = trained.next else {
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
            base: super::base(f.s, made.view, &trained.inputs, undeployable.as_ref()),
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
        self.f.order(&record.failures, &self.creation, verdict, |attempt| {
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
