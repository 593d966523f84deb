//! The client: one method per operation of the service.
//!
//! Every operation names the [`Lane`] of the budget that it draws on. Nothing is repeated here: reads are made again by
//! the next sweep, and whether a mutation may be, only the caller can know (see [`Error::perhaps_sent`]). A client that was
//! asked to be [`Client::patient`] repeats what certainly had no effect.
mod address;
mod datasets;
mod endpoints;
mod evaluations;
mod exchange;
mod listing;
mod models;
mod page_size;
mod presence;
mod projects;
mod references;
mod selves;

use super::{
    base_url::BaseUrl, budget::Budget, credential::Credential, error::Error, request::Lane, skew::SkewMeter,
    transport::Transport, version::ApiVersion,
};
pub use presence::{Kind, Presence, Removable, Witness};

use address::Address;
use jiff::Timestamp;
use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

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
    /// Nobody but the client makes one.
    _read: ReadToItsEnd,
}

/// That a list was read to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ReadToItsEnd;

/// Speaks with one Speech resource. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Arc<dyn Transport>,
    address: Address,
    selves: selves::Selves,
    page_sizes: page_size::PageSizes,
    credential: RwLock<Credential>,
    budget: Arc<Budget>,
    observer: Arc<dyn Observer>,
    timing: Option<Timing>,
    is_patient: bool,
    is_closed: AtomicBool,
    is_trusted: AtomicBool,
    lists: presence::Lists,
}

/// What compares the service's clock with ours.
struct Timing {
    meter: Arc<SkewMeter>,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Client {
    /// A client for one resource. The budget outlives a change of credential or version: share it per resource.
    pub fn new(
        transport: Arc<dyn Transport>,
        base: BaseUrl,
        version: ApiVersion,
        credential: impl Into<Credential>,
        budget: Arc<Budget>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let credential = RwLock::new(credential.into());
        let address = Address::new(base, version);
        Self {
            inner: Arc::new(Inner {
                transport,
                address,
                selves: selves::Selves::default(),
                page_sizes: page_size::PageSizes::default(),
                credential,
                budget,
                observer,
                timing: None,
                is_patient: false,
                is_closed: AtomicBool::new(false),
                is_trusted: AtomicBool::new(true),
                lists: presence::Lists::default(),
            }),
        }
    }

    /// The same client, which compares the service's clock with ours at every answer. To be asked for before the client is
    /// cloned.
    pub fn measuring(mut self, meter: Arc<SkewMeter>, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            let now = Box::new(now);
            inner.timing = Some(Timing { meter, now });
        }
        self
    }

    /// The same client, which asks again by itself where that is safe (see [`exchange`]). To be asked for before the client
    /// is cloned.
    pub fn patient(mut self) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.is_patient = true;
        }
        self
    }

    /// Uses another credential from now on, also for requests that wait for their turn. Those under way end with the old one.
    pub fn authenticate(&self, credential: Credential) {
        *self.inner.credential.write().unwrap_or_else(PoisonError::into_inner) = credential;
    }

    /// Whether another client reaches the same place, as far as address and credential tell.
    pub fn reaches_as(&self, other: &Self) -> bool {
        let (one, other_one) = (self.inner.credential(), other.inner.credential());
        let is_one = one.is_same_key(&other_one) || one.follows_address() || other_one.follows_address();
        self.base() == other.base() && is_one
    }

    /// Whether this is the key that is sent.
    pub fn has_key(&self, credential: &Credential) -> bool {
        self.inner.credential().is_same_key(credential)
    }

    /// Sends nothing more. What is under way ends as it does.
    pub fn close(&self) {
        self.inner.is_closed.store(true, Ordering::Relaxed);
    }

    /// Says whether this is known to be the resource that is meant. While it is not, requests that change something are not
    /// sent, and nothing proves that an entity is gone.
    pub fn trust(&self, trusted: bool) {
        self.inner.is_trusted.store(trusted, Ordering::SeqCst);
    }

    /// Whether this is known to be the resource that is meant; so it is unless somebody said otherwise.
    pub fn is_trusted(&self) -> bool {
        self.inner.is_trusted.load(Ordering::SeqCst)
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

    /// Proves host, path, version and credential by the smallest read there is: one endpoint of the list.
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
mod tests;
