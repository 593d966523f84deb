//! One page of a list.
use super::{Document, FromDocument, Unreadable, check_size, parse::json_problem};
use crate::{error::BodyProblem, redact::without_queries};
use serde::Deserialize;
use serde_json::Value;

/// What one page holds.
pub(crate) struct Page<T> {
    pub values: Vec<T>,
    /// Entities that are there but could not be understood.
    pub unreadable: usize,
    pub next: Option<String>,
}

/// `values` has no default: an answer without it is no empty list, else every entity would count as deleted.
#[derive(Deserialize)]
struct WirePage<V> {
    values: Vec<V>,
    #[serde(rename = "@nextLink", default = "none")]
    next: Option<String>,
}

fn none() -> Option<String> {
    None
}

/// Reads a page; an entity that breaks the rules is counted, not fatal.
pub(crate) fn read_page<T: FromDocument>(body: &[u8]) -> Result<Page<T>, BodyProblem> {
    check_size(body)?;
    match serde_json::from_slice::<WirePage<Document<'_>>>(body) {
        Ok(page) => Ok(collect(page.next, page.values.into_iter().map(T::from_document))),
        Err(error) if error.is_data() => read_loosely(body),
        Err(error) => Err(json_problem(&error)),
    }
}

/// The slow way, for pages in which some entity does not fit.
fn read_loosely<T: FromDocument>(body: &[u8]) -> Result<Page<T>, BodyProblem> {
    let page: WirePage<Value> = serde_json::from_slice(body).map_err(|error| json_problem(&error))?;
    let entities = page.values.iter().map(|value| {
        let document = Document::deserialize(value).map_err(|error| Unreadable(without_queries(&error.to_string())))?;
        T::from_document(document)
    });
    Ok(collect(page.next.clone(), entities))
}

fn collect<T>(next: Option<String>, entities: impl Iterator<Item = Result<T, Unreadable>>) -> Page<T> {
    let mut page = Page {
        values: Vec::with_capacity(entities.size_hint().0),
        unreadable: 0,
        next: next.filter(|link| !link.is_empty()),
    };
    for entity in entities {
        match entity {
            Ok(entity) => page.values.push(entity),
            Err(Unreadable(reason)) => {
                page.unreadable += 1;
                tracing::debug!(%reason, "an entity of a list is not understood");
            }
        }
    }
    page
}
