//! Evaluations and their scores.
use super::{Entity, Header, View, derived_id, fingerprint, render_common};
use crate::{
    lifecycle::{Lifecycle, Status},
    reference::ModelRef,
    version::ApiVersion,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What one model scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Share of wrong words: 0.065 is 6.5 %.
    pub word_error_rate: f64,
    /// Share of sentences with an error.
    pub sentence_error_rate: f64,
    /// Reference words.
    pub word_count: i64,
    /// Reference sentences.
    pub sentence_count: i64,
}

/// A score set through seed or control API; what is absent follows from the ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ScoreSetting {
    /// Share of wrong words.
    pub word_error_rate: Option<f64>,
    /// Share of sentences with an error.
    pub sentence_error_rate: Option<f64>,
    /// Reference words.
    pub word_count: Option<i64>,
    /// Reference sentences.
    pub sentence_count: Option<i64>,
}

impl Score {
    /// The score of a model on a dataset: the setting's, else one that depends on the ids only.
    pub fn of(model: ModelRef, dataset: Uuid, setting: Option<&ScoreSetting>) -> Self {
        let default = ScoreSetting::default();
        let setting = setting.unwrap_or(&default);
        let data = fingerprint(&[&dataset.to_string()]);
        let skill = fingerprint(&[&model.to_string(), &dataset.to_string()]);
        // Custom models land between 4 % and 10 %, base models between 10 % and 18 %.
        let derived = match model {
            ModelRef::Custom(_) => 0.04 + (skill % 600) as f64 / 10_000.0,
            ModelRef::Base(_) => 0.10 + (skill % 800) as f64 / 10_000.0,
        };
        let word_count = setting
            .word_count
            .unwrap_or_else(|| 2_000 + i64::try_from(data % 8_000).unwrap_or(0));
        let word_error_rate = setting.word_error_rate.unwrap_or(derived);
        Self {
            word_error_rate,
            sentence_error_rate: setting
                .sentence_error_rate
                .unwrap_or_else(|| (word_error_rate * 3.0).min(1.0)),
            word_count,
            sentence_count: setting.sentence_count.unwrap_or((word_count / 12).max(1)),
        }
    }

    /// Substitutions, deletions and insertions.
    pub fn errors(&self) -> (i64, i64, i64) {
        // Rounding a share of at most a few million words stays well within i64.
        let errors = (self.word_error_rate * self.word_count as f64).round() as i64;
        let (substitutions, deletions) = (errors * 6 / 10, errors * 2 / 10);
        (substitutions, deletions, errors - substitutions - deletions)
    }

    fn insert(&self, suffix: char, properties: &mut Map<String, Value>) {
        let (substitutions, deletions, insertions) = self.errors();
        let mut set = |name: &str, value: Value| properties.insert(format!("{name}{suffix}"), value);
        set("wordErrorRate", json!(self.word_error_rate));
        set("sentenceErrorRate", json!(self.sentence_error_rate));
        set("sentenceCount", json!(self.sentence_count));
        set("wordCount", json!(self.word_count));
        set(
            "correctWordCount",
            json!((self.word_count - substitutions - deletions).max(0)),
        );
        set("wordSubstitutionCount", json!(substitutions));
        set("wordDeletionCount", json!(deletions));
        set("wordInsertionCount", json!(insertions));
    }
}

/// What the service sends before there is a score.
fn insert_placeholder(suffix: char, properties: &mut Map<String, Value>) {
    for name in ["wordErrorRate", "sentenceErrorRate"] {
        properties.insert(format!("{name}{suffix}"), json!(-1.0));
    }
    for name in [
        "sentenceCount",
        "wordCount",
        "correctWordCount",
        "wordSubstitutionCount",
        "wordDeletionCount",
        "wordInsertionCount",
    ] {
        properties.insert(format!("{name}{suffix}"), json!(-1));
    }
}

/// An evaluation of two models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// The common part.
    #[serde(flatten)]
    pub header: Header,
    /// The run.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// First model.
    pub model1: ModelRef,
    /// Second model, possibly the same.
    pub model2: ModelRef,
    /// What they are tested with.
    pub dataset: Uuid,
    /// Scores of both, once Succeeded.
    #[serde(default)]
    pub scores: Option<(Score, Score)>,
    /// The project it belongs to.
    #[serde(default)]
    pub project: Option<Uuid>,
    /// v3.2: whom to tell.
    #[serde(default)]
    pub email: Option<String>,
}

impl Entity for Evaluation {
    const KIND: &'static str = "evaluation";

    fields!(header, lifecycle, project);

    fn render(&self, view: View<'_>) -> Value {
        let path = format!("/evaluations/{}", self.header.id);
        let mut members = render_common(self, view, &path);
        for (name, model) in [("model1", self.model1), ("model2", self.model2)] {
            members.insert(name.to_owned(), json!({ "self": model.link(view.links) }));
        }
        let dataset = view.links.to(&format!("/datasets/{}", self.dataset));
        members.insert("dataset".to_owned(), json!({ "self": dataset }));
        for name in ["transcription1", "transcription2"] {
            let id = derived_id(&[&self.header.id.to_string(), name]);
            members.insert(
                name.to_owned(),
                json!({ "self": view.links.to(&format!("/transcriptions/{id}")) }),
            );
        }
        members.insert(
            "links".to_owned(),
            json!({ "files": view.links.to(&format!("{path}/files")) }),
        );
        let mut properties = Map::new();
        match &self.scores {
            Some((first, second)) if self.lifecycle.status == Status::Succeeded => {
                first.insert('1', &mut properties);
                second.insert('2', &mut properties);
            }
            _ => {
                insert_placeholder('1', &mut properties);
                insert_placeholder('2', &mut properties);
            }
        }
        if let Some(error) = &self.lifecycle.error {
            properties.insert("error".to_owned(), json!(error));
        }
        if let Some(email) = self.email.as_ref().filter(|_| view.links.version() == ApiVersion::V3_2) {
            properties.insert("email".to_owned(), json!(email));
        }
        members.insert("properties".to_owned(), Value::Object(properties));
        Value::Object(members)
    }
}
