//! Small builders for snapshots: one case of a table is a line or a few.
#![expect(
    clippy::unwrap_used,
    clippy::new_without_default,
    reason = "part of tests, though no test itself"
)]
#[cfg(test)]
mod case;
#[cfg(test)]
mod life;
mod world;

#[cfg(test)]
pub use case::{Case, Kind, check};
#[cfg(test)]
pub use life::{Entities, Event, Fate, Life, Service, StatusOf, event};
pub use world::World;

use super::{Action, Agenda, ConnectionState, Failure, FailureClass, Hands, Pass, Plan, Stay, Surroundings};
use crate::{
    text::after,
    view::{Cache, Cached, View},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde::de::DeserializeOwned;
use speech_api::{
    FINALIZER, SpeechEndpoint, SpeechModel,
    annotation::{CREATION_INTENT, CreationIntent},
    condition,
    decision::{Decision, RuleName, Saw},
};
use speech_service::{
    Absent, EntityId, Heard, ModelId,
    entity::{BaseModel, CustomModel, Dataset, Endpoint, EntityError, Evaluation, Header, OwnerTag, Scores, Status},
    request::UpdateModel,
};
use std::sync::Arc;

pub const NOW: &str = "2026-03-01T10:00:00Z";
/// When what is ours was announced.
pub const LONG_AGO: &str = "2026-02-01T00:00:00Z";
pub const LATER: &str = "2027-01-15T00:00:00Z";
pub const UID: &str = "uid-1";
pub const CLUSTER: &str = "cluster-1";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// Ids that read well: `id(7)` ends in 7.
pub fn id(n: u128) -> EntityId {
    EntityId::from_uuid(uuid::Uuid::from_u128(n))
}

pub fn base_id(n: u128) -> ModelId {
    ModelId::Base(id(n))
}

pub fn custom_id(n: u128) -> ModelId {
    ModelId::Custom(id(n))
}

/// The number of an id made by [`id`].
pub fn number(id: EntityId) -> u128 {
    uuid::Uuid::parse_str(&id.to_string()).unwrap().as_u128()
}

pub fn with<T>(mut value: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut value);
    value
}

fn header(n: u128, folder: &str) -> Header {
    Header {
        id: id(n),
        self_uri: format!("https://x.example/speechtotext/{folder}/{}", id(n)).into(),
        display_name: format!("remote-{n}").into(),
        description: "".into(),
        locale: "en-US".into(),
        status: Status::Succeeded,
        created_at: at("2026-01-01T00:00:00Z") + SignedDuration::from_secs(i64::try_from(n).unwrap()),
        last_action_at: at("2026-01-02T00:00:00Z"),
        project: None,
        owner: None,
        foreign_properties: Box::default(),
        error: None,
    }
}

/// A base model that can be trained from and deployed; a larger number is newer.
pub fn base_model(n: u128, expires: &str) -> BaseModel {
    BaseModel {
        header: header(n, "models/base"),
        adaptation_until: Some(at("2026-12-31T00:00:00Z")),
        expires_at: (!expires.is_empty()).then(|| at(expires)),
        supports_endpoints: Some(true),
        supports_adaptations_with: Box::from(["Language".into()]),
    }
}

pub fn custom_model(n: u128, expires: &str) -> CustomModel {
    CustomModel {
        header: header(n, "models"),
        base_model: Some(base_id(1)),
        datasets: Box::default(),
        expires_at: (!expires.is_empty()).then(|| at(expires)),
        weight_percent: None,
        supports_endpoints: None,
    }
}

/// A dataset with audio and transcripts.
pub fn dataset(n: u128) -> Dataset {
    Dataset {
        header: header(n, "datasets"),
        kind: "Acoustic".into(),
        accepted_lines: Some(500),
    }
}

/// A dataset that the base models here can be trained with.
pub fn text(n: u128) -> Dataset {
    with(dataset(n), |d| d.kind = "Language".into())
}

/// An evaluation of two models that ended with these word error rates over 2000 words.
pub fn evaluation(n: u128, models: [ModelId; 2], dataset: u128, rates: [f64; 2]) -> Evaluation {
    let scores = |word_error_rate| {
        Some(Scores {
            word_error_rate,
            token_error_rate: None,
            word_count: Some(2000),
        })
    };
    let [model1, model2] = models;
    let [rate1, rate2] = rates;
    Evaluation {
        header: header(n, "evaluations"),
        model1,
        model2,
        dataset: id(dataset),
        scores1: scores(rate1),
        scores2: scores(rate2),
    }
}

/// An endpoint that serves a model and bears the name of the object under test.
pub fn remote(n: u128, model: ModelId) -> Endpoint {
    Endpoint {
        header: with(header(n, "endpoints"), |h| h.display_name = "claims".into()),
        model: Some(model),
        logging_enabled: false,
        links: Box::from([("webSocket".into(), "wss://x.example/".into())]),
    }
}

