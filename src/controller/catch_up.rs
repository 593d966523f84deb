//! A replica that takes over may know less than the one before it wrote: its watches may lag. Before it decides anything,
//! its stores must hold what the cluster holds now.
use super::{
    Context,
    part::Part,
    store::{Indexed, Store},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Resource, api::ListParams, core::NamespaceResourceScope, runtime::reflector::ObjectRef};
use serde::de::DeserializeOwned;
use std::{collections::HashMap, fmt::Debug, time::Duration};

/// Objects of one page; only their metadata is read.
const PAGE: u32 = 250;
/// The pause between two looks at a store that is behind, and after a list that failed.
const PAUSE: Duration = Duration::from_millis(20);

/// An object, as far as it matters here: which one, in which of its lives, and how new.
type Edition<K> = (ObjectRef<K>, (Option<String>, u64));

/// What a list says.
#[derive(Debug)]
struct Listed<K: Resource<DynamicType = ()>> {
    editions: HashMap<ObjectRef<K>, (Option<String>, u64)>,
    /// The resourceVersion of the list itself.
    as_of: u64,
}

/// Resource versions of one kind are numbers that grow (see `mutation_cache`).
fn edition<K: Resource<DynamicType = ()>>(meta: &ObjectMeta) -> Edition<K> {
    let mut key = ObjectRef::new(meta.name.as_deref().unwrap_or_default());
    key.namespace.clone_from(&meta.namespace);
    (key, (meta.uid.clone(), number(meta.resource_version.as_deref())))
}

fn number(version: Option<&str>) -> u64 {
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}

impl<K: Resource<DynamicType = ()>> Listed<K> {
    /// Whether a store knows less than the list did.
    fn is_ahead_of(&self, stored: impl Iterator<Item = Edition<K>>) -> bool {
        let mut met = 0;
        for (key, (uid, version)) in stored {
            let listed = self.editions.get(&key);
            let is_newer = version > self.as_of;
            let is_met = listed.is_some_and(|(life, listed)| is_newer || (*life == uid && version >= *listed));
            // What the list lacks is gone, unless it was made since.
            if !is_met && !is_newer {
                return true;
            }
            met += usize::from(is_met);
        }
        met < self.editions.len()
    }
}

/// Waits until the stores of our own kinds hold what the cluster holds now.
pub async fn caught_up(context: &Context) {
    let stores = &context.stores;
    futures::join!(
        of_kind(context, &stores.connections),
        of_kind(context, &stores.models),
        of_kind(context, &stores.endpoints),
    );
}

async fn of_kind<K>(context: &Context, store: &Store<K>)
where
    K: Indexed + Resource<Scope = NamespaceResourceScope> + Debug + DeserializeOwned + Send + Sync,
{
    let parts = Part::of(&context.scope);
    futures::future::join_all(parts.iter().map(|part| of_part(context, store, part))).await;
}

async fn of_part<K>(context: &Context, store: &Store<K>, part: &Part)
where
    K: Indexed + Resource<Scope = NamespaceResourceScope> + Debug + DeserializeOwned + Send + Sync,
{
    let api: Api<K> = part.api(&context.client);
    let mut listed = loop {
        match list(&api).await {
            Ok(listed) => break listed,
            Err(error) => {
                // Its watch takes it for empty, too.
                if context.residence.nothing_to_list::<K>(&error, part).await.is_some() {
                    return;
                }
                tracing::warn!(kind = %K::kind(&()), %error, "the cluster cannot be read; it is tried again");
                tokio::time::sleep(PAUSE * 50).await;
            }
        }
    };
    let pulse = context.metrics.liveness().watch(&K::kind(&()), part.namespace());
    loop {
        // What cannot be read is waited for in vain.
        let unreadable = pulse.unreadable();
        let is_readable =
            |key: &ObjectRef<K>| !unreadable.contains(&(key.namespace.clone().unwrap_or_default(), key.name.clone()));
        listed.editions.retain(|key, _| is_readable(key));
        let stored = store.of_part(part);
        let stored = stored.iter().map(|object| edition(object.meta()));
        if !listed.is_ahead_of(stored.filter(|(key, _)| is_readable(key))) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads names and versions, from the cluster's own memory and no cache.
async fn list<K>(api: &Api<K>) -> Result<Listed<K>, kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let mut listed = Listed {
        editions: HashMap::new(),
        as_of: 0,
    };
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let answer = api.list_metadata(&page).await?;
        listed.as_of = number(answer.metadata.resource_version.as_deref());
        listed
            .editions
            .extend(answer.items.iter().map(|object| edition(&object.metadata)));
        match answer.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(listed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use speech_api::SpeechModel;

    fn of(name: &str, uid: &str, version: u64) -> Edition<SpeechModel> {
        (ObjectRef::new(name).within("shop"), (Some(uid.to_owned()), version))
    }

    /// A list as of version 20, of an object that was written at 10 and one at 20.
    fn is_ahead_of<const N: usize>(stored: [Edition<SpeechModel>; N]) -> bool {
        let listed = Listed {
            editions: [of("a", "1", 10), of("b", "2", 20)].into(),
            as_of: 20,
        };
        listed.is_ahead_of(stored.into_iter())
    }

    #[test]
    fn a_store_that_knows_what_the_list_says_or_more_has_caught_up() {
        assert!(!is_ahead_of([of("a", "1", 10), of("b", "2", 20)]));
        assert!(!is_ahead_of([of("a", "1", 10), of("b", "2", 30), of("c", "3", 31)]));
        assert!(!is_ahead_of([of("a", "4", 25), of("b", "2", 20)]), "made anew since");
    }

    #[test]
    fn a_store_that_lacks_a_write_an_object_or_a_deletion_has_not() {
        assert!(is_ahead_of([of("a", "1", 9), of("b", "2", 20)]), "a write");
        assert!(is_ahead_of([of("a", "1", 10)]), "an object");
        assert!(
            is_ahead_of([of("a", "1", 10), of("b", "2", 20), of("c", "3", 15)]),
            "a deletion"
        );
        assert!(is_ahead_of([of("a", "0", 9), of("b", "2", 20)]), "another life");
        assert!(is_ahead_of([]));
    }
}
