//! One Speech resource: its settings, what it holds, and how it moves with the clock.
use super::{
    entity::{
        BaseModel, CopyAuthorization, CopyOperation, CustomModel, Dataset, Endpoint, Entity, Evaluation, LogFile,
        Members, Project, Score, ScoreSetting, Within, find,
    },
    lifecycle::{Lifecycle, Status},
    reference::ModelRef,
    settings::{Settings, Tier},
    window::Window,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How long an endpoint of an F0 resource lives.
const F0_ENDPOINT_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A Speech resource.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// How it behaves.
    #[serde(flatten)]
    pub settings: Settings,
    /// Base models, those of the future included.
    #[serde(default)]
    pub base_models: Vec<BaseModel>,
    #[serde(default)]
    pub projects: Vec<Project>,
    #[serde(default)]
    pub datasets: Vec<Dataset>,
    #[serde(default)]
    pub models: Vec<CustomModel>,
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    #[serde(default)]
    pub evaluations: Vec<Evaluation>,
    /// Copies started here.
    #[serde(default)]
    pub operations: Vec<CopyOperation>,
    /// Authorizations given out here.
    #[serde(default)]
    pub authorizations: Vec<CopyAuthorization>,
    /// Logs of recognitions.
    #[serde(default)]
    pub logs: Vec<LogFile>,
    /// Scores that evaluations shall find, by model (`models/{id}` or `models/base/{id}`).
    #[serde(default)]
    pub scores: BTreeMap<ModelRef, ScoreSetting>,
    /// Requests of the last seconds.
    #[serde(skip)]
    pub window: Window,
    /// No step is due before; None = nothing to come.
    #[serde(skip)]
    next_due: Option<Timestamp>,
}

/// What is asked of a model, whichever kind it is.
#[derive(Clone, Debug)]
pub struct ModelFacts {
    pub locale: String,
    pub status: Status,
    /// It may be deployed.
    pub supports_endpoints: bool,
    /// When recognition with it ends.
    pub transcription_end: Timestamp,
}

/// A model that a finished copy puts into another resource.
pub struct Arrival {
    pub target: String,
    pub model: CustomModel,
}

impl Within for Resource {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn members(&self, project: Uuid) -> Members {
        fn of<T: Entity>(entries: &[T], project: Uuid) -> usize {
            entries.iter().filter(|entry| entry.project() == Some(project)).count()
        }
        Members {
            datasets: of(&self.datasets, project),
            evaluations: of(&self.evaluations, project),
            models: of(&self.models, project),
            endpoints: of(&self.endpoints, project),
        }
    }
}

impl Resource {
    /// Says that something changed, so that the next `advance` looks again.
    pub fn touch(&mut self) {
        self.next_due = Some(Timestamp::MIN);
    }

