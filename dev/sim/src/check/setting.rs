//! The small worlds that are searched.
use super::{
    PlantedBug,
    connection::{Place, accept, point},
    look::{Lists, look},
    service::Service,
    state::{AWAY, REPLICAS, Replica, Spent, State},
};
use crate::cluster::{Cluster, Key};
use jiff::{SignedDuration, Timestamp};
use speech_api::{SpeechConnection, SpeechConnectionStatus, SpeechEndpoint, SpeechModel, endpoint::Recreate};
use speech_plan::testing::{LATER, NOW, at, base_model, dataset, endpoint, model, text, with};
use speech_service::{EntityId, entity::BaseModel};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
};

/// The uid of the second object.
pub const OTHER: &str = "uid-2";

/// A world and the bounds within which it is searched.
pub struct Setting {
    pub name: &'static str,
    pub start: State,
    /// How often what is bounded may happen.
    pub most: Spent,
    /// The dates to which the clock jumps.
    pub landmarks: Vec<Timestamp>,
    /// What [`super::Event::Change`] does, one after the other.
    pub changes: Vec<fn(&mut State)>,
    /// The models of which each endpoint may serve any at the end.
    pub best: fn(&State, usize) -> Vec<EntityId>,
    /// Whether a request may leave a tick after it was announced.
    pub leaves_late: bool,
    pub bug: PlantedBug,
    /// Of so many states, one is followed to its rest.
    pub rest_of: u64,
    pub good: Mutex<HashSet<u64>>,
}

impl Setting {
    fn new(name: &'static str, models: Vec<SpeechModel>, endpoints: Vec<SpeechEndpoint>, service: Service) -> Self {
        let cluster = Arc::new(cluster(models, endpoints));
        let versions: BTreeMap<Key, u32> = cluster.keys().into_iter().map(|key| (key, 1)).collect();
        let service = Arc::new(service);
        // The same base models, and something of strangers; nothing of ours.
        let away = Service {
            made: AWAY,
            ..(*service).clone()
        };
        let replica = |number| Replica::new(number == 0, &cluster, &versions);
        let mut start = State {
            now: at(NOW),
            replicas: [replica(0), replica(1)],
            cluster,
            versions,
            connection_version: 1,
            away: Arc::new(away),
            shown: Arc::clone(&service),
            service,
            requests: Vec::new(),
            spent: Spent::default(),
            ids: BTreeMap::new(),
            orders: BTreeMap::new(),
            broken: Vec::new(),
        };
        (0..REPLICAS).for_each(|r| look(PlantedBug::Nothing, &mut start, r, Lists::Current));
        Self {
            name,
            start,
            most: Spent::default(),
            landmarks: Vec::new(),
            changes: Vec::new(),
            best: |_, _| Vec::new(),
            leaves_late: false,
            bug: PlantedBug::Nothing,
            rest_of: 1,
            good: Mutex::default(),
        }
    }

    /// An endpoint that serves the newest base model, while base models appear: one that expires earlier than the first,
    /// then one that expires later.
    pub fn endpoint() -> Self {
        let object = endpoint("model: {base: {}}");
        let service = service([base_model(1, "2026-09-01T00:00:00Z")]).with_strangers(1);
        Self {
            changes: vec![|s| appear(s, base_model(2, "2026-06-01T00:00:00Z")), |s| {
                appear(s, base_model(3, LATER))
            }],
            landmarks: landmarks(),
            best: |s, _| newest_base_models(s),
            ..Self::new("endpoint", Vec::new(), vec![object], service)
        }
    }

    /// A model that is trained, and an endpoint that follows it.
    pub fn follower() -> Self {
        let model = with(model(TRAINING), |m| {
            m.metadata.name = Some("m".into());
            m.metadata.uid = Some(OTHER.into());
        });
        let service = Service {
            lives: vec![at("2026-09-01T00:00:00Z"), at(LATER)],
            ..service([base_model(1, LATER)])
        };
        Self {
            changes: vec![retrain],
            best: |s, _| newest_revision(s).into_iter().collect(),
            ..Self::new(
                "follower",
                vec![model],
                vec![endpoint("model: {ref: {name: m}}")],
                service.with_strangers(1),
            )
        }
    }

