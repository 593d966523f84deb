//! One pass over an object, as a machine without I/O.
//!
//! Whoever drives it looks at the world, plans by what it saw and by [`Pass::learned`], and does what [`Pass::next`] says;
//! then it reports what came of that and plans again, until the pass has nothing to do but to report. The operator awaits
//! between two steps, the simulator jumps, the model checker lets everything else happen: what is checked is what ships.
use crate::{Action, Failure, Hands, Plan, drift::Correction};
use speech_api::annotation::CreationIntent;
use speech_service::ModelId;

/// What a pass has done so far.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    hands: Hands,
    pub(crate) announced: Option<u32>,
    pub(crate) asked: Option<&'static str>,
    pub(crate) moves_to: Option<ModelId>,
    pub(crate) corrected: Option<Correction>,
    pub(crate) failure: Option<Failure>,
    creates: bool,
}

/// What a pass has learned so far; the plan goes by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Learned<'a> {
    /// The attempt to create that this very pass announced: nothing can have been sent for it yet.
    pub announced: Option<u32>,
    /// The word of the request that left in this very pass, see [`Action::operation`].
    pub asked: Option<&'static str>,
    /// The model to which that request moves an endpoint, unless the service certainly refused it.
    pub moves_to: Option<ModelId>,
    /// What that request put back, where somebody else had changed it, see [`Plan::corrects`].
    pub corrected: Option<&'a Correction>,
    /// What went wrong in this very pass.
    pub failure: Option<&'a Failure>,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Put the finalizer on and write the announcement, if there is one; then [`Pass::claimed`].
    Claim(Option<CreationIntent>),
    /// Report what the plan says, and take the finalizer off. The pass is over.
    Release,
    /// Send the request; then [`Pass::answered`].
    Request(Action, Asked),
    /// Publish what the plan says if [`Pass::publishes`], and report. The pass is over.
    Report,
}

/// A request of a pass whose answer is not known yet. A pass that drops it has sent nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Asked {
    operation: &'static str,
    moves_to: Option<ModelId>,
    corrects: Option<Correction>,
    creates: bool,
}

impl Pass {
    /// Of a process that may change the Speech service, or may not.
    pub fn begin(hands: Hands) -> Self {
        Self {
            hands,
            ..Self::default()
        }
    }

