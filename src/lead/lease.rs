//! The Lease in the cluster: what stands in it, and the three requests for it.
use super::{candidate::Candidate, decide::Seen, timing::LONGEST_TERM};
use futures::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use k8s_openapi::{
    api::{
        coordination::v1::{Lease, LeaseSpec},
        core::v1::ObjectReference,
        events::v1::Event,
    },
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api, Client, Resource,
    api::PostParams,
    runtime::{WatchStreamExt, watcher},
};
use speech_api::FIELD_MANAGER;
use std::{future::Future, time::Duration};

/// A request for the Lease that did not do what it was made for.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else wrote first: nothing was written.
    #[error("somebody else wrote the Lease meanwhile")]
    Conflict,
    /// There is no answer, or another refusal; a write may have been made all the same.
    #[error("the Lease could not be asked for")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The Lease, wherever it is.
pub trait LeaseApi {
    /// Reads it.
    fn get(&self) -> impl Future<Output = Result<Option<Lease>, LeaseError>>;
    fn create(&self, lease: Lease) -> impl Future<Output = Result<Lease, LeaseError>>;
    /// Replaces it, if it still has the resourceVersion that the new one carries.
    fn replace(&self, lease: Lease) -> impl Future<Output = Result<Lease, LeaseError>>;
    /// It is ours: tells everybody who looks at it, and watches it no more.
    fn won(&mut self, lease: &Lease, me: &Candidate);
    /// Ends when it may have changed.
    fn changed(&mut self) -> impl Future<Output = ()>;
}

/// The Lease of a cluster.
pub struct KubeLease {
    api: Api<Lease>,
    name: String,
    /// Only of who has to wait.
    changes: Option<BoxStream<'static, Result<watcher::Event<Lease>, watcher::Error>>>,
}

impl KubeLease {
    /// The Lease of a namespace by its name. The client must repeat nothing by itself, and must not be fenced.
    pub fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            changes: None,
        }
    }
}

impl LeaseApi for KubeLease {
    async fn get(&self) -> Result<Option<Lease>, LeaseError> {
        Ok(self.api.get_opt(&self.name).await?)
    }

    async fn create(&self, mut lease: Lease) -> Result<Lease, LeaseError> {
        lease.metadata.name = Some(self.name.clone());
        let created = self.api.create(&PostParams::default(), &lease).await;
        created.map_err(|error| match is_conflict(&error) {
            true => LeaseError::Conflict,
            false => error.into(),
        })
    }

    async fn replace(&self, lease: Lease) -> Result<Lease, LeaseError> {
        let replaced = self.api.replace(&self.name, &PostParams::default(), &lease).await;
        replaced.map_err(|error| match is_conflict(&error) || is_gone(&error) {
            true => LeaseError::Conflict,
            false => error.into(),
        })
    }

    fn won(&mut self, lease: &Lease, me: &Candidate) {
        self.changes = None;
        let event = became_leader(lease.object_ref(&()), me, Timestamp::now());
        let api: Api<Event> = Api::namespaced(
            self.api.clone().into_client(),
            event.metadata.namespace.as_deref().unwrap_or("default"),
        );
        tokio::spawn(async move {
            if let Err(error) = api.create(&PostParams::default(), &event).await {
                tracing::debug!(%error, "the event on the Lease could not be published");
            }
        });
    }

    /// A watch that cannot be had is no trouble: the Lease is looked at in any case, a little later.
    async fn changed(&mut self) {
        let changes = self.changes.get_or_insert_with(|| {
            let this = watcher::Config::default().fields(&format!("metadata.name={}", self.name));
            watcher(self.api.clone(), this).default_backoff().boxed()
        });
        loop {
            match changes.next().await {
                Some(Ok(watcher::Event::Apply(_) | watcher::Event::Delete(_))) => return,
                Some(Ok(watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::InitDone)) => {}
                Some(Err(error)) => tracing::debug!(%error, "the watch of the Lease failed; it is tried again"),
                None => std::future::pending().await,
            }
        }
    }
}

impl From<kube::Error> for LeaseError {
    fn from(error: kube::Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Another version, or there already: somebody else was here.
fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_conflict() || status.is_already_exists())
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_not_found())
}

