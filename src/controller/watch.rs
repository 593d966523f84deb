//! The one way to watch a kind: its own pace after errors, which never delay another watch, and bulk stripped before caching.
//!
//! Every step has a bound, because a connection that is half-dead never ends: a page of the list, the opening of the watch,
//! and the silence between two words of the apiserver.
mod kept;
mod pace;
mod readable;

use super::{
    Context,
    part::Lacking,
    store::{Indexed, Store, Writer},
};
use crate::liveness::WatchPulse;
use futures::StreamExt;
pub use kept::{Kept, receive};
use kube::{
    Api, Resource,
    api::{ListParams, WatchEvent, WatchParams},
    core::Status,
    runtime::reflector::ObjectRef,
};
use pace::{End, Next, Pace};
pub use readable::Readable;
use serde::de::DeserializeOwned;
use std::{collections::HashSet, fmt::Debug, pin::pin, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It appeared or changed.
    Applied,
    /// It went.
    Deleted,
}

/// The bounds of the steps.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// The longest wait for a page of the list, or for the watch to open.
    answer: Duration,
    /// The apiserver is asked to close a watch after so long, and up to a quarter more.
    lasts: Duration,
    /// An apiserver that sends bookmarks sends one a minute; without one for so long the connection is taken for dead.
    bookmark: Duration,
    /// So long after the apiserver should have closed the watch the connection is taken for dead in any case.
    margin: Duration,
    /// A watch that was closed sooner than this and brought nothing was of no use.
    bare: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            lasts: Duration::from_secs(240),
            bookmark: Duration::from_secs(90),
            margin: Duration::from_secs(15),
            bare: Duration::from_secs(10),
        }
    }
}

/// A watch and what it fills.
struct Watch<K: Indexed, T> {
    api: Api<Readable<K>>,
    selection: ListParams,
    writer: Writer<K>,
    store: Store<K>,
    context: Arc<Context>,
    tell: T,
    kind: String,
    pulse: Arc<WatchPulse>,
    bounds: Bounds,
    pace: Pace,
    /// Whether this apiserver sends bookmarks by itself.
    bookmarks: bool,
    unreadable: HashSet<ObjectRef<K>>,
    /// Whether the cluster lacks the kind or the namespace.
    is_absent: bool,
}

/// How a step ended, and the version to go on from, unless the list has to be read anew.
struct Ended {
    end: End,
    version: Option<String>,
}

/// Fills a store from a watch, for ever, and tells of every event after the store has it. `selection` says which objects,
/// and how many of them a page of the list holds.
pub async fn run<K>(
    api: Api<Readable<K>>,
    selection: ListParams,
    writer: Writer<K>,
    context: Arc<Context>,
    tell: impl Fn(&Context, &K, Seen),
) where
    K: Kept + Indexed + Debug + DeserializeOwned + Send + Sync,
{
    Watch::new(api, selection, writer, context, tell).run().await;
}

