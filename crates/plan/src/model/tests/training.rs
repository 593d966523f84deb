//! Revisions: trained when the spec changes, kept while used, discarded beyond the limit.
use super::*;
use crate::{Action, FailureClass};
use speech_service::{
    Absent,
    entity::{CustomModel, Status},
};

const JUST_NOW: &str = "2026-03-01T09:59:30Z";
const OTHER: &str = "source: {training: {datasets: [00000000-0000-0000-0000-000000000033]}}";

fn trained(n: u128, number: u32, status: Status) -> CustomModel {
    revision(n, number, &print_of(TRAINING), status)
}

fn announced(when: &str) -> Case {
    Case::new(World::new(), model(TRAINING).announces(1, when))
}

/// Revision 1 (model 20) is current.
fn current() -> Case {
    Case::declared(World::new().custom(trained(20, 1, Status::Succeeded)), TRAINING)
}

/// Good revisions 1 to `count` of the present spec (models 20, 21, ...), and a limit.
fn line_of(count: u32, limit: i32) -> Case {
    let models = (1..=count).map(|number| trained(19 + u128::from(number), number, Status::Succeeded));
    let world = models.fold(World::new(), World::custom);
    Case::declared(world, &format!("{TRAINING}\nrevisionHistoryLimit: {limit}"))
}

#[test]
fn a_training_is_announced_then_sent_then_watched() {
    let training = "Ready=False Training, Reconciling Training";
    let with = |model: CustomModel| announced(JUST_NOW).with(|c| c.world = World::new().custom(model));
    check(vec![
        (
            "nothing yet",
            Case::new(World::new(), model(TRAINING)),
            &format!("announce 1 | {training}"),
        ),
        (
            "announced",
            announced(NOW).with(|c| c.world.pass.announced = Some(1)),
            &format!("train 1 from 1 | {training}"),
        ),
        (
            "found open",
            announced(JUST_NOW),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "open for long",
            announced(LONG_AGO),
            &format!("announce 2 | {training}"),
        ),
        (
            "accepted",
            with(trained(20, 1, Status::NotStarted)),
            &format!("- | {training}"),
        ),
        (
            "running",
            with(trained(20, 1, Status::Running)),
            &format!("- | {training}"),
        ),
        ("done", with(trained(20, 1, Status::Succeeded)), "- | Ready=True Synced"),
        (
            "failed",
            with(trained(20, 1, Status::Failed)),
            "- | Ready=False TrainingFailed, Reconciling TrainingFailed",
        ),
        (
            "done, without finalizer",
            with(trained(20, 1, Status::Succeeded)).with(|c| c.object.metadata.finalizers = None),
            "claim | Ready=True Synced, Reconciling Training",
        ),
        (
            "observed",
            Case::new(World::new(), model(&format!("{TRAINING}\nmanagementPolicy: Observe"))),
            "- | Ready=False Observed, Stalled Observed",
        ),
        (
            "suspended",
            Case::new(World::new(), model(&format!("{TRAINING}\nsuspend: true"))),
            "- | Ready=False Suspended, Stalled Suspended",
        ),
    ]);
    let failed = |class| announced(NOW).with(|c| c.world = World::new().announced(1).failed("Train", class));
    check(vec![
        (
            "refused",
            failed(FailureClass::Refused),
            "- | Ready=False Refused, Stalled Refused",
        ),
        (
            "perhaps sent",
            failed(FailureClass::Uncertain),
            "- | Ready=False AwaitingCreation, Reconciling AwaitingCreation",
        ),
        (
            "no room",
            failed(FailureClass::Quota),
            "- | Ready=False QuotaExceeded, Reconciling QuotaExceeded",
        ),
        (
            "throttled",
            failed(FailureClass::Transient {
                retry_after: Some(minutes(1)),
            }),
            "- | Ready=False Retrying, Reconciling Retrying",
        ),
    ]);
}

