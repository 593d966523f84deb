//! The health checks and actions for Argo CD: the scripts of `deploy/argocd`, as the entries that `argocd-cm` needs.
use super::HEADER;

const HEALTH: &str = include_str!("../../../deploy/argocd/health.lua");
/// How the patch is applied.
const COMMAND: &str =
    "kubectl patch configmap argocd-cm --namespace argocd --type merge --patch-file deploy/argocd/argocd-cm.yaml";
const KINDS: [&str; 3] = ["SpeechConnection", "SpeechModel", "SpeechEndpoint"];

/// A script of the folder `actions`, with its name.
macro_rules! action {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../deploy/argocd/actions/", $name, ".lua")),
        )
    };
}

/// Which actions there are and make sense, for both kinds.
const DISCOVERY: (&str, &str) = action!("discovery");
/// The actions of each kind.
const ACTIONS: [(&str, &[(&str, &str)]); 2] = [
    (
        "SpeechModel",
        &[
            action!("retrain"),
            action!("suspend"),
            action!("resume"),
            action!("release"),
        ],
    ),
    (
        "SpeechEndpoint",
        &[
            action!("approve"),
            action!("swap"),
            action!("clear-quarantine"),
            action!("suspend"),
            action!("resume"),
            action!("release"),
        ],
    ),
];

/// `deploy/argocd/argocd-cm.yaml`.
pub fn manifest() -> String {
    let mut text = format!(
        "{HEADER}# The scripts are in health.lua and in the folder actions.\n\
         # This is a patch: it adds five entries and keeps the others, while `kubectl apply` may remove some. You can also list\n\
         # it in `patches` of the kustomization that installs Argo CD.\n#\n#   {COMMAND}\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: argocd\ndata:\n"
    );
    for kind in KINDS {
        text.push_str(&format!(
            "  resource.customizations.health.customspeech.dev_{kind}: |\n"
        ));
        push_indented(&mut text, 4, HEALTH);
    }
    for (kind, actions) in ACTIONS {
        text.push_str(&format!(
            "  resource.customizations.actions.customspeech.dev_{kind}: |\n    {}.lua: |\n",
            DISCOVERY.0
        ));
        push_indented(&mut text, 6, DISCOVERY.1);
        text.push_str("    definitions:\n");
        for (name, script) in actions {
            text.push_str(&format!("    - name: {name}\n      action.lua: |\n"));
            push_indented(&mut text, 8, script);
        }
    }
    text
}

fn push_indented(text: &mut String, by: usize, script: &str) {
    for line in script.lines() {
        text.push_str(format!("{:by$}{line}", "").trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_three_kinds_have_the_same_script() {
        let patch: Value = serde_saphyr::from_str(&manifest()).unwrap();
        let data = patch["data"].as_object().unwrap();
        assert_eq!(data.len(), KINDS.len() + ACTIONS.len());
        for kind in KINDS {
            let key = format!("resource.customizations.health.customspeech.dev_{kind}");
            assert_eq!(data[&key], HEALTH, "{kind}");
        }
    }

    #[test]
    fn every_action_has_its_script() {
        let patch: Value = serde_saphyr::from_str(&manifest()).unwrap();
        for (kind, scripts) in ACTIONS {
            let key = format!("resource.customizations.actions.customspeech.dev_{kind}");
            let actions: Value = serde_saphyr::from_str(patch["data"][&key].as_str().unwrap()).unwrap();
            assert_eq!(actions["discovery.lua"], DISCOVERY.1, "{kind}");
            let definitions = actions["definitions"].as_array().unwrap();
            let definitions: Vec<(&str, &str)> = definitions
                .iter()
                .map(|one| (one["name"].as_str().unwrap(), one["action.lua"].as_str().unwrap()))
                .collect();
            assert_eq!(definitions, scripts, "{kind}");
        }
    }
}
