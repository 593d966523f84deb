//! Entra ID: connections without a key of the Speech resource.
use crate::{
    case::Case,
    harness::{ISSUER, condition, in_time, is_ready, merged, message},
    seed,
    speech::{printed, refused},
    stack::{LENT, SOON, Stack, shared},
};
use serde_json::{Value, json};
use uuid::Uuid;

const CONNECTION: &str = "SpeechConnection";

/// An id of the test's own.
fn id(case: &Case, what: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{what}", case.name).as_bytes()).to_string()
}

fn client(case: &Case) -> String {
    id(case, "client")
}

/// Declares the test's application, with the right to change its Speech resource unless `special` says something else.
async fn declare(case: &Case, special: Value) {
    let usual =
        json!({"tenantId": id(case, "tenant"), "clientId": client(case), "roles": {&*case.name: "Contributor"}});
    case.control.declare_application(merged(usual, special)).await.unwrap();
}

/// Trust in a ServiceAccount.
fn federated(namespace: &str, account: &str) -> Value {
    let subject = format!("system:serviceaccount:{namespace}:{account}");
    json!([{"issuer": ISSUER, "subject": subject, "audience": "api://AzureADTokenExchange"}])
}

/// The test's application at the authority of the stack, for any way to prove it.
fn application(case: &Case, stack: &Stack, special: Value) -> Value {
    let usual = json!({
        "tenantId": id(case, "tenant"), "clientId": client(case), "authorityHost": stack.emulator.authority().unwrap(),
    });
    merged(usual, special)
}

fn by_account(case: &Case, stack: &Stack, account: &str) -> Value {
    json!({"workloadIdentity": application(case, stack, json!({"serviceAccountRef": {"name": account}}))})
}

fn by_secret(case: &Case, stack: &Stack) -> Value {
    json!({"clientSecretRef": application(case, stack, json!({"name": "entra", "key": "secret"}))})
}

/// Applies the Secret `entra`, and a connection that proves itself by it.
async fn connect_by_secret(case: &Case, stack: &Stack, secret: &str) {
    case.secret_named("entra", "secret", secret).await;
    case.connection(json!({"auth": by_secret(case, stack), "pollInterval": "5s"}))
        .await;
}

async fn account(case: &Case, name: &str) {
    case.apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}))
        .await;
}

/// Lets the operator request tokens in the test's namespace, as a tenant does.
async fn may_request_tokens(case: &Case) {
    case.apply(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "speech-operator-tokens"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "speech-operator-tokens"},
        "subjects": [{"kind": "ServiceAccount", "name": "speech-operator", "namespace": "speech-system"}],
    }))
    .await;
}

/// The same for one ServiceAccount, which need not exist.
async fn may_request_tokens_of(case: &Case, name: &str) {
    let group = "rbac.authorization.k8s.io";
    case.apply(json!({
        "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": {"name": "speech-tokens"},
        "rules": [{"apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": [name], "verbs": ["create"]}],
    }))
    .await;
    case.apply(json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": {"name": "speech-tokens"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "speech-tokens"},
        "subjects": [{"kind": "ServiceAccount", "name": "speech-operator", "namespace": "speech-system"}],
    }))
    .await;
}

/// Has the operator look again, where it would wait longer after each refusal.
async fn ask_again(case: &Case, kind: &str, name: &str) {
    let word = Uuid::new_v4().to_string();
    case.annotate(kind, name, "reconcile-requested-at", word.into()).await;
}

/// The statuses that the test's application got from the authority or the metadata service so far.
async fn token_requests(case: &Case) -> Vec<u64> {
    let journal = case.control.journal(Some(&client(case)), 0).await.unwrap();
    let entries = journal["entries"].as_array().unwrap();
    entries.iter().filter_map(|entry| entry["status"].as_u64()).collect()
}

/// Fails unless every accepted request to the Speech resource came from the test's application.
async fn only_tokens_were_used(case: &Case) {
    let journal = case.journal().await;
    assert!(!journal.is_empty());
    for entry in journal {
        assert_eq!(entry["client"], client(case).as_str(), "{entry:#}");
    }
}

