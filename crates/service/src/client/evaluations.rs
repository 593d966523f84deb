//! Evaluations: two models judged on one dataset.
use super::{Answer, Client, FILE_LINK_LIFETIME, Listing, references::named};
use crate::{
    entity::{Evaluation, File},
    error::Error,
    id::EntityId,
    request::CreateEvaluation,
    request::Lane,
    wire::{DATASETS, Payload},
};

/// Makes the portal show an evaluation as an accuracy test.
const ACCURACY_TEST: (&str, &str) = ("testingKind", "Evaluation");

impl Client {
    /// GET `/evaluations`, all pages.
    pub async fn list_evaluations(&self, lane: Lane, filter: Option<&str>) -> Result<Listing<Evaluation>, Error> {
        self.inner.list("list_evaluations", lane, "/evaluations", filter).await
    }

    /// GET `/evaluations/{id}`.
    pub async fn get_evaluation(&self, lane: Lane, id: EntityId) -> Result<Answer<Evaluation>, Error> {
        self.inner
            .read_named(
                "get_evaluation",
                lane,
                (id, self.inner.address.entity("evaluations", id)),
            )
            .await
    }

    /// POST `/evaluations`. Has no idempotency key: see [`Error::perhaps_sent`].
    pub async fn create_evaluation(&self, lane: Lane, create: &CreateEvaluation) -> Result<Answer<Evaluation>, Error> {
        const ROUTE: &str = "create_evaluation";
        let payload = Payload {
            model1: Some(self.inner.model_reference(create.model1)),
            model2: Some(self.inner.model_reference(create.model2)),
            dataset: Some(self.inner.reference(DATASETS, create.dataset)),
            project: self.inner.project_reference(create.project),
            custom_properties: Some(self.inner.mark(ROUTE, &create.owner, &[ACCURACY_TEST])?),
            ..named(ROUTE, &create.display_name, &create.locale)?
        };
        self.inner
            .write_entity(ROUTE, lane, self.inner.address.url("/evaluations", &[]), &payload)
            .await
    }

    /// DELETE `/evaluations/{id}`; a missing one is a success too.
    pub async fn delete_evaluation(&self, lane: Lane, id: EntityId) -> Result<(), Error> {
        self.inner
            .delete("delete_evaluation", lane, self.inner.address.entity("evaluations", id))
            .await
    }

    /// GET `/evaluations/{id}/files`, all pages, with links signed for an hour.
    pub async fn list_evaluation_files(&self, lane: Lane, id: EntityId) -> Result<Listing<File>, Error> {
        let path = format!("/evaluations/{id}/files");
        self.inner
            .list_files("list_evaluation_files", lane, &path, FILE_LINK_LIFETIME)
            .await
    }
}
