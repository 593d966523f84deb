//! Which rule decides, and what each rule saw.
use super::*;
use speech_api::decision::{Fact, Saw};

/// What each rule saw, in the order in which they are asked; the one that decided has a star.
fn saw(plan: &Plan) -> String {
    let decision = &plan.status.decision;
    let told = |rule: RuleName| {
        let star = if decision.rule == Some(rule) { "*" } else { "" };
        Some(format!("{}={}{star}", rule.as_str(), decision.saw(rule)?.as_str()))
    };
    chain().into_iter().filter_map(told).collect::<Vec<_>>().join(" ")
}

fn blocked(cause: Cause) -> Contact {
    Contact::Blocked(Obstacle {
        cause,
        message: "words".into(),
    })
}

#[test]
fn the_rule_that_decides_is_told_and_the_others_only_with_a_fact() {
    for (contact, expected) in [
        (Contact::Pending, "Deletion=Wanted Spec=Usable Contact=Connecting*"),
        (
            Contact::Established(COUNTS),
            "Deletion=Wanted Spec=Usable Contact=Answers Credential=Accepted Resource=Same Settled=Connected*",
        ),
        (blocked(Cause::EndpointInvalid), "Deletion=Wanted Spec=EndpointInvalid*"),
        (blocked(Cause::HostNotAllowed), "Deletion=Wanted Spec=HostNotAllowed*"),
        // Whether the resource answers is not known without a key.
        (
            blocked(Cause::SecretNotFound),
            "Deletion=Wanted Spec=Usable Credential=SecretNotFound*",
        ),
        (
            blocked(Cause::SecretKeyInvalid),
            "Deletion=Wanted Spec=Usable Credential=SecretKeyInvalid*",
        ),
        (blocked(Cause::SpecInvalid), "Deletion=Wanted Spec=SpecInvalid*"),
        (
            blocked(Cause::AuthorityNotAllowed),
            "Deletion=Wanted Spec=AuthorityNotAllowed*",
        ),
        (
            blocked(Cause::IdentityNotAllowed),
            "Deletion=Wanted Spec=Usable Credential=IdentityNotAllowed*",
        ),
        // Without a token the resource was not asked.
        (
            broken(Reason::TokenRefused, false),
            "Deletion=Wanted Spec=Usable Credential=TokenRefused*",
        ),
        (
            broken(Reason::AuthorityUnavailable, true),
            "Deletion=Wanted Spec=Usable Credential=AuthorityUnavailable*",
        ),
        (
            broken(Reason::Unreachable, true),
            "Deletion=Wanted Spec=Usable Contact=Unreachable*",
        ),
        (
            broken(Reason::ServiceUnavailable, true),
            "Deletion=Wanted Spec=Usable Contact=ServiceUnavailable*",
        ),
        (
            broken(Reason::CredentialInvalid, false),
            "Deletion=Wanted Spec=Usable Contact=Answers Credential=CredentialInvalid*",
        ),
        (
            broken(Reason::PermissionDenied, false),
            "Deletion=Wanted Spec=Usable Contact=Answers Credential=PermissionDenied*",
        ),
        (
            broken(Reason::DifferentResource, false),
            "Deletion=Wanted Spec=Usable Contact=Answers Credential=Accepted Resource=DifferentResource*",
        ),
    ] {
        assert_eq!(saw(&plan_of(&connection(""), &contact, 1)), expected, "{contact:?}");
    }
}

#[test]
fn a_deletion_decides_only_while_somebody_needs_the_connection() {
    let object = connection(&format!("{HELD}{DELETED}"));
    let contact = Contact::Established(COUNTS);
    assert_eq!(saw(&plan_of(&object, &contact, 2)), "Deletion=ConnectionInUse*");
    assert_eq!(
        saw(&plan_of(&object, &contact, 0)),
        "Spec=Usable Contact=Answers Credential=Accepted Resource=Same Settled=Connected*"
    );
}

#[test]
fn a_resource_that_is_not_recognised_yet_is_looked_at_and_is_not_told_to_be_the_same() {
    let object = connection("");
    let contact = Contact::Established(COUNTS);
    let recognised = |recognised| {
        let plan = plan(&Snapshot {
            recognised,
            ..seen(&object, &contact)
        });
        (plan.looks_now, plan.status.decision.saw(RuleName::Resource))
    };
    assert_eq!(recognised(true), (false, Some(Saw::Fact(Fact::Same))));
    assert_eq!(recognised(false), (true, None));
}

#[test]
fn a_new_request_for_a_look_is_granted_once() {
    let mut object = connection(", annotations: {customspeech.dev/reconcile-requested-at: now}");
    let contact = Contact::Established(COUNTS);
    let first = plan_of(&object, &contact, 0);
    assert!(first.looks_now);
    object.status = Some(first.status);
    assert!(!plan_of(&object, &contact, 0).looks_now);
}

#[test]
fn a_connection_at_rest_has_a_status_that_does_not_change() {
    let mut object = connection(HELD);
    for contact in [
        Contact::Established(COUNTS),
        broken(Reason::Unreachable, true),
        blocked(Cause::SecretNotFound),
    ] {
        let first = plan_of(&object, &contact, 1).status;
        object.status = Some(first.clone());
        let later = plan(&Snapshot {
            now: at("2026-03-02T10:00:00Z"),
            dependents: needed_by(1),
            ..seen(&object, &contact)
        });
        assert_eq!(later.status, first, "{contact:?}");
        assert!(later.notices.is_empty(), "{contact:?}");
    }
}

#[test]
fn a_process_that_only_observes_keeps_no_connection_and_deletes_nothing() {
    let object = connection("");
    let contact = Contact::Established(COUNTS);
    let plan = plan(&Snapshot {
        dependents: needed_by(1),
        unneeded: Unneeded {
            id: Some(crate::testing::id(30)),
            look_again: None,
        },
        hands: Hands::Tied,
        ..seen(&object, &contact)
    });
    assert_eq!((plan.step, plan.collect), (None, None));
    assert!(said(&plan.status.conditions).contains("ObserveOnly"));
}

#[test]
fn the_chain_asks_each_rule_once_and_ends_with_the_one_that_always_decides() {
    let chain = chain();
    let mut names = chain.clone();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), chain.len());
    assert_eq!(chain.last(), Some(&RuleName::Settled));
}
