//! `kubectl speech`: what a person is told, and what becomes of what a person asks for. The real kubectl runs the plugin.

mod estate;
mod many;

use crate::{
    case::Case,
    harness::{CommandOutput, KUBECTL_SPEECH, eventually},
    seed::{self, BASE_NEW, BASE_OLD, MODEL, TEXT},
    stack::{SOON, Stack, shared},
};
use serde_json::{Value, json};
use std::{os::unix::fs::PermissionsExt, path::Path};

/// The folder that holds `kubectl-speech`.
fn plugins() -> &'static Path {
    KUBECTL_SPEECH.parent().unwrap()
}

/// Runs `kubectl speech`, as administrator unless a kubeconfig says another.
async fn speech_as(stack: &Stack, kubeconfig: Option<&Path>, args: &[&str]) -> CommandOutput {
    let root = stack.plane.entra_root().display().to_string();
    let env = [
        ("SPEECH_OPERATOR_ALLOW_HTTP", "true"),
        ("SPEECH_OPERATOR_ALLOWED_HOSTS", "127.0.0.1"),
        (
            "SPEECH_OPERATOR_ALLOWED_AUTHORITIES",
            stack.emulator.authority().unwrap(),
        ),
        ("SSL_CERT_FILE", &root),
    ];
    let args = [&["speech"], args].concat();
    let output = stack
        .plane
        .kubectl_plugin(&[plugins()], kubeconfig, &env, &args)
        .await
        .unwrap();
    let said = format!("{}{}", output.stdout, output.stderr);
    println!("$ kubectl {}\n{said}", args.join(" ")); // shown with --nocapture
    assert!(!said.contains("sig="), "a signature was told: {said}");
    output
}

async fn speech(stack: &Stack, args: &[&str]) -> CommandOutput {
    speech_as(stack, None, args).await
}

/// What it printed; it must have succeeded.
pub async fn printed(stack: &Stack, args: &[&str]) -> String {
    let output = speech(stack, args).await;
    assert!(output.success(), "{args:?}: {output:?}");
    output.stdout
}

/// What it said on its way to ending with 2.
pub async fn refused(stack: &Stack, args: &[&str]) -> String {
    let output = speech(stack, args).await;
    assert_eq!(output.code, Some(2), "{args:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    output.stderr
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The endpoint `hotline` serves the old base model, and the new one waits.
async fn waiting(case: &Case, swap: Value) {
    case.connect("60s").await;
    let claims = async |base: &str| {
        case.model("claims", json!({"source": {"base": {"id": base}}})).await;
        case.until("SpeechModel", "claims", &format!("is {base}"), |model| {
            model["status"]["current"]["id"] == base
        })
        .await;
    };
    claims(BASE_OLD).await;
    case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}, "swap": swap}))
        .await;
    case.serves("hotline", BASE_OLD).await;
    claims(BASE_NEW).await;
    case.until("SpeechEndpoint", "hotline", "has a candidate", |object| {
        object["status"]["candidate"]["model"] == BASE_NEW
    })
    .await;
}

