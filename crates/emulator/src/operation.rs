//! The operations of the API and how a request is told to be one of them.
use super::version::ApiVersion;
use uuid::Uuid;

macro_rules! operations {
    ($($variant:ident = $name:literal,)*) => {
        /// One operation, by the operationId of the public API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = $name] $variant,)*
        }

        impl Operation {
            /// The operationId.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

operations! {
    EndpointsListSupportedLocales = "Endpoints_ListSupportedLocales",
    EndpointsList = "Endpoints_List",
    EndpointsCreate = "Endpoints_Create",
    EndpointsGet = "Endpoints_Get",
    EndpointsUpdate = "Endpoints_Update",
    EndpointsDelete = "Endpoints_Delete",
    EndpointsListLogs = "Endpoints_ListLogs",
    EndpointsDeleteLogs = "Endpoints_DeleteLogs",
    EndpointsGetLog = "Endpoints_GetLog",
    EndpointsDeleteLog = "Endpoints_DeleteLog",
    EndpointsListBaseModelLogs = "Endpoints_ListBaseModelLogs",
    EndpointsDeleteBaseModelLogs = "Endpoints_DeleteBaseModelLogs",
    EndpointsGetBaseModelLog = "Endpoints_GetBaseModelLog",
    EndpointsDeleteBaseModelLog = "Endpoints_DeleteBaseModelLog",
    ModelsListSupportedLocales = "Models_ListSupportedLocales",
    ModelsListCustomModels = "Models_ListCustomModels",
    ModelsCreate = "Models_Create",
    ModelsGetCustomModel = "Models_GetCustomModel",
    ModelsUpdate = "Models_Update",
    ModelsDelete = "Models_Delete",
    ModelsListFiles = "Models_ListFiles",
    ModelsGetFile = "Models_GetFile",
    ModelsGetCustomModelManifest = "Models_GetCustomModelManifest",
    ModelsListBaseModels = "Models_ListBaseModels",
    ModelsGetBaseModel = "Models_GetBaseModel",
    ModelsGetBaseModelManifest = "Models_GetBaseModelManifest",
    ModelsAuthorizeCopy = "Models_AuthorizeCopy",
    ModelsCopy = "Models_Copy",
    ModelsCopyTo = "Models_CopyTo",
    OperationsGetModelCopy = "Operations_GetModelCopy",
    DatasetsListSupportedLocales = "Datasets_ListSupportedLocales",
    DatasetsList = "Datasets_List",
    DatasetsCreate = "Datasets_Create",
    DatasetsGet = "Datasets_Get",
    DatasetsUpdate = "Datasets_Update",
    DatasetsDelete = "Datasets_Delete",
    DatasetsGetBlocks = "Datasets_GetBlocks",
    DatasetsUploadBlock = "Datasets_UploadBlock",
    DatasetsCommitBlocks = "Datasets_CommitBlocks",
    DatasetsListFiles = "Datasets_ListFiles",
    DatasetsGetFile = "Datasets_GetFile",
    EvaluationsListSupportedLocales = "Evaluations_ListSupportedLocales",
    EvaluationsList = "Evaluations_List",
    EvaluationsCreate = "Evaluations_Create",
    EvaluationsGet = "Evaluations_Get",
    EvaluationsUpdate = "Evaluations_Update",
    EvaluationsDelete = "Evaluations_Delete",
    EvaluationsListFiles = "Evaluations_ListFiles",
    EvaluationsGetFile = "Evaluations_GetFile",
    ProjectsListSupportedLocales = "Projects_ListSupportedLocales",
    ProjectsList = "Projects_List",
    ProjectsCreate = "Projects_Create",
    ProjectsGet = "Projects_Get",
    ProjectsUpdate = "Projects_Update",
    ProjectsDelete = "Projects_Delete",
    ProjectsListEvaluations = "Projects_ListEvaluations",
    ProjectsListDatasets = "Projects_ListDatasets",
    ProjectsListModels = "Projects_ListModels",
    ProjectsListEndpoints = "Projects_ListEndpoints",
    HealthStatusGet = "HealthStatus_Get",
}

/// An operation with what the path says of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub operation: Operation,
    /// The entity; nil where the path has none.
    pub id: Uuid,
    /// The file, log or locale behind it; empty where the path has none.
    pub part: String,
    /// The log behind a locale; empty elsewhere.
    pub log: String,
}

/// Why a path is no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// No operation has this path.
    Path,
    /// Another method has it.
    Method,
}

/// Finds the operation of a method and the path segments behind the version.
pub fn resolve(method: &str, segments: &[&str], version: ApiVersion) -> Result<Route, NoRoute> {
    let known = |method| find(method, segments).filter(|route| exists_in(route.operation, version));
    if let Some(route) = known(method) {
        return Ok(route);
    }
    let elsewhere = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        .into_iter()
        .any(|other| known(other).is_some());
    Err(if elsewhere { NoRoute::Method } else { NoRoute::Path })
}