#[test]
fn the_base_model_to_train_from_must_still_be_open_for_training() {
    let pinned = |n: u128| {
        let text = format!(
            "source: {{training: {{datasets: [{}], baseModel: {{id: {}}}}}}}",
            id(50),
            id(n)
        );
        Case::new(World::new(), model(&text).announces(1, NOW)).with(|c| c.world.pass.announced = Some(1))
    };
    let newest = |change: fn(&mut speech_service::entity::BaseModel)| {
        announced(NOW).with(|c| {
            c.world.pass.announced = Some(1);
            learn(&mut c.world.view.base_models, with(base_model(2, LATER), change));
        })
    };
    let from = |n: u128| format!("train 1 from {n} | Ready=False Training, Reconciling Training");
    check(vec![
        ("newest", newest(|_| ()), &from(2)),
        (
            "newest is closed",
            newest(|m| m.adaptation_until = Some(at(NOW))),
            &from(1),
        ),
        (
            "newest is closed for ever",
            newest(|m| m.supports_adaptations_with = Box::default()),
            &from(1),
        ),
        ("pinned", pinned(1), &from(1)),
        (
            "pinned, closed",
            pinned(1).with(|c| {
                c.object.metadata.annotations = None;
                c.world.now = at("2026-12-31T00:00:00Z");
            }),
            "- | Ready=False BaseModelNotTrainable, Stalled BaseModelNotTrainable",
        ),
        (
            "pinned, missing",
            pinned(9).with(|c| c.object.metadata.annotations = None),
            "- | Ready=False BaseModelNotFound, Stalled BaseModelNotFound",
        ),
        (
            "none",
            Case::new(World::new().now("2026-12-31T00:00:00Z"), model(TRAINING)),
            "- | Ready=False NoBaseModel, Stalled NoBaseModel",
        ),
        (
            "a project, and no projects",
            current().with(|c| {
                c.world.has_projects = false;
                c.object.spec.project = Some(id(7).to_string());
            }),
            "- | Ready=True Synced, FieldsRefused=True SpecInvalid",
        ),
    ]);
}

#[test]
fn only_other_inputs_make_another_revision() {
    let working = "Ready=True Synced, Reconciling Training";
    let edited = |spec: &str| current().with(|c| c.edit(spec));
    let reversed =
        "source: {training: {datasets: [00000000-0000-0000-0000-000000000032, 00000000-0000-0000-0000-000000000032]}}";
    check(vec![
        ("other datasets", edited(OTHER), &format!("announce 2 | {working}")),
        (
            "a weight",
            edited(
                "source: {training: {datasets: [00000000-0000-0000-0000-000000000032], customModelWeightPercent: 30}}",
            ),
            &format!("announce 2 | {working}"),
        ),
        ("the same, spelled otherwise", edited(reversed), "- | Ready=True Synced"),
        (
            "a newer base model",
            current().with(|c| learn(&mut c.world.view.base_models, base_model(2, LATER))),
            "- | Ready=True Synced",
        ),
        (
            "another project",
            edited(&format!("{TRAINING}\nproject: {}", id(7))),
            "update 20 | Ready=True Synced, Reconciling Updating",
        ),
        (
            "another project, where there are none",
            edited(&format!("{TRAINING}\nproject: {}", id(7))).with(|c| c.world.has_projects = false),
            "- | Ready=True Synced, FieldsRefused=True SpecInvalid",
        ),
        (
            "another name",
            edited(&format!("{TRAINING}\ndisplayName: other")),
            "update 20 | Ready=True Synced, Reconciling Updating",
        ),
        (
            "other datasets, suspended",
            edited(&format!("{OTHER}\nsuspend: true")),
            "- | Ready=False Suspended, Stalled Suspended",
        ),
    ]);
    assert_eq!(
        print_of(TRAINING),
        "4caf37ce83885119b90fe10fa3d468c1",
        "it stands in marks on remote models"
    );
}

#[test]
fn a_newer_revision_is_candidate_until_it_is_good() {
    let mut case = current().with(|c| c.edit(OTHER));
    case.object.announce(speech_api::annotation::CreationIntent {
        attempt: 2,
        at: at(NOW),
        ..Default::default()
    });
    case.world.pass.announced = Some(2);
    let Some(Action::TrainModel(request)) = case.plan().action else {
        panic!("no training: {}", case.line());
    };
    assert_eq!((request.owner.revision, request.owner.attempt), (Some(2), 2));
    assert_eq!(request.owner.inputs, Some(print_of(OTHER)));
    case.world.pass.announced = None;
    learn(
        &mut case.world.view.models,
        revision(21, 2, &print_of(OTHER), Status::Running),
    );
    assert_eq!(case.line(), "- | Ready=True Synced, Reconciling Training");
    let status = case.show().status;
    assert_eq!(status.current.unwrap().revision, Some(1));
    assert_eq!(status.candidate.unwrap().state, "Running");
    learn(
        &mut case.world.view.models,
        revision(21, 2, &print_of(OTHER), Status::Succeeded),
    );
    let plan = case.show();
    assert_eq!(plan.status.current.unwrap().revision, Some(2));
    assert_eq!(
        (plan.status.candidate, plan.status.history.len(), plan.notices.len()),
        (None, 1, 1)
    );
}