    /// Two endpoints that choose the same base models, of which one at a time may move.
    pub fn pair() -> Self {
        let second = with(endpoint("model: {base: {}}\nswap: {policy: BeforeExpiry}"), |e| {
            e.metadata.name = Some("second".into());
            e.metadata.uid = Some(OTHER.into());
        });
        let service = service([base_model(1, "2026-09-01T00:00:00Z")]).with_strangers(1);
        let mut setting = Self::new("pair", Vec::new(), vec![endpoint("model: {base: {}}"), second], service);
        for replica in &mut setting.start.replicas {
            Arc::make_mut(&mut replica.agenda).limits.swaps = 1;
        }
        Self {
            changes: vec![|s| appear(s, base_model(3, LATER))],
            landmarks: landmarks(),
            best: |s, index| match index {
                0 => newest_base_models(s),
                // It may also wait until its model is about to expire.
                _ => valid_base_models(s).map(|model| model.header.id).collect(),
            },
            ..setting
        }
    }

    /// An endpoint at rest of which a candidate has to pass a gate before the deadline, and the candidate, which nobody has
    /// seen yet.
    pub fn gate() -> Self {
        let object = endpoint(GATED);
        let service = service([base_model(1, "2026-09-01T00:00:00Z")]).with_strangers(1);
        let setting = Self {
            // The deadline.
            landmarks: vec![at("2026-08-31T00:00:00Z")],
            best: |s, _| newest_base_models(s),
            ..Self::new("gate", Vec::new(), vec![object], service)
        };
        setting.at_rest("gate").later(|s| appear(s, base_model(3, LATER)))
    }

    /// An endpoint at rest, and a newer base model that nobody has seen yet, where the service goes on showing the model
    /// before until the new one serves.
    pub fn silent() -> Self {
        let service = Service {
            is_silent: true,
            ..service([base_model(1, "2026-09-01T00:00:00Z")]).with_strangers(1)
        };
        let setting = Self {
            landmarks: ["2026-03-01T10:40:00Z", "2026-03-01T11:00:00Z"].map(at).to_vec(),
            best: |s, _| newest_base_models(s),
            ..Self::new("silent", Vec::new(), vec![endpoint("model: {base: {}}")], service)
        };
        setting.at_rest("silent").later(|s| appear(s, base_model(3, LATER)))
    }

    /// An endpoint at rest, and a newer base model that nobody has seen yet, while the connection is pointed to another Speech
    /// resource, and back.
    pub fn elsewhere() -> Self {
        let setting = Self::endpoint().at_rest("elsewhere");
        Self {
            changes: vec![|s| point(s, Place::Away), |s| point(s, Place::Home)],
            ..setting.later(|s| appear(s, base_model(3, LATER)))
        }
    }

    /// An endpoint at rest that may be made anew, whose connection is pointed to another Speech resource, which is accepted.
    pub fn accepted() -> Self {
        Self {
            changes: vec![|s| point(s, Place::Away), accept],
            ..Self::recreated().at_rest("accepted")
        }
    }

    /// The same, beginning a quarter of an hour later, when all lists are due.
    fn later(mut self, change: fn(&mut State)) -> Self {
        let start = &mut self.start;
        change(start);
        start.now += SignedDuration::from_mins(15);
        start.shown = Arc::clone(&start.service);
        self
    }

    /// The same by another name.
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// The same, beginning when all is as declared.
    pub fn at_rest(self, name: &'static str) -> Self {
        let start = self.settled(&self.start).unwrap();
        Self { name, start, ..self }
    }

    /// The endpoint of [`Setting::endpoint`], made anew when somebody deletes it.
    pub fn recreated() -> Self {
        let mut setting = Self::endpoint();
        let start = &mut setting.start;
        for cluster in std::iter::once(&mut start.cluster).chain(start.replicas.iter_mut().map(|r| &mut r.cluster)) {
            let object = Arc::make_mut(cluster).endpoints[0].as_mut();
            object
                .into_iter()
                .for_each(|object| object.spec.recreate = Recreate::WhenDeleted);
        }
        Self {
            name: "recreated",
            ..setting
        }
    }

    /// The same with other bounds.
    pub fn at_most(self, most: Spent) -> Self {
        Self { most, ..self }
    }

    /// The same with a bug.
    pub fn with_bug(self, bug: PlantedBug) -> Self {
        Self { bug, ..self }
    }

    /// The same, judged by its steps and states alone: none is followed to its rest.
    pub fn unfollowed(self) -> Self {
        Self {
            rest_of: u64::MAX,
            ..self
        }
    }

    /// Whether a user may delete an object now.
    pub fn is_deletable(&self, s: &State, key: Key) -> bool {
        match key {
            Key::Model(index) => s.cluster.models[index]
                .as_ref()
                .is_some_and(|o| o.metadata.deletion_timestamp.is_none()),
            Key::Endpoint(index) => s.cluster.endpoints[index]
                .as_ref()
                .is_some_and(|o| o.metadata.deletion_timestamp.is_none()),
        }
    }

