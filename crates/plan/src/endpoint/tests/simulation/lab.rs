//! The evaluations of the service in a random world.
use super::*;
use crate::{evaluation, view::View};
use speech_service::{
    Absent, ModelId,
    entity::{Evaluation, Scores},
    request::CreateEvaluation,
};

/// The evaluations that exist, and those that will.
#[derive(Default)]
pub struct Lab {
    service: BTreeMap<EntityId, Evaluation>,
    late: Vec<(Timestamp, Evaluation)>,
    count: u128,
}

impl Lab {
    /// Takes a request; a lost one takes effect later.
    pub fn post(&mut self, create: &CreateEvaluation, fate: Fate, view: &mut View, now: Timestamp) {
        self.count += 1;
        let new = with(
            evaluation(500 + self.count, [create.model1, create.model2], 5, [0.0, 0.0]),
            |e| {
                e.dataset = create.dataset;
                (e.scores1, e.scores2) = (None, None);
                e.header.owner = Some(Arc::new(create.owner.clone()));
                e.header.created_at = now;
                put_state(&mut e.header, Status::NotStarted, now);
            },
        );
        match fate {
            Fate::Failed(_) | Fate::Void => {}
            Fate::Lost(seconds) => self.late.push((now + SignedDuration::from_secs(seconds), new)),
            Fate::Answered | Fate::Crash => {
                self.service.insert(new.header.id, new.clone());
                if fate == Fate::Answered {
                    view.evaluations.answered(new);
                }
            }
        }
    }

    /// What is under way ends; model 4 is worse than the gates here allow.
    pub fn progress(&mut self, good: bool, now: Timestamp) {
        let running = |evaluation: &&mut Evaluation| !evaluation.header.status.is_terminal();
        for evaluation in self.service.values_mut().filter(running) {
            let scores = |model: ModelId| Scores {
                word_error_rate: if number(model.entity()) == 4 { 0.182 } else { 0.1 },
                token_error_rate: None,
                word_count: Some(2000),
            };
            if good {
                evaluation.scores1 = Some(scores(evaluation.model1));
                evaluation.scores2 = Some(scores(evaluation.model2));
            }
            let state = if good { Status::Succeeded } else { Status::Failed };
            put_state(&mut evaluation.header, state, now);
        }
    }

    /// Reads the list, after deleting what nobody needs as the connection does.
    pub fn sweep(&mut self, view: &mut View, object: &SpeechEndpoint, now: Timestamp) {
        let unneeded = evaluation::unneeded(view, CLUSTER, std::iter::once(object), now);
        if let Some(id) = unneeded.id {
            self.service.remove(&id);
            view.evaluations.removed(&Absent::assumed(id));
        }
        let arrived = self.late.extract_if(.., |(when, _)| *when <= now);
        self.service
            .extend(arrived.map(|(_, evaluation)| (evaluation.header.id, evaluation)));
        let shelf = &mut view.evaluations;
        let began = shelf.begin();
        let (_, missing) = shelf.swept(self.service.values().cloned().collect(), began, now);
        missing
            .into_iter()
            .for_each(|id| assert!(shelf.vanished(&Absent::assumed(id), began)));
        shelf.complete(now);
    }

    /// Whether two evaluations say the same, or will.
    pub fn has_twins(&self) -> bool {
        let mut all: Vec<_> = self
            .service
            .values()
            .chain(self.late.iter().map(|(_, evaluation)| evaluation))
            .filter(|evaluation| evaluation.header.status != Status::Failed)
            .map(|evaluation| (evaluation.model1, evaluation.model2, evaluation.dataset))
            .collect();
        let made = all.len();
        all.sort_unstable();
        all.dedup();
        all.len() < made
    }
}