#[test]
fn renaming_keeps_the_current_revision_current() {
    let mut case = line_of(2, 2).with(|c| c.edit(&format!("{TRAINING}\ndisplayName: other")));
    assert_eq!(case.line(), "update 21 | Ready=True Synced, Reconciling Updating");
    case.world.view.models.touch(id(21));
    assert_eq!(
        case.line(),
        "- | Ready=True Synced, Reconciling Updating",
        "one request at a time"
    );
    assert_eq!(case.plan().status.current.unwrap().revision, Some(2));
    case.world
        .view
        .models
        .answered(with(trained(21, 2, Status::Succeeded), |m| {
            m.header.display_name = "other".into()
        }));
    assert_eq!(case.plan().status.current.unwrap().revision, Some(2));
    assert_eq!(case.line(), "- | Ready=True Synced");
}

#[test]
fn revisions_beyond_the_limit_go_unless_somebody_uses_them() {
    let moving = |e: speech_service::entity::Endpoint| in_state(e, Status::Running);
    let deletes = |n: u128| format!("delete {n} | Ready=True Synced, Reconciling Updating");
    check(vec![
        ("within the limit", line_of(3, 2), "- | Ready=True Synced"),
        ("beyond", line_of(4, 2), &deletes(20)),
        ("no history", line_of(2, 0), &deletes(20)),
        (
            "the oldest is used",
            line_of(4, 2).with(|c| learn(&mut c.world.view.endpoints, remote(10, custom_id(20)))),
            "- | Ready=True Synced",
        ),
        (
            "two beyond, the oldest is used",
            line_of(4, 1).with(|c| learn(&mut c.world.view.endpoints, remote(10, custom_id(20)))),
            &deletes(21),
        ),
        (
            "an endpoint may be on its way from it",
            line_of(2, 0).with(|c| learn(&mut c.world.view.endpoints, moving(remote(10, custom_id(21))))),
            "- | Ready=True Synced",
        ),
        (
            "suspended",
            line_of(4, 0).with(|c| c.object.spec.suspend = true),
            "- | Ready=True Synced",
        ),
        (
            "a twin that nobody uses",
            current().with(|c| learn(&mut c.world.view.models, twin())),
            &deletes(30),
        ),
        (
            "one that bears our uid and the name of another object",
            current().with(|c| {
                let other = with(twin(), |m| {
                    let tag = std::sync::Arc::make_mut(m.header.owner.as_mut().unwrap());
                    tag.object = "team/other".into();
                });
                learn(&mut c.world.view.models, other);
            }),
            "- | Ready=True Synced",
        ),
        (
            "a twin in use",
            current().with(|c| {
                learn(&mut c.world.view.models, twin());
                learn(&mut c.world.view.endpoints, remote(10, custom_id(30)));
            }),
            "- | Ready=True Synced",
        ),
    ]);
}

#[test]
fn a_deletion_that_fails_is_tried_ever_more_rarely_though_all_is_as_declared() {
    let with_twin = current().with(|c| learn(&mut c.world.view.models, twin()));
    for mut case in [line_of(2, 0), with_twin] {
        for wait in [5, 10, 20, 40] {
            assert!(
                step(case.plan().action.as_ref()).starts_with("delete"),
                "{}",
                case.line()
            );
            case.world.pass.failure = Some(crate::Failure {
                operation: "Delete",
                code: "Code".into(),
                message: "words".into(),
                class: FailureClass::Transient { retry_after: None },
            });
            case.show();
            case.world.pass.failure = None;
            let again = case.world.now + jiff::SignedDuration::from_secs(wait);
            let plan = case.plan();
            assert_eq!(
                (step(plan.action.as_ref()).as_str(), plan.look_again),
                ("-", Some(again))
            );
            case.show();
            case.world.now = again;
        }
    }
}

/// Revision 1 once more, from an attempt that was thought lost.
fn twin() -> CustomModel {
    with(trained(30, 1, Status::Succeeded), |m| m.header.created_at = at(NOW))
}