#[test]
fn a_service_account_of_the_tenant_opens_the_resource_without_any_secret() {
    shared("entra-account", async |case, stack| {
        declare(case, json!({"federated": federated("entra-account", "speech")})).await;
        case.connection(json!({"auth": by_account(case, stack, "speech"), "pollInterval": "5s"}))
            .await;
        let denied = case.reason(CONNECTION, "speech", "TokenRequestDenied").await;
        assert!(
            message(&denied, "Ready").contains("speech-operator-tokens"),
            "{denied:#}"
        );
        may_request_tokens_of(case, "speech").await;
        ask_again(case, CONNECTION, "speech").await;
        case.reason(CONNECTION, "speech", "ServiceAccountNotFound").await;
        account(case, "speech").await;
        ask_again(case, CONNECTION, "speech").await;
        case.ready(CONNECTION, "speech").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {}}})).await;
        only_tokens_were_used(case).await;
        assert_eq!(token_requests(case).await, [200], "one token serves all requests");
    });
}

#[test]
fn a_refusal_of_the_authority_is_told_at_once_in_its_words() {
    shared("entra-words", async |case, stack| {
        may_request_tokens(case).await;
        account(case, "speech").await;
        declare(
            case,
            json!({"secret": "the-right-one", "federated": federated("entra-words", "other")}),
        )
        .await;
        case.secret_named("entra", "secret", "a-wrong-client-secret").await;
        let account = by_account(case, stack, "speech");
        let with = |member: &str, value: &str| {
            let mut auth = account.clone();
            auth["workloadIdentity"][member] = value.into();
            auth
        };
        for (name, auth, number) in [
            (
                "tenant",
                with("tenantId", "70000000-0000-4000-8000-0000000000aa"),
                "AADSTS90002",
            ),
            (
                "client",
                with("clientId", "70000000-0000-4000-8000-0000000000bb"),
                "AADSTS700016",
            ),
            ("subject", account.clone(), "AADSTS700213"),
            ("secret", by_secret(case, stack), "AADSTS7000215"),
        ] {
            case.connection_named(name, json!({"auth": auth})).await;
            let refused = case.reason(CONNECTION, name, "TokenRefused").await;
            assert!(message(&refused, "Ready").contains(number), "{name}: {refused:#}");
            assert_eq!(condition(&refused, "Stalled")["status"], "True", "{name}: {refused:#}");
        }
        assert_eq!(case.journal().await.len(), 0, "nothing was sent without a token");
    });
}

#[test]
fn a_client_secret_can_be_rotated_and_a_revoked_token_is_replaced_in_silence() {
    shared("entra-rotation", async |case, stack| {
        declare(case, json!({"secret": "first-client-secret"})).await;
        connect_by_secret(case, stack, "first-client-secret").await;
        case.ready(CONNECTION, "speech").await;
        case.control.revoke_tokens(&client(case)).await.unwrap();
        case.look_at_connection().await;
        in_time("a new token is used", SOON, async || match token_requests(case).await {
            requests if requests == [200, 200] => Ok(()),
            requests => Err(format!("{requests:?}")),
        })
        .await;
        case.ready(CONNECTION, "speech").await;
        assert!(!case.events("speech").await.contains(&"CredentialInvalid".to_owned()));

        declare(case, json!({"secret": "second-client-secret"})).await;
        case.control.revoke_tokens(&client(case)).await.unwrap();
        let refused = case.reason(CONNECTION, "speech", "TokenRefused").await;
        assert!(message(&refused, "Ready").contains("AADSTS7000215"), "{refused:#}");
        case.secret_named("entra", "secret", "second-client-secret").await;
        case.ready(CONNECTION, "speech").await;
        only_tokens_were_used_or_refused(case).await;
    });
}

/// As `only_tokens_were_used`, where tokens were revoked.
async fn only_tokens_were_used_or_refused(case: &Case) {
    for entry in case.journal().await {
        assert!(
            entry["client"] == client(case).as_str() || entry["status"] == 401,
            "{entry:#}"
        );
    }
}

