//! The reflector of a Speech resource: reads its lists once per interval, more often what somebody waits for, and wakes
//! the objects whose remote side changed. At rest there is no request per object.
use super::{
    super::{Context, wake},
    List, Remote, broken,
};
use crate::{
    api::SpeechConnection,
    plan::connection::{Contact, Counts},
    speech::{Answer, Client, EntityId, Error, ErrorKind, Lane, Listing},
    view::{self, Changes, Shelf, View},
};
use jiff::{SignedDuration, Timestamp};
use kube::runtime::reflector::ObjectRef;
use std::{
    collections::HashSet,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Base models appear a few times a year.
const BASE_MODEL_INTERVAL: SignedDuration = SignedDuration::from_mins(10);
/// The shortest time between two looks at what is under way.
const FASTEST: Duration = Duration::from_secs(1);
/// The longest that the service may put off a look.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// So many sweeps may fail for reasons that pass by themselves before the connection counts as broken.
const PATIENCE: u32 = 3;

/// What a sweep reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub endpoints: bool,
    pub models: bool,
    pub base_models: bool,
}

/// The loop's own memory.
struct Sweeper {
    context: Arc<Context>,
    key: ObjectRef<SpeechConnection>,
    remote: Arc<Remote>,
    failures: u32,
    full_at: Option<Timestamp>,
    base_models_at: Option<Timestamp>,
}

/// Sweeps until the connection goes.
pub async fn run(
    context: Arc<Context>,
    key: ObjectRef<SpeechConnection>,
    remote: Arc<Remote>,
    token: CancellationToken,
) {
    let mut sweeper = Sweeper {
        context,
        key,
        remote,
        failures: 0,
        full_at: None,
        base_models_at: None,
    };
    let work = async {
        loop {
            sweeper.wait().await;
            sweeper.sweep().await;
        }
    };
    tokio::select! {
        () = token.cancelled() => {}
        () = work => {}
    }
}

