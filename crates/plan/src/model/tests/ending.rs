//! What is at risk whatever the dates are: what a model rests on is taken away.
use super::{
    super::Source,
    copy::{COPY, found, origin},
    *,
};
use crate::testing::Meta;
use std::sync::Arc;

fn risk(case: &Case) -> String {
    let status = case.plan().status;
    let told = speech_api::condition::at_risk(&status.conditions);
    told.map_or("-".to_owned(), |told| format!("{}: {}", told.reason, told.message))
}

#[test]
fn a_connection_that_is_being_deleted_is_a_risk_for_whoever_uses_it_and_stays() {
    let mut case = Case::declared(World::new(), TRAINING);
    assert_eq!(risk(&case), "-");
    case.world.agenda.ends_since = Some(at(NOW));
    assert!(risk(&case).starts_with("ConnectionInUse: "), "{}", risk(&case));
    case.object = case.object.deleted(NOW);
    assert_eq!(risk(&case), "-", "it goes as well");
}

#[test]
fn a_source_that_is_being_deleted_is_a_risk_for_its_copies() {
    let mut case = Case::declared(World::new(), COPY);
    let mut source = found(5);
    case.related.source = Some(Source::Found(Box::new(source.clone())));
    assert_eq!(risk(&case), "-");
    source.object = Some(Arc::new(origin(5).deleted(NOW)));
    case.related.source = Some(Source::Found(Box::new(source)));
    assert!(
        risk(&case).starts_with("ModelEnds: SpeechModel origin is being deleted"),
        "{}",
        risk(&case)
    );
}
