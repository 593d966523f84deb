//! One state of the world, and what makes two states the same.
use super::{
    invariant::Broken,
    service::{Answer, Service},
};
use crate::cluster::{Cluster, Key};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt};
use speech_api::{SpeechEndpoint, SpeechModel, annotation::CreationIntent, reference::LastFailure};
use speech_plan::{Action, Agenda, Asked, Hands, Pass, line::Want, testing::id, view::View};
use speech_service::{EntityId, entity::Header, request::UpdateEndpoint};
use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
    hash::{Hash, Hasher},
    sync::Arc,
};

/// The step of the clock: as long as a request may be late. The grace of a creation is two of them.
pub const TICK: SignedDuration = SignedDuration::from_secs(60);
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
    /// When each object had something made.
    pub orders: BTreeMap<Key, Vec<Timestamp>>,
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
    /// Whether what it read last was no answer of the service.
    pub troubled: bool,
    pub passes: BTreeMap<Key, Begun>,
}

/// A pass over an object that waits for an answer, of the cluster or of the service.
#[derive(Clone, Debug)]
pub struct Begun {
    pub at: Timestamp,
    pub pass: Pass,
    /// Its request that is on its way.
    pub asked: Option<Asked>,
}

impl Begun {
    pub fn at(at: Timestamp) -> Self {
        Self {
            at,
            pass: Pass::begin(Hands::Free),
            asked: None,
        }
    }
}

/// A pass waits before its request is answered: by then it has learned only what it announced.
impl Hash for Begun {
    fn hash<H: Hasher>(&self, h: &mut H) {
        (self.at, self.pass.learned().announced, &self.asked).hash(h);
    }
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
    pub lies: u8,
    pub refusals: u8,
    pub vanishings: u8,
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

    fn hash_world(&self, h: &mut impl Hasher) {
        (self.now, &self.ids).hash(h);
        if self.spent.vanishings > 0 {
            self.orders.hash(h);
        }
        for (index, model) in self.cluster.models.iter().enumerate() {
            put_model(h, model.as_ref());
            for replica in &self.replicas {
                let knows = self.knows(replica, Key::Model(index));
                knows.hash(h);
                if !knows {
                    put_model(h, replica.cluster.models[index].as_ref());
                }
            }
        }
        for (index, endpoint) in self.cluster.endpoints.iter().enumerate() {
            put_endpoint(h, endpoint.as_ref());
            for replica in &self.replicas {
                let knows = self.knows(replica, Key::Endpoint(index));
                knows.hash(h);
                if !knows {
                    put_endpoint(h, replica.cluster.endpoints[index].as_ref());
                }
            }
        }
        self.service.print().hash(h);
        self.shown.print().hash(h);
        for replica in &self.replicas {
            (replica.leads, replica.troubled, &replica.passes).hash(h);
            for (uid, want) in replica.agenda.line.wants() {
                uid.hash(h);
                put_want(h, want);
            }
            put_view(h, &replica.view);
            for id in (1..=self.service.made).map(|n| id(100 + n)) {
                (replica.view.endpoints.is_unseen(id), replica.view.models.is_unseen(id)).hash(h);
            }
        }
        for request in &self.requests {
            (request.from, request.sent).hash(h);
            put_action(h, &request.action);
            match &request.answer {
                Some(Answer::Endpoint(endpoint)) => put_header(h, &endpoint.header, endpoint.model),
                Some(Answer::Model(model)) => put_header(h, &model.header, model.expires_at),
                Some(Answer::Deleted) => 1.hash(h),
                Some(Answer::Refused(_)) => 2.hash(h),
                None => 0.hash(h),
            }
        }
    }

    fn knows(&self, replica: &Replica, key: Key) -> bool {
        replica.versions.get(&key) == self.versions.get(&key)
    }

    /// The keys of all objects that ever were.
    pub fn keys(&self) -> Vec<Key> {
        self.versions.keys().copied().collect()
    }
}

// What matters of each thing. Left out is what no later decision reads: messages, and since when a condition holds.

fn put_meta(h: &mut impl Hasher, object: &impl Resource) {
    let meta = object.meta();
    let intent = CreationIntent::of(object);
    let deleted = meta.deletion_timestamp.as_ref().map(|time| time.0);
    (&meta.finalizers, deleted, meta.generation, intent).hash(h);
}

fn put_conditions(h: &mut impl Hasher, conditions: &[Condition], failure: Option<&LastFailure>) {
    for condition in conditions {
        (&condition.type_, &condition.status, &condition.reason).hash(h);
    }
    failure
        .map(|f| (&f.operation, &f.at, f.count, f.terminal, f.generation))
        .hash(h);
}

fn put_model(h: &mut impl Hasher, object: Option<&SpeechModel>) {
    let Some(object) = object else { return 0.hash(h) };
    put_meta(h, object);
    let Some(status) = &object.status else { return 1.hash(h) };
    let current = status.current.as_ref().map(|c| (&c.id, c.revision, &c.expires_at));
    let candidate = status.candidate.as_ref().map(|c| (&c.id, c.revision));
    (current, candidate, status.closed_attempt, status.history.len()).hash(h);
    (&status.creations, status.highest_revision, &status.drift).hash(h);
    put_conditions(h, &status.conditions, status.last_failure.as_ref());
}

