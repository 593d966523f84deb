//! What of a trained model somebody else changes again each time it is put back.
use super::*;
use crate::{Action, Notice, drift::MOST_PER_HOUR};
use jiff::SignedDuration;
use speech_api::{Reason, condition};
use speech_service::entity::{CustomModel, Status};

/// A spec that declares all that can be put back.
fn declared() -> String {
    format!("{TRAINING}\ndescription: calls\nproject: {}", id(7))
}

/// Revision 1 as declared.
fn ours() -> CustomModel {
    with(revision(20, 1, &print_of(&declared()), Status::Succeeded), |m| {
        m.header.description = "calls".into();
        m.header.project = Some(id(7));
    })
}

/// What somebody else changes.
type Change = fn(&mut CustomModel);

fn count(notices: &[Notice], reason: Reason) -> usize {
    notices.iter().filter(|notice| notice.reason == reason).count()
}

#[test]
fn what_is_changed_each_time_is_put_back_ever_more_rarely_and_told_once() {
    let changes: [(&str, Change); 3] = [
        ("displayName", |m| m.header.display_name = "theirs".into()),
        ("description", |m| m.header.description = "theirs".into()),
        ("project", |m| m.header.project = Some(id(8))),
    ];
    for (field, theirs) in changes {
        let mut case = Case::declared(World::new().custom(ours()), &declared());
        let (mut corrected, mut told) = (0, 0);
        // For an hour they change it as soon as it is as declared.
        for _ in 0..12 * 60 {
            case.world.now += SignedDuration::from_secs(5);
            learn(&mut case.world.view.models, with(ours(), theirs));
            let plan = case.plan();
            if plan.action.is_some() {
                // The request is accepted, and what follows is written with the count.
                corrected += count(&plan.notices, Reason::DriftCorrected);
                case.world.view.models.answered(ours());
                case.world.pass.asked = plan.action.as_ref().map(Action::operation);
                case.world.pass.corrected = plan.corrects;
            }
            told += count(&case.show().notices, Reason::DriftRepeated);
            (case.world.pass.asked, case.world.pass.corrected) = (None, None);
        }
        assert!((5..=MOST_PER_HOUR).contains(&corrected), "{field}: {corrected}");
        assert_eq!(told, 1, "{field}");
        assert_eq!(
            case.line(),
            "- | Ready=True Synced, Reconciling DriftRepeated, Contested=True DriftRepeated",
            "{field}"
        );
        let conditions = case.plan().status.conditions;
        let contested = condition::find(&conditions, condition::CONTESTED).unwrap();
        let words =
            format!("{field} of the newest revision was changed by somebody else and put back {corrected} times");
        assert!(contested.message.starts_with(&words), "{}", contested.message);
        // The other one ends: what stays is forgotten after a while.
        learn(&mut case.world.view.models, ours());
        assert_eq!(
            case.line(),
            "- | Ready=True Synced, Contested=True DriftRepeated",
            "{field}"
        );
        let again = case.show().look_again.unwrap();
        case.world.now = again;
        assert_eq!(case.line(), "- | Ready=True Synced", "{field}");
    }
}
