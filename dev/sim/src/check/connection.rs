//! The connection: where it leads, whether that is the Speech resource that is known, and what is left to delete of what the
//! gates have had made. What is said and done of it, the production [`plan`] decides, and [`recognise`] whether the resource
//! is the known one.
use super::{
    Setting, law,
    look::{Lists, failed, of_gateway, pace},
    operator::Looked,
    planted::PlantedBug,
    state::{Asker, Replica, Request, State},
};
use crate::cluster::annotate;
use speech_api::{
    Reason, SpeechConnection, SpeechEndpoint,
    annotation::{self, ACCEPT_RESOURCE},
    connection::KnownResource,
};
use speech_plan::{
    Action, Hands, Scope,
    connection::{Contact, Dependents, Sharing, Snapshot, plan},
    evaluation::unneeded,
    recognition::{self, Recognition, recognise},
    relations::revisions,
    testing::CLUSTER,
    view::View,
};
use speech_service::EntityId;
use std::sync::Arc;

/// A Speech resource to which the connection may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The one in which everything begins.
    Home,
    /// Another one, in which nothing of ours exists.
    Away,
}

/// How an operator reaches the Speech resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    pub place: Place,
    /// Whether it is the resource that is known; else it is read to find that out, and nothing is changed there.
    pub trusted: bool,
}

impl Place {
    /// Where a connection leads.
    pub fn of(connection: &SpeechConnection) -> Self {
        match connection.spec.endpoint == Self::Away.endpoint() {
            true => Self::Away,
            false => Self::Home,
        }
    }

    pub fn endpoint(self) -> String {
        format!("https://{}", self.host())
    }

    fn host(self) -> &'static str {
        match self {
            Self::Home => "x.example",
            Self::Away => "y.example",
        }
    }

    /// By what it is known.
    pub fn reached(self) -> KnownResource {
        KnownResource {
            endpoint: self.endpoint(),
            secret: "secret".into(),
            accepted: None,
        }
    }
}

impl Replica {
    /// Reaches the resource as the connection says; see `relink` of the operator.
    pub fn relink(&mut self, bug: PlantedBug) {
        let place = Place::of(&self.cluster.connection);
        let known = self.known.get_or_insert_with(|| place.reached());
        self.link = Link {
            place,
            trusted: known.is_reached_as(&place.reached())
                || matches!(bug, PlantedBug::BlindTrust | PlantedBug::HastyTrust),
        };
        self.schedule.forgive();
    }

    /// A new process knows the resource by what the status of the connection says.
    pub fn link_anew(&mut self, bug: PlantedBug) {
        let status = self.cluster.connection.status.as_ref();
        self.known = status.and_then(|status| status.resource.clone());
        self.relink(bug);
    }
}

/// Whether what an operator reaches is the resource that is known, for all that can be seen of it. One that is accepted is
/// read as if nothing was known.
pub fn is_recognised(bug: PlantedBug, s: &mut State, r: usize, lists: Lists) -> bool {
    let (now, service) = (pace(s.now), Arc::clone(s.at(s.replicas[r].link.place)));
    let replica = &mut s.replicas[r];
    let reached = replica.link.place.reached();
    let is_the_way = |known: &KnownResource| known.is_reached_as(&reached);
    let is_hasty = bug == PlantedBug::HastyTrust && !replica.known.as_ref().is_some_and(is_the_way);
    if replica.link.trusted && !is_hasty {
        return true;
    }
    let expected = expected(replica);
    if lists == Lists::Gateway && !expected.is_empty() {
        failed(replica, now, &of_gateway());
        return false;
    }
    let is_there = |id: &&EntityId| service.endpoints.contains_key(id) || service.models.contains_key(id);
    let recognition = recognise(&recognition::Look {
        known: replica.known.as_ref(),
        reached: &reached,
        host: replica.link.place.host(),
        recorded: expected.len(),
        found: expected.iter().filter(is_there).count(),
        accept: annotation::value(&replica.cluster.connection, ACCEPT_RESOURCE),
    });
    match recognition {
        Recognition::Same(known) => replica.known = Some(known),
        Recognition::Accepted(known) => {
            replica.view = Arc::default();
            replica.schedule.begin_anew();
            replica.known = Some(known);
        }
        Recognition::Different(message) => {
            replica.schedule.put_off(now);
            replica.link.trusted = false;
            replica.contact = Contact::Broken {
                reason: Reason::DifferentResource,
                message,
                transient: false,
                counts: None,
            };
            return false;
        }
    }
    replica.link.trusted = true;
    true
}

/// What should be found where the connection leads; see `wake::expected` of the operator.
fn expected(replica: &Replica) -> Vec<EntityId> {
    let named = |object: &SpeechEndpoint| object.status.as_ref()?.standing_id();
    let endpoints = replica.cluster.endpoints.iter().flatten().filter_map(named);
    endpoints
        .chain(replica.cluster.models.iter().flatten().flat_map(revisions))
        .collect()
}