#[test]
fn identities_of_the_operator_are_for_namespaces_that_it_lends_them_to() {
    shared(LENT, async |case, stack| {
        let trust = federated("speech-system", "speech-operator");
        declare(case, json!({"managedIdentity": "UserAssigned", "federated": trust})).await;
        case.connection(json!({"auth": {"managedIdentity": {"clientId": client(case)}}}))
            .await;
        case.ready(CONNECTION, "speech").await;
        let own = application(case, stack, json!({}));
        case.connection_named("own", json!({"auth": {"workloadIdentity": own}}))
            .await;
        case.ready(CONNECTION, "own").await;
        only_tokens_were_used(case).await;
    });
}

#[test]
fn no_other_namespace_has_the_operators_identity_nor_chooses_who_is_sent_a_secret() {
    shared("entra-border", async |case, stack| {
        let trust = federated("speech-system", "speech-operator");
        let secret = "a-secret-that-stays-here";
        declare(
            case,
            json!({"managedIdentity": "UserAssigned", "federated": trust, "secret": secret}),
        )
        .await;
        case.secret_named("entra", "secret", secret).await;
        let mut elsewhere = by_secret(case, stack);
        elsewhere["clientSecretRef"]["authorityHost"] = "https://login.example.com".into();
        let own = application(case, stack, json!({}));
        for (name, auth, reason, option) in [
            (
                "managed",
                json!({"managedIdentity": {"clientId": client(case)}}),
                "IdentityNotAllowed",
                "--identity-namespaces",
            ),
            (
                "machine",
                json!({"managedIdentity": {}}),
                "IdentityNotAllowed",
                "--identity-namespaces",
            ),
            (
                "own",
                json!({"workloadIdentity": own}),
                "IdentityNotAllowed",
                "--identity-namespaces",
            ),
            ("elsewhere", elsewhere, "AuthorityNotAllowed", "--allowed-authorities"),
        ] {
            case.connection_named(name, json!({"auth": auth})).await;
            let refused = case.reason(CONNECTION, name, reason).await;
            assert!(message(&refused, "Ready").contains(option), "{name}: {refused:#}");
        }
        assert!(token_requests(case).await.is_empty());
        assert_eq!(case.journal().await.len(), 0);
    });
}

#[test]
fn an_authority_that_fails_is_told_only_when_the_token_has_ended() {
    shared("entra-outage", async |case, stack| {
        let secret = "outlives-the-authority";
        declare(case, json!({"secret": secret, "tokenSeconds": 20})).await;
        connect_by_secret(case, stack, secret).await;
        case.ready(CONNECTION, "speech").await;
        let fault = json!({
            "route": {"resource": client(case), "path": "Entra_Token"}, "action": {"status": 503, "delayMs": 1000},
        });
        let fault = case.control.add_fault(fault).await.unwrap()["id"].as_u64().unwrap();
        in_time("a renewal fails", SOON, async || match token_requests(case).await {
            requests if requests.contains(&503) => Ok(()),
            requests => Err(format!("{requests:?}")),
        })
        .await;
        assert!(is_ready(&case.get(CONNECTION, "speech").await), "the token still lives");
        let told = case.reason(CONNECTION, "speech", "AuthorityUnavailable").await;
        assert!(
            condition(&told, "Stalled")["status"] != "True",
            "it is transient: {told:#}"
        );
        case.control.remove_fault(fault).await.unwrap();
        case.within(2 * SOON, CONNECTION, "speech", "is Ready", is_ready).await;
        only_tokens_were_used_or_refused(case).await;
    });
}

#[test]
fn whoever_answers_in_place_of_the_authority_is_told_as_unavailable() {
    shared("entra-lies", async |case, stack| {
        let secret = "given-to-a-liar";
        declare(case, json!({"secret": secret})).await;
        for action in [
            json!({"status": 200, "text": "<html>sign in</html>"}),
            json!({"status": 429, "retryAfter": 1}),
            json!({"loseResponse": true}),
        ] {
            let route = json!({"resource": client(case), "path": "Entra_Token"});
            let fault = case.control.add_fault(json!({"route": route, "action": action})).await;
            let fault = fault.unwrap()["id"].as_u64().unwrap();
            connect_by_secret(case, stack, secret).await;
            case.reason(CONNECTION, "speech", "AuthorityUnavailable").await;
            case.control.remove_fault(fault).await.unwrap();
            case.within(2 * SOON, CONNECTION, "speech", "is Ready", is_ready).await;
            case.remove(CONNECTION, "speech").await;
        }
    });
}

