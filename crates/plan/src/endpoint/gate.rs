//! What an evaluation of candidate against active model says, and how there comes to be one.
//!
//! There is one evaluation for each pair of models and dataset: who needs it first has it made, others find it by the
//! mark of the cluster. Once it has ended its numbers stand in the status, so that the evaluation itself may go.
use super::{Snapshot, observed::Observed};
use crate::{
    Action, Failure, FailureClass, List, evaluation,
    lead_time::{Took, Work},
    queue::{Pair, Want},
    retry,
    text::{after, cause, day_time, whole_seconds},
    view::{Entry, ModelFacts, View},
};
use jiff::Timestamp;
use speech_api::{
    Reason, SpeechEndpointStatus,
    annotation::CreationIntent,
    swap::{EvaluationGate, GateVerdict, Judgement},
};
use speech_service::{
    EntityId, ModelId,
    entity::{Evaluation, Status},
};
use weigh::{Metric, Numbers};

mod order;
pub use order::{asks_for_dataset, fit};
mod weigh;

/// What the evaluation of a candidate says.
#[derive(Clone, Debug)]
pub struct Assessment {
    pub verdict: GateVerdict,
    /// Why.
    pub reason: Reason,
    /// The same for a person, with the numbers.
    pub message: String,
    /// The next step towards a verdict.
    pub action: Option<Action>,
    /// When time alone may change it (UTC).
    pub look_again: Option<Timestamp>,
    /// The place in the queue, while this object has the pair evaluated.
    pub wants: Option<Want>,
    /// The list that is about to change.
    pub awaits: Option<List>,
}

/// Judges a candidate against the active model; and what to remember of it. None says that what is remembered stands.
pub fn judge(
    f: &Observed<'_>,
    view: &View,
    gate: &EvaluationGate,
    candidate: &ModelFacts<'_>,
    active: ModelId,
) -> (Assessment, Option<Judgement>) {
    let dataset = match gate.dataset.parse::<EntityId>() {
        Ok(dataset) => dataset,
        Err(error) => {
            let message = format!("spec.swap.gate.evaluation.dataset: {error}");
            let finding = Finding::new(GateVerdict::Error, Reason::DatasetNotFound, message);
            return (finding.assessment, None);
        }
    };
    let pair = Pair {
        candidate: candidate.model,
        active,
        dataset,
    };
    let bench = Bench {
        s: &f.s,
        view,
        gate,
        name: candidate.name,
        pair,
        before: f.record.gate.as_ref().filter(|judgement| is_about(judgement, pair)),
    };
    let finding = bench.decide(f);
    let judgement = bench.judgement(&finding);
    (finding.assessment, Some(judgement))
}

/// Writes down what became of requests for evaluations, and the end of an evaluation also where nothing is judged any
/// more, because the swap that it allowed has begun.
pub fn note(s: &Snapshot<'_>, status: &mut SpeechEndpointStatus) {
    let Some(view) = s.around.connection.view() else { return };
    close_attempts(s, view, status);
    let Some((judgement, gate)) = status
        .gate
        .as_ref()
        .filter(|judgement| judgement.verdict == GateVerdict::Pending)
        .and_then(|judgement| {
            let gate = &s.object.spec.swap.gate.as_ref()?.evaluation;
            Some((judgement.clone(), gate))
        })
    else {
        return;
    };
    // Whether a model is a base model says nothing here: only ids are compared.
    let pair = Pair {
        candidate: ModelId::Custom(judgement.candidate),
        active: ModelId::Custom(judgement.active),
        dataset: judgement.dataset,
    };
    let entry = evaluation::of_pair(view, s.around.cluster, pair);
    let Some(entry) = entry.filter(|entry| entry.entity.header.status.is_terminal() && entry.confirmed) else {
        return;
    };
    let bench = Bench {
        s,
        view,
        gate,
        name: "",
        pair,
        before: Some(&judgement),
    };
    let header = &entry.entity.header;
    let finding = match header.status == Status::Succeeded {
        true => bench.ended(&entry.entity),
        // The one that was waited for counts when it fails, also where nobody asks for another: it is not needed any more.
        false if judgement.evaluation == Some(header.id) => bench.count(&entry.entity),
        false => return,
    };
    status.gate = Some(bench.judgement(&finding));
}

