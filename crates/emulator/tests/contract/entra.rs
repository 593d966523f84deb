//! Entra ID: what gives a token, what a token opens, and the words of every refusal.
use super::harness::*;
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

const TENANT: &str = "70000000-0000-4000-8000-000000000001";
const CLIENT: &str = "70000000-0000-4000-8000-000000000002";
const SUBJECT: &str = "system:serviceaccount:claims:speech";
const AUDIENCE: &str = "api://AzureADTokenExchange";
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Signed once for these tests: by `ISSUER`, about `SUBJECT`, for `AUDIENCE`, from 2026 until 2100.
const ASSERTION: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im9uZSJ9.eyJpc3MiOiJodHRwczovL2NsdXN0ZXIudGVzdCIsInN1YiI6InN5c3RlbTpzZXJ2aWNlYWNjb3VudDpjbGFpbXM6c3BlZWNoIiwiYXVkIjpbImFwaTovL0F6dXJlQURUb2tlbkV4Y2hhbmdlIl0sIm5iZiI6MTc2NzIyNTYwMCwiZXhwIjo0MTAyNDQ0ODAwfQ.bxsNHV2i9ey2w1DwZztW07W6VYIScCYM8GQLivAxa7KytNICXAOMk8l9EOPgUH-eal6SzBvpYfPqU0Hf1Luvu8cujwmyLc8ek_M2DiNNNSbbB0NxeCPbPuL36czO517Yc7oVa6pZeTES8UqsbcC1bpsNvQyI6vBiZRXD2k5gXBTq4Otnsa9HufaKZbqbqe2Tog6ahKjRR64XXFc2G_eHgfyteumzOHbr4MyCOR9r9YtTAegTfJqvLPYI64T6PtKxO5z_teH0_Md_OpohE41fWLSBjXmYYuBwWRp-0h2OeH-HY1SePiAxZJA7GPB9OpMQVg2K8ciUyW7u2pVzNwV5SQ";
/// The same for the first hour of 2026 only.
const ENDED: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im9uZSJ9.eyJpc3MiOiJodHRwczovL2NsdXN0ZXIudGVzdCIsInN1YiI6InN5c3RlbTpzZXJ2aWNlYWNjb3VudDpjbGFpbXM6c3BlZWNoIiwiYXVkIjpbImFwaTovL0F6dXJlQURUb2tlbkV4Y2hhbmdlIl0sIm5iZiI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwfQ.d1py0qDpqgNH8ge6HdVZ-DSXYUloI6be4qb4iu3cO9V3Ms2Je-6OOOEPpbtY2tz5kka4duwcnSvvfJv-Nh4ETo8mOhBSns4Fh2LQgt3wF2nzcRkQ-yywrpR0q3AFH_m-zr18zfaLwcHQCuflNWuvXTd0YdYauAioj0sIWhuXFH1hTuvSnsNDWDUCnJUqLkWcZW3-WcqkfakbI3S3KXt253vXHW1dKghhgWZReMeLjvH2xUXMDklfAiV_tiO_I35jwBy_l9D2LSdy3p8YJrb8Vac6S98apYTn6td-hMBehZlGOjSWPvZ88yBUOtg2JU2Cl2kLovfKGGPwGdJaepKHiw";

/// An application with a secret and a federated ServiceAccount, which may do everything at `west`.
fn application() -> Value {
    json!({
        "tenantId": TENANT, "clientId": CLIENT, "secret": "right",
        "federated": [{"issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE}],
        "roles": {"west": "Contributor"},
    })
}

/// The application with something else said of it.
fn application_with(member: &str, value: Value) -> Value {
    let mut application = application();
    application[member] = value;
    application
}

async fn declare(service: &Service, application: &Value) {
    let answer = service.control("POST", "/entra/applications", Some(application)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

async fn service() -> Service {
    let service = Service::new("2025-10-15");
    declare(&service, &application()).await;
    service
}

async fn by_secret(service: &Service, secret: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret),
        ("scope", SCOPE),
    ];
    service.ask_token(TENANT, &form).await
}

async fn by_assertion(service: &Service, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_assertion", assertion),
        ("client_assertion_type", ASSERTION_TYPE),
        ("scope", SCOPE),
    ];
    service.ask_token(TENANT, &form).await
}

/// A token of the application.
async fn token(service: &Service) -> String {
    by_secret(service, "right").await.text("/access_token").to_owned()
}

/// A request to the Speech resource with a token in place of a key.
async fn with_token(service: &Service, method: &str, path: &str, body: Option<&Value>, token: &str) -> Answer {
    let mut request = service.request(method, &service.url(path), body);
    let headers = request.headers_mut();
    headers.remove("ocp-apim-subscription-key");
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    service.send(request).await
}

/// Status and code in the gateway's envelope.
fn gateway_code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text("/error/code"))
}

/// Status, `error`, number and description of a refusal of the authority.
fn refusal(answer: &Answer) -> (u16, &str, u64) {
    let number = answer.body["error_codes"][0].as_u64().unwrap();
    let start = format!("AADSTS{number}: ");
    assert!(answer.text("/error_description").starts_with(&start), "{}", answer.body);
    (answer.status, answer.text("/error"), number)
}

