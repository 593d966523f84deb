use super::*;
use speech_api::SpeechEndpoint;
use speech_plan::testing::{at, base_id, custom_id, custom_model, id, owned, remote, with};
use speech_service::entity::Endpoint;

fn place(namespace: &str, manage: bool) -> Place {
    Place {
        namespace: namespace.to_owned(),
        connection_namespace: "shop".to_owned(),
        connection: "west".to_owned(),
        manage,
    }
}

fn estate() -> Estate {
    let mut estate = Estate::default();
    let mut add = |endpoint: Endpoint| drop(estate.endpoints.insert(endpoint.header.id, endpoint));
    add(with(remote(10, custom_id(3)), |one| {
        one.header.display_name = "Hotline (north)".into();
        one.header.description = "made in\nthe portal".into();
        one.header.project = Some(id(40));
    }));
    add(with(remote(11, base_id(1)), |one| {
        one.header.display_name = "hotline north".into()
    }));
    add(with(remote(12, base_id(1)), |one| {
        one.header.display_name = "letters".into()
    }));
    let model = with(custom_model(3, "2027-01-15T00:00:00Z"), |one| {
        one.header.display_name = "\u{3a9}".into();
        one.base_model = Some(base_id(1));
        one.datasets = Box::new([id(50)]);
        one.header.created_at = at("2026-01-01T00:00:00Z");
    });
    estate.models.insert(model.header.id, model);
    estate
}

#[test]
fn an_estate_becomes_manifests_that_a_person_reads_in_a_review() {
    let import = import(&estate(), &Objects::default(), &place("shop", false));
    assert!(import.left_out.is_empty(), "{:?}", import.left_out);
    let text = stream(&import).unwrap();
    insta::assert_snapshot!(text);
    assert!(crate::DOCUMENT.contains(&text));
}

#[test]
fn what_is_written_is_what_the_types_read_and_the_same_twice() {
    let of = |place: &Place| import(&estate(), &Objects::default(), place);
    let import = of(&place("other", true));
    for manifest in &import.manifests {
        assert_eq!(manifest.object["spec"]["connectionRef"]["namespace"], "shop");
        let text = manifest.yaml().unwrap();
        if manifest.file.starts_with("models/") {
            let model: SpeechModel = serde_saphyr::from_str(&text).unwrap();
            assert!(model.spec.source.existing.is_some());
        } else {
            let endpoint: SpeechEndpoint = serde_saphyr::from_str(&text).unwrap();
            assert!(endpoint.spec.adopt.is_some());
            assert_eq!(
                endpoint.spec.management_policy,
                speech_api::reference::ManagementPolicy::Full
            );
            assert_eq!(
                endpoint.spec.deletion_policy,
                speech_api::reference::DeletionPolicy::Retain
            );
        }
    }
    assert_eq!(stream(&import).unwrap(), stream(&of(&place("other", true))).unwrap());
}

#[test]
fn what_an_object_declares_already_is_left_out() {
    let mut objects = Objects::default();
    let mut endpoint = speech_plan::testing::endpoint("model: {base: {}}");
    endpoint.metadata.namespace = Some("elsewhere".to_owned());
    endpoint.spec.connection_ref.name = "west".to_owned();
    endpoint.spec.connection_ref.namespace = Some("shop".to_owned());
    endpoint.spec.adopt = Some(speech_api::reference::EntityRef { id: id(12).to_string() });
    objects.endpoints.push(endpoint.clone());
    let files = |objects: &Objects, estate: &Estate| -> Vec<String> {
        import(estate, objects, &place("shop", false))
            .manifests
            .into_iter()
            .map(|one| one.file)
            .collect()
    };
    assert!(!files(&objects, &estate()).contains(&"endpoints/letters.yaml".to_owned()));
    // What bears the mark of a living object is its own, though its status does not name it yet.
    let mut marked = estate();
    marked.endpoints.insert(id(12), owned(remote(12, base_id(1)), 1));
    let tag = marked.endpoints[&id(12)].header.owner.clone().unwrap();
    endpoint.spec.adopt = None;
    endpoint.metadata.uid = Some(tag.uid.clone());
    objects.endpoints = vec![endpoint];
    assert_eq!(files(&objects, &marked).len(), 3);
}

#[test]
fn names_are_those_of_the_portal_and_none_stands_twice() {
    assert_eq!(slug("  Hotline (north)! "), "hotline-north");
    assert_eq!(slug("\u{3a9}"), "");
    assert_eq!(slug(&"a-".repeat(60)).len(), 63);
    let header = |n: u128, name: &str| with(remote(n, base_id(1)), |one| one.header.display_name = name.into()).header;
    let headers = [
        header(1, "a"),
        header(2, "A"),
        header(3, "b"),
        header(4, "c"),
        header(5, "\u{3a9}"),
    ];
    let found = names(headers.iter(), ["c".to_owned()].into_iter());
    let names: Vec<&str> = found.values().map(String::as_str).collect();
    let id = |n: u128| id(n).to_string();
    let (one, two, four, five) = (id(1), id(2), id(4), id(5));
    assert_eq!(
        names,
        [
            &format!("a-{one}"),
            &format!("a-{two}"),
            "b",
            &format!("c-{four}"),
            &format!("unnamed-{five}")
        ]
    );
    let far = |n: u128| EntityId::from_uuid(uuid::Uuid::from_u128(n << 96));
    let apart = [1, 2].map(|n| with(header(n, "a"), |header| header.id = far(n)));
    let found = super::names(apart.iter(), std::iter::empty());
    assert_eq!(found.values().collect::<Vec<_>>(), ["a-00000001", "a-00000002"]);
}
