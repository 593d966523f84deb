//! The Speech service, as small as the questions allow: entities, and what a request does to them.
use jiff::Timestamp;
use speech_plan::{
    Action, FailureClass,
    testing::{base_id, custom_model, id, put_state, remote, text, with},
};
use speech_service::{
    EntityId, ModelId,
    entity::{BaseModel, CustomModel, Dataset, Endpoint, OwnerTag, Status},
    request::{CreateEndpoint, CreateModel, UpdateEndpoint, UpdateModel},
};
use std::{collections::BTreeMap, sync::Arc};

/// All entities of one Speech resource.
#[derive(Clone, Debug, Default)]
pub struct Service {
    pub endpoints: BTreeMap<EntityId, Endpoint>,
    pub models: BTreeMap<EntityId, CustomModel>,
    pub base_models: BTreeMap<EntityId, BaseModel>,
    /// When trained models expire, the first one's date first; those after the last share its date.
    pub lives: Vec<Timestamp>,
    pub made: u128,
}

/// What the service answers.
#[derive(Clone, Debug)]
pub enum Answer {
    Endpoint(Endpoint),
    Model(CustomModel),
    Deleted,
    Refused(FailureClass),
}

impl Service {
    /// Takes a request: from now on it has its effect.
    pub fn take(&mut self, action: &Action, now: Timestamp) -> Answer {
        match action {
            Action::CreateEndpoint(create) => self.create(create, now),
            Action::UpdateEndpoint { id, change, .. } => self.change(*id, change, now),
            Action::DeleteEndpoint(id) => {
                self.endpoints.remove(id);
                Answer::Deleted
            }
            Action::TrainModel(create) => self.train(create, now),
            Action::UpdateModel { id, change } => match self.models.get_mut(id) {
                Some(found) => {
                    if let UpdateModel::DisplayName(name) = &**change {
                        found.header.display_name = name.as_str().into();
                    }
                    Answer::Model(found.clone())
                }
                None => unknown(),
            },
            Action::DeleteModel(id) => self.delete_model(*id),
            other => unreachable!("no step of this world: {other:?}"),
        }
    }

    fn next_id(&mut self) -> u128 {
        self.made += 1;
        100 + self.made
    }

    fn create(&mut self, create: &CreateEndpoint, now: Timestamp) -> Answer {
        if self.problem(create.model, now).is_some() {
            return Answer::Refused(FailureClass::Refused);
        }
        let new = with(remote(self.next_id(), create.model), |e| {
            e.header.display_name = create.display_name.as_str().into();
            e.header.owner = Some(Arc::new(create.owner.clone()));
            e.header.created_at = now;
            put_state(&mut e.header, Status::Running, now);
        });
        self.endpoints.insert(new.header.id, new.clone());
        Answer::Endpoint(new)
    }

    fn change(&mut self, id: EntityId, change: &UpdateEndpoint, now: Timestamp) -> Answer {
        if change.model().is_some_and(|model| self.problem(model, now).is_some()) {
            return Answer::Refused(FailureClass::Refused);
        }
        let Some(found) = self.endpoints.get_mut(&id) else {
            return unknown();
        };
        match change {
            UpdateEndpoint::Model(model) => {
                found.model = Some(*model);
                put_state(&mut found.header, Status::Running, now);
            }
            UpdateEndpoint::DisplayName(name) => found.header.display_name = name.as_str().into(),
            UpdateEndpoint::Owner(owner, _) => found.header.owner = Some(Arc::new(owner.clone())),
            UpdateEndpoint::Description(_) | UpdateEndpoint::Project(_) | UpdateEndpoint::LoggingEnabled(_) => {}
        }
        Answer::Endpoint(found.clone())
    }

    fn train(&mut self, create: &CreateModel, now: Timestamp) -> Answer {
        let expires = self.lives.first().copied();
        if self.lives.len() > 1 {
            self.lives.remove(0);
        }
        let new = with(custom_model(self.next_id(), ""), |m| {
            m.header.display_name = create.display_name.as_str().into();
            m.header.owner = Some(Arc::new(create.owner.clone()));
            m.header.created_at = now;
            m.base_model = Some(ModelId::Base(create.base_model));
            m.expires_at = expires;
            put_state(&mut m.header, Status::NotStarted, now);
        });
        self.models.insert(new.header.id, new.clone());
        Answer::Model(new)
    }

