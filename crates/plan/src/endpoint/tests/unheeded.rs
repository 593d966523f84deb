//! Words that nothing follows from, told while nobody needs them yet.
use super::*;
use speech_api::{
    annotation::{CLEAR_QUARANTINE, SWAP_NOW},
    condition::{UNHEEDED, find},
};

/// The reason and the message of the condition.
fn told(case: &Case) -> Option<(String, String)> {
    let plan = case.plan();
    let found = find(&plan.status.conditions, UNHEEDED)?;
    Some((found.reason.clone(), found.message.clone()))
}

fn expect(case: &Case, reason: &str, words: &str) {
    let (found, message) = told(case).unwrap();
    assert_eq!(found, reason, "{message}");
    assert!(message.contains(words), "{message}");
    let ready = case.plan().status.conditions;
    assert_eq!(
        find(&ready, "Ready").unwrap().status,
        "True",
        "what serves goes on serving"
    );
}

fn serving(spec: &str) -> Case {
    let world = World::new().remote(owned(remote(10, base_id(1)), 1)).swept(NOW);
    Case::of(world, endpoint(spec))
}

fn gated(with_dataset: Option<speech_service::entity::Dataset>) -> Case {
    let spec = format!(
        "model: {{base: {{}}}}\nswap: {{gate: {{evaluation: {{dataset: {}, maxWordErrorRate: 0.2}}}}}}",
        id(5)
    );
    let world = World::new().remote(owned(remote(10, base_id(1)), 1));
    let mut world = with_dataset.into_iter().fold(world, World::dataset);
    if world.view.datasets.get(id(5)).is_none() {
        world.view.datasets.note_gone(&speech_service::Absent::assumed(id(5)));
    }
    Case::of(world.swept(NOW), endpoint(&spec))
}

#[test]
fn a_swap_that_is_asked_for_of_another_model_than_the_candidate_is_told_and_what_is_left_of_one_is_not() {
    let asked = |n| serving("model: {base: {}}").with(|c| c.object.annotate(SWAP_NOW, &id(n).to_string()));
    expect(&asked(9), "NotTheCandidate", "there is none now");
    assert_eq!(told(&asked(1)), None, "it serves already");
    // It served once; later another came by itself, and the annotation stayed.
    let left = asked(1).with(|c| {
        c.show();
        c.object.status.as_mut().unwrap().active.as_mut().unwrap().model = id(2);
        c.world = World::new().remote(owned(remote(10, base_id(2)), 1)).swept(NOW);
    });
    assert_eq!(told(&left), None, "it was heeded");
    let nonsense = serving("model: {base: {}}").with(|c| c.object.annotate(SWAP_NOW, "newest"));
    expect(&nonsense, "NotTheCandidate", "\"newest\" is no id");
    assert_eq!(told(&serving("model: {base: {}}")), None);
}

#[test]
fn a_gate_without_its_dataset_is_told_before_there_is_a_candidate() {
    expect(&gated(None), "DatasetNotFound", "spec.swap.gate.evaluation.dataset");
    expect(&gated(Some(text(5))), "DatasetUnsuitable", "of kind Language");
    let german = with(dataset(5), |d| d.header.locale = "de-DE".into());
    expect(&gated(Some(german)), "DatasetUnsuitable", "de-DE");
    assert_eq!(told(&gated(Some(dataset(5)))), None);
}

#[test]
fn windows_that_never_open_are_told_before_there_is_a_candidate() {
    let shut = serving("model: {base: {}}\nswap: {windows: [{kind: Deny}]}");
    expect(&shut, "WindowNeverOpens", "never open");
    let open = "model: {base: {}}\nswap: {windows: [{kind: Allow, days: [Sat, Sun]}]}";
    assert_eq!(told(&serving(open)), None);
}

#[test]
fn an_endpoint_that_stays_in_a_project_which_the_spec_no_longer_names_is_told_and_one_of_others_is_not() {
    let base = "model: {base: {}}";
    let put = |spec: &str| serving(spec).with(|c| c.remote(10, |e| e.header.project = Some(id(70))));
    let named = || put(&format!("{base}\nproject: {}", id(70))).with(|c| drop(c.show()));
    assert_eq!(told(&named()), None);
    expect(&named().with(|c| c.edit(base)), "ProjectKept", &id(70).to_string());
    let out = named().with(|c| {
        c.edit(base);
        c.remote(10, |e| e.header.project = None);
    });
    assert_eq!(told(&out), None);
    assert_eq!(told(&put(base)), None, "somebody else put it there");
}

#[test]
fn a_selector_of_labels_that_cannot_be_is_named() {
    let case = serving("model: {base: {}}").with(|c| c.edit("model: {selector: {matchLabels: {\"a b!\": c}}}"));
    let (reason, message) = told(&case).unwrap();
    assert_eq!(reason, "SelectorInvalid");
    assert!(message.contains("spec.model.selector.matchLabels"), "{message}");
}

#[test]
fn a_dataset_that_no_list_shows_is_awaited_and_not_told() {
    let case = gated(None).with(|c| c.world.view.datasets = World::new().view.datasets);
    assert_eq!(told(&case), None);
    assert_eq!(case.plan().awaits, Some(crate::List::Datasets));
}

#[test]
fn a_request_to_clear_the_quarantine_that_names_no_model_is_told() {
    let asked = |value: &str| serving("model: {base: {}}").with(|c| c.object.annotate(CLEAR_QUARANTINE, value));
    expect(&asked("newest"), "AnnotationInvalid", "\"newest\" is no id");
    for value in ["all", "ALL ", &id(3).to_string(), &format!("{}, {}", id(3), id(4)), ""] {
        assert_eq!(told(&asked(value)), None, "{value:?}");
    }
}
