//! The Speech service, as small as the questions allow: entities, and what a request does to them.
use jiff::Timestamp;
use speech_plan::{
    Action, FailureClass,
    testing::{base_id, custom_model, evaluation, id, number, put_state, remote, with},
};
use speech_service::{
    EntityId, ModelId,
    entity::{BaseModel, CustomModel, Dataset, Endpoint, Evaluation, OwnerTag, Status},
    request::{CreateEndpoint, CreateEvaluation, CreateModel, UpdateEndpoint, UpdateModel},
};
use std::{collections::BTreeMap, sync::Arc};

/// All entities of one Speech resource.
#[derive(Clone, Debug, Default)]
pub struct Service {
    pub endpoints: BTreeMap<EntityId, Endpoint>,
    pub models: BTreeMap<EntityId, CustomModel>,
    pub base_models: BTreeMap<EntityId, BaseModel>,
    /// Those never change.
    pub datasets: BTreeMap<EntityId, Dataset>,
    pub evaluations: BTreeMap<EntityId, Evaluation>,
    /// When trained models expire, the first one's date first; those after the last share its date.
    pub lives: Vec<Timestamp>,
    pub made: u128,
    /// Whether an endpoint shows the model before as if nothing had happened, until another that it accepted serves.
    pub is_silent: bool,
    /// The models that endpoints were moved to and do not show yet.
    pub accepted: BTreeMap<EntityId, ModelId>,
    /// Of which pairs of models an evaluation said what, the smaller id first.
    pub judged: BTreeMap<[EntityId; 2], Judged>,
}

/// What an evaluation said of its first model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judged {
    Better,
    Worse,
}

/// How the service ends its work at an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Well; of an evaluation, that the candidate is good enough.
    Good,
    /// Not at all well.
    Failed,
    /// An evaluation ends well and says that the candidate is not good enough.
    Worse,
}

/// What the service answers.
#[derive(Clone, Debug)]
pub enum Answer {
    Endpoint(Endpoint),
    Model(CustomModel),
    Evaluation(Evaluation),
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
                self.accepted.remove(id);
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
            Action::CreateEvaluation(create) => self.evaluate(create, now),
            Action::DeleteEvaluation(id) => {
                self.evaluations.remove(id);
                Answer::Deleted
            }
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
            UpdateEndpoint::Model(model) if self.is_silent => drop(self.accepted.insert(id, *model)),
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

    fn evaluate(&mut self, create: &CreateEvaluation, now: Timestamp) -> Answer {
        let models = [create.model1, create.model2];
        let new = evaluation(self.next_id(), models, number(create.dataset), [0.1, 0.1]);
        let new = with(new, |e| {
            (e.scores1, e.scores2) = (None, None);
            e.header.owner = Some(Arc::new(create.owner.clone()));
            e.header.created_at = now;
            put_state(&mut e.header, Status::NotStarted, now);
        });
        self.evaluations.insert(new.header.id, new.clone());
        Answer::Evaluation(new)
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
        let evaluations = self.evaluations.values().map(|e| &e.header);
        let headers = endpoints.chain(models).chain(evaluations);
        let at_work = headers.filter(|header| !header.status.is_terminal() || self.accepted.contains_key(&header.id));
        at_work.map(|header| header.id).collect()
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
    pub fn finish(&mut self, id: EntityId, ending: Ending, now: Timestamp) {
        let state = match ending {
            Ending::Good | Ending::Worse => Status::Succeeded,
            Ending::Failed => Status::Failed,
        };
        if let Some(endpoint) = self.endpoints.get_mut(&id) {
            endpoint.model = self.accepted.remove(&id).or(endpoint.model);
            put_state(&mut endpoint.header, state, now);
        } else if let Some(model) = self.models.get_mut(&id) {
            put_state(&mut model.header, state, now);
        } else if let Some(found) = self.evaluations.get_mut(&id) {
            put_state(&mut found.header, state, now);
            let (rates, judged) = match ending {
                Ending::Good => ([0.1, 0.1], Judged::Better),
                Ending::Worse => ([0.3, 0.1], Judged::Worse),
                Ending::Failed => return,
            };
            let told = evaluation(0, [found.model1, found.model2], number(found.dataset), rates);
            (found.scores1, found.scores2) = (told.scores1, told.scores2);
            self.judged.insert(pair(found.model1, found.model2), judged);
        }
    }

    /// What an endpoint was moved to comes to nothing, and nobody says so.
    pub fn drop_accepted(&mut self, id: EntityId) {
        self.accepted.remove(&id);
    }

    /// The marks on all that exists.
    pub fn marks(&self) -> impl Iterator<Item = &OwnerTag> {
        let endpoints = self.endpoints.values().filter_map(|e| e.header.owner.as_deref());
        endpoints.chain(self.models.values().filter_map(|m| m.header.owner.as_deref()))
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

/// How what was said of two models is found again, whichever comes first.
pub fn pair(a: ModelId, b: ModelId) -> [EntityId; 2] {
    let (a, b) = (a.entity(), b.entity());
    [a.min(b), a.max(b)]
}

fn unknown() -> Answer {
    Answer::Refused(FailureClass::Transient { retry_after: None })
}
