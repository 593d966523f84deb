//! The files of docs/gitops.md. They are applied as they stand there, but for addresses and names.
use crate::{
    harness::{ISSUER, Tenant},
    seed::TEXT,
};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

const PAGE: &str = include_str!("../../docs/gitops.md");
const CONNECTION: &str = "speech/connection.yaml";
const TENANT: &str = "9b6f2c1d-7e3a-4c58-8b21-0d4e5f6a7b02";
const CLIENT: &str = "5a0c0e4e-1f0e-4f6e-9d0c-6a3f4c1b2d01";

/// The files, by path: the blocks of YAML whose first line is a comment with a path.
pub fn files() -> BTreeMap<&'static str, &'static str> {
    let blocks = PAGE.split("```yaml\n# ").skip(1);
    let files = blocks.map(|block| {
        let (text, _) = block.split_once("```").unwrap();
        text.split_once('\n').unwrap()
    });
    files.collect()
}

/// Replaces what the text has to have.
fn replaced(text: &str, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(text.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old:?} is not in {text}");
        text.replace(old, new)
    })
}

/// Declares the identity that the page's connection has, and returns its client id.
async fn identity(tenant: &Tenant) -> String {
    let client = Uuid::new_v5(&Uuid::NAMESPACE_OID, tenant.name.as_bytes()).to_string();
    let subject = format!("system:serviceaccount:{}:speech", tenant.name);
    let trust = json!([{"issuer": ISSUER, "subject": subject, "audience": "api://AzureADTokenExchange"}]);
    let application = json!({
        "tenantId": TENANT, "clientId": client, "roles": {&*tenant.name: "Contributor"}, "federated": trust,
    });
    tenant.control.declare_application(application).await.unwrap();
    client
}

/// The team's files for a tenant, by path.
pub async fn team(tenant: &Tenant, authority: &str) -> BTreeMap<String, String> {
    let client = identity(tenant).await;
    let files = files();
    let host = format!("serviceAccountRef: {{name: speech}}\n      authorityHost: {authority}");
    let connection = replaced(
        files[CONNECTION],
        &[
            ("https://contact-center.cognitiveservices.azure.com", &tenant.url()),
            (CLIENT, &client),
            ("serviceAccountRef: {name: speech}", &host),
        ],
    );
    let claims = replaced(
        files["speech/claims.yaml"],
        &[("4c6b2f18-3d5e-4b7a-9c8d-0e1f2a3b4c04", TEXT)],
    );
    [(CONNECTION, connection), ("speech/claims.yaml", claims)]
        .map(|(path, text)| (path.to_owned(), text))
        .into()
}

/// What tells Flux about the folders, for the namespace of a team and with the objects of Flux in a namespace.
pub fn cluster(team: &str, namespace: &str, url: &str) -> String {
    replaced(
        files()["clusters/production.yaml"],
        &[
            ("https://git.example.com/speech.git", url),
            ("contact-center", team),
            ("namespace: flux-system", &format!("namespace: {namespace}")),
        ],
    )
}

/// What installs the operator. Nothing waits for its Pods: there is no node.
pub fn infrastructure(url: &str) -> String {
    replaced(
        files()["infrastructure/speech-operator.yaml"],
        &[
            ("https://git.example.com/speech-operator.git", url),
            ("createNamespace: true", "createNamespace: true, disableWait: true"),
        ],
    )
}

#[test]
fn the_page_names_reasons_that_there_are() {
    let reasons = include_str!("../../docs/reasons.md");
    let lists: Vec<&str> = PAGE.split("c.reason in [").skip(1).collect();
    assert_eq!(lists.len(), 2);
    for list in lists {
        let (list, _) = list.split_once(']').unwrap();
        for reason in list.split(", ") {
            let row = format!("| `{}` |", reason.trim_matches('\''));
            assert!(reasons.contains(&row), "{reason} is no reason");
        }
    }
}