/// The evaluation that was seen to end just now.
pub fn took(s: &Snapshot<'_>, status: &SpeechEndpointStatus) -> Option<Took> {
    let judgement = status.gate.as_ref()?;
    let before = s.old_status().and_then(|old| old.gate.as_ref());
    let waited = before
        .is_some_and(|before| before.verdict == GateVerdict::Pending && before.evaluation == judgement.evaluation);
    let evaluation = &s
        .around
        .connection
        .view()?
        .evaluations
        .get(judgement.evaluation?)?
        .entity;
    let header = &evaluation.header;
    (waited && header.status == Status::Succeeded).then(|| Took {
        work: Work::Evaluating,
        time: header.last_action_at.duration_since(header.created_at),
    })
}

fn is_about(judgement: &Judgement, pair: Pair) -> bool {
    judgement.candidate == pair.candidate.entity()
        && judgement.active == pair.active.entity()
        && judgement.dataset == pair.dataset
}

/// An attempt that made an evaluation is over, and one that certainly made none.
fn close_attempts(s: &Snapshot<'_>, view: &View, status: &mut SpeechEndpointStatus) {
    let made = view.evaluations.latest_attempt(s.uid());
    let led_to_nothing = |failure: &&Failure| is_ours(failure) && failure.had_no_effect();
    let void = s.around.learned.failure.filter(led_to_nothing);
    let void = void.and_then(|_| CreationIntent::of(s.object).map(|intent| intent.attempt));
    let closed = made.max(void).and_then(|attempt| i32::try_from(attempt).ok());
    status.closed_attempt = closed.max(status.closed_attempt);
}

/// Whether a request for an evaluation failed.
fn is_ours(failure: &Failure) -> bool {
    failure.operation == Action::EVALUATE
}

/// Whether another request for an evaluation may come, so that it matters that the last one failed.
pub fn is_open(status: &SpeechEndpointStatus) -> bool {
    let is_open = |judgement: &Judgement| matches!(judgement.verdict, GateVerdict::Pending | GateVerdict::Error);
    status.gate.as_ref().is_some_and(is_open)
}

/// All that a verdict depends on.
struct Bench<'a> {
    s: &'a Snapshot<'a>,
    view: &'a View,
    gate: &'a EvaluationGate,
    /// The candidate's.
    name: &'a str,
    pair: Pair,
    /// What the status says of this very pair.
    before: Option<&'a Judgement>,
}

/// A verdict and what it rests on.
struct Finding {
    assessment: Assessment,
    numbers: Option<Numbers>,
    metric: Option<Metric>,
    evaluation: Option<EntityId>,
    errors: i32,
    at: Option<Timestamp>,
}

impl Finding {
    fn new(verdict: GateVerdict, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            assessment: Assessment {
                verdict,
                reason,
                message: message.into(),
                action: None,
                look_again: None,
                wants: None,
                awaits: None,
            },
            numbers: None,
            metric: None,
            evaluation: None,
            errors: 0,
            at: None,
        }
    }

    fn awaiting(mut self, list: List) -> Self {
        self.assessment.awaits = Some(list);
        self
    }

    fn until(mut self, at: Timestamp) -> Self {
        self.assessment.look_again = Some(at);
        self
    }
}

