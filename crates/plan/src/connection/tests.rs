use super::*;
use crate::testing::{NOW, assert_lawful, at, said};
use jiff::SignedDuration;
use speech_api::{
    Reason, condition,
    connection::{AllowedNamespaces, ApiVersionName},
};
use std::{collections::BTreeMap, sync::LazyLock};

mod decision;
mod identity;
mod kept;
mod link;

fn connection(metadata: &str) -> SpeechConnection {
    let text = format!(
        "apiVersion: customspeech.dev/v1alpha1\nkind: SpeechConnection\nmetadata: {{name: west, namespace: team, generation: 1{metadata}}}\nspec: {{endpoint: 'https://x.example', auth: {{keySecretRef: {{name: key}}}}}}\n"
    );
    serde_saphyr::from_str(&text).unwrap()
}

const HELD: &str = ", finalizers: [customspeech.dev/remote-entity]";
const DELETED: &str = ", deletionTimestamp: '2026-03-01T09:50:00Z'";
const DELETED_LONG_AGO: &str = ", deletionTimestamp: '2026-03-01T09:45:00Z'";
const COUNTS: Counts = Counts {
    endpoints: 1,
    models: 2,
    base_models: 3,
};

fn broken(reason: Reason, transient: bool) -> Contact {
    Contact::Broken {
        reason,
        message: "words".into(),
        transient,
        counts: Some(COUNTS),
    }
}

fn needed_by(count: usize) -> Dependents {
    Dependents {
        count,
        ..Dependents::default()
    }
}

static NO_DURATIONS: LazyLock<Durations> = LazyLock::new(Durations::default);
static ALONE: LazyLock<Sharing> = LazyLock::new(Sharing::default);

/// A connection by itself that nobody needs.
fn seen<'a>(object: &'a SpeechConnection, contact: &'a Contact) -> Snapshot<'a> {
    Snapshot {
        object,
        contact,
        recognised: true,
        dependents: needed_by(0),
        last_key_until: None,
        durations: &NO_DURATIONS,
        skew: Skew::default(),
        throttled: false,
        sharing: &ALONE,
        unneeded: Unneeded::default(),
        collect_from: None,
        held: None,
        resource: None,
        hands: Hands::Free,
        now: at(NOW),
    }
}

fn plan_of(object: &SpeechConnection, contact: &Contact, dependents: usize) -> Plan {
    plan_for(object, contact, needed_by(dependents))
}

fn plan_for(object: &SpeechConnection, contact: &Contact, dependents: Dependents) -> Plan {
    let plan = plan(&Snapshot {
        dependents,
        ..seen(object, contact)
    });
    let before = object.status.as_ref().map_or(&[][..], |status| &status.conditions);
    assert_lawful(before, &plan.status.conditions, 1, plan.status.observed_generation);
    plan
}

#[test]
fn a_connection_says_what_came_of_the_last_contact() {
    for (name, contact, expected) in [
        (
            "first look",
            Contact::Pending,
            "Ready=False Connecting, Reconciling Connecting",
        ),
        ("good", Contact::Established(COUNTS), "Ready=True Connected"),
        (
            "bad key",
            broken(Reason::CredentialInvalid, false),
            "Ready=False CredentialInvalid, Stalled CredentialInvalid",
        ),
        (
            "slow down",
            broken(Reason::Throttled, true),
            "Ready=False Throttled, Reconciling Throttled",
        ),
    ] {
        assert_eq!(
            said(&plan_of(&connection(""), &contact, 0).status.conditions),
            expected,
            "{name}"
        );
    }
    let status = plan_of(&connection(""), &broken(Reason::Throttled, true), 0).status;
    assert_eq!(
        (status.endpoints, status.models, status.base_models),
        (Some(1), Some(2), Some(3))
    );
    assert_eq!(plan_of(&connection(""), &Contact::Pending, 0).status.models, None);
}

#[test]
fn a_restart_of_the_operator_is_no_news() {
    let mut object = connection("");
    object.status = Some(plan_of(&object, &Contact::Established(COUNTS), 0).status);
    assert_eq!(
        plan_of(&object, &Contact::Pending, 0).status,
        object.status.clone().unwrap()
    );
    object.status = Some(plan_of(&object, &broken(Reason::Unreachable, true), 0).status);
    assert_eq!(
        plan_of(&object, &Contact::Pending, 0).status,
        object.status.clone().unwrap()
    );
}

