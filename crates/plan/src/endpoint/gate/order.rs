//! How there comes to be an evaluation: what has to hold before, and the request.
use super::{Assessment, Bench, Finding, Observed};
use crate::{
    Action, List, Verdict,
    creation::NextRequest,
    queue::Want,
    text::{after, day_time},
    view::View,
};
use jiff::SignedDuration;
use speech_api::{
    Reason,
    reference::LastFailure,
    swap::{EvaluationGate, GateVerdict},
};
use speech_service::{
    EntityId,
    entity::{Dataset, Status},
    request::CreateEvaluation,
};

/// Who waits for another object's evaluation is woken when it changes; this is for the case that it is never made.
const ANOTHERS: SignedDuration = SignedDuration::from_mins(1);
/// The kind of datasets with audio and human-labelled transcripts.
const SUITABLE: &str = "Acoustic";
/// The longest name of an evaluation.
const NAME_LENGTH: usize = 256;

/// Why a dataset cannot be evaluated with.
pub struct Unfit {
    /// In one word.
    pub reason: Reason,
    /// What is needed instead.
    pub words: String,
    /// Whether it passes by itself.
    pub passes: bool,
}

/// Whether the gate of a spec names a dataset of which nobody has said yet whether it exists.
pub fn asks_for_dataset(view: &View, gate: &EvaluationGate) -> bool {
    let named: Option<EntityId> = gate.dataset.parse().ok();
    named.is_some_and(|id| view.datasets.is_known() && view.datasets.is_unseen(id))
}

/// A dataset that models of the locale can be evaluated with.
pub fn fit<'a>(view: &'a View, id: EntityId, locale: &str) -> Result<&'a Dataset, Unfit> {
    let unfit = |reason, words| Unfit {
        reason,
        words,
        passes: false,
    };
    if !view.datasets.is_known() {
        let words = "the datasets, which have not been read yet".to_owned();
        return Err(Unfit {
            reason: Reason::DatasetNotReady,
            words,
            passes: true,
        });
    }
    let Some(entry) = view.datasets.get(id) else {
        if view.datasets.is_unseen(id) {
            return Err(Unfit {
                reason: Reason::DatasetNotReady,
                words: format!("dataset {id}, which no list shows; the service is asked whether it exists"),
                passes: true,
            });
        }
        let words = format!("dataset {id}, which the Speech resource does not have");
        return Err(unfit(Reason::DatasetNotFound, words));
    };
    let Dataset {
        header,
        kind,
        accepted_lines,
    } = &*entry.entity;
    let name = &header.display_name;
    if **kind != *SUITABLE {
        let words =
            format!("a dataset of audio with human-labelled transcripts ({SUITABLE}); {name} ({id}) is of kind {kind}");
        return Err(unfit(Reason::DatasetUnsuitable, words));
    }
    if *header.locale != *locale {
        let words = format!("a dataset of locale {locale}; {name} ({id}) is of {}", header.locale);
        return Err(unfit(Reason::DatasetUnsuitable, words));
    }
    match header.status {
        Status::Succeeded if *accepted_lines == Some(0) => {
            let words = format!("another dataset; no line of {name} ({id}) was accepted on its import");
            Err(unfit(Reason::DatasetUnsuitable, words))
        }
        Status::Succeeded => Ok(&*entry.entity),
        Status::Failed => {
            let words = format!("another dataset; the import of {name} ({id}) failed");
            Err(unfit(Reason::DatasetNotReady, words))
        }
        Status::NotStarted | Status::Running | Status::Other(_) => {
            let words = format!("dataset {name} ({id}), which is being imported");
            Err(Unfit {
                reason: Reason::DatasetNotReady,
                words,
                passes: true,
            })
        }
    }
}

