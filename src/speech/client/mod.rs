//! The client: one method per operation of the service.
//!
//! Every operation names the [`Lane`] of the budget that it draws on. Nothing is repeated here: reads are made again by
//! the next sweep, and whether a mutation may be, only the caller can know (see [`Error::perhaps_sent`]).
mod address;
mod datasets;
mod endpoints;
mod evaluations;
mod exchange;
mod listing;
mod models;
mod projects;
mod references;

use super::{
    base_url::BaseUrl,
    budget::{Budget, Lane},
    error::Error,
    key::{InvalidKey, SubscriptionKey},
    transport::Transport,
    version::ApiVersion,
};
use address::Address;
use std::{fmt, sync::Arc, time::Duration};

/// The longest that any request takes, from its start (after its turn in the budget came) to the end of its answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes after decompression.
pub const BODY_LIMIT: usize = 4 << 20;
/// How long the signed links to files stay valid.
const FILE_LINK_LIFETIME: Duration = Duration::from_secs(3600);

/// Hears of every answered request, for metrics.
pub trait Observer: Send + Sync {
    /// One request has ended. `route` is the name of the client's method; `outcome` is a status (`200`, `429`, ...; rare
    /// ones as `2xx` to `5xx`) or one of `dns`, `connect`, `tls`, `forbidden`, `timeout`, `transport`, `body`, `withheld`.
    /// Waiting for the budget is
    /// not part of `took`.
    fn answered(&self, route: &'static str, outcome: &'static str, took: Duration);
}

/// Nobody listens.
impl Observer for () {
    fn answered(&self, _route: &'static str, _outcome: &'static str, _took: Duration) {}
}

/// One entity, and when it is worth asking again.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The earliest useful next question while the entity is under way, as the service sees it.
    pub retry_after: Option<Duration>,
}

/// A whole list.
///
/// Paging is by offset: an entity that is deleted while the list is read lets another one slip through between two pages.
/// Ask for a missing entity by its id before taking it for deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    /// The entities, each once.
    pub values: Vec<T>,
    /// How many more entities there are that could not be understood; while there are any, absence proves nothing.
    pub unreadable: usize,
    /// The earliest useful next question, from the last page.
    pub retry_after: Option<Duration>,
}

/// Speaks with one Speech resource. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Arc<dyn Transport>,
    address: Address,
    key: SubscriptionKey,
    key_header: http::HeaderValue,
    budget: Arc<Budget>,
    observer: Arc<dyn Observer>,
}

impl Client {
    /// A client for one resource. The budget outlives a change of key or version: share it per resource.
    pub fn new(
        transport: Arc<dyn Transport>,
        base: BaseUrl,
        version: ApiVersion,
        key: SubscriptionKey,
        budget: Arc<Budget>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, InvalidKey> {
        let key_header = key.header_value()?;
        let address = Address::new(base, version);
        Ok(Self {
            inner: Arc::new(Inner {
                transport,
                address,
                key,
                key_header,
                budget,
                observer,
            }),
        })
    }

    /// The endpoint of the resource.
    pub fn base(&self) -> &BaseUrl {
        self.inner.address.base()
    }

    /// The version that is spoken.
    pub fn version(&self) -> ApiVersion {
        self.inner.address.version()
    }

    /// The budget that this client draws on.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.inner.budget
    }

    /// Proves host, path, version and key by the smallest read there is: one endpoint of the list.
    pub async fn health(&self, lane: Lane) -> Result<(), Error> {
        let url = self.inner.address.url("/endpoints", &[("top", "1")]);
        let answer = self.inner.read("health", lane, url).await?;
        super::wire::read_page::<super::entity::Endpoint>(answer.body())
            .map(drop)
            .map_err(|problem| Error::Body {
                route: "health",
                problem,
            })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", self.base())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
