//! One state of the world, and what makes two states the same.
use super::{law::Broken, service::{Answer, Service}};
use crate::{
    api::{SpeechEndpoint, SpeechEndpointStatus, SpeechModel, SpeechModelStatus, annotation::CreationIntent, reference::LastFailure},
    plan::{Action, Agenda},
    simulate::cluster::{Cluster, Key},
    speech::{EntityId, entity::Header},
    view::View,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt};
use std::{
    collections::BTreeMap,
    fmt::{self, Debug, Write},
    hash::{Hash, Hasher},
    sync::Arc,
};

/// How many operators run.
pub const REPLICAS: usize = 2;

/// One state of the world.
#[derive(Clone)]
pub struct State {
    pub now: Timestamp,
    pub cluster: Arc<Cluster>,
    /// The `resourceVersion` of each object.
    pub versions: BTreeMap<Key, u32>,
    pub service: Arc<Service>,
    /// What a list that lags still shows: the service when the clock last moved.
    pub shown: Arc<Service>,
    pub replicas: [Replica; REPLICAS],
    /// Sent, and not answered yet.
    pub requests: Vec<Request>,
    pub spent: Spent,
    /// The id that the status of an endpoint named first.
    pub ids: BTreeMap<Key, String>,
    /// What a step broke, as judged when it was taken.
    pub broken: Vec<Broken>,
}

/// One operator: all that it knows.
#[derive(Clone)]
pub struct Replica {
    pub leads: bool,
    pub cluster: Arc<Cluster>,
    pub versions: BTreeMap<Key, u32>,
    pub view: Arc<View>,
    pub agenda: Arc<Agenda>,
    pub passes: BTreeMap<Key, Pass>,
}

/// A pass over an object that waits for an answer, of the cluster or of the service.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Pass {
    pub began: Timestamp,
    pub announced: Option<u32>,
    /// Whether its request is on its way.
    pub sent: bool,
}

/// A request to the service.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who waits for the answer.
    pub from: Option<(usize, Key)>,
    pub action: Action,
    pub sent: Timestamp,
    /// Present once the request took effect.
    pub answer: Option<Answer>,
}

/// How often what happened that is bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spent {
    pub crashes: u8,
    pub losses: u8,
    pub leaders: u8,
    pub lags: u8,
    pub failures: u8,
    pub ticks: u8,
    pub leaps: u8,
    pub deletions: u8,
    pub changes: u8,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.print() == other.print()
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.spent, self.broken.len()).hash(hasher);
        self.hash_world(hasher);
    }
}

impl State {
    /// A number for this state.
    pub fn print(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// A number for all that decides what comes next once the faults stop.
    pub fn future(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        self.hash_world(&mut hasher);
        hasher.finish()
    }

    fn hash_world(&self, hasher: &mut impl Hasher) {
        let mut put = Put(hasher);
        put.of(&(self.now, &self.ids));
        for (index, model) in self.cluster.models.iter().enumerate() {
            put.model(model.as_ref());
            self.replicas.iter().for_each(|replica| {
                let known = replica.versions.get(&Key::Model(index)) == self.versions.get(&Key::Model(index));
                put.known(known, || replica.cluster.models[index].as_ref(), Put::model);
            });
        }
        for (index, endpoint) in self.cluster.endpoints.iter().enumerate() {
            put.endpoint(endpoint.as_ref());
            self.replicas.iter().for_each(|replica| {
                let known = replica.versions.get(&Key::Endpoint(index)) == self.versions.get(&Key::Endpoint(index));
                put.known(known, || replica.cluster.endpoints[index].as_ref(), Put::endpoint);
            });
        }
        put.service(&self.service);
        match Arc::ptr_eq(&self.service, &self.shown) {
            true => put.of(&"shown"),
            false => put.service(&self.shown),
        }
        for replica in &self.replicas {
            put.of(&(replica.leads, &replica.passes, &replica.agenda.line));
            put.view(&replica.view);
        }
        for request in &self.requests {
            put.of(&(request.from, request.sent, &request.action, request.answer.is_some()));
            match &request.answer {
                Some(Answer::Endpoint(endpoint)) => put.header(&endpoint.header, &endpoint.model),
                Some(Answer::Model(model)) => put.header(&model.header, &model.expires_at),
                Some(Answer::Deleted) | None => {}
                Some(Answer::Refused(class)) => put.of(class),
            }
        }
    }

    /// The keys of all objects that ever were.
    pub fn keys(&self) -> Vec<Key> {
        self.versions.keys().copied().collect()
    }
}

/// Writes what matters of a thing into a hasher. Left out is what no later decision reads: messages, and since when a
/// condition holds.
struct Put<'a, H: Hasher>(&'a mut H);

impl<H: Hasher> Write for Put<'_, H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl<H: Hasher> Put<'_, H> {
    fn of(&mut self, thing: &impl Debug) {
        let _ = write!(self, "{thing:?};");
    }

