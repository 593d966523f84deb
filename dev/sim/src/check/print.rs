//! What makes two states the same: a number for all that decides what comes next.
use super::{
    connection::Place,
    service::{Answer, Service},
    state::{AWAY, Begun, State},
};
use crate::cluster::Key;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use speech_api::{
    SpeechEndpoint, SpeechModel, annotation::CreationIntent, connection::KnownResource, reference::LastFailure,
};
use speech_plan::{Action, connection::Contact, queue::Want, testing::id, view::View};
use speech_service::{
    entity::{Evaluation, Header},
    request::UpdateEndpoint,
};
use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
};

/// A pass waits before its request is answered: by then it has learned only what it announced.
impl Hash for Begun {
    fn hash<H: Hasher>(&self, h: &mut H) {
        (self.at, self.pass.learned().announced, &self.asked).hash(h);
    }
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
        let connection = &self.cluster.connection;
        let resource = connection.status.as_ref().and_then(|status| status.resource.as_ref());
        (Place::of(connection), self.is_accepted()).hash(h);
        put_known(h, resource);
        self.service.print().hash(h);
        self.away.print().hash(h);
        self.shown.print().hash(h);
        for (r, replica) in self.replicas.iter().enumerate() {
            let waits = (replica.collect_from, &replica.promised);
            (self.knows_connection(r), replica.link, waits).hash(h);
            put_known(h, replica.known.as_ref());
            (replica.leads, &replica.passes, &replica.schedule, &replica.awaits).hash(h);
            put_contact(h, &replica.contact);
            for (uid, want) in replica.agenda.queue.wants() {
                uid.hash(h);
                put_want(h, want);
            }
            put_view(h, &replica.view);
            let made = (1..=self.service.made).chain(AWAY + 1..=self.away.made);
            for id in made.map(|n| id(100 + n)) {
                (replica.view.endpoints.is_unseen(id), replica.view.models.is_unseen(id)).hash(h);
            }
        }
        for request in &self.requests {
            (request.from, request.to, request.sent).hash(h);
            put_action(h, &request.action);
            match &request.answer {
                Some(Answer::Endpoint(endpoint)) => put_header(h, &endpoint.header, endpoint.model),
                Some(Answer::Model(model)) => put_header(h, &model.header, model.expires_at),
                Some(Answer::Evaluation(evaluation)) => put_evaluation(h, evaluation),
                Some(Answer::Deleted) => 1.hash(h),
                Some(Answer::Refused(_)) => 2.hash(h),
                None => 0.hash(h),
            }
        }
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
    let candidate = status.candidate.as_ref().map(|c| (&c.model, &c.since, c.requested));
    let gate = status.gate.as_ref();
    gate.map(|g| {
        (
            &g.candidate,
            &g.active,
            &g.evaluation,
            g.verdict.as_str(),
            g.errors,
            &g.at,
        )
    })
    .hash(h);
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

fn put_known(h: &mut impl Hasher, known: Option<&KnownResource>) {
    known.map(|known| (&known.endpoint, &known.accepted)).hash(h);
}

fn put_evaluation(h: &mut impl Hasher, evaluation: &Evaluation) {
    let pair = (evaluation.model1, evaluation.model2);
    let rate = evaluation
        .scores1
        .as_ref()
        .map(|scores| scores.word_error_rate.to_bits());
    put_header(h, &evaluation.header, (pair, rate));
}

fn put_contact(h: &mut impl Hasher, contact: &Contact) {
    match contact {
        Contact::Pending => 0.hash(h),
        Contact::Established(_) => 1.hash(h),
        Contact::Broken { counts, .. } => (2, counts.is_some()).hash(h),
        Contact::Blocked(obstacle) => (3, obstacle.cause.reason()).hash(h),
    }
}

fn put_view(h: &mut impl Hasher, view: &View) {
    (
        view.endpoints.swept_at(),
        view.models.swept_at(),
        view.base_models.swept_at(),
        view.base_models.len(),
        [
            view.endpoints.empty_at(),
            view.models.empty_at(),
            view.evaluations.empty_at(),
        ],
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
    let mut evaluations: Vec<_> = view.evaluations.iter().collect();
    evaluations.sort_unstable_by_key(|entry| entry.entity.header.id);
    (view.evaluations.swept_at(), view.datasets.is_known()).hash(h);
    for entry in evaluations {
        entry.confirmed.hash(h);
        put_evaluation(h, &entry.entity);
    }
    let accepted: BTreeMap<_, _> = view.accepted.iter().collect();
    accepted.hash(h);
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
        Action::UpdateModel { id, .. }
        | Action::DeleteEndpoint(id)
        | Action::DeleteModel(id)
        | Action::DeleteEvaluation(id) => id.hash(h),
        Action::CreateEvaluation(create) => (create.model1, create.model2, create.owner.attempt).hash(h),
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
        for evaluation in self.evaluations.values() {
            put_evaluation(&mut h, evaluation);
        }
        (self.base_models.len(), &self.lives, &self.accepted, &self.judged).hash(&mut h);
        h.finish()
    }
}
