//! What people declare: the objects of one connection, and what they do to them in the course of the years.
use super::{
    cluster::{Cluster, Key},
    world::{self, LOCALES},
};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_fuzz::{Chance, weigh};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The namespace of all objects.
const NAMESPACE: &str = "team";

/// Where a SpeechModel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Training,
    /// It follows the newest base model.
    Base,
}

/// A SpeechModel that somebody will declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDraft {
    /// Number of the locale.
    pub locale: usize,
    /// Where it comes from.
    pub source: Source,
    /// `renewal.before` in days.
    pub renew_days: u32,
    /// Whether a new base model asks for a new revision.
    pub on_new_base: bool,
    /// `revisionHistoryLimit`.
    pub history: i32,
    /// When it is applied, after the beginning.
    pub applied: SignedDuration,
    /// When its datasets change, after the beginning.
    pub edits: Vec<SignedDuration>,
}

/// A SpeechEndpoint that somebody will declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointDraft {
    /// The SpeechModel that it follows; none follows the newest base model of the locale.
    pub model: Option<usize>,
    /// Number of the locale, where it follows no SpeechModel.
    pub locale: usize,
    /// When it is applied, after the beginning.
    pub applied: SignedDuration,
    /// When and how it moves to another model.
    pub swap: SwapDraft,
}

/// When and how an endpoint moves to another model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwapDraft {
    /// Whether it follows all SpeechModels of its locale instead of one.
    pub by_label: bool,
    /// `swap.policy`, by number: OnNewModel, BeforeExpiry, Manual.
    pub policy: usize,
    /// `swap.before` in days.
    pub before_days: u32,
    /// `swap.windows`, by number.
    pub windows: usize,
    /// `swap.deadlineOverride` in hours.
    pub override_hours: u32,
    /// `swap.gate.onDeadline`, by number: Hold, Promote, NewestBase; none is no gate.
    pub gate: Option<usize>,
    /// Whether a person has to agree.
    pub approval: bool,
}

/// All that is declared for one Speech resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// SpeechModels.
    pub models: Vec<ModelDraft>,
    /// SpeechEndpoints.
    pub endpoints: Vec<EndpointDraft>,
}

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

impl Draft {
    /// What a platform team declares for one Speech resource: a first wave, and more over the first year.
    pub fn of_team(chance: &mut Chance, endpoints: usize, days: i64) -> Self {
        let count = (endpoints / 5).max(1);
        let models = (0..count).map(|_| ModelDraft::any(chance, days)).collect();
        let mut draft = Self {
            models,
            endpoints: Vec::new(),
        };
        draft.endpoints = (0..endpoints)
            .map(|_| EndpointDraft::any(chance, days, &draft.models))
            .collect();
        draft
    }

    /// The objects that somebody applies, in no order, and when.
    pub fn applications(&self) -> impl Iterator<Item = (SignedDuration, Key)> {
        let models = self.models.iter().enumerate();
        let endpoints = self.endpoints.iter().enumerate();
        let models = models.map(|(index, draft)| (draft.applied, Key::Model(index)));
        models.chain(endpoints.map(|(index, draft)| (draft.applied, Key::Endpoint(index))))
    }

    fn locale(&self, draft: &EndpointDraft) -> usize {
        let followed = draft.model.and_then(|index| self.models.get(index));
        followed.map_or(draft.locale, |model| model.locale)
    }
}

/// Most of a fleet comes in the first days, the rest within a year.
fn rollout(chance: &mut Chance, days: i64) -> SignedDuration {
    let last = if chance.hits(0.6) { 10 } else { 300 };
    chance.between(hours(1), hours(24 * last.min(days / 3).max(1)))
}

impl ModelDraft {
    fn any(chance: &mut Chance, days: i64) -> Self {
        let applied = rollout(chance, days);
        let edits = chance.below(1 + 2 * u64::try_from(days).unwrap_or(0) / 365);
        Self {
            locale: usize::try_from(chance.below(LOCALES.len() as u64)).unwrap_or(0),
            source: if chance.hits(0.15) {
                Source::Base
            } else {
                Source::Training
            },
            renew_days: *chance.pick(&[60, 90, 120, 180]).unwrap_or(&90),
            on_new_base: chance.hits(0.3),
            history: i32::try_from(chance.below(4)).unwrap_or(2),
            applied,
            edits: (0..edits).map(|_| chance.between(applied, hours(24 * days))).collect(),
        }
    }
}

