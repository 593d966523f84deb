//! What must never happen. Steps are judged when they are taken, against the world as it is and not as the operator
//! knows it; states are judged as they are.
use super::{
    connection::Place,
    invariant::{Broken, Law},
    service::{Judged, Service, pair},
    state::{State, TICK, number},
};
use crate::cluster::Key;
use jiff::SignedDuration;
use speech_api::{Reason, SpeechEndpoint, condition};
use speech_plan::{Action, creation::MOST_PER_MINUTE, lead_time::Work};
use speech_service::{
    EntityId, ModelId,
    entity::{Evaluation, Header},
};
use std::collections::BTreeMap;

/// Judges a request when it leaves.
pub fn judge(s: &mut State, r: usize, key: Key, action: &Action) {
    let place = s.replicas[r].link.place;
    let of_action = match action {
        Action::UpdateEndpoint { id, change, .. } => {
            let of_model = |model| {
                worse(s, r, key, *id, model)
                    .or_else(|| past_gate(s, r, key, *id, model))
                    .or_else(|| again(s, r, key, *id))
            };
            foreign(s, place, key, *id).or_else(|| change.model().and_then(of_model))
        }
        Action::DeleteEndpoint(id) => foreign(s, place, key, *id).or_else(|| in_use(s, key, *id)),
        Action::DeleteModel(id) | Action::UpdateModel { id, .. } => foreign(s, place, key, *id),
        Action::CreateEndpoint(create) => s.at(place).problem(create.model, s.now).map(|problem| {
            (
                Law::NoWorseModel,
                format!("creates an endpoint with a model that is {problem}"),
            )
        }),
        Action::TrainModel(_) | Action::CreateEvaluation(_) => None,
        other => Some((
            Law::OneEntity,
            format!("a step that this world does not know: {other:?}"),
        )),
    };
    let found = elsewhere(s, place).or(of_action).or_else(|| too_many(s, key, action));
    if let Some((law, how)) = found {
        let how = format!("operator {r}, {key:?}: {how}");
        s.broken.push(Broken { law, how });
    }
}

/// Whether an object has too much made, whatever becomes of it.
fn too_many(s: &mut State, key: Key, action: &Action) -> Option<(Law, String)> {
    if !matches!(
        action,
        Action::CreateEndpoint(_) | Action::TrainModel(_) | Action::CreateEvaluation(_)
    ) {
        return None;
    }
    let orders = s.orders.entry((key, action.operation())).or_default();
    orders.push(s.now);
    let recent = orders.iter().filter(|at| s.now.duration_since(**at) < TICK).count();
    (recent > MOST_PER_MINUTE).then(|| (Law::Bounded, format!("orders for the {recent}. time within a minute")))
}

/// The uid of an object, also of one that is gone.
fn uid(s: &State, key: Key) -> String {
    let of = |key: &Key| {
        s.cluster
            .by_uid
            .iter()
            .find(|(_, k)| *k == key)
            .map(|(uid, _)| uid.clone())
    };
    of(&key).unwrap_or_default()
}

/// Whether a request is about what another made.
fn foreign(s: &State, place: Place, key: Key, id: EntityId) -> Option<(Law, String)> {
    let service = s.at(place);
    let endpoint = service.endpoints.get(&id).map(|endpoint| &endpoint.header);
    let header = endpoint.or_else(|| service.models.get(&id).map(|model| &model.header))?;
    let ours = header.owner.as_ref().is_some_and(|tag| tag.uid == uid(s, key));
    (!ours).then(|| (Law::OneEntity, format!("touches {}, which is not its own", number(id))))
}

/// Whether a deletion is about the endpoint that the status of a living object names.
fn in_use(s: &State, key: Key, id: EntityId) -> Option<(Law, String)> {
    let Key::Endpoint(index) = key else { return None };
    let object = s.cluster.endpoints[index].as_ref()?;
    let named = object.status.as_ref()?.id == Some(id);
    let lives = object.metadata.deletion_timestamp.is_none();
    (named && lives).then(|| (Law::SameId, format!("deletes endpoint {}, which is in use", number(id))))
}

/// Whether a change makes an endpoint worse.
fn worse(s: &State, r: usize, key: Key, id: EntityId, model: ModelId) -> Option<(Law, String)> {
    let to = number(model.entity());
    let service = s.at(s.replicas[r].link.place);
    if let Some(problem) = service.problem(model, s.now) {
        return Some((
            Law::NoWorseModel,
            format!("moves endpoint {} to model {to}, which is {problem}", number(id)),
        ));
    }
    let serves = serves(service, id)?;
    if is_named(s, r, key, model) {
        return None;
    }
    let (now, next) = (service.expiry(serves)?, service.expiry(model)?);
    (now > s.now && next < now).then(|| {
        let from = number(serves.entity());
        (
            Law::NoWorseModel,
            format!(
                "moves endpoint {} from model {from} until {now} to model {to} until {next}",
                number(id)
            ),
        )
    })
}

