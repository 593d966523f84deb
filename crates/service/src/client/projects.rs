//! Projects, where the version has them.
use super::{Answer, Client, Listing};
use crate::{entity::Project, error::Error, id::EntityId, request::Lane};

impl Client {
    /// GET `/projects`, all pages (not in 2024-11-15, see [`ApiVersion::has_projects`](crate::ApiVersion::has_projects)).
    pub async fn list_projects(&self, lane: Lane, filter: Option<&str>) -> Result<Listing<Project>, Error> {
        const ROUTE: &str = "list_projects";
        self.require_projects(ROUTE)?;
        self.inner.list(ROUTE, lane, "/projects", filter).await
    }

    /// GET `/projects/{id}` (not in 2024-11-15).
    pub async fn get_project(&self, lane: Lane, id: EntityId) -> Result<Answer<Project>, Error> {
        const ROUTE: &str = "get_project";
        self.require_projects(ROUTE)?;
        self.inner
            .read_named(ROUTE, lane, (id, self.inner.address.entity("projects", id)))
            .await
    }

    fn require_projects(&self, route: &'static str) -> Result<(), Error> {
        if self.version().has_projects() {
            return Ok(());
        }
        Err(Error::Unsendable {
            route,
            problem: format!("version {} has no projects", self.version()),
        })
    }
}
