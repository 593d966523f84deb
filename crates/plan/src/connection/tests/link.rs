//! From spec and Secret to a client.
use super::*;
use crate::connection::{
    identity::{Lending, Proof, SecretEntry, SecretVersion},
    link::{
        Change, Current, Knowledge, LastKey, LinkSource, LookUp, NextClient, change, entry, last_key, look_up,
        no_address, no_key, not_allowed,
    },
};
use speech_api::connection::KnownResource;
use speech_service::ApiVersion;

const WEST: &str = "https://x.example";

fn version(resource_version: &str) -> SecretVersion {
    SecretVersion {
        uid: "secret".into(),
        resource_version: resource_version.into(),
    }
}

/// What the client of [`connection`] is made from, with such a state of its Secret.
fn source(secret: &str) -> LinkSource {
    LinkSource {
        endpoint: WEST.into(),
        version: ApiVersion::V2025_10_15,
        proof: Proof::Key(SecretEntry {
            reference: connection("").spec.auth.key_secret_ref.unwrap(),
            version: version(secret),
        }),
    }
}

/// A client that was made from this and is trusted.
fn in_use(made_from: &LinkSource) -> Current<'_, &'static str> {
    Current {
        client: &"the client",
        made_from,
        retired: None,
        is_trusted: true,
    }
}

fn known(source: &LinkSource) -> KnownResource {
    KnownResource {
        accepted: Some("x.example".into()),
        ..source.reaches()
    }
}

#[test]
fn the_secret_is_read_only_when_it_or_the_spec_says_something_new() {
    let object = connection("");
    let lending = Lending::default();
    let made_from = source("1");
    let retired = Current {
        retired: Some(at(NOW)),
        ..in_use(&made_from)
    };
    let read = |source| Ok(LookUp::Make(source));
    for (name, endpoint, secret, current, expected) in [
        ("nothing new", WEST, "1", Some(in_use(&made_from)), Ok(LookUp::Keep)),
        ("no client yet", WEST, "1", None, read(source("1"))),
        (
            "the Secret was written",
            WEST,
            "2",
            Some(in_use(&made_from)),
            read(source("2")),
        ),
        ("the Secret is back", WEST, "1", Some(retired), read(source("1"))),
        (
            "another address",
            "https://y.example",
            "1",
            Some(in_use(&made_from)),
            read(LinkSource {
                endpoint: "https://y.example".into(),
                ..source("1")
            }),
        ),
    ] {
        let found = look_up(&object, endpoint, Some(version(secret)), &lending, current.as_ref());
        assert_eq!(found, expected, "{name}");
    }
    let mut older = object.clone();
    older.spec.api_version = ApiVersionName::V3_2;
    let found = look_up(&older, WEST, Some(version("1")), &lending, Some(&in_use(&made_from)));
    let Ok(LookUp::Make(found)) = found else {
        panic!("another version asks for another client")
    };
    assert!(!found.is_same_place(&made_from));
}