    /// Whether a state is followed to its rest.
    pub fn is_sampled(&self, s: &State) -> bool {
        self.rest_of <= 1 || s.future().is_multiple_of(self.rest_of)
    }

    /// Whether the course from a state is known to end well.
    pub fn known(&self, future: u64) -> bool {
        self.good.lock().unwrap().contains(&future)
    }

    /// The courses from these states end well.
    pub fn learn(&self, futures: &[u64]) {
        self.good.lock().unwrap().extend(futures);
    }
}

const GATED: &str = "model: {base: {}}\nswap: {gate: {evaluation: {dataset: 00000000-0000-0000-0000-000000000033, maxWordErrorRate: 0.2}, onDeadline: Promote}}";

const TRAINING: &str =
    "source: {training: {datasets: [00000000-0000-0000-0000-000000000032]}}\nrevisionHistoryLimit: 0";

fn service(base_models: impl IntoIterator<Item = BaseModel>) -> Service {
    let base_models = base_models.into_iter().map(|model| (model.header.id, model)).collect();
    let datasets = [text(50), dataset(51)]
        .into_iter()
        .map(|dataset| (dataset.header.id, dataset));
    Service {
        base_models,
        datasets: datasets.collect(),
        ..Service::default()
    }
}

fn cluster(models: Vec<SpeechModel>, endpoints: Vec<SpeechEndpoint>) -> Cluster {
    let connection = serde_json::from_value(serde_json::json!({
        "apiVersion": "customspeech.dev/v1alpha1",
        "kind": "SpeechConnection",
        "metadata": { "name": "west", "namespace": "team" },
        "spec": { "endpoint": Place::Home.endpoint(), "auth": { "key": { "secretRef": { "name": "key", "key": "key" } } } },
    }));
    let uid = |object: &Option<String>| object.clone().unwrap_or_default();
    let by_uid = (models
        .iter()
        .enumerate()
        .map(|(n, object)| (uid(&object.metadata.uid), Key::Model(n))))
    .chain(
        endpoints
            .iter()
            .enumerate()
            .map(|(n, object)| (uid(&object.metadata.uid), Key::Endpoint(n))),
    )
    .collect();
    let mut connection: SpeechConnection = connection.unwrap();
    connection.status = Some(SpeechConnectionStatus {
        resource: Some(Place::Home.reached()),
        ..SpeechConnectionStatus::default()
    });
    Cluster {
        connection,
        models: models.into_iter().map(Some).collect(),
        endpoints: endpoints.into_iter().map(Some).collect(),
        by_uid,
    }
}

/// An hour later base models are read again; then half a day before the first of them expires, and its expiry.
fn landmarks() -> Vec<Timestamp> {
    ["2026-03-01T11:00:00Z", "2026-08-31T12:00:00Z", "2026-09-01T00:00:00Z"]
        .map(at)
        .to_vec()
}

fn appear(s: &mut State, model: BaseModel) {
    // Base models are the same in all Speech resources.
    for place in [Place::Home, Place::Away] {
        s.at_mut(place).base_models.insert(model.header.id, model.clone());
    }
}

/// The training is declared anew: another revision is due.
fn retrain(s: &mut State) {
    let key = Key::Model(0);
    let Some(object) = Arc::make_mut(&mut s.cluster).models[0].as_mut() else {
        return;
    };
    object.spec.source = model(&TRAINING.replace("]}", "], customModelWeightPercent: 60}"))
        .spec
        .source;
    *object.metadata.generation.get_or_insert_default() += 1;
    s.versions.entry(key).and_modify(|version| *version += 1);
}

/// The newest good revision of the model.
fn newest_revision(s: &State) -> Option<EntityId> {
    let ours = s
        .service
        .models
        .values()
        .filter(|m| m.header.owner.as_ref().is_some_and(|tag| tag.uid == OTHER));
    let newest = ours.max_by_key(|m| m.header.owner.as_ref().and_then(|tag| tag.revision))?;
    Some(newest.header.id)
}

fn valid_base_models(s: &State) -> impl Iterator<Item = &BaseModel> {
    s.service
        .base_models
        .values()
        .filter(|model| model.expires_at.is_none_or(|at| at > s.now))
}

/// The newest base model, and those that last longer than it.
fn newest_base_models(s: &State) -> Vec<EntityId> {
    let newest = valid_base_models(s).max_by_key(|model| model.header.created_at);
    let lasts = newest.and_then(|newest| newest.expires_at);
    valid_base_models(s)
        .filter(|model| model.expires_at >= lasts)
        .map(|model| model.header.id)
        .collect()
}
