//! Custom models, base models, and copies between resources.
use super::{
    Answer, Client, FILE_LINK_LIFETIME, Listing,
    address::model_path,
    references::{NO_ENTRIES, named},
};
use crate::{
    entity::{BaseModel, CopyAuthorization, CopyOperation, CustomModel, File, Manifest},
    error::{BodyProblem, Error},
    id::{EntityId, ModelId},
    request::{CreateModel, Lane, UpdateModel},
    retry_after::retry_after,
    wire::{DATASETS, Payload, PayloadProperties, check_size},
};
use http::Method;

impl Client {
    /// GET `/models`, all pages.
    pub async fn list_custom_models(&self, lane: Lane, filter: Option<&str>) -> Result<Listing<CustomModel>, Error> {
        self.inner.list("list_custom_models", lane, "/models", filter).await
    }

    /// GET `/models/{id}`.
    pub async fn get_custom_model(&self, lane: Lane, id: EntityId) -> Result<Answer<CustomModel>, Error> {
        self.inner
            .read_named("get_custom_model", lane, (id, self.inner.address.entity("models", id)))
            .await
    }

    /// POST `/models`: begins a training. Has no idempotency key: see [`Error::perhaps_sent`].
    pub async fn create_custom_model(&self, lane: Lane, create: &CreateModel) -> Result<Answer<CustomModel>, Error> {
        const ROUTE: &str = "create_custom_model";
        let datasets = create
            .datasets
            .iter()
            .map(|id| self.inner.reference(DATASETS, *id))
            .collect();
        let payload = Payload {
            description: create.description.as_deref(),
            base_model: Some(self.inner.model_reference(ModelId::Base(create.base_model))),
            datasets: Some(datasets),
            project: self.inner.project_reference(create.project),
            properties: create.weight_percent.map(PayloadProperties::CustomModelWeightPercent),
            custom_properties: Some(self.inner.mark(ROUTE, &create.owner, NO_ENTRIES)?),
            ..named(ROUTE, &create.display_name, &create.locale)?
        };
        self.inner
            .write_entity(ROUTE, lane, self.inner.address.url("/models", &[]), &payload)
            .await
    }

    /// PATCH `/models/{id}`.
    pub async fn update_custom_model(
        &self,
        lane: Lane,
        id: EntityId,
        update: &UpdateModel,
    ) -> Result<Answer<CustomModel>, Error> {
        const ROUTE: &str = "update_custom_model";
        let mut payload = Payload::default();
        match update {
            UpdateModel::DisplayName(name) => payload.display_name = Some(name),
            UpdateModel::Description(text) => payload.description = Some(text),
            UpdateModel::Project(id) => payload.project = self.inner.project_reference(Some(*id)),
            UpdateModel::Owner(tag, foreign) => {
                payload.custom_properties = Some(self.inner.mark(ROUTE, tag, foreign)?);
            }
        }
        let url = self.inner.address.entity("models", id);
        self.inner.change_entity(ROUTE, lane, (id, url), &payload).await
    }

    /// DELETE `/models/{id}`; a missing one is a success too. One in use is refused (`InUseViolation`).
    pub async fn delete_custom_model(&self, lane: Lane, id: EntityId) -> Result<(), Error> {
        self.inner
            .delete("delete_custom_model", lane, self.inner.address.entity("models", id))
            .await
    }

    /// GET `/models/{id}/files`, all pages, with links signed for an hour.
    pub async fn list_custom_model_files(&self, lane: Lane, id: EntityId) -> Result<Listing<File>, Error> {
        let path = format!("/models/{id}/files");
        self.inner
            .list_files("list_custom_model_files", lane, &path, FILE_LINK_LIFETIME)
            .await
    }

    /// GET `/models/{id}/manifest` or `/models/base/{id}/manifest`, with links signed for an hour.
    pub async fn get_model_manifest(&self, lane: Lane, id: ModelId) -> Result<Answer<Manifest>, Error> {
        let (name, value) = self.inner.address.link_lifetime(FILE_LINK_LIFETIME);
        let url = self
            .inner
            .address
            .url(&format!("{}/manifest", model_path(id)), &[(name, &value)]);
        self.inner.read_entity("get_model_manifest", lane, url).await
    }

    /// GET `/models/base`, all pages.
    pub async fn list_base_models(&self, lane: Lane, filter: Option<&str>) -> Result<Listing<BaseModel>, Error> {
        self.inner.list("list_base_models", lane, "/models/base", filter).await
    }

    /// GET `/models/base/{id}`.
    pub async fn get_base_model(&self, lane: Lane, id: EntityId) -> Result<Answer<BaseModel>, Error> {
        self.inner
            .read_named(
                "get_base_model",
                lane,
                (id, self.inner.address.model(ModelId::Base(id))),
            )
            .await
    }

    /// POST `/models:authorizecopy`, on the target: leave for the resource with this ARM id to copy a model here.
    pub async fn authorize_copy(
        &self,
        lane: Lane,
        source_resource_id: &str,
    ) -> Result<Answer<CopyAuthorization>, Error> {
        const ROUTE: &str = "authorize_copy";
        let payload = Payload {
            source_resource_id: Some(source_resource_id),
            ..Payload::default()
        };
        let url = self.inner.address.url("/models:authorizecopy", &[]);
        let answer = self.inner.write(ROUTE, lane, Method::POST, &url, &payload).await?;
        check_size(answer.body()).map_err(|problem| Error::Body { route: ROUTE, problem })?;
        let value: serde_json::Value = serde_json::from_slice(answer.body()).map_err(|_| Error::Body {
            route: ROUTE,
            problem: BodyProblem::NotJson,
        })?;
        if value.get("id").is_none_or(serde_json::Value::is_null) {
            let problem = BodyProblem::Unexpected("id is missing".to_owned());
            return Err(Error::Body { route: ROUTE, problem });
        }
        Ok(Answer {
            value: CopyAuthorization(value),
            retry_after: retry_after(answer.headers()),
        })
    }

    /// POST `/models/{id}:copy`, on the source, with the leave that the target gave.
    pub async fn copy_custom_model(
        &self,
        lane: Lane,
        id: EntityId,
        authorization: &CopyAuthorization,
    ) -> Result<Answer<CopyOperation>, Error> {
        const ROUTE: &str = "copy_custom_model";
        let url = self.inner.address.url(&format!("/models/{id}:copy"), &[]);
        let answer = self
            .inner
            .write(ROUTE, lane, Method::POST, &url, &authorization.0)
            .await?;
        let mut operation: Answer<CopyOperation> = self.inner.entity(ROUTE, &answer)?;
        let location = answer.headers().get("operation-location");
        let location = location.and_then(|value| value.to_str().ok()); // bounded by what a header may be
        let own = self
            .inner
            .own_link(ROUTE, location.unwrap_or(&operation.value.self_uri), &url)?;
        operation.value.self_uri = own.into();
        Ok(operation)
    }

    /// GET of a copy's state by its URI, on the source.
    pub async fn get_copy(&self, lane: Lane, operation_uri: &str) -> Result<Answer<CopyOperation>, Error> {
        const ROUTE: &str = "get_copy";
        let base = self.inner.address.base().as_str();
        let url = self.inner.own_link(ROUTE, operation_uri, base)?;
        self.inner.read_entity(ROUTE, lane, url).await
    }
}
