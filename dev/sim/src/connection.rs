//! One pass over the SpeechConnection, as the controller makes it: hold it, say how it is, delete what nobody needs.
use super::{cluster, law::Laws, operator::FASTEST, region::Region};
use jiff::SignedDuration;
use speech_api::is_held;
use speech_plan::{
    Action, Hands,
    connection::{Dependents, Plan, Snapshot, Step, plan},
    evaluation::{self, Unneeded},
};
use speech_resource::act;
use speech_service::EntityId;

/// The pause after a deletion that failed.
const COLLECTION_DELAY: SignedDuration = SignedDuration::from_mins(10);

impl Region {
    /// Looks at the connection.
    pub(super) fn pass_over_connection(&mut self) {
        let Some(mut plan) = self.decide_on_connection() else {
            return;
        };
        if plan.step == Some(Step::Hold) && !is_held(&self.cluster.connection) {
            cluster::claim(&mut self.cluster.connection, None);
            let Some(again) = self.decide_on_connection() else {
                return;
            };
            plan = again;
        }
        if let Some(at) = plan.look_again.filter(|at| *at <= self.now) {
            let what = format!("wants to be looked at again at {at}, which is not ahead");
            Laws::broken(&mut self.report, self.now, "connection", what);
        }
        self.cluster.connection.status = Some(plan.status);
        if let Some(operator) = &mut self.operator {
            operator.collection.woken = false;
            operator.collection.at = plan.look_again;
        }
        if let Some(id) = plan.collect {
            self.collect(id);
        }
    }

    fn decide_on_connection(&mut self) -> Option<Plan> {
        self.report.steps += 1;
        let operator = self.operator.as_ref()?;
        let view = operator.resource.view();
        let endpoints = self.cluster.endpoints.iter().flatten();
        let unneeded = if view.evaluations.is_empty() {
            Unneeded::default()
        } else {
            evaluation::unneeded(&view, cluster::UID, endpoints, self.now)
        };
        Some(plan(&Snapshot {
            object: &self.cluster.connection,
            contact: &operator.contact,
            dependents: Dependents {
                count: self.cluster.keys().len(),
                ..Dependents::default()
            },
            last_key_until: None,
            durations: &operator.resource.agenda().durations,
            skew: operator.resource.agenda().skew,
            throttled: false,
            sharing: &speech_plan::connection::Sharing::default(),
            unneeded,
            collect_from: operator.collection.from,
            held: None,
            resource: None,
            hands: Hands::Free,
            now: self.now,
        }))
    }

    /// Deletes an evaluation; one that cannot be deleted is left for a while.
    fn collect(&mut self, id: EntityId) {
        let Some(operator) = &mut self.operator else { return };
        let action = Action::DeleteEvaluation(id);
        let done = futures::executor::block_on(act(&operator.resource, &operator.client, &action));
        if let Some(wait) = self.network.take_throttled() {
            operator.rest(wait, self.now);
        }
        let pause = if done.is_ok() { FASTEST } else { COLLECTION_DELAY };
        let at = self.now.saturating_add(pause).unwrap_or(self.now);
        operator.collection.at = Some(at);
        if done.is_err() {
            operator.collection.from = Some(at);
            self.look_soon(self.now.saturating_add(FASTEST).unwrap_or(self.now));
        }
    }
}
