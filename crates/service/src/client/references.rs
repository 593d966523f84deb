//! The parts that several bodies share: references to other entities, and our mark.
use super::Inner;
use crate::{
    entity::OwnerTag,
    error::Error,
    id::{EntityId, ModelId},
    wire::{BASE_MODELS, MODELS, Payload, Reference, custom_properties},
};
use std::{borrow::Cow, collections::BTreeMap};

/// No entries beside our mark.
pub(super) const NO_ENTRIES: &[(&str, &str)] = &[];

impl Inner {
    /// A model by its full URI.
    pub(super) fn model_reference(&self, id: ModelId) -> Reference {
        match id {
            ModelId::Base(id) => self.reference(BASE_MODELS, id),
            ModelId::Custom(id) => self.reference(MODELS, id),
        }
    }

    /// An entity by its full URI: the one that the service gave, where it is known.
    pub(super) fn reference(&self, collection: &'static str, id: EntityId) -> Reference {
        Reference(self.selves.of(&self.address, collection, id))
    }

    /// A project, left out where the version has none.
    pub(super) fn project_reference(&self, id: Option<EntityId>) -> Option<Reference> {
        let id = id.filter(|_| self.address.version().has_projects())?;
        Some(self.reference("projects", id))
    }

    /// Our mark, and the entries that stay beside it.
    pub(super) fn mark<'a, S: AsRef<str>>(
        &self,
        route: &'static str,
        owner: &'a OwnerTag,
        foreign: &'a [(S, S)],
    ) -> Result<BTreeMap<&'a str, Cow<'a, str>>, Error> {
        let foreign = foreign.iter().map(|(key, value)| (key.as_ref(), value.as_ref()));
        custom_properties(owner, foreign).map_err(|problem| Error::Unsendable { route, problem })
    }
}

/// The two members that every create needs and that the service wants not to be empty.
pub(super) fn named<'a>(route: &'static str, display_name: &'a str, locale: &'a str) -> Result<Payload<'a>, Error> {
    if display_name.is_empty() || locale.is_empty() {
        return Err(Error::Unsendable {
            route,
            problem: "displayName and locale must not be empty".to_owned(),
        });
    }
    Ok(Payload {
        display_name: Some(display_name),
        locale: Some(locale),
        ..Payload::default()
    })
}
