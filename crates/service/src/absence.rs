//! That an entity is gone is a fact with a type of its own.
//!
//! Gateways, captive portals, wrong addresses and retired versions answer 404 as well, and an empty list may be a lie. So
//! [`Absent`] is made in one place only, `client/presence.rs`: from the service's own answer about that very id, while lists
//! of that kind can be read and lack it.
use crate::id::EntityId;
use std::marker::PhantomData;

/// Proof that it was the Speech service that answered: it showed an entity, or said of one that it does not have it. An
/// empty list is none; anything can answer with an empty list.
#[derive(Clone, Copy, Debug)]
pub struct Heard(());

impl Heard {
    /// For `client/presence.rs` only.
    #[cfg(any(feature = "client", feature = "testing", test))]
    pub(crate) fn proven() -> Self {
        Self(())
    }

    /// What a world without a service takes for proven.
    #[cfg(any(test, feature = "testing"))]
    pub fn assumed() -> Self {
        Self::proven()
    }
}

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

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn makers(proof: &str, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                makers(proof, &path, found);
            } else if std::fs::read_to_string(&path).unwrap().contains(proof) {
                found.push(path.file_name().unwrap().display().to_string());
            }
        }
    }

    #[test]
    fn one_file_alone_proves_an_absence_and_who_answered() {
        for proof in [concat!("Absent::", "proven("), concat!("Heard::", "proven(")] {
            let mut found = Vec::new();
            makers(proof, &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
            assert_eq!(found, ["presence.rs"], "{proof}");
        }
    }
}