impl Bench<'_> {
    fn decide(&self, f: &Observed<'_>) -> Finding {
        if let Some(finding) = self.settled() {
            return finding;
        }
        if !self.view.evaluations.is_known() {
            return self.waiting_for(List::Evaluations);
        }
        let entry = evaluation::of_pair(self.view, self.s.around.cluster, self.pair);
        let failed = match entry {
            Some(entry) if entry.entity.header.status == Status::Failed => {
                let failed = &entry.entity;
                Some(
                    self.refused(Some(failed.header.id))
                        .unwrap_or_else(|| self.count(failed)),
                )
            }
            Some(entry) if entry.entity.header.status == Status::Succeeded && entry.confirmed => {
                return self.ended(&entry.entity);
            }
            Some(entry) => return self.under_way(entry),
            None => self.refused(None).or_else(|| self.failed_before()),
        };
        match failed {
            Some(failed) if failed.assessment.look_again.is_some() => failed,
            Some(_) | None => self.evaluate(f),
        }
    }

    /// A verdict that stands needs no evaluation any more; thresholds that changed since are applied to its numbers.
    fn settled(&self) -> Option<Finding> {
        let before = self.before?;
        let metric = Metric::of(self.gate);
        let ended = match before.verdict {
            GateVerdict::Pass | GateVerdict::Fail | GateVerdict::Inconclusive => before.metric == metric.as_str(),
            GateVerdict::Pending | GateVerdict::Error => false,
        };
        if !ended {
            return None;
        }
        let finding = match Numbers::told(before, metric) {
            Some(numbers) => self.weighed(numbers),
            None => Finding {
                metric: Some(metric),
                ..Finding::new(before.verdict, Reason::GateInconclusive, before.message.clone())
            },
        };
        Some(Finding {
            evaluation: before.evaluation,
            ..finding
        })
    }

    fn weighed(&self, numbers: Numbers) -> Finding {
        let (verdict, said) = weigh::weigh(self.gate, &numbers);
        let message = match verdict {
            GateVerdict::Inconclusive => format!("an evaluation that decides; the last one: {said}"),
            GateVerdict::Pass | GateVerdict::Fail | GateVerdict::Pending | GateVerdict::Error => said,
        };
        let reason = match verdict {
            GateVerdict::Pass => Reason::Swapping,
            GateVerdict::Fail => Reason::GateFailed,
            GateVerdict::Inconclusive => Reason::GateInconclusive,
            GateVerdict::Pending | GateVerdict::Error => Reason::GateError,
        };
        Finding {
            metric: Some(numbers.metric),
            numbers: Some(numbers),
            ..Finding::new(verdict, reason, message)
        }
    }

    fn ended(&self, evaluation: &Evaluation) -> Finding {
        let metric = Metric::of(self.gate);
        let finding = match Numbers::of(evaluation, self.pair.candidate, metric) {
            Some(numbers) => self.weighed(numbers),
            None => Finding {
                metric: Some(metric),
                ..Finding::new(
                    GateVerdict::Inconclusive,
                    Reason::GateInconclusive,
                    format!(
                        "an evaluation that decides; the last one ended without a {}",
                        metric.words()
                    ),
                )
            },
        };
        Finding {
            evaluation: Some(evaluation.header.id),
            ..finding
        }
    }

    fn under_way(&self, entry: &Entry<Evaluation>) -> Finding {
        let header = &entry.entity.header;
        let message = format!(
            "its evaluation against the active model, which runs since {}",
            day_time(header.created_at)
        );
        Finding {
            evaluation: Some(header.id),
            errors: self.errors(),
            ..Finding::new(GateVerdict::Pending, Reason::Evaluating, message).awaiting(List::Evaluations)
        }
    }

    fn errors(&self) -> i32 {
        self.before.map_or(0, |before| before.errors)
    }

    /// A failed evaluation counts once.
    fn count(&self, evaluation: &Evaluation) -> Finding {
        let header = &evaluation.header;
        let known = self
            .before
            .is_some_and(|before| before.verdict == GateVerdict::Error && before.evaluation == Some(header.id));
        let words = cause(header);
        let errors = self.errors().saturating_add(i32::from(!known));
        let ended = self.s.around.agenda.skew.later_of_service(header.last_action_at);
        // A request for another one that was refused since is what the next has to wait for.
        let since = self
            .before
            .filter(|_| known)
            .and_then(|before| (before.at > ended).then(|| (before.at, before.message.clone())));
        let finding = match since {
            Some((at, message)) => self.failed(errors, at, |_| message),
            None => self.failed(errors, ended, |again| {
                format!(
                    "another evaluation at {}, because the last one failed: {words}",
                    day_time(again)
                )
            }),
        };
        Finding {
            evaluation: Some(header.id),
            ..finding
        }
    }

    /// The service refused to evaluate, in this very pass. The evaluation that failed before, if any, stays counted; it is
    /// named also where a person has the verdicts forgotten, so that the next pass knows that the refusal came after it.
    fn refused(&self, failed: Option<EntityId>) -> Option<Finding> {
        let failure = self.s.around.learned.failure.filter(|failure| is_ours(failure))?;
        if failure.class != FailureClass::Refused {
            return None;
        }
        let refused = self.failed(self.errors().saturating_add(1), self.s.now(), |again| {
            format!(
                "another request for an evaluation at {}, because the service refused the last one: {} ({})",
                day_time(again),
                failure.message,
                failure.code
            )
        });
        Some(Finding {
            evaluation: failed.or_else(|| self.before.and_then(|before| before.evaluation)),
            ..refused
        })
    }

    /// The evaluation that failed is gone, or there never was one; the status remembers.
    fn failed_before(&self) -> Option<Finding> {
        let before = self
            .before
            .filter(|before| before.verdict == GateVerdict::Error && before.errors > 0)?;
        Some(Finding {
            evaluation: before.evaluation,
            ..self.failed(before.errors, before.at, |_| before.message.clone())
        })
    }

    /// Tried again after a growing delay; without `look_again` it is time.
    fn failed(&self, errors: i32, at: Timestamp, message: impl FnOnce(Timestamp) -> String) -> Finding {
        let again = after(at, retry::work_delay(errors));
        let finding = Finding {
            errors,
            at: Some(at),
            ..Finding::new(GateVerdict::Error, Reason::GateError, message(again))
        };
        if again <= self.s.now() || self.s.is_fresh() {
            return finding;
        }
        finding.until(again)
    }

    /// What was found before stands until a list is known.
    fn waiting_for(&self, list: List) -> Finding {
        let word = if list == List::Datasets {
            "datasets"
        } else {
            "evaluations"
        };
        let message = format!("the first look at the {word} of the Speech resource");
        self.pending(Reason::Evaluating, message).awaiting(list)
    }

    fn pending(&self, reason: Reason, message: impl Into<String>) -> Finding {
        Finding {
            errors: self.errors(),
            evaluation: self.before.and_then(|before| before.evaluation),
            ..Finding::new(GateVerdict::Pending, reason, message)
        }
    }

    /// What to write down; the time stays while the verdict does.
    fn judgement(&self, finding: &Finding) -> Judgement {
        let Assessment { verdict, message, .. } = &finding.assessment;
        // An error stands until there is another evaluation, so that it is counted once.
        let repeats = |before: &&Judgement| {
            before.verdict == GateVerdict::Error && before.errors > 0 && before.evaluation == finding.evaluation
        };
        let verdict = match self.before.filter(repeats) {
            Some(_) if *verdict == GateVerdict::Pending => GateVerdict::Error,
            Some(_) | None => *verdict,
        };
        let stands = self.before.filter(|before| before.verdict == verdict);
        let at = match (finding.at, stands) {
            (Some(at), _) => whole_seconds(at),
            (None, Some(before)) => before.at,
            (None, None) => whole_seconds(self.s.now()),
        };
        let numbers = finding.numbers.as_ref();
        Judgement {
            candidate: self.pair.candidate.entity(),
            active: self.pair.active.entity(),
            dataset: self.pair.dataset,
            evaluation: finding.evaluation,
            verdict,
            metric: finding
                .metric
                .map_or_else(String::new, |metric| metric.as_str().to_owned()),
            candidate_error_rate: numbers.map(|numbers| numbers.candidate),
            active_error_rate: numbers.map(|numbers| numbers.active),
            words: numbers.and_then(|numbers| numbers.words),
            message: message.clone(),
            errors: finding.errors.max(self.errors()),
            at,
        }
    }
}
