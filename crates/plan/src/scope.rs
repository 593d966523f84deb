//! Which part of a cluster a process looks after.
use speech_service::entity::OwnerTag;
use std::collections::BTreeSet;

/// The namespaces that a process looks after: all, or those that are named. It sees nothing of the others, and whatever it
/// does not see there is no proof that it does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Option<BTreeSet<String>>);

impl Scope {
    /// These namespaces; the whole cluster if none is named.
    pub fn of(namespaces: impl IntoIterator<Item = String>) -> Self {
        let named: BTreeSet<String> = namespaces.into_iter().collect();
        Self((!named.is_empty()).then_some(named))
    }

    /// The namespaces that are named; `None` for the whole cluster.
    pub fn namespaces(&self) -> Option<&BTreeSet<String>> {
        self.0.as_ref()
    }

    /// Whether the object that a mark of this cluster names would be seen if it existed.
    pub fn sees(&self, mark: &OwnerTag) -> bool {
        let namespace = mark.object.split_once('/').map(|(namespace, _)| namespace);
        let seen = |named: &BTreeSet<String>| namespace.is_some_and(|namespace| named.contains(namespace));
        self.0.as_ref().is_none_or(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_namespace_is_seen_and_a_namesake_of_its_beginning_is_not() {
        let mark = |object: &str| OwnerTag {
            uid: "u".into(),
            object: object.into(),
            cluster: "c".into(),
            attempt: 1,
            revision: None,
            inputs: None,
        };
        let (all, some) = (Scope::of([]), Scope::of(["shop".to_owned()]));
        assert_eq!(all, Scope::default());
        for (object, expected) in [
            ("shop/hotline", true),
            ("shop-2/hotline", false),
            ("hotline/shop", false),
            ("shop", false),
        ] {
            assert!(all.sees(&mark(object)), "{object}");
            assert_eq!(some.sees(&mark(object)), expected, "{object}");
        }
    }
}
