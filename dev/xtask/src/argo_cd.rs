//! The health checks for Argo CD: one script, as the three entries that `argocd-cm` needs.
use super::HEADER;

const SCRIPT: &str = include_str!("../../../deploy/argocd/health.lua");
/// How the patch is applied.
const COMMAND: &str =
    "kubectl patch configmap argocd-cm --namespace argocd --type merge --patch-file deploy/argocd/argocd-cm.yaml";
const KINDS: [&str; 3] = ["SpeechConnection", "SpeechModel", "SpeechEndpoint"];

/// `deploy/argocd/argocd-cm.yaml`.
pub fn manifest() -> String {
    let mut text = format!(
        "{HEADER}# The script is in health.lua.\n\
         # This is a patch: it adds three entries and keeps the others, while `kubectl apply` may remove some. You can also list\n\
         # it in `patches` of the kustomization that installs Argo CD.\n#\n#   {COMMAND}\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: argocd\ndata:\n"
    );
    for kind in KINDS {
        text.push_str(&format!(
            "  resource.customizations.health.customspeech.dev_{kind}: |\n"
        ));
        for line in SCRIPT.lines() {
            text.push_str(format!("    {line}").trim_end());
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
#[path = "../../../tests/harness/argo_cd.rs"]
pub(crate) mod judged;

#[cfg(test)]
mod tests {
    use super::{judged::health, *};
    use serde_json::{Value, json};

    #[test]
    fn the_three_kinds_have_the_same_script() {
        let patch: Value = serde_saphyr::from_str(&manifest()).unwrap();
        let data = patch["data"].as_object().unwrap();
        assert_eq!(data.len(), KINDS.len());
        for kind in KINDS {
            let key = format!("resource.customizations.health.customspeech.dev_{kind}");
            assert_eq!(data[&key], SCRIPT, "{kind}");
        }
    }

    /// An object whose spec was looked at, with these conditions: type, status, reason.
    fn object(conditions: &[(&str, &str, &str)]) -> Value {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(kind, status, reason)| {
                json!({"type": kind, "status": status, "reason": reason, "message": format!("{reason} of {kind}")})
            })
            .collect();
        json!({
            "metadata": {"name": "hotline", "generation": 2}, "spec": {"suspend": false},
            "status": {"observedGeneration": 2, "conditions": conditions},
        })
    }

    fn changed(mut object: Value, pointer: &str, value: Value) -> Value {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value;
        object
    }

    #[test]
    fn every_rule_of_health_has_its_place_in_the_order() {
        const READY: (&str, &str, &str) = ("Ready", "True", "Serving");
        const BUSY: (&str, &str, &str) = ("Ready", "False", "Training");
        const STALLED: (&str, &str, &str) = ("Stalled", "True", "Refused");
        const EXPIRED: (&str, &str, &str) = ("ModelValid", "False", "BaseModelAnswers");
        const RISK: (&str, &str, &str) = ("AtRisk", "True", "NoSuccessor");
        const WORKS: (&str, &str, &str) = ("Reconciling", "True", "Swapping");
        let deleted = |object| changed(object, "/metadata/deletionTimestamp", json!("2026-03-01T10:00:00Z"));
        let suspended = |object| changed(object, "/spec/suspend", json!(true));
        let unseen = "the operator has not reconciled this spec yet";
        for (name, object, word, message) in [
            (
                "deleted",
                deleted(object(&[READY, STALLED])),
                "Progressing",
                "Serving of Ready",
            ),
            (
                "no status",
                changed(object(&[]), "/status", Value::Null),
                "Progressing",
                unseen,
            ),
            (
                "no look yet",
                changed(object(&[]), "/status", json!({"observedGeneration": -1})),
                "Progressing",
                unseen,
            ),
            (
                "an older spec",
                changed(object(&[READY, STALLED]), "/status/observedGeneration", json!(1)),
                "Progressing",
                unseen,
            ),
            (
                "stalled",
                object(&[BUSY, STALLED, EXPIRED]),
                "Degraded",
                "Refused of Stalled (BaseModelAnswers of ModelValid)",
            ),
            (
                "stalled and suspended",
                suspended(object(&[BUSY, STALLED])),
                "Degraded",
                "Refused of Stalled",
            ),
            (
                "expired",
                object(&[BUSY, WORKS, EXPIRED]),
                "Degraded",
                "BaseModelAnswers of ModelValid",
            ),
            (
                "expired and suspended",
                suspended(object(&[READY, EXPIRED])),
                "Degraded",
                "BaseModelAnswers of ModelValid",
            ),
            (
                "suspended",
                suspended(object(&[("Ready", "True", "Suspended")])),
                "Suspended",
                "Suspended of Ready",
            ),
            (
                "suspended before it was done",
                suspended(object(&[
                    ("Ready", "False", "Suspended"),
                    ("Stalled", "True", "Suspended"),
                ])),
                "Suspended",
                "Suspended of Ready",
            ),
            ("ready", object(&[READY]), "Healthy", "Serving of Ready"),
            ("swapping", object(&[READY, WORKS]), "Healthy", "Serving of Ready"),
            (
                "at risk",
                object(&[READY, RISK]),
                "Healthy",
                "Serving of Ready (at risk: NoSuccessor of AtRisk)",
            ),
            (
                "at risk no more",
                object(&[READY, ("AtRisk", "False", "Serving")]),
                "Healthy",
                "Serving of Ready",
            ),
            ("busy", object(&[BUSY, WORKS]), "Progressing", "Training of Ready"),
            (
                "unknown",
                object(&[("Ready", "Unknown", "Connecting")]),
                "Progressing",
                "Connecting of Ready",
            ),
            ("no conditions", object(&[]), "Progressing", ""),
        ] {
            assert_eq!(health(&object), (word.to_owned(), message.to_owned()), "{name}");
        }
    }
}
