//! The numbers of an evaluation against the thresholds.
use speech_api::swap::{EvaluationGate, GateVerdict, Judgement};
use speech_service::{
    ModelId,
    entity::{Evaluation, Scores},
};

/// Rates are compared up to this, so that what a sum of decimals lacks of exactness decides nothing.
const EXACTNESS: f64 = 1e-9;

/// Which rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// (insertions + deletions + substitutions) / reference words.
    WordErrorRate,
    /// The same over the tokens of the display form.
    TokenErrorRate,
}

impl Metric {
    /// The one that a gate asks for.
    pub fn of(gate: &EvaluationGate) -> Self {
        match gate.max_token_error_rate {
            Some(_) => Self::TokenErrorRate,
            None => Self::WordErrorRate,
        }
    }

    /// The word as it stands in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WordErrorRate => "WordErrorRate",
            Self::TokenErrorRate => "TokenErrorRate",
        }
    }

    /// The same for a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::WordErrorRate => "word error rate",
            Self::TokenErrorRate => "token error rate",
        }
    }

    /// What the service does not know it does not send, or sends as -1.
    fn in_scores(self, scores: &Scores) -> Option<f64> {
        let rate = match self {
            Self::WordErrorRate => Some(scores.word_error_rate),
            Self::TokenErrorRate => scores.token_error_rate,
        };
        rate.filter(|rate| rate.is_finite() && *rate >= 0.0)
    }
}

/// What an evaluation measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// Which rate the two are.
    pub metric: Metric,
    /// The candidate's error rate, a share of 1.
    pub candidate: f64,
    /// The active model's error rate, a share of 1.
    pub active: f64,
    /// Reference words, where the service gives them.
    pub words: Option<i64>,
}

impl Numbers {
    /// Reads an evaluation that has ended, whichever of the two models the candidate is.
    pub fn of(evaluation: &Evaluation, candidate: ModelId, metric: Metric) -> Option<Self> {
        let (first, second) = (evaluation.scores1.as_ref()?, evaluation.scores2.as_ref()?);
        let (candidate, active) = match evaluation.model1.entity() == candidate.entity() {
            true => (first, second),
            false => (second, first),
        };
        Some(Self {
            metric,
            candidate: rounded(metric.in_scores(candidate)?),
            active: rounded(metric.in_scores(active)?),
            words: candidate.word_count,
        })
    }

    /// What a status says of an evaluation, which need not exist any more.
    pub fn told(judgement: &Judgement, metric: Metric) -> Option<Self> {
        Some(Self {
            metric,
            candidate: judgement.candidate_error_rate?,
            active: judgement.active_error_rate?,
            words: judgement.words,
        })
    }
}

/// To millionths, which a status holds without loss.
fn rounded(rate: f64) -> f64 {
    (rate * 1e6).round() / 1e6
}

/// The verdict, and the numbers against the thresholds.
pub fn weigh(gate: &EvaluationGate, numbers: &Numbers) -> (GateVerdict, String) {
    let highest = gate.max_token_error_rate.or(gate.max_word_error_rate);
    let too_few = match (numbers.words, gate.min_words) {
        (Some(words), least) => words < least.unwrap_or(1),
        (None, Some(_)) => true,
        (None, None) => false,
    };
    let too_high = highest.is_some_and(|highest| numbers.candidate > highest + EXACTNESS);
    let regression = numbers.candidate - numbers.active;
    let worse = gate.max_regression.is_some_and(|most| regression > most + EXACTNESS);
    let verdict = match (too_few, too_high || worse) {
        (true, _) => GateVerdict::Inconclusive,
        (false, true) => GateVerdict::Fail,
        (false, false) => GateVerdict::Pass,
    };
    (verdict, words(gate, numbers, highest, too_few))
}

/// `word error rate 0.182, at most 0.150 allowed; active has 0.121; 2000 words`.
fn words(gate: &EvaluationGate, numbers: &Numbers, highest: Option<f64>, too_few: bool) -> String {
    let mut text = format!("{} {}", numbers.metric.words(), rate(numbers.candidate));
    if let Some(highest) = highest {
        text.push_str(&format!(", at most {} allowed", rate(highest)));
    }
    text.push_str(&format!("; active has {}", rate(numbers.active)));
    if let Some(most) = gate.max_regression {
        text.push_str(&format!(", at most {} more allowed", rate(most)));
    }
    match numbers.words {
        Some(words) => text.push_str(&format!("; {words} words")),
        None if too_few => text.push_str("; the service does not say of how many words"),
        None => {}
    }
    if let Some(least) = gate.min_words.filter(|_| too_few) {
        text.push_str(&format!(", at least {least} needed"));
    }
    text
}

/// Three decimals, or a fourth where it says something.
fn rate(rate: f64) -> String {
    let text = format!("{rate:.4}");
    text.strip_suffix('0').map_or(text.clone(), str::to_owned)
}