impl EndpointDraft {
    fn any(chance: &mut Chance, days: i64, models: &[ModelDraft]) -> Self {
        let model = usize::try_from(chance.below(models.len() as u64)).unwrap_or(0);
        Self {
            model: chance.hits(0.85).then_some(model),
            locale: usize::try_from(chance.below(LOCALES.len() as u64)).unwrap_or(0),
            applied: rollout(chance, days),
            swap: SwapDraft::any(chance),
        }
    }
}

/// A number below `bound`.
fn number(chance: &mut Chance, bound: usize) -> usize {
    usize::try_from(chance.below(bound as u64)).unwrap_or(0)
}

impl SwapDraft {
    fn any(chance: &mut Chance) -> Self {
        let policies = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2];
        Self {
            by_label: chance.hits(0.1),
            policy: *chance.pick(&policies).unwrap_or(&0),
            before_days: *chance.pick(&[7, 14, 30, 45]).unwrap_or(&30),
            windows: if chance.hits(0.5) { 0 } else { number(chance, WINDOWS) },
            override_hours: *chance.pick(&[24, 24, 48, 0]).unwrap_or(&24),
            gate: chance.hits(0.4).then(|| number(chance, 3)),
            approval: chance.hits(0.15),
        }
    }

    /// The part of a manifest.
    fn spec(&self, locale: usize) -> Value {
        let one = |names: [&str; 3], index: usize| names.get(index % 3).copied().unwrap_or_default().to_owned();
        let mut swap = json!({
            "policy": one(["OnNewModel", "BeforeExpiry", "Manual"], self.policy),
            "before": format!("{}d", self.before_days),
            "deadlineOverride": if self.override_hours == 0 { "0s".to_owned() } else { format!("{}h", self.override_hours) },
            "approval": if self.approval { "Required" } else { "None" },
            "windows": windows(self.windows),
        });
        if let (Some(gate), Some(members)) = (self.gate, swap.as_object_mut()) {
            let evaluation = json!({
                "dataset": world::audio_dataset(locale), "maxWordErrorRate": 0.25, "maxRegression": 0.2, "minWords": 100,
            });
            let on_deadline = one(["Hold", "Promote", "NewestBase"], gate);
            members.insert(
                "gate".into(),
                json!({ "evaluation": evaluation, "onDeadline": on_deadline }),
            );
        }
        swap
    }
}

/// How many ways of windows there are.
pub const WINDOWS: usize = 5;

/// Windows that open again and again, and a freeze at the turn of each year.
fn windows(number: usize) -> Value {
    let freeze = |year: i32| {
        let (from, until) = (format!("{year}-12-15"), format!("{}-01-10", year + 1));
        json!({ "kind": "Deny", "from": from, "until": until, "timeZone": "Europe/Berlin" })
    };
    let freezes = (2026..2036).map(freeze);
    let nights = json!({
        "kind": "Allow", "days": ["Sat", "Sun"], "start": "01:00", "duration": "4h", "timeZone": "Europe/Berlin",
    });
    let office = json!({
        "kind": "Allow", "days": ["Tue", "Wed", "Thu"], "start": "10:00", "duration": "6h", "timeZone": "America/New_York",
    });
    match number {
        1 => json!([nights]),
        2 => json!([office]),
        3 => freezes.collect(),
        4 => freezes.chain([nights]).collect(),
        _ => json!([]),
    }
}

/// Objects as they are when they are applied; made from JSON, as a user's would be.
#[derive(Clone, Debug)]
pub struct Manifests {
    seed: u64,
    draft: Draft,
}

impl Manifests {
    /// The manifests of a draft; the uids follow from the seed.
    pub fn new(seed: u64, draft: Draft) -> Self {
        Self { seed, draft }
    }

    /// A cluster in which nothing is applied yet but the connection.
    pub fn cluster(&self, now: Timestamp) -> Result<Cluster, serde_json::Error> {
        let connection: SpeechConnection = serde_json::from_value(json!({
            "apiVersion": "customspeech.dev/v1alpha1",
            "kind": "SpeechConnection",
            "metadata": self.metadata("west", now, ""),
            "spec": {
                "endpoint": world::BASE_URL,
                "auth": { "keySecretRef": { "name": "speech-key" } },
            },
        }))?;
        let mut by_uid = BTreeMap::new();
        for (_, key) in self.draft.applications() {
            by_uid.insert(self.uid(&name(key)), key);
        }
        Ok(Cluster {
            connection,
            models: self.draft.models.iter().map(|_| None).collect(),
            endpoints: self.draft.endpoints.iter().map(|_| None).collect(),
            by_uid,
        })
    }