    /// When the next step is due, as of the last `advance`; None = nothing to come.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.next_due
    }

    /// Moves everything to where the clock says.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Arrival> {
        if self.next_due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        for dataset in &mut self.datasets {
            dataset.lifecycle.advance(now);
        }
        for model in &mut self.models {
            model.lifecycle.advance(now);
        }
        for endpoint in &mut self.endpoints {
            if endpoint.lifecycle.advance(now) && endpoint.lifecycle.status == Status::Succeeded {
                endpoint.serving = Some(endpoint.model);
            }
        }
        for evaluation in &mut self.evaluations {
            if evaluation.lifecycle.advance(now) && evaluation.lifecycle.status == Status::Succeeded {
                let score = |model| Score::of(model, evaluation.dataset, self.scores.get(&model));
                evaluation.scores = Some((score(evaluation.model1), score(evaluation.model2)));
            }
        }
        let tier = self.settings.tier;
        self.endpoints
            .retain(|endpoint| endpoint_end(endpoint, tier).is_none_or(|end| now < end));
        let arrivals = self.finish_copies(now);
        self.next_due = self.find_next_due();
        arrivals
    }

    fn finish_copies(&mut self, now: Timestamp) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        for operation in &mut self.operations {
            if operation.lifecycle.advance(now) && operation.lifecycle.status == Status::Succeeded {
                let mut model = operation.result.clone();
                let finished = operation.lifecycle.last_action_date_time.unwrap_or(now);
                model.header.created_date_time = finished;
                model.lifecycle = Lifecycle::succeeded(finished);
                arrivals.push(Arrival {
                    target: operation.target.clone(),
                    model,
                });
            }
        }
        arrivals
    }

    fn find_next_due(&self) -> Option<Timestamp> {
        let tier = self.settings.tier;
        let lifecycles = (self.datasets.iter().map(|entry| &entry.lifecycle))
            .chain(self.models.iter().map(|entry| &entry.lifecycle))
            .chain(self.endpoints.iter().map(|entry| &entry.lifecycle))
            .chain(self.evaluations.iter().map(|entry| &entry.lifecycle))
            .chain(self.operations.iter().map(|entry| &entry.lifecycle));
        let steps = lifecycles.filter_map(Lifecycle::next_due);
        let ends = self
            .endpoints
            .iter()
            .filter_map(|endpoint| endpoint_end(endpoint, tier));
        steps.chain(ends).min()
    }

    /// Fills in what a seed may leave out.
    pub fn settle(&mut self, name: &str, now: Timestamp) {
        if self.settings.arm_id.is_empty() {
            self.settings.arm_id = format!(
                "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-{name}/providers/Microsoft.CognitiveServices/accounts/{name}"
            );
        }
        fill_created(&mut self.base_models, now);
        fill_created(&mut self.projects, now);
        fill_created(&mut self.datasets, now);
        fill_created(&mut self.models, now);
        fill_created(&mut self.endpoints, now);
        fill_created(&mut self.evaluations, now);
        for endpoint in &mut self.endpoints {
            if endpoint.serving.is_none() && endpoint.lifecycle.status == Status::Succeeded {
                endpoint.serving = Some(endpoint.model);
            }
        }
        for evaluation in &mut self.evaluations {
            if evaluation.scores.is_none() && evaluation.lifecycle.status == Status::Succeeded {
                let score = |model| Score::of(model, evaluation.dataset, self.scores.get(&model));
                evaluation.scores = Some((score(evaluation.model1), score(evaluation.model2)));
            }
        }
        self.touch();
    }

    /// What a reference leads to, if it leads to something that is there at `now`.
    pub fn model_facts(&self, reference: ModelRef, now: Timestamp) -> Option<ModelFacts> {
        match reference {
            ModelRef::Custom(id) => find(&self.models, id).map(|model| ModelFacts {
                locale: model.header.locale.clone(),
                status: model.lifecycle.status,
                supports_endpoints: model.features.supports_endpoints,
                transcription_end: model.transcription_end(),
            }),
            ModelRef::Base(id) => find(&self.base_models, id)
                .filter(|model| model.is_visible(now))
                .map(|model| ModelFacts {
                    locale: model.header.locale.clone(),
                    status: model.lifecycle.status,
                    supports_endpoints: model.features.supports_endpoints,
                    transcription_end: model.transcription_end(),
                }),
        }
    }

    /// The base model that answers where no valid custom model does.
    pub fn newest_deployable(&self, locale: &str, now: Timestamp) -> Option<&BaseModel> {
        newest(self.base_models.iter().filter(|model| model.is_deployable(locale, now)))
    }

    /// The base model that a training takes when it names none.
    pub fn newest_trainable(&self, locale: &str, now: Timestamp) -> Option<&BaseModel> {
        let is_default = |model: &&BaseModel| model.is_trainable(locale, now) && model.features.supports_endpoints;
        newest(self.base_models.iter().filter(is_default))
    }

    /// Locales for which there is a base model now.
    pub fn locales(&self, now: Timestamp, accepts: impl Fn(&BaseModel) -> bool) -> Vec<String> {
        let visible = self
            .base_models
            .iter()
            .filter(|model| model.is_visible(now) && accepts(model));
        let mut locales: Vec<String> = visible.map(|model| model.header.locale.clone()).collect();
        locales.sort_unstable();
        locales.dedup();
        locales
    }
}

fn newest<'a>(models: impl Iterator<Item = &'a BaseModel>) -> Option<&'a BaseModel> {
    models.max_by_key(|model| (model.header.created_date_time, model.header.id))
}

fn fill_created<T: Entity>(entries: &mut [T], now: Timestamp) {
    for entry in entries {
        if entry.header().created_date_time == Timestamp::UNIX_EPOCH {
            entry.header_mut().created_date_time = now;
        }
    }
}

/// When an endpoint is deleted by the service.
fn endpoint_end(endpoint: &Endpoint, tier: Tier) -> Option<Timestamp> {
    let created = endpoint.header.created_date_time;
    let by_tier = (tier == Tier::F0)
        .then(|| created.checked_add(F0_ENDPOINT_LIFE).ok())
        .flatten();
    let by_request = endpoint
        .time_to_live
        .as_deref()
        .and_then(life_span)
        .and_then(|life| created.checked_add(life).ok());
    by_tier.into_iter().chain(by_request).min()
}

/// Reads an ISO 8601 duration of days or smaller units; None for nothing, for 0 and for what is no duration.
pub fn life_span(text: &str) -> Option<SignedDuration> {
    let span: jiff::Span = text.parse().ok()?;
    let day_relative = jiff::SpanRelativeTo::days_are_24_hours();
    span.to_duration(day_relative).ok().filter(SignedDuration::is_positive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_to_live_is_an_iso_8601_duration_and_zero_means_for_ever() {
        assert_eq!(life_span("P14D"), Some(SignedDuration::from_hours(14 * 24)));
        assert_eq!(life_span("PT36H"), Some(SignedDuration::from_hours(36)));
        assert_eq!(life_span("PT0S"), None);
        assert_eq!(life_span("two weeks"), None);
    }
}
