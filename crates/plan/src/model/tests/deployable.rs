//! What is trained can be deployed; a revision that cannot be renews nothing.
use super::*;
use crate::Action;
use speech_service::entity::{BaseModel, CustomModel, Status};

/// A newer base model than base model 1, of which nothing can be deployed.
fn for_batches() -> BaseModel {
    with(base_model(2, LATER), |b| b.supports_endpoints = Some(false))
}

fn undeployable(n: u128, number: u32) -> CustomModel {
    with(revision(n, number, &print_of(TRAINING), Status::Succeeded), |m| {
        m.supports_endpoints = Some(false);
        m.base_model = Some(base_id(2));
    })
}

fn pinned(base: u128) -> String {
    format!(
        "source: {{training: {{datasets: [00000000-0000-0000-0000-000000000032], baseModel: {{id: {}}}}}}}",
        id(base)
    )
}

/// The base model of the training that is ordered.
fn trains_from(mut case: Case) -> Result<u128, String> {
    match case.plan().action {
        Some(Action::Claim(Some(intent))) => {
            case.object.announce(intent);
            case.world.pass.announced = Some(intent.attempt);
        }
        _ => return Err(case.line()),
    }
    match case.plan().action {
        Some(Action::TrainModel(request)) => Ok(number(request.base_model)),
        _ => Err(case.line()),
    }
}

#[test]
fn the_newest_base_model_that_makes_deployable_models_is_trained_from_or_none() {
    let of = |world: World, spec: &str| trains_from(Case::new(world, model(spec)));
    assert_eq!(of(World::new().base(for_batches()), TRAINING), Ok(1));
    let mut only = World::new().base(for_batches());
    learn(
        &mut only.view.base_models,
        with(base_model(1, LATER), |b| b.supports_endpoints = Some(false)),
    );
    let nothing = "- | Ready=False NoBaseModel, Stalled NoBaseModel";
    assert_eq!(of(only, TRAINING), Err(nothing.to_owned()));
    assert_eq!(
        of(World::new().base(for_batches()), &pinned(2)),
        Ok(2),
        "for batch transcription"
    );
    let followed =
        Case::new(World::new().base(for_batches()), model(&pinned(2))).with(|c| c.related.follower = Some("hotline"));
    let told = "- | Ready=False ModelNotDeployable, Stalled ModelNotDeployable";
    assert_eq!(trains_from(followed), Err(told.to_owned()));
}

#[test]
fn a_revision_that_cannot_be_deployed_renews_nothing() {
    let first = with(revision(20, 1, &print_of(TRAINING), Status::Succeeded), |m| {
        m.expires_at = Some(at("2026-04-01T00:00:00Z"));
    });
    let world = |base: BaseModel| {
        World::new()
            .base(base)
            .custom(first.clone())
            .custom(undeployable(21, 2))
    };
    // The service took back what its base model promised.
    let case = Case::declared(world(base_model(2, LATER)), TRAINING);
    let status = case.plan().status;
    assert_eq!(status.current.unwrap().revision, Some(1));
    assert_eq!(status.history[0].revision, 2);
    assert_eq!(
        case.line(),
        "- | Ready=True Synced, AtRisk=True ModelNotDeployable",
        "the same base model is not bought again"
    );
    let newer = world(base_model(2, LATER)).base(base_model(3, LATER));
    assert_eq!(trains_from(Case::declared(newer, TRAINING)), Ok(3));
    let asked = Case::declared(world(base_model(2, LATER)), TRAINING)
        .with(|c| c.object.annotate(speech_api::annotation::TRAIN_REVISION, "3"));
    assert_eq!(trains_from(asked), Ok(2), "a person asks for it");
}

#[test]
fn where_nothing_can_be_deployed_the_newest_is_current_and_says_so() {
    let case = Case::declared(
        World::new().base(base_model(2, LATER)).custom(undeployable(21, 1)),
        TRAINING,
    );
    let status = case.plan().status;
    assert_eq!(status.current.unwrap().revision, Some(1));
    let ready = speech_api::condition::find(&status.conditions, "Ready").unwrap();
    assert!(
        ready.message.ends_with("cannot be deployed to endpoints"),
        "{}",
        ready.message
    );
}