    /// What the next plan has to go by.
    pub fn learned(&self) -> Learned<'_> {
        Learned {
            announced: self.announced,
            asked: self.asked,
            moves_to: self.moves_to,
            corrected: self.corrected.as_ref(),
            failure: self.failure.as_ref(),
        }
    }

    /// What to do by a plan that was made with all that the pass has learned.
    pub fn next<S>(&self, plan: &Plan<S>) -> Step {
        match plan.action.as_ref().filter(|action| self.may_take(action)) {
            Some(Action::Claim(intent)) => Step::Claim(*intent),
            Some(Action::Release) => Step::Release,
            Some(action) => Step::Request(
                action.clone(),
                Asked {
                    operation: action.operation(),
                    moves_to: action.moves_to(),
                    corrects: plan.corrects.clone(),
                    creates: matches!(action, Action::CreateEndpoint(_) | Action::TrainModel(_)),
                },
            ),
            None => Step::Report,
        }
    }

    /// At most one remote step, none after a failure, and none that changes anything where the process only observes.
    fn may_take(&self, action: &Action) -> bool {
        // A failure may be the very reason to let an object go. A status in place of it would forget since when it waits.
        if *action == Action::Release {
            return true;
        }
        // No plan of a process that only observes names such a step; and the transport would not take it.
        let is_free = self.hands.are_free() || matches!(action, Action::FollowCopy { .. });
        is_free && self.failure.is_none() && self.asked.is_none()
    }

    /// The finalizer is on, and the announcement is written.
    pub fn claimed(&mut self, intent: Option<CreationIntent>) {
        self.announced = intent.map(|intent| intent.attempt);
    }

    /// The answer came, or it is known that none comes.
    pub fn answered(&mut self, asked: Asked, failure: Option<Failure>) {
        self.announced = None;
        self.asked = Some(asked.operation);
        let is_refused = failure.as_ref().is_some_and(Failure::had_no_effect);
        self.moves_to = asked.moves_to.filter(|_| !is_refused);
        self.corrected = asked.corrects;
        self.creates = asked.creates && failure.is_none();
        self.failure = failure;
    }

    /// What the plan says could not be published.
    pub fn not_published(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    /// Whether the export of the plan is published before the status is written. Who only observes publishes nothing: the
    /// applications of a clone must not be led to what another operator changes.
    pub fn publishes(&self) -> bool {
        self.failure.is_none() && self.hands.are_free()
    }

    /// What went wrong.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether something was made in the Speech service that no status names before this pass has reported.
    pub fn has_created(&self) -> bool {
        self.creates
    }

    /// Whether another pass follows at once, because this one took its step and the plan that it ended with has another.
    pub fn goes_on<S>(&self, plan: &Plan<S>) -> bool {
        self.asked.is_some() && self.failure.is_none() && plan.action.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureClass;
    use jiff::Timestamp;
    use speech_service::{ModelId, entity::OwnerTag, request::CreateEndpoint};

    fn plan(action: Option<Action>) -> Plan<()> {
        Plan {
            action,
            status: (),
            look_again: None,
            awaits: None,
            export: None,
            notices: Vec::new(),
            wants: None,
            took: Vec::new(),
            corrects: None,
        }
    }

    fn deletes() -> Option<Action> {
        Some(Action::DeleteEndpoint(crate::testing::id(1)))
    }

    fn follows() -> Option<Action> {
        let operation = "https://x.example/operations/1".to_owned();
        Some(Action::FollowCopy { attempt: 1, operation })
    }

    fn failure() -> Failure {
        crate::testing::failure("Delete", FailureClass::Uncertain)
    }

    /// Takes the remote step of a plan.
    fn ask(pass: &mut Pass, action: Option<Action>, failure: Option<Failure>) {
        let Step::Request(_, asked) = pass.next(&plan(action)) else {
            panic!("no request")
        };
        pass.answered(asked, failure);
    }

    #[test]
    fn an_announcement_is_known_until_its_request_is_answered() {
        let mut pass = Pass::begin(Hands::Free);
        let intent = CreationIntent {
            attempt: 3,
            at: Timestamp::UNIX_EPOCH,
            ..Default::default()
        };
        assert!(matches!(
            pass.next(&plan(Some(Action::Claim(Some(intent))))),
            Step::Claim(Some(_))
        ));
        pass.claimed(Some(intent));
        assert_eq!(pass.learned().announced, Some(3));
        // Withheld: the request was dropped, and nothing was sent.
        assert!(matches!(pass.next(&plan(deletes())), Step::Request(..)));
        assert_eq!((pass.learned().announced, pass.learned().asked), (Some(3), None));
        ask(&mut pass, deletes(), None);
        assert_eq!(pass.learned().announced, None);
    }

    #[test]
    fn a_pass_takes_one_remote_step_and_goes_on_at_once_where_there_is_another() {
        let mut pass = Pass::begin(Hands::Free);
        assert!(!pass.goes_on(&plan(deletes())), "it has not begun");
        ask(&mut pass, deletes(), None);
        assert_eq!(pass.learned().asked, Some("Delete"));
        for another in [deletes(), follows(), Some(Action::Claim(None))] {
            assert!(matches!(pass.next(&plan(another.clone())), Step::Report));
            assert!(pass.goes_on(&plan(another)));
        }
        assert!(!pass.goes_on(&plan(None)));
        assert!(matches!(pass.next(&plan(Some(Action::Release))), Step::Release));
    }

    #[test]
    fn nothing_follows_a_failure_but_the_release() {
        let mut pass = Pass::begin(Hands::Free);
        ask(&mut pass, deletes(), Some(failure()));
        assert!(matches!(pass.next(&plan(deletes())), Step::Report));
        assert!(!pass.goes_on(&plan(deletes())) && !pass.publishes());
        assert!(matches!(pass.next(&plan(Some(Action::Release))), Step::Release));
        let mut pass = Pass::begin(Hands::Free);
        assert!(pass.publishes());
        pass.not_published(failure());
        assert!(!pass.publishes() && matches!(pass.next(&plan(deletes())), Step::Report));
    }

    #[test]
    fn who_only_observes_follows_a_copy_and_lets_go_and_does_nothing_else() {
        let pass = Pass::begin(Hands::Tied);
        assert!(!pass.publishes());
        for step in [deletes(), Some(Action::Claim(None))] {
            assert!(matches!(pass.next(&plan(step)), Step::Report));
        }
        assert!(matches!(pass.next(&plan(follows())), Step::Request(..)));
        assert!(matches!(pass.next(&plan(Some(Action::Release))), Step::Release));
    }

    #[test]
    fn what_was_made_is_named_by_no_status_yet() {
        let create = || {
            let owner = OwnerTag {
                uid: "uid".into(),
                object: "shop/a".into(),
                cluster: "cluster".into(),
                attempt: 1,
                revision: None,
                inputs: None,
            };
            Some(Action::CreateEndpoint(Box::new(CreateEndpoint {
                display_name: "a".into(),
                description: None,
                locale: "en-US".into(),
                model: ModelId::Base(crate::testing::id(1)),
                project: None,
                logging_enabled: None,
                owner,
            })))
        };
        let mut pass = Pass::begin(Hands::Free);
        assert!(!pass.has_created());
        ask(&mut pass, create(), None);
        assert!(pass.has_created());
        pass.not_published(failure());
        assert!(pass.has_created(), "it is there, whatever fails after it");
        let mut pass = Pass::begin(Hands::Free);
        ask(&mut pass, create(), Some(failure()));
        assert!(!pass.has_created());
    }
}
