//! Endpoints and, in v3.2, their log files.
use super::{
    Answer, Client, FILE_LINK_LIFETIME, Listing,
    address::file_segment,
    references::{NO_ENTRIES, named},
};
use crate::{
    entity::{Endpoint, File},
    error::Error,
    id::EntityId,
    request::{CreateEndpoint, Lane, UpdateEndpoint},
    wire::{Payload, PayloadProperties},
};

impl Client {
    /// GET `/endpoints`, all pages. `filter` is in the service's language, e.g. `createdDateTime ge 2026-01-01T00:00:00Z`.
    pub async fn list_endpoints(&self, lane: Lane, filter: Option<&str>) -> Result<Listing<Endpoint>, Error> {
        self.inner.list("list_endpoints", lane, "/endpoints", filter).await
    }

    /// GET `/endpoints/{id}`.
    pub async fn get_endpoint(&self, lane: Lane, id: EntityId) -> Result<Answer<Endpoint>, Error> {
        self.inner
            .read_named("get_endpoint", lane, (id, self.inner.address.entity("endpoints", id)))
            .await
    }

    /// POST `/endpoints`. Has no idempotency key: see [`Error::perhaps_sent`].
    pub async fn create_endpoint(&self, lane: Lane, create: &CreateEndpoint) -> Result<Answer<Endpoint>, Error> {
        const ROUTE: &str = "create_endpoint";
        let payload = Payload {
            model: Some(self.inner.model_reference(create.model)),
            description: create.description.as_deref(),
            project: self.inner.project_reference(create.project),
            properties: create.logging_enabled.map(PayloadProperties::LoggingEnabled),
            custom_properties: Some(self.inner.mark(ROUTE, &create.owner, NO_ENTRIES)?),
            ..named(ROUTE, &create.display_name, &create.locale)?
        };
        let url = self.inner.address.url("/endpoints", &[]);
        self.inner.write_entity(ROUTE, lane, url, &payload).await
    }

    /// PATCH `/endpoints/{id}`. The answer may still show the old model.
    pub async fn update_endpoint(
        &self,
        lane: Lane,
        id: EntityId,
        update: &UpdateEndpoint,
    ) -> Result<Answer<Endpoint>, Error> {
        const ROUTE: &str = "update_endpoint";
        let mut payload = Payload::default();
        match update {
            UpdateEndpoint::Model(model) => payload.model = Some(self.inner.model_reference(*model)),
            UpdateEndpoint::DisplayName(name) => payload.display_name = Some(name),
            UpdateEndpoint::Description(text) => payload.description = Some(text),
            UpdateEndpoint::Project(id) => payload.project = self.inner.project_reference(Some(*id)),
            UpdateEndpoint::LoggingEnabled(on) => {
                payload.properties = Some(PayloadProperties::ContentLoggingEnabled(*on));
            }
            UpdateEndpoint::Owner(tag, foreign) => {
                payload.custom_properties = Some(self.inner.mark(ROUTE, tag, foreign)?);
            }
        }
        let url = self.inner.address.entity("endpoints", id);
        self.inner.change_entity(ROUTE, lane, (id, url), &payload).await
    }

    /// DELETE `/endpoints/{id}`. What a missing one answers is not documented: expect success or `NotFound`.
    pub async fn delete_endpoint(&self, lane: Lane, id: EntityId) -> Result<(), Error> {
        self.inner
            .delete("delete_endpoint", lane, self.inner.address.entity("endpoints", id))
            .await
    }

    /// GET `/endpoints/{id}/files/logs` (v3.2 only, see [`ApiVersion::has_endpoint_logs`](crate::ApiVersion::has_endpoint_logs)).
    pub async fn list_endpoint_logs(&self, lane: Lane, id: EntityId) -> Result<Listing<File>, Error> {
        const ROUTE: &str = "list_endpoint_logs";
        self.require_endpoint_logs(ROUTE)?;
        self.inner
            .list_files(ROUTE, lane, &format!("/endpoints/{id}/files/logs"), FILE_LINK_LIFETIME)
            .await
    }

    /// DELETE `/endpoints/{id}/files/logs/{log}` (v3.2 only). The log's id is [`File::id`].
    pub async fn delete_endpoint_log(&self, lane: Lane, id: EntityId, log: &str) -> Result<(), Error> {
        const ROUTE: &str = "delete_endpoint_log";
        self.require_endpoint_logs(ROUTE)?;
        let segment = file_segment(log).ok_or_else(|| Error::Unsendable {
            route: ROUTE,
            problem: "this id names no file".to_owned(),
        })?;
        let url = self
            .inner
            .address
            .url(&format!("/endpoints/{id}/files/logs/{segment}"), &[]);
        self.inner.delete(ROUTE, lane, url).await
    }

    /// DELETE `/endpoints/{id}/files/logs` (v3.2 only): all of them; the service takes minutes to a day.
    pub async fn delete_endpoint_logs(&self, lane: Lane, id: EntityId) -> Result<(), Error> {
        const ROUTE: &str = "delete_endpoint_logs";
        self.require_endpoint_logs(ROUTE)?;
        self.inner
            .delete(
                ROUTE,
                lane,
                self.inner.address.url(&format!("/endpoints/{id}/files/logs"), &[]),
            )
            .await
    }

    fn require_endpoint_logs(&self, route: &'static str) -> Result<(), Error> {
        if self.version().has_endpoint_logs() {
            return Ok(());
        }
        Err(Error::Unsendable {
            route,
            problem: format!("version {} has no log files", self.version()),
        })
    }
}
