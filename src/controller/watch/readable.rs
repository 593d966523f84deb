//! An object of the apiserver that perhaps cannot be read, such as one from before a change of its definition. In a list
//! or a watch of many it must not cost the others anything.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// An object, or what can be read of it.
#[derive(Clone, Debug)]
pub enum Readable<K> {
    /// The object.
    Whole(K),
    /// One that does not fit its type.
    Broken {
        /// Who it is.
        meta: Box<ObjectMeta>,
        /// What does not fit.
        error: String,
    },
}

/// What every object has.
#[derive(Deserialize)]
struct Named {
    metadata: ObjectMeta,
}

impl<'de, K: de::DeserializeOwned> Deserialize<'de> for Readable<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Taken as text first, so that the list or the event goes on after it in any case. In an event the API server names
        // the type before the object; otherwise serde would have to keep the object in a form of its own.
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let text = trimmed(text.get());
        match serde_json::from_str(&text) {
            Ok(object) => Ok(Self::Whole(object)),
            Err(error) => {
                let named: Named = serde_json::from_str(&text).map_err(de::Error::custom)?;
                Ok(Self::Broken {
                    meta: Box::new(named.metadata),
                    error: error.to_string(),
                })
            }
        }
    }
}

/// The text of an object without its managed fields: they are more than half of it, and nobody here reads them.
fn trimmed(text: &str) -> Cow<'_, str> {
    let without = || {
        let outer: Outer<'_> = serde_json::from_str(text).ok()?;
        let inner: Inner<'_> = serde_json::from_str(outer.metadata?.get()).ok()?;
        let fields = inner.managed_fields?.get();
        // It is a part of the text.
        let start = fields.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        let (before, after) = (text.get(..start)?, text.get(start + fields.len()..)?);
        Some([before, "null", after].concat())
    };
    without().map_or(Cow::Borrowed(text), Cow::Owned)
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inner<'a> {
    #[serde(borrow)]
    managed_fields: Option<&'a RawValue>,
}

impl<K: Resource> Resource for Readable<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(of: &K::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &K::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &K::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &K::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn metadata_api() -> bool {
        K::metadata_api()
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Whole(object) => object.meta(),
            Self::Broken { meta, .. } => meta,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Whole(object) => object.meta_mut(),
            Self::Broken { meta, .. } => meta,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Secret;
    use kube::{
        ResourceExt,
        api::{ObjectList, WatchEvent},
        core::PartialObjectMeta,
    };
    use speech_api::SpeechEndpoint;

    const FITS: &str = r#"{"apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
        "metadata": {"name": "fits", "namespace": "shop", "resourceVersion": "7"},
        "spec": {"connectionRef": {"name": "west"}, "locale": "en-US", "model": {"base": {}}}}"#;
    const OLD: &str = r#"{"apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
        "metadata": {"name": "old", "namespace": "shop", "resourceVersion": "8"}, "spec": {"locale": 5}}"#;

    #[test]
    fn one_object_that_does_not_fit_leaves_the_rest_of_a_list_readable() {
        let text = format!(
            r#"{{"kind": "SpeechEndpointList", "apiVersion": "customspeech.dev/v1alpha1",
            "metadata": {{"resourceVersion": "9"}}, "items": [{OLD}, {FITS}]}}"#
        );
        let list: ObjectList<Readable<SpeechEndpoint>> = serde_json::from_str(&text).unwrap();
        assert_eq!(list.metadata.resource_version.as_deref(), Some("9"));
        assert!(
            matches!(&list.items[0], Readable::Broken { error, .. } if error.contains("spec") || error.contains("invalid"))
        );
        assert_eq!(list.items[0].name_any(), "old");
        assert!(matches!(&list.items[1], Readable::Whole(endpoint) if endpoint.name_any() == "fits"));
    }

    #[test]
    fn an_event_of_an_object_that_does_not_fit_still_tells_who_and_which_version() {
        let text = format!(r#"{{"type": "MODIFIED", "object": {OLD}}}"#);
        let event: WatchEvent<Readable<SpeechEndpoint>> = serde_json::from_str(&text).unwrap();
        let WatchEvent::Modified(object) = event else {
            panic!("another event")
        };
        assert_eq!(object.resource_version().as_deref(), Some("8"));
    }

    #[test]
    fn managed_fields_are_cut_out_and_all_else_is_as_it_was() {
        let managed = r#"[{"manager": "x", "fieldsV1": {"f:spec": {"k:{\"type\":\"}\"}": {}}}}]"#;
        for (found, expected) in [
            (
                format!(r#"{{"metadata": {{"managedFields": {managed}, "name": "ä"}}, "spec": 1}}"#),
                r#"{"metadata": {"managedFields": null, "name": "ä"}, "spec": 1}"#,
            ),
            (
                format!(r#"{{"spec": 1, "metadata": {{"name": "ä", "managedFields": {managed}}}}}"#),
                r#"{"spec": 1, "metadata": {"name": "ä", "managedFields": null}}"#,
            ),
            (
                r#"{"metadata": {"name": "a"}}"#.to_owned(),
                r#"{"metadata": {"name": "a"}}"#,
            ),
            (
                r#"{"metadata": "managedFields"}"#.to_owned(),
                r#"{"metadata": "managedFields"}"#,
            ),
            ("[]".to_owned(), "[]"),
        ] {
            assert_eq!(trimmed(&found), expected);
        }
        let object = FITS.replace(
            r#""name": "fits""#,
            &format!(r#""managedFields": {managed}, "name": "fits""#),
        );
        let Readable::Whole(object) = serde_json::from_str::<Readable<SpeechEndpoint>>(&object).unwrap() else {
            panic!("it fits")
        };
        assert_eq!(
            (object.name_any().as_str(), object.meta().managed_fields.as_ref()),
            ("fits", None)
        );
    }

    #[test]
    fn metadata_alone_is_asked_for_where_metadata_alone_is_wanted() {
        assert!(Readable::<PartialObjectMeta<Secret>>::metadata_api());
        assert!(!Readable::<SpeechEndpoint>::metadata_api());
    }
}
