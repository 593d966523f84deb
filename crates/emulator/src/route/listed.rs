//! What the lists of all entities share: a page, one entity, a new one, and the change of what every entity has.
use super::{FILTERABLE, HeaderChange, apply_project, project_change};
use crate::{
    call::Call,
    entity::{CustomModel, Dataset, Endpoint, Entity, Evaluation, Project, find, find_mut},
    error::ServiceError,
    payload::{Change, Members},
    reply::Reply,
    resource::Resource,
};

/// What the list of datasets can be filtered on.
const OF_DATASETS: [&str; 7] = [
    "displayName",
    "description",
    "createdDateTime",
    "lastActionDateTime",
    "status",
    "locale",
    "kind",
];

/// A kind of entities that clients make, change and delete.
pub trait Listed: Entity + Clone {
    const PATH: &'static str;
    const FILTERABLE: &'static [&'static str];

    fn all(resource: &Resource) -> &[Self];
    fn all_mut(resource: &mut Resource) -> &mut Vec<Self>;
}

macro_rules! listed {
    ($($kind:ident: $list:ident, $path:literal, $filterable:expr;)+) => {$(
        impl Listed for $kind {
            const PATH: &'static str = $path;
            const FILTERABLE: &'static [&'static str] = &$filterable;

            fn all(resource: &Resource) -> &[Self] {
                &resource.$list
            }

            fn all_mut(resource: &mut Resource) -> &mut Vec<Self> {
                &mut resource.$list
            }
        }
    )+};
}

listed! {
    CustomModel: models, "/models", FILTERABLE;
    Dataset: datasets, "/datasets", OF_DATASETS;
    Endpoint: endpoints, "/endpoints", FILTERABLE;
    Evaluation: evaluations, "/evaluations", FILTERABLE;
    Project: projects, "/projects", ["displayName", "description", "createdDateTime", "locale"];
}

/// The entity that is called.
pub fn found<'c, T: Listed>(call: &'c Call<'_>) -> Result<&'c T, ServiceError> {
    find(T::all(call.resource()?), call.route.id).ok_or_else(|| ServiceError::not_found(T::KIND))
}

/// The entity that is called, to be changed.
pub fn found_mut<'c, T: Listed>(call: &'c mut Call<'_>) -> Result<&'c mut T, ServiceError> {
    let id = call.route.id;
    find_mut(T::all_mut(call.resource_mut()?), id).ok_or_else(|| ServiceError::not_found(T::KIND))
}

pub fn list<T: Listed>(call: &Call<'_>) -> Result<Reply, ServiceError> {
    call.list(T::all(call.resource()?).iter(), T::PATH, T::FILTERABLE)
}

/// The list of what belongs to the project that is called.
pub fn list_of_project<T: Listed>(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let id = found::<Project>(call)?.header.id;
    let members = T::all(call.resource()?)
        .iter()
        .filter(|entry| entry.project() == Some(id));
    call.list(members, &format!("/projects/{id}{}", T::PATH), T::FILTERABLE)
}

pub fn get<T: Listed>(call: &Call<'_>) -> Result<Reply, ServiceError> {
    call.ok(found::<T>(call)?)
}

/// Keeps a new entity.
pub fn add<T: Listed>(call: &mut Call<'_>, entity: T) -> Result<Reply, ServiceError> {
    let reply = call.created(&entity)?;
    T::all_mut(call.resource_mut()?).push(entity);
    Ok(reply)
}

pub fn update<T: Listed>(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let present = found::<T>(call)?.header();
    let header = HeaderChange::of(&members, present)?;
    let project = match T::BELONGS_TO_PROJECTS {
        true => project_change(call, &members, &present.locale)?,
        false => Change::Keep,
    };
    let entity = found_mut::<T>(call)?;
    header.apply(entity.header_mut());
    if let Some(belongs_to) = entity.project_mut() {
        apply_project(project, belongs_to);
    }
    let changed = entity.clone();
    call.ok(&changed)
}

/// Forgets the entity that is called.
pub fn remove<T: Listed>(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let id = call.route.id;
    T::all_mut(call.resource_mut()?).retain(|entry| entry.header().id != id);
    Ok(Reply::empty(204))
}