#[test]
fn a_person_sees_what_waits_and_why_and_agrees() {
    shared("speech-approve", async |case, stack| {
        let here = ["-n", "speech-approve"];
        let with = |args: &[&'static str]| [args, &here].concat();
        let empty = printed(stack, &with(&["status"])).await;
        assert!(
            empty.starts_with("There are no objects in namespace speech-approve; -n"),
            "{empty}"
        );
        waiting(case, json!({"approval": "Required"})).await;

        let table = printed(stack, &with(&["status"])).await;
        let line = table.lines().find(|line| line.starts_with("endpoint/hotline")).unwrap();
        for words in ["Waiting", "old base", "Swap", "ApprovalAwaited"] {
            assert!(line.contains(words), "{table}");
        }
        assert!(table.ends_with("3 objects: all is well\n"), "{table}");
        assert!(!table.contains('\u{1b}'), "colours are for terminals: {table:?}");
        let document = parsed(&printed(stack, &with(&["status", "-o", "json", "endpoint/hotline"])).await);
        let object = &document["objects"][0];
        assert_eq!(
            (&object["state"], &object["model"]),
            (&json!("Waiting"), &json!(BASE_OLD))
        );
        let as_kubectl = printed(stack, &with(&["status", "-o", "json", "endpoint", "hotline"])).await;
        assert_eq!(parsed(&as_kubectl), document, "kubectl's own form");
        let names = printed(stack, &with(&["status", "-o", "name"])).await;
        assert!(
            names
                .lines()
                .any(|name| name == "speechendpoint.customspeech.dev/hotline"),
            "{names}"
        );
        // What the objects of other tests need is theirs to say.
        let everywhere = speech(stack, &["status", "-A", "-o", "wide"]).await;
        assert!(
            everywhere
                .stdout
                .lines()
                .any(|line| line.contains("speech-approve") && line.contains("hotline"))
        );

        let why = printed(stack, &with(&["why", "hotline"])).await;
        let decided = why.lines().find(|line| line.starts_with("=>")).unwrap();
        assert!(
            decided.contains("Approval") && decided.contains("approval of new base"),
            "{why}"
        );
        let plan = printed(stack, &with(&["plan"])).await;
        assert!(plan.contains("speech-approve/hotline"), "{plan}");

        let told = refused(stack, &with(&["approve", "hotlnie"])).await;
        assert!(told.contains("did you mean \"hotline\"?"), "{told}");
        let told = refused(stack, &with(&["approve", "hotline", "--to", MODEL])).await;
        assert!(told.contains("has another candidate: model new base"), "{told}");
        let agreed = printed(stack, &with(&["approve", "hotline", "--to", BASE_NEW])).await;
        assert!(agreed.contains("approved: model new base"), "{agreed}");
        case.serves("hotline", BASE_NEW).await;
        let already = printed(stack, &with(&["approve", "hotline", "--to", BASE_NEW])).await;
        assert!(already.contains("already"), "{already}");
        let told = refused(stack, &with(&["swap", "hotline"])).await;
        assert!(told.contains("has no candidate"), "{told}");
    });
}

#[test]
fn a_swap_by_hand_waits_for_no_window_and_is_shown_to_its_end() {
    shared("speech-swap", async |case, stack| {
        waiting(case, json!({"windows": [{"kind": "Deny"}]})).await;
        let with = |args: &[&'static str]| [args, &["-n", "speech-swap"]].concat();
        let risk = speech(stack, &with(&["status", "hotline"])).await;
        assert_eq!(risk.code, Some(1), "windows that never open are a risk: {risk:?}");
        assert!(
            risk.stdout.contains("AtRisk") && risk.stdout.contains("never open"),
            "{risk:?}"
        );

        let suspended = printed(stack, &with(&["suspend", "hotline", "model/claims"])).await;
        assert_eq!(
            suspended,
            "speechendpoint.customspeech.dev/hotline suspended\nspeechmodel.customspeech.dev/claims suspended\n"
        );
        assert_eq!(case.get("SpeechEndpoint", "hotline").await["spec"]["suspend"], true);
        let told = refused(stack, &with(&["swap", "hotline"])).await;
        assert!(told.contains("`kubectl speech resume hotline`"), "{told}");
        printed(stack, &with(&["resume", "hotline", "claims"])).await;
        let spec = &case.get("SpeechEndpoint", "hotline").await["spec"];
        assert!(
            spec["suspend"].is_null(),
            "as in a manifest that says nothing of it: {spec:#}"
        );
        case.until("SpeechEndpoint", "hotline", "has a candidate again", |object| {
            object["status"]["candidate"]["model"] == BASE_NEW
                && object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await;

        let moved = printed(stack, &with(&["swap", "hotline", "--wait", "--timeout", "30s"])).await;
        assert!(
            moved.contains(&format!("moves to model new base ({BASE_NEW}) now")),
            "{moved}"
        );
        assert!(moved.lines().last().unwrap().contains("new base"), "{moved}");
        let now = case.get("SpeechEndpoint", "hotline").await;
        assert_eq!(now["status"]["active"]["model"], BASE_NEW, "it waited until it served");
        let ready = printed(stack, &with(&["wait", "hotline", "--timeout", "30s"])).await;
        assert!(ready.contains("hotline is"), "{ready}");
        let late = speech(stack, &with(&["wait", "hotline", "--model", MODEL, "--timeout", "1s"])).await;
        assert_eq!(late.code, Some(1), "{late:?}");
    });
}

#[test]
fn a_model_is_trained_once_more_when_asked_and_only_once() {
    shared("speech-retrain", async |case, stack| {
        case.connect("60s").await;
        case.ready_model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        let with = |args: &[&'static str]| [args, &["-n", "speech-retrain"]].concat();
        let trained = printed(stack, &with(&["retrain", "claims", "--wait", "--timeout", "60s"])).await;
        assert!(trained.contains("trains revision 2 now"), "{trained}");
        let model = case.ready("SpeechModel", "claims").await;
        assert_eq!(model["status"]["current"]["revision"], 2);
        case.annotate("SpeechModel", "claims", "reconcile-requested-at", "now".into())
            .await;
        case.until("SpeechModel", "claims", "is looked at", |object| {
            object["status"]["lastHandledReconcileAt"] == "now"
        })
        .await;
        assert_eq!(case.calls("Models_Create").await, 2, "the annotation is answered");
        case.endpoint("hotline", json!({"model": {"base": {}}})).await;
        let told = refused(stack, &with(&["retrain", "hotline"])).await;
        assert!(told.contains("there is no model \"hotline\""), "{told}");
    });
}

#[test]
fn whoever_may_view_sees_the_fleet_and_whoever_may_not_read_the_key_reads_no_estate() {
    shared("speech-rights", async |case, stack| {
        case.connect("60s").await;
        case.ready_endpoint("fixed", json!({"model": {"id": MODEL}})).await;
        let account = ["create", "serviceaccount", "guest", "-n", "speech-rights"];
        stack.plane.kubectl_ok(&account).await.unwrap();
        let guest = stack
            .plane
            .service_account_kubeconfig("speech-rights", "guest")
            .await
            .unwrap();
        let forbidden = speech_as(stack, Some(&guest), &["status"]).await;
        assert_eq!(forbidden.code, Some(2), "{forbidden:?}");
        assert!(
            forbidden.stderr.contains("bind the ClusterRole `view`"),
            "{forbidden:?}"
        );
        let binding = [
            "create",
            "rolebinding",
            "guest",
            "-n",
            "speech-rights",
            "--clusterrole=view",
        ];
        let binding = [&binding[..], &["--serviceaccount=speech-rights:guest"]].concat();
        stack.plane.kubectl_ok(&binding).await.unwrap();
        // The roles are put together by a controller, in its own time.
        let seen = eventually("the status of one's own namespace", SOON, async || {
            let output = speech_as(stack, Some(&guest), &["status"]).await;
            if output.success() {
                Ok(output.stdout)
            } else {
                Err(output.stderr)
            }
        });
        assert!(seen.await.unwrap().contains("endpoint/fixed"));
        for args in [&["orphans"][..], &["import", "--connection", "speech"]] {
            let output = speech_as(stack, Some(&guest), args).await;
            assert_eq!(output.code, Some(2), "{output:?}");
            let told = output.stderr.lines().last().unwrap();
            assert!(
                told.contains("the Secret speech-rights/speech-key")
                    && told.ends_with("the ClusterRole `edit` allows it"),
                "{output:?}"
            );
            assert!(
                !output.stderr.contains("ApiError") && !output.stderr.contains("Status {"),
                "{output:?}"
            );
            assert!(!format!("{output:?}").contains(&seed::key("speech-rights", 1)));
        }
        let output = speech_as(stack, Some(&guest), &["suspend", "fixed"]).await;
        assert!(
            output.code == Some(2) && output.stderr.contains("cannot patch resource"),
            "{output:?}"
        );
        assert!(
            output.stderr.ends_with("; the ClusterRole `edit` allows it\n") && output.stderr.lines().count() == 1,
            "{output:?}"
        );
        assert!(case.get("SpeechEndpoint", "fixed").await["spec"]["suspend"].is_null());
    });
}

#[test]
fn kubectl_completes_the_names_of_objects() {
    shared("speech-complete", async |case, stack| {
        case.connect("60s").await;
        let script = printed(stack, &["completion", "kubectl"]).await;
        let program = stack.plane.folder().write("kubectl_complete-speech", &script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let folders = [plugins(), program.parent().unwrap()];
        let complete = async |words: &[&str]| {
            let args = [&["__complete", "speech"], words].concat();
            let output = stack.plane.kubectl_plugin(&folders, None, &[], &args).await.unwrap();
            output.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(complete(&["sta"]).await.contains(&"status".to_owned()));
        let names = complete(&["why", "-n", "speech-complete", ""]).await;
        assert!(names.contains(&"speech".to_owned()), "{names:?}");
        let forms = complete(&["status", "-o", "y"]).await;
        assert!(
            forms.contains(&"yaml".to_owned()) && !forms.contains(&"json".to_owned()),
            "{forms:?}"
        );
    });
}

#[test]
fn a_wait_ends_where_only_a_person_can_help() {
    shared("speech-stalled", async |case, stack| {
        case.connect("60s").await;
        case.ready_endpoint("well", json!({"model": {"base": {}}})).await;
        case.endpoint(
            "stuck",
            json!({"model": {"id": "30000000-0000-4000-8000-000000000099"}}),
        )
        .await;
        let with = |args: &[&'static str]| [args, &["-n", "speech-stalled"]].concat();
        let ended = speech(stack, &with(&["wait", "well", "stuck", "--timeout", "10m"])).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended.stderr.contains("endpoint.customspeech.dev/stuck needs a person"),
            "{ended:?}"
        );
        assert!(ended.stdout.contains("well is ready"), "{ended:?}");
        let waited = speech(stack, &with(&["wait", "stuck", "--through-stalled", "--timeout", "2s"])).await;
        assert_eq!(waited.code, Some(1), "{waited:?}");
        assert!(waited.stderr.contains("is not ready after 2s"), "{waited:?}");
    });
}
