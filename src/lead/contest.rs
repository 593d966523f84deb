//! The election on a thread of its own, which nothing else shares.
//!
//! Where the processor is scarce, a renewal that waits its turn behind the passes of thousands of objects comes too late: the
//! leader gives up, and the next one has as much to do. A thread of its own gets its turn from the system instead.
use super::{
    election::{Campaign, Lost},
    leadership::Leadership,
    lease::LeaseApi,
};
use std::{future::Future, io, thread};
use tokio::sync::oneshot;

/// Whether there is an election at all.
pub enum Election {
    /// Nobody else is there.
    Unopposed,
    /// One of several.
    Contested(Contest),
}

/// The right to act, as long as it lasts.
pub enum Mandate {
    /// For ever.
    Unopposed,
    /// As long as the Lease is renewed.
    Held(Held),
}

impl Election {
    /// What the rest of the process asks.
    pub fn leadership(&self) -> Leadership {
        match self {
            Self::Unopposed => Leadership::unrivalled(),
            Self::Contested(contest) => contest.leadership(),
        }
    }

    /// Stands by until we lead.
    pub async fn win(self) -> Mandate {
        match self {
            Self::Unopposed => Mandate::Unopposed,
            Self::Contested(contest) => Mandate::Held(contest.win().await),
        }
    }
}

impl Mandate {
    /// How often the Lease has changed hands.
    pub fn transitions(&self) -> i32 {
        match self {
            Self::Unopposed => 0,
            Self::Held(held) => held.transitions(),
        }
    }

    /// See [`Held::keep`].
    pub async fn keep(&mut self) -> Lost {
        match self {
            Self::Unopposed => std::future::pending().await,
            Self::Held(held) => held.keep().await,
        }
    }

    /// See [`Held::release`].
    pub async fn release(self) {
        match self {
            Self::Unopposed => {}
            Self::Held(held) => held.release().await,
        }
    }
}

/// A candidate that waits on its thread.
pub struct Contest {
    leadership: Leadership,
    begin: oneshot::Sender<()>,
    won: oneshot::Receiver<i32>,
    lost: oneshot::Receiver<Lost>,
    release: oneshot::Sender<()>,
}

/// The Lease is held from the thread, and renewed there until that fails or this is dropped.
pub struct Held {
    transitions: i32,
    /// Closed without a word when the thread has ended.
    lost: oneshot::Receiver<Lost>,
    release: oneshot::Sender<()>,
}

impl Contest {
    /// Starts the thread and makes the candidate there, where its connections live.
    ///
    /// # Errors
    /// When the thread cannot be started, or the candidate cannot be made.
    pub async fn prepare<L, E, F>(candidate: impl FnOnce() -> F + Send + 'static) -> Result<Self, E>
    where
        L: LeaseApi + 'static,
        E: From<io::Error> + Send + 'static,
        F: Future<Output = Result<Campaign<L>, E>>,
    {
        let (made, ready) = oneshot::channel();
        let (begin, begun) = oneshot::channel();
        let (win, won) = oneshot::channel();
        let (lose, lost) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = async move || {
            let campaign = match candidate().await {
                Ok(campaign) => campaign,
                Err(error) => return drop(made.send(Err(error))),
            };
            if made.send(Ok(campaign.leadership())).is_ok() && begun.await.is_ok() {
                contest(campaign, win, lose, released).await;
            }
        };
        let named = thread::Builder::new().name("election".to_owned());
        named.spawn(move || runtime.block_on(work()))?;
        let leadership = match ready.await {
            Ok(made) => made?,
            Err(_) => return Err(io::Error::other("the thread of the election ended").into()),
        };
        Ok(Self {
            leadership,
            begin,
            won,
            lost,
            release,
        })
    }

    /// What the rest of the process asks.
    pub fn leadership(&self) -> Leadership {
        self.leadership.clone()
    }

    /// Stands by until the Lease is ours; for ever where the thread is no more.
    pub async fn win(self) -> Held {
        let _ = self.begin.send(()); // a thread that is no more is noticed below
        match self.won.await {
            Ok(transitions) => Held {
                transitions,
                lost: self.lost,
                release: self.release,
            },
            Err(_) => std::future::pending().await,
        }
    }
}

/// What the thread does.
async fn contest<L: LeaseApi>(
    campaign: Campaign<L>,
    won: oneshot::Sender<i32>,
    lost: oneshot::Sender<Lost>,
    mut released: oneshot::Receiver<()>,
) {
    let mut reign = tokio::select! {
        reign = campaign.win() => reign,
        _ = &mut released => return,
    };
    if won.send(reign.transitions()).is_err() {
        return;
    }
    let asked = tokio::select! {
        why = reign.keep() => return drop(lost.send(why)),
        asked = &mut released => asked,
    };
    // Who only dropped it keeps what is left of the term.
    if asked.is_ok() {
        reign.release().await;
    }
}

impl Held {
    /// How often the Lease had changed hands when it became ours.
    pub fn transitions(&self) -> i32 {
        self.transitions
    }