/// The model that an endpoint serves, if its deployment ended well.
fn serves(service: &Service, id: EntityId) -> Option<ModelId> {
    let endpoint = service.endpoints.get(&id)?;
    endpoint
        .model
        .filter(|_| endpoint.header.status.as_str() == "Succeeded")
}

/// The object as an operator knows it.
fn known(s: &State, r: usize, key: Key) -> Option<&SpeechEndpoint> {
    let Key::Endpoint(index) = key else { return None };
    s.replicas[r].cluster.endpoints[index].as_ref()
}

/// Whether the status chose a model before: that is put back, whatever came in its place.
fn is_named(s: &State, r: usize, key: Key, model: ModelId) -> bool {
    let status = known(s, r, key).and_then(|object| object.status.as_ref());
    let id = model.entity();
    status.is_some_and(|status| {
        status.active.as_ref().is_some_and(|a| a.model == id) || status.target.as_ref().is_some_and(|t| t.model == id)
    })
}

/// So long before the expiry a gate is given up that allows it: `deadlineOverride` of these worlds.
const DEADLINE: SignedDuration = SignedDuration::from_hours(24);

/// Whether a change moves an endpoint past its gate.
fn past_gate(s: &State, r: usize, key: Key, id: EntityId, model: ModelId) -> Option<(Law, String)> {
    known(s, r, key)?.spec.swap.gate.as_ref()?;
    let service = s.at(s.replicas[r].link.place);
    // What serves by now may be asked for again by who has not seen it.
    let serves = serves(service, id).filter(|serves| *serves != model)?;
    if is_named(s, r, key, model) {
        return None;
    }
    let before = service.expiry(serves).is_none_or(|expiry| s.now < expiry - DEADLINE);
    let problem = match service.judged.get(&pair(serves, model)) {
        Some(Judged::Better) => return None,
        Some(Judged::Worse) if before || has_heard(s, r, key, serves, model) => "failed the gate",
        None if before => "has not passed the gate",
        Some(Judged::Worse) | None => return None,
    };
    let to = number(model.entity());
    let how = format!("moves endpoint {} to model {to}, which {problem}", number(id));
    Some((Law::GateHolds, how))
}

/// Whether an operator knows that a candidate failed its gate: it saw the evaluation end, or the status says so.
fn has_heard(s: &State, r: usize, key: Key, serves: ModelId, model: ModelId) -> bool {
    let status = known(s, r, key).and_then(|object| object.status.as_ref());
    let ended = |found: &Evaluation| found.header.status.is_terminal();
    let evaluations = s.replicas[r].view.evaluations.iter().filter(|entry| entry.confirmed);
    let seen = |found: &Evaluation| ended(found) && pair(found.model1, found.model2) == pair(serves, model);
    status.is_some_and(|status| status.quarantine.iter().any(|entry| entry.model == model.entity()))
        || evaluations.map(|entry| &*entry.entity).any(seen)
}

/// Whether another request leaves for an endpoint whose model the service has accepted and need not show yet.
fn again(s: &State, r: usize, key: Key, id: EntityId) -> Option<(Law, String)> {
    let (promised, at) = s.replicas[r].promised.get(&id)?;
    let status = known(s, r, key)?.status.as_ref()?;
    let target = status
        .target
        .as_ref()
        .filter(|target| target.model == promised.entity());
    let since = target.map_or(*at, |target| target.since);
    (s.now < since + Work::Deploying.assumed()).then(|| {
        let to = number(promised.entity());
        let how = format!(
            "asks again for endpoint {}, though model {to} was accepted and may still come",
            number(id)
        );
        (Law::AskedOnce, how)
    })
}

/// Whether a request goes to a Speech resource that is not the known one.
fn elsewhere(s: &State, place: Place) -> Option<(Law, String)> {
    let unasked = place == Place::Away && !s.is_accepted();
    unasked.then(|| {
        (
            Law::NothingElsewhere,
            "changes something in another Speech resource".to_owned(),
        )
    })
}

/// Judges the deletion of an evaluation when it leaves.
pub fn judge_collection(s: &mut State, r: usize, id: EntityId) {
    let place = s.replicas[r].link.place;
    let runs = |header: &Header| !header.status.is_terminal();
    let found = s.at(place).evaluations.get(&id).filter(|found| runs(&found.header));
    let running = found.map(|_| {
        (
            Law::OneEvaluation,
            format!("deletes evaluation {}, which runs", number(id)),
        )
    });
    if let Some((law, how)) = running.or_else(|| elsewhere(s, place)) {
        let how = format!("operator {r}: {how}");
        s.broken.push(Broken { law, how });
    }
}