impl Setting {
    /// An operator looks at the connection: reaches what it leads to now, writes down by what that is known, and deletes an
    /// evaluation that nobody needs.
    pub fn look_at_connection(&self, s: &mut State, r: usize) -> Looked {
        let mut busy = false;
        if !s.knows_connection(r) {
            let (version, connection) = (s.connection_version, s.cluster.connection.clone());
            let replica = &mut s.replicas[r];
            Arc::make_mut(&mut replica.cluster).connection = connection;
            replica.connection_version = version;
            if replica.link.place != Place::of(&replica.cluster.connection) {
                replica.relink(self.bug);
            }
            busy = true;
        }
        let plan = decide(s, r);
        let resource = plan.status.resource.clone();
        busy |= self.write_resource(s, r, resource);
        let collect = plan.collect.filter(|_| self.bug != PlantedBug::NoCollection);
        // A client that is not trusted sends nothing that changes anything.
        let may_send = s.replicas[r].link.trusted && !is_collecting(s, r);
        if let Some(id) = collect.filter(|_| may_send) {
            let view = Arc::make_mut(&mut s.replicas[r].view);
            view.evaluations.touch(id);
            law::judge_collection(s, r, id);
            s.requests.push(Request {
                from: Some((r, Asker::Connection)),
                to: s.replicas[r].link.place,
                action: Action::DeleteEvaluation(id),
                sent: s.now,
                answer: None,
            });
            busy = true;
        }
        Looked {
            busy,
            look_again: plan.look_again,
        }
    }

    /// Writes by what the resource is known, if that is news and nobody changed the connection meanwhile.
    fn write_resource(&self, s: &mut State, r: usize, resource: Option<KnownResource>) -> bool {
        let status = s.cluster.connection.status.clone().unwrap_or_default();
        if status.resource == resource || !s.knows_connection(r) {
            return false;
        }
        let connection = &mut Arc::make_mut(&mut s.cluster).connection;
        connection.status = Some(speech_api::SpeechConnectionStatus { resource, ..status });
        s.connection_version += 1;
        let written = connection.clone();
        Arc::make_mut(&mut s.replicas[r].cluster).connection = written;
        s.replicas[r].connection_version = s.connection_version;
        true
    }

    /// Whether looking at the connection may do anything.
    pub fn minds_connection(&self, s: &State, r: usize) -> bool {
        let replica = &s.replicas[r];
        let status = replica.cluster.connection.status.as_ref();
        let ended = |view: &View| {
            view.evaluations
                .iter()
                .any(|entry| entry.entity.header.status.is_terminal())
        };
        !s.knows_connection(r)
            || (replica.is_established()
                && status.and_then(|status| status.resource.as_ref()) != replica.known.as_ref())
            || (ended(&replica.view) && !is_collecting(s, r))
    }
}

fn is_collecting(s: &State, r: usize) -> bool {
    let by_us = |request: &Request| request.from == Some((r, Asker::Connection));
    s.requests.iter().any(by_us)
}

fn decide(s: &State, r: usize) -> speech_plan::connection::Plan {
    let replica = &s.replicas[r];
    let endpoints = replica.cluster.endpoints.iter().flatten();
    plan(&Snapshot {
        object: &replica.cluster.connection,
        contact: &replica.contact,
        recognised: replica.link.trusted,
        dependents: Dependents {
            count: replica.cluster.keys().len(),
            ..Dependents::default()
        },
        last_key_until: None,
        durations: &replica.agenda.durations,
        skew: replica.agenda.skew,
        throttled: false,
        sharing: &Sharing::default(),
        unneeded: unneeded(&replica.view, CLUSTER, &Scope::default(), endpoints, s.now),
        collect_from: replica.collect_from,
        held: None,
        resource: replica.known.as_ref(),
        hands: Hands::Free,
        now: s.now,
    })
}

/// A user points the connection to another address.
pub fn point(s: &mut State, place: Place) {
    let connection = &mut Arc::make_mut(&mut s.cluster).connection;
    connection.spec.endpoint = place.endpoint();
    *connection.metadata.generation.get_or_insert(1) += 1;
    s.connection_version += 1;
}

/// A user accepts the other resource.
pub fn accept(s: &mut State) {
    let connection = &mut Arc::make_mut(&mut s.cluster).connection;
    annotate(connection, ACCEPT_RESOURCE, Place::Away.host().to_owned());
    s.connection_version += 1;
}

impl State {
    /// Whether an operator has seen the connection as it is.
    pub fn knows_connection(&self, r: usize) -> bool {
        self.replicas[r].connection_version == self.connection_version
    }

    /// Whether a user accepted the other resource.
    pub fn is_accepted(&self) -> bool {
        annotation::value(&self.cluster.connection, ACCEPT_RESOURCE).is_some()
    }

    /// Whether the connection was ever pointed elsewhere.
    pub fn was_pointed(&self) -> bool {
        self.cluster.connection.metadata.generation.is_some()
    }
}
