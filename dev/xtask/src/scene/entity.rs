//! What a Speech resource of a scene holds.
use super::CLUSTER;
use jiff::Timestamp;
use speech_plan::view::{Cache, Cached, View};
use speech_service::{
    EntityId, Heard, ModelId,
    entity::{BaseModel, CustomModel, Dataset, Endpoint, Evaluation, Header, OwnerTag, Scores, Status},
};
use std::sync::Arc;
use uuid::Uuid;

/// All entities of a Speech resource.
#[derive(Default)]
pub struct Held {
    pub base_models: Vec<BaseModel>,
    pub models: Vec<CustomModel>,
    pub endpoints: Vec<Endpoint>,
    pub datasets: Vec<Dataset>,
    pub evaluations: Vec<Evaluation>,
}

impl Held {
    /// What is known once all lists have been read.
    pub fn view(&self, now: Timestamp) -> View {
        let mut view = View::default();
        sweep(&mut view.base_models, &self.base_models, now);
        sweep(&mut view.models, &self.models, now);
        sweep(&mut view.endpoints, &self.endpoints, now);
        sweep(&mut view.datasets, &self.datasets, now);
        sweep(&mut view.evaluations, &self.evaluations, now);
        view
    }

    /// Lets an endpoint serve another model.
    pub fn serve(&mut self, endpoint: u128, model: ModelId, status: Status, since: Timestamp) {
        let is_it = |one: &&mut Endpoint| one.header.id == id(endpoint);
        if let Some(endpoint) = self.endpoints.iter_mut().find(is_it) {
            endpoint.model = Some(model);
            endpoint.header.status = status;
            endpoint.header.last_action_at = since;
        }
    }
}

fn sweep<T: Cached + Clone>(cache: &mut Cache<T>, all: &[T], now: Timestamp) {
    let began = cache.begin();
    cache.swept(all.to_vec(), began, now);
    cache.complete(Heard::assumed());
}

/// An id that ends in the number.
pub fn id(number: u128) -> EntityId {
    EntityId::from_uuid(Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number))
}

/// What every entity is told by.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// What its id ends in.
    pub number: u128,
    pub name: &'a str,
    pub locale: &'a str,
    pub created: Timestamp,
}

/// What an entity is told by; `created` is a time of RFC 3339.
pub fn about<'a>(number: u128, name: &'a str, locale: &'a str, created: &str) -> Result<About<'a>, jiff::Error> {
    Ok(About {
        number,
        name,
        locale,
        created: created.parse()?,
    })
}

impl About<'_> {
    fn header(self, folder: &str) -> Header {
        Header {
            id: id(self.number),
            self_uri: format!("https://westeurope.example/speechtotext/{folder}/{}", id(self.number)).into(),
            display_name: self.name.into(),
            description: "".into(),
            locale: self.locale.into(),
            status: Status::Succeeded,
            created_at: self.created,
            last_action_at: self.created,
            project: None,
            owner: None,
            foreign_properties: Box::default(),
            error: None,
        }
    }

    /// A base model that can be trained from and deployed until it expires.
    pub fn base_model(self, expires: Timestamp) -> BaseModel {
        BaseModel {
            header: self.header("models/base"),
            adaptation_until: Some(expires),
            expires_at: Some(expires),
            supports_endpoints: Some(true),
            supports_adaptations_with: Box::from(["Language".into(), "Acoustic".into()]),
        }
    }

    /// A custom model, made from a base model.
    pub fn custom_model(self, base: u128, expires: Timestamp) -> CustomModel {
        CustomModel {
            header: self.header("models"),
            base_model: Some(ModelId::Base(id(base))),
            datasets: Box::default(),
            expires_at: Some(expires),
            weight_percent: None,
            supports_endpoints: Some(true),
        }
    }

    /// A revision of a SpeechModel.
    pub fn revision(self, object: &str, revision: u32, base: u128, expires: Timestamp) -> CustomModel {
        let mut model = self.custom_model(base, expires);
        model.header.owner = Some(tag("SpeechModel", object, revision, Some(revision)));
        model
    }

    /// An endpoint that a SpeechEndpoint has made.
    pub fn endpoint(self, object: &str, model: ModelId, links: &[(&str, String)]) -> Endpoint {
        let mut header = self.header("endpoints");
        header.owner = Some(tag("SpeechEndpoint", object, 1, None));
        let link = |(name, url): &(&str, String)| ((*name).into(), url.as_str().into());
        Endpoint {
            header,
            model: Some(model),
            logging_enabled: false,
            links: links.iter().map(link).collect(),
        }
    }

    pub fn dataset(self, kind: &str, lines: i64) -> Dataset {
        Dataset {
            header: self.header("datasets"),
            kind: kind.into(),
            accepted_lines: Some(lines),
        }
    }

    /// An evaluation of a candidate against what serves, made for a SpeechEndpoint.
    pub fn evaluation(self, object: &str, dataset: u128, models: [(u128, f64); 2], words: i64) -> Evaluation {
        let mut header = self.header("evaluations");
        header.owner = Some(tag("SpeechEndpoint", object, 2, None));
        let scores = |word_error_rate| {
            Some(Scores {
                word_error_rate,
                token_error_rate: None,
                word_count: Some(words),
            })
        };
        let [(candidate, of_candidate), (active, of_active)] = models;
        Evaluation {
            header,
            model1: ModelId::Custom(id(candidate)),
            model2: ModelId::Custom(id(active)),
            dataset: id(dataset),
            scores1: scores(of_candidate),
            scores2: scores(of_active),
        }
    }
}

/// The operator's mark for an object `namespace/name`.
fn tag(kind: &str, object: &str, attempt: u32, revision: Option<u32>) -> Arc<OwnerTag> {
    let name = object.rsplit('/').next().unwrap_or(object);
    Arc::new(OwnerTag {
        uid: format!("{kind} {name}"),
        object: object.to_owned(),
        cluster: CLUSTER.to_owned(),
        attempt,
        revision,
        inputs: None,
    })
}