fn put_endpoint(h: &mut impl Hasher, object: Option<&SpeechEndpoint>) {
    let Some(object) = object else { return 0.hash(h) };
    put_meta(h, object);
    let Some(status) = &object.status else { return 1.hash(h) };
    let active = status.active.as_ref().map(|a| (&a.model, &a.since, &a.expires_at));
    let target = status.target.as_ref().map(|t| (&t.model, &t.since));
    let candidate = status.candidate.as_ref().map(|c| (&c.model, &c.since));
    let previous = status.previous.as_ref().map(|p| (&p.model, &p.until));
    (&status.id, active, target, candidate, previous, status.closed_attempt).hash(h);
    (&status.creations, &status.evaluations, &status.drift).hash(h);
    status.quarantine.iter().for_each(|entry| entry.model.hash(h));
    put_conditions(h, &status.conditions, status.last_failure.as_ref());
}

fn put_header(h: &mut impl Hasher, header: &Header, more: impl Hash) {
    let owner = header.owner.as_ref().map(|tag| (&tag.uid, tag.attempt, tag.revision));
    (
        header.id,
        header.status.as_str(),
        header.created_at,
        header.last_action_at,
        owner,
        more,
    )
        .hash(h);
}

fn put_view(h: &mut impl Hasher, view: &View) {
    (
        view.endpoints.swept_at(),
        view.models.swept_at(),
        view.base_models.len(),
    )
        .hash(h);
    let mut endpoints: Vec<_> = view.endpoints.iter().collect();
    endpoints.sort_unstable_by_key(|entry| entry.entity.header.id);
    for entry in endpoints {
        put_header(h, &entry.entity.header, (entry.entity.model, entry.confirmed));
    }
    let mut models: Vec<_> = view.models.iter().collect();
    models.sort_unstable_by_key(|entry| entry.entity.header.id);
    for entry in models {
        put_header(h, &entry.entity.header, (entry.entity.expires_at, entry.confirmed));
    }
}

fn put_action(h: &mut impl Hasher, action: &Action) {
    action.operation().hash(h);
    match action {
        Action::CreateEndpoint(create) => (create.model, create.owner.attempt, &create.owner.uid).hash(h),
        Action::TrainModel(create) => (create.base_model, create.owner.attempt, create.owner.revision).hash(h),
        Action::UpdateEndpoint { id, change, .. } => match &**change {
            UpdateEndpoint::Model(model) => (id, model).hash(h),
            UpdateEndpoint::DisplayName(name) => (id, name).hash(h),
            _ => (id, change.field()).hash(h),
        },
        Action::UpdateModel { id, .. } | Action::DeleteEndpoint(id) | Action::DeleteModel(id) => id.hash(h),
        _ => {}
    }
}

fn put_want(h: &mut impl Hasher, want: Want) {
    match want {
        Want::Creation => 1.hash(h),
        Want::Swap(at) => (2, at).hash(h),
        Want::Training(at) => (3, at).hash(h),
        Want::TrainingBegins => 4.hash(h),
        Want::Evaluation(pair) => (5, pair).hash(h),
    }
}

impl Service {
    /// A number for all that the service holds.
    pub fn print(&self) -> u64 {
        let mut h = std::hash::DefaultHasher::new();
        for endpoint in self.endpoints.values() {
            put_header(&mut h, &endpoint.header, endpoint.model);
        }
        for model in self.models.values() {
            put_header(&mut h, &model.header, model.expires_at);
        }
        (self.base_models.len(), &self.lives).hash(&mut h);
        h.finish()
    }
}

/// A short number for an id.
pub fn number(id: EntityId) -> u128 {
    speech_plan::testing::number(id)
}

/// The state in a line, for traces.
impl Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.now.strftime("%m-%d %H:%M"))?;
        for endpoint in self.service.endpoints.values() {
            let Some(tag) = endpoint.header.owner.as_ref().filter(|tag| tag.uid != "stranger") else {
                continue;
            };
            let model = endpoint.model.map(|model| number(model.entity()));
            let (id, state) = (number(endpoint.header.id), endpoint.header.status.as_str());
            write!(
                f,
                " | endpoint {id} of {}/{} {state} model {}",
                tag.uid,
                tag.attempt,
                model.unwrap_or(0)
            )?;
        }
        for model in self.service.models.values() {
            let Some(tag) = &model.header.owner else { continue };
            let (id, state, revision) = (
                number(model.header.id),
                model.header.status.as_str(),
                tag.revision.unwrap_or(0),
            );
            write!(
                f,
                " | model {id} of {}/{} revision {revision} {state}",
                tag.uid, tag.attempt
            )?;
        }
        let gone = self.cluster.models.iter().filter(|o| o.is_none()).count()
            + self.cluster.endpoints.iter().filter(|o| o.is_none()).count();
        let held = self
            .cluster
            .endpoints
            .iter()
            .flatten()
            .map(|o| o.finalizers().len())
            .sum::<usize>();
        write!(
            f,
            " | {} in flight, {gone} objects gone, {held} held",
            self.requests.len()
        )
    }
}
