//! The result files of an evaluation: what was said, what was understood, word by word.
use super::{
    entity::{Entity as _, Evaluation, FileKind, Score, StoredFile},
    lifecycle::Status,
    resource::Resource,
};
use serde_json::{Value, json};

/// The file of the first model.
pub const FIRST: &str = "audio01.wav.model1_score.json";
/// The file of the second model.
pub const SECOND: &str = "audio01.wav.model2_score.json";
/// Words of a phrase.
const PHRASE: usize = 12;
/// More words are not written out.
const MOST_WORDS: i64 = 20_000;

/// The file that a path of the storage means, if it is one.
pub fn at(resource: &Resource, path: &str) -> Option<Value> {
    let mut segments = path.rsplit('/');
    let (name, id) = (segments.next()?, segments.next()?);
    let number = match name {
        FIRST => 1,
        SECOND => 2,
        _ => return None,
    };
    let is_it = |evaluation: &&Evaluation| {
        let file = StoredFile::of(
            evaluation.header().id,
            FileKind::EvaluationDetails,
            name,
            evaluation.last_action(),
            0,
            0,
        );
        evaluation.lifecycle.status == Status::Succeeded && file.id.to_string().eq_ignore_ascii_case(id)
    };
    resource
        .evaluations
        .iter()
        .find(is_it)
        .map(|evaluation| of(evaluation, number))
}

/// The file of the first or second model of an evaluation.
pub fn of(evaluation: &Evaluation, number: u8) -> Value {
    let score = evaluation
        .scores
        .as_ref()
        .map(|(first, second)| if number == 1 { first } else { second });
    let words = score.map(words).unwrap_or_default();
    let phrases: Vec<Value> = words.chunks(PHRASE).enumerate().map(phrase).collect();
    json!({
        "source": "audio01.wav",
        "recognizedPhrases": phrases,
    })
}

/// What became of a word of the reference, or a word that nobody said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Correct,
    Substitution,
    Deletion,
    Insertion,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Correct => "None",
            Self::Substitution => "Substitution",
            Self::Deletion => "Deletion",
            Self::Insertion => "Insertion",
        }
    }
}

/// The words in order, in the numbers that the evaluation tells.
fn words(score: &Score) -> Vec<Kind> {
    let (substitutions, deletions, insertions) = score.errors();
    let count = |number: i64| usize::try_from(number.clamp(0, MOST_WORDS)).unwrap_or(0);
    let wrong = (substitutions + deletions).min(score.word_count);
    let mut words = vec![Kind::Substitution; count(substitutions)];
    words.extend(vec![Kind::Deletion; count(deletions)]);
    words.extend(vec![Kind::Insertion; count(insertions)]);
    words.extend(vec![Kind::Correct; count(score.word_count - wrong)]);
    words
}

fn phrase((index, words): (usize, &[Kind])) -> Value {
    let count = |kind: Kind| words.iter().filter(|word| **word == kind).count();
    let marked: Vec<Value> = (words.iter().enumerate())
        .map(|(at, kind)| {
            let said = (*kind != Kind::Insertion).then(|| format!("word{at}"));
            let understood = match kind {
                Kind::Correct => said.clone(),
                Kind::Substitution | Kind::Insertion => Some(format!("other{at}")),
                Kind::Deletion => None,
            };
            json!({ "reference": said, "recognized": understood, "errorType": kind.name() })
        })
        .collect();
    let text: Vec<&str> = marked.iter().filter_map(|word| word["recognized"].as_str()).collect();
    let text = text.join(" ");
    json!({
        "recognitionStatus": "Success",
        "channel": 0,
        "offsetInTicks": index * 50_000_000,
        "durationInTicks": 50_000_000,
        "nBest": [{
            "confidence": 0.9,
            "lexical": text,
            "itn": text,
            "maskedITN": text,
            "display": text,
            "scoringResult": {
                "wordCount": words.len() - count(Kind::Insertion),
                "substitutions": count(Kind::Substitution),
                "deletions": count(Kind::Deletion),
                "insertions": count(Kind::Insertion),
                "words": marked,
            },
        }],
    })
}