fn exists_in(operation: Operation, version: ApiVersion) -> bool {
    let name = operation.name();
    if name.starts_with("Projects_") {
        version.has_projects()
    } else if name.ends_with("Logs") || name.ends_with("Log") {
        version.has_endpoint_logs()
    } else if operation == Operation::ModelsCopyTo {
        version == ApiVersion::V3_2
    } else {
        true
    }
}

fn find(method: &str, segments: &[&str]) -> Option<Route> {
    match segments {
        ["healthstatus"] if method == "GET" => Some(plain(Operation::HealthStatusGet)),
        ["endpoints", rest @ ..] => endpoints(method, rest),
        ["models", "base", rest @ ..] => base_models(method, rest),
        ["models", rest @ ..] => models(method, rest),
        ["models:authorizecopy"] if method == "POST" => Some(plain(Operation::ModelsAuthorizeCopy)),
        ["operations", "models", "copy", id] if method == "GET" => with_id(Operation::OperationsGetModelCopy, id),
        ["datasets", rest @ ..] => datasets(method, rest),
        ["evaluations", rest @ ..] => evaluations(method, rest),
        ["projects", rest @ ..] => projects(method, rest),
        _ => None,
    }
}

fn plain(operation: Operation) -> Route {
    Route {
        operation,
        id: Uuid::nil(),
        part: String::new(),
        log: String::new(),
    }
}

fn with_id(operation: Operation, id: &str) -> Option<Route> {
    Some(Route {
        id: Uuid::parse_str(id).ok()?,
        ..plain(operation)
    })
}

fn with_part(operation: Operation, id: &str, part: &str) -> Option<Route> {
    Some(Route {
        part: part.to_owned(),
        ..with_id(operation, id)?
    })
}

fn with_locale(operation: Operation, locale: &str, log: &str) -> Option<Route> {
    Some(Route {
        part: locale.to_owned(),
        log: log.to_owned(),
        ..plain(operation)
    })
}

fn endpoints(method: &str, rest: &[&str]) -> Option<Route> {
    match (method, rest) {
        ("GET", []) => Some(plain(Operation::EndpointsList)),
        ("POST", []) => Some(plain(Operation::EndpointsCreate)),
        ("GET", ["locales"]) => Some(plain(Operation::EndpointsListSupportedLocales)),
        ("GET", ["base", locale, "files", "logs"]) => with_locale(Operation::EndpointsListBaseModelLogs, locale, ""),
        ("DELETE", ["base", locale, "files", "logs"]) => {
            with_locale(Operation::EndpointsDeleteBaseModelLogs, locale, "")
        }
        ("GET", ["base", locale, "files", "logs", log]) => {
            with_locale(Operation::EndpointsGetBaseModelLog, locale, log)
        }
        ("DELETE", ["base", locale, "files", "logs", log]) => {
            with_locale(Operation::EndpointsDeleteBaseModelLog, locale, log)
        }
        ("GET", [id]) => with_id(Operation::EndpointsGet, id),
        ("PATCH", [id]) => with_id(Operation::EndpointsUpdate, id),
        ("DELETE", [id]) => with_id(Operation::EndpointsDelete, id),
        ("GET", [id, "files", "logs"]) => with_id(Operation::EndpointsListLogs, id),
        ("DELETE", [id, "files", "logs"]) => with_id(Operation::EndpointsDeleteLogs, id),
        ("GET", [id, "files", "logs", log]) => with_part(Operation::EndpointsGetLog, id, log),
        ("DELETE", [id, "files", "logs", log]) => with_part(Operation::EndpointsDeleteLog, id, log),
        _ => None,
    }
}

fn base_models(method: &str, rest: &[&str]) -> Option<Route> {
    match (method, rest) {
        ("GET", []) => Some(plain(Operation::ModelsListBaseModels)),
        ("GET", [id]) => with_id(Operation::ModelsGetBaseModel, id),
        ("GET", [id, "manifest"]) => with_id(Operation::ModelsGetBaseModelManifest, id),
        _ => None,
    }
}

fn models(method: &str, rest: &[&str]) -> Option<Route> {
    match (method, rest) {
        ("GET", []) => Some(plain(Operation::ModelsListCustomModels)),
        ("POST", []) => Some(plain(Operation::ModelsCreate)),
        ("GET", ["locales"]) => Some(plain(Operation::ModelsListSupportedLocales)),
        ("GET", [id]) => with_id(Operation::ModelsGetCustomModel, id),
        ("PATCH", [id]) => with_id(Operation::ModelsUpdate, id),
        ("DELETE", [id]) => with_id(Operation::ModelsDelete, id),
        ("POST", [verb]) => match verb.split_once(':')? {
            (id, "copy") => with_id(Operation::ModelsCopy, id),
            (id, "copyto") => with_id(Operation::ModelsCopyTo, id),
            _ => None,
        },
        ("GET", [id, "manifest"]) => with_id(Operation::ModelsGetCustomModelManifest, id),
        ("GET", [id, "files"]) => with_id(Operation::ModelsListFiles, id),
        ("GET", [id, "files", file]) => with_part(Operation::ModelsGetFile, id, file),
        _ => None,
    }
}