#[test]
fn a_connection_is_kept_while_it_is_needed() {
    let both = format!("{HELD}{DELETED}");
    let long_ago = format!("{HELD}{DELETED_LONG_AGO}");
    for (name, metadata, dependents, step) in [
        ("needed", "", 1, Some(Step::Hold)),
        ("needed and held", HELD, 1, None),
        ("not needed", "", 0, None),
        ("needed no more", HELD, 0, None),
        ("deleted, needed", &both, 2, None),
        (
            "deleted a quarter of an hour ago, needed",
            &long_ago,
            2,
            Some(Step::Release),
        ),
        ("deleted, not needed", &both, 0, Some(Step::Release)),
        ("deleted, never held", DELETED, 2, None),
    ] {
        let object = connection(metadata);
        assert_eq!(
            plan_of(&object, &Contact::Established(COUNTS), dependents).step,
            step,
            "{name}"
        );
    }
    let kept = plan_of(&connection(&both), &Contact::Established(COUNTS), 2);
    assert_eq!(kept.look_again, Some("2026-03-01T10:05:00Z".parse().unwrap()));
    assert_eq!(
        said(&kept.status.conditions),
        "Ready=False ConnectionInUse, Reconciling ConnectionInUse"
    );
}

#[test]
fn namespaces_are_let_in_as_declared() {
    let labels = |text: &str| -> BTreeMap<String, String> { serde_saphyr::from_str(text).unwrap() };
    let blue = labels("{team: blue}");
    let red = labels("{team: red}");
    let selector = |text: &str| format!("{{from: Selector, selector: {text}}}");
    let is_blue = selector("{matchLabels: {team: blue}}");
    let not_red = selector("{matchExpressions: [{key: team, operator: NotIn, values: [red]}]}");
    for (allowed, namespace, labels, expected) in [
        ("{from: Same}", "home", None, true),
        ("{from: Same}", "other", Some(&blue), false),
        ("{from: All}", "other", None, true),
        (is_blue.as_str(), "other", Some(&blue), true),
        (&is_blue, "other", Some(&red), false),
        (&is_blue, "other", None, false),
        (&is_blue, "home", None, true),
        (&not_red, "other", Some(&blue), true),
        (&not_red, "other", Some(&red), false),
        (&not_red, "other", None, false),
        ("{from: Selector}", "other", Some(&blue), false),
        ("{from: Selector, selector: {}}", "other", Some(&blue), true),
        (
            "{from: Selector, selector: {matchExpressions: [{key: team, operator: Near}]}}",
            "other",
            Some(&blue),
            false,
        ),
    ] {
        let rule: AllowedNamespaces = serde_saphyr::from_str(allowed).unwrap();
        assert_eq!(
            allows(&rule, "home", namespace, labels),
            expected,
            "{allowed} {namespace} {labels:?}"
        );
    }
}

#[test]
fn what_nobody_needs_is_deleted_through_a_connection_that_works() {
    let (kept, going) = (connection(HELD), connection(&format!("{HELD}{DELETED}")));
    let later = at("2026-03-01T10:05:00Z");
    let end = at("2026-03-01T10:05:00Z");
    let found = Unneeded {
        id: Some(crate::testing::id(30)),
        look_again: None,
    };
    let young = Unneeded {
        id: None,
        look_again: Some(later),
    };
    let good = Contact::Established(COUNTS);
    let bad = broken(Reason::Throttled, true);
    for (name, object, contact, unneeded, collect_from, expected) in [
        ("found", &kept, &good, found, None, (true, None, None)),
        ("out of order", &kept, &bad, found, None, (false, None, None)),
        ("too young", &kept, &good, young, None, (false, None, Some(later))),
        (
            "after a failure",
            &kept,
            &good,
            found,
            Some(later),
            (false, None, Some(later)),
        ),
        (
            "long after a failure",
            &kept,
            &good,
            found,
            Some(at(NOW)),
            (true, None, None),
        ),
        ("at the end", &going, &good, found, None, (true, None, Some(end))),
        (
            "at the end, young",
            &going,
            &good,
            young,
            None,
            (false, Some(Step::Release), Some(end)),
        ),
        (
            "at the end, failed",
            &going,
            &good,
            found,
            Some(later),
            (false, Some(Step::Release), Some(end)),
        ),
    ] {
        let plan = plan(&Snapshot {
            dependents: needed_by(usize::from(object == &kept)),
            unneeded,
            collect_from,
            ..seen(object, contact)
        });
        assert_eq!((plan.collect.is_some(), plan.step, plan.look_again), expected, "{name}");
    }
}

