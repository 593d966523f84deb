//! Named places between an intent and its status. A debug build can be told by its environment to stand still at one of
//! them, so that a test can kill it there; a release build knows none of this.
use speech_plan::Action;

/// The variable that names where to stand still: `<point>@<namespace>/<name>`.
pub const STAND_STILL_AT: &str = "SPEECH_OPERATOR_STAND_STILL_AT";

/// A place in a pass at which the operator may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failpoint {
    /// A creation is decided; its announcement is not written.
    BeforeAnnouncement,
    /// The announcement is written; nothing was sent.
    AfterAnnouncement,
    /// Before a request that creates an endpoint, a model by training, or an evaluation.
    BeforeCreateEndpoint,
    /// It was answered, or failed; the status knows nothing of it.
    AfterCreateEndpoint,
    /// Before a training is ordered.
    BeforeTrain,
    /// The order was answered.
    AfterTrain,
    /// Before leave to copy is asked for.
    BeforeCopy,
    /// Leave to copy was given; the order has not left.
    LeaveGiven,
    /// The order of a copy was answered.
    AfterCopy,
    /// A copy was asked for how it stands.
    AfterFollow,
    /// Before an endpoint gets another model or other words.
    BeforeUpdateEndpoint,
    /// The change was answered.
    AfterUpdateEndpoint,
    /// Before a model, such as a fresh copy, gets our mark or other words.
    BeforeUpdateModel,
    /// The change was answered.
    AfterUpdateModel,
    /// Before an evaluation is ordered.
    BeforeEvaluate,
    /// The order was answered.
    AfterEvaluate,
    /// Before an endpoint is deleted.
    BeforeDeleteEndpoint,
    /// The deletion was answered.
    AfterDeleteEndpoint,
    /// Before a model is deleted.
    BeforeDeleteModel,
    /// The deletion was answered.
    AfterDeleteModel,
    /// Before an evaluation is deleted.
    BeforeDeleteEvaluation,
    /// The deletion was answered.
    AfterDeleteEvaluation,
    /// Before a ConfigMap is written.
    BeforeExport,
    /// It is written.
    AfterExport,
    /// Before a status is written.
    BeforeStatus,
    /// It is written.
    AfterStatus,
    /// Before the finalizer goes.
    BeforeRelease,
    /// It has gone.
    AfterRelease,
}

impl Failpoint {
    /// Every point, in the order of an object's life.
    pub const ALL: [Self; 28] = [
        Self::BeforeAnnouncement,
        Self::AfterAnnouncement,
        Self::BeforeCreateEndpoint,
        Self::AfterCreateEndpoint,
        Self::BeforeTrain,
        Self::AfterTrain,
        Self::BeforeCopy,
        Self::LeaveGiven,
        Self::AfterCopy,
        Self::AfterFollow,
        Self::BeforeUpdateEndpoint,
        Self::AfterUpdateEndpoint,
        Self::BeforeUpdateModel,
        Self::AfterUpdateModel,
        Self::BeforeEvaluate,
        Self::AfterEvaluate,
        Self::BeforeDeleteEndpoint,
        Self::AfterDeleteEndpoint,
        Self::BeforeDeleteModel,
        Self::AfterDeleteModel,
        Self::BeforeDeleteEvaluation,
        Self::AfterDeleteEvaluation,
        Self::BeforeExport,
        Self::AfterExport,
        Self::BeforeStatus,
        Self::AfterStatus,
        Self::BeforeRelease,
        Self::AfterRelease,
    ];

    /// The name, as the variable takes it.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// The points before and after a remote step; a step that only looks has none before it.
    pub(super) fn around(action: &Action) -> (Option<Self>, Option<Self>) {
        let both = |before, after| (Some(before), Some(after));
        match action {
            Action::Claim(_) => both(Self::BeforeAnnouncement, Self::AfterAnnouncement),
            Action::Release => both(Self::BeforeRelease, Self::AfterRelease),
            Action::CreateEndpoint(_) => both(Self::BeforeCreateEndpoint, Self::AfterCreateEndpoint),
            Action::TrainModel(_) => both(Self::BeforeTrain, Self::AfterTrain),
            Action::CopyModel(_) => both(Self::BeforeCopy, Self::AfterCopy),
            Action::FollowCopy { .. } => (None, Some(Self::AfterFollow)),
            Action::UpdateEndpoint { .. } => both(Self::BeforeUpdateEndpoint, Self::AfterUpdateEndpoint),
            Action::UpdateModel { .. } => both(Self::BeforeUpdateModel, Self::AfterUpdateModel),
            Action::CreateEvaluation(_) => both(Self::BeforeEvaluate, Self::AfterEvaluate),
            Action::DeleteEndpoint(_) => both(Self::BeforeDeleteEndpoint, Self::AfterDeleteEndpoint),
            Action::DeleteModel(_) => both(Self::BeforeDeleteModel, Self::AfterDeleteModel),
            Action::DeleteEvaluation(_) => both(Self::BeforeDeleteEvaluation, Self::AfterDeleteEvaluation),
        }
    }

    /// Says that a pass over an object, `namespace/name`, is here. Stands still for ever when that was asked for.
    #[cfg(debug_assertions)]
    pub(super) fn reached(self, object: impl FnOnce() -> String) {
        static ASKED: std::sync::LazyLock<Option<String>> =
            std::sync::LazyLock::new(|| std::env::var(STAND_STILL_AT).ok());
        let is_here = |asked: &&String| **asked == format!("{}@{}", self.name(), object());
        if let Some(point) = ASKED.as_ref().filter(is_here) {
            tracing::warn!(point, "standing still");
            loop {
                std::thread::park();
            }
        }
    }

    /// Nothing in a release build.
    #[cfg(not(debug_assertions))]
    pub(super) fn reached(self, _object: impl FnOnce() -> String) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_small_words_with_dashes_and_differ() {
        let mut names: Vec<String> = Failpoint::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names[0], "before-announcement");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), Failpoint::ALL.len());
    }
}
