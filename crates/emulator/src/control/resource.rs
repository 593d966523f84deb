//! Changing Speech resources and their entities behind the back of their clients.
use super::{Answer, Refusal, json_of, parse_id, read};
use crate::{
    Emulator,
    entity::{Entity, ScoreSetting},
    reference::ModelRef,
    resource::Resource,
    seed::check_resource,
    strict,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json, to_value};
use std::collections::BTreeMap;
use uuid::Uuid;

fn unknown_resource(name: &str) -> Refusal {
    Refusal::not_found(format!("there is no resource {name}"))
}

/// A Speech resource in the form of a seed.
pub async fn get(State(emulator): State<Emulator>, Path(name): Path<String>) -> Answer {
    let mut world = emulator.world();
    world.advance();
    let resource = world.resources.get(&name).ok_or_else(|| unknown_resource(&name))?;
    to_value(resource)
        .map(Json)
        .map_err(|error| Refusal::bad(error.to_string()))
}

/// Creates a Speech resource, or replaces those members of one that the body names.
pub async fn put(
    State(emulator): State<Emulator>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let given = json_of(&body)?;
    let members = given
        .as_object()
        .ok_or_else(|| Refusal::bad("the body must be an object"))?;
    let mut world = emulator.world();
    let now = world.advance();
    let present = world.resources.get(&name);
    let (mut whole, status) = match present.map(to_value) {
        Some(value) => (value.unwrap_or_default(), StatusCode::OK),
        None => (Value::Object(Map::new()), StatusCode::CREATED),
    };
    // Nested settings (timings, rateLimit) merge; lists of entities are replaced.
    for (member, value) in members {
        let slot = whole
            .as_object_mut()
            .map(|whole| whole.entry(member.clone()).or_insert(Value::Null));
        let Some(slot) = slot else { continue };
        if value.is_object() && slot.is_object() && member != "scores" {
            strict::merge(slot, value);
        } else {
            *slot = value.clone();
        }
    }
    let mut resource: Resource = strict::read(whole).map_err(Refusal::bad)?;
    check_resource(&name, &resource).map_err(Refusal::bad)?;
    resource.settle(&name, now);
    if let Some(present) = world.resources.get_mut(&name) {
        resource.window = std::mem::take(&mut present.window);
    }
    world.resources.insert(name, resource);
    Ok(status)
}

/// Removes a Speech resource with all it holds.
pub async fn remove(State(emulator): State<Emulator>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    let removed = emulator.world().resources.remove(&name);
    removed
        .map(|_| StatusCode::NO_CONTENT)
        .ok_or_else(|| unknown_resource(&name))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    key1: Option<String>,
    key2: Option<String>,
}

