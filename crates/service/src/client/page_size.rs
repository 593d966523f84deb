//! How many entities a page is asked for: fewer after a page that was too large to be read.
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use url::Url;

/// Entities asked for per page; the service may give fewer.
pub(super) const PAGE_SIZE: usize = 100;

/// The page sizes of the lists whose entities are so large that a usual page of them cannot be read.
#[derive(Debug, Default)]
pub(super) struct PageSizes(Mutex<HashMap<&'static str, usize>>);

impl PageSizes {
    /// The size to begin a list with.
    pub(super) fn of(&self, route: &'static str) -> usize {
        let sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(route).copied().unwrap_or(PAGE_SIZE)
    }

    /// Remembers what could be read at most, so that the next look does not begin with what cannot.
    pub(super) fn note(&self, route: &'static str, size: usize) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.insert(route, size);
    }
}

/// What to ask for in place of a page that was too large.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Smaller {
    /// The same from the same entity on, with half of the entities.
    Page(String),
    /// One entity alone is too large: what follows it, as a page of the usual size.
    Past(String),
}

/// Half of a page, or what follows a single entity.
pub(super) fn smaller(url: &str, usual: usize) -> Option<Smaller> {
    let url = Url::parse(url).ok()?;
    let (skip, top) = (number(&url, "skip").unwrap_or(0), size(&url));
    Some(match top {
        0 | 1 => Smaller::Past(asked(&url, skip.checked_add(1)?, usual)),
        _ => Smaller::Page(asked(&url, skip, top / 2)),
    })
}

/// How many entities a URL asks for.
pub(super) fn size_of(url: &str) -> usize {
    Url::parse(url).map_or(PAGE_SIZE, |url| size(&url))
}

fn size(url: &Url) -> usize {
    number(url, "top").unwrap_or(PAGE_SIZE)
}

fn number(url: &Url, name: &str) -> Option<usize> {
    let mut pairs = url.query_pairs();
    let value = pairs.find_map(|(found, value)| is(&found, name).then_some(value))?;
    value.parse().ok()
}

/// Azure's lists take both spellings of their parameters.
fn is(found: &str, name: &str) -> bool {
    found.strip_prefix('$').unwrap_or(found).eq_ignore_ascii_case(name)
}

fn asked(url: &Url, skip: usize, top: usize) -> String {
    let mut asked = url.clone();
    let others = url.query_pairs();
    let others: Vec<_> = others
        .filter(|(name, _)| !is(name, "skip") && !is(name, "top"))
        .collect();
    let mut query = asked.query_pairs_mut();
    query.clear();
    query.append_pair("skip", &skip.to_string());
    query.append_pair("top", &top.to_string());
    query.extend_pairs(others);
    drop(query);
    asked.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_halved_and_a_single_entity_is_passed_over() {
        let smaller = |url: &str| smaller(url, 100);
        let page = |text: String| Some(Smaller::Page(text));
        let url = |query: &str| format!("https://x.example/speechtotext/models?{query}");
        assert_eq!(
            smaller(&url("top=100&api-version=1")),
            page(url("skip=0&top=50&api-version=1"))
        );
        assert_eq!(
            smaller(&url("$skip=40&$TOP=3&filter=a+b")),
            page(url("skip=40&top=1&filter=a+b"))
        );
        assert_eq!(smaller(&url("")), page(url("skip=0&top=50")));
        for one in ["skip=7&top=1", "skip=7&top=0"] {
            assert_eq!(smaller(&url(one)), Some(Smaller::Past(url("skip=8&top=100"))));
        }
        assert_eq!(smaller("nowhere"), None);
    }
}
