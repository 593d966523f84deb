//! The relations of SpeechModels.
use super::{Changed, connection_name, is_elsewhere, leaves, of_subject};
use crate::controller::{
    references::{connection_of, is_copy_of, refers_to},
    store::{Indexed, Relation, Store, name_of},
};
use kube::runtime::reflector::ObjectRef;
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_plan::{
    relations::{concerns_model, entities_of_model, has_history, means},
    view::Changes,
};
use speech_service::EntityId;
use std::{collections::HashSet, sync::Arc};

impl Indexed for SpeechModel {
    fn relations(&self) -> Vec<Relation<'_>> {
        let (namespace, _) = name_of(self);
        let connection = connection_name(self);
        let mut relations = of_subject(self);
        relations.push(Relation::Within(namespace));
        relations.extend(entities_of_model(self).map(Relation::Names));
        if has_history(self) {
            relations.push(Relation::KeepsHistory(connection));
        }
        if let Some(copy) = &self.spec.source.copy {
            relations.push(Relation::CopiesInto(connection));
            if let Some(source) = &copy.model_ref {
                let home = source.namespace.as_deref().unwrap_or(namespace);
                relations.push(Relation::CopyOf((home, &source.name)));
            }
            if let Some(source) = &copy.connection_ref {
                let home = source.namespace.as_deref().unwrap_or(namespace);
                relations.push(Relation::CopiesFrom((home, &source.name)));
            }
        }
        if looks_abroad(self, namespace) {
            relations.push(Relation::LooksAbroad(namespace));
        }
        relations
    }
}

/// Whether it needs what another namespace has to allow. The source of a copy may be anywhere.
fn looks_abroad(model: &SpeechModel, namespace: &str) -> bool {
    is_elsewhere(&model.spec.connection_ref, namespace) || is_copy(model)
}

fn is_copy(model: &SpeechModel) -> bool {
    model.spec.source.copy.is_some()
}

impl Store<SpeechModel> {
    /// Those that an endpoint's spec means.
    pub fn meant_by(&self, endpoint: &SpeechEndpoint) -> Vec<Arc<SpeechModel>> {
        let (namespace, _) = name_of(endpoint);
        let choice = &endpoint.spec.model;
        let named = choice.r#ref.as_ref();
        let named = named.map(|reference| Relation::Named((namespace, &reference.name)));
        let labelled = choice.selector.as_ref().map(|_| Relation::Within(namespace));
        self.matching(named.into_iter().chain(labelled), |model| means(endpoint, model))
    }

    /// Those that are copied from a SpeechModel.
    pub fn copies_of(&self, source: &SpeechModel) -> Vec<Arc<SpeechModel>> {
        self.matching([Relation::CopyOf(name_of(source))], |model| is_copy_of(model, source))
    }

    /// Those that name a connection as their source, or one of these SpeechModels.
    pub fn copies_from(
        &self,
        connection: &ObjectRef<SpeechConnection>,
        sources: &[Arc<SpeechModel>],
    ) -> Vec<Arc<SpeechModel>> {
        let direct = Relation::to(connection, Relation::CopiesFrom);
        let named = sources.iter().map(|source| Relation::CopyOf(name_of(&**source)));
        self.matching([direct].into_iter().chain(named), is_copy)
    }

    /// Those that are copied from one of these models of a Speech resource, by its id or as a revision of a SpeechModel.
    /// `written` are SpeechModels that the store may know less of than the caller.
    pub fn copies_of_any(&self, ids: &HashSet<EntityId>, written: &[Arc<SpeechModel>]) -> Vec<Arc<SpeechModel>> {
        let by_id = || ids.iter().copied().map(Relation::Names);
        let sources = self.matching(by_id(), |_| true);
        let sources = sources.iter().chain(written);
        let named = sources.map(|source| Relation::CopyOf(name_of(&**source)));
        self.matching(by_id().chain(named), is_copy)
    }

    /// Those that are copied into the Speech resource of one of these connections.
    pub fn copies_into(&self, connections: &[ObjectRef<SpeechConnection>]) -> Vec<Arc<SpeechModel>> {
        let relations = connections.iter().map(|key| Relation::to(key, Relation::CopiesInto));
        self.matching(relations, |model| {
            is_copy(model) && connections.contains(&connection_of(model))
        })
    }

    /// Those of a namespace that refer to a connection of another one, or are copied.
    pub fn looking_abroad(&self, namespace: &str) -> Vec<Arc<SpeechModel>> {
        self.matching([Relation::LooksAbroad(namespace)], |model| {
            name_of(model).0 == namespace && looks_abroad(model, namespace)
        })
    }

    /// Those of a connection that are being deleted, or have revisions that are kept or wait to be deleted.
    pub fn that_can_discard(&self, connection: &ObjectRef<SpeechConnection>) -> Vec<Arc<SpeechModel>> {
        self.matching(discarding(connection), |model| {
            refers_to(model, connection) && (leaves(model) || has_history(model))
        })
    }

    /// Those of a connection that stand for what changed, or depend on it.
    pub fn concerned(&self, connection: &ObjectRef<SpeechConnection>, changed: &Changed<'_>) -> Vec<Arc<SpeechModel>> {
        let Changes {
            endpoints,
            models,
            base_models,
            datasets,
            evaluations: _,
        } = changed.changes;
        let named = models.iter().chain(datasets).copied().map(Relation::Names);
        let copies = (!models.is_empty()).then(|| Relation::to(connection, Relation::CopiesInto));
        // Who follows base models is not told apart: they change a few times a year.
        let all = (!base_models.is_empty()).then(|| Relation::to(connection, Relation::Uses));
        let discarding = (!endpoints.is_empty()).then(|| discarding(connection));
        let relations = named.chain(changed.owners()).chain(copies).chain(all);
        self.matching(relations.chain(discarding.into_iter().flatten()), |model| {
            refers_to(model, connection)
                && (changed.is_of(model.metadata.uid.as_ref()) || concerns_model(model, changed.changes))
        })
    }
}

/// By what those are found that wait for a model to be free.
fn discarding(connection: &ObjectRef<SpeechConnection>) -> [Relation<'_>; 2] {
    [Relation::LeavesFrom, Relation::KeepsHistory].map(|relation| Relation::to(connection, relation))
}
