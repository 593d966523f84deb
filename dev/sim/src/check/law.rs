//! What must never happen. Steps are judged when they are taken, against the world as it is and not as the operator
//! knows it; states are judged as they are.
use super::{
    invariant::{Broken, Law},
    state::{State, TICK, number},
};
use crate::cluster::Key;
use speech_plan::{Action, creation::MOST_PER_MINUTE};
use speech_service::{EntityId, ModelId};
use std::collections::BTreeMap;

/// Judges a request when it leaves.
pub fn judge(s: &mut State, r: usize, key: Key, action: &Action) {
    let found = match action {
        Action::UpdateEndpoint { id, change, .. } => {
            foreign(s, key, *id).or_else(|| change.model().and_then(|model| worse(s, r, key, *id, model)))
        }
        Action::DeleteEndpoint(id) => foreign(s, key, *id).or_else(|| in_use(s, key, *id)),
        Action::DeleteModel(id) | Action::UpdateModel { id, .. } => foreign(s, key, *id),
        Action::CreateEndpoint(create) => s.service.problem(create.model, s.now).map(|problem| {
            (
                Law::NoWorseModel,
                format!("creates an endpoint with a model that is {problem}"),
            )
        }),
        Action::TrainModel(_) => None,
        other => Some((
            Law::OneEntity,
            format!("a step that this world does not know: {other:?}"),
        )),
    };
    let found = found.or_else(|| too_many(s, key, action));
    if let Some((law, how)) = found {
        let how = format!("operator {r}, {key:?}: {how}");
        s.broken.push(Broken { law, how });
    }
}

/// Whether an object has too much made, whatever becomes of it.
fn too_many(s: &mut State, key: Key, action: &Action) -> Option<(Law, String)> {
    if !matches!(action, Action::CreateEndpoint(_) | Action::TrainModel(_)) {
        return None;
    }
    let orders = s.orders.entry(key).or_default();
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
fn foreign(s: &State, key: Key, id: EntityId) -> Option<(Law, String)> {
    let endpoint = s.service.endpoints.get(&id).map(|endpoint| &endpoint.header);
    let header = endpoint.or_else(|| s.service.models.get(&id).map(|model| &model.header))?;
    let ours = header.owner.as_ref().is_some_and(|tag| tag.uid == uid(s, key));
    (!ours).then(|| (Law::OneEntity, format!("touches {}, which is not its own", number(id))))
}

/// Whether a deletion is about the endpoint that the status of a living object names.
fn in_use(s: &State, key: Key, id: EntityId) -> Option<(Law, String)> {
    let Key::Endpoint(index) = key else { return None };
    let object = s.cluster.endpoints[index].as_ref()?;
    let named = object.status.as_ref()?.id.as_deref() == Some(id.to_string().as_str());
    let lives = object.metadata.deletion_timestamp.is_none();
    (named && lives).then(|| (Law::SameId, format!("deletes endpoint {}, which is in use", number(id))))
}

/// Whether a change makes an endpoint worse.
fn worse(s: &State, r: usize, key: Key, id: EntityId, model: ModelId) -> Option<(Law, String)> {
    let to = number(model.entity());
    if let Some(problem) = s.service.problem(model, s.now) {
        return Some((
            Law::NoWorseModel,
            format!("moves endpoint {} to model {to}, which is {problem}", number(id)),
        ));
    }
    let endpoint = s.service.endpoints.get(&id)?;
    let serves = endpoint
        .model
        .filter(|_| endpoint.header.status.as_str() == "Succeeded")?;
    // What the status chose before is put back, whatever came in its place.
    let Key::Endpoint(index) = key else { return None };
    let status = s.replicas[r].cluster.endpoints[index]
        .as_ref()
        .and_then(|object| object.status.as_ref());
    let named = |id: Option<&String>| id == Some(&model.to_string());
    if status.is_some_and(|status| {
        named(status.active.as_ref().map(|a| &a.model)) || named(status.target.as_ref().map(|t| &t.model))
    }) {
        return None;
    }
    let (now, next) = (s.service.expiry(serves)?, s.service.expiry(model)?);
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

/// The first id that a status names is the only one.
pub fn note_id(s: &mut State, key: Key) {
    let Key::Endpoint(index) = key else { return };
    let status = s.cluster.endpoints[index]
        .as_ref()
        .and_then(|object| object.status.as_ref());
    let told = status.and_then(|status| status.id.clone());
    match (s.ids.get(&key), told) {
        (None, Some(id)) => drop(s.ids.insert(key, id)),
        // Somebody deleted it: what was seen before may be written once more, then another follows.
        (Some(first), told)
            if told.as_ref() != Some(first) && !s.service.has_endpoint(first) && s.spent.vanishings > 0 =>
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
    let mut count: BTreeMap<_, u32> = BTreeMap::new();
    let mut trained: BTreeMap<_, u32> = BTreeMap::new();
    for header in s.service.models.values().map(|model| &model.header) {
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
    for tag in s.service.marks() {
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
