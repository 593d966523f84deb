//! Projects.
use super::{
    listed::{self, Listed},
    new_header,
};
use crate::{call::Call, entity::Project, error::ServiceError, payload::Members, reply::Reply};

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
        Project::FILTERABLE
    };
    call.list(call.resource()?.projects.iter(), "/projects", filterable)
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
    listed::add(call, project)
}

/// Deletes a project; what belonged to it stays and belongs to none.
pub fn delete(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let id = call.route.id;
    let resource = call.resource_mut()?;
    let belongings = (resource.datasets.iter_mut().map(|entry| &mut entry.project))
        .chain(resource.models.iter_mut().map(|entry| &mut entry.project))
        .chain(resource.endpoints.iter_mut().map(|entry| &mut entry.project))
        .chain(resource.evaluations.iter_mut().map(|entry| &mut entry.project));
    for project in belongings {
        project.take_if(|project| *project == id);
    }
    listed::remove::<Project>(call)
}
