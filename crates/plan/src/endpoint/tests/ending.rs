//! What is at risk whatever the dates are: what an endpoint rests on is taken away, or nothing serves at all.
use super::{rollout::newer, *};
use crate::testing::Meta;

/// What AtRisk says, if it is true.
fn risk(case: &Case) -> String {
    let status = case.plan().status;
    let told = speech_api::condition::at_risk(&status.conditions);
    told.map_or("-".to_owned(), |told| format!("{}: {}", told.reason, told.message))
}

/// Serves the current revision of SpeechModel m.
fn following() -> Case {
    newer("").with(|c| {
        c.related.model = Some(model_with_current(3));
        c.show();
    })
}

#[test]
fn a_connection_that_is_being_deleted_is_a_risk_for_whoever_uses_it() {
    let mut case = Case::serving();
    assert_eq!(risk(&case), "-");
    case.world.agenda.ends_since = Some(at(NOW));
    let told = risk(&case);
    assert!(
        told.starts_with("ConnectionInUse: the active model expires on 2027-01-15 00:00 UTC; SpeechConnection"),
        "{told}"
    );
    assert!(told.contains("is being deleted since 2026-03-01 10:00 UTC"), "{told}");
    case.show();
    assert_eq!(risk(&case), told, "told once, and in the same words");
    case.world.link = Link::NotReady {
        seen: true,
        usable: false,
    };
    case.show();
    assert_eq!(risk(&case), told, "and while nothing can be seen");
}

#[test]
fn a_speech_model_that_is_being_deleted_is_a_risk_for_whoever_follows_it() {
    let mut case = following();
    assert_eq!(risk(&case), "-");
    case.related.model = case.related.model.map(|model| model.deleted(NOW));
    let told = risk(&case);
    assert!(
        told.starts_with("ModelEnds: the active model expires on 2026-04-15"),
        "{told}"
    );
    assert!(
        told.contains("SpeechModel claims is being deleted since 2026-03-01 10:00 UTC"),
        "{told}"
    );
    // Late in the life of the model the same is the reason that nothing follows.
    case.show();
    case.world.now = at("2026-04-14T12:00:00Z");
    assert!(risk(&case).starts_with("ModelEnds: "), "{}", risk(&case));
    // Whoever selects another one as well is not at risk.
    case.world.now = at(NOW);
    case.edit("model: {selector: {matchLabels: {team: claims}}}");
    case.related.others = vec![with(model_with_current(4), |m| m.metadata.name = Some("n".into()))];
    assert_eq!(risk(&case), "-");
    case.related.others = case
        .related
        .others
        .into_iter()
        .map(|model| model.deleted(NOW))
        .collect();
    let told = risk(&case);
    assert!(
        told.contains("SpeechModel claims is being") && told.contains("SpeechModel n is being"),
        "{told}"
    );
}

#[test]
fn a_speech_model_that_is_gone_for_more_than_a_moment_is_a_risk() {
    let mut case = following().with(|c| c.related.model = None);
    let plan = case.show();
    assert_eq!(risk(&case), "-", "it may be applied anew");
    let lasts = at("2026-03-01T10:05:00Z");
    assert_eq!(plan.look_again, Some(lasts));
    case.world.now = lasts;
    let told = risk(&case);
    assert!(
        told.contains("ModelEnds: ") && told.contains("SpeechModel m does not exist"),
        "{told}"
    );
}

#[test]
fn an_endpoint_that_is_not_made_anew_for_long_is_a_risk_until_one_serves() {
    let mut case = Case::serving().with(|c| c.edit("model: {base: {}}\nrecreate: WhenDeleted"));
    let last = at(NOW).to_string();
    let tally = serde_json::json!({"made": 3, "lastAt": last, "generation": 2});
    case.object.status.as_mut().unwrap().creations = serde_json::from_value(tally).unwrap();
    let there = case.world.view.endpoints.clone();
    case.world.view.endpoints = World::new().view.endpoints;
    let plan = case.show();
    assert!(case.line().contains("Reconciling RecreationDelayed"), "{}", case.line());
    assert_eq!(risk(&case), "-");
    let lasts = at("2026-03-01T10:05:00Z");
    assert_eq!(plan.look_again, Some(lasts), "before the next request is due");
    case.world.now = lasts;
    let told = risk(&case);
    assert!(
        told.starts_with("RecreationDelayed: nothing has served since 2026-03-01 10:00 UTC"),
        "{told}"
    );
    case.show();
    // The next one is there, but does not serve yet.
    case.world.view.endpoints = there;
    case.remote(10, |one| one.header.status = speech_service::entity::Status::Running);
    assert!(
        risk(&case).starts_with("Deploying: nothing has served since"),
        "{}",
        risk(&case)
    );
    case.show();
    case.remote(10, |one| one.header.status = speech_service::entity::Status::Succeeded);
    assert_eq!(risk(&case), "-");
}

#[test]
fn an_endpoint_that_somebody_deleted_is_a_risk_as_long_as_nobody_acts() {
    let mut case = Case::serving().with(|c| {
        c.world.view.endpoints = World::new().view.endpoints;
        c.show();
    });
    assert_eq!(risk(&case), "-");
    case.world.now = at("2026-03-01T10:05:00Z");
    assert!(
        risk(&case).starts_with("RemoteDeleted: nothing has served since"),
        "{}",
        risk(&case)
    );
}