    fn delete_model(&mut self, id: EntityId) -> Answer {
        let used = |endpoint: &Endpoint| endpoint.model.is_some_and(|model| model.entity() == id);
        if self.endpoints.values().any(used) {
            return Answer::Refused(FailureClass::Transient { retry_after: None });
        }
        self.models.remove(&id);
        Answer::Deleted
    }

    /// What keeps a model from serving.
    pub fn problem(&self, model: ModelId, now: Timestamp) -> Option<&'static str> {
        let found = match model {
            ModelId::Base(id) => self.base_models.get(&id).map(|m| (&m.header.status, m.expires_at)),
            ModelId::Custom(id) => self.models.get(&id).map(|m| (&m.header.status, m.expires_at)),
        };
        match found {
            None => Some("gone"),
            Some((_, Some(at))) if at <= now => Some("expired"),
            Some((Status::Succeeded, _)) => None,
            Some((Status::Failed, _)) => Some("failed"),
            Some((Status::NotStarted | Status::Running | Status::Other(_), _)) => Some("not ready"),
        }
    }

    /// When a model expires, if that is known.
    pub fn expiry(&self, model: ModelId) -> Option<Timestamp> {
        match model {
            ModelId::Base(id) => self.base_models.get(&id)?.expires_at,
            ModelId::Custom(id) => self.models.get(&id)?.expires_at,
        }
    }

    /// Entities at which the service is at work.
    pub fn at_work(&self) -> Vec<EntityId> {
        let endpoints = self.endpoints.values().map(|e| &e.header);
        let models = self.models.values().map(|m| &m.header);
        endpoints
            .chain(models)
            .filter(|header| !header.status.is_terminal())
            .map(|header| header.id)
            .collect()
    }

    /// Whether there is an endpoint with this id.
    pub fn has_endpoint(&self, id: &str) -> bool {
        self.endpoints.keys().any(|known| known.to_string() == id)
    }

    /// The entities that bear the mark of an object.
    pub fn ours(&self) -> impl Iterator<Item = EntityId> {
        let headers = self.endpoints.values().map(|e| &e.header);
        let headers = headers.chain(self.models.values().map(|m| &m.header));
        headers
            .filter(|header| header.owner.as_ref().is_some_and(|tag| tag.uid != "stranger"))
            .map(|header| header.id)
    }

    /// The service ends its work at an entity.
    pub fn finish(&mut self, id: EntityId, good: bool, now: Timestamp) {
        let state = if good { Status::Succeeded } else { Status::Failed };
        if let Some(endpoint) = self.endpoints.get_mut(&id) {
            put_state(&mut endpoint.header, state, now);
        } else if let Some(model) = self.models.get_mut(&id) {
            put_state(&mut model.header, state, now);
        }
    }

    /// The marks on all that exists.
    pub fn marks(&self) -> impl Iterator<Item = &OwnerTag> {
        let endpoints = self.endpoints.values().filter_map(|e| e.header.owner.as_deref());
        endpoints.chain(self.models.values().filter_map(|m| m.header.owner.as_deref()))
    }

    /// The datasets, which never change.
    pub fn datasets() -> Vec<Dataset> {
        vec![text(50)]
    }

    /// Adds what belongs to nobody here: an endpoint without a mark and one with the mark of a stranger.
    pub fn with_strangers(mut self, model: u128) -> Self {
        for (n, owner) in [(90, None), (91, Some(speech_plan::testing::tag("stranger", 1)))] {
            let endpoint = with(remote(n, base_id(model)), |e| e.header.owner = owner.map(Arc::new));
            self.endpoints.insert(id(n), endpoint);
        }
        self
    }
}

fn unknown() -> Answer {
    Answer::Refused(FailureClass::Transient { retry_after: None })
}
