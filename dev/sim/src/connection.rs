//! One pass over the SpeechConnection, as the controller makes it: hold it, say how it is, delete what nobody needs.
use super::{cluster, law::Laws, operator::FASTEST, region::Region};
use jiff::SignedDuration;
use speech_api::is_held;
use speech_plan::{
    Action, Hands, Scope,
    connection::{
        Dependents, Plan, Sharing, Snapshot, Step,
        collection::{self, Next, Outcome},
        plan,
    },
};
use speech_resource::{Undone, act};
use speech_service::EntityId;

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
        let agenda = operator.resource.agenda();
        let endpoints = self.cluster.endpoints.iter().flatten();
        let unneeded = collection::unneeded(&view, cluster::UID, &Scope::default(), endpoints, agenda.skew, self.now);
        Some(plan(&Snapshot {
            object: &self.cluster.connection,
            contact: &operator.contact,
            recognised: operator.client.is_trusted(),
            dependents: Dependents {
                count: self.cluster.keys().len(),
                ..Dependents::default()
            },
            last_key_until: None,
            durations: &agenda.durations,
            skew: agenda.skew,
            throttled: false,
            sharing: &Sharing::default(),
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
        let outcome = match done {
            Ok(()) => Outcome::Deleted,
            Err(Undone::Withheld) => Outcome::Withheld,
            Err(Undone::Failed(_)) => Outcome::Failed,
        };
        let after = |pause: SignedDuration| self.now.saturating_add(pause).unwrap_or(self.now);
        operator.collection.at = Some(match outcome.next(self.now) {
            Next::After(pause) => after(SignedDuration::try_from(pause).unwrap_or(FASTEST)),
            Next::NotBefore(at) => {
                operator.collection.from = Some(at);
                at
            }
        });
        if outcome != Outcome::Deleted {
            self.look_soon(after(FASTEST));
        }
    }
}