    /// Waits until the Lease is lost; nothing may be changed from then on.
    pub async fn keep(&mut self) -> Lost {
        (&mut self.lost).await.unwrap_or(Lost::BrokeOff)
    }

    /// See [`Reign::release`](super::election::Reign::release).
    pub async fn release(self) {
        if self.release.send(()).is_ok() {
            let _ = self.lost.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::{Candidate, LeaseError, Timing};
    use k8s_openapi::api::coordination::v1::Lease;
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    /// A Lease in memory that nobody else wants.
    #[derive(Clone, Default)]
    struct Own(Arc<Mutex<Option<Lease>>>);

    impl Own {
        fn write(&self, lease: Lease) -> Lease {
            self.0.lock().unwrap().insert(lease).clone()
        }
    }

    impl LeaseApi for Own {
        async fn get(&self) -> Result<Option<Lease>, LeaseError> {
            Ok(self.0.lock().unwrap().clone())
        }

        async fn create(&self, lease: Lease) -> Result<Lease, LeaseError> {
            Ok(self.write(lease))
        }

        async fn replace(&self, mut lease: Lease) -> Result<Lease, LeaseError> {
            let written = lease.metadata.resource_version.take();
            let version = written.and_then(|version| version.parse::<u64>().ok()).unwrap_or(0) + 1;
            lease.metadata.resource_version = Some(version.to_string());
            Ok(self.write(lease))
        }

        fn won(&mut self, _: &Lease, _: &Candidate) {}

        async fn changed(&mut self) {
            std::future::pending().await
        }
    }

    async fn contest(lease: Own) -> Contest {
        let seconds = Duration::from_secs;
        let timing = Timing::new(seconds(3), seconds(2), seconds(1)).unwrap();
        let prepared = Contest::prepare(async move || {
            let campaign = Campaign::new(lease, Candidate::of_pod("one"), timing);
            Ok::<_, io::Error>(campaign)
        });
        prepared.await.unwrap()
    }

    #[tokio::test]
    async fn work_that_lets_nobody_else_have_a_turn_costs_no_lease() {
        let contest = contest(Own::default()).await;
        let leadership = contest.leadership();
        let mut held = contest.win().await;
        // Longer than the time after which the leader gives up. Everything of this process but the election stands still.
        thread::sleep(Duration::from_millis(2500));
        assert!(leadership.holds(), "{:?}", leadership.check());
        let lost = tokio::time::timeout(Duration::from_millis(1), held.keep()).await;
        assert!(lost.is_err(), "{lost:?}");
    }

    #[tokio::test]
    async fn the_lease_is_given_back_once_that_is_asked_for() {
        let lease = Own::default();
        let held = contest(lease.clone()).await.win().await;
        let holder = || {
            let lease = lease.0.lock().unwrap();
            let spec = lease.as_ref().and_then(|lease| lease.spec.as_ref());
            spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default()
        };
        assert!(holder().starts_with("one"), "{}", holder());
        held.release().await;
        assert_eq!(holder(), "");
    }
}
