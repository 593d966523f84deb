//! Reads a list to its end.
use super::{Inner, Listing};
use crate::speech::{
    budget::Lane,
    error::{BodyProblem, Error},
    retry_after::retry_after,
    wire::{FromDocument, Page, read_page},
};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// Entities asked for per page; the service may give fewer.
const PAGE_SIZE: &str = "100";
/// More pages than any resource has.
const MOST_PAGES: usize = 1_000;
/// More entities than any resource has: its quotas are some hundreds of each kind.
const MOST_ENTITIES: usize = 20_000;

impl Inner {
    /// Follows a list from its path, with an optional filter in the service's language.
    pub(super) async fn list<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        path: &str,
        filter: Option<&str>,
    ) -> Result<Listing<T>, Error> {
        let mut query = vec![("top", PAGE_SIZE)];
        query.extend(filter.map(|filter| ("filter", filter)));
        self.list_from(route, lane, self.address.url(path, &query)).await
    }

    /// Follows a list of files, whose links are signed for a while.
    pub(super) async fn list_files<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        path: &str,
        lifetime: Duration,
    ) -> Result<Listing<T>, Error> {
        let (name, value) = self.address.link_lifetime(lifetime);
        self.list_from(
            route,
            lane,
            self.address.url(path, &[("top", PAGE_SIZE), (name, &value)]),
        )
        .await
    }

    /// Follows a list from its first URL. Each page draws on the budget.
    async fn list_from<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        first: String,
    ) -> Result<Listing<T>, Error> {
        let mut listing = Listing {
            values: Vec::new(),
            unreadable: 0,
            retry_after: None,
        };
        let mut seen_links = HashSet::new();
        let mut next = Some(first);
        while let Some(url) = next {
            if seen_links.len() == MOST_PAGES || !seen_links.insert(fingerprint(&url)) {
                return Err(Error::Body {
                    route,
                    problem: BodyProblem::EndlessList,
                });
            }
            let answer = self.read(route, lane, url).await?;
            let page: Page<T> = read_page(answer.body()).map_err(|problem| Error::Body { route, problem })?;
            listing.retry_after = retry_after(answer.headers());
            listing.unreadable += page.unreadable;
            if listing.values.is_empty() {
                listing.values = page.values;
            } else {
                listing.values.extend(page.values);
            }
            if listing.values.len() > MOST_ENTITIES {
                return Err(Error::Body {
                    route,
                    problem: BodyProblem::TooManyEntities { limit: MOST_ENTITIES },
                });
            }
            next = page.next.map(|link| self.own_link(route, &link)).transpose()?;
        }
        if seen_links.len() > 1 {
            drop_repeated(&mut listing.values);
        }
        Ok(listing)
    }
}

/// Pages are cut by offset: what is created meanwhile pushes an entity from one page to the next, and it comes twice.
fn drop_repeated<T: FromDocument>(values: &mut Vec<T>) {
    let mut seen = HashSet::with_capacity(values.len());
    values.retain(|value| value.id().is_none_or(|id| seen.insert(id)));
    values.shrink_to_fit();
}

/// Links are long and only compared.
fn fingerprint(link: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    link.hash(&mut hasher);
    hasher.finish()
}
