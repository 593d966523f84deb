//! That an entity is gone is a fact with a type of its own.
//!
//! Gateways, captive portals, wrong addresses and retired versions answer 404 as well, and an empty list may be a lie. So
//! [`Absent`] is made in one place only, `client/presence.rs`: from the service's own answer about that very id, while lists
//! of that kind can be read and lack it.
use crate::id::EntityId;
use std::marker::PhantomData;

/// Proof that the Speech resource does not have an entity.
#[derive(Debug, PartialEq, Eq)]
pub struct Absent<T> {
    id: EntityId,
    kind: PhantomData<fn() -> T>,
}

impl<T> Absent<T> {
    /// For `client/presence.rs` only.
    #[cfg(any(feature = "client", feature = "testing", test))]
    pub(crate) fn proven(id: EntityId) -> Self {
        Self { id, kind: PhantomData }
    }

    /// Which entity is gone.
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// What a world without a service takes for proven.
    #[cfg(any(test, feature = "testing"))]
    pub fn assumed(id: EntityId) -> Self {
        Self::proven(id)
    }
}