/// The mark of the object under test, or of another one.
pub fn tag(uid: &str, attempt: u32) -> OwnerTag {
    OwnerTag {
        uid: uid.into(),
        object: format!("team/{}", if uid == UID { "claims" } else { uid }),
        cluster: CLUSTER.into(),
        attempt,
        revision: None,
        inputs: None,
    }
}

/// The mark of an object of the same name that is gone.
pub fn former_tag(uid: &str, attempt: u32) -> OwnerTag {
    OwnerTag {
        uid: uid.into(),
        ..tag(UID, attempt)
    }
}

/// The same with our mark of an attempt.
pub fn owned(endpoint: Endpoint, attempt: u32) -> Endpoint {
    with(endpoint, |e| e.header.owner = Some(Arc::new(tag(UID, attempt))))
}

/// The same in another state; a failed one has the service's words.
pub fn in_state(endpoint: Endpoint, status: Status) -> Endpoint {
    with(endpoint, |e| put_state(&mut e.header, status, at(NOW)))
}

pub fn put_state(header: &mut Header, status: Status, when: Timestamp) {
    header.error = (status == Status::Failed).then(|| {
        Box::new(EntityError {
            code: "DeployingFailedModel".into(),
            message: "it did not work".into(),
        })
    });
    header.status = status;
    header.last_action_at = when;
}

/// A revision of the model under test.
pub fn revision(n: u128, number: u32, inputs: &str, status: Status) -> CustomModel {
    with(custom_model(n, LATER), |m| {
        m.header.display_name = "claims".into();
        m.header.owner = Some(Arc::new(OwnerTag {
            revision: Some(number),
            inputs: Some(inputs.into()),
            ..tag(UID, number)
        }));
        put_state(&mut m.header, status, at(NOW));
    })
}

fn object<T: DeserializeOwned>(kind: &str, spec: &str) -> T {
    let lines: String = spec.lines().map(|line| format!("\n  {}", line.trim_end())).collect();
    let text = format!(
        "apiVersion: customspeech.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: claims, namespace: team, uid: {UID}, generation: 1}}\nspec:\n  connectionRef: {{name: west}}\n  locale: en-US{lines}\n"
    );
    serde_saphyr::from_str(&text).unwrap()
}

/// A SpeechEndpoint of locale en-US; `spec` is YAML, beside connectionRef and locale.
pub fn endpoint(spec: &str) -> SpeechEndpoint {
    object("SpeechEndpoint", spec)
}

/// A SpeechModel of locale en-US; `spec` is YAML, beside connectionRef and locale.
pub fn model(spec: &str) -> SpeechModel {
    object("SpeechModel", spec)
}

/// A SpeechModel whose current revision is this custom model.
pub fn model_with_current(n: u128) -> SpeechModel {
    with(
        model("source: {existing: {id: 00000000-0000-0000-0000-000000000001}}"),
        |m| {
            let current = serde_json::json!({
                "id": id(n).to_string(), "self": header(n, "models").self_uri, "name": "m", "createdAt": NOW
            });
            m.status = Some(serde_json::from_value(serde_json::json!({ "current": current })).unwrap());
        },
    )
}

/// What every kind has in its metadata that a plan looks at.
pub trait Meta: kube::Resource + Sized {
    fn claimed(mut self) -> Self {
        self.meta_mut().finalizers = Some(vec![FINALIZER.into()]);
        self
    }

    fn deleted(mut self, when: &str) -> Self {
        self.meta_mut().deletion_timestamp = Some(Time(at(when)));
        self
    }

    fn announces(self, attempt: u32, when: &str) -> Self {
        let mut object = self.claimed();
        object.announce(CreationIntent {
            attempt,
            at: at(when),
            ..CreationIntent::default()
        });
        object
    }

    fn announce(&mut self, intent: CreationIntent) {
        self.annotate(CREATION_INTENT, &intent.to_value());
    }

    fn annotate(&mut self, key: &str, value: &str) {
        self.meta_mut()
            .annotations
            .get_or_insert_default()
            .insert(key.into(), value.into());
    }
}

impl Meta for SpeechEndpoint {}
impl Meta for SpeechModel {}

/// How the connection of the object under test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Ready,
    NotFound,
    NotAllowed,
    /// `seen`: there is a view. `usable`: requests can be sent.
    NotReady {
        seen: bool,
        usable: bool,
    },
}

/// Takes an entity from a read.
pub fn learn<T: Cached>(cache: &mut Cache<T>, entity: T) {
    let began = cache.begin();
    // As the test says it, whatever was known.
    cache.vanished(&Absent::assumed(entity.header().id), began);
    cache.read(entity, began);
}

