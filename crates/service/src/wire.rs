//! The JSON on the wire. Reading is tolerant (unknown members, unknown words, null like absent), writing is strict.
mod bounds;
mod document;
mod page;
mod parse;
mod payload;
mod properties;

pub(super) use bounds::check_size;
pub(super) use document::Document;
#[cfg(test)]
pub(super) use document::FromWord;
pub(super) use page::{Page, read_page};
pub(super) use parse::{BASE_MODELS, DATASETS, FromDocument, MODELS, Unreadable, read_one};
pub(super) use payload::{Payload, PayloadProperties, Reference, custom_properties};
