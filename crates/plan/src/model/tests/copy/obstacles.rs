//! What stands in the way of a copy: at the source, between the objects, in what the services refuse.
use super::*;

#[test]
fn what_stands_in_the_way_of_a_copy_is_told_and_what_is_current_stays() {
    let stalled = |reason: &str| format!("- | Ready=False {reason}, Stalled {reason}");
    let working = |reason: &str| format!("- | Ready=True Synced, Reconciling {reason}");
    let case = |change: fn(&mut Found)| {
        let case = new(World::new().custom(copied(20, 1, 4))).from(change);
        case.with(|c| c.object = c.object.clone().announces(1, LONG_AGO))
    };
    let source = |change: fn(&mut CustomModel)| {
        let mut case = case(|_| ());
        let change = |f: &mut Found| f.models = vec![Arc::new(with(original(5), change))];
        case.related.source = Some(Source::Found(Box::new(with(found(5), change))));
        case
    };
    let object = |change: fn(&mut SpeechModel)| {
        let mut case = case(|_| ());
        let change = |f: &mut Found| f.object = Some(Arc::new(with(origin(5), change)));
        case.related.source = Some(Source::Found(Box::new(with(found(5), change))));
        case
    };
    let refused = |class| {
        let mut case = case(|_| ());
        case.object.announce(CreationIntent {
            attempt: 2,
            at: at(NOW),
            copy_of: Some(id(5)),
            ..CreationIntent::default()
        });
        case.world.pass.announced = Some(2);
        case.world = std::mem::replace(&mut case.world, World::new()).failed("Copy", class);
        case
    };
    let cases = vec![
        (
            "no such SpeechModel",
            case(|_| ()).with(|c| c.related.source = Some(Source::NotFound("west/origin".into()))),
            stalled("ModelNotFound"),
        ),
        (
            "a cycle",
            case(|_| ()).with(|c| c.related.source = Some(Source::Cycle("a copies b copies a".into()))),
            stalled("CopyCycle"),
        ),
        (
            "no connection",
            case(|f| f.state = SourceState::NotFound),
            stalled("ConnectionNotFound"),
        ),
        (
            "not allowed",
            case(|f| f.state = SourceState::NotAllowed),
            stalled("NamespaceNotAllowed"),
        ),
        (
            "the same resource",
            case(|f| f.is_own_resource = true),
            stalled("SameResource"),
        ),
        (
            "no ARM id",
            case(|f| f.resource_id = None),
            stalled("ResourceIdMissing"),
        ),
        (
            "the connection does not work",
            case(|f| f.state = SourceState::NotReady("no".into())),
            working("ConnectionNotReady"),
        ),
        (
            "another object first",
            case(|f| f.rival = Some("team/b".into())),
            working("AwaitingCreation"),
        ),
        (
            "no current revision",
            object(|m| m.status = None),
            working("ModelNotReady"),
        ),
        (
            "another locale",
            object(|m| m.spec.locale = "de-DE".into()),
            stalled("LocaleMismatch"),
        ),
        (
            "a base model",
            object(|m| {
                m.status.as_mut().unwrap().current.as_mut().unwrap().self_uri =
                    format!("https://w.example/models/base/{}", id(5))
            }),
            stalled("ModelNotCopyable"),
        ),
        (
            "gone at the source",
            case(|f| f.models.clear()),
            stalled("ModelNotFound"),
        ),
        (
            "of another locale at the source",
            source(|m| m.header.locale = "de-DE".into()),
            stalled("LocaleMismatch"),
        ),
        (
            "failed at the source",
            source(|m| m.header.status = Status::Failed),
            stalled("ModelFailed"),
        ),
        (
            "running at the source",
            source(|m| m.header.status = Status::Running),
            working("ModelNotReady"),
        ),
        (
            "expired at the source",
            source(|m| m.expires_at = Some(at(NOW))),
            stalled("ModelExpired"),
        ),
        (
            "not for endpoints",
            source(|m| m.supports_endpoints = Some(false)),
            "announce 2 | Ready=True Synced, Reconciling Copying".into(),
        ),
        ("refused", refused(FailureClass::Refused), stalled("CopyRefused")),
        (
            "failed",
            refused(FailureClass::Transient { retry_after: None }),
            working("CopyFailed"),
        ),
        ("no room", refused(FailureClass::Quota), working("QuotaExceeded")),
        (
            "nothing found",
            case(|_| ()).with(|c| c.related.source = None),
            stalled("SpecInvalid"),
        ),
    ];
    for (name, case, expected) in cases {
        assert_eq!(case.line(), expected, "{name}: {:#?}", case.plan().status.conditions);
        assert_eq!(case.plan().status.current.unwrap().id, id(20), "{name}");
    }
}

#[test]
fn a_refusal_is_asked_again_ever_more_rarely() {
    let mut case = announced(World::new().announced(1).failed("Copy", FailureClass::Refused), NOW);
    for wait in [5, 10, 600, 1200] {
        let plan = case.show();
        assert_eq!(
            plan.look_again,
            Some(case.world.now + jiff::SignedDuration::from_secs(wait))
        );
        case.world.now = plan.look_again.unwrap();
        case.world.pass.failure = None;
        case.world.pass.announced = None;
        let Some(Action::Claim(Some(intent))) = case.plan().action else {
            panic!("{}", case.line())
        };
        case.object.announce(intent);
        case.world.pass.announced = Some(intent.attempt);
        case.world = std::mem::replace(&mut case.world, World::new()).failed("Copy", FailureClass::Refused);
    }
}

#[test]
fn copies_in_a_circle_are_found_whatever_their_number() {
    let links = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, of)| {
                let spec = match *of {
                    "" => TRAINING.to_owned(),
                    of => format!("source: {{copy: {{modelRef: {{name: {of}}}}}}}"),
                };
                Arc::new(with(model(&spec), |m| m.metadata.name = Some((*name).into())))
            })
            .collect::<Vec<_>>()
    };
    let cycle = |pairs: &[(&str, &str)]| {
        let all = links(pairs);
        let get = |namespace: &str, name: &str| {
            let same = |m: &&Arc<SpeechModel>| {
                m.metadata.name.as_deref() == Some(name) && m.metadata.namespace.as_deref() == Some(namespace)
            };
            all.iter().find(same).cloned()
        };
        find_cycle(&all[0], get)
    };
    assert_eq!(cycle(&[("a", "b"), ("b", "c"), ("c", "")]), None);
    assert_eq!(cycle(&[("a", "b")]), None, "it does not exist yet");
    assert_eq!(cycle(&[("a", "a")]).unwrap(), "team/a copies team/a");
    assert_eq!(
        cycle(&[("a", "b"), ("b", "c"), ("c", "a")]).unwrap(),
        "team/a copies team/b copies team/c copies team/a"
    );
    assert_eq!(
        cycle(&[("a", "b"), ("b", "c"), ("c", "b")]).unwrap(),
        "team/a copies team/b copies team/c copies team/b",
        "a circle that it only leads to"
    );
}