#[test]
fn failed_trainings_are_repeated_ever_more_rarely_whatever_history_is_kept() {
    let mut case = Case::declared(
        World::new().custom(trained(20, 1, Status::Failed)),
        &format!("{TRAINING}\nrevisionHistoryLimit: 0"),
    );
    for (number, wait) in [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160)] {
        let plan = case.plan();
        let again = case.world.now + minutes(wait);
        assert_eq!(
            plan.look_again.filter(|_| plan.action.is_none()),
            Some(again),
            "failure {number}"
        );
        assert!(plan.notices.iter().all(|notice| notice.warning));
        case.show();
        case.world.now = again;
        assert!(
            step(case.plan().action.as_ref()).starts_with("announce"),
            "{}",
            case.line()
        );
        case.world.view.models.removed(&Absent::assumed(id(19 + number)));
        let next = u32::try_from(number).unwrap() + 1;
        let failed = with(trained(20 + number, next, Status::Failed), |m| {
            m.header.last_action_at = again
        });
        learn(&mut case.world.view.models, failed);
        case.world.sweep();
    }
    assert_eq!(crate::retry::work_delay(100), minutes(24 * 60));
    case.object.annotate(speech_api::annotation::RECONCILE_REQUESTED, "now");
    assert!(
        step(case.plan().action.as_ref()).starts_with("announce"),
        "asked for by hand"
    );
}

#[test]
fn numbers_are_never_used_twice() {
    let mut case = line_of(3, 0);
    case.world = World::new().announced(9);
    case.object = case.object.clone().announces(9, NOW);
    assert_eq!(step(case.plan().action.as_ref()), "train 4 from 1", "{}", case.line());
}

#[test]
fn a_name_that_the_service_ignores_is_asked_for_ever_more_rarely() {
    let mut case = current().with(|c| c.edit(&format!("{TRAINING}\ndisplayName: other")));
    let mut asked = Vec::new();
    for second in 0..40 {
        case.world.now = at(NOW) + jiff::SignedDuration::from_secs(second);
        if case.show().action.is_some() {
            asked.push(second);
            case.world.view.models.answered(trained(20, 1, Status::Succeeded));
            case.world.pass.asked = Some("Update displayName");
            case.show();
            case.world.pass.asked = None;
        }
        learn(&mut case.world.view.models, trained(20, 1, Status::Succeeded));
    }
    assert_eq!(asked, [0, 6, 17, 38]);
    assert_eq!(case.plan().status.current.unwrap().revision, Some(1));
}

#[test]
fn an_accepted_change_is_known_by_its_field_and_not_by_words() {
    let accepted = |case: &Case| case.plan().status.accepted_change;
    let mut case = current().with(|c| c.edit(&format!("{TRAINING}\ndisplayName: other")));
    case.world.view.models.answered(trained(20, 1, Status::Succeeded));
    case.world.pass.asked = Some("Update displayName");
    assert_eq!(case.show().status.accepted_change.as_deref(), Some("displayName"));
    case.world.pass.asked = None;
    let told = &mut case.object.status.as_mut().unwrap().conditions;
    told.iter_mut().for_each(|told| told.message = "in other words".into());
    assert_eq!(
        accepted(&case).as_deref(),
        Some("displayName"),
        "no read has shown it yet"
    );
    learn(&mut case.world.view.models, trained(20, 1, Status::Succeeded));
    let status = case.plan().status;
    assert_eq!(status.side_failures[0].code, "NotApplied");
    assert_eq!(status.accepted_change, None);
    case.edit(&format!("{TRAINING}\ndisplayName: another"));
    assert!(
        case.plan().status.side_failures.is_empty(),
        "what was accepted was of another spec"
    );
}

#[test]
fn a_current_revision_is_discarded_only_after_the_written_status_names_the_next() {
    let mut case = Case::declared(
        World::new().custom(trained(20, 1, Status::Succeeded)),
        &format!("{TRAINING}\nrevisionHistoryLimit: 0"),
    );
    learn(&mut case.world.view.models, trained(21, 2, Status::Succeeded));
    assert_eq!(case.line(), "- | Ready=True Synced, Reconciling Updating");
    let plan = case.show();
    assert_eq!(
        (plan.status.current.unwrap().revision, plan.look_again),
        (Some(2), Some(at(NOW) + jiff::SignedDuration::from_secs(1)))
    );
    assert!(case.line().starts_with("delete 20"), "{}", case.line());
}