#[test]
fn what_was_learned_is_written_down_and_never_forgotten() {
    use crate::lead_time::{Took, Work};
    let took = |minutes| Took {
        work: Work::Training,
        time: SignedDuration::from_mins(minutes),
    };
    let mut durations = Durations::default();
    durations.learn("en-US", took(90));
    let mut object = connection(HELD);
    let contact = Contact::Established(COUNTS);
    let mut write = |durations: &Durations| {
        let plan = plan(&Snapshot {
            dependents: needed_by(1),
            durations,
            ..seen(&object, &contact)
        });
        let shown = serde_json::to_string(&plan.status.durations).unwrap();
        object.status = Some(plan.status);
        shown
    };
    let ninety = r#"[{"locale":"en-US","training":"90m"}]"#;
    assert_eq!(write(&durations), ninety);
    assert_eq!(write(&Durations::default()), ninety, "a new operator knows nothing yet");
    durations.learn("en-US", took(120));
    assert_eq!(write(&durations), r#"[{"locale":"en-US","training":"120m"}]"#);
}

#[test]
fn clocks_that_differ_are_told_beside_ready_and_hold_back_deletions_by_age() {
    let object = connection(HELD);
    let found = Unneeded {
        id: Some(crate::testing::id(30)),
        look_again: None,
    };
    for (seconds, told, deletes) in [
        (0, "Ready=True Connected", true),
        (30, "Ready=True Connected", true),
        (31, "Ready=True Connected, ClockSkew=True ClocksDiffer", true),
        (
            -172_800,
            "Ready=True Connected, ClockSkew=True ClocksDifferWidely",
            false,
        ),
    ] {
        let plan = plan(&Snapshot {
            dependents: needed_by(1),
            skew: Skew::default().measured(SignedDuration::from_secs(seconds)),
            unneeded: found,
            ..seen(&object, &Contact::Established(COUNTS))
        });
        assert_eq!(said(&plan.status.conditions), told, "{seconds}");
        assert_eq!(plan.collect.is_some(), deletes, "{seconds}");
        assert_eq!(plan.notices.len(), 1 + usize::from(told.contains("Skew")), "{seconds}");
    }
}

#[test]
fn that_deletions_use_a_withdrawn_key_is_told_until_they_do_not() {
    let object = connection("");
    let told = |last_key_until| {
        let contact = Contact::Blocked(Obstacle {
            cause: Cause::SecretNotFound,
            message: "words".into(),
        });
        let plan = plan(&Snapshot {
            dependents: needed_by(1),
            last_key_until,
            ..seen(&object, &contact)
        });
        let ready = condition::find(&plan.status.conditions, condition::READY).unwrap();
        (ready.message.clone(), plan.look_again)
    };
    let until = at("2026-03-01T10:15:00Z");
    assert_eq!(
        told(Some(until)),
        (
            "words; pending deletions may use the previous key until 2026-03-01 10:15 UTC".to_owned(),
            Some(until)
        )
    );
    assert_eq!(told(None), ("words".to_owned(), None));
}

#[test]
fn what_works_is_told_by_what_the_connection_proves_with() {
    let told = |object: &SpeechConnection| {
        let plan = plan_of(object, &Contact::Established(COUNTS), 0);
        condition::find(&plan.status.conditions, condition::READY)
            .unwrap()
            .message
            .clone()
    };
    let mut object = connection("");
    assert!(told(&object).ends_with("accepts the key"));
    object.spec.auth = serde_saphyr::from_str("{managedIdentity: {}}").unwrap();
    assert!(told(&object).ends_with("accepts the token"));
}

#[test]
fn a_version_that_retires_is_told_once_and_a_newer_one_ends_it() {
    let mut object = connection("");
    object.spec.api_version = ApiVersionName::V3_2;
    let contact = Contact::Established(COUNTS);
    let first = plan_of(&object, &contact, 0);
    let told = |plan: &Plan| {
        plan.status
            .conditions
            .iter()
            .any(|condition| condition.type_ == "RetiringVersion")
    };
    assert!(told(&first));
    let date = first
        .status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "RetiringVersion");
    assert!(date.unwrap().message.contains("31 March 2026"));
    assert!(
        first
            .notices
            .iter()
            .any(|notice| notice.reason == Reason::VersionRetires)
    );
    object.status = Some(first.status.clone());
    let second = plan_of(&object, &contact, 0);
    assert_eq!(second.status, first.status, "no write at rest");
    assert!(second.notices.is_empty());
    object.spec.api_version = ApiVersionName::V2025_10_15;
    assert!(!told(&plan_of(&object, &contact, 0)));
}

#[test]
fn a_shared_resource_names_only_connections_of_the_same_namespace() {
    let words = |named: &[&str], elsewhere| {
        let named = named.iter().map(|name| (*name).to_owned()).collect();
        Sharing { named, elsewhere }
            .statement()
            .map(|statement| statement.message)
    };
    assert_eq!(words(&[], false), None);
    let message = words(&["east", "north"], true).unwrap();
    assert!(
        message.contains("by east, north, a connection of another namespace:"),
        "{message}"
    );
}