#[test]
fn a_missing_role_is_named() {
    shared("entra-roles", async |case, stack| {
        let secret = "knows-its-role";
        declare(case, json!({"secret": secret, "roles": {}})).await;
        connect_by_secret(case, stack, secret).await;
        let denied = case.reason(CONNECTION, "speech", "PermissionDenied").await;
        let words = message(&denied, "Ready");
        assert!(words.contains("Cognitive Services Speech User"), "{denied:#}");

        declare(case, json!({"secret": secret, "roles": {"entra-roles": "User"}})).await;
        ask_again(case, CONNECTION, "speech").await;
        case.ready(CONNECTION, "speech").await;
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        case.until("SpeechEndpoint", "hotline", "names the role", |endpoint| {
            message(endpoint, "Ready").contains("Cognitive Services Speech Contributor")
        })
        .await;

        case.control
            .put_resource("entra-roles", json!({"permissionDeniedStatus": 403}))
            .await
            .unwrap();
        ask_again(case, "SpeechEndpoint", "hotline").await;
        case.until("SpeechEndpoint", "hotline", "names the role with 403", |endpoint| {
            message(endpoint, "Ready").contains("Cognitive Services Speech Contributor")
        })
        .await;
        declare(case, json!({"secret": secret})).await;
        ask_again(case, "SpeechEndpoint", "hotline").await;
        case.within(2 * SOON, "SpeechEndpoint", "hotline", "is Ready", is_ready)
            .await;
        assert!(token_requests(case).await.iter().all(|status| *status == 200));
    });
}

#[test]
fn a_resource_without_keys_refuses_a_key_and_takes_a_token() {
    shared("entra-keyless", async |case, stack| {
        case.connect("5s").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {}}})).await;
        case.control
            .put_resource("entra-keyless", json!({"disableLocalAuth": true}))
            .await
            .unwrap();
        let refused = case.reason(CONNECTION, "speech", "PermissionDenied").await;
        assert!(message(&refused, "Ready").contains("disabled"), "{refused:#}");
        let secret = "in-place-of-a-key";
        declare(case, json!({"secret": secret})).await;
        connect_by_secret(case, stack, secret).await;
        case.ready(CONNECTION, "speech").await;
        case.ready("SpeechEndpoint", "hotline").await;
        assert_eq!(case.remote("endpoints").await.len(), 2, "nothing was made anew");
    });
}

#[test]
fn keys_and_tokens_serve_one_resource_side_by_side() {
    shared("entra-beside", async |case, stack| {
        let secret = "beside-a-key";
        declare(case, json!({"secret": secret})).await;
        connect_by_secret(case, stack, secret).await;
        case.secret(&seed::key(&case.name, 1)).await;
        case.connection_named("by-key", json!({})).await;
        case.ready(CONNECTION, "speech").await;
        case.ready(CONNECTION, "by-key").await;
        let journal = case.journal().await;
        assert!(journal.iter().any(|entry| entry["keyUsed"] == 1));
        assert!(journal.iter().any(|entry| entry["client"] == client(case).as_str()));
        assert!(journal.iter().all(|entry| entry["status"] != 401), "{journal:#?}");
    });
}

#[test]
fn kubectl_speech_asks_as_the_identity_of_the_connection_and_never_as_the_operator() {
    shared("entra-kubectl", async |case, stack| {
        may_request_tokens(case).await;
        account(case, "speech").await;
        declare(case, json!({"federated": federated("entra-kubectl", "speech")})).await;
        case.connection(json!({"auth": by_account(case, stack, "speech")}))
            .await;
        case.ready(CONNECTION, "speech").await;
        let orphans = printed(stack, &["orphans", "-n", "entra-kubectl"]).await;
        assert!(orphans.contains(seed::ENDPOINT), "{orphans}");
        only_tokens_were_used(case).await;
        assert_eq!(
            token_requests(case).await,
            [200, 200],
            "the operator's and the command's"
        );

        case.connection(json!({"auth": {"managedIdentity": {}}})).await;
        let told = refused(stack, &["orphans", "-n", "entra-kubectl"]).await;
        assert!(told.contains("the operator's own identity"), "{told}");
    });
}