impl Bench<'_> {
    /// Has the pair evaluated, if nobody else does.
    pub(super) fn evaluate(&self, f: &Observed<'_>) -> Finding {
        let s = self.s;
        let dataset = match self.dataset() {
            Ok(dataset) => dataset,
            Err(obstacle) => return *obstacle,
        };
        if let Some(at) = self.view.model(self.pair.active).and_then(|active| active.expires_at)
            && at <= s.now()
        {
            let message = format!(
                "an active model to compare with; the present one expired on {}",
                day_time(at)
            );
            return self.obstacle(Reason::GateError, message);
        }
        if s.around.agenda.queue.evaluated_by_another(self.pair, s.uid()) {
            let message = "its evaluation, which another endpoint has made";
            let finding = self.pending(Reason::Evaluating, message).awaiting(List::Evaluations);
            return finding.until(after(s.now(), ANOTHERS));
        }
        if !s.may_act() {
            let verdict = s.untouched("evaluate the candidate");
            return self.pending(verdict.reason, verdict.message);
        }
        self.create(dataset, f)
    }

    /// The dataset, if it can be evaluated with.
    fn dataset(&self) -> Result<&Dataset, Box<Finding>> {
        if !self.view.datasets.is_known() {
            return Err(Box::new(self.waiting_for(List::Datasets)));
        }
        let fit = fit(self.view, self.pair.dataset, &self.s.object.spec.locale);
        fit.map_err(|Unfit { reason, words, passes }| {
            Box::new(match passes {
                true => self.pending(reason, words).awaiting(List::Datasets),
                false => self.obstacle(reason, words),
            })
        })
    }

    /// What no delay helps against.
    fn obstacle(&self, reason: Reason, message: String) -> Finding {
        Finding {
            assessment: Assessment {
                verdict: GateVerdict::Error,
                ..self.pending(reason, message).assessment
            },
            ..self.pending(reason, "")
        }
    }

    fn create(&self, dataset: &Dataset, f: &Observed<'_>) -> Finding {
        let s = self.s;
        let swept_at = self.view.evaluations.swept_at();
        let creation = s.creation_in(&f.status, swept_at).evaluating();
        let post = |attempt| Action::CreateEvaluation(Box::new(self.request(dataset, attempt)));
        let finding = |action| {
            let mut finding = self
                .pending(
                    Reason::Evaluating,
                    "its evaluation against the active model, which begins",
                )
                .awaiting(List::Evaluations);
            finding.assessment.wants = Some(Want::Evaluation(self.pair));
            finding.assessment.action = action;
            finding
        };
        let announcement = match creation.next(post) {
            Ok(NextRequest::Post(action)) => return finding(Some(action)),
            Ok(NextRequest::Announce(announcement)) => announcement,
            Err(wait) => {
                let mut held = self.held(wait, Reason::Evaluating);
                held.assessment.wants = Some(Want::Evaluation(self.pair));
                return held.awaiting(List::Evaluations);
            }
        };
        // The announcement stands for the request: a failed request holds back the next announcement. What the service
        // refuses is counted with the evaluations that failed, and has waited for its delay.
        let last = f.record.failures.recall(Action::EVALUATE);
        let last = last.filter(|last: &&LastFailure| !last.terminal);
        let verdict = Verdict::working(Reason::Evaluating, "");
        let admitted = s.asking(None).admit(last, post(0), verdict);
        let announced = announcement.through(admitted, last);
        if announced.action.is_none() {
            return self.held(announced, Reason::GateError);
        }
        finding(announced.action)
    }

    /// A request that cannot be sent yet.
    fn held(&self, verdict: Verdict, reason: Reason) -> Finding {
        let finding = self.pending(reason, format!("its evaluation; {}", verdict.message));
        match verdict.look_again {
            Some(at) => finding.until(at),
            None => finding,
        }
    }

    fn request(&self, dataset: &Dataset, attempt: u32) -> CreateEvaluation {
        let s = self.s;
        let active = self.view.model(self.pair.active);
        let active = active.map_or_else(|| self.pair.active.to_string(), |active| active.name.to_owned());
        let name = format!("{} against {active}", self.name);
        CreateEvaluation {
            display_name: name.chars().take(NAME_LENGTH).collect(),
            locale: s.object.spec.locale.clone(),
            model1: self.pair.candidate,
            model2: self.pair.active,
            dataset: dataset.header.id,
            project: s.object.spec.project.as_deref().and_then(|id| id.parse().ok()),
            owner: s.mark(attempt),
        }
    }
}