#[test]
fn what_stands_in_the_way_of_a_client_is_told() {
    let object = connection("");
    let reference = object.spec.auth.key_secret_ref.clone().unwrap();
    let mut bare = object.clone();
    bare.spec.auth.key_secret_ref = None;
    let seen =
        |object, secret| look_up(object, WEST, secret, &Lending::default(), None::<&Current<'_, ()>>).unwrap_err();
    let read = |entries: Option<&[&str]>| {
        let entries = entries.map(|names| names.iter().map(|name| ((*name).to_owned(), 1)).collect());
        entry(&object, &reference, entries.as_ref()).unwrap_err()
    };
    let gone = "Secret key does not exist in namespace team; it is used as soon as it appears";
    let lacks =
        |has: &str| format!("Secret key has no entry \"key\"{has}; the operator uses it as soon as it is added");
    for (obstacle, reason, message) in [
        (no_address(&"no URL"), Reason::EndpointInvalid, "spec.endpoint: no URL"),
        (not_allowed(&"host x"), Reason::HostNotAllowed, "spec.endpoint: host x"),
        (
            seen(&bare, Some(version("1"))),
            Reason::SpecInvalid,
            "spec.auth needs keySecretRef, workloadIdentity, managedIdentity or clientSecretRef",
        ),
        (seen(&object, None), Reason::SecretNotFound, gone),
        (read(None), Reason::SecretNotFound, gone),
        (read(Some(&[])), Reason::SecretKeyInvalid, &lacks(" and no other")),
        (
            read(Some(&["a", "b"])),
            Reason::SecretKeyInvalid,
            &lacks(" (it has a, b)"),
        ),
        (
            read(Some(&["a", "b", "c", "d", "e", "f"])),
            Reason::SecretKeyInvalid,
            &lacks(" (it has a, b, c, d, e, ...)"),
        ),
        (
            no_key(&reference, &"the key is empty"),
            Reason::SecretKeyInvalid,
            "Secret key, key key: the key is empty",
        ),
    ] {
        assert_eq!((obstacle.cause.reason(), &*obstacle.message), (reason, message));
    }
    let has = [("key".to_owned(), 7)].into();
    assert_eq!(entry(&object, &reference, Some(&has)), Ok(&7));
}

#[test]
fn another_key_goes_into_the_client_and_another_place_has_a_new_one() {
    let (before, after) = (source("1"), source("2"));
    let elsewhere = LinkSource {
        endpoint: "https://y.example".into(),
        ..source("2")
    };
    let newer = LinkSource {
        version: ApiVersion::V2024_11_15,
        ..source("1")
    };
    let contact = Contact::Established(COUNTS);
    for (name, to, current, client) in [
        ("first", &after, None, NextClient::First),
        (
            "same place",
            &after,
            Some(in_use(&before)),
            NextClient::Rekeyed(&"the client"),
        ),
        ("another address", &elsewhere, Some(in_use(&before)), NextClient::Other),
        ("another version", &newer, Some(in_use(&before)), NextClient::Other),
    ] {
        let change = change(to, current.as_ref(), false, Some(&known(&before)), &contact);
        assert_eq!(change.client, client, "{name}");
    }
}

#[test]
fn nothing_is_changed_through_another_key_or_place_before_the_resource_is_recognised() {
    let (before, after) = (source("1"), source("2"));
    let elsewhere = LinkSource {
        endpoint: "https://y.example".into(),
        ..source("1")
    };
    let newer = LinkSource {
        version: ApiVersion::V2024_11_15,
        ..source("1")
    };
    let (trusted, doubted) = (
        in_use(&before),
        Current {
            is_trusted: false,
            ..in_use(&before)
        },
    );
    let contact = Contact::Established(COUNTS);
    let (stays, begins, moves) = (Knowledge::Stays, Knowledge::Begins, Knowledge::Moves);
    for (name, to, current, has_same_key, is_known, expected) in [
        (
            "the first one is the one that is meant",
            &before,
            None,
            false,
            false,
            (begins, true),
        ),
        ("after a restart, the same", &before, None, false, true, (stays, true)),
        (
            "after a restart, another key",
            &after,
            None,
            false,
            true,
            (stays, false),
        ),
        ("another key", &after, Some(&trusted), false, true, (stays, false)),
        (
            "the same key, written anew",
            &after,
            Some(&trusted),
            true,
            true,
            (moves, true),
        ),
        (
            "the same key, but never recognised",
            &after,
            Some(&doubted),
            true,
            true,
            (stays, false),
        ),
        (
            "back to the key that is known",
            &before,
            Some(&doubted),
            false,
            true,
            (stays, true),
        ),
        ("another place", &elsewhere, Some(&trusted), true, true, (stays, false)),
        (
            "another version of the same place",
            &newer,
            Some(&trusted),
            true,
            true,
            (stays, true),
        ),
    ] {
        let known = is_known.then(|| known(&before));
        let change = change(to, current, has_same_key, known.as_ref(), &contact);
        assert_eq!((change.knowledge, change.is_trusted), expected, "{name}");
    }
}

#[test]
fn a_client_ends_the_trouble_that_there_was_none() {
    let made_from = source("1");
    let ends = |contact: &Contact| -> bool {
        let Change { ends_trouble, .. } = change(&made_from, None::<&Current<'_, ()>>, false, None, contact);
        ends_trouble
    };
    let obstacle = no_key(connection("").spec.auth.key_secret_ref.as_ref().unwrap(), &"words");
    assert!(ends(&Contact::Blocked(obstacle)));
    assert!(ends(&broken(Reason::HostNotAllowed, false)));
    assert!(
        !ends(&broken(Reason::CredentialInvalid, false)),
        "the service has to say so"
    );
    assert!(!ends(&Contact::Established(COUNTS)));
}

#[test]
fn the_last_key_serves_deletions_for_a_quarter_of_an_hour() {
    let made_from = source("1");
    let retired = |at| Current {
        retired: at,
        ..in_use(&made_from)
    };
    let (since, until) = (at(NOW), at("2026-03-01T10:15:00Z"));
    let usable = LastKey::Usable { since, until };
    for (name, current, now, expected) in [
        ("never one", None, NOW, LastKey::None),
        ("from now on", Some(retired(None)), NOW, usable),
        ("still", Some(retired(Some(since))), "2026-03-01T10:14:59Z", usable),
        (
            "no more",
            Some(retired(Some(since))),
            "2026-03-01T10:15:00Z",
            LastKey::Over,
        ),
    ] {
        assert_eq!(last_key(current.as_ref(), at(now)), expected, "{name}");
    }
}
