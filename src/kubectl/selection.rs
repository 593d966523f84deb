//! Which objects a command speaks of: by their names, by labels, or all.
use super::{
    KubectlError,
    args::ClusterArgs,
    fleet::{Fleet, Kind, Object, words},
    options::Selection,
};

impl Selection {
    /// Whether the objects were named one by one; then what cannot be done for one of them is a failure.
    pub fn is_by_name(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether nothing at all was said.
    pub fn is_open(&self) -> bool {
        !self.is_by_name() && self.selector.is_none()
    }

    /// Reads what it speaks of.
    pub async fn read(&self, cluster: &ClusterArgs) -> Result<Fleet, KubectlError> {
        Fleet::read(cluster, self.all_namespaces, self.selector.as_deref()).await
    }

    /// The objects, each once; in place of a name that means nothing, why.
    ///
    /// # Errors
    ///
    /// When labels, or all, are none.
    pub fn of<'a>(
        &self,
        fleet: &'a Fleet,
        kinds: &[Kind],
    ) -> Result<Vec<Result<Object<'a>, KubectlError>>, KubectlError> {
        if self.is_by_name() {
            let mut found: Vec<Result<Object<'a>, KubectlError>> = Vec::new();
            for name in &self.names {
                let one = fleet.find(name, kinds);
                let is_same = |other: &Object<'_>| one.as_ref().is_ok_and(|one| one.is_same(other));
                if !found.iter().flatten().any(is_same) {
                    found.push(one);
                }
            }
            return Ok(found);
        }
        // Labels are those of models and endpoints; connections are read whatever theirs are.
        let kinds: Vec<Kind> = kinds.iter().copied().filter(|kind| *kind != Kind::Connection).collect();
        let found = fleet.all(&kinds);
        if found.is_empty() {
            return Err(KubectlError::Name(self.nothing(fleet.namespace.as_deref(), &kinds)));
        }
        Ok(found.into_iter().map(Ok).collect())
    }

    fn nothing(&self, namespace: Option<&str>, kinds: &[Kind]) -> String {
        let place = namespace
            .map(|name| format!(" in namespace {name}"))
            .unwrap_or_default();
        let labels = self
            .selector
            .as_ref()
            .map(|labels| format!(" with labels {labels}"))
            .unwrap_or_default();
        format!("there is no {}{labels}{place}", words(kinds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_nothing_has_are_told_with_the_place_where_it_was_looked_for() {
        let labels = Selection {
            selector: Some("team=nobody".to_owned()),
            ..Selection::default()
        };
        assert_eq!(
            labels.nothing(Some("shop"), &Kind::WITH_MODEL),
            "there is no endpoint or model with labels team=nobody in namespace shop"
        );
        assert_eq!(Selection::default().nothing(None, &[Kind::Model]), "there is no model");
    }
}
