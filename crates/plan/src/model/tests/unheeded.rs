//! Words that nothing follows from.
use super::*;
use speech_api::{
    annotation::TRAIN_REVISION,
    condition::{UNHEEDED, find},
};
use speech_service::entity::Status;

/// The reason and the message of the condition.
fn told(case: &Case) -> Option<(String, String)> {
    let plan = case.plan();
    let found = find(&plan.status.conditions, UNHEEDED)?;
    Some((found.reason.clone(), found.message.clone()))
}

/// A revision that is in project 70, or in none.
fn in_project(spec: &str, project: Option<speech_service::EntityId>) -> Case {
    let trained = with(revision(20, 1, &print_of(spec), Status::Succeeded), |m| {
        m.header.project = project
    });
    Case::declared(World::new().custom(trained), spec)
}

#[test]
fn a_model_that_stays_in_a_project_which_the_spec_no_longer_names_is_told_and_one_of_others_is_not() {
    let with_project = format!("{TRAINING}\nproject: {}", id(70));
    let named = || in_project(&with_project, Some(id(70)));
    assert_eq!(told(&named()), None);
    let removed = named().with(|c| c.object.spec.project = None);
    let (reason, message) = told(&removed).unwrap();
    assert_eq!(reason, "ProjectKept");
    assert!(message.contains(&id(70).to_string()), "{message}");
    let of_others = in_project(TRAINING, Some(id(70)));
    assert_eq!(told(&of_others), None, "somebody else put it there");
}

#[test]
fn a_request_for_a_training_that_nothing_follows_from_says_what_to_write() {
    let asked = |spec: &str, number: &str| {
        let trained = revision(20, 1, &print_of(TRAINING), Status::Succeeded);
        Case::declared(World::new().custom(trained), spec).with(|c| c.object.annotate(TRAIN_REVISION, number))
    };
    for (number, words) in [
        ("next", "\"next\" is no number; write 2"),
        ("7", "revision 7 does not come next; write 2"),
    ] {
        let (reason, message) = told(&asked(TRAINING, number)).unwrap();
        assert_eq!(reason, "AnnotationInvalid");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(told(&asked(TRAINING, "1")), None, "that number was used");
    let (_, message) = told(&asked("source: {base: {}}", "1")).unwrap();
    assert!(message.contains("nothing is trained here"), "{message}");
}
