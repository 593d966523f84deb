//! The relations of SpeechEndpoints.
use super::{connection_name, is_elsewhere, of_subject};
use crate::controller::{
    references::refers_to,
    store::{Indexed, Relation, Store, name_of},
};
use kube::runtime::reflector::ObjectRef;
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_plan::{
    claim,
    relations::{claimed_id, concerns_endpoint, concerns_gate, entities_of_endpoint, means},
    view::{Changes, View},
};
use speech_service::{EntityId, entity::OwnerTag};
use std::{collections::HashSet, sync::Arc};

/// What changed in a Speech resource, with what follows from it for those that the changes do not name.
pub struct Changed<'a> {
    pub changes: &'a Changes,
    /// The uids in the marks of what changed.
    pub owners: &'a HashSet<String>,
    /// The datasets that changed, and those of the evaluations that did.
    pub judged_with: &'a HashSet<EntityId>,
}

impl Changed<'_> {
    /// Whether the mark of something that changed names an object.
    pub fn is_of(&self, uid: Option<&String>) -> bool {
        uid.is_some_and(|uid| self.owners.contains(uid))
    }

    /// The objects that the marks name.
    pub fn owners(&self) -> impl Iterator<Item = Relation<'_>> {
        self.owners.iter().map(|uid| Relation::Uid(uid))
    }
}

impl Indexed for SpeechEndpoint {
    fn relations(&self) -> Vec<Relation<'_>> {
        let (namespace, _) = name_of(self);
        let choice = &self.spec.model;
        let has_model = self.status.as_ref().is_some_and(|status| status.active.is_some());
        let mut relations = of_subject(self);
        relations.extend(entities_of_endpoint(self).map(Relation::Names));
        if let Some(reference) = &choice.r#ref {
            relations.push(Relation::Follows((namespace, &reference.name)));
        }
        if choice.selector.is_some() {
            relations.push(Relation::ChoosesIn(namespace));
        }
        if choice.id.is_some() && !has_model {
            relations.push(Relation::AwaitsModel(connection_name(self)));
        }
        if is_elsewhere(&self.spec.connection_ref, namespace) {
            relations.push(Relation::LooksAbroad(namespace));
        }
        relations
    }
}

impl Store<SpeechEndpoint> {
    /// Those whose spec means a SpeechModel, of those that meet a condition.
    pub fn meaning(
        &self,
        model: &SpeechModel,
        condition: impl Fn(&SpeechEndpoint) -> bool,
    ) -> Vec<Arc<SpeechEndpoint>> {
        // Labels are compared last, which takes longest.
        self.matching(of_model(model), |endpoint| {
            condition(endpoint) && means(endpoint, model)
        })
    }

    /// The same, and those that choose by labels in its namespace: one that lost labels was meant before.
    pub fn that_may_have_meant(&self, model: &SpeechModel) -> Vec<Arc<SpeechEndpoint>> {
        self.matching(of_model(model), |endpoint| {
            let chooses = endpoint.spec.model.selector.is_some();
            means(endpoint, model) || (chooses && endpoint.metadata.namespace == model.metadata.namespace)
        })
    }

    /// Those that hold a remote endpoint or want to hold it.
    pub fn claiming(&self, id: EntityId) -> Vec<Arc<SpeechEndpoint>> {
        self.matching([Relation::Names(id)], |endpoint| claimed_id(endpoint) == Some(id))
    }

    /// The one that a mark was made for, and the one of its name.
    pub fn marked_by(&self, mark: &OwnerTag) -> Vec<Arc<SpeechEndpoint>> {
        let named = mark.object.split_once('/').map(Relation::Named);
        let relations = [Relation::Uid(&mark.uid)].into_iter().chain(named);
        self.matching(relations, |endpoint| {
            endpoint.metadata.uid.as_ref() == Some(&mark.uid) || claim::is_named(endpoint, mark)
        })
    }

    /// Those that may need an evaluation of a Speech resource: who had it made, and who judges with its dataset.
    pub fn that_may_need_evaluations(&self, view: &View) -> Vec<Arc<SpeechEndpoint>> {
        let makers = view
            .evaluations
            .iter()
            .filter_map(|entry| entry.entity.header.owner.as_ref());
        let makers = makers.map(|mark| Relation::Uid(&mark.uid));
        let datasets: HashSet<EntityId> = view.evaluations.iter().map(|entry| entry.entity.dataset).collect();
        let judges = datasets.into_iter().map(Relation::Names);
        self.matching(makers.chain(judges), |_| true)
    }

    /// Those of a namespace that refer to a connection of another one.
    pub fn looking_abroad(&self, namespace: &str) -> Vec<Arc<SpeechEndpoint>> {
        self.matching([Relation::LooksAbroad(namespace)], |endpoint| {
            name_of(endpoint).0 == namespace && is_elsewhere(&endpoint.spec.connection_ref, namespace)
        })
    }

    /// Those of a connection that stand for what changed, or depend on it.
    pub fn concerned(
        &self,
        connection: &ObjectRef<SpeechConnection>,
        changed: &Changed<'_>,
    ) -> Vec<Arc<SpeechEndpoint>> {
        let Changes {
            endpoints,
            models,
            base_models,
            datasets: _, // those that judge with them are among `judged_with`
            evaluations,
        } = changed.changes;
        let named = endpoints
            .iter()
            .chain(models)
            .chain(evaluations)
            .chain(changed.judged_with);
        let waiting = (!models.is_empty()).then(|| Relation::to(connection, Relation::AwaitsModel));
        // Who follows base models is not told apart: they change a few times a year.
        let all = (!base_models.is_empty()).then(|| Relation::to(connection, Relation::Uses));
        let relations = named.copied().map(Relation::Names).chain(changed.owners());
        self.matching(relations.chain(waiting).chain(all), |endpoint| {
            refers_to(endpoint, connection)
                && (changed.is_of(endpoint.metadata.uid.as_ref())
                    || concerns_endpoint(endpoint, changed.changes)
                    || concerns_gate(endpoint, changed.changes, changed.judged_with))
        })
    }
}

/// By what the endpoints are found that a SpeechModel concerns.
fn of_model(model: &SpeechModel) -> [Relation<'_>; 2] {
    let name = name_of(model);
    [Relation::Follows(name), Relation::ChoosesIn(name.0)]
}