#[tokio::test]
async fn a_secret_and_an_assertion_give_a_token_that_opens_the_resource() {
    let service = service().await;
    for answer in [
        by_secret(&service, "right").await,
        by_assertion(&service, ASSERTION).await,
    ] {
        assert_eq!(
            (answer.status, answer.text("/token_type")),
            (200, "Bearer"),
            "{}",
            answer.body
        );
        assert_eq!(answer.body["expires_in"], 3599);
        let list = with_token(&service, "GET", "/models", None, answer.text("/access_token")).await;
        assert_eq!(list.status, 200, "{}", list.body);
    }
    let journal = service.control("GET", "/journal?resource=west", None).await;
    let entry = &journal.body["entries"][0];
    assert_eq!((&entry["client"], &entry["keyUsed"]), (&json!(CLIENT), &Value::Null));
    // The authority's own requests stand in the journal under the client, without what it proved itself by.
    let journal = service
        .control("GET", &format!("/journal?resource={CLIENT}"), None)
        .await;
    assert_eq!(journal.body["entries"][1]["operation"], "Entra_Token");
    assert!(!journal.body.to_string().contains(ASSERTION), "{}", journal.body);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_the_words_of_entra() {
    let service = service().await;
    let nobody = "70000000-0000-4000-8000-00000000000f";
    let form = |client, scope| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", "right"),
            ("scope", scope),
        ]
    };
    for (tenant, form, expected) in [
        (nobody, form(CLIENT, SCOPE), (400, "invalid_request", 90_002)),
        ("contoso.example", form(CLIENT, SCOPE), (400, "invalid_request", 90_002)),
        (TENANT, form(nobody, SCOPE), (400, "unauthorized_client", 700_016)),
        (TENANT, form("", SCOPE), (400, "invalid_request", 900_144)),
        (
            TENANT,
            form(CLIENT, "https://vault.azure.net/.default"),
            (400, "invalid_resource", 500_011),
        ),
    ] {
        let answer = service.ask_token(tenant, &form).await;
        assert_eq!(refusal(&answer), expected, "{}", answer.body);
    }
    let answer = service.ask_token(TENANT, &[("grant_type", "password")]).await;
    assert_eq!(refusal(&answer), (400, "unsupported_grant_type", 70_003));
    assert_eq!(
        refusal(&by_secret(&service, "wrong").await),
        (401, "invalid_client", 7_000_215)
    );
}

