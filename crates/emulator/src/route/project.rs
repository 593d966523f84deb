//! Projects and the lists of what belongs to them.

use uuid::Uuid;

use super::{FILTERABLE, HeaderChange, dataset, new_header};
use crate::{
    call::Call,
    entity::{Entity, Project, find, find_mut},
    error::ServiceError,
    payload::Members,
    reply::Reply,
};

const PROJECT_FILTERABLE: [&str; 4] = ["displayName", "description", "createdDateTime", "locale"];
const FOUNDRY_FILTERABLE: [&str; 5] = [
    "displayName",
    "description",
    "createdDateTime",
    "locale",
    "foundryProjectName",
];

pub fn list(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let knows_foundry = call.links.version().has_foundry_projects();
    let filterable: &[&str] = if knows_foundry {
        &FOUNDRY_FILTERABLE
    } else {
        &PROJECT_FILTERABLE
    };
    call.list(call.resource()?.projects.iter(), "/projects", filterable)
}

pub fn get(call: &Call<'_>) -> Result<Reply, ServiceError> {
    call.ok(project(call)?)
}

fn project<'c>(call: &'c Call<'_>) -> Result<&'c Project, ServiceError> {
    find(&call.resource()?.projects, call.route.id).ok_or_else(|| ServiceError::not_found("project"))
}

pub fn create(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let header = new_header(&members, call)?;
    let foundry_project_name = if call.links.version().has_foundry_projects() {
        members.text("foundryProjectName")?.map(str::to_owned)
    } else {
        None
    };
    let project = Project {
        header,
        foundry_project_name,
    };
    let reply = call.created(&project)?;
    call.resource_mut()?.projects.push(project);
    Ok(reply)
}

pub fn update(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let members = Members::of(call.json()?)?;
    let present = project(call)?;
    let id = present.header.id;
    let header = HeaderChange::of(&members, &present.header)?;
    let resource = call.resource_mut()?;
    let project = find_mut(&mut resource.projects, id).ok_or_else(|| ServiceError::not_found("project"))?;
    header.apply(&mut project.header);
    let changed = project.clone();
    call.ok(&changed)
}

/// Deletes a project; what belonged to it stays and belongs to none.
pub fn delete(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let id = call.route.id;
    let resource = call.resource_mut()?;
    resource.projects.retain(|project| project.header.id != id);
    let belongings = (resource.datasets.iter_mut().map(|entry| &mut entry.project))
        .chain(resource.models.iter_mut().map(|entry| &mut entry.project))
        .chain(resource.endpoints.iter_mut().map(|entry| &mut entry.project))
        .chain(resource.evaluations.iter_mut().map(|entry| &mut entry.project));
    for project in belongings {
        project.take_if(|project| *project == id);
    }
    Ok(Reply::empty(204))
}

pub fn evaluations(call: &Call<'_>) -> Result<Reply, ServiceError> {
    members(call, &call.resource()?.evaluations, "evaluations", &FILTERABLE)
}

pub fn datasets(call: &Call<'_>) -> Result<Reply, ServiceError> {
    members(call, &call.resource()?.datasets, "datasets", &dataset::FILTERABLE)
}

pub fn models(call: &Call<'_>) -> Result<Reply, ServiceError> {
    members(call, &call.resource()?.models, "models", &FILTERABLE)
}

pub fn endpoints(call: &Call<'_>) -> Result<Reply, ServiceError> {
    members(call, &call.resource()?.endpoints, "endpoints", &FILTERABLE)
}

fn members<T: Entity>(call: &Call<'_>, entries: &[T], list: &str, filterable: &[&str]) -> Result<Reply, ServiceError> {
    let id: Uuid = project(call)?.header.id;
    let path = format!("/projects/{id}/{list}");
    call.list(
        entries.iter().filter(|entry| entry.project() == Some(id)),
        &path,
        filterable,
    )
}
