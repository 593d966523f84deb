//! What holds of every plan and every step, whatever happened before.
use super::*;

impl Life {
    /// While what serves is valid, a swap leaves the endpoint ready, and what comes is told apart.
    pub(super) fn judge_swap(&self, plan: &Plan<SpeechEndpointStatus>) {
        let said = said(&plan.status.conditions);
        let target = plan.status.target.as_ref().or(plan.status.candidate.as_ref());
        let active = plan.status.active.as_ref();
        if said.contains("Reconciling Swapping") {
            let valid = !said.contains("ModelValid=False");
            assert!(said.contains("Ready=True") == valid, "{said}");
            assert_ne!(active.unwrap().model, target.unwrap().model);
        }
    }

    /// What no step may ever do.
    pub(super) fn judge(&self, action: &Action) {
        let spec = &self.case.object.spec;
        let deleting = self.case.object.metadata.deletion_timestamp.is_some();
        let deletion = deleting.then_some(spec.deletion_policy);
        judge_hands_off(action, spec.suspend, spec.management_policy, deletion);
        match action {
            Action::CreateEndpoint(create) => self.judge_post(create.owner.attempt),
            Action::CreateEvaluation(create) => self.judge_post(create.owner.attempt),
            Action::UpdateEndpoint { id, change, .. } => {
                assert!(
                    self.case.world.view.endpoints.get(*id).unwrap().confirmed,
                    "on what nobody has read"
                );
                self.judge_model(change);
            }
            Action::DeleteEndpoint(id) => {
                let tag = self
                    .case
                    .world
                    .view
                    .endpoints
                    .get(*id)
                    .unwrap()
                    .entity
                    .header
                    .owner
                    .clone();
                assert!(tag.map_or(deleting, |tag| tag.uid == UID), "another's endpoint {id}");
            }
            Action::Claim(_) | Action::Release => {}
            Action::TrainModel(_)
            | Action::CopyModel(_)
            | Action::FollowCopy { .. }
            | Action::UpdateModel { .. }
            | Action::DeleteModel(_)
            | Action::DeleteEvaluation(_) => {
                panic!("no step of an endpoint")
            }
        }
    }

    /// A request leaves only for the attempt that this very pass announced.
    fn judge_post(&self, attempt: u32) {
        let open = CreationIntent::of(&self.case.object).unwrap();
        assert_eq!(
            (self.case.world.pass.announced, attempt),
            (Some(open.attempt), open.attempt)
        );
    }

    fn judge_model(&self, change: &UpdateEndpoint) {
        let Some(model) = change.model() else { return };
        let facts = self.case.world.view.model(model).unwrap();
        assert!(model_choice::deployable(&facts, self.now()).is_ok());
        assert_eq!(facts.locale, "en-US");
        let choice = &self.case.object.spec.model;
        let named = choice.id.is_some() || choice.base.as_ref().is_some_and(|base| base.id.is_some());
        let serves = self
            .case
            .world
            .view
            .endpoints
            .iter()
            .find(|e| e.is_owned_by(UID) && e.entity.header.status == Status::Succeeded);
        let active = serves.and_then(|e| self.case.world.view.model(e.entity.model?)?.expires_at);
        // What was chosen before is put back, whatever a person put in its place.
        let status = self.case.object.status.as_ref();
        let served = status.and_then(|status| Some(&status.active.as_ref()?.model));
        let chosen = status.and_then(|status| Some(&status.target.as_ref()?.model));
        let put_back = [served, chosen].contains(&Some(&model.to_string()));
        // What stands in for a candidate makes room for it.
        let interim = status.is_some_and(|status| status.active.as_ref().is_some_and(|active| active.interim));
        if let (Some(active), Some(next), false) = (active, facts.expires_at, named || put_back || interim) {
            assert!(
                active <= self.now() || next >= active,
                "swapped to what expires earlier"
            );
        }
    }
}