fn datasets(method: &str, rest: &[&str]) -> Option<Route> {
    match (method, rest) {
        ("GET", []) => Some(plain(Operation::DatasetsList)),
        ("POST", []) => Some(plain(Operation::DatasetsCreate)),
        ("GET", ["locales"]) => Some(plain(Operation::DatasetsListSupportedLocales)),
        ("GET", [id]) => with_id(Operation::DatasetsGet, id),
        ("PATCH", [id]) => with_id(Operation::DatasetsUpdate, id),
        ("DELETE", [id]) => with_id(Operation::DatasetsDelete, id),
        ("GET", [id, "blocks"]) => with_id(Operation::DatasetsGetBlocks, id),
        ("PUT", [id, "blocks"]) => with_id(Operation::DatasetsUploadBlock, id),
        ("POST", [id, "blocks:commit"]) => with_id(Operation::DatasetsCommitBlocks, id),
        ("GET", [id, "files"]) => with_id(Operation::DatasetsListFiles, id),
        ("GET", [id, "files", file]) => with_part(Operation::DatasetsGetFile, id, file),
        _ => None,
    }
}

fn evaluations(method: &str, rest: &[&str]) -> Option<Route> {
    match (method, rest) {
        ("GET", []) => Some(plain(Operation::EvaluationsList)),
        ("POST", []) => Some(plain(Operation::EvaluationsCreate)),
        ("GET", ["locales"]) => Some(plain(Operation::EvaluationsListSupportedLocales)),
        ("GET", [id]) => with_id(Operation::EvaluationsGet, id),
        ("PATCH", [id]) => with_id(Operation::EvaluationsUpdate, id),
        ("DELETE", [id]) => with_id(Operation::EvaluationsDelete, id),
        ("GET", [id, "files"]) => with_id(Operation::EvaluationsListFiles, id),
        ("GET", [id, "files", file]) => with_part(Operation::EvaluationsGetFile, id, file),
        _ => None,
    }
}

fn projects(method: &str, rest: &[&str]) -> Option<Route> {
    match (method, rest) {
        ("GET", []) => Some(plain(Operation::ProjectsList)),
        ("POST", []) => Some(plain(Operation::ProjectsCreate)),
        ("GET", ["locales"]) => Some(plain(Operation::ProjectsListSupportedLocales)),
        ("GET", [id]) => with_id(Operation::ProjectsGet, id),
        ("PATCH", [id]) => with_id(Operation::ProjectsUpdate, id),
        ("DELETE", [id]) => with_id(Operation::ProjectsDelete, id),
        ("GET", [id, "evaluations"]) => with_id(Operation::ProjectsListEvaluations, id),
        ("GET", [id, "datasets"]) => with_id(Operation::ProjectsListDatasets, id),
        ("GET", [id, "models"]) => with_id(Operation::ProjectsListModels, id),
        ("GET", [id, "endpoints"]) => with_id(Operation::ProjectsListEndpoints, id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0d9c4f6a-7b7e-4f1b-8a8e-9f0f3a2d5c01";

    #[test]
    fn verbs_hang_on_the_last_segment() {
        let copy = format!("{ID}:copy");
        let route = resolve("POST", &["models", &copy], ApiVersion::V2024_11_15).unwrap();
        assert_eq!(
            (route.operation, route.id.to_string()),
            (Operation::ModelsCopy, ID.to_owned())
        );
        let authorize = resolve("POST", &["models:authorizecopy"], ApiVersion::V3_2).unwrap();
        assert_eq!(authorize.operation, Operation::ModelsAuthorizeCopy);
    }

    #[test]
    fn what_a_version_does_not_have_is_no_path_in_it() {
        assert_eq!(
            resolve("GET", &["projects"], ApiVersion::V2024_11_15),
            Err(NoRoute::Path)
        );
        assert!(resolve("GET", &["projects"], ApiVersion::V2025_10_15).is_ok());
        let logs = ["endpoints", ID, "files", "logs"];
        assert_eq!(resolve("GET", &logs, ApiVersion::V2025_10_15), Err(NoRoute::Path));
        assert!(resolve("GET", &logs, ApiVersion::V3_2).is_ok());
    }

    #[test]
    fn a_wrong_method_is_told_from_a_wrong_path() {
        assert_eq!(
            resolve("PUT", &["endpoints", ID], ApiVersion::V3_2),
            Err(NoRoute::Method)
        );
        assert_eq!(
            resolve("GET", &["endpoints", "no-uuid"], ApiVersion::V3_2),
            Err(NoRoute::Path)
        );
        assert_eq!(resolve("GET", &["webhooks"], ApiVersion::V3_2), Err(NoRoute::Path));
    }
}
