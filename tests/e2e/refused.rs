//! The cluster refuses what the operator has to write: a policy, as an apiserver judges it.
use crate::{
    case::Case,
    harness::{condition, in_time, message},
    seed::BASE_OLD,
    stack::{SOON, Stack, shared},
};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

const WORDS: &str = "ask the platform team first";

/// Has the apiserver deny the operator's changes of Speech objects of a namespace, of these resources.
async fn deny(stack: &Stack, case: &Case, name: &str, resources: &[&str]) {
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["customspeech.dev"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": resources,
            }]},
            "validations": [{
                "expression": "!(request.userInfo.username in ['probe', 'system:serviceaccount:speech-system:speech-operator'])",
                "message": WORDS,
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": case.name}}},
        },
    });
    stack.plane.apply(&policy.to_string()).await.unwrap();
    stack.plane.apply(&binding.to_string()).await.unwrap();
    // The apiserver heeds a policy a moment after it is there.
    let probing = ["--as=probe", "--as-group=system:masters"];
    let probe = [
        "annotate",
        "spconn",
        "speech",
        "-n",
        &case.name,
        "--overwrite",
        "--dry-run=server",
        "probe=1",
    ];
    let status = [
        "patch",
        "spconn",
        "speech",
        "-n",
        &case.name,
        "--dry-run=server",
        "--subresource=status",
        "--type=merge",
        "-p",
        "{\"status\":{}}",
    ];
    let tried: &[&str] = if resources[0].ends_with("/status") {
        &status
    } else {
        &probe
    };
    in_time("the policy is heeded", SOON, async || {
        let output = stack
            .plane
            .kubectl(&[tried, &probing].concat())
            .await
            .map_err(|error| error.to_string())?;
        if output.stderr.contains(WORDS) {
            Ok(())
        } else {
            Err(output.stderr)
        }
    })
    .await;
}

async fn allow(stack: &Stack, name: &str) {
    let binding = ["delete", "validatingadmissionpolicybinding", name];
    stack.plane.kubectl_ok(&binding).await.unwrap();
}

fn base() -> Value {
    json!({"model": {"base": {"id": BASE_OLD}}})
}

/// Asks until the policy is heeded no more.
async fn again(case: &Case, name: &str, what: &str, check: impl Fn(&Value) -> bool) {
    let mut tries = 0;
    in_time(&format!("{name} {what}"), SOON, async || {
        tries += 1;
        let Some(object) = case.find("SpeechEndpoint", name).await else {
            return Ok(());
        };
        if check(&object) {
            return Ok(());
        }
        // A refusal is asked again ever more rarely; whoever mends it asks at once. What goes meanwhile needs no asking.
        let request =
            json!({"metadata": {"annotations": {"customspeech.dev/reconcile-requested-at": tries.to_string()}}});
        let asked = case
            .api("SpeechEndpoint")
            .patch(name, &PatchParams::default(), &Patch::Merge(request))
            .await;
        if !matches!(&asked, Err(kube::Error::Api(status)) if status.is_not_found()) {
            asked.map_err(|error| error.to_string())?;
        }
        Err(object["status"].to_string())
    })
    .await;
}

#[test]
fn a_policy_that_denies_the_finalizer_is_told_in_the_status_with_its_words() {
    shared("refused", async |case, stack| {
        case.connect("60s").await;
        case.ready_endpoint("before", base()).await;
        deny(
            stack,
            case,
            "refused",
            &["speechendpoints", "speechmodels", "speechconnections"],
        )
        .await;
        case.endpoint("hotline", base()).await;
        let stalled = case.reason("SpeechEndpoint", "hotline", "ClusterRefused").await;
        assert_eq!(condition(&stalled, "Stalled")["status"], "True");
        assert!(message(&stalled, "Stalled").contains(WORDS), "{stalled}");
        case.event("hotline", "ClusterRefused").await;
        let metrics = stack.operator.metrics().await.unwrap();
        let gauge = r#"speech_cluster_refused{kind="SpeechEndpoint",namespace="refused",name="hotline"} 1"#;
        assert!(metrics.contains(gauge), "{metrics}");
        assert_eq!(
            case.marked("endpoints", "hotline").await.len(),
            0,
            "nothing is created unannounced"
        );

        // A deletion alike: the remote entity goes, and the object says why it does not.
        case.delete("SpeechEndpoint", "before").await;
        let held = case.reason("SpeechEndpoint", "before", "ClusterRefused").await;
        assert!(message(&held, "Stalled").contains(WORDS), "{held}");
        let writes = case.writes(stack);
        let tried = writes.iter().filter(|write| write.name == "before").count();
        assert!(tried < 12, "refusals are asked again ever more rarely: {tried}");

        allow(stack, "refused").await;
        again(case, "hotline", "serves", crate::harness::is_ready).await;
        again(case, "before", "is gone", |_| false).await;
        let metrics = stack.operator.metrics().await.unwrap();
        assert!(!metrics.contains(gauge), "{metrics}");
    });
}

#[test]
fn a_policy_that_denies_the_status_as_well_is_told_by_event_and_metric() {
    shared("refused-status", async |case, stack| {
        case.connect("60s").await;
        let resources = ["speechendpoints/status", "speechconnections/status"];
        deny(stack, case, "refused-status", &resources).await;
        case.endpoint("hotline", base()).await;
        case.event("hotline", "ClusterRefused").await;
        let metrics = stack.operator.metrics().await.unwrap();
        let gauge = r#"speech_cluster_refused{kind="SpeechEndpoint",namespace="refused-status",name="hotline"} 1"#;
        assert!(metrics.contains(gauge), "{metrics}");
        assert!(
            case.marked("endpoints", "hotline").await.len() <= 1,
            "no twins for want of a status"
        );
        allow(stack, "refused-status").await;
        again(case, "hotline", "serves", crate::harness::is_ready).await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 1);
    });
}