impl<K, T> Watch<K, T>
where
    K: Kept + Indexed + Debug + DeserializeOwned + Send + Sync,
    T: Fn(&Context, &K, Seen),
{
    fn new(api: Api<Readable<K>>, selection: ListParams, writer: Writer<K>, context: Arc<Context>, tell: T) -> Self {
        let kind = K::kind(&()).into_owned();
        Self {
            api,
            selection,
            store: writer.reader(),
            pulse: context.metrics.liveness().watch(&kind, writer.part().namespace()),
            writer,
            context,
            tell,
            kind,
            bounds: Bounds::default(),
            pace: Pace::default(),
            bookmarks: false,
            unreadable: HashSet::new(),
            is_absent: false,
        }
    }

    async fn run(&mut self) {
        let mut version = None;
        loop {
            let ended = match version.take() {
                None => self.list().await,
                Some(version) => self.follow(version).await,
            };
            self.pulse.stir();
            let next = self.pace.after(ended.end, chance());
            version = ended.version.filter(|_| !next.anew);
            self.rest(next).await;
        }
    }

    async fn rest(&self, next: Next) {
        let pause = tokio::time::sleep(next.pause);
        if next.until_recovery {
            tokio::select! {
                () = pause => {}
                () = self.context.metrics.liveness().recovery() => {}
            }
        } else if !next.pause.is_zero() {
            pause.await;
        }
        self.pulse.stir();
    }

    /// The apiserver said something.
    fn hear(&mut self) {
        self.pulse.hear();
        if self.pace.is_answered() {
            tracing::info!(kind = self.kind, "the apiserver answers again");
            self.context.metrics.liveness().recovered();
        }
    }

    /// Reads the list, page by page. The store changes when all of it is there; only then is anybody told, because before
    /// references would seem to be missing.
    async fn list(&mut self) -> Ended {
        self.writer.begin_list();
        let mut params = self.selection.clone();
        let mut listed = Vec::new();
        let mut broken = HashSet::new();
        let version = loop {
            let page = match timeout(self.bounds.answer, self.api.list(&params)).await {
                Ok(Ok(page)) => page,
                Ok(Err(error)) => {
                    let residence = &self.context.residence;
                    let lacking = residence.nothing_to_list::<K>(&error, self.writer.part()).await;
                    return match lacking {
                        Some(lacking) => self.absent(&lacking),
                        None => self.failed(&error, None),
                    };
                }
                Err(_) => return self.unanswered("the list did not come", None),
            };
            self.hear();
            for object in page.items {
                match object {
                    Readable::Whole(mut object) => {
                        receive(&self.context.clock, &mut object);
                        listed.push(ObjectRef::from_obj(&object));
                        self.writer.list(object);
                    }
                    Readable::Broken { meta, error } => {
                        let key = key(&meta);
                        self.tell_unreadable(&key, &error);
                        // What was known of it stays true for the others.
                        if let Some(known) = self.known(&key, meta.uid.as_deref()) {
                            self.writer.list(known);
                        }
                        broken.insert(key);
                    }
                }
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => break page.metadata.resource_version.filter(|version| !version.is_empty()),
            }
        };
        self.listed(&listed, broken);
        self.is_absent = false;
        match version {
            Some(version) => Ended {
                end: End::Listed,
                version: Some(version),
            },
            None => self.refused("the list has no version", None, None),
        }
    }

    /// What would be listed is lacking, which is as good as an empty list; it may come at any time.
    fn absent(&mut self, lacking: &Lacking) -> Ended {
        self.hear();
        if !std::mem::replace(&mut self.is_absent, true) {
            tracing::warn!(
                kind = self.kind,
                "the cluster has no {lacking}; it is watched as soon as there is one"
            );
        }
        self.writer.begin_list();
        self.listed(&[], HashSet::new());
        Ended {
            end: End::Absent,
            version: None,
        }
    }

    /// The whole list is there. What went while nobody watched is told as well: the list only lacks it.
    fn listed(&mut self, listed: &[ObjectRef<K>], broken: HashSet<ObjectRef<K>>) {
        let before = self.writer.known();
        self.writer.end_list();
        self.unreadable = broken;
        self.count_unreadable();
        for object in &before {
            let now = self.store.get(&ObjectRef::from_obj(&**object));
            if now.is_none_or(|now| now.meta().uid != object.meta().uid) {
                (self.tell)(&self.context, object, Seen::Deleted);
            }
        }
        for object in listed.iter().filter_map(|key| self.store.get(key)) {
            (self.tell)(&self.context, &object, Seen::Applied);
        }
    }

    /// Watches from a version on until the watch ends.
    async fn follow(&mut self, mut version: String) -> Ended {
        let lasts = self.bounds.lasts.mul_f64(1.0 + chance() / 4.0);
        let params = WatchParams {
            label_selector: self.selection.label_selector.clone(),
            field_selector: self.selection.field_selector.clone(),
            timeout: u32::try_from(lasts.as_secs()).ok(),
            bookmarks: true,
            send_initial_events: false,
        };
        let began = Instant::now();
        let opened = match timeout(self.bounds.answer, self.api.watch(&params, &version)).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return self.failed(&error, Some(version)),
            Err(_) => return self.unanswered("the watch did not open", Some(version)),
        };
        let mut events = pin!(opened);
        self.hear();
        let mut brought = false;
        loop {
            let event = match timeout(self.patience(lasts), events.next()).await {
                Ok(Some(Ok(event))) => event,
                Ok(Some(Err(error))) => return self.failed(&error, Some(version)),
                Ok(None) => return self.closed(brought || began.elapsed() >= self.bounds.bare, version),
                Err(_) => return self.silent(version),
            };
            if let WatchEvent::Error(status) = event {
                return self.failed_with(&status, Some(version));
            }
            brought = true;
            self.hear();
            self.pace.does_well();
            match self.take(event) {
                Some(reached) if !reached.is_empty() => version = reached,
                Some(_) | None => return self.refused("an event has no version", None, None),
            }
        }
    }

    /// How long the apiserver may be silent.
    fn patience(&self, lasts: Duration) -> Duration {
        let closes = lasts + self.bounds.margin;
        if self.bookmarks {
            closes.min(self.bounds.bookmark)
        } else {
            closes
        }
    }

    /// Takes an event; returns the version that is reached with it.
    fn take(&mut self, event: WatchEvent<Readable<K>>) -> Option<String> {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                let reached = object.meta().resource_version.clone();
                match object {
                    Readable::Whole(object) => self.apply(object),
                    Readable::Broken { meta, error } => {
                        let key = key(&meta);
                        self.tell_unreadable(&key, &error);
                        self.unreadable.insert(key);
                        self.count_unreadable();
                    }
                }
                reached
            }
            WatchEvent::Deleted(object) => {
                let reached = object.meta().resource_version.clone();
                match object {
                    Readable::Whole(object) => self.delete(object),
                    Readable::Broken { meta, .. } => {
                        let key = key(&meta);
                        if let Some(known) = self.known(&key, None) {
                            self.delete(known);
                        }
                        self.reads_again(&key);
                    }
                }
                reached
            }
            WatchEvent::Bookmark(bookmark) => {
                self.bookmarks = true;
                Some(bookmark.metadata.resource_version)
            }
            WatchEvent::Error(_) => None,
        }
    }

    fn apply(&mut self, mut object: K) {
        receive(&self.context.clock, &mut object);
        self.reads_again(&ObjectRef::from_obj(&object));
        if let Some(object) = self.writer.apply(object) {
            (self.tell)(&self.context, &object, Seen::Applied);
        }
    }

    fn delete(&mut self, mut object: K) {
        receive(&self.context.clock, &mut object);
        self.reads_again(&ObjectRef::from_obj(&object));
        self.writer.delete(&object);
        (self.tell)(&self.context, &object, Seen::Deleted);
    }

    /// The object of the store, if it is the same one.
    fn known(&self, key: &ObjectRef<K>, uid: Option<&str>) -> Option<K> {
        let known = self.store.get(key)?;
        (uid.is_none() || known.meta().uid.as_deref() == uid).then(|| (*known).clone())
    }

    fn reads_again(&mut self, key: &ObjectRef<K>) {
        if self.unreadable.remove(key) {
            self.count_unreadable();
        }
    }

    fn count_unreadable(&self) {
        let all = self.unreadable.iter();
        let named = all.map(|key| (key.namespace.clone().unwrap_or_default(), key.name.clone()));
        self.pulse.cannot_read(named.collect());
    }

    fn tell_unreadable(&self, key: &ObjectRef<K>, error: &str) {
        tracing::error!(kind = self.kind, object = %crate::telemetry::name(key), error, "this object cannot be read, and is left as it is; the others go on");
    }

    fn closed(&self, was_of_use: bool, version: String) -> Ended {
        let end = if was_of_use { End::Closed } else { End::ClosedBare };
        tracing::debug!(kind = self.kind, ?end, "watch closed");
        Ended {
            end,
            version: Some(version),
        }
    }

    fn silent(&mut self, version: String) -> Ended {
        // If it was the bookmarks that stayed away, they are waited for again once one comes.
        self.bookmarks = false;
        // Routine where little changes: no failure, and none that is counted.
        tracing::info!(
            kind = self.kind,
            "no bookmark or event arrived; the watch is opened again"
        );
        Ended {
            end: End::Silent,
            version: Some(version),
        }
    }

    fn failed(&mut self, error: &kube::Error, version: Option<String>) -> Ended {
        if let kube::Error::Api(status) = error {
            return self.failed_with(status, version);
        }
        let problem = speech_service::error::chain(error);
        if matches!(error, kube::Error::SerdeError(_)) {
            return self.refused(&problem, None, version);
        }
        self.unanswered(&problem, version)
    }

    fn failed_with(&mut self, status: &Status, version: Option<String>) -> Ended {
        self.hear();
        if status.code == 410 {
            tracing::info!(
                kind = self.kind,
                "the version to go on from is gone; the list is read anew"
            );
            return Ended {
                end: End::Expired,
                version: None,
            };
        }
        let wait = status.details.as_ref().map(|details| details.retry_after_seconds);
        let wait = wait
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds.into()));
        self.refused(&status.to_string(), wait, version)
    }

    fn refused(&mut self, problem: &str, wait: Option<Duration>, version: Option<String>) -> Ended {
        self.warn(problem);
        Ended {
            end: End::Refused(wait),
            version,
        }
    }

    fn unanswered(&mut self, problem: &str, version: Option<String>) -> Ended {
        self.warn(problem);
        Ended {
            end: End::Unanswered,
            version,
        }
    }

    fn warn(&self, problem: &str) {
        tracing::warn!(kind = self.kind, error = problem, "watch failed; it is tried again");
        self.context.metrics.watch_failed(&self.kind);
    }
}

fn key<K: Resource<DynamicType = ()>>(meta: &kube::core::ObjectMeta) -> ObjectRef<K> {
    let key = ObjectRef::new(meta.name.as_deref().unwrap_or_default());
    match &meta.namespace {
        Some(namespace) => key.within(namespace),
        None => key,
    }
}

/// A number from 0 to 1, another each time.
fn chance() -> f64 {
    let (number, _) = uuid::Uuid::new_v4().as_u64_pair();
    f64::from(u32::try_from(number >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests;
