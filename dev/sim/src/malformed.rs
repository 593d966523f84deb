//! Whatever a service answers: an endpoint at rest keeps its model. The real client, view, planner and actions against an
//! emulated service whose answers are replaced on their way.
mod wire;

use super::{
    cluster::{self, Cluster, Key, Kind},
    fleet, world,
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use speech_api::{SpeechEndpoint, SpeechModel};
use speech_emulator::{Emulator, Seed};
use speech_fuzz::{Garble, feed_in_rows};
use speech_plan::{
    Action, Agenda, ConnectionState, Hands, Pass, Stay, Surroundings,
    connection::{Contact, Obstacle},
    relations::Recorded,
    view::{ModelFacts, View},
};
use speech_resource::{Failures, Resource, Scope, Undone, act, read};
use speech_service::{
    ApiVersion, BaseUrl, Budget, Client, EntityId, ModelId, SubscriptionKey, Transport, entity::Status,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use wire::{Service, State, Wire};

/// What endpoints follow here, one each.
const CHOICES: [&str; 6] = [
    r#"{"model": {"base": {}}}"#,
    r#"{"model": {"ref": {"name": "model-0"}}}"#,
    r#"{"model": {"selector": {"matchLabels": {"team": "a"}}}}"#,
    r#"{"model": {"id": "20000000-0000-4000-8000-000000000001"}}"#,
    r#"{"model": {"base": {}}, "swap": {"policy": "BeforeExpiry"}, "recreate": "WhenDeleted"}"#,
    r#"{"model": {"base": {"id": "10000000-0000-4000-8000-000000000002"}}, "managementPolicy": "Observe", "adopt": {"id": "30000000-0000-4000-8000-000000000001"}}"#,
];
const LEFT: &str = "2026-03-02T10:00:00Z";

fn seed() -> Value {
    let base = |n: u32, date: &str| {
        json!({"id": format!("10000000-0000-4000-8000-00000000000{n}"), "displayName": date.replace('-', ""), "locale": "en-US",
            "createdDateTime": format!("{date}T00:00:00Z")})
    };
    let custom = |n: u32, date: &str| {
        json!({"id": format!("20000000-0000-4000-8000-00000000000{n}"), "displayName": format!("m{n}"), "locale": "en-US",
            "createdDateTime": format!("{date}T00:00:00Z"), "baseModel": "10000000-0000-4000-8000-000000000002"})
    };
    json!({
        "now": "2026-03-01T10:00:00Z", "rate": 0.0,
        "resources": { world::RESOURCE: {
            "key1": world::KEY,
            "rateLimit": {"requests": 0, "perSeconds": 10.0},
            "timings": {"training": 1.0, "endpointCreate": 1.0, "endpointUpdate": 1.0},
            "baseModels": [base(1, "2025-06-01"), base(2, "2025-11-01"), base(3, "2026-02-01")],
            "models": [custom(1, "2026-01-10"), custom(2, "2025-12-01")],
            "endpoints": [{"id": "30000000-0000-4000-8000-000000000001", "displayName": "theirs", "locale": "en-US",
                "createdDateTime": "2026-01-01T00:00:00Z", "model": "models/base/10000000-0000-4000-8000-000000000002"}],
        } },
    })
}

/// Some endpoints at rest, and the operator that looks after them.
struct Team {
    wire: Arc<Wire>,
    client: Client,
    resource: Resource,
    contact: Contact,
    cluster: Cluster,
    emulator: Emulator,
    now: Timestamp,
}

/// What a pass did to an endpoint.
struct Step {
    index: usize,
    action: Action,
    /// What was known of the models when it was decided: the one that served, and the one that shall.
    served: Option<Known>,
    chosen: Option<Known>,
    /// Whether it deletes an endpoint that there truly is.
    destroys: bool,
}

/// A copy of what the view knows of a model.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    model: ModelId,
    locale: String,
    status: Status,
    expires_at: Option<Timestamp>,
    deployable: bool,
}

impl From<ModelFacts<'_>> for Known {
    fn from(facts: ModelFacts<'_>) -> Self {
        Self {
            model: facts.model,
            locale: facts.locale.to_owned(),
            status: facts.status.clone(),
            expires_at: facts.expires_at,
            deployable: facts.supports_endpoints,
        }
    }
}

impl Known {
    fn can_serve(&self, now: Timestamp) -> bool {
        self.locale == "en-US"
            && self.status == Status::Succeeded
            && self.deployable
            && self.expires_at.is_none_or(|at| at > now)
    }
}

