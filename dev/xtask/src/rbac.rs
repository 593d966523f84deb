//! What the operator may do, and what people may do with its kinds. The rules of the chart's roles are written from here, and
//! the manifests in `deploy/base` are rendered from the chart.
use speech_api::GROUP;

/// One rule of a role, and why it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Resources, subresources included.
    pub resources: &'static [&'static str],
    /// Which of them.
    pub names: Names,
    /// What may be done with them.
    pub verbs: &'static [&'static str],
    /// Why; becomes a comment.
    pub reason: &'static str,
}

/// Which objects a rule is about.
#[derive(Clone, Copy, Debug)]
pub enum Names {
    All,
    Only(&'static [&'static str]),
    /// Those that the chart names where the release has a scope; all without one.
    Scoped,
}

/// What the operator does in the namespace of its Lease.
pub const ELECTION: &[Permission] = &[Permission {
    group: "coordination.k8s.io",
    resources: &["leases"],
    names: Names::All,
    verbs: &["get", "list", "watch", "create", "update"],
    reason: "Only the replica that holds the Lease acts.",
}];

/// What the operator does outside of the namespaces that it looks after.
pub const CLUSTER: &[Permission] = &[
    Permission {
        group: "",
        resources: &["namespaces"],
        names: Names::Scoped,
        verbs: &["get", "list", "watch"],
        reason: "The operator reads labels for allowedNamespaces.selector, and whether its own namespace is being deleted.",
    },
    Permission {
        group: "apiextensions.k8s.io",
        resources: &["customresourcedefinitions"],
        names: Names::Only(DEFINITIONS),
        verbs: &["get"],
        reason: "Before it deletes anything in the Speech service, the operator checks whether the whole kind is being removed.",
    },
];

/// Events are written beside their object, and that of the Lease beside the Lease.
const EVENTS: Permission = Permission {
    group: "events.k8s.io",
    resources: &["events"],
    names: Names::All,
    verbs: &["create"],
    reason: "The operator reports transitions as events.",
};

const KINDS: &[&str] = &["speechconnections", "speechmodels", "speechendpoints"];
const DEFINITIONS: &[&str] = &[
    "speechconnections.customspeech.dev",
    "speechmodels.customspeech.dev",
    "speechendpoints.customspeech.dev",
];
const STATUSES: &[&str] = &[
    "speechconnections/status",
    "speechmodels/status",
    "speechendpoints/status",
];

/// What the operator does in every namespace that it looks after, and nothing else.
pub const OBJECTS: &[Permission] = &[
    Permission {
        group: GROUP,
        resources: KINDS,
        names: Names::All,
        verbs: &["get", "list", "watch", "patch"],
        reason: "The operator reads what is declared. It patches finalizer and creation-intent annotation, and never writes a spec.",
    },
    Permission {
        group: GROUP,
        resources: STATUSES,
        names: Names::All,
        verbs: &["patch"],
        reason: "The operator reports its results in the status.",
    },
    Permission {
        group: GROUP,
        resources: &["speechmodels/finalizers", "speechendpoints/finalizers"],
        names: Names::All,
        verbs: &["update"],
        reason: "ConfigMaps of exportTo block the deletion of their owner, and some clusters check the permission for that.",
    },
    Permission {
        group: "",
        resources: &["secrets"],
        names: Names::All,
        verbs: &["get", "list", "watch"],
        reason: "The operator watches only metadata, to use a changed key at once. It gets only the Secrets that connections name.",
    },
    Permission {
        group: "",
        resources: &["configmaps"],
        names: Names::All,
        verbs: &["get", "list", "watch", "create", "patch", "delete"],
        reason: "For exportTo: the operator watches the ConfigMaps with its label and deletes those that exportTo no longer names.",
    },
    EVENTS,
];

/// What the operator does in the namespaces that allow it: tokens of their ServiceAccounts for Entra ID. Whoever may do this
/// can act as any ServiceAccount there, so no role that the operator has everywhere holds it.
pub const TOKENS: &[Permission] = &[Permission {
    group: "",
    resources: &["serviceaccounts/token"],
    names: Names::All,
    verbs: &["create"],
    reason: "For workloadIdentity.serviceAccountRef: a token for Entra ID alone, which the operator sends to its authority.",
}];

/// What people who may view a namespace may do.
const VIEW: &[Permission] = &[Permission {
    group: GROUP,
    resources: KINDS,
    names: Names::All,
    verbs: &["get", "list", "watch"],
    reason: "The status is part of the object.",
}];

/// What people who may edit a namespace may do besides.
const EDIT: &[Permission] = &[Permission {
    group: GROUP,
    resources: KINDS,
    names: Names::All,
    verbs: &["create", "update", "patch", "delete", "deletecollection"],
    reason: "Not their status, which only the operator writes.",
}];

/// As Helm reads [`Names::Scoped`].
const NAMED_WHERE_SCOPED: &str = "    {{- if .Values.scope.namespaces }}\n    \
     resourceNames: [{{ include \"speech-operator.namespacesRead\" . }}]\n    {{- end }}\n";

/// The rules as named templates of the chart.
pub fn templates() -> String {
    let mut text = String::from("{{- /* Generated by `make crds`; do not edit. */}}\n");
    for (name, permissions) in [
        ("objects", OBJECTS),
        ("cluster", CLUSTER),
        ("events", &[EVENTS][..]),
        ("election", ELECTION),
        ("tokens", TOKENS),
        ("view", VIEW),
        ("edit", EDIT),
    ] {
        text.push_str(&format!("\n{{{{- define \"speech-operator.permissions.{name}\" }}}}\n"));
        rules_yaml(&mut text, permissions);
        text.push_str("{{- end }}\n");
    }
    text
}

fn rules_yaml(text: &mut String, permissions: &[Permission]) {
    for permission in permissions {
        let Permission {
            group,
            resources,
            names,
            verbs,
            reason,
        } = permission;
        text.push_str(&format!(
            "  # {reason}\n  - apiGroups: [\"{group}\"]\n    resources: [{}]\n",
            resources.join(", ")
        ));
        match names {
            Names::All => {}
            Names::Only(names) => text.push_str(&format!("    resourceNames: [{}]\n", names.join(", "))),
            Names::Scoped => text.push_str(NAMED_WHERE_SCOPED),
        }
        text.push_str(&format!("    verbs: [{}]\n", verbs.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_holds_no_wildcard_and_writes_no_secret() {
        for permission in OBJECTS.iter().chain(CLUSTER).chain(ELECTION).chain(TOKENS) {
            let words = permission.resources.iter().chain(permission.verbs);
            assert!(words.into_iter().all(|word| !word.contains('*')), "{permission:?}");
            if permission.resources.contains(&"secrets") {
                assert_eq!(permission.verbs, ["get", "list", "watch"]);
            }
        }
    }

    #[test]
    fn every_rule_gives_its_reason() {
        for permission in [OBJECTS, CLUSTER, ELECTION, TOKENS, VIEW, EDIT].into_iter().flatten() {
            assert!(permission.reason.ends_with('.'), "{permission:?}");
        }
    }
}
