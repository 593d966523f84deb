use super::*;
use crate::testing::{
    CLUSTER, LATER, Meta, NOW, UID, World, at, base_id, custom_model, endpoint, former_tag, remote, tag, with,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use speech_api::SpeechEndpoint;
use std::sync::Arc;

fn object() -> SpeechEndpoint {
    with(endpoint("model: {base: {}}"), |e| {
        e.metadata.creation_timestamp = Some(Time(at(NOW)));
    })
}

fn look<T>(object: &SpeechEndpoint, ask: impl FnOnce(&Predecessor<'_>) -> T) -> T {
    let world = World::new();
    ask(&Predecessor::of(object, "en-US", &world.around()))
}

#[test]
fn the_cluster_and_the_name_tell_a_former_life() {
    let restored = with(object(), |e| e.annotate(RESTORED_FROM, "far"));
    let other = |change: fn(&mut OwnerTag)| with(former_tag("uid-0", 3), change);
    for (name, mark, bore, bore_when_restored) in [
        ("another uid", former_tag("uid-0", 3), true, true),
        ("this very life", tag(UID, 3), false, false),
        ("another name", other(|t| t.object = "team/others".into()), false, false),
        (
            "another namespace",
            other(|t| t.object = "claims/team".into()),
            false,
            false,
        ),
        (
            "a name in which another begins",
            other(|t| t.object = "team/claims/x".into()),
            false,
            false,
        ),
        ("no name", other(|t| t.object = String::new()), false, false),
        ("another cluster", other(|t| t.cluster = "far".into()), false, true),
        ("a third cluster", other(|t| t.cluster = "farther".into()), false, false),
    ] {
        assert_eq!(look(&object(), |f| f.bore(&mark)), bore, "{name}");
        assert_eq!(look(&restored, |f| f.bore(&mark)), bore_when_restored, "{name}");
        let stays = mark.uid == UID || (bore && mark.cluster == CLUSTER);
        assert_eq!(look(&restored, |f| f.stands_for(&mark)), stays, "{name}");
    }
    let header = |locale: &str| {
        with(custom_model(1, LATER).header, |h| {
            h.locale = locale.into();
            h.owner = Some(Arc::new(former_tag("uid-0", 1)));
        })
    };
    assert!(look(&object(), |f| f.left(&header("en-US"))));
    assert!(!look(&object(), |f| f.left(&header("de-DE"))), "nothing to go on with");
}

#[test]
fn an_object_restored_into_another_cluster_asks_before_it_begins_anew() {
    let theirs = with(remote(10, base_id(1)), |e| {
        e.header.created_at = at("2026-01-01T00:00:10Z");
        e.header.owner = Some(Arc::new(with(former_tag("uid-0", 1), |t| t.cluster = "far".into())));
    });
    let asks = |object: &SpeechEndpoint| look(object, |f| f.elsewhere([&theirs.header].into_iter()));
    let told = asks(&object().announces(1, "2026-01-01T00:00:00Z")).unwrap();
    assert!(
        told.message.contains("customspeech.dev/restored-from=far"),
        "{}",
        told.message
    );
    for (name, object) in [
        ("never announced anything", object()),
        ("announced it itself", object().announces(1, NOW)),
        ("another attempt", object().announces(2, "2026-01-01T00:00:00Z")),
        ("another day", object().announces(1, "2026-01-02T00:00:00Z")),
        (
            "was told",
            with(object().announces(1, "2026-01-01T00:00:00Z"), |e| {
                e.annotate(RESTORED_FROM, "none");
            }),
        ),
    ] {
        assert!(asks(&object).is_none(), "{name}");
    }
}