/// The first id that a status names is the only one.
pub fn note_id(s: &mut State, key: Key) {
    let Key::Endpoint(index) = key else { return };
    let status = s.cluster.endpoints[index]
        .as_ref()
        .and_then(|object| object.status.as_ref());
    let told = status.and_then(|status| status.id);
    match (s.ids.get(&key), told) {
        (None, Some(id)) => drop(s.ids.insert(key, id)),
        // Somebody begins anew in another Speech resource.
        (Some(first), told) if told.as_ref() != Some(first) && s.is_accepted() => {
            s.ids.remove(&key);
        }
        // Somebody deleted it: what was seen before may be written once more, then another follows.
        (Some(first), told)
            if told.as_ref() != Some(first) && !s.service.endpoints.contains_key(first) && s.spent.vanishings > 0 =>
        {
            s.ids.remove(&key);
        }
        (Some(first), told) if told.as_ref() != Some(first) => s.broken.push(Broken {
            law: Law::SameId,
            how: format!("{key:?} named endpoint {first} and now names {told:?}"),
        }),
        (Some(_) | None, _) => {}
    }
}

/// What a state breaks, judged by what exists.
pub fn state(s: &State) -> Option<Broken> {
    let of = |place| entities(s, s.at(place)).or_else(|| evaluations(s.at(place)));
    of(Place::Home).or_else(|| of(Place::Away)).or_else(|| forgotten(s))
}

/// What another Speech resource shows is no loss.
fn forgotten(s: &State) -> Option<Broken> {
    if !s.was_pointed() || s.is_accepted() {
        return None;
    }
    let lost = |object: &&SpeechEndpoint| {
        let status = object.status.as_ref();
        let gone = |status: &speech_api::SpeechEndpointStatus| {
            let ready = condition::find(&status.conditions, condition::READY);
            ready.is_some_and(|ready| ready.reason == Reason::RemoteDeleted.as_str())
        };
        status.is_none_or(|status| status.id.is_none() || status.active.is_none() || gone(status))
    };
    let found = s.cluster.endpoints.iter().flatten().find(lost)?;
    Some(Broken {
        law: Law::NothingForgotten,
        how: format!("{:?} is said to have lost its endpoint", found.metadata.name),
    })
}

/// Evaluations of the same pair of models that run at the same time.
fn evaluations(service: &Service) -> Option<Broken> {
    let mut count: BTreeMap<_, u32> = BTreeMap::new();
    let running = service
        .evaluations
        .values()
        .filter(|found| !found.header.status.is_terminal());
    for found in running {
        *count.entry(pair(found.model1, found.model2)).or_default() += 1;
    }
    let twins = count.into_iter().find(|(_, count)| *count > 1)?;
    Some(Broken {
        law: Law::OneEvaluation,
        how: format!("{} evaluations of {:?} run at a time", twins.1, twins.0.map(number)),
    })
}

fn entities(s: &State, service: &Service) -> Option<Broken> {
    let mut count: BTreeMap<_, u32> = BTreeMap::new();
    let mut trained: BTreeMap<_, u32> = BTreeMap::new();
    for header in service.models.values().map(|model| &model.header) {
        let Some(tag) = header.owner.as_ref().filter(|_| !header.status.is_terminal()) else {
            continue;
        };
        *trained.entry(&tag.uid).or_default() += 1;
    }
    if let Some((uid, _)) = trained.iter().find(|(_, count)| **count > 1) {
        return Some(Broken {
            law: Law::OneEntity,
            how: format!("two trainings of {uid} at a time"),
        });
    }
    for tag in service.marks() {
        *count.entry((&tag.uid, tag.revision)).or_default() += 1;
        let Some(key) = s.cluster.by_uid.get(&tag.uid) else {
            continue;
        };
        let lives = match key {
            Key::Model(index) => s.cluster.models[*index].is_some(),
            Key::Endpoint(index) => s.cluster.endpoints[*index].is_some(),
        };
        if !lives {
            return Some(Broken {
                law: Law::OneEntity,
                how: format!("an orphan of {}, attempt {}", tag.uid, tag.attempt),
            });
        }
    }
    let twin = count.iter().find(|(_, count)| **count > 1)?;
    Some(Broken {
        law: Law::OneEntity,
        how: format!("{} entities of {:?}", twin.1, twin.0),
    })
}

/// Whether a law holds in a state and on the way to it.
pub fn holds(s: &State, law: Law) -> bool {
    let broken = s.broken.iter().any(|broken| broken.law == law);
    !broken && state(s).is_none_or(|broken| broken.law != law)
}