    fn uid(&self, name: &str) -> String {
        let (high, low) = (weigh(self.seed, (name, 1)), weigh(self.seed, (name, 2)));
        Uuid::from_u64_pair(high, low).to_string()
    }

    fn metadata(&self, name: &str, now: Timestamp, locale: &str) -> Value {
        json!({
            "name": name, "namespace": NAMESPACE, "uid": self.uid(name), "generation": 1,
            "creationTimestamp": now.to_string(),
            "labels": { "locale": locale },
        })
    }

    fn object<K: DeserializeOwned>(&self, kind: &str, key: Key, now: Timestamp, spec: Value) -> Option<K> {
        let locale = spec.get("locale").and_then(Value::as_str).unwrap_or_default();
        let object = json!({
            "apiVersion": "customspeech.dev/v1alpha1",
            "kind": kind,
            "metadata": self.metadata(&name(key), now, locale),
            "spec": spec,
        });
        // A draft that makes no object makes none: the report counts what was declared.
        serde_json::from_value(object).ok()
    }

    /// A SpeechModel as its manifest has it.
    pub fn model(&self, index: usize, now: Timestamp) -> Option<SpeechModel> {
        let draft = self.draft.models.get(index)?;
        let mut spec = json!({
            "connectionRef": { "name": "west" },
            "locale": locale(draft.locale),
            "revisionHistoryLimit": draft.history,
        });
        let members = spec.as_object_mut()?;
        match draft.source {
            Source::Base => drop(members.insert("source".into(), json!({ "base": {} }))),
            Source::Training => {
                let dataset = world::text_dataset(draft.locale, 0);
                members.insert("source".into(), json!({ "training": { "datasets": [dataset] } }));
                let mut on = vec!["BeforeExpiry", "SpecChange"];
                on.extend(draft.on_new_base.then_some("NewBaseModel"));
                let before = format!("{}d", draft.renew_days);
                members.insert("renewal".into(), json!({ "on": on, "before": before }));
            }
        }
        self.object("SpeechModel", Key::Model(index), now, spec)
    }

    /// A SpeechEndpoint as its manifest has it.
    pub fn endpoint(&self, index: usize, now: Timestamp) -> Option<SpeechEndpoint> {
        let draft = self.draft.endpoints.get(index)?;
        let locale_number = self.draft.locale(draft);
        let model = match draft.model {
            Some(_) if draft.swap.by_label => {
                json!({ "selector": { "matchLabels": { "locale": locale(locale_number) } } })
            }
            Some(model) => json!({ "ref": { "name": name(Key::Model(model)) } }),
            None => json!({ "base": {} }),
        };
        let spec = json!({
            "connectionRef": { "name": "west" },
            "locale": locale(locale_number),
            "model": model,
            "recreate": if index.is_multiple_of(2) { "WhenDeleted" } else { "Never" },
            "swap": draft.swap.spec(locale_number),
        });
        self.object("SpeechEndpoint", Key::Endpoint(index), now, spec)
    }

    pub fn draft(&self) -> &Draft {
        &self.draft
    }
}

/// The name of an object.
pub fn name(key: Key) -> String {
    match key {
        Key::Model(index) => format!("model-{index}"),
        Key::Endpoint(index) => format!("endpoint-{index}"),
    }
}

/// The name of a locale.
pub fn locale(number: usize) -> &'static str {
    LOCALES.get(number % LOCALES.len()).copied().unwrap_or("en-US")
}

/// Somebody changes the datasets that a model is trained with.
pub fn change_datasets(model: &mut SpeechModel) {
    let number = LOCALES.iter().position(|name| *name == model.spec.locale).unwrap_or(0);
    if let Some(training) = &mut model.spec.source.training {
        let before = training.datasets.first().cloned().unwrap_or_default();
        training.datasets = vec![world::next_text_dataset(number, &before)];
        let generation = &mut model.metadata.generation;
        *generation = Some(generation.unwrap_or(1) + 1);
    }
}
