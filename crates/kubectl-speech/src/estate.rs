//! What a Speech resource holds, and what of it objects declare.
use super::{
    KubectlError, remote,
    trust::{self, Named},
};
use kube::ResourceExt;
use speech_api::SpeechConnection;
use speech_fleet::fleet::{Objects, connection_of};
use speech_service::{
    Client, EntityId, Lane, ModelId, Presence,
    entity::{CustomModel, Endpoint, OwnerTag},
};
use std::collections::{BTreeMap, HashSet};

/// Endpoints and custom models, by their ids.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    pub endpoints: BTreeMap<EntityId, Endpoint>,
    pub models: BTreeMap<EntityId, CustomModel>,
    /// How many entities could not be understood.
    pub unreadable: usize,
    /// What speaks against the lists, one sentence each; nothing that needs them is told then.
    pub doubts: Vec<String>,
}

impl Estate {
    /// Reads both lists, and whether they can be believed.
    pub async fn read(client: &Client, home: &SpeechConnection, objects: &Objects) -> Result<Self, KubectlError> {
        let failed = remote::failed(client);
        let endpoints = client.list_endpoints(Lane::Sweep, None).await.map_err(&failed)?;
        let models = client.list_custom_models(Lane::Sweep, None).await.map_err(&failed)?;
        let path = format!("{}/{}", home.namespace().unwrap_or_default(), home.name_any());
        let doubts = trust::doubts(client, home, &Named::of(objects, &path), &endpoints, &models).await;
        if !doubts.is_empty() {
            client.trust(false);
        }
        Ok(Self {
            doubts,
            unreadable: endpoints.unreadable + models.unreadable,
            endpoints: endpoints.values.into_iter().map(|one| (one.header.id, one)).collect(),
            models: models.values.into_iter().map(|one| (one.header.id, one)).collect(),
        })
    }

    /// Asks for an entity by its id, whatever the lists say of it. Whether there is one.
    pub async fn ask(&mut self, client: &Client, id: EntityId) -> Result<bool, KubectlError> {
        let failed = remote::failed(client);
        if let Presence::Found(found) = client.look_up::<Endpoint>(Lane::Sweep, id).await.map_err(&failed)? {
            self.endpoints.insert(id, found.value);
            return Ok(true);
        }
        if let Presence::Found(found) = client.look_up::<CustomModel>(Lane::Sweep, id).await.map_err(&failed)? {
            self.models.insert(id, found.value);
            return Ok(true);
        }
        Ok(false)
    }

    /// How many endpoints serve a custom model.
    pub fn users(&self, model: EntityId) -> usize {
        let serves = |endpoint: &&Endpoint| endpoint.model == Some(ModelId::Custom(model));
        self.endpoints.values().filter(serves).count()
    }
}

/// What the objects of a connection declare.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Ids that objects name, or that their status names.
    ids: HashSet<EntityId>,
    /// The uids of the objects.
    uids: HashSet<String>,
}

impl Declared {
    /// Reads the objects that refer to this connection.
    pub fn of(objects: &Objects, path: &str) -> Self {
        let mut declared = Self::default();
        for endpoint in &objects.endpoints {
            if connection_of(endpoint) != path {
                continue;
            }
            let status = endpoint.status.as_ref();
            declared.ids.extend(status.and_then(|status| status.id));
            declared.add(endpoint.spec.adopt.as_ref().map(|adopt| adopt.id.as_str()));
            declared.add(endpoint.spec.model.id.as_deref());
            declared.uids.extend(endpoint.uid());
        }
        for model in &objects.models {
            if connection_of(model) != path {
                continue;
            }
            declared.add(model.spec.source.existing.as_ref().map(|existing| existing.id.as_str()));
            declared.ids.extend(model.status.iter().flat_map(|status| status.ids()));
            declared.uids.extend(model.uid());
        }
        declared
    }

    fn add(&mut self, id: Option<&str>) {
        self.ids.extend(id.and_then(|id| id.parse::<EntityId>().ok()));
    }

    /// Whether an object declares the entity: it names it, or it made it.
    pub fn holds(&self, id: EntityId, owner: Option<&OwnerTag>) -> bool {
        self.ids.contains(&id) || owner.is_some_and(|tag| self.uids.contains(&tag.uid))
    }
}
