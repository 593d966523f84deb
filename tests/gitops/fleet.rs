//! A team's models and endpoints in Git, as Flux applies them.
use crate::{
    case::Case,
    flux::{FOLLOWED, Team, settled, work_for},
    harness::{KUBECTL_SPEECH, condition, is_ready, message},
    seed::{MORE_TEXT, TEXT},
    stack::alone,
};
use serde_json::{Value, json};

const CLAIMS: &str = "speech/claims.yaml";
const HOTLINE: &str = "claims-hotline";
const SUSPEND: (&str, &str) = (
    "  swap: {approval: Required}\n",
    "  swap: {approval: Required}\n  suspend: true\n",
);
const HOUR: f64 = 3600.0;
const SUSPENDED: &str = r#"{"spec":{"suspend":true}}"#;

fn says(kustomization: &Value) -> &str {
    message(kustomization, "Ready")
}

fn reason(object: &Value, kind: &str) -> String {
    condition(object, kind)["reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The file of an endpoint for which nothing is trained.
fn kiosk(name: &str, metadata: &str) -> String {
    format!(
        "apiVersion: customspeech.dev/v1alpha1\nkind: SpeechEndpoint\nmetadata:\n  name: {name}\n{metadata}spec:\n  \
         connectionRef: {{name: west}}\n  locale: en-US\n  model: {{base: {{}}}}\n"
    )
}

/// A second model is trained from other data, and waits for approval; returns its id.
async fn candidate(team: &Team<'_>) -> String {
    team.repository.edit(CLAIMS, TEXT, MORE_TEXT);
    let kustomization = team.push("Other recordings").await;
    assert!(crate::flux::is_ready(&kustomization), "{kustomization:#}");
    let waits = team
        .case
        .until("SpeechEndpoint", HOTLINE, "has a candidate", |object| {
            reason(object, "Ready") == "ApprovalAwaited"
        })
        .await;
    waits["status"]["candidate"]["model"].as_str().unwrap().to_owned()
}

/// The page's Kustomization with a plain wait.
fn without_expressions() -> [(String, &'static str); 2] {
    let page = crate::page::cluster("", "", "");
    let (_, expressions) = page.split_once("  healthCheckExprs:").unwrap();
    [
        (format!("  healthCheckExprs:{expressions}"), ""),
        ("timeout: 3m".to_owned(), "timeout: 10s"),
    ]
}

/// Waits until a health check ended badly.
async fn unhealthy(team: &Team<'_>) -> Value {
    team.until("the health check has failed", |kustomization| {
        reason(kustomization, "Ready") == "HealthCheckFailed"
    })
    .await
}

/// Waits until a health check gave up on what is under way and has not failed.
async fn times_out(team: &Team<'_>) {
    let waited = unhealthy(team).await;
    let words = says(&waited);
    assert!(
        words.contains("timeout waiting for") && words.contains("InProgress"),
        "{words}"
    );
    assert!(!words.contains("'Failed'"), "{words}");
}

#[test]
fn flux_is_ready_while_a_model_is_trained_for_hours_and_a_plain_wait_is_not() {
    alone("gitops-training", async |case, stack| {
        work_for(case, 10.0 * HOUR, 0.4 * HOUR).await;
        let team = Team::new(case, stack).await;
        // Without the expressions, the health check waits until its time is over.
        let plain = without_expressions();
        team.begin_with(&plain).await;
        times_out(&team).await;
        team.begin().await;
        team.is_ready().await;
        let model = case.get("SpeechModel", "claims").await;
        assert_eq!(reason(&model, "Ready"), "Training", "{model:#}");
        let endpoint = case.get("SpeechEndpoint", HOTLINE).await;
        assert_eq!(reason(&endpoint, "Ready"), "ModelNotReady", "{endpoint:#}");

        case.control.advance("11h").await.unwrap();
        case.ready("SpeechModel", "claims").await;
        case.until("SpeechEndpoint", HOTLINE, "is deployed", |object| {
            reason(object, "Ready") == "Deploying"
        })
        .await;
        assert!(crate::flux::is_ready(&team.apply_again().await));
        case.control.advance("30m").await.unwrap();
        case.ready("SpeechEndpoint", HOTLINE).await;
        assert_eq!(case.calls("Models_Create").await, 1, "applying again trains nothing");

        // The same while the next revision is trained and the first one serves.
        team.begin_with(&plain).await;
        team.is_ready().await;
        team.repository.edit(CLAIMS, TEXT, MORE_TEXT);
        team.push("Other recordings").await;
        times_out(&team).await;
        team.begin().await;
        team.is_ready().await;
        let model = case.get("SpeechModel", "claims").await;
        assert_eq!(reason(&model, "Reconciling"), "Training", "{model:#}");
    });
}

#[test]
fn flux_fails_at_once_where_only_a_person_can_help() {
    alone("gitops-stalled", async |case, stack| {
        let team = Team::new(case, stack).await;
        team.repository
            .edit(CLAIMS, TEXT, "00000000-0000-4000-8000-00000000dead");
        team.repository.commit("A dataset that does not exist");
        team.begin().await;
        let failed = unhealthy(&team).await;
        assert!(says(&failed).contains("SpeechModel"), "{failed:#}");
        let model = case.get("SpeechModel", "claims").await;
        assert_eq!(reason(&model, "Stalled"), "DatasetNotFound", "{model:#}");
        team.repository
            .edit(CLAIMS, "00000000-0000-4000-8000-00000000dead", TEXT);
        let kustomization = team.push("One that does").await;
        assert!(crate::flux::is_ready(&kustomization), "{kustomization:#}");
        case.ready("SpeechEndpoint", HOTLINE).await;
    });
}

#[test]
fn an_endpoint_may_come_before_its_model() {
    alone("gitops-order", async |case, stack| {
        let team = Team::new(case, stack).await;
        let text = team.repository.read(CLAIMS);
        let (model, endpoint) = text.split_once("---\n").unwrap();
        team.repository.write(CLAIMS, Some(endpoint));
        team.repository.commit("An endpoint without a model");
        team.begin().await;
        case.until("SpeechEndpoint", HOTLINE, "lacks its model", |object| {
            reason(object, "Stalled") == "ModelNotFound"
        })
        .await;
        let waits = team
            .until("the health check runs", |kustomization| {
                condition(kustomization, "Healthy")["status"] == "Unknown"
            })
            .await;
        assert_eq!(condition(&waits, "Ready")["status"], "Unknown", "{waits:#}");
        let model: Value = serde_saphyr::from_str(model).unwrap();
        case.apply(model).await;
        team.is_ready().await;
        case.ready("SpeechEndpoint", HOTLINE).await;
    });
}

#[test]
fn what_the_api_server_refuses_stands_in_the_kustomization() {
    alone("gitops-refused", async |case, stack| {
        let team = settled(case, stack).await;
        team.repository.edit(
            CLAIMS,
            "model: {ref: {name: claims}}",
            "model: {ref: {name: claims}, base: {}}",
        );
        team.repository.write("speech/kiosk.yaml", Some(&kiosk("kiosk", "")));
        let refused = team.push("Two models for one endpoint, and another endpoint").await;
        assert_eq!(reason(&refused, "Ready"), "ReconciliationFailed", "{refused:#}");
        assert!(
            says(&refused).contains(HOTLINE) && says(&refused).contains("exactly one"),
            "{refused:#}"
        );
        case.ready("SpeechEndpoint", HOTLINE).await;
        let other = case.find("SpeechEndpoint", "kiosk").await;
        assert!(other.is_none(), "nothing of the commit is applied");
        team.repository.edit(
            CLAIMS,
            "model: {ref: {name: claims}, base: {}}",
            "model: {ref: {name: claims}}",
        );
        let kustomization = team.push("One").await;
        assert!(crate::flux::is_ready(&kustomization), "{kustomization:#}");
        assert_eq!(case.calls("Endpoints_Update").await, 0);
    });
}

#[test]
fn flux_puts_back_what_was_edited_by_hand_and_the_service_follows() {
    alone("gitops-drift", async |case, stack| {
        let team = Team::new(case, stack).await;
        let named = "  displayName: Claims\n  swap: {approval: Required}\n";
        team.repository.edit(CLAIMS, "  swap: {approval: Required}\n", named);
        team.repository.commit("A name");
        team.begin().await;
        team.is_ready().await;
        let id = case.ready("SpeechEndpoint", HOTLINE).await["status"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let called = async |name: &str| {
            crate::harness::in_time(&format!("the service calls it {name}"), FOLLOWED, async || {
                let remote = case.remote_entity("endpoints", &id).await.unwrap();
                let is = remote["displayName"].as_str().unwrap();
                if is == name { Ok(()) } else { Err(is.to_owned()) }
            })
            .await;
        };
        case.patch("SpeechEndpoint", HOTLINE, json!({"spec": {"displayName": "By hand"}}))
            .await;
        called("By hand").await;
        team.apply_again().await;
        called("Claims").await;
        // At rest, applying again changes nothing, neither here nor there.
        let before = case.ready("SpeechEndpoint", HOTLINE).await;
        let writes = case.remote_writes().await.len();
        for _ in 0..3 {
            team.apply_again().await;
        }
        let after = case.get("SpeechEndpoint", HOTLINE).await;
        assert_eq!(
            after["metadata"]["resourceVersion"],
            before["metadata"]["resourceVersion"]
        );
        assert_eq!(case.remote_writes().await.len(), writes);
    });
}

#[test]
fn a_swap_is_approved_by_a_commit() {
    alone("gitops-approval", async |case, stack| {
        let team = settled(case, stack).await;
        let model = candidate(&team).await;
        assert_eq!(case.calls("Endpoints_Update").await, 0);
        let name = "  name: claims-hotline\n";
        let approved = format!("{name}  annotations:\n    customspeech.dev/approved-model: {model}\n");
        team.repository.edit(CLAIMS, name, &approved);
        let kustomization = team.push("The second model may serve").await;
        assert!(crate::flux::is_ready(&kustomization), "{kustomization:#}");
        case.serves(HOTLINE, &model).await;
    });
}

/// Runs kubectl speech on the endpoint, as somebody on call.
fn speech(case: &Case, team: &Team<'_>, command: &str) {
    let output = std::process::Command::new(&*KUBECTL_SPEECH)
        .args([command, HOTLINE, "-n", &case.name, "--kubeconfig"])
        .arg(team.plane.kubeconfig())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_people_on_call_do_with_kubectl_speech_stays_and_what_they_do_with_kubectl_does_not() {
    alone("gitops-on-call", async |case, stack| {
        let team = settled(case, stack).await;
        let suspended = async || case.get("SpeechEndpoint", HOTLINE).await["spec"]["suspend"] == true;
        let patch = async |more: &[&str]| {
            let args = [
                "patch",
                "spep",
                HOTLINE,
                "-n",
                &case.name,
                "--type=merge",
                "-p",
                SUSPENDED,
            ];
            team.plane.kubectl_ok(&[&args, more].concat()).await.unwrap();
            assert!(suspended().await);
            team.apply_again().await;
        };
        patch(&[]).await;
        assert!(!suspended().await, "Flux undoes what kubectl wrote");
        patch(&["--field-manager=on-call"]).await;
        assert!(suspended().await, "Flux does not undo what others wrote");
        speech(case, &team, "resume");

        speech(case, &team, "suspend");
        team.apply_again().await;
        assert!(suspended().await, "Flux does not undo it");
        speech(case, &team, "resume");
        let model = candidate(&team).await;
        speech(case, &team, "approve");
        team.apply_again().await;
        let swapped = case.serves(HOTLINE, &model).await;
        assert_eq!(
            swapped["metadata"]["annotations"]["customspeech.dev/approved-model"],
            model.as_str()
        );
    });
}

#[test]
fn an_endpoint_is_suspended_and_resumed_by_commits() {
    alone("gitops-suspend", async |case, stack| {
        let team = settled(case, stack).await;
        let id = case.get("SpeechEndpoint", HOTLINE).await["status"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        team.repository.edit(CLAIMS, SUSPEND.0, SUSPEND.1);
        let kustomization = team.push("Hands off").await;
        assert!(
            crate::flux::is_ready(&kustomization),
            "suspended is no failure: {kustomization:#}"
        );
        case.until("SpeechEndpoint", HOTLINE, "is suspended", |object| {
            reason(object, "Ready") == "Suspended"
        })
        .await;
        // Whatever happens in the portal stays meanwhile.
        let by_hand = json!({"displayName": "In the portal"});
        case.control
            .patch_entity(&case.name, "endpoints", &id, by_hand)
            .await
            .unwrap();
        case.annotate("SpeechConnection", "west", "reconcile-requested-at", "now".into())
            .await;
        case.until("SpeechConnection", "west", "is looked at", |object| {
            object["status"]["lastHandledReconcileAt"] == "now"
        })
        .await;
        let remote = case.remote_entity("endpoints", &id).await.unwrap();
        assert_eq!(remote["displayName"], "In the portal");
        team.repository.edit(CLAIMS, SUSPEND.1, SUSPEND.0);
        team.push("Hands on").await;
        case.until("SpeechEndpoint", HOTLINE, "is resumed", is_ready).await;
    });
}

#[test]
fn what_leaves_git_is_deleted_as_its_deletion_policy_says() {
    alone("gitops-prune", async |case, stack| {
        let team = settled(case, stack).await;
        let kept = "  annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}\n";
        team.repository.write("speech/kiosk.yaml", Some(&kiosk("kiosk", "")));
        team.repository.write("speech/kept.yaml", Some(&kiosk("kept", kept)));
        team.push("Two endpoints more").await;
        let mut ids = Vec::new();
        for name in [HOTLINE, "kiosk", "kept"] {
            let endpoint = case.ready("SpeechEndpoint", name).await;
            ids.push(endpoint["status"]["id"].as_str().unwrap().to_owned());
        }
        let model = case.get("SpeechModel", "claims").await["status"]["current"]["id"]
            .as_str()
            .unwrap()
            .to_owned();

        for file in [CLAIMS, "speech/kiosk.yaml", "speech/kept.yaml"] {
            team.repository.write(file, None);
        }
        let kustomization = team.push("Nothing is left but the connection").await;
        assert!(crate::flux::is_ready(&kustomization), "{kustomization:#}");
        case.gone("SpeechEndpoint", HOTLINE).await;
        case.gone("SpeechModel", "claims").await;
        case.gone("SpeechEndpoint", "kiosk").await;
        case.ready("SpeechEndpoint", "kept").await;
        let there = async |kind: &str, id: &str| case.remote_entity(kind, id).await.is_some();
        assert!(there("endpoints", &ids[0]).await, "Retain");
        assert!(there("models", &model).await, "Retain");
        assert!(!there("endpoints", &ids[1]).await, "Delete");
        assert!(there("endpoints", &ids[2]).await, "not pruned");

        // The page's Kustomization leaves all objects behind.
        let args = ["delete", "kustomization", "speech", "-n", &case.name, "--timeout=30s"];
        team.plane.kubectl_ok(&args).await.unwrap();
        case.ready("SpeechConnection", "west").await;
    });
}