/// The event that Kubernetes' own controllers publish.
fn became_leader(regarding: ObjectReference, me: &Candidate, now: Timestamp) -> Event {
    Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", regarding.name.as_deref().unwrap_or_default())),
            namespace: regarding.namespace.clone(),
            ..ObjectMeta::default()
        },
        type_: Some("Normal".to_owned()),
        reason: Some("LeaderElection".to_owned()),
        action: Some("Lead".to_owned()),
        note: Some(format!("{me} became leader")),
        event_time: Some(MicroTime(now)),
        regarding: Some(regarding),
        reporting_controller: Some(format!("customspeech.dev/{FIELD_MANAGER}")),
        reporting_instance: Some(me.pod().to_owned()),
        ..Event::default()
    }
}

fn spec(lease: &Lease) -> LeaseSpec {
    lease.spec.clone().unwrap_or_default()
}

/// What a Lease says.
pub fn read(lease: &Lease) -> Seen {
    let spec = spec(lease);
    let seconds = spec
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    Seen::There {
        holder: spec.holder_identity.unwrap_or_default(),
        // A number that is no term would keep everybody out for ever, or nobody.
        term: Duration::from_secs(seconds.unwrap_or(15)).clamp(Duration::from_secs(1), LONGEST_TERM),
    }
}

/// How often the Lease has changed hands.
pub fn transitions(lease: &Lease) -> i32 {
    spec(lease).lease_transitions.unwrap_or_default()
}

/// The Lease in our name: claimed when it was another's, prolonged when it was ours.
pub fn hold(lease: Option<&Lease>, me: &Candidate, term: Duration, now: Timestamp) -> Lease {
    let mut held = lease.cloned().unwrap_or_default();
    let before = spec(&held);
    let is_ours = before.holder_identity.as_deref().is_some_and(|holder| me.is(holder));
    let count = before.lease_transitions.unwrap_or_default();
    held.spec = Some(LeaseSpec {
        holder_identity: Some(me.to_string()),
        lease_duration_seconds: i32::try_from(term.as_secs()).ok(),
        acquire_time: before.acquire_time.filter(|_| is_ours).or(Some(MicroTime(now))),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if is_ours || lease.is_none() {
            count
        } else {
            count.saturating_add(1)
        }),
        ..before
    });
    held
}

/// The Lease in nobody's name.
pub fn release(lease: &Lease, now: Timestamp) -> Lease {
    let mut free = lease.clone();
    free.spec = Some(LeaseSpec {
        holder_identity: Some(String::new()),
        // For those who do not know that an empty name means nobody.
        lease_duration_seconds: Some(1),
        renew_time: Some(MicroTime(now)),
        ..spec(lease)
    });
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_lease_is_claimed_prolonged_and_released() {
        let (a, b) = (Candidate::of_pod("a"), Candidate::of_pod("b"));
        let term = Duration::from_secs(15);
        let first = hold(None, &a, term, at("2026-11-21T10:00:00Z"));
        assert_eq!(
            (transitions(&first), read(&first)),
            (
                0,
                Seen::There {
                    holder: a.to_string(),
                    term
                }
            )
        );
        let prolonged = hold(Some(&first), &a, term, at("2026-11-21T10:00:03Z"));
        let kept = prolonged.spec.clone().unwrap();
        assert_eq!(kept.acquire_time, first.spec.unwrap().acquire_time);
        assert_eq!(kept.renew_time, Some(MicroTime(at("2026-11-21T10:00:03Z"))));
        let freed = release(&prolonged, at("2026-11-21T10:00:04Z"));
        assert!(matches!(read(&freed), Seen::There { holder, .. } if holder.is_empty()));
        let taken = hold(Some(&freed), &b, term, at("2026-11-21T10:00:05Z"));
        assert_eq!(
            (transitions(&taken), read(&taken)),
            (
                1,
                Seen::There {
                    holder: b.to_string(),
                    term
                }
            )
        );
        assert_eq!(
            taken.spec.unwrap().acquire_time,
            Some(MicroTime(at("2026-11-21T10:00:05Z")))
        );
    }

    #[test]
    fn a_term_that_makes_no_sense_keeps_nobody_out_for_ever() {
        for (written, understood) in [(None, 15), (Some(-5), 15), (Some(0), 1), (Some(i32::MAX), 600)] {
            let spec = LeaseSpec {
                lease_duration_seconds: written,
                ..LeaseSpec::default()
            };
            let lease = Lease {
                spec: Some(spec),
                ..Lease::default()
            };
            let term = Duration::from_secs(understood);
            assert_eq!(
                read(&lease),
                Seen::There {
                    holder: String::new(),
                    term
                }
            );
        }
    }
}