/// Rotates keys; an old key is refused from now on.
pub async fn keys(
    State(emulator): State<Emulator>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let keys: Keys = read(&body)?;
    let is_empty = |key: &Option<String>| key.as_ref().is_some_and(String::is_empty);
    if is_empty(&keys.key1) || is_empty(&keys.key2) || (keys.key1.is_none() && keys.key2.is_none()) {
        return Err(Refusal::bad("give key1, key2 or both, none of them empty"));
    }
    let mut world = emulator.world();
    let settings = &mut world
        .resources
        .get_mut(&name)
        .ok_or_else(|| unknown_resource(&name))?
        .settings;
    settings.key1 = keys.key1.unwrap_or_else(|| std::mem::take(&mut settings.key1));
    settings.key2 = keys.key2.unwrap_or_else(|| std::mem::take(&mut settings.key2));
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the scores that later evaluations find, by model.
pub async fn scores(
    State(emulator): State<Emulator>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let scores: BTreeMap<ModelRef, ScoreSetting> = read(&body)?;
    let mut world = emulator.world();
    world.advance();
    let resource = world.resources.get_mut(&name).ok_or_else(|| unknown_resource(&name))?;
    resource.scores.extend(scores);
    Ok(StatusCode::NO_CONTENT)
}

/// Forces members of an entity, in the form of a seed.
pub async fn patch_entity(
    State(emulator): State<Emulator>,
    Path((name, kind, id)): Path<(String, String, String)>,
    body: Bytes,
) -> Answer {
    let patch = json_of(&body)?;
    if !patch.is_object() {
        return Err(Refusal::bad("the body must be an object"));
    }
    let id = parse_id(&id)?;
    let mut world = emulator.world();
    let now = world.advance();
    let resource = world.resources.get_mut(&name).ok_or_else(|| unknown_resource(&name))?;
    resource.touch();
    let changed = match kind.as_str() {
        "models" => force(&mut resource.models, id, &patch, now),
        "baseModels" => force(&mut resource.base_models, id, &patch, now),
        "endpoints" => force(&mut resource.endpoints, id, &serving_too(patch), now),
        "datasets" => force(&mut resource.datasets, id, &patch, now),
        "evaluations" => force(&mut resource.evaluations, id, &patch, now),
        "projects" => force(&mut resource.projects, id, &patch, now),
        other => Err(unknown_kind(other)),
    }?;
    Ok(Json(changed))
}

fn unknown_kind(kind: &str) -> Refusal {
    Refusal::bad(format!(
        "'{kind}' is none of models, baseModels, endpoints, datasets, evaluations, projects"
    ))
}

/// A forced model of an endpoint serves at once, unless the patch says which one does.
fn serving_too(mut patch: Value) -> Value {
    if let Some(members) = patch.as_object_mut()
        && let Some(model) = members.get("model").cloned()
    {
        members.entry("serving").or_insert(model);
    }
    patch
}

fn force<T>(entries: &mut [T], id: Uuid, patch: &Value, now: Timestamp) -> Result<Value, Refusal>
where
    T: Entity + Serialize + DeserializeOwned,
{
    let entry = entries.iter_mut().find(|entry| entry.header().id == id);
    let entry = entry.ok_or_else(|| Refusal::not_found(format!("there is no {} {id}", T::KIND)))?;
    if patch.get("id").is_some() {
        return Err(Refusal::bad("an id cannot be changed"));
    }
    let mut patch = patch.clone();
    if let Some(members) = patch.as_object_mut()
        && members.contains_key("status")
    {
        // A forced status stays, and was entered now.
        members.entry("pending").or_insert(Value::Null);
        members.entry("lastActionDateTime").or_insert(json!(now));
    }
    let known = to_value(&*entry).map_err(|error| Refusal::bad(error.to_string()))?;
    if let Some(unknown) = patch
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .find(|name| known.get(name).is_none())
    {
        return Err(Refusal::bad(format!("unknown member {unknown}")));
    }
    let mut forced = known;
    strict::merge(&mut forced, &patch);
    *entry = strict::read(forced).map_err(Refusal::bad)?;
    to_value(&*entry).map_err(|error| Refusal::bad(error.to_string()))
}

/// Removes an entity as if somebody else had, in use or not.
pub async fn delete_entity(
    State(emulator): State<Emulator>,
    Path((name, kind, id)): Path<(String, String, String)>,
) -> Result<StatusCode, Refusal> {
    let id = parse_id(&id)?;
    let mut world = emulator.world();
    world.advance();
    let resource = world.resources.get_mut(&name).ok_or_else(|| unknown_resource(&name))?;
    resource.touch();
    let removed = match kind.as_str() {
        "models" => remove_from(&mut resource.models, id),
        "baseModels" => remove_from(&mut resource.base_models, id),
        "endpoints" => remove_from(&mut resource.endpoints, id),
        "datasets" => remove_from(&mut resource.datasets, id),
        "evaluations" => remove_from(&mut resource.evaluations, id),
        "projects" => remove_from(&mut resource.projects, id),
        other => return Err(unknown_kind(other)),
    };
    if removed {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found(format!("{kind} has no {id}")))
    }
}

fn remove_from<T: Entity>(entries: &mut Vec<T>, id: Uuid) -> bool {
    let before = entries.len();
    entries.retain(|entry| entry.header().id != id);
    entries.len() < before
}
