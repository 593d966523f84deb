//! The parts of the cluster that are listed and watched one by one: the whole cluster, or each namespace of the scope by
//! itself, because the apiserver lists one namespace or all.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Client, Resource, api::ListParams, core::NamespaceResourceScope};
use speech_plan::Scope;
use std::fmt;

/// One part of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// All of it.
    Cluster,
    /// What is in a namespace, and the Namespace itself.
    Namespace(String),
}

impl Part {
    /// The parts of a scope.
    pub fn of(scope: &Scope) -> Vec<Self> {
        match scope.namespaces() {
            None => vec![Self::Cluster],
            Some(named) => named.iter().cloned().map(Self::Namespace).collect(),
        }
    }

    /// The same with the operator's own namespace, of which no object of ours but the Namespace itself is watched.
    pub fn with_home(scope: &Scope, home: Option<&str>) -> Vec<Self> {
        let mut parts = Self::of(scope);
        let home = home.map(|home| Self::Namespace(home.to_owned()));
        parts.extend(home.filter(|home| scope.namespaces().is_some() && !parts.contains(home)));
        parts
    }

    /// The name of the namespace, if it is one.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Cluster => None,
            Self::Namespace(name) => Some(name),
        }
    }

    /// Whether an object belongs to it.
    pub fn holds(&self, meta: &ObjectMeta) -> bool {
        let at = meta.namespace.as_deref().or(meta.name.as_deref());
        self.namespace().is_none_or(|namespace| at == Some(namespace))
    }

    /// What reads the objects of a kind in it.
    pub fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self {
            Self::Cluster => Api::all(client.clone()),
            Self::Namespace(name) => Api::namespaced(client.clone(), name),
        }
    }

    /// Which Namespaces belong to it. A role that names them allows a list of just these.
    pub fn namespaces(&self, all: ListParams) -> ListParams {
        match self {
            Self::Cluster => all,
            Self::Namespace(name) => all.fields(&format!("metadata.name={name}")),
        }
    }
}

/// What is not there, so that there is nothing to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacking {
    Definition,
    Namespace(String),
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definition => f.write_str("CustomResourceDefinition of this kind"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<Part> {
        names.iter().map(|name| Part::Namespace((*name).to_owned())).collect()
    }

    #[test]
    fn the_operators_own_namespace_is_looked_at_once_and_only_beside_others() {
        let scope = |names: &[&str]| Scope::of(names.iter().map(|name| (*name).to_owned()));
        assert_eq!(Part::with_home(&scope(&[]), Some("home")), [Part::Cluster]);
        assert_eq!(Part::of(&scope(&["b", "a"])), named(&["a", "b"]));
        let beside = Part::with_home(&scope(&["a"]), Some("home"));
        assert_eq!(beside, named(&["a", "home"]));
        assert_eq!(Part::with_home(&scope(&["a"]), Some("a")), named(&["a"]));
        assert_eq!(Part::with_home(&scope(&["a"]), None), named(&["a"]));
    }

    #[test]
    fn a_part_holds_what_is_in_its_namespace_and_the_namespace_itself() {
        let meta = |namespace: Option<&str>, name: &str| ObjectMeta {
            namespace: namespace.map(str::to_owned),
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        };
        let part = Part::Namespace("a".to_owned());
        assert!(part.holds(&meta(Some("a"), "x")) && part.holds(&meta(None, "a")));
        assert!(!part.holds(&meta(Some("b"), "a")) && !part.holds(&meta(None, "b")));
        assert!(Part::Cluster.holds(&meta(Some("b"), "a")));
    }
}