#[tokio::test]
async fn an_assertion_counts_only_with_its_issuer_subject_audience_time_and_signature() {
    let service = service().await;
    let (unsigned, signature) = ASSERTION.rsplit_once('.').unwrap();
    let other = if signature.starts_with('b') { 'c' } else { 'b' };
    let forged = format!("{unsigned}.{other}{}", &signature[1..]);
    for (assertion, number) in [("no assertion", 50_027), (ENDED, 700_024), (forged.as_str(), 50_013)] {
        let answer = by_assertion(&service, assertion).await;
        assert_eq!(refusal(&answer), (401, "invalid_client", number), "{}", answer.body);
    }
    for (issuer, subject, audience, number) in [
        ("https://other.test", SUBJECT, AUDIENCE, 700_211),
        (ISSUER, "system:serviceaccount:claims:Speech", AUDIENCE, 700_213),
        (ISSUER, SUBJECT, "api://other", 700_212),
    ] {
        let trusted = json!([{"issuer": issuer, "subject": subject, "audience": audience}]);
        declare(&service, &application_with("federated", trusted)).await;
        let answer = by_assertion(&service, ASSERTION).await;
        assert_eq!(refusal(&answer), (401, "invalid_client", number), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_role_is_needed_and_the_users_only_reads() {
    let service = service().await;
    let token = token(&service).await;
    let body =
        json!({ "displayName": "Hotline", "locale": "en-US", "model": service.reference(&format!("/models/{MODEL}")) });
    let created = with_token(&service, "POST", "/endpoints", Some(&body), &token).await;
    assert_eq!(created.status, 201, "{}", created.body);

    declare(&service, &application_with("roles", json!({"west": "User"}))).await;
    assert_eq!(
        with_token(&service, "GET", "/endpoints", None, &token).await.status,
        200
    );
    let refused = with_token(&service, "POST", "/endpoints", Some(&body), &token).await;
    assert_eq!(gateway_code(&refused), (401, "PermissionDenied"));
    assert!(
        refused
            .text("/error/message")
            .contains("lacks the required data action")
    );

    declare(&service, &application_with("roles", json!({"north": "User"}))).await;
    service.set(json!({"permissionDeniedStatus": 403})).await;
    let refused = with_token(&service, "GET", "/endpoints", None, &token).await;
    assert_eq!(gateway_code(&refused), (403, "PermissionDenied"));
}

#[tokio::test]
async fn keys_can_be_switched_off_and_tokens_need_a_custom_subdomain() {
    let service = service().await;
    let token = token(&service).await;
    service.set(json!({"disableLocalAuth": true})).await;
    assert_eq!(
        gateway_code(&service.get("/models").await),
        (403, "AuthenticationTypeDisabled")
    );
    assert_eq!(with_token(&service, "GET", "/models", None, &token).await.status, 200);

    let mut request = service.request("GET", &service.url("/models"), None);
    let headers = request.headers_mut();
    headers.insert("host", "westeurope.api.cognitive.microsoft.com:443".parse().unwrap());
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    assert_eq!(gateway_code(&service.send(request).await), (400, "BadRequest"));
    service.set(json!({"customSubdomain": false})).await;
    let refused = with_token(&service, "GET", "/models", None, &token).await;
    assert!(
        refused.text("/error/message").contains("custom subdomain"),
        "{}",
        refused.body
    );
}

#[tokio::test]
async fn a_token_ends_with_its_time_or_when_it_is_revoked() {
    let service = service().await;
    assert_eq!(
        gateway_code(&with_token(&service, "GET", "/models", None, "made-up").await),
        (401, "401")
    );
    let revoked = token(&service).await;
    let path = format!("/entra/applications/{CLIENT}/tokens");
    assert_eq!(service.control("DELETE", &path, None).await.status, 204);
    assert_eq!(with_token(&service, "GET", "/models", None, &revoked).await.status, 401);

    declare(&service, &application_with("tokenSeconds", json!(0))).await;
    let ended = token(&service).await;
    assert_eq!(with_token(&service, "GET", "/models", None, &ended).await.status, 401);
}

async fn ask_machine(service: &Service, query: &str, header: &str) -> Answer {
    let request = Request::get(format!("/metadata/identity/oauth2/token?{query}"));
    service
        .send(request.header(header, "true").body(Body::empty()).unwrap())
        .await
}

#[tokio::test]
async fn a_machine_gives_out_tokens_of_its_identities_to_whoever_knows_the_header() {
    let service = service().await;
    let common = "api-version=2019-08-01&resource=https://cognitiveservices.azure.com";
    let of_client = format!("{common}&client_id={CLIENT}");
    assert_eq!(
        ask_machine(&service, &of_client, "metadata")
            .await
            .text("/error_description"),
        "Identity not found"
    );
    declare(&service, &application_with("managedIdentity", json!("UserAssigned"))).await;
    let given = ask_machine(&service, &of_client, "Metadata").await;
    let end: i64 = given.text("/expires_on").parse().unwrap();
    assert!(end > jiff::Timestamp::now().as_second(), "{}", given.body);
    let list = with_token(&service, "GET", "/models", None, given.text("/access_token")).await;
    assert_eq!(list.status, 200, "{}", list.body);

    for (query, header) in [
        (of_client.as_str(), "x-other"),
        (common, "metadata"),
        ("api-version=2019-08-01", "metadata"),
        ("resource=x", "metadata"),
    ] {
        assert_eq!(
            ask_machine(&service, query, header).await.status,
            400,
            "{query} {header}"
        );
    }
    declare(&service, &application_with("managedIdentity", json!("SystemAssigned"))).await;
    assert_eq!(
        ask_machine(&service, common, "metadata").await.text("/client_id"),
        CLIENT
    );
}

#[tokio::test]
async fn an_authority_can_be_down_lie_and_ask_for_patience() {
    let service = service().await;
    let route = json!({"resource": CLIENT, "path": "Entra_Token"});
    for (action, status) in [
        (json!({"status": 503}), 503),
        (json!({"status": 429, "retryAfter": 7}), 429),
        (json!({"delayMs": 20}), 200),
    ] {
        service
            .fault(json!({"route": route, "action": action, "times": 1}))
            .await;
        assert_eq!(by_secret(&service, "right").await.status, status, "{action}");
    }
    assert_eq!(by_secret(&service, "right").await.status, 200);
}

#[tokio::test]
async fn the_authority_describes_itself() {
    let service = service().await;
    let found = service
        .ask_authority(&format!("/{TENANT}/v2.0/.well-known/openid-configuration"))
        .await;
    assert!(
        found
            .text("/token_endpoint")
            .ends_with(&format!("/{TENANT}/oauth2/v2.0/token"))
    );
    let unknown = service
        .ask_authority("/nobody/v2.0/.well-known/openid-configuration")
        .await;
    assert_eq!(refusal(&unknown), (400, "invalid_request", 90_002));
    assert_eq!(service.ask_authority("/common/discovery/instance").await.status, 200);
}

#[tokio::test]
async fn bad_declarations_are_refused() {
    let service = service().await;
    for application in [
        json!({"tenantId": TENANT}),
        application_with("clientId", json!("no-uuid")),
        application_with("roles", json!({"west": "Owner"})),
        application_with("colour", json!("red")),
        application_with("tokenSeconds", json!(-1)),
    ] {
        let answer = service.control("POST", "/entra/applications", Some(&application)).await;
        assert_eq!(answer.status, 400, "{application}");
    }
    let path = format!("/entra/applications/{CLIENT}");
    assert_eq!(service.control("DELETE", &path, None).await.status, 204);
    assert_eq!(service.control("DELETE", &path, None).await.status, 404);
    assert_eq!(
        service.control("DELETE", "/entra/applications/7", None).await.status,
        400
    );
}
