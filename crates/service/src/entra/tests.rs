use super::*;
use crate::{authority::Cloud, transport::InProcess};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use std::sync::{Mutex, PoisonError};

const TENANT: &str = "11111111-2222-4333-8444-555555555555";
const CLIENT: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const TOKEN: &str =
    r#"{"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "eyJtoken"}"#;

/// What a request was, and what it is answered with.
#[derive(Clone, Default)]
struct Authority {
    asked: Arc<Mutex<Vec<(String, HeaderMap, String)>>>,
}

impl Authority {
    fn tokens(&self, identity: Identity, status: u16, body: &'static str) -> EntraTokens {
        let asked = Arc::clone(&self.asked);
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, sent: Bytes| async move {
            let sent = String::from_utf8(sent.to_vec()).unwrap();
            asked.lock().unwrap().push((uri.to_string(), headers, sent));
            (StatusCode::from_u16(status).unwrap(), body).into_response() as Response
        });
        let imds = "http://127.0.0.1:9999".parse().unwrap();
        let issuers = Issuers::over(Arc::new(InProcess(router)), imds);
        EntraTokens::new(issuers, identity, Cloud::Public.scope())
    }

    fn asked(&self) -> (String, HeaderMap, String) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(asked.len(), 1, "nothing is repeated");
        asked.pop().unwrap()
    }
}

fn app() -> App {
    App {
        tenant: TENANT.parse().unwrap(),
        client: CLIENT.parse().unwrap(),
        authority: "https://login.example:8443".parse().unwrap(),
    }
}

fn by_secret() -> Identity {
    Identity::Secret(app(), ClientSecret::parse(b"the~client+secret").unwrap())
}

struct Said(Result<&'static str, TokenError>);

impl Assertions for Said {
    fn assertion(&self) -> BoxFuture<'_, Result<SecretString, TokenError>> {
        let said = self.0.clone().map(SecretString::from);
        Box::pin(std::future::ready(said))
    }
}

async fn refused(identity: Identity, status: u16, body: &'static str) -> (TokenTrouble, String) {
    let authority = Authority::default();
    let error = authority.tokens(identity, status, body).fetch().await.unwrap_err();
    authority.asked();
    (error.trouble(), error.to_string())
}

#[tokio::test]
async fn a_secret_and_an_assertion_are_sent_to_the_authority_of_the_application() {
    let assertion = Identity::Federated(app(), Arc::new(Said(Ok("the.jwt.itself"))));
    for (identity, proof) in [
        (by_secret(), "client_secret=the%7Eclient%2Bsecret"),
        (assertion, "client_assertion=the.jwt.itself"),
    ] {
        let authority = Authority::default();
        let fetched = authority.tokens(identity, 200, TOKEN).fetch().await.unwrap();
        assert_eq!(fetched.token.secret().expose(), "eyJtoken");
        assert!((3590..=3599).contains(&fetched.lives.as_secs()), "{:?}", fetched.lives);
        let (url, _, body) = authority.asked();
        assert_eq!(url, format!("https://login.example:8443/{TENANT}/oauth2/v2.0/token"));
        for part in [
            proof,
            "grant_type=client_credentials",
            "scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default",
        ] {
            assert!(body.contains(part), "{body} lacks {part}");
        }
    }
}

#[tokio::test]
async fn a_managed_identity_is_asked_for_at_the_address_of_the_metadata_service() {
    const ANSWER: &str =
        r#"{"token_type": "Bearer", "expires_on": "4102444800", "resource": "r", "access_token": "eyJtoken"}"#;
    for (client, named) in [(None, ""), (Some(CLIENT.parse().unwrap()), CLIENT)] {
        let authority = Authority::default();
        let fetched = authority.tokens(Identity::Managed(client), 200, ANSWER).fetch().await;
        assert_eq!(fetched.unwrap().token.secret().expose(), "eyJtoken");
        let (url, headers, _) = authority.asked();
        assert!(
            url.starts_with("http://127.0.0.1:9999/metadata/identity/oauth2/token?"),
            "{url}"
        );
        assert!(
            url.contains("resource=https%3A%2F%2Fcognitiveservices.azure.com"),
            "{url}"
        );
        assert_eq!(url.contains("client_id="), client.is_some());
        assert!(url.contains(named));
        assert_eq!(headers["metadata"], "true");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_authoritys_words_without_secrets_and_always_alike() {
    const WRONG: &str = r#"{"error": "invalid_client", "error_codes": [7000215], "error_description":
        "AADSTS7000215: Invalid client secret 'the~client+secret' provided for app 'x'.\r\nTrace ID: 0a1b\r\nTimestamp: 2026-03-01"}"#;
    let (trouble, words) = refused(by_secret(), 401, WRONG).await;
    assert_eq!(trouble, TokenTrouble::Refused);
    assert_eq!(
        words,
        "https://login.example:8443 refuses a token (401): AADSTS7000215: Invalid client secret '...' provided for app 'x'. \
         Put a client secret that is valid into the Secret: its value, not its id"
    );
    const NO_TRUST: &str = r#"{"error": "invalid_request", "error_description":
        "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:a:b'."}"#;
    let federated = Identity::Federated(app(), Arc::new(Said(Ok("the.jwt.itself"))));
    let (trouble, words) = refused(federated, 401, NO_TRUST).await;
    assert_eq!(trouble, TokenTrouble::Refused);
    assert!(
        words.contains("serviceaccount:a:b") && words.contains("federated credential"),
        "{words}"
    );
    const UNASSIGNED: &str = r#"{"error": "invalid_request", "error_description": "Identity not found"}"#;
    let (trouble, words) = refused(Identity::Managed(None), 400, UNASSIGNED).await;
    assert_eq!(
        (trouble, words.ends_with("(400): Identity not found")),
        (TokenTrouble::Refused, true),
        "{words}"
    );
}

#[tokio::test]
async fn what_passes_by_itself_and_what_is_no_authority_is_trouble_that_passes() {
    const BUSY: &str =
        r#"{"error": "temporarily_unavailable", "error_description": "AADSTS90033: A transient error."}"#;
    for (status, body) in [
        (429, BUSY),
        (503, ""),
        (400, BUSY),
        (403, "<html>Blocked by the proxy of the house</html>"),
        (302, ""),
        (200, "<html>Welcome</html>"),
        (
            200,
            r#"{"token_type": "Bearer", "expires_in": -5, "access_token": "eyJ"}"#,
        ),
        (200, r#"{"token_type": "Bearer", "expires_in": 50, "access_token": ""}"#),
    ] {
        let (trouble, words) = refused(by_secret(), status, body).await;
        assert_eq!(trouble, TokenTrouble::Unavailable, "{status} {body}: {words}");
        assert!(!words.contains('<') && !words.contains("secret"), "{words}");
    }
}

#[tokio::test]
async fn what_stands_in_the_way_of_an_assertion_is_told_as_it_is_and_nobody_is_asked() {
    let gone = TokenError::new(TokenTrouble::NoServiceAccount, "no ServiceAccount reader");
    let authority = Authority::default();
    let federated = Identity::Federated(app(), Arc::new(Said(Err(gone.clone()))));
    let told = authority.tokens(federated, 200, TOKEN).fetch().await.unwrap_err();
    assert_eq!(told, gone);
    assert!(authority.asked.lock().unwrap().is_empty());
}