impl Sweeper {
    /// Waits until a list is due, until it is worth looking for what somebody waits for, or until the connection changed.
    async fn wait(&self) {
        loop {
            let due = async {
                match self.full_at {
                    Some(_) if self.remote.link().is_some_and(|link| link.retired) => std::future::pending().await,
                    Some(at) => self.context.clock.sleep_until(at).await,
                    None if self.remote.link().is_some() => {}
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => return,
                () = self.impatient() => return,
                () = self.remote.nudged.notified() => return,
                // Somebody waits for something else now.
                () = self.remote.hurried.notified() => {}
            }
        }
    }

    /// The moment at which the next look for what is awaited is due: soon at first, then ever less often, and never
    /// before the service says that it is worth it.
    async fn impatient(&self) {
        let Some(waited) = self.remote.impatience().1 else {
            return std::future::pending().await;
        };
        let pause = (waited / 10).clamp(FASTEST, self.remote.poll_interval().max(FASTEST));
        let rest = self.remote.rest().unwrap_or(Timestamp::MIN);
        tokio::join!(tokio::time::sleep(pause), self.context.clock.sleep_until(rest));
    }

    async fn sweep(&mut self) {
        let Some(link) = self.remote.link() else { return };
        let now = self.context.clock.now();
        let (awaited, _) = self.remote.impatience();
        if link.retired && awaited.is_empty() {
            return;
        }
        let full = self.full_at.is_none_or(|at| at <= now) || self.failures > 0 || awaited.is_empty();
        let scope = Scope {
            endpoints: full || awaited.contains(&List::Endpoints),
            models: full || awaited.contains(&List::Models),
            base_models: full && self.base_models_at.is_none_or(|at| at <= now),
        };
        let began = Instant::now();
        let recorded = match self.remote.view().is_complete() {
            true => wake::Recorded::default(),
            false => wake::recorded(&self.context, &self.key),
        };
        match read(&self.remote, &link.client, scope, &recorded, now).await {
            Ok(seen) => self.succeeded(scope, full && !link.retired, now, seen),
            Err(error) => self.failed(&error, now, link.retired),
        }
        self.context.metrics.swept(&self.key, began.elapsed());
    }

    fn succeeded(&mut self, scope: Scope, full: bool, now: Timestamp, seen: Seen) {
        self.failures = 0;
        self.remote.rest_until(
            seen.retry_after
                .and_then(|wait| now.checked_add(wait.min(LONGEST_REST)).ok()),
        );
        if full {
            self.full_at = Some(now + signed(self.remote.poll_interval()));
            self.context.metrics.swept_whole(&self.key, now);
        }
        if scope.base_models {
            self.base_models_at = Some(now + BASE_MODEL_INTERVAL);
        }
        wake::on_remote(&self.context, &self.key, &self.remote, &seen.changes);
        if full {
            let counts = counts(&self.remote.view());
            self.remote
                .set_contact(&self.context, &self.key, Contact::Established(counts));
        }
    }

    fn failed(&mut self, error: &Error, now: Timestamp, retired: bool) {
        self.failures = self.failures.saturating_add(1);
        let pause = FASTEST * 2_u32.saturating_pow(self.failures.saturating_sub(1).min(10));
        let pause = error
            .retry_after()
            .unwrap_or(pause)
            .min(self.remote.poll_interval())
            .max(FASTEST);
        self.full_at = Some(now + signed(pause));
        tracing::warn!(connection = %self.key, %error, failures = self.failures, "the Speech resource cannot be read");
        let counts = match &*self.remote.contact() {
            Contact::Established(counts) => Some(*counts),
            Contact::Broken { counts, .. } => *counts,
            Contact::Pending => None,
        };
        let contact = broken(error, counts);
        let passes = matches!(contact, Contact::Broken { transient: true, .. });
        if retired || (passes && self.failures < PATIENCE && counts.is_some()) {
            return;
        }
        self.remote.set_contact(&self.context, &self.key, contact);
    }
}

fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

pub(crate) fn counts(view: &View) -> Counts {
    Counts {
        endpoints: view.endpoints.len(),
        models: view.models.len(),
        base_models: view.base_models.len(),
    }
}

/// What a sweep brought.
#[derive(Default)]
pub(crate) struct Seen {
    pub changes: Changes,
    pub retry_after: Option<Duration>,
}

/// Reads the lists side by side.
pub(crate) async fn read(
    remote: &Remote,
    client: &Client,
    scope: Scope,
    recorded: &wake::Recorded,
    now: Timestamp,
) -> Result<Seen, Error> {
    let endpoints = read_list(
        remote,
        scope.endpoints,
        &recorded.endpoints,
        now,
        |view| &mut view.endpoints,
        client.list_endpoints(Lane::Sweep, None),
        |id| client.get_endpoint(Lane::Sweep, id),
    );
    let models = read_list(
        remote,
        scope.models,
        &recorded.models,
        now,
        |view| &mut view.models,
        client.list_custom_models(Lane::Sweep, None),
        |id| client.get_custom_model(Lane::Sweep, id),
    );
    let base_models = read_list(
        remote,
        scope.base_models,
        &[],
        now,
        |view| &mut view.base_models,
        client.list_base_models(Lane::Sweep, None),
        |id| client.get_base_model(Lane::Sweep, id),
    );
    let (endpoints, models, base_models) = futures::try_join!(endpoints, models, base_models)?;
    Ok(Seen {
        retry_after: endpoints.1.max(models.1),
        changes: Changes {
            endpoints: endpoints.0,
            models: models.0,
            base_models: base_models.0,
        },
    })
}

type News = (HashSet<EntityId>, Option<Duration>);

/// Reads one list into its shelf. What the list lacks is asked for by id before it is forgotten: a list may lag, and
/// paging by offset may skip.
async fn read_list<T: view::Remote, G: Future<Output = Result<Answer<T>, Error>>>(
    remote: &Remote,
    wanted: bool,
    recorded: &[EntityId],
    now: Timestamp,
    shelf: fn(&mut View) -> &mut Shelf<T>,
    list: impl Future<Output = Result<Listing<T>, Error>>,
    get: impl Fn(EntityId) -> G,
) -> Result<News, Error> {
    if !wanted {
        return Ok((HashSet::new(), None));
    }
    let began = shelf(&mut remote.view_mut()).begin();
    let listing = list.await?;
    let retry_after = listing.retry_after;
    if !shelf(&mut remote.view_mut()).is_known() {
        // Nothing is remembered after a start: what a status names is asked for before the lack in a list says anything.
        let listed: HashSet<_> = listing.values.iter().map(|entity| entity.header().id).collect();
        for id in recorded.iter().filter(|id| !listed.contains(id)) {
            match get(*id).await {
                Ok(answer) => drop(shelf(&mut remote.view_mut()).read(answer.value, began)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    if listing.unreadable > 0 {
        // Absence proves nothing in a list that was not wholly understood.
        tracing::warn!(
            unreadable = listing.unreadable,
            "some entities of a list could not be understood"
        );
        let news = shelf(&mut remote.view_mut()).swept_partly(listing.values, began);
        return Ok((news, retry_after));
    }
    let (mut news, missing) = shelf(&mut remote.view_mut()).swept(listing.values, began, now);
    for id in missing {
        let began = shelf(&mut remote.view_mut()).begin();
        match get(id).await {
            Ok(answer) => {
                if shelf(&mut remote.view_mut()).read(answer.value, began) {
                    news.insert(id);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if shelf(&mut remote.view_mut()).vanished(id, began) {
                    news.insert(id);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok((news, retry_after))
}
