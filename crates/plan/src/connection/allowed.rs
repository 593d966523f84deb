//! Who may use a connection.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{ParseExpressionError, Selector};
use speech_api::connection::{AllowedNamespaces, NamespacesFrom};
use std::collections::BTreeMap;

/// Whether objects of a namespace may use a connection of another one. A namespace whose `labels` are not known is let in
/// by no selector, not even by one that names what it must lack.
pub fn allows(
    allowed: &AllowedNamespaces,
    home: &str,
    namespace: &str,
    labels: Option<&BTreeMap<String, String>>,
) -> bool {
    match allowed.from {
        NamespacesFrom::Same => home == namespace,
        NamespacesFrom::All => true,
        NamespacesFrom::Selector => {
            home == namespace
                || allowed
                    .selector
                    .as_ref()
                    .zip(labels)
                    .is_some_and(|(selector, labels)| selects(selector, labels))
        }
    }
}

/// Whether a selector meets labels; one that cannot be read meets none.
pub fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let parsed: Result<Selector, ParseExpressionError> = selector.clone().try_into();
    parsed.is_ok_and(|selector| kube::core::SelectorExt::matches(&selector, labels))
}
