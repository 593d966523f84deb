//! Reads a list to its end.
use super::{
    Inner, Listing, ReadToItsEnd,
    page_size::{PAGE_SIZE, Smaller, size_of, smaller},
};
use crate::{
    error::{BodyProblem, Error},
    request::Lane,
    retry_after::retry_after,
    wire::{FromDocument, Page, read_page},
};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// More pages than any resource has.
const MOST_PAGES: usize = 1_000;
/// More entities than any resource has: its quotas are some hundreds of each kind.
const MOST_ENTITIES: usize = 20_000;
/// So many entities of a list may be too large to be read, each by itself.
const MOST_OVERSIZED: usize = 5;

impl Inner {
    /// Follows a list from its path, with an optional filter in the service's language.
    pub(super) async fn list<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        path: &str,
        filter: Option<&str>,
    ) -> Result<Listing<T>, Error> {
        let top = self.page_sizes.of(route).to_string();
        let mut query = vec![("top", &*top)];
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
        let top = self.page_sizes.of(route).to_string();
        let first = self.address.url(path, &[("top", &top), (name, &value)]);
        self.list_from(route, lane, first).await
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
            _read: ReadToItsEnd,
        };
        let mut seen_links = HashSet::new();
        let (mut oversized, mut largest) = (0, 0);
        let mut next = Some(first);
        while let Some(url) = next {
            if seen_links.len() == MOST_PAGES || !seen_links.insert(fingerprint(&url)) {
                return Err(Error::Body {
                    route,
                    problem: BodyProblem::EndlessList,
                });
            }
            let page: Page<T> = match self.page(route, lane, &url, &mut listing.retry_after).await {
                Ok(page) => page,
                Err(error) => {
                    let too_large = matches!(&error, Error::Body { problem, .. } if problem.is_too_large());
                    let Some(instead) = too_large.then(|| smaller(&url, PAGE_SIZE)).flatten() else {
                        return Err(error);
                    };
                    next = Some(match instead {
                        Smaller::Page(url) => url,
                        Smaller::Past(_) if oversized == MOST_OVERSIZED => return Err(error),
                        Smaller::Past(url) => {
                            tracing::warn!(route, %error, "an entity of a list is too large to be read; what follows it is");
                            oversized += 1;
                            listing.unreadable += 1;
                            url
                        }
                    });
                    continue;
                }
            };
            largest = largest.max(size_of(&url));
            listing.unreadable += page.unreadable;
            page.values.iter().for_each(|value| self.learn(value));
            if listing.values.is_empty() {
                listing.values = page.values;
            } else {
                listing.values.extend(page.values);
            }
            next = page.next.map(|link| self.own_link(route, &link, &url)).transpose()?;
            if listing.values.len() > MOST_ENTITIES {
                // What lies beyond counts as not understood: it is there, and its absence here proves nothing.
                tracing::warn!(route, limit = MOST_ENTITIES, "a list has more entities than are read");
                listing.unreadable += usize::from(next.take().is_some());
            }
        }
        self.page_sizes.note(route, largest);
        if seen_links.len() > 1 {
            drop_repeated(&mut listing.values);
        }
        Ok(listing)
    }

    async fn page<T: FromDocument>(
        &self,
        route: &'static str,
        lane: Lane,
        url: &str,
        rest: &mut Option<Duration>,
    ) -> Result<Page<T>, Error> {
        let answer = self.read(route, lane, url.to_owned()).await?;
        let page = read_page(answer.body()).map_err(|problem| Error::Body { route, problem })?;
        *rest = retry_after(answer.headers());
        Ok(page)
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
