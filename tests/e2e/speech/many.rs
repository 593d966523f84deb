//! Several objects at once, what is only tried, and what cannot work.
use super::{parsed, printed, refused, speech, speech_as, waiting};
use crate::{
    case::Case,
    seed::{BASE_NEW, ENDPOINT, MODEL},
    stack::shared,
};
use serde_json::{Value, json};

async fn label(case: &Case, kind: &str, name: &str, team: &str) {
    case.patch(kind, name, json!({"metadata": {"labels": {"team": team}}}))
        .await;
}

async fn suspended(case: &Case) -> Vec<bool> {
    let mut found = Vec::new();
    for (kind, name) in [
        ("SpeechEndpoint", "hotline"),
        ("SpeechEndpoint", "fixed"),
        ("SpeechModel", "claims"),
    ] {
        found.push(case.get(kind, name).await["spec"]["suspend"] == true);
    }
    found
}

#[test]
fn several_objects_are_changed_by_names_labels_and_all_of_them() {
    shared("speech-many", async |case, stack| {
        waiting(case, json!({"approval": "Required"})).await;
        case.ready_endpoint("fixed", json!({"model": {"id": MODEL}})).await;
        label(case, "SpeechEndpoint", "hotline", "claims-many").await;
        label(case, "SpeechModel", "claims", "claims-many").await;
        let with = |args: &[&'static str]| [args, &["-n", "speech-many"]].concat();

        // Tried, not done.
        let tried = printed(stack, &with(&["suspend", "--all", "--dry-run=server"])).await;
        assert_eq!(
            tried
                .lines()
                .filter(|line| line.ends_with(" suspended (server dry run)"))
                .count(),
            3,
            "{tried}"
        );
        let tried = printed(stack, &with(&["suspend", "hotline", "--dry-run=client", "-o", "json"])).await;
        let object = parsed(&tried);
        assert_eq!(
            (&object["kind"], &object["spec"]["suspend"]),
            (&json!("SpeechEndpoint"), &json!(true))
        );
        assert_eq!(suspended(case).await, [false, false, false]);

        // By labels, in all namespaces: this one's objects only have them.
        let names = printed(stack, &["suspend", "-A", "-l", "team=claims-many", "-o", "name"]).await;
        assert_eq!(
            names,
            "speechendpoint.customspeech.dev/hotline\nspeechmodel.customspeech.dev/claims\n"
        );
        assert_eq!(suspended(case).await, [true, false, true]);
        let resumed = printed(stack, &["resume", "-A", "-l", "team=claims-many"]).await;
        let first = "speechendpoint.customspeech.dev/hotline (namespace speech-many) resumed";
        assert_eq!(resumed.lines().next(), Some(first));
        let told = refused(stack, &with(&["suspend", "-l", "team=nobody"])).await;
        let expected =
            "kubectl speech: there is no endpoint or model with labels team=nobody in namespace speech-many\n";
        assert_eq!(told, expected);
        for args in [&["status"][..], &["why"], &["wait"], &["approve"], &["plan"]] {
            let told = refused(stack, &[args, &["-l", "team=nobody", "-n", "speech-many"]].concat()).await;
            assert!(told.contains("team=nobody"), "{told}");
        }

        // One of several cannot be found: the others are done all the same.
        let output = speech(stack, &with(&["suspend", "fxied", "fixed"])).await;
        assert_eq!(output.code, Some(2), "{output:?}");
        assert_eq!(output.stdout, "speechendpoint.customspeech.dev/fixed suspended\n");
        assert!(output.stderr.contains("did you mean \"fixed\"?"), "{output:?}");
        let output = speech(stack, &with(&["status", "fixed", "nothing-like-it"])).await;
        assert!(output.code == Some(2) && output.stdout.contains("fixed"), "{output:?}");
        printed(stack, &with(&["resume", "--all"])).await;

        let both = parsed(&printed(stack, &with(&["why", "hotline", "fixed", "-o", "json"])).await);
        assert_eq!(both["objects"].as_array().map(Vec::len), Some(2));
        case.until("SpeechEndpoint", "hotline", "has a candidate again", |object| {
            object["status"]["candidate"]["model"] == BASE_NEW
                && object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await;
        // Who asks for all means those that wait; the others are told and are no failure.
        let output = speech(stack, &with(&["approve", "--all"])).await;
        assert!(output.success(), "{output:?}");
        assert!(output.stdout.contains("hotline approved: model new base"), "{output:?}");
        assert!(
            output
                .stderr
                .contains("left alone: speechendpoint.customspeech.dev/fixed"),
            "{output:?}"
        );
        case.serves("hotline", BASE_NEW).await;
        let ready = printed(stack, &with(&["wait", "--all", "--timeout", "30s"])).await;
        assert_eq!(ready.lines().count(), 3, "{ready}");
        assert!(
            ready.contains("speechendpoint.customspeech.dev/hotline is ready: new base"),
            "{ready}"
        );
        let plan = printed(stack, &with(&["plan", "-l", "team=claims-many", "--until", "900d"])).await;
        assert!(plan.contains("speech-many/claims") && !plan.contains("fixed"), "{plan}");
        label(case, "SpeechConnection", "speech", "claims-many").await;
        let orphans = printed(stack, &["orphans", "-A", "-l", "team=claims-many", "-o", "name"]).await;
        assert_eq!(orphans, format!("endpoint/{ENDPOINT}\n"));
        let told = refused(stack, &["orphans", "-A", "-l", "team=nobody"]).await;
        assert_eq!(told, "kubectl speech: there is no connection with labels team=nobody\n");
    });
}

#[test]
fn what_cannot_work_is_told_on_one_line_with_what_to_do() {
    shared("speech-refused", async |_, stack| {
        let told = refused(stack, &["status", "--context", "nowhere"]).await;
        assert!(
            told.starts_with(
                "kubectl speech: the kubeconfig has no context \"nowhere\"; `kubectl config get-contexts`"
            ),
            "{told}"
        );
        let told = refused(stack, &["status", "--kubeconfig", "/nonexistent/kubeconfig"]).await;
        assert!(
            told.contains("the kubeconfig cannot be used") && told.contains("/nonexistent/kubeconfig"),
            "{told}"
        );
        let server = |server: &str, user: Value| {
            json!({
                "apiVersion": "v1", "kind": "Config", "current-context": "none",
                "clusters": [{"name": "none", "cluster": {"server": server}}],
                "users": [{"name": "none", "user": user}],
                "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
            })
        };
        let secret = "SECRET-OF-THE-KUBECONFIG";
        let silent = server("http://127.0.0.1:9", json!({"token": secret}));
        let silent = stack.plane.folder().write("silent", &silent.to_string()).unwrap();
        for args in [
            &["status"][..],
            &["suspend", "hotline"],
            &["wait", "hotline"],
            &["orphans"],
        ] {
            let output = speech_as(stack, Some(&silent), args).await;
            assert_eq!(output.code, Some(2), "{output:?}");
            assert_eq!(
                output.stderr,
                "kubectl speech: the cluster at http://127.0.0.1:9/ does not answer: Connection refused (os error 111); \
                 `kubectl cluster-info` shows whether it can be reached\n"
            );
        }
        for words in [
            &["swap", "hotline", "--to", "x"][..],
            &["wait", "hotline", "--timeout", "soon"],
        ] {
            let told = refused(stack, words).await;
            assert!(told.lines().count() == 1 && told.contains("--t"), "{told}");
        }
        let told = refused(stack, &["suspend"]).await;
        assert!(told.contains("<NAME|--selector <LABELS>|--all>"), "{told}");
    });
}