fn object<K: serde::de::DeserializeOwned>(kind: &str, key: Key, labels: Value, mut spec: Value) -> K {
    spec["connectionRef"] = json!({"name": "west"});
    spec["locale"] = json!("en-US");
    let name = fleet::name(key);
    let metadata = json!({"name": name, "namespace": "team", "uid": uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string(), "generation": 1, "labels": labels,
        "creationTimestamp": "2026-03-01T09:00:00Z"});
    serde_json::from_value(
        json!({"apiVersion": "customspeech.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}),
    )
    .unwrap()
}

impl Team {
    /// A team whose endpoints have come to rest.
    fn at_rest() -> Self {
        let emulator = Emulator::new(Seed::parse(&seed().to_string()).unwrap());
        emulator.derive_ids_from(7);
        let wire = Arc::new(Wire {
            router: emulator.router(),
            state: Mutex::new(State {
                service: Service::True,
                garble: Garble::new(0),
                asked: Vec::new(),
            }),
        });
        let client = Client::new(
            Arc::clone(&wire) as Arc<dyn Transport>,
            BaseUrl::parse(world::BASE_URL, true).unwrap(),
            ApiVersion::V2025_10_15,
            SubscriptionKey::parse(world::KEY.as_bytes()).unwrap(),
            Arc::new(Budget::unlimited()),
            Arc::new(()),
        );
        let models: Vec<Option<SpeechModel>> = [1, 2]
            .iter()
            .enumerate()
            .map(|(index, n)| {
                let spec = json!({"source": {"existing": {"id": format!("20000000-0000-4000-8000-00000000000{n}")}}});
                Some(object("SpeechModel", Key::Model(index), json!({"team": "a"}), spec))
            })
            .collect();
        let endpoints: Vec<Option<SpeechEndpoint>> = CHOICES
            .iter()
            .enumerate()
            .map(|(index, spec)| {
                Some(object(
                    "SpeechEndpoint",
                    Key::Endpoint(index),
                    json!({}),
                    serde_json::from_str(spec).unwrap(),
                ))
            })
            .collect();
        let connection = fleet::Manifests::new(1, fleet::Draft::default());
        let now = LEFT.parse().unwrap();
        emulator.stand_at(now);
        let mut team = Self {
            wire,
            client,
            resource: Resource::default(),
            contact: Contact::Pending,
            cluster: Cluster {
                models,
                endpoints,
                by_uid: BTreeMap::new(),
                ..connection.cluster(now).unwrap()
            },
            emulator,
            now,
        };
        for _ in 0..8 {
            team.turn();
        }
        assert!(team.asked().len() >= 5, "the endpoints were made");
        assert!(team.turn().is_empty() && team.asked().is_empty(), "all is at rest");
        for (index, endpoint) in team.cluster.endpoints.iter().flatten().enumerate() {
            let conditions = &endpoint.status.as_ref().unwrap().conditions;
            assert!(
                speech_api::condition::is_true(conditions, "Ready"),
                "{index}: {conditions:?}"
            );
        }
        team
    }

    fn asked(&self) -> Vec<(Method, String)> {
        std::mem::take(&mut self.wire.state.lock().unwrap().asked)
    }

    fn serve(&self, service: Service, garble: Garble) {
        let mut state = self.wire.state.lock().unwrap();
        (state.service, state.garble) = (service, garble);
    }

    /// What each endpoint says that it is served by.
    fn active(&self) -> Vec<Option<EntityId>> {
        let endpoints = self.cluster.endpoints.iter().flatten();
        endpoints
            .map(|endpoint| Some(endpoint.status.as_ref()?.active.as_ref()?.model))
            .collect()
    }

    /// A look at the service, and a pass over each object; the steps that were taken.
    fn turn(&mut self) -> Vec<Step> {
        self.now += SignedDuration::from_mins(2);
        self.emulator.stand_at(self.now);
        let all = Scope {
            endpoints: true,
            models: true,
            base_models: true,
            datasets: true,
            evaluations: true,
        };
        let recorded = Recorded {
            endpoints: self.recorded(),
            datasets: self.cluster.named_datasets(),
            ..Recorded::default()
        };
        let (_, outcome) = futures::executor::block_on(read(&self.resource, &self.client, all, &recorded, self.now));
        self.contact = match outcome {
            Ok(()) => self.resource.established(),
            // Nothing was known before, so that no failure passes unnoticed.
            Err(error) => {
                let failed = Failures::default().failed(&error, &Contact::Pending, Duration::from_secs(60));
                failed.contact.unwrap()
            }
        };
        let mut steps = Vec::new();
        for index in 0..self.cluster.models.len() {
            self.pass::<SpeechModel>(index);
        }
        for index in 0..self.cluster.endpoints.len() {
            steps.extend(self.pass::<SpeechEndpoint>(index));
        }
        steps
    }

    fn recorded(&self) -> Vec<EntityId> {
        let endpoints = self.cluster.endpoints.iter().flatten();
        endpoints.filter_map(|endpoint| endpoint.status.as_ref()?.id).collect()
    }

    fn pass<K: Kind>(&mut self, index: usize) -> Option<Step> {
        let mut object = K::slot(&mut self.cluster, index)?.take()?;
        let mut pass = Pass::begin(Hands::Free);
        let mut taken = None;
        loop {
            let plan = self.decide(&object, &pass);
            match pass.next(&plan) {
                speech_plan::Step::Claim(intent) => {
                    cluster::claim(&mut object, intent);
                    pass.claimed(intent);
                }
                speech_plan::Step::Request(action, asked) => {
                    taken = Some(self.step(index, &action));
                    let done = futures::executor::block_on(act(&self.resource, &self.client, &action));
                    pass.answered(asked, done.err().and_then(Undone::failure));
                }
                speech_plan::Step::Release | speech_plan::Step::Report => {
                    object.set_status(plan.status);
                    *K::slot(&mut self.cluster, index)? = Some(object);
                    return taken;
                }
            }
        }
    }

    fn decide<K: Kind>(&self, object: &K, pass: &Pass) -> speech_plan::Plan<K::Status> {
        let view = self.resource.view();
        let connection = match &self.contact {
            Contact::Established(_) => ConnectionState::Ready {
                view: &view,
                has_projects: true,
            },
            Contact::Blocked(Obstacle { message, .. }) | Contact::Broken { message, .. } => ConnectionState::NotReady {
                message,
                view: view.is_complete().then_some(&view),
                usable: true,
                since: None,
            },
            Contact::Pending => unreachable!("the first look has ended"),
        };
        let plan = object.plan(
            &self.cluster,
            Surroundings {
                now: self.now,
                cluster: cluster::UID,
                connection,
                learned: pass.learned(),
                agenda: &Agenda::default(),
                stay: Stay::Certain,
                hands: Hands::Free,
                namespace_ends: false,
            },
        );
        assert!(
            plan.look_again.is_none_or(|again| again > self.now),
            "{:?}",
            plan.look_again
        );
        plan
    }

    fn step(&self, index: usize, action: &Action) -> Step {
        let view = self.resource.view();
        let known = |model: ModelId, view: &View| view.model(model).map(Known::from);
        let (mut served, mut chosen) = (None, None);
        if let Action::UpdateEndpoint { id, change, .. } = action {
            let model = view.endpoints.get(*id).and_then(|entry| entry.entity.model);
            served = model.and_then(|model| known(model, &view));
            chosen = change.model().and_then(|model| known(model, &view));
        }
        let mut destroys = false;
        if let Action::DeleteEndpoint(id) = action {
            self.emulator
                .endpoints(world::RESOURCE, |endpoint| destroys |= endpoint.id == id.uuid());
        }
        Step {
            index,
            action: action.clone(),
            served,
            chosen,
            destroys,
        }
    }
}

/// Looks at the service in one run, from rest.
const ROW: u64 = 25;

#[test]
fn no_soup_of_bytes_from_the_service_moves_an_endpoint_from_its_model() {
    let target = "soup from the service";
    feed_in_rows(
        target,
        1_000,
        ROW,
        || (),
        |(), garble| {
            let mut team = Team::at_rest();
            let before = team.active();
            team.serve(Service::Malformed, garble.clone());
            for _ in 0..ROW {
                team.turn();
                assert_eq!(team.asked(), [], "asked for a change");
                assert_eq!(team.active(), before);
            }
            team.serve(Service::True, garble.clone());
            team.turn();
            assert_eq!(
                (team.asked(), team.active()),
                (Vec::new(), before),
                "the truth is as it was"
            );
        },
    );
}

#[test]
fn no_lie_of_the_service_brings_an_endpoint_to_a_model_that_is_worse_by_what_is_known() {
    let target = "lies from the service";
    feed_in_rows(
        target,
        1_000,
        ROW,
        || (),
        |(), garble| {
            let mut team = Team::at_rest();
            team.serve(Service::Lies, garble.clone());
            for _ in 0..ROW {
                let steps = team.turn();
                steps.iter().for_each(|step| judge(step, team.now));
            }
        },
    );
}

/// Whether a step is one that the words of the service, if they were true, would ask for.
fn judge(step: &Step, now: Timestamp) {
    let place = format!("endpoint {}", step.index);
    let Action::UpdateEndpoint { change, .. } = &step.action else {
        let makes_anew = step.index == 4 && matches!(step.action, Action::CreateEndpoint(_));
        // A lie about the id of an endpoint with our whole mark invents a twin. Deleting what is not there does no harm.
        let deletes_nothing = matches!(step.action, Action::DeleteEndpoint(_)) && !step.destroys;
        assert!(makes_anew || deletes_nothing, "{place}: {:?}", step.action);
        return;
    };
    assert_ne!(step.index, 5, "what is only observed is not changed");
    let Some(model) = change.model() else { return };
    let Some(chosen) = &step.chosen else {
        panic!("{place}: moves to {model}, of which nothing is known")
    };
    assert!(chosen.can_serve(now), "{place}: moves to {chosen:?}");
    // A model that is named by its id is the user's own word.
    let served = step
        .served
        .as_ref()
        .filter(|served| step.index != 3 && served.can_serve(now));
    if let Some(served) = served {
        let end = |known: &Known| known.expires_at.unwrap_or(Timestamp::MAX);
        assert!(end(chosen) >= end(served), "{place}: from {served:?} to {chosen:?}");
    }
}
