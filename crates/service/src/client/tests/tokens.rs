//! Requests with tokens of Entra ID.
use super::*;
use crate::{
    ErrorKind, TokenKeeper,
    token::{AccessToken, Fetched, TokenError, TokenSource, TokenTrouble},
};
use futures::future::BoxFuture;
use std::sync::atomic::AtomicUsize;

/// Gives numbered tokens, or none.
#[derive(Clone, Default)]
struct Issuer {
    given: Arc<AtomicUsize>,
    trouble: Option<TokenTrouble>,
}

impl TokenSource for Issuer {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, TokenError>> {
        let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        let token = match self.trouble {
            Some(trouble) => Err(TokenError::new(trouble, "the authority says no")),
            None => AccessToken::parse(&format!("eyJ-token-{number}")),
        };
        let lives = Duration::from_secs(3600);
        Box::pin(std::future::ready(token.map(|token| Fetched { token, lives })))
    }
}

fn client_of(script: &Script, issuer: Issuer) -> Client {
    let client = script.client(ApiVersion::V2025_10_15).patient();
    client.authenticate(TokenKeeper::new(issuer).into());
    client
}

fn sent(script: &Script) -> Vec<String> {
    let seen = script.seen();
    let token = |seen: &Seen| seen.headers["authorization"].to_str().unwrap().to_owned();
    assert!(
        seen.iter()
            .all(|seen| !seen.headers.contains_key("ocp-apim-subscription-key"))
    );
    seen.iter().map(token).collect()
}

fn unauthorized() -> Response {
    json(
        401,
        r#"{"error": {"code": "401", "message": "The token eyJ-token-1 has ended."}}"#,
    )
}

fn model() -> Response {
    json(200, example("model_get"))
}

#[tokio::test]
async fn a_token_that_was_good_and_is_refused_is_replaced_once_also_for_what_changes_something() {
    let script = Script::of([model(), unauthorized(), json(204, "")]);
    let client = client_of(&script, Issuer::default());
    client.get_custom_model(Lane::Sweep, other_id()).await.unwrap();
    client.delete_endpoint(Lane::UserChange, id()).await.unwrap();
    assert_eq!(
        sent(&script),
        ["Bearer eyJ-token-1", "Bearer eyJ-token-1", "Bearer eyJ-token-2"]
    );

    let script = Script::of([model(), unauthorized(), unauthorized()]);
    let client = client_of(&script, Issuer::default());
    client.get_custom_model(Lane::Sweep, other_id()).await.unwrap();
    let error = client.get_custom_model(Lane::Sweep, other_id()).await.unwrap_err();
    assert_eq!((error.kind(), script.seen().len()), (ErrorKind::Unauthorized, 3));
}

#[tokio::test]
async fn a_token_is_shown_by_nothing() {
    let script = Script::of([unauthorized()]);
    let client = client_of(&script, Issuer::default());
    let error = client.get_endpoint(Lane::Sweep, id()).await.unwrap_err();
    let shown = format!("{client:?} {error} {error:?} {:?}", client.inner.credential());
    assert!(!shown.contains("eyJ"), "{shown}");
    assert!(shown.contains("The token ... has ended."), "{shown}");
}

#[tokio::test]
async fn what_is_not_allowed_names_the_role_that_it_needs() {
    const DENIED: &str =
        r#"{"error": {"code": "PermissionDenied", "message": "The principal lacks the required data action."}}"#;
    for status in [401, 403] {
        let script = Script::of([json(status, DENIED), json(status, DENIED)]);
        let client = client_of(&script, Issuer::default());
        let read = client.get_endpoint(Lane::Sweep, id()).await.unwrap_err();
        let change = client.delete_endpoint(Lane::UserChange, id()).await.unwrap_err();
        assert_eq!(
            (read.kind(), change.kind()),
            (ErrorKind::Forbidden, ErrorKind::Forbidden)
        );
        assert!(
            read.to_string().contains("the role \"Cognitive Services Speech User\""),
            "{read}"
        );
        let words = change.to_string();
        assert!(
            words.contains("the role \"Cognitive Services Speech Contributor\""),
            "{words}"
        );
        let told = change.failure().unwrap().words();
        assert!(
            told.starts_with("The principal lacks") && told.contains("Contributor"),
            "{told}"
        );
        assert_eq!(sent(&script).len(), 2, "another token may no more");
    }
    // A key has no roles.
    let script = Script::of([json(403, DENIED)]);
    let error = script
        .client(ApiVersion::V2025_10_15)
        .get_endpoint(Lane::Sweep, id())
        .await;
    assert!(error.unwrap_err().to_string().contains("access by key is switched on"));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    for (trouble, kind) in [
        (TokenTrouble::Unavailable, ErrorKind::Unavailable),
        (TokenTrouble::Refused, ErrorKind::Unauthorized),
        (TokenTrouble::NoServiceAccount, ErrorKind::Unauthorized),
    ] {
        let script = Script::of([]);
        let issuer = Issuer {
            trouble: Some(trouble),
            ..Issuer::default()
        };
        let client = client_of(&script, issuer);
        let error = client.delete_endpoint(Lane::UserChange, id()).await.unwrap_err();
        assert_eq!((error.kind(), error.perhaps_sent()), (kind, false));
        assert_eq!(error.to_string(), "the authority says no");
        assert!(script.seen().is_empty());
    }
}

#[test]
fn two_connections_with_tokens_lead_to_one_resource_where_their_address_is_one() {
    let script = Script::of([]);
    let by_key = script.client(ApiVersion::V2025_10_15);
    let (one, other) = (
        client_of(&script, Issuer::default()),
        client_of(&script, Issuer::default()),
    );
    assert!(one.reaches_as(&other) && one.reaches_as(&by_key) && by_key.reaches_as(&one));
    let elsewhere = client(
        InProcess(script.router()),
        "https://x.example/east",
        ApiVersion::V2025_10_15,
    );
    assert!(!one.reaches_as(&elsewhere));
}
