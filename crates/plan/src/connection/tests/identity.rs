//! By what a connection proves who it is, and what it may not use.
use super::*;
use crate::connection::{
    identity::{Lending, Proof, SecretEntry, SecretVersion},
    link::{Current, LinkSource, LookUp, change, look_up},
};
use speech_api::reference::SecretKeyRef;
use speech_service::App;

const CLIENT: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const TENANT: &str = "11111111-2222-4333-8444-555555555555";
const PUBLIC: &str = "https://x.cognitiveservices.azure.com";

fn with(auth: &str) -> SpeechConnection {
    let auth = auth
        .replace("IDS", &format!("clientId: {CLIENT}, tenantId: {TENANT}"))
        .replace("CLIENT", CLIENT);
    let mut object = connection("");
    object.spec.auth = serde_saphyr::from_str(&format!("{{{auth}}}")).unwrap();
    object
}

fn app(authority: &str) -> App {
    App {
        tenant: TENANT.parse().unwrap(),
        client: CLIENT.parse().unwrap(),
        authority: authority.parse().unwrap(),
    }
}

fn secret() -> SecretVersion {
    SecretVersion {
        uid: "secret".into(),
        resource_version: "7".into(),
    }
}

fn code() -> SecretKeyRef {
    SecretKeyRef {
        name: "app".into(),
        key: "code".into(),
    }
}

/// An operator that lends all it has to the namespace of [`connection`].
fn generous() -> Lending {
    Lending {
        namespaces: ["team".to_owned()].into(),
        has_own_token: true,
        authorities: vec!["https://127.0.0.1:8443".parse().unwrap()],
    }
}

fn found(auth: &str, endpoint: &str, lending: &Lending) -> Result<LookUp, Obstacle> {
    look_up(&with(auth), endpoint, Some(secret()), lending, None::<&Current<'_, ()>>)
}

fn proof(auth: &str, endpoint: &str) -> Proof {
    match found(auth, endpoint, &generous()).unwrap() {
        LookUp::Make(source) => source.proof,
        LookUp::Keep => panic!("there was no client"),
    }
}

#[test]
fn each_way_is_read_and_a_secret_only_where_one_is_named() {
    let public = || app("https://login.microsoftonline.com");
    let entry = SecretEntry {
        reference: code(),
        version: secret(),
    };
    for (auth, expected) in [
        ("workloadIdentity: {IDS}", Proof::OwnToken(public())),
        (
            "workloadIdentity: {IDS, serviceAccountRef: {name: speech}}",
            Proof::ServiceAccount(public(), "speech".into()),
        ),
        ("managedIdentity: {}", Proof::Managed(None)),
        (
            "managedIdentity: {clientId: CLIENT}",
            Proof::Managed(Some(CLIENT.parse().unwrap())),
        ),
        (
            "clientSecretRef: {IDS, name: app, key: code}",
            Proof::ClientSecret(public(), entry.clone()),
        ),
    ] {
        assert_eq!(proof(auth, PUBLIC), expected, "{auth}");
    }
}

#[test]
fn the_authority_is_that_of_the_cloud_or_one_that_is_allowed() {
    for (endpoint, more, expected) in [
        (PUBLIC, "", "https://login.microsoftonline.com"),
        (
            "https://x.cognitiveservices.azure.us",
            "",
            "https://login.microsoftonline.us",
        ),
        (
            "https://x.cognitiveservices.azure.cn",
            "",
            "https://login.chinacloudapi.cn",
        ),
        ("http://localhost:8080/x", "", "https://login.microsoftonline.com"),
        (
            PUBLIC,
            ", authorityHost: 'https://login.microsoftonline.us/'",
            "https://login.microsoftonline.us",
        ),
        (
            PUBLIC,
            ", authorityHost: 'https://127.0.0.1:8443'",
            "https://127.0.0.1:8443",
        ),
    ] {
        let auth = format!("workloadIdentity: {{IDS{more}}}");
        assert_eq!(
            proof(&auth, endpoint),
            Proof::OwnToken(app(expected)),
            "{endpoint}{more}"
        );
    }
}

#[test]
fn what_a_connection_may_not_use_is_told_and_nothing_is_lent() {
    let stingy = Lending::default();
    let elsewhere = Lending {
        namespaces: ["other".to_owned()].into(),
        ..generous()
    };
    let without_token = Lending {
        has_own_token: false,
        ..generous()
    };
    for (auth, lending, cause, words) in [
        (
            "workloadIdentity: {IDS}",
            &elsewhere,
            Cause::IdentityNotAllowed,
            "connections of namespace team may not use the operator's own identity",
        ),
        (
            "managedIdentity: {}",
            &elsewhere,
            Cause::IdentityNotAllowed,
            "--identity-namespaces",
        ),
        (
            "workloadIdentity: {IDS}",
            &without_token,
            Cause::IdentityNotAllowed,
            "AZURE_FEDERATED_TOKEN_FILE",
        ),
        (
            "clientSecretRef: {IDS, name: app, authorityHost: 'https://127.0.0.1:8443'}",
            &stingy,
            Cause::AuthorityNotAllowed,
            "--allowed-authorities",
        ),
        (
            "workloadIdentity: {IDS, serviceAccountRef: {name: a}, authorityHost: 'https://evil.example'}",
            &generous(),
            Cause::AuthorityNotAllowed,
            "https://evil.example is not an authority of Azure",
        ),
        (
            "clientSecretRef: {IDS, name: app, authorityHost: 'http://login.microsoftonline.com'}",
            &generous(),
            Cause::AuthorityNotAllowed,
            "an authority is written as",
        ),
        (
            "managedIdentity: {clientId: me}",
            &generous(),
            Cause::SpecInvalid,
            "clientId is not a UUID",
        ),
    ] {
        let told = found(auth, PUBLIC, lending).unwrap_err();
        assert_eq!(told.cause, cause, "{auth}");
        assert!(told.message.contains(words), "{}", told.message);
    }
    // What belongs to the namespace itself needs nothing of the operator.
    for auth in [
        "workloadIdentity: {IDS, serviceAccountRef: {name: speech}}",
        "clientSecretRef: {IDS, name: app}",
    ] {
        assert!(found(auth, PUBLIC, &stingy).is_ok(), "{auth}");
    }
}

#[test]
fn a_new_client_secret_leads_to_the_same_resource_and_another_identity_may_not() {
    let source = |client: &str, version: &str| LinkSource {
        endpoint: PUBLIC.into(),
        version: speech_service::ApiVersion::V2025_10_15,
        proof: Proof::ClientSecret(
            App {
                client: client.parse().unwrap(),
                ..app("https://login.microsoftonline.com")
            },
            SecretEntry {
                version: SecretVersion {
                    resource_version: version.into(),
                    ..secret()
                },
                reference: code(),
            },
        ),
    };
    let before = source(CLIENT, "7");
    let current = Current {
        client: &"the client",
        made_from: &before,
        retired: None,
        is_trusted: true,
    };
    let known = before.reaches();
    for (to, is_trusted) in [(source(CLIENT, "8"), true), (source(TENANT, "7"), false)] {
        let contact = Contact::Established(COUNTS);
        let change = change(&to, Some(&current), false, Some(&known), &contact);
        assert_eq!(change.is_trusted, is_trusted, "{to:?}");
    }
    assert_eq!(known.secret, format!("entra/{TENANT}/{CLIENT}"));
}