fn resweep<T: Cached + Clone>(cache: &mut Cache<T>, now: Timestamp) {
    let began = cache.begin();
    let listed: Vec<T> = cache.iter().map(|entry| (*entry.entity).clone()).collect();
    let is_empty = listed.is_empty();
    cache.swept(listed, began, now);
    if is_empty {
        // An empty list only confirms the one before it.
        cache.swept(Vec::new(), began, after(now, SignedDuration::from_secs(1)));
    }
    cache.complete(Heard::assumed());
}

/// A plan in one line: the step, then the conditions.
pub fn line<S>(plan: &Plan<S>, conditions: &[Condition]) -> String {
    format!("{} | {}", step(plan.action.as_ref()), said(conditions))
}

pub fn step(action: Option<&Action>) -> String {
    match action {
        None => "-".into(),
        Some(Action::Claim(None)) => "claim".into(),
        Some(Action::Claim(Some(intent))) => format!("announce {}", intent.attempt),
        Some(Action::Release) => "release".into(),
        Some(Action::CreateEndpoint(create)) => format!("create with {}", number(create.model.entity())),
        Some(Action::UpdateEndpoint { id, change, urgent }) => format!(
            "update {} {}{}",
            number(*id),
            change.field(),
            if *urgent { " urgently" } else { "" }
        ),
        Some(Action::DeleteEndpoint(id) | Action::DeleteModel(id) | Action::DeleteEvaluation(id)) => {
            format!("delete {}", number(*id))
        }
        Some(Action::TrainModel(create)) => format!(
            "train {} from {}",
            create.owner.revision.unwrap_or(0),
            number(create.base_model)
        ),
        Some(Action::UpdateModel { id, change }) => match &**change {
            UpdateModel::Owner(tag, _) => format!("mark {} as {}", number(*id), tag.revision.unwrap_or(0)),
            UpdateModel::DisplayName(_) | UpdateModel::Description(_) | UpdateModel::Project(_) => {
                format!("update {}", number(*id))
            }
        },
        Some(Action::CopyModel(copy)) => format!("copy {}", number(copy.source)),
        Some(Action::FollowCopy { .. }) => "follow".into(),
        Some(Action::CreateEvaluation(create)) => format!(
            "evaluate {} against {} with {}",
            number(create.model1.entity()),
            number(create.model2.entity()),
            number(create.dataset)
        ),
    }
}

/// Conditions in one line; those that can only be True without their status.
pub fn said(conditions: &[Condition]) -> String {
    let word = |c: &Condition| match c.type_.as_str() {
        "Reconciling" | "Stalled" => format!("{} {}", c.type_, c.reason),
        _ => format!("{}={} {}", c.type_, c.status, c.reason),
    };
    conditions.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// The rule that decided is one of the list, and what it saw is what the conditions say.
pub fn assert_decided(decision: &Decision, conditions: &[Condition], chain: &[RuleName]) {
    let verdict = condition::verdict(conditions).and_then(condition::reason).unwrap();
    let rule = decision.rule.unwrap();
    assert!(chain.contains(&rule), "{rule:?} is no rule of the list");
    assert_eq!(decision.saw(rule), Some(Saw::Reason(verdict)), "{decision:?}");
}

/// What holds of the conditions of every kind at any time.
pub fn assert_lawful(before: &[Condition], after: &[Condition], generation: i64, observed: i64) {
    let count = |kind: &str| after.iter().filter(|c| c.type_ == kind).count();
    assert_eq!(count("Ready"), 1);
    assert!(count("Reconciling") + count("Stalled") <= 1, "{after:?}");
    assert_eq!(observed, generation);
    for condition in after {
        assert_eq!(condition.observed_generation, Some(generation));
        assert!(
            condition.status == "True" || !["Reconciling", "Stalled"].contains(&condition.type_.as_str()),
            "{condition:?}"
        );
        if let Some(was) = before.iter().find(|c| c.type_ == condition.type_) {
            assert!(
                was.status != condition.status || was.last_transition_time == condition.last_transition_time,
                "the time moved without the status: {was:?} {condition:?}"
            );
        }
        assert!(speech_api::Reason::ALL.iter().any(|r| r.as_str() == condition.reason));
    }
}

/// What a step learns from a request that failed.
pub fn failure(operation: &'static str, class: FailureClass) -> Failure {
    let code = match class {
        FailureClass::Quota => "QuotaViolation",
        FailureClass::Refused | FailureClass::Transient { .. } | FailureClass::Uncertain => "Code",
    };
    Failure {
        operation,
        code: code.into(),
        message: "words".into(),
        class,
    }
}
