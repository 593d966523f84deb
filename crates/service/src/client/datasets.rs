//! Datasets.
use super::{
    Answer, Client, FILE_LINK_LIFETIME, Listing,
    references::{NO_ENTRIES, named},
};
use crate::{
    entity::{Dataset, File},
    error::Error,
    id::EntityId,
    request::{CreateDataset, Lane, UpdateDataset},
    wire::Payload,
};
use secrecy::ExposeSecret;

impl Client {
    /// GET `/datasets`, all pages.
    pub async fn list_datasets(&self, lane: Lane, filter: Option<&str>) -> Result<Listing<Dataset>, Error> {
        self.inner.list("list_datasets", lane, "/datasets", filter).await
    }

    /// GET `/datasets/{id}`.
    pub async fn get_dataset(&self, lane: Lane, id: EntityId) -> Result<Answer<Dataset>, Error> {
        self.inner
            .read_named("get_dataset", lane, (id, self.inner.address.entity("datasets", id)))
            .await
    }

    /// POST `/datasets`. Has no idempotency key: see [`Error::perhaps_sent`].
    pub async fn create_dataset(&self, lane: Lane, create: &CreateDataset) -> Result<Answer<Dataset>, Error> {
        const ROUTE: &str = "create_dataset";
        let payload = Payload {
            kind: Some(&create.kind),
            description: create.description.as_deref(),
            content_url: create.content_url.as_ref().map(|url| url.expose_secret()),
            project: self.inner.project_reference(create.project),
            custom_properties: Some(self.inner.mark(ROUTE, &create.owner, NO_ENTRIES)?),
            ..named(ROUTE, &create.display_name, &create.locale)?
        };
        let url = self.inner.address.url("/datasets", &[]);
        self.inner.write_entity(ROUTE, lane, url, &payload).await
    }

    /// PATCH `/datasets/{id}`.
    pub async fn update_dataset(
        &self,
        lane: Lane,
        id: EntityId,
        update: &UpdateDataset,
    ) -> Result<Answer<Dataset>, Error> {
        let payload = Payload {
            display_name: update.display_name.as_deref(),
            description: update.description.as_deref(),
            ..Payload::default()
        };
        let url = self.inner.address.entity("datasets", id);
        self.inner
            .change_entity("update_dataset", lane, (id, url), &payload)
            .await
    }

    /// DELETE `/datasets/{id}`; a missing one is a success too.
    pub async fn delete_dataset(&self, lane: Lane, id: EntityId) -> Result<(), Error> {
        self.inner
            .delete("delete_dataset", lane, self.inner.address.entity("datasets", id))
            .await
    }

    /// GET `/datasets/{id}/files`, all pages, with links signed for an hour.
    pub async fn list_dataset_files(&self, lane: Lane, id: EntityId) -> Result<Listing<File>, Error> {
        let path = format!("/datasets/{id}/files");
        self.inner
            .list_files("list_dataset_files", lane, &path, FILE_LINK_LIFETIME)
            .await
    }
}
