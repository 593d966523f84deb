//! By which URIs the service knows its entities: those that it gave as `self`.
//!
//! Behind a gateway they are not below our own endpoint, and a reference of ours would lead nowhere. The base of the first
//! `self` serves for all; an entity whose `self` is not what follows from it is remembered by itself.
use super::{Address, Inner};
use crate::{base_url::SERVICE, id::EntityId, wire::FromDocument};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

/// More exceptions than any resource has entities.
const MOST: usize = 20_000;

/// What was learned of a service.
#[derive(Debug, Default)]
pub(super) struct Selves(RwLock<Learned>);

#[derive(Debug, Default)]
struct Learned {
    base: Option<Box<str>>,
    others: HashMap<(&'static str, EntityId), Box<str>>,
}

impl Selves {
    /// Learns from what an answer says.
    pub(super) fn note(&self, address: &Address, collection: &'static str, id: EntityId, uri: &str) {
        let Some(base) = uri.rfind(SERVICE).and_then(|at| uri.get(..at)) else {
            return;
        };
        let learned = self.learned();
        let expected = learned.base.as_deref().unwrap_or(base);
        let is_known = learned.base.is_some() && !learned.others.contains_key(&(collection, id));
        let follows = address.entity_at(expected, collection, id) == uri;
        if is_known && follows {
            return;
        }
        drop(learned);
        let mut learned = self.0.write().unwrap_or_else(PoisonError::into_inner);
        learned.base.get_or_insert_with(|| base.into());
        if follows {
            learned.others.remove(&(collection, id));
        } else if learned.others.len() < MOST {
            learned.others.insert((collection, id), uri.into());
        }
    }

    /// The URI of an entity as the service has it, or as it would have it.
    pub(super) fn of(&self, address: &Address, collection: &'static str, id: EntityId) -> String {
        let learned = self.learned();
        if let Some(uri) = learned.others.get(&(collection, id)) {
            return uri.to_string();
        }
        let base = learned.base.as_deref().unwrap_or(address.base().as_str());
        address.entity_at(base, collection, id)
    }

    fn learned(&self) -> RwLockReadGuard<'_, Learned> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Learns from an entity of an answer by which URI the service knows it.
    pub(super) fn learn<T: FromDocument>(&self, entity: &T) {
        if let Some((collection, id, uri)) = entity.known_as() {
            self.selves.note(&self.address, collection, id, uri);
        }
    }
}
