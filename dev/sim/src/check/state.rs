//! One state of the world, and what makes two states the same.
use super::{
    connection::{Link, Place},
    invariant::Broken,
    planted::PlantedBug,
    service::{Answer, Service},
};
use crate::cluster::{Cluster, Key};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use speech_api::connection::KnownResource;
use speech_plan::{
    Action, Agenda, Asked, ConnectionState, Hands, List, Pass,
    connection::{Contact, Obstacle},
    view::View,
};
use speech_resource::Schedule;
use speech_service::{EntityId, ModelId, entity::Status};
use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
    hash::Hash,
    sync::Arc,
};

/// The step of the clock: as long as a request may be late. The grace of a creation is two of them.
pub const TICK: SignedDuration = SignedDuration::from_secs(60);
/// The entities of the other Speech resource are numbered from here.
pub const AWAY: u128 = 50;
/// How many operators run.
pub const REPLICAS: usize = 2;

/// One state of the world.
#[derive(Clone)]
pub struct State {
    pub now: Timestamp,
    pub cluster: Arc<Cluster>,
    /// The `resourceVersion` of each object.
    pub versions: BTreeMap<Key, u32>,
    pub connection_version: u32,
    pub service: Arc<Service>,
    /// The other Speech resource, to which the connection may be pointed.
    pub away: Arc<Service>,
    /// What a list that lags still shows: the service when the clock last moved.
    pub shown: Arc<Service>,
    pub replicas: [Replica; REPLICAS],
    /// Sent, and not answered yet.
    pub requests: Vec<Request>,
    pub spent: Spent,
    /// The id that the status of an endpoint named first.
    pub ids: BTreeMap<Key, EntityId>,
    /// When each object had something made.
    pub orders: BTreeMap<(Key, &'static str), Vec<Timestamp>>,
    /// What a step broke, as judged when it was taken.
    pub broken: Vec<Broken>,
}

/// One operator: all that it knows.
#[derive(Clone)]
pub struct Replica {
    pub leads: bool,
    pub cluster: Arc<Cluster>,
    pub versions: BTreeMap<Key, u32>,
    pub connection_version: u32,
    /// By what the Speech resource is known.
    pub known: Option<KnownResource>,
    pub link: Link,
    pub view: Arc<View>,
    pub agenda: Arc<Agenda>,
    pub schedule: Schedule,
    /// The lists that objects wait for.
    pub awaits: BTreeMap<Key, List>,
    /// What came of the last contact.
    pub contact: Contact,
    /// Before when no evaluation is deleted, because that failed.
    pub collect_from: Option<Timestamp>,
    /// The models that the service said yes to and that were not seen to serve, and when it said so: the checker's own
    /// memory, against which it holds that of the operator.
    pub promised: BTreeMap<EntityId, (ModelId, Timestamp)>,
    pub passes: BTreeMap<Key, Begun>,
}

impl Replica {
    /// One that leads from the beginning, or does not, and has seen nothing of the service.
    pub fn new(leads: bool, cluster: &Arc<Cluster>, versions: &BTreeMap<Key, u32>) -> Self {
        let mut replica = Self {
            leads,
            connection_version: 1,
            known: None,
            link: Link {
                place: Place::Home,
                trusted: true,
            },
            collect_from: None,
            promised: BTreeMap::new(),
            cluster: Arc::clone(cluster),
            versions: versions.clone(),
            view: Arc::default(),
            agenda: Arc::default(),
            schedule: Schedule::default(),
            awaits: BTreeMap::new(),
            contact: Contact::Pending,
            passes: BTreeMap::new(),
        };
        replica.link_anew(PlantedBug::Nothing);
        replica
    }

    /// Whether the first look at the service has not ended: until then nothing is said of any object.
    pub fn is_pending(&self) -> bool {
        match self.contact {
            Contact::Pending => true,
            Contact::Established(_) => !self.link.trusted,
            Contact::Blocked(_) | Contact::Broken { .. } => false,
        }
    }

    /// Whether the lists of a resource that is recognised were read.
    pub fn is_established(&self) -> bool {
        matches!(self.contact, Contact::Established(_)) && self.link.trusted
    }

    /// What serves, or failed to, is promised no more.
    pub fn forget_promises(&mut self) {
        let endpoints = &self.view.endpoints;
        self.promised.retain(|id, (model, _)| {
            let seen = endpoints.get(*id).filter(|entry| entry.confirmed);
            seen.is_none_or(|entry| entry.entity.model != Some(*model) && entry.entity.header.status != Status::Failed)
        });
    }

    /// How the connection is, as a decision sees it; see `controller/observe` of the operator.
    pub fn connection<'a>(&'a self, view: &'a View) -> ConnectionState<'a> {
        let complete = Some(view).filter(|view| view.is_complete());
        match (&self.contact, complete) {
            (Contact::Established(_), Some(view)) if self.link.trusted => ConnectionState::Ready {
                view,
                has_projects: true,
            },
            (Contact::Blocked(Obstacle { message, .. }) | Contact::Broken { message, .. }, view) => {
                ConnectionState::NotReady {
                    message,
                    view,
                    usable: self.link.trusted,
                    since: None,
                }
            }
            (Contact::Established(_) | Contact::Pending, view) => ConnectionState::NotReady {
                message: "the first look at the Speech resource has not ended",
                view,
                usable: false,
                since: None,
            },
        }
    }

    /// All that it knew of the service is gone.
    pub fn forget_service(&mut self, bug: PlantedBug) {
        self.link_anew(bug);
        self.collect_from = None;
        self.promised.clear();
        self.view = Arc::default();
        self.schedule = Schedule::default();
        self.awaits.clear();
        self.contact = Contact::Pending;
    }
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

/// Who of an operator's sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// The pass over an object.
    Pass(Key),
    /// The pass over the connection.
    Connection,
}

/// A request to the service.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who waits for the answer.
    pub from: Option<(usize, Asker)>,
    /// Where it goes.
    pub to: Place,
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
    /// Of what was accepted and came to nothing.
    pub omissions: u8,
    /// Of lists that a gateway answered while others came from the service.
    pub hollows: u8,
}

impl State {
    /// Whether an operator has seen an object as it is.
    pub fn knows(&self, replica: &Replica, key: Key) -> bool {
        replica.versions.get(&key) == self.versions.get(&key)
    }

    /// A Speech resource as it is.
    pub fn at(&self, place: Place) -> &Arc<Service> {
        match place {
            Place::Home => &self.service,
            Place::Away => &self.away,
        }
    }

    pub fn at_mut(&mut self, place: Place) -> &mut Service {
        Arc::make_mut(match place {
            Place::Home => &mut self.service,
            Place::Away => &mut self.away,
        })
    }

    /// All entities at which a service is at work, and which one that is.
    pub fn at_work(&self) -> Vec<(Place, EntityId)> {
        let of = |place| self.at(place).at_work().into_iter().map(move |id| (place, id));
        of(Place::Home).chain(of(Place::Away)).collect()
    }

    /// The keys of all objects that ever were.
    pub fn keys(&self) -> Vec<Key> {
        self.versions.keys().copied().collect()
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
        for evaluation in self.service.evaluations.values() {
            let (id, state) = (number(evaluation.header.id), evaluation.header.status.as_str());
            let models = [evaluation.model1, evaluation.model2].map(|model| number(model.entity()));
            write!(f, " | evaluation {id} of {models:?} {state}")?;
        }
        if Place::of(&self.cluster.connection) == Place::Away {
            let ours: Vec<_> = self.away.ours().map(number).collect();
            write!(f, " | the connection leads elsewhere, where ours are {ours:?}")?;
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
