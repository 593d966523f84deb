//! Handlers of the operations, one file per kind of entity.

mod copy;
mod dataset;
mod endpoint;
mod evaluation;
mod file;
mod health;
mod listed;
mod log;
mod model;
mod project;

use super::{
    call::Call,
    entity::{CustomModel, Dataset, Endpoint, Evaluation, Header, Project, find},
    error::ServiceError,
    operation::Operation,
    payload::{Change, Members},
    reference::{ModelRef, entity_of, model_of},
    reply::Reply,
    resource::Resource,
    version::ApiVersion,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What most lists can be filtered on.
const FILTERABLE: [&str; 6] = [
    "displayName",
    "description",
    "createdDateTime",
    "lastActionDateTime",
    "status",
    "locale",
];

/// Answers a call.
pub fn dispatch(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    match call.route.operation {
        Operation::EndpointsListSupportedLocales
        | Operation::ModelsListSupportedLocales
        | Operation::EvaluationsListSupportedLocales
        | Operation::ProjectsListSupportedLocales => model::locales(call),
        Operation::EndpointsList => listed::list::<Endpoint>(call),
        Operation::EndpointsCreate => endpoint::create(call),
        Operation::EndpointsGet => listed::get::<Endpoint>(call),
        Operation::EndpointsUpdate => endpoint::update(call),
        Operation::EndpointsDelete => endpoint::delete(call),
        Operation::EndpointsListLogs | Operation::EndpointsListBaseModelLogs => log::list(call),
        Operation::EndpointsDeleteLogs | Operation::EndpointsDeleteBaseModelLogs => log::delete_all(call),
        Operation::EndpointsGetLog | Operation::EndpointsGetBaseModelLog => log::get(call),
        Operation::EndpointsDeleteLog | Operation::EndpointsDeleteBaseModelLog => log::delete(call),
        Operation::ModelsListCustomModels => listed::list::<CustomModel>(call),
        Operation::ModelsCreate => model::create(call),
        Operation::ModelsGetCustomModel => listed::get::<CustomModel>(call),
        Operation::ModelsUpdate => listed::update::<CustomModel>(call),
        Operation::ModelsDelete => model::delete(call),
        Operation::ModelsListFiles | Operation::DatasetsListFiles | Operation::EvaluationsListFiles => file::list(call),
        Operation::ModelsGetFile | Operation::DatasetsGetFile | Operation::EvaluationsGetFile => file::get(call),
        Operation::ModelsGetCustomModelManifest | Operation::ModelsGetBaseModelManifest => file::manifest(call),
        Operation::ModelsListBaseModels => model::list_base(call),
        Operation::ModelsGetBaseModel => model::get_base(call),
        Operation::ModelsAuthorizeCopy => copy::authorize(call),
        Operation::ModelsCopy => copy::start(call),
        Operation::ModelsCopyTo => copy::copy_to(call),
        Operation::OperationsGetModelCopy => copy::get(call),
        Operation::DatasetsListSupportedLocales => dataset::locales(call),
        Operation::DatasetsList => listed::list::<Dataset>(call),
        Operation::DatasetsCreate => dataset::create(call),
        Operation::DatasetsGet => listed::get::<Dataset>(call),
        Operation::DatasetsUpdate => listed::update::<Dataset>(call),
        Operation::DatasetsDelete => dataset::delete(call),
        Operation::DatasetsGetBlocks => dataset::blocks(call),
        Operation::DatasetsUploadBlock => dataset::upload_block(call),
        Operation::DatasetsCommitBlocks => dataset::commit_blocks(call),
        Operation::EvaluationsList => listed::list::<Evaluation>(call),
        Operation::EvaluationsCreate => evaluation::create(call),
        Operation::EvaluationsGet => listed::get::<Evaluation>(call),
        Operation::EvaluationsUpdate => listed::update::<Evaluation>(call),
        Operation::EvaluationsDelete => evaluation::delete(call),
        Operation::ProjectsList => project::list(call),
        Operation::ProjectsCreate => project::create(call),
        Operation::ProjectsGet => listed::get::<Project>(call),
        Operation::ProjectsUpdate => listed::update::<Project>(call),
        Operation::ProjectsDelete => project::delete(call),
        Operation::ProjectsListEvaluations => listed::list_of_project::<Evaluation>(call),
        Operation::ProjectsListDatasets => listed::list_of_project::<Dataset>(call),
        Operation::ProjectsListModels => listed::list_of_project::<CustomModel>(call),
        Operation::ProjectsListEndpoints => listed::list_of_project::<Endpoint>(call),
        Operation::HealthStatusGet => health::get(call),
    }
}

/// The common part of a new entity, from the body of its create.
fn new_header(members: &Members<'_>, call: &Call<'_>) -> Result<Header, ServiceError> {
    let display_name = members.required_text("displayName")?;
    let locale = members.required_text("locale")?;
    let known = call.resource()?.locales(call.now, |_| true);
    let Some(locale) = known.into_iter().find(|known| known.eq_ignore_ascii_case(&locale)) else {
        return Err(ServiceError::invalid(
            "InvalidLocale",
            format!("The locale '{locale}' is not supported."),
        ));
    };
    Ok(Header {
        id: call.ids.next(),
        display_name,
        description: members.text("description")?.map(str::to_owned),
        locale,
        custom_properties: members.custom_properties()?,
        created_date_time: call.now,
    })
}

/// Names and markers as a patch leaves them.
struct HeaderChange {
    display_name: Option<String>,
    description: Change<String>,
    custom_properties: BTreeMap<String, String>,
}

impl HeaderChange {
    fn of(members: &Members<'_>, header: &Header) -> Result<Self, ServiceError> {
        let display_name = match members.text_change("displayName")? {
            Change::Keep => None,
            Change::Set(name) if !name.is_empty() => Some(name),
            Change::Set(_) | Change::Clear => {
                return Err(ServiceError::member("$.displayName", "The value must not be empty."));
            }
        };
        Ok(Self {
            display_name,
            description: members.text_change("description")?,
            custom_properties: members.merge_custom_properties(&header.custom_properties)?,
        })
    }

    fn apply(self, header: &mut Header) {
        if let Some(name) = self.display_name {
            header.display_name = name;
        }
        match self.description {
            Change::Keep => {}
            Change::Clear => header.description = None,
            Change::Set(description) => header.description = Some(description),
        }
        header.custom_properties = self.custom_properties;
    }
}

/// The model a URI of a body means; it must be there.
fn model_reference(call: &Call<'_>, uri: &str, path: &str) -> Result<ModelRef, ServiceError> {
    let Some(reference) = model_of(uri, call.name) else {
        let message = format!("The value of {path}.self is not the URI of a model of this Speech resource.");
        return Err(ServiceError::invalid("InvalidModelUri", message));
    };
    if call.resource()?.model_facts(reference, call.now).is_none() {
        let message = format!("The value of {path}.self does not reference an entity.");
        return Err(ServiceError::invalid("InvalidModel", message));
    }
    Ok(reference)
}

/// The project of a create, in versions that have projects; its locale must fit.
fn project_reference(call: &Call<'_>, uri: Option<&str>, locale: &str) -> Result<Option<Uuid>, ServiceError> {
    let Some(uri) = uri.filter(|_| call.links.version().has_projects()) else {
        return Ok(None);
    };
    let id = entity_of(uri, call.name, "projects");
    let project = id.and_then(|id| find(&call.resource().ok()?.projects, id));
    match project {
        None => Err(ServiceError::invalid(
            "InvalidProject",
            "The value of project.self does not reference an entity.",
        )),
        Some(project) if !project.header.locale.eq_ignore_ascii_case(locale) => Err(ServiceError::invalid(
            "InvalidProject",
            "The project has another locale than the entity.",
        )),
        Some(project) => Ok(Some(project.header.id)),
    }
}

/// What a patch asks of the project, in versions that have projects.
fn project_change(call: &Call<'_>, members: &Members<'_>, locale: &str) -> Result<Change<Uuid>, ServiceError> {
    if !call.links.version().has_projects() {
        return Ok(Change::Keep);
    }
    Ok(match members.reference_change("project")? {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(uri) => project_reference(call, Some(uri), locale)?.map_or(Change::Keep, Change::Set),
    })
}

fn apply_project(change: Change<Uuid>, project: &mut Option<Uuid>) {
    match change {
        Change::Keep => {}
        Change::Clear => *project = None,
        Change::Set(id) => *project = Some(id),
    }
}

/// Whom to tell, which only v3.2 asks.
fn email(call: &Call<'_>, members: &Members<'_>) -> Result<Option<String>, ServiceError> {
    let properties = members.object("properties")?;
    match properties.filter(|_| call.links.version() == ApiVersion::V3_2) {
        Some(properties) => Ok(properties.text("email")?.map(str::to_owned)),
        None => Ok(None),
    }
}

/// True while an endpoint is set to, or still served by, the model.
fn is_deployed(resource: &Resource, reference: ModelRef) -> bool {
    resource
        .endpoints
        .iter()
        .any(|endpoint| endpoint.model == reference || endpoint.serving == Some(reference))
}

/// The refusal of what has expired; the text is the one seen on the wire.
fn deprecated() -> ServiceError {
    ServiceError::invalid(
        "ModelDeprecated",
        "The specified model is deprecated and cannot be used for this operation.",
    )
}

/// Refuses a model that cannot recognize any more at `now`.
fn refuse_expired(end: Timestamp, now: Timestamp) -> Result<(), ServiceError> {
    if now >= end { Err(deprecated()) } else { Ok(()) }
}
