//! Which objects a command speaks of: by their names, by labels, or all.
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    fleet::{Fleet, Kind, Object, words},
    options::Selection,
    print,
};

/// Names in kubectl's own form, `KIND NAME...`, as what they mean: `KIND/NAME` for each. An object whose name is the word of a
/// kind is named by `KIND/NAME`.
pub fn with_kinds(names: &[String]) -> Vec<String> {
    match names {
        [kind, rest @ ..] if !rest.is_empty() && Kind::parse(kind).is_some() => {
            let named = |name: &String| match name.contains('/') {
                true => name.clone(),
                false => format!("{kind}/{name}"),
            };
            rest.iter().map(named).collect()
        }
        _ => names.to_vec(),
    }
}

/// The one name of a command that takes one.
pub fn one_name(names: &[String]) -> Result<String, KubectlError> {
    match with_kinds(names).as_slice() {
        [name] => Ok(name.clone()),
        _ => Err(KubectlError::Name(
            "name one object: NAME, KIND/NAME or KIND NAME".to_owned(),
        )),
    }
}

impl Selection {
    /// The same with names as `KIND/NAME` where they were given as `KIND NAME...`.
    pub fn with_kinds(&mut self) {
        self.names = with_kinds(&self.names);
    }

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

    /// The objects, each once. A name that means nothing is told, and makes the outcome a failure.
    ///
    /// # Errors
    ///
    /// When labels, or all, are none.
    pub fn of<'a>(&self, fleet: &'a Fleet, kinds: &[Kind]) -> Result<(Vec<Object<'a>>, Outcome), KubectlError> {
        if self.is_by_name() {
            return Ok(self.named(fleet, kinds));
        }
        // Labels are those of models and endpoints; connections are read whatever theirs are.
        let kinds: Vec<Kind> = kinds.iter().copied().filter(|kind| *kind != Kind::Connection).collect();
        let found = fleet.all(&kinds);
        if found.is_empty() {
            return Err(KubectlError::Name(self.nothing(fleet.namespace.as_deref(), &kinds)));
        }
        Ok((found, Outcome::Well))
    }

    fn named<'a>(&self, fleet: &'a Fleet, kinds: &[Kind]) -> (Vec<Object<'a>>, Outcome) {
        let (mut objects, mut outcome): (Vec<Object<'a>>, _) = (Vec::new(), Outcome::Well);
        for name in &self.names {
            match fleet.find(name, kinds) {
                Ok(object) if objects.iter().any(|other| object.is_same(other)) => {}
                Ok(object) => objects.push(object),
                Err(error) => {
                    print::error(&error);
                    outcome = Outcome::Failed;
                }
            }
        }
        (objects, outcome)
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
    fn names_may_be_given_as_kubectl_takes_them() {
        for (given, meant) in [
            ("clinic", "clinic"),
            ("endpoint clinic", "endpoint/clinic"),
            ("spep clinic hotline", "spep/clinic spep/hotline"),
            (
                "speechmodels.customspeech.dev claims",
                "speechmodels.customspeech.dev/claims",
            ),
            ("endpoint model/claims", "model/claims"),
            ("endpoint", "endpoint"),
            ("clinic endpoint", "clinic endpoint"),
        ] {
            let given: Vec<String> = given.split(' ').map(str::to_owned).collect();
            assert_eq!(with_kinds(&given).join(" "), meant);
        }
        assert_eq!(one_name(&["spep".into(), "a".into()]).unwrap(), "spep/a");
        assert!(one_name(&["a".into(), "b".into()]).is_err());
    }

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