    fn known<'b, T: 'b>(
        &mut self,
        known: bool,
        cached: impl FnOnce() -> Option<&'b T>,
        put: impl FnOnce(&mut Self, Option<&T>),
    ) {
        match known {
            true => self.of(&"known"),
            false => put(self, cached()),
        }
    }

    fn meta(&mut self, object: &impl Resource) {
        let meta = object.meta();
        let intent = CreationIntent::of(object);
        self.of(&(&meta.finalizers, meta.deletion_timestamp.as_ref().map(|time| time.0), meta.generation));
        self.of(&intent.map(|intent| (intent.attempt, intent.at)));
    }

    fn conditions(&mut self, conditions: &[Condition], failure: Option<&LastFailure>) {
        for condition in conditions {
            self.of(&(&condition.type_, &condition.status, &condition.reason));
        }
        self.of(&failure.map(|f| (&f.operation, &f.at, f.count, f.terminal, f.generation)));
    }

    fn model(&mut self, object: Option<&SpeechModel>) {
        let Some(object) = object else { return self.of(&"none") };
        self.meta(object);
        let Some(status) = &object.status else { return self.of(&"new") };
        let SpeechModelStatus { current, candidate, history, closed_attempt, conditions, last_failure, .. } = status;
        let current = current.as_ref().map(|c| (&c.id, c.revision, &c.expires_at));
        let candidate = candidate.as_ref().map(|c| (&c.id, c.revision));
        self.of(&(current, candidate, history, closed_attempt));
        self.conditions(conditions, last_failure.as_ref());
    }

    fn endpoint(&mut self, object: Option<&SpeechEndpoint>) {
        let Some(object) = object else { return self.of(&"none") };
        self.meta(object);
        let Some(status) = &object.status else { return self.of(&"new") };
        let SpeechEndpointStatus { id, active, target, candidate, previous, quarantine, closed_attempt, .. } = status;
        let active = active.as_ref().map(|a| (&a.model, &a.since, &a.expires_at));
        let target = target.as_ref().map(|t| (&t.model, &t.since));
        let candidate = candidate.as_ref().map(|c| (&c.model, &c.since));
        let previous = previous.as_ref().map(|p| (&p.model, &p.until));
        self.of(&(id, active, target, candidate, previous, closed_attempt));
        quarantine.iter().for_each(|entry| self.of(&entry.model));
        self.conditions(&status.conditions, status.last_failure.as_ref());
    }

    fn header(&mut self, header: &Header, more: &impl Debug) {
        let owner = header.owner.as_ref().map(|tag| (&tag.uid, tag.attempt, tag.revision));
        self.of(&(number(header.id), &header.status, header.created_at, header.last_action_at, owner));
        self.of(more);
    }

    fn service(&mut self, service: &Service) {
        for endpoint in service.endpoints.values() {
            self.header(&endpoint.header, &endpoint.model);
        }
        for model in service.models.values() {
            self.header(&model.header, &model.expires_at);
        }
        self.of(&(service.base_models.len(), &service.lives));
    }

    fn view(&mut self, view: &View) {
        self.of(&(view.endpoints.swept_at(), view.models.swept_at(), view.base_models.len()));
        let mut endpoints: Vec<_> = view.endpoints.iter().collect();
        endpoints.sort_unstable_by_key(|entry| entry.entity.header.id);
        for entry in endpoints {
            self.header(&entry.entity.header, &(entry.entity.model, entry.confirmed));
        }
        let mut models: Vec<_> = view.models.iter().collect();
        models.sort_unstable_by_key(|entry| entry.entity.header.id);
        for entry in models {
            self.header(&entry.entity.header, &(entry.entity.expires_at, entry.confirmed));
        }
    }
}

/// A short number for an id.
pub fn number(id: EntityId) -> u128 {
    crate::plan::testing::number(id)
}

/// The state in a line, for traces.
impl Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.now.strftime("%m-%d %H:%M"))?;
        for endpoint in self.service.endpoints.values() {
            let Some(tag) = endpoint.header.owner.as_ref().filter(|tag| tag.uid != "stranger") else { continue };
            let model = endpoint.model.map(|model| number(model.entity()));
            let (id, state) = (number(endpoint.header.id), endpoint.header.status.as_str());
            write!(f, " | endpoint {id} of {}/{} {state} model {}", tag.uid, tag.attempt, model.unwrap_or(0))?;
        }
        for model in self.service.models.values() {
            let Some(tag) = &model.header.owner else { continue };
            let (id, state, revision) = (number(model.header.id), model.header.status.as_str(), tag.revision.unwrap_or(0));
            write!(f, " | model {id} of {}/{} revision {revision} {state}", tag.uid, tag.attempt)?;
        }
        let gone = self.cluster.models.iter().filter(|o| o.is_none()).count()
            + self.cluster.endpoints.iter().filter(|o| o.is_none()).count();
        let held = self.cluster.endpoints.iter().flatten().map(|o| o.finalizers().len()).sum::<usize>();
        write!(f, " | {} in flight, {gone} objects gone, {held} held", self.requests.len())
    }
}
