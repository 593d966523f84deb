//! How there comes to be an evaluation: what has to hold before, and the request.
use super::{Bench, Finding, Ruling};
use crate::{
    api::{Reason, SpeechEndpointStatus, reference::LastFailure, swap::GateVerdict},
    plan::{
        Action, List, Verdict,
        creation::Creation,
        endpoint::untouched,
        line::Want,
        retry,
        text::{after, day_time},
    },
    speech::{
        entity::{Dataset, Status},
        request::CreateEvaluation,
    },
};
use jiff::SignedDuration;

/// Who waits for another object's evaluation is woken when it changes; this is for the case that it is never made.
const ANOTHERS: SignedDuration = SignedDuration::from_mins(1);
/// The kind of datasets with audio and human-labelled transcripts.
const SUITABLE: &str = "Acoustic";
/// The longest name of an evaluation.
const NAME_LENGTH: usize = 256;

impl Bench<'_> {
    /// Has the pair evaluated, if nobody else does.
    pub(super) fn evaluate(&self, status: &SpeechEndpointStatus) -> Finding {
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
        if s.around.agenda.line.evaluated_by_another(self.pair, s.uid()) {
            let message = "its evaluation, which another endpoint has made";
            let finding = self.pending(Reason::Evaluating, message).awaiting(List::Evaluations);
            return finding.until(after(s.now(), ANOTHERS));
        }
        if !s.may_act() {
            let verdict = untouched(s, "evaluate the candidate");
            return self.pending(verdict.reason, verdict.message);
        }
        self.create(dataset, status)
    }

    /// The dataset, if it can be evaluated with.
    fn dataset(&self) -> Result<&Dataset, Box<Finding>> {
        if !self.view.datasets.is_known() {
            return Err(Box::new(self.waiting_for(List::Datasets)));
        }
        let id = self.pair.dataset;
        let Some(entry) = self.view.datasets.get(id) else {
            let message = format!("dataset {id}, which the Speech resource does not have");
            return Err(Box::new(self.obstacle(Reason::DatasetNotFound, message)));
        };
        let Dataset {
            header,
            kind,
            accepted_lines,
        } = &*entry.entity;
        let name = &header.display_name;
        let locale = &self.s.object.spec.locale;
        if **kind != *SUITABLE {
            let message = format!(
                "a dataset of audio with human-labelled transcripts ({SUITABLE}); {name} ({id}) is of kind {kind}"
            );
            return Err(Box::new(self.obstacle(Reason::DatasetUnsuitable, message)));
        }
        if *header.locale != **locale {
            let message = format!("a dataset of locale {locale}; {name} ({id}) is of {}", header.locale);
            return Err(Box::new(self.obstacle(Reason::DatasetUnsuitable, message)));
        }
        match header.status {
            Status::Succeeded if *accepted_lines == Some(0) => {
                let message = format!("another dataset; no line of {name} ({id}) was accepted on its import");
                Err(Box::new(self.obstacle(Reason::DatasetUnsuitable, message)))
            }
            Status::Succeeded => Ok(&*entry.entity),
            Status::Failed => {
                let message = format!("another dataset; the import of {name} ({id}) failed");
                Err(Box::new(self.obstacle(Reason::DatasetNotReady, message)))
            }
            Status::NotStarted | Status::Running | Status::Other(_) => {
                let message = format!("dataset {name} ({id}), which is being imported");
                Err(Box::new(
                    self.pending(Reason::DatasetNotReady, message).awaiting(List::Datasets),
                ))
            }
        }
    }

    /// What no delay helps against.
    fn obstacle(&self, reason: Reason, message: String) -> Finding {
        Finding {
            ruling: Ruling {
                verdict: GateVerdict::Error,
                ..self.pending(reason, message).ruling
            },
            ..self.pending(reason, "")
        }
    }

    fn create(&self, dataset: &Dataset, status: &SpeechEndpointStatus) -> Finding {
        let s = self.s;
        let creation = Creation::of(
            s.object,
            &s.around,
            status.closed_attempt,
            self.view.evaluations.swept_at(),
        );
        let post = |attempt| Action::CreateEvaluation(Box::new(self.request(dataset, attempt)));
        let finding = |action| {
            let mut finding = self
                .pending(
                    Reason::Evaluating,
                    "its evaluation against the active model, which begins",
                )
                .awaiting(List::Evaluations);
            finding.ruling.wants = Some(Want::Evaluation(self.pair));
            finding.ruling.action = action;
            finding
        };
        let action = match creation.next(post) {
            Ok(action) => action,
            Err(wait) => {
                let mut held = self.held(wait, Reason::Evaluating);
                held.ruling.wants = Some(Want::Evaluation(self.pair));
                return held.awaiting(List::Evaluations);
            }
        };
        if action.is_remote() {
            return finding(Some(action));
        }
        // The announcement stands for the request: a failed request holds back the next announcement. What the service
        // refuses is counted with the evaluations that failed, and has waited for its delay.
        let last = status
            .last_failure
            .as_ref()
            .filter(|last: &&LastFailure| !last.terminal);
        let verdict = Verdict::working(Reason::Evaluating, "");
        let gated = retry::gate(last, post(0), verdict, s.generation(), s.is_fresh(), s.now());
        if gated.action.is_none() {
            return self.held(gated, Reason::GateError);
        }
        finding(Some(action))
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
            owner: s.tag(attempt),
        }
    }
}
